//! Addresses and interfaces: what the machine wants of the kernel, and what the kernel tells.

use super::Executor;
use crate::address::Started;
use crate::protocol::{Action, Level, Outcome};
use std::num::NonZeroU32;
use std::time::Duration;
use systole_core::Resource;
use systole_executor::{Finding, Input, LookId, Presence, RunId};
use systole_sys::address::Change;

/// What a helper has found out about agents.
#[derive(Debug)]
pub(super) struct Looked {
    pub(super) look: LookId,
    pub(super) resources: Vec<Resource>,
    /// The first that is missing, or why nobody knows.
    pub(super) missing: Result<Option<String>, String>,
}

/// A change of addresses that waits until those behind it are known, to be made with them.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) run: RunId,
    pub(super) action: Action,
    pub(super) resources: Vec<Resource>,
    pub(super) lifetime: Duration,
}

impl Executor {
    /// Adds, removes or looks for all addresses that wait for it, in their order: each row of the same
    /// action in one batch. The groups may be hundreds, and each batch takes a picture of the network.
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
                let started = self.agent.start(self.now, &rows, *lifetime).into_iter();
                started.map(|started| self.tell_of(started)).collect()
            }
            Action::Stop => quiet(self.agent.stop(&rows)),
            Action::Status => quiet(self.agent.status(&rows)),
            Action::Monitor => quiet(self.agent.monitor(&rows)),
        };
        for (change, (outcome, announced)) in batch.iter().zip(answers) {
            self.tell(Input::Changed { run: change.run, outcome, announced });
        }
    }

    /// Puts the lines of a start into the log.
    fn tell_of(&mut self, started: Started) -> (Outcome, usize) {
        for (interface, line) in started.lines {
            self.log_as("IPaddr", &interface, Level::Info, line);
        }
        (started.outcome, started.announced)
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

    /// Tells what the kernel tells.
    pub(super) fn heed_kernel(&mut self) {
        let Change { interfaces, addresses, removed } = self.watch.read();
        for gone in removed {
            let by = gone.port.map(remover);
            self.tell(Input::AddressGone { address: gone.address, by });
        }
        if interfaces {
            self.look_at_interfaces();
        }
        if addresses {
            self.tell(Input::AddressesUnknown);
        }
    }

    /// Looks at the interfaces of every service. A list that cannot be had says nothing.
    pub(super) fn look_at_interfaces(&mut self) {
        if self.services.is_empty() {
            return;
        }
        let Ok(network) = self.agent.network() else { return };
        let fault = |addresses: &[Resource]| crate::address::fault(&network, addresses);
        let services = self.services.iter();
        let faults = services.map(|service| (service.group, fault(&service.addresses))).collect();
        self.tell(Input::Interfaces(faults));
    }

    /// Ends looks: every agent is there, or one is not, or nobody knows.
    pub(super) fn finish_looks(&mut self, looks: Vec<Looked>) {
        if looks.is_empty() {
            return;
        }
        let network = self.agent.network();
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

/// Who might have removed an address: the kernel tells the number of a netlink socket, which is
/// that of its process unless this has several.
fn remover(port: NonZeroU32) -> String {
    // A file of the kernel's, which answers at once.
    match std::fs::read_to_string(format!("/proc/{port}/comm")) {
        Ok(name) => format!("{} (process {port})", name.trim_end()),
        Err(_) => format!("a program that has ended since (netlink socket {port})"),
    }
}
