//! Whether a helper may still start a program.

use crate::records::Record;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A gate that a helper passes before it starts a program, and that the executor may close first.
#[derive(Debug, Default)]
pub(super) struct Gate(Mutex<Passage>);

#[derive(Debug, Default)]
enum Passage {
    /// Nothing has been started yet.
    #[default]
    Open,
    /// The program is being started, or runs. This is its record, if the record has a name.
    Passed(Option<PathBuf>),
    /// Nothing may be started any longer.
    Closed,
}

impl Gate {
    fn lock(&self) -> MutexGuard<'_, Passage> {
        // Nothing that is done under the lock can panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forbids the start. Returns false if it is too late.
    pub(super) fn close(&self) -> bool {
        let mut passage = self.lock();
        if let Passage::Passed(_) = *passage {
            return false;
        }
        *passage = Passage::Closed;
        true
    }

    /// Whether nothing may be started any longer.
    pub(super) fn is_closed(&self) -> bool {
        matches!(*self.lock(), Passage::Closed)
    }

    /// The record of the started program.
    pub(super) fn record(&self) -> Option<PathBuf> {
        match &*self.lock() {
            Passage::Passed(record) => record.clone(),
            Passage::Open | Passage::Closed => None,
        }
    }

    /// Returns whether the program may be started.
    pub(super) fn pass(&self, record: &Record) -> bool {
        let mut passage = self.lock();
        if matches!(*passage, Passage::Closed) {
            return false;
        }
        *passage = Passage::Passed(record.path.clone());
        true
    }
}
