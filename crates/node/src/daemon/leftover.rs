//! Groups that run on this node although their line is no longer in haresources.
//!
//! An orderly reload or restart stores the lines that it gives up. A daemon that dies between the change of
//! a file and its reload stores nothing, but the executor knows what it has started.

use crate::beat::executor::{Greeting, group_of};
use crate::log::{Level, Line, Log};
use systole_agents::protocol::Held;
use systole_core::{Group, GroupKey, NodeId, Settings};

/// Retires the groups that run here without a line, and then the lines that an earlier daemon gave up. If
/// there is not enough room, running groups have priority.
pub(super) fn retire(
    settings: &mut Settings,
    listed: &[Held],
    greeting: Option<&Greeting>,
    stored: &[Group],
    log: &mut Log,
) {
    let greeted = greeting.map_or(&[][..], |greeting| &greeting.held);
    let all = || listed.iter().chain(greeted);
    let running: Vec<_> = all()
        .filter(|held| group_of(settings, held.group).is_none())
        .map(|held| group(settings, stored, held))
        .collect();
    settings.retire(&running);
    settings.retire(stored);
    let mut told: Vec<GroupKey> = Vec::new();
    for held in all().filter(|held| running.iter().any(|group| group.key == held.group)) {
        if told.contains(&held.group) {
            continue;
        }
        told.push(held.group);
        let name = &held.group_name;
        log.write(&if group_of(settings, held.group).is_some() {
            let text = format!("{name} runs here but is no longer in haresources: stopping it");
            Line::new(Level::Info, text)
        } else {
            let text = format!(
                "{name} runs here but is no longer in haresources, and there is no room for it \
                 among the groups: stopping it without telling the other nodes"
            );
            Line::new(Level::Error, text)
        });
    }
}

/// Returns the group of held resources: the line as it was stored, or what is known about it.
fn group(settings: &Settings, stored: &[Group], held: &Held) -> Group {
    if let Some(group) = stored.iter().find(|group| group.key == held.group) {
        return group.clone();
    }
    let preferred = preferred(settings, held).unwrap_or(settings.me);
    Group { key: held.group, preferred, resources: held.resources.clone(), is_retired: true }
}

/// Returns the node whose name began the line. The key of a line is made of this name and of all words, so
/// that the node is found if all resources of the line run.
fn preferred(settings: &Settings, held: &Held) -> Option<NodeId> {
    settings.node_ids().find(|node| {
        let words = held.resources.iter().map(|resource| resource.word.as_str());
        GroupKey::of(std::iter::once(settings.name(*node)).chain(words)) == held.group
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::tests::settings;
    use systole_core::{GROUPS_MAX, Resource, ResourceKind};

    fn agent(word: &str) -> Resource {
        let kind = ResourceKind::Agent { name: word.to_owned(), arguments: Vec::new() };
        Resource { word: word.to_owned(), kind }
    }

    fn held(key: GroupKey, words: &[&str]) -> Held {
        let resources = words.iter().map(|word| agent(word)).collect();
        Held { group: key, group_name: words[0].to_owned(), term: 3, resources }
    }

    fn retired(listed: &[Held], greeted: &[Held], stored: &[Group]) -> Vec<Group> {
        let mut settings = settings();
        let lines = settings.groups.len();
        let greeting = Greeting { held: greeted.to_vec(), unfinished: Vec::new() };
        let mut log = Log::on_stderr("web1");
        retire(&mut settings, listed, Some(&greeting), stored, &mut log);
        settings.groups.split_off(lines)
    }

    #[test]
    fn leftover_becomes_retired_group_of_preferred_node_if_line_is_whole() {
        let whole = held(GroupKey::of(["web1", "one", "two"]), &["one", "two"]);
        let part = held(GroupKey::of(["web2", "three", "four"]), &["three"]);
        let found = retired(std::slice::from_ref(&whole), &[whole.clone(), part.clone()], &[]);
        let expected = [(&whole, NodeId(0)), (&part, settings().me)].map(|(held, preferred)| {
            let resources = held.resources.clone();
            Group { key: held.group, preferred, resources, is_retired: true }
        });
        assert_eq!(found, expected);
    }

    #[test]
    fn stored_line_completes_leftover_running_in_part() {
        let stored = |key: u32| Group {
            key: GroupKey(key),
            preferred: NodeId(1),
            resources: vec![agent("one"), agent("two")],
            is_retired: true,
        };
        let found = retired(&[held(GroupKey(2), &["two"])], &[], &[stored(1), stored(2)]);
        assert_eq!(found, [stored(2), stored(1)], "what runs comes first");
    }

    #[test]
    fn leftover_in_known_line_is_not_retired_and_groups_are_bounded() {
        let known = settings().groups[0].key;
        let mut all: Vec<_> = (0..)
            .take(GROUPS_MAX + 9)
            .map(|number| held(GroupKey(0x9000_0000 + number), &["one"]))
            .collect();
        all.insert(0, held(known, &["one"]));
        let found = retired(&all, &[], &[]);
        assert_eq!(found.len() + settings().groups.len(), GROUPS_MAX);
        assert!(found.iter().all(|group| group.key != known));
    }
}
