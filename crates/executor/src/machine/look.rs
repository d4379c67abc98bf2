//! A look ahead: is everything here that a start would need?

use super::Machine;
use crate::protocol::{Level, Outcome, Report};
use crate::{Finding, LookId, Output};
use std::time::Duration;
use systole_core::{JobId, Resource, Time};

/// How long a look may take. The disk of an agent that does not answer says nothing of the agent.
const LIMIT: Duration = Duration::from_secs(5);
/// Most looks at a time. A daemon has one for each group at most.
const LOOKS_MAX: usize = 1 << 10;
/// The exit code that the agents of heartbeat give for what is wrong (`OCF_ERR_GENERIC`).
const GENERIC: i32 = 1;

/// The looks that go on.
#[derive(Debug, Default)]
pub(super) struct Looks {
    looks: Vec<Look>,
    next: u64,
}

#[derive(Debug)]
struct Look {
    id: LookId,
    job: JobId,
    group_name: String,
    until: Time,
}

impl Looks {
    pub(super) fn deadline(&self) -> Option<Time> {
        self.looks.iter().map(|look| look.until).min()
    }

    /// Nobody waits for them any more.
    pub(super) fn forget(&mut self) {
        self.looks.clear();
    }
}

impl Machine {
    /// Looks for the agents of these resources and the interfaces of their addresses.
    pub(super) fn look(&mut self, job: JobId, group_name: String, resources: Vec<Resource>) {
        if self.looks.looks.len() >= LOOKS_MAX {
            return self.report(Report::Done { job, outcome: Outcome::Refused });
        }
        let id = LookId(self.looks.next);
        self.looks.next += 1;
        self.looks.looks.push(Look { id, job, group_name, until: self.now + LIMIT });
        self.outbox.push_back(Output::Look { look: id, resources });
    }

    /// Tells what a look has found. One that was given up is no longer known.
    pub(super) fn record_looked(&mut self, look: LookId, finding: Finding) {
        let Some(at) = self.looks.looks.iter().position(|known| known.id == look) else { return };
        let Look { job, group_name, .. } = self.looks.looks.swap_remove(at);
        let outcome = match finding {
            Finding::Complete => Outcome::Success,
            Finding::Missing(name) => {
                self.log(Level::Error, format!("Cannot locate resource script {name}"));
                Outcome::Missing
            }
            Finding::Fault(text) => {
                let line = format!("{group_name} could not be started here: {text}");
                self.log(Level::Error, line);
                Outcome::Failed { code: GENERIC, text }
            }
            Finding::Unknown(text) => {
                let line =
                    format!("Cannot check whether {group_name} could be started here: {text}");
                self.log(Level::Error, line);
                Outcome::NotAsked { text }
            }
        };
        self.report(Report::Done { job, outcome });
    }

    /// Gives up looks that take too long.
    pub(super) fn elapse_looks(&mut self) {
        let late = |look: &&Look| self.now >= look.until;
        let late: Vec<_> = self.looks.looks.iter().filter(late).map(|look| look.id).collect();
        for look in late {
            let text = "the check of its agents takes too long".to_owned();
            self.record_looked(look, Finding::Unknown(text));
        }
    }
}
