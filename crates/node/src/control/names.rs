//! How people call groups: by the first word of the resources, another word, or how one begins.

use systole_core::{Group, GroupId, Settings};

/// A request names what is not there, or could be several things.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum UnknownName {
    /// A node that is none of the others in `ha.cf`.
    #[error("{0} is not another node of this cluster")]
    Node(String),
    /// A group that is not in `haresources`.
    #[error("there is no group {name}; groups are {groups}")]
    Group {
        /// What was asked for.
        name: String,
        /// The groups there are.
        groups: String,
    },
    /// A name that several groups have.
    #[error("{name} could be any of {groups}")]
    Ambiguous {
        /// What was asked for.
        name: String,
        /// The groups that it could be.
        groups: String,
    },
}

/// The group of a name: its first resource word, else a resource word that no other group has,
/// else how such words of only one group begin.
///
/// # Errors
///
/// When no group is called so, or several are.
pub(super) fn group(settings: &Settings, name: &str) -> Result<GroupId, UnknownName> {
    let is_first = |group: &Group| group.name() == name;
    let has_word = |group: &Group| group.resources.iter().any(|it| it.word == name);
    let begins = |group: &Group| group.resources.iter().any(|it| it.word.starts_with(name));
    let tries: [&dyn Fn(&Group) -> bool; 3] = [&is_first, &has_word, &begins];
    for fits in tries {
        let all = settings.group_ids().zip(&settings.groups);
        let mut found: Vec<(GroupId, &Group)> = all.filter(|(_, group)| fits(group)).collect();
        // A changed group has the name of the one that it replaces.
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
    Err(UnknownName::Group { name: name.into(), groups: list(settings.groups.iter()) })
}

fn list<'a>(groups: impl Iterator<Item = &'a Group>) -> String {
    let names: Vec<&str> = groups.map(Group::name).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
