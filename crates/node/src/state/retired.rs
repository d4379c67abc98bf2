//! Groups that are no longer in the files, and that another node may still have.

use super::{State, StateError, read_up_to, replace, too_long};
use serde::{Deserialize, Serialize};
use systole_core::{GROUPS_MAX, Group, GroupKey, Resource, Settings};

pub(super) const NAME: &str = "systole.retired";

/// Maximum size of the file in bytes: the largest `haresources` as JSON, in which each word occurs twice.
const FILE_MAX: u64 = 16 << 20;

/// A group, with its preferred node by name.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    key: GroupKey,
    preferred: String,
    resources: Vec<Resource>,
}

impl State {
    /// Returns the groups that were stored. Lines that make no sense are left out.
    ///
    /// # Errors
    ///
    /// When the file exists but cannot be read.
    pub fn retired(&self, settings: &Settings) -> Result<Vec<Group>, StateError> {
        let Some(bytes) = read_up_to(&self.path(NAME), FILE_MAX)? else { return Ok(Vec::new()) };
        let group = |line: &[u8]| {
            let Record { key, preferred, resources } = serde_json::from_slice(line).ok()?;
            let preferred = settings.node(&preferred)?;
            Some(Group { key, preferred, resources, is_retired: true })
        };
        let lines = bytes.split(|byte| *byte == b'\n');
        Ok(lines.filter_map(group).take(GROUPS_MAX).collect())
    }

    /// Stores the groups that the next settings no longer have, one JSON object per line, replacing what
    /// was stored. Returns when they are on the disk.
    ///
    /// # Errors
    ///
    /// When they cannot be stored; what was stored before is still there.
    pub fn store_retired(&self, settings: &Settings, next: &Settings) -> Result<(), StateError> {
        let is_gone = |group: &&Group| next.groups.iter().all(|other| other.key != group.key);
        let mut text = Vec::new();
        for group in settings.known_groups().map(|(_, group)| group).filter(is_gone) {
            let record = Record {
                key: group.key,
                preferred: settings.name(group.preferred).to_owned(),
                resources: group.resources.clone(),
            };
            // A record of words and numbers can always be encoded.
            if let Ok(line) = serde_json::to_vec(&record) {
                text.extend(line);
                text.push(b'\n');
            }
        }
        let path = self.path(NAME);
        if text.len() as u64 > FILE_MAX {
            return Err(StateError::Write { path, source: too_long(FILE_MAX) });
        }
        replace(&path, &text)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::settings;
    use super::*;
    use systole_core::ResourceKind;

    #[test]
    fn retired_lines_at_limit_are_recalled_and_overlong_file_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let (state, _) = State::open(directory.path()).unwrap();
        let next = settings();
        let mut before = settings();
        let mut number = 0;
        while before.groups.len() < GROUPS_MAX {
            number += 1;
            let resource = |part: u32| {
                let word = format!("agent::{number:0>100}::{part:0>100}");
                let kind = ResourceKind::Agent { name: word.clone(), arguments: Vec::new() };
                Resource { word, kind }
            };
            let resources = (0..8).map(resource).collect();
            let (key, preferred) = (GroupKey(0x8000_0000 + number), before.me);
            before.groups.push(Group { key, preferred, resources, is_retired: true });
        }
        state.store_retired(&before, &next).unwrap();
        assert_eq!(state.retired(&next).unwrap(), before.groups[next.groups.len()..]);
        let file = std::fs::OpenOptions::new().write(true).open(directory.path().join(NAME));
        file.unwrap().set_len(FILE_MAX + 1).unwrap();
        let error = state.retired(&next).unwrap_err();
        assert!(matches!(error, StateError::Read { .. }), "{error:?}");
    }
}
