//! Lines of haresources that were added, changed or removed.

use super::{Effect, Found};
use crate::config::Config;
use systole_core::Group;

/// Compares the groups. A new group with the name of a removed group counts as changed.
pub(super) fn compare(old: &Config, new: &Config, groups: &[Group], found: &mut Found) {
    let before = found.changes.len();
    let is_in = |groups: &[Group], group: &Group| groups.iter().any(|it| it.key == group.key);
    let gone: Vec<&Group> = old.groups.iter().filter(|group| !is_in(groups, group)).collect();
    let fresh: Vec<&Group> = groups.iter().filter(|group| !is_in(&old.groups, group)).collect();
    let same_name = |groups: &[&Group], one: &Group| {
        groups.iter().find(|group| group.name() == one.name()).map(|group| (*group).clone())
    };
    for group in &fresh {
        let text = match same_name(&gone, group) {
            Some(was) => {
                format!("group changed: {} (it was: {})", line(new, group), line(old, &was))
            }
            None => format!("group added: {}", line(new, group)),
        };
        found.push(text, Effect::Live);
    }
    for group in gone.iter().filter(|group| same_name(&fresh, group).is_none()) {
        found.push(format!("group removed: {}", line(old, group)), Effect::Live);
    }
    let keys = |groups: &[Group]| groups.iter().map(|group| group.key).collect::<Vec<_>>();
    if found.changes.len() == before && keys(&old.groups) != keys(groups) {
        found.push("groups: in another order".to_owned(), Effect::Live);
    }
}

/// Returns a group as its line in haresources.
fn line(config: &Config, group: &Group) -> String {
    let nodes = config.sorted_nodes();
    let node = nodes.get(group.preferred.index()).map_or("?", String::as_str);
    let words = group.resources.iter().map(|resource| resource.word.as_str());
    std::iter::once(node).chain(words).collect::<Vec<_>>().join(" ")
}
