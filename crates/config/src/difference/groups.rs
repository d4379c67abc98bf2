//! Lines of haresources that were added, changed or removed.

use super::{Effect, Found};
use crate::config::Config;
use systole_core::Group;

const ADDED: &str = "group added: ";
const REMOVED: &str = "group removed: ";
const CHANGED: &str = "group changed: ";
const IT_WAS: &str = " (it was: ";
const OTHER_ORDER: &str = "groups: in another order";

/// What the text of a change says about lines of haresources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineChange<'a> {
    /// This line was added.
    Added(&'a str),
    /// This line was removed.
    Removed(&'a str),
    /// The first line replaces the second line, which had the same name.
    Changed(&'a str, &'a str),
    /// The order of the lines has changed, and no line.
    Order,
}

impl<'a> LineChange<'a> {
    /// Reads the text of a change; `None` if it is not about lines of haresources.
    #[must_use]
    pub fn of(text: &'a str) -> Option<Self> {
        if let Some(lines) = text.strip_prefix(CHANGED) {
            let (line, was) = lines.strip_suffix(')')?.split_once(IT_WAS)?;
            return Some(Self::Changed(line, was));
        }
        let added = text.strip_prefix(ADDED).map(Self::Added);
        let removed = text.strip_prefix(REMOVED).map(Self::Removed);
        added.or(removed).or_else(|| (text == OTHER_ORDER).then_some(Self::Order))
    }

    /// Returns the name of the group whose line has changed.
    #[must_use]
    pub fn group(self) -> Option<&'a str> {
        match self {
            Self::Added(line) | Self::Removed(line) | Self::Changed(line, _) => {
                line.split(' ').nth(1)
            }
            Self::Order => None,
        }
    }
}

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
                format!("{CHANGED}{}{IT_WAS}{})", line(new, group), line(old, &was))
            }
            None => format!("{ADDED}{}", line(new, group)),
        };
        found.push(text, Effect::Live);
    }
    for group in gone.iter().filter(|group| same_name(&fresh, group).is_none()) {
        found.push(format!("{REMOVED}{}", line(old, group)), Effect::Live);
    }
    let keys = |groups: &[Group]| groups.iter().map(|group| group.key).collect::<Vec<_>>();
    if found.changes.len() == before && keys(&old.groups) != keys(groups) {
        found.push(OTHER_ORDER.to_owned(), Effect::Live);
    }
}

/// Returns a group as its line in haresources.
fn line(config: &Config, group: &Group) -> String {
    let nodes = config.sorted_nodes();
    let node = nodes.get(group.preferred.index()).map_or("?", String::as_str);
    let words = group.resources.iter().map(|resource| resource.word.as_str());
    std::iter::once(node).chain(words).collect::<Vec<_>>().join(" ")
}
