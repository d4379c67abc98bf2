//! The groups that run on this node, according to the events.

use super::reading::job::Hindrance;
use std::collections::BTreeSet;
use systole_core::{Event, GroupKey, Phase, Settings};

/// The lines of groups that this node runs.
#[derive(Debug, Default)]
pub(super) struct Running(BTreeSet<GroupKey>);

impl Running {
    /// Records a change of owner or phase.
    pub(super) fn note(&mut self, settings: &Settings, event: &Event) {
        let Event::Ownership { group, owner, phase, .. } = event else { return };
        let Some(group) = settings.groups.get(group.index()) else { return };
        if *owner == settings.me && *phase == Phase::Active {
            self.0.insert(group.key);
        } else {
            self.0.remove(&group.key);
        }
    }

    /// Returns why a running group would be stopped for a line that cannot start.
    pub(super) fn stopped_in_vain(&self, hindrances: &[Hindrance]) -> Option<String> {
        let hindrance = hindrances.iter().find(|it| self.0.contains(&it.before));
        hindrance.map(|it| it.text.clone())
    }
}
