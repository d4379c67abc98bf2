//! Groups that are here because of an order, although their home is another node.

use super::{State, StateError, read, replace};
use systole_core::{GROUPS_MAX, GroupKey};

pub(super) const NAME: &str = "systole.kept";

impl State {
    /// Returns the groups that an order has moved to this node. Lines that make no sense are left out.
    ///
    /// # Errors
    ///
    /// When the file exists but cannot be read.
    pub fn kept_by_order(&self) -> Result<Vec<GroupKey>, StateError> {
        let Some(bytes) = read(&self.path(NAME))? else { return Ok(Vec::new()) };
        let text = String::from_utf8_lossy(&bytes);
        let keys = text.lines().filter_map(|line| u32::from_str_radix(line, 16).ok());
        Ok(keys.map(GroupKey).take(GROUPS_MAX).collect())
    }

    /// Stores these groups, replacing what was stored: one line per group with its key (hexadecimal).
    /// Returns when they are on the disk; nothing is written when nothing has changed.
    ///
    /// # Errors
    ///
    /// When they cannot be stored; what was stored before is still there.
    pub fn store_kept_by_order(&self, groups: &[GroupKey]) -> Result<(), StateError> {
        if self.kept_by_order()? == groups {
            return Ok(());
        }
        let text: String = groups.iter().map(|key| format!("{:08x}\n", key.0)).collect();
        replace(&self.path(NAME), text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_kept_by_order_are_stored_and_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let (state, _) = State::open(directory.path()).unwrap();
        assert_eq!(state.kept_by_order().unwrap(), []);
        for groups in [&[GroupKey(7), GroupKey(u32::MAX)][..], &[GroupKey(1)], &[]] {
            state.store_kept_by_order(groups).unwrap();
            assert_eq!(state.kept_by_order().unwrap(), groups);
        }
        std::fs::write(directory.path().join(NAME), "no key\n0000000a\n").unwrap();
        assert_eq!(state.kept_by_order().unwrap(), [GroupKey(10)]);
    }
}
