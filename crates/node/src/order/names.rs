//! The names by which users call groups: the first resource word, another word, or the beginning of one.

use std::collections::BTreeSet;
use std::net::IpAddr;
use systole_core::{Group, GroupId, ResourceKind, Settings};

/// A request names something that does not exist or is ambiguous.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum UnknownName {
    /// A node that is not one of the other nodes in `ha.cf`.
    #[error("{0} is not another node of this cluster")]
    Node(String),
    /// A group that is not in `haresources`.
    #[error("there is no group {name}; groups are {groups}")]
    Group {
        /// The name in the request.
        name: String,
        /// The existing groups.
        groups: String,
    },
    /// A name that several groups have.
    #[error("{name} could be any of {groups}")]
    Ambiguous {
        /// The name in the request.
        name: String,
        /// The groups that it may mean.
        groups: String,
    },
}

/// Returns the group of a name: its first resource word, else a resource word that no other group has, else
/// an address likewise, else the beginning of such words of only one group.
///
/// # Errors
///
/// When no group has this name, or several have it.
pub(super) fn group(settings: &Settings, name: &str) -> Result<GroupId, UnknownName> {
    let is_first = |group: &Group| group.name() == name;
    let address: Option<IpAddr> = name.parse().ok();
    let has_address = |group: &Group| {
        let is_it = |kind: &ResourceKind| match kind {
            ResourceKind::Address(spec) => Some(spec.address) == address,
            ResourceKind::Agent { .. } => false,
        };
        group.resources.iter().any(|it| is_it(&it.kind))
    };
    let has_word = |group: &Group| group.resources.iter().any(|it| it.word == name);
    // 10.0.0.1 must not mean 10.0.0.10.
    let begins = |group: &Group| {
        address.is_none() && group.resources.iter().any(|it| it.word.starts_with(name))
    };
    let tries: [&dyn Fn(&Group) -> bool; 4] = [&is_first, &has_word, &has_address, &begins];
    for fits in tries {
        let all = settings.known_groups();
        let mut found: Vec<(GroupId, &Group)> = all.filter(|(_, group)| fits(group)).collect();
        // A changed group has the same name as the group that it replaces.
        if found.iter().any(|(_, group)| !group.is_retired) {
            found.retain(|(_, group)| !group.is_retired);
        }
        match found.as_slice() {
            [] => {}
            [(id, _)] => return Ok(*id),
            several => {
                let groups = several.iter().map(|(_, group)| *group);
                return Err(UnknownName::Ambiguous { name: name.into(), groups: list(groups) });
            }
        }
    }
    Err(UnknownName::Group {
        name: name.into(),
        groups: list(settings.known_groups().map(|(_, it)| it).filter(|it| !it.is_retired)),
    })
}

fn list<'a>(groups: impl Iterator<Item = &'a Group>) -> String {
    let names: BTreeSet<&str> = groups.map(Group::name).collect();
    let names: Vec<&str> = names.into_iter().collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::tests::settings;
    use systole_core::{AddressSpec, GroupKey, NodeId, Resource};

    fn line(words: &[&str], is_retired: bool) -> Group {
        let resource = |word: &&str| {
            let address =
                word.rsplit("::").next().and_then(|it| it.split('/').next()?.parse().ok());
            let address = address.map(|address| {
                let (prefix, interface, broadcast) = (None, None, None);
                ResourceKind::Address(AddressSpec { address, prefix, interface, broadcast })
            });
            let agent = || ResourceKind::Agent { name: (*word).into(), arguments: Vec::new() };
            Resource { word: (*word).into(), kind: address.unwrap_or_else(agent) }
        };
        let resources = words.iter().map(resource).collect();
        Group {
            key: GroupKey::of(words.iter().copied()),
            preferred: NodeId(0),
            resources,
            is_retired,
        }
    }

    #[test]
    fn group_is_found_by_its_address_whatever_its_first_word() {
        let mut settings = settings();
        settings.groups = vec![
            line(&["IPaddr2::10.0.0.9/24/eth0", "web"], false),
            line(&["db", "10.0.0.10/24"], false),
            line(&["IPaddr2::10.0.0.9/24/eth0"], true),
        ];
        assert_eq!(group(&settings, "10.0.0.9"), Ok(GroupId(0)));
        assert_eq!(group(&settings, "10.0.0.10"), Ok(GroupId(1)));
        let unknown = group(&settings, "10.0.0.1").unwrap_err().to_string();
        let groups = "IPaddr2::10.0.0.9/24/eth0, db";
        assert_eq!(unknown, format!("there is no group 10.0.0.1; groups are {groups}"));
    }
}
