//! The number of a run of the daemon, which is larger at every start.
//!
//! A number that is used is above every number that was used before, even above those that could not be
//! stored on any disk, because peers refuse any other number as a recording. So the number is never below
//! the clock, which is the value for a start without a disk; and a copy of it is in the runtime directory,
//! which is read by a start within the same second, and by one after the clock was set back.

use super::StateError;
use std::path::Path;
use systole_config::GenerationMethod;

/// A generation, and the result of storing it.
#[derive(Debug)]
pub struct Generation {
    /// The number.
    pub number: u64,
    /// Whether there was none before.
    pub is_first: bool,
    /// Whether it is on the disk. If not, it must be stored as soon as there is space
    /// ([`super::State::store_generation`]).
    pub stored: Result<(), StateError>,
}

impl Generation {
    /// Returns the generation that follows the ones in `path` and its copy.
    pub(super) fn next(path: &Path, copy: &Path, method: GenerationMethod, unix_time: u64) -> Self {
        let stored = last(path);
        let before = stored.max(last(copy));
        let first = match method {
            GenerationMethod::File => unix_time.saturating_add(1),
            GenerationMethod::Time => unix_time,
        };
        let number = before.map_or(first, |before| before.saturating_add(1).max(unix_time));
        // If the copy cannot be stored, the clock alone ensures a larger number.
        let _ = store(copy, number);
        Self { number, is_first: before.is_none(), stored: store(path, number) }
    }
}

/// Stores a number as heartbeat does: in 15 columns.
pub(super) fn store(path: &Path, number: u64) -> Result<(), StateError> {
    super::replace(path, format!("{number:>15}\n").as_bytes())
}

fn last(path: &Path) -> Option<u64> {
    super::read(path).ok().flatten().and_then(|bytes| parse(&bytes))
}

/// Reads the 15 columns that heartbeat writes, or any other decimal number.
fn parse(bytes: &[u8]) -> Option<u64> {
    str::from_utf8(bytes).ok()?.trim().parse().ok().filter(|generation| *generation > 0)
}
