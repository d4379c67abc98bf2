//! The number of a run of the daemon, larger at every start.

use super::StateError;
use std::path::Path;
use systole_config::GenerationMethod;

/// A generation, and what became of storing it.
#[derive(Debug)]
pub struct Generation {
    /// The number.
    pub number: u64,
    /// Whether there was none before.
    pub is_first: bool,
    /// Whether it is on the disk. If not, the number is at least the clock's seconds, which the
    /// clock of the next start will exceed if the disk fails then too.
    pub stored: Result<(), StateError>,
}

impl Generation {
    pub(super) fn next(path: &Path, method: GenerationMethod, unix_time: u64) -> Self {
        let before = super::read(path).ok().flatten().and_then(|bytes| parse(&bytes));
        let next = match (method, before) {
            (GenerationMethod::File, Some(before)) => before.saturating_add(1),
            (GenerationMethod::File, None) => unix_time.saturating_add(1),
            // The clock alone would start twice with one number within a second.
            (GenerationMethod::Time, Some(before)) => unix_time.max(before.saturating_add(1)),
            (GenerationMethod::Time, None) => unix_time,
        };
        let stored = super::replace(path, format!("{next:>15}\n").as_bytes());
        let number = if stored.is_ok() { next } else { next.max(unix_time) };
        Self { number, is_first: before.is_none(), stored }
    }
}

/// Reads the 15 columns that heartbeat writes, or any other decimal number.
fn parse(bytes: &[u8]) -> Option<u64> {
    str::from_utf8(bytes).ok()?.trim().parse().ok().filter(|generation| *generation > 0)
}
