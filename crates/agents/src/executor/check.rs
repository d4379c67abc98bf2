//! A look ahead: is everything here that a start would need?

use super::Executor;
use crate::protocol::{Level, Outcome};
use systole_core::{Resource, ResourceKind};

impl Executor {
    /// Looks for the agents of these resources and the interfaces of their addresses.
    pub(super) fn check(&mut self, group: &str, resources: &[Resource]) -> Outcome {
        for resource in resources {
            let ResourceKind::Agent { name, arguments } = &resource.kind else { continue };
            if !self.options.directories.exists(name, arguments) {
                self.log(Level::Error, format!("Cannot locate resource script {name}"));
                return Outcome::Missing;
            }
        }
        let outcome = self.agent.check(resources);
        if let Outcome::Failed { text, .. } = &outcome {
            self.log(Level::Error, format!("{group} could not be started here: {text}"));
        }
        outcome
    }
}
