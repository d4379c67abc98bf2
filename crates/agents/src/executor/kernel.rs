//! Addresses and interfaces: the machine's requests to the kernel, and the kernel's notifications.

use super::Executor;
use crate::address::Changed;
use crate::protocol::{Action, Level, Outcome};
use std::num::NonZeroU32;
use std::time::Duration;
use systole_core::{Resource, Time};
use systole_executor::{Finding, Input, LookId, Presence, RunId};
use systole_sys::address::Change;
use systole_sys::clock;

/// Checks of the interfaces take at most one part in this number of the time.
const LOOK_SHARE: u32 = 10;
/// Longest wait for the next check, however long the previous one took.
const LOOK_WAIT_MAX: Duration = Duration::from_secs(1);

/// The finding of a helper about agents.
#[derive(Debug)]
pub(super) struct Looked {
    pub(super) look: LookId,
    pub(super) resources: Vec<Resource>,
    /// The first agent that is missing, or why the check could not be made.
    pub(super) missing: Result<Option<String>, String>,
}

/// A change of addresses that waits until the following ones are known, so that they are made together.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) run: RunId,
    pub(super) action: Action,
    pub(super) resources: Vec<Resource>,
    pub(super) lifetime: Duration,
}

/// When to check the interfaces: at once, but if they change without pause, as on a machine that starts and
/// ends containers, only as often as leaves time for everything else.
#[derive(Debug, Default)]
pub(super) struct Looks {
    is_asked: bool,
    not_before: Time,
}

impl Looks {
    pub(super) fn ask(&mut self) {
        self.is_asked = true;
    }

    /// The time of the next check, if one is due.
    pub(super) fn deadline(&self) -> Option<Time> {
        self.is_asked.then_some(self.not_before)
    }

    pub(super) fn is_due(&self, now: Time) -> bool {
        self.deadline().is_some_and(|due| due <= now)
    }

    /// Makes a check, and records how long it takes.
    pub(super) fn time<T>(&mut self, now: Time, check: impl FnOnce() -> T) -> T {
        let begun = clock::boot_time();
        let found = check();
        let took = Duration::from_nanos(clock::boot_time().saturating_sub(begun));
        self.note(now, took);
        found
    }

    /// Records a check and how long it took.
    fn note(&mut self, now: Time, took: Duration) {
        let wait = took.saturating_mul(LOOK_SHARE).min(LOOK_WAIT_MAX);
        *self = Self { is_asked: false, not_before: now + wait };
    }
}

impl Executor {
    /// Adds, removes or looks for all waiting addresses, in their order; consecutive changes with the same
    /// action form one batch. There may be hundreds of groups, and each batch reads the state of the
    /// network.
    pub(super) fn change_all(&mut self) {
        let waiting = std::mem::take(&mut self.changes);
        let is_same = |one: &Waiting, next: &Waiting| {
            (one.action, one.lifetime) == (next.action, next.lifetime)
        };
        for batch in waiting.chunk_by(is_same) {
            self.change(batch);
        }
    }

    fn change(&mut self, batch: &[Waiting]) {
        let Some(Waiting { action, lifetime, .. }) = batch.first() else { return };
        let rows: Vec<&[Resource]> = batch.iter().map(|change| &change.resources[..]).collect();
        let quiet = |outcomes: Vec<Outcome>| outcomes.into_iter().map(|it| (it, 0)).collect();
        let answers: Vec<_> = match action {
            Action::Start => {
                let started = self.agent.start(self.now, &rows, *lifetime);
                // An address that was put back may have been missed while it was away.
                self.claims.look_again();
                started.into_iter().map(|started| self.tell_of(started)).collect()
            }
            Action::Stop => {
                let stopped = self.agent.stop(&rows);
                stopped.into_iter().map(|stopped| self.tell_of(stopped)).collect()
            }
            Action::Status => quiet(self.agent.status(&rows)),
            Action::Monitor => quiet(self.agent.monitor(&rows)),
        };
        for (change, (outcome, announced)) in batch.iter().zip(answers) {
            self.tell(Input::Changed { run: change.run, outcome, announced });
        }
    }

