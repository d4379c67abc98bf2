//! What a helper is at, so that one that hangs can be named.

use std::sync::{Arc, Mutex, PoisonError};

/// The last step that was told, e.g. `reading /etc/ha.d/ha.cf`.
#[derive(Debug, Clone, Default)]
pub(in crate::control) struct Steps(Arc<Mutex<String>>);

impl Steps {
    /// This is what is done next.
    pub(in crate::control) fn tell(&self, step: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = step;
    }

    /// What is done.
    pub(in crate::control) fn last(&self) -> String {
        let step = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if step.is_empty() { "beginning to read".to_owned() } else { step }
    }
}
