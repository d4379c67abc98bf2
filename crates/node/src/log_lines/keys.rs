//! Lines about the renewal of keys.

use super::{LogRenderer, error, info, warning};
use crate::beat::keys::KeyStep;
use crate::log::Line;
use systole_core::NodeId;
use systole_wire::Progress;

impl LogRenderer {
    /// Returns the line about a step; `waiting` are the nodes that were not yet heard with the new key.
    #[must_use]
    pub(crate) fn keys(&self, step: KeyStep, waiting: &[NodeId]) -> Line {
        let waiting: Vec<&str> = waiting.iter().map(|node| self.node(*node)).collect();
        let waiting = waiting.join(", ");
        match step {
            KeyStep::Begins => {
                info("Keys are being renewed: the old and the new ones are accepted.")
            }
            KeyStep::Renewed(node) => info(format!("{} has the new key.", self.node(node))),
            KeyStep::Progress(Progress::Complete) => {
                info("Every node has the new key. The old one is no longer used.")
            }
            KeyStep::Progress(Progress::Reminder) => warning(format!(
                "Keys are still being renewed: {waiting} was not heard with the new one. Reload it."
            )),
            KeyStep::Progress(Progress::Over) => {
                info("Keys are renewed: the old ones are no longer accepted.")
            }
            KeyStep::Progress(Progress::Expired) => error(format!(
                "Keys are renewed: the old ones are no longer accepted. {waiting} was not heard \
                 with the new one."
            )),
        }
    }
}
