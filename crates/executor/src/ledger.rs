//! The record of what the executor holds.

use crate::protocol::Held;
use systole_core::{GroupKey, Resource};

/// The resources that were started and not stopped, by group.
///
/// A resource is entered before its start and removed after its stop, so that a half-started resource is in
/// the ledger.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    groups: Vec<Held>,
}

impl Ledger {
    /// Creates a ledger with what an earlier executor of this boot left.
    pub(crate) const fn new(groups: Vec<Held>) -> Self {
        Self { groups }
    }

    /// All groups that have resources.
    pub(crate) fn groups(&self) -> &[Held] {
        &self.groups
    }

    /// Whether nothing is held.
    pub(crate) fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// Whether a resource of a group is held.
    pub(crate) fn has(&self, group: GroupKey, resource: &Resource) -> bool {
        let mut held = self.groups.iter().filter(|held| held.group == group);
        held.any(|held| held.resources.contains(resource))
    }

    /// Enters resources that are about to be started, under the names that `of` gives. Returns those that
    /// are new, and whether anything has changed.
    pub(crate) fn enter(&mut self, of: &Held) -> (Vec<Resource>, bool) {
        let at = self.groups.iter().position(|held| held.group == of.group);
        let at = at.unwrap_or_else(|| {
            self.groups.push(Held { resources: Vec::new(), ..of.clone() });
            self.groups.len() - 1
        });
        let held = &mut self.groups[at];
        let is_new = |resource: &&Resource| !held.resources.contains(resource);
        let new: Vec<_> = of.resources.iter().filter(is_new).cloned().collect();
        let changed = !new.is_empty() || held.term != of.term || held.group_name != of.group_name;
        held.term = of.term;
        held.group_name.clone_from(&of.group_name);
        held.resources.extend(new.iter().cloned());
        (new, changed)
    }

    /// Removes resources that were stopped. Returns whether anything has changed.
    pub(crate) fn strike(&mut self, group: GroupKey, stopped: &[Resource]) -> bool {
        let count = |groups: &[Held]| groups.iter().map(|held| held.resources.len()).sum::<usize>();
        let before = count(&self.groups);
        for held in self.groups.iter_mut().filter(|held| held.group == group) {
            held.resources.retain(|resource| !stopped.contains(resource));
        }
        self.groups.retain(|held| !held.resources.is_empty());
        before != count(&self.groups)
    }

    /// Every held address, with its group.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = (GroupKey, &Resource)> {
        let all = self
            .groups
            .iter()
            .flat_map(|held| held.resources.iter().map(move |resource| (held.group, resource)));
        all.filter(|(_, resource)| resource.is_address())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use systole_core::ResourceKind;

    fn agent(name: &str) -> Resource {
        let kind = ResourceKind::Agent { name: name.into(), arguments: Vec::new() };
        Resource { word: name.into(), kind }
    }

    fn held(resources: Vec<Resource>) -> Held {
        Held { group: GroupKey(1), group_name: "web".into(), term: 4, resources }
    }

    #[test]
    fn ledger_keeps_entries_in_start_order_until_struck_out() {
        let mut ledger = Ledger::default();
        assert_eq!(ledger.enter(&held(vec![agent("a")])), (vec![agent("a")], true));
        assert_eq!(ledger.enter(&held(vec![agent("a")])), (Vec::new(), false));
        assert_eq!(ledger.enter(&held(vec![agent("b"), agent("a")])), (vec![agent("b")], true));
        assert_eq!(ledger.groups(), [held(vec![agent("a"), agent("b")])]);
        let later = Held { term: 5, ..held(vec![agent("a")]) };
        assert_eq!(ledger.enter(&later), (Vec::new(), true), "the term has changed");

        assert!(ledger.has(GroupKey(1), &agent("a")) && !ledger.has(GroupKey(2), &agent("a")));
        assert!(ledger.strike(GroupKey(1), &[agent("a")]));
        assert!(!ledger.strike(GroupKey(1), &[agent("a")]));
        assert!(ledger.strike(GroupKey(1), &[agent("b")]));
        assert!(ledger.is_empty());
    }
}
