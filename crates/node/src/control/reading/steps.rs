//! The current step of a helper, so that the log can say where a helper hangs.

use std::sync::{Arc, Mutex, PoisonError};

/// The last step that was reported, e.g. `reading /etc/ha.d/ha.cf`.
#[derive(Debug, Clone, Default)]
pub(in crate::control) struct Steps(Arc<Mutex<String>>);

impl Steps {
    /// Reports the next step.
    pub(in crate::control) fn tell(&self, step: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = step;
    }

    /// Returns the current step.
    pub(in crate::control) fn last(&self) -> String {
        let step = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if step.is_empty() { "beginning to read".to_owned() } else { step }
    }
}
