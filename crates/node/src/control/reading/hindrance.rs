//! Changed lines that could not start on this node, because an agent or an interface does not exist.

use super::Steps;
use std::path::Path;
use systole_config::Config;
use systole_core::{Group, GroupKey, Resource, ResourceKind};
use systole_facts::{has_agent, interface_names};

/// A line that changes and could no longer be started on this node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::control) struct Hindrance {
    /// The line before the change.
    pub(in crate::control) before: GroupKey,
    /// What is missing, in words.
    pub(in crate::control) text: String,
}

/// Returns what keeps changed lines from starting on this node.
pub(super) fn find(
    directory: &Path,
    before: &Config,
    after: &Config,
    steps: &Steps,
) -> Vec<Hindrance> {
    let interfaces = interface_names();
    let lacks = |resource: &Resource| match &resource.kind {
        ResourceKind::Agent { .. } => {
            steps.tell(format!("looking for the agent of {}", resource.word));
            let is_there = has_agent(directory, &resource.word);
            (!is_there).then(|| format!("there is no agent for `{}`", resource.word))
        }
        ResourceKind::Address(spec) => {
            let name = spec.interface.as_ref()?;
            // An interface counts as present if the interfaces cannot be listed.
            let is_gone = interfaces.as_ref().is_some_and(|all| !all.contains(name));
            is_gone.then(|| format!("there is no interface {name} for `{}`", resource.word))
        }
    };
    find_with(lacks, &before.groups, &after.groups)
}

/// `lacks` returns what a resource needs and this node does not have.
fn find_with(
    lacks: impl Fn(&Resource) -> Option<String>,
    before: &[Group],
    after: &[Group],
) -> Vec<Hindrance> {
    let is_in = |groups: &[Group], key| groups.iter().any(|group| group.key == key);
    let added = after.iter().filter(|group| !is_in(before, group.key));
    let mut hindrances = Vec::new();
    for group in added {
        let Some(missing) = group.resources.iter().find_map(&lacks) else { continue };
        let gone = before.iter().filter(|old| !is_in(after, old.key));
        let replaced = gone.filter(|old| old.name() == group.name() || old.shares_with(group));
        hindrances.extend(replaced.map(|old| Hindrance {
            before: old.key,
            text: format!(
                "{} runs here, and would be stopped for a line that cannot start: {missing}. Fix \
                 that (`hb check` says more), or hand the group over before (`hb standby --group \
                 {0}`)",
                old.name()
            ),
        }));
    }
    hindrances
}

#[cfg(test)]
mod tests {
    use super::*;
    use systole_core::NodeId;

    fn group(words: &[&str]) -> Group {
        let resource = |word: &&str| Resource {
            word: (*word).to_owned(),
            kind: ResourceKind::Agent { name: (*word).to_owned(), arguments: Vec::new() },
        };
        Group {
            key: GroupKey::of(words.iter().copied()),
            preferred: NodeId(0),
            resources: words.iter().map(resource).collect(),
            is_retired: false,
        }
    }

    #[test]
    fn replaced_line_is_hindered_only_by_newly_missing_agent() {
        let lacks = |it: &Resource| (it.word == "gone").then(|| "it is missing".to_owned());
        let find = |before: &[&[&str]], after: &[&[&str]]| -> Vec<GroupKey> {
            let groups = |lines: &[&[&str]]| lines.iter().map(|words| group(words)).collect();
            let (before, after): (Vec<Group>, Vec<Group>) = (groups(before), groups(after));
            find_with(lacks, &before, &after).into_iter().map(|it| it.before).collect()
        };
        let web = group(&["web", "log"]).key;
        assert_eq!(find(&[&["web", "log"]], &[&["web", "gone"]]), [web], "the same name");
        assert_eq!(find(&[&["web", "log"]], &[&["gone", "log"]]), [web], "a resource of it");
        assert_eq!(find(&[&["web", "log"]], &[&["web", "cron"]]), [], "nothing is missing");
        assert_eq!(
            find(&[&["web", "log"]], &[&["web", "log"], &["gone"]]),
            [],
            "nothing is replaced"
        );
        assert_eq!(find(&[&["gone", "log"]], &[&["gone", "log"]]), [], "it was missing before");
        assert_eq!(find(&[&["web", "log"]], &[&["other", "gone"]]), [], "it is removed");
    }
}