    /// Writes the lines of a start or a stop to the log.
    fn tell_of(&mut self, changed: Changed) -> (Outcome, usize) {
        for (interface, line) in changed.lines {
            self.log_as("IPaddr", &interface, Level::Info, line);
        }
        (changed.outcome, changed.announced)
    }

    pub(super) fn renew(&mut self, resources: Vec<Resource>, lifetime: Duration) {
        let presence = |(resource, is_here)| {
            (resource, if is_here { Presence::Here } else { Presence::Absent })
        };
        let input = match self.agent.renew(resources, lifetime) {
            Ok(found) => Input::Renewed(found.into_iter().map(presence).collect()),
            Err(error) => Input::NotRenewed(error.to_string()),
        };
        self.tell(input);
    }

    /// Handles the kernel's notifications.
    pub(super) fn handle_kernel_news(&mut self) {
        let Change { interfaces, addresses, removed } = self.watch.read();
        for gone in removed {
            let by = gone.port.map(remover);
            self.tell(Input::AddressGone { address: gone.address, by });
        }
        if interfaces {
            self.looks.ask();
            self.claims.look_again();
        }
        if self.looks.is_due(self.now) {
            self.look_at_interfaces();
        }
        if addresses {
            self.tell(Input::AddressesUnknown);
        }
    }

    /// Checks the interfaces of every service. If the list cannot be read, nothing is concluded.
    pub(super) fn look_at_interfaces(&mut self) {
        if self.services.is_empty() {
            return;
        }
        let rows: Vec<_> = self.services.iter().map(|service| &service.addresses[..]).collect();
        let agent = &mut self.agent;
        let network = self.looks.time(self.now, || agent.network(&rows));
        let Ok(network) = network else { return };
        let fault = |addresses: &[Resource]| crate::address::fault(&network, addresses);
        let services = self.services.iter();
        let faults = services.map(|service| (service.group, fault(&service.addresses))).collect();
        self.tell(Input::Interfaces(faults));
    }

    /// Ends checks: every agent is present, or one is missing, or the answer is unknown.
    pub(super) fn finish_looks(&mut self, looks: Vec<Looked>) {
        if looks.is_empty() {
            return;
        }
        let rows: Vec<_> = looks.iter().map(|looked| &looked.resources[..]).collect();
        let network = self.agent.network(&rows);
        for Looked { look, resources, missing } in looks {
            let finding = match (missing, &network) {
                (Ok(Some(name)), _) => Finding::Missing(name),
                (Err(error), _) => Finding::Unknown(error),
                (Ok(None), Ok(network)) => crate::address::fault(network, &resources)
                    .map_or(Finding::Complete, Finding::Fault),
                (Ok(None), Err(error)) => Finding::Unknown(error.to_string()),
            };
            self.tell(Input::Looked { look, finding });
        }
    }
}

/// Who may have removed an address. The kernel reports the number of a netlink socket, which is that of its
/// process unless the process has several.
fn remover(port: NonZeroU32) -> String {
    // The file is the kernel's, so it is read at once.
    match std::fs::read_to_string(format!("/proc/{port}/comm")) {
        Ok(name) => format!("{} (process {port})", name.trim_end()),
        Err(_) => format!("a program that has ended since (netlink socket {port})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interface_check_waits_in_proportion_to_the_cost_of_the_last_check() {
        let mut looks = Looks::default();
        let second = Time::from_nanos(1_000_000_000);
        assert!(!looks.is_due(second) && looks.deadline().is_none());
        looks.ask();
        assert!(looks.is_due(second), "the first is made at once");
        looks.note(second, Duration::from_millis(20));
        looks.ask();
        assert!(!looks.is_due(second + Duration::from_millis(199)));
        let due = second + Duration::from_millis(200);
        assert!(looks.is_due(due) && looks.deadline() == Some(due));
        looks.note(due, Duration::from_mins(1));
        assert_eq!(looks.deadline(), None);
        looks.ask();
        assert_eq!(looks.deadline(), Some(due + LOOK_WAIT_MAX));
    }
}
