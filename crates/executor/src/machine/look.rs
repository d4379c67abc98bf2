//! Checks in advance whether everything is present that a start would need.

use super::Machine;
use crate::protocol::{Level, Outcome, Report};
use crate::{Finding, LookId, Output};
use std::time::Duration;
use systole_core::{JobId, Resource, Time};

/// How long a check may take. If the disk of an agent does not answer, that says nothing about the agent.
const LIMIT: Duration = Duration::from_secs(5);
/// Maximum number of checks at a time. A daemon has at most one for each group.
const LOOKS_MAX: usize = 1 << 10;
/// The exit code that heartbeat's agents use for a general error (`OCF_ERR_GENERIC`).
const GENERIC: i32 = 1;

/// The checks in progress.
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

    /// Forgets the checks, because nothing waits for them any longer.
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

    /// Reports the finding of a check. A check that was given up is no longer known.
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

    /// Gives up checks that take too long.
    pub(super) fn elapse_looks(&mut self) {
        let late = |look: &&Look| self.now >= look.until;
        let late: Vec<_> = self.looks.looks.iter().filter(late).map(|look| look.id).collect();
        for look in late {
            let text = "the check of its agents takes too long".to_owned();
            self.record_looked(look, Finding::Unknown(text));
        }
    }
}
