//! The number of a run of the daemon, larger at every start.
//!
//! A number that is used is above every one that was used before, also above those that no disk has
//! taken: peers refuse what is not, as a recording. So it is never below the clock, which is what a
//! start without a disk begins with; and a copy of it lies in the runtime directory, which a start
//! within the same second reads, and one after the clock was set back.

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
    /// Whether it is on the disk. If not, it is to be stored as soon as there is room
    /// ([`super::State::store_generation`]).
    pub stored: Result<(), StateError>,
}

impl Generation {
    /// The next one after what `path` and its copy say.
    pub(super) fn next(path: &Path, copy: &Path, method: GenerationMethod, unix_time: u64) -> Self {
        let stored = last(path);
        let before = stored.max(last(copy));
        let first = match method {
            GenerationMethod::File => unix_time.saturating_add(1),
            GenerationMethod::Time => unix_time,
        };
        let number = before.map_or(first, |before| before.saturating_add(1).max(unix_time));
        // Where it cannot be kept, the clock alone takes care.
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
