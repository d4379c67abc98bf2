//! Groups that are in the files no more, and that another node may still have.

use super::{State, StateError, read, replace};
use serde::{Deserialize, Serialize};
use systole_core::{GROUPS_MAX, Group, GroupKey, Resource, Settings};

pub(super) const NAME: &str = "systole.retired";

/// A group, with its preferred node by name.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    key: GroupKey,
    preferred: String,
    resources: Vec<Resource>,
}

impl State {
    /// The groups that were stored. Lines that make no sense are left out.
    ///
    /// # Errors
    ///
    /// When there is a file that cannot be read.
    pub fn retired(&self, settings: &Settings) -> Result<Vec<Group>, StateError> {
        let Some(bytes) = read(&self.path(NAME))? else { return Ok(Vec::new()) };
        let group = |line: &[u8]| {
            let Record { key, preferred, resources } = serde_json::from_slice(line).ok()?;
            let preferred = settings.node(&preferred)?;
            Some(Group { key, preferred, resources, is_retired: true })
        };
        let lines = bytes.split(|byte| *byte == b'\n');
        Ok(lines.filter_map(group).take(GROUPS_MAX).collect())
    }

    /// Stores the groups that the settings to come have no more, one JSON object a line, in place of
    /// what was stored. Returns when it is on the disk.
    ///
    /// # Errors
    ///
    /// When it cannot be stored; what was stored before is still there.
    pub fn store_retired(&self, settings: &Settings, next: &Settings) -> Result<(), StateError> {
        let is_gone = |group: &&Group| next.groups.iter().all(|other| other.key != group.key);
        let mut text = Vec::new();
        for group in settings.groups.iter().filter(is_gone) {
            let record = Record {
                key: group.key,
                preferred: settings.name(group.preferred).to_owned(),
                resources: group.resources.clone(),
            };
            // A record of words and numbers can be written.
            if let Ok(line) = serde_json::to_vec(&record) {
                text.extend(line);
                text.push(b'\n');
            }
        }
        replace(&self.path(NAME), &text)
    }
}
