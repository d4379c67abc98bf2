//! Addresses and interfaces: what the machine wants of the kernel, and what the kernel tells.

use super::Executor;
use crate::protocol::{Action, Level};
use std::num::NonZeroU32;
use std::time::Duration;
use systole_core::Resource;
use systole_executor::{Finding, Input, LookId, Presence, RunId};
use systole_sys::address::Change;

impl Executor {
    /// Adds, removes or looks for addresses.
    pub(super) fn change(
        &mut self,
        run: RunId,
        action: Action,
        resources: &[Resource],
        lifetime: Duration,
    ) {
        let (outcome, announced) = match action {
            Action::Start => {
                let started = self.agent.start(self.now, resources, lifetime);
                for (interface, line) in started.lines {
                    self.log_as("IPaddr", &interface, Level::Info, line);
                }
                (started.outcome, started.announced)
            }
            Action::Stop => (self.agent.stop(resources), 0),
            Action::Status => (self.agent.status(resources), 0),
            Action::Monitor => (self.agent.monitor(resources), 0),
        };
        self.tell(Input::Changed { run, outcome, announced });
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

    /// Ends a look: every agent is there, or one is not, or nobody knows.
    pub(super) fn finish_look(
        &mut self,
        look: LookId,
        resources: &[Resource],
        missing: Result<Option<String>, String>,
    ) {
        let finding = match missing {
            Ok(Some(name)) => Finding::Missing(name),
            Err(error) => Finding::Unknown(error),
            Ok(None) => match self.agent.network() {
                Ok(network) => crate::address::fault(&network, resources)
                    .map_or(Finding::Complete, Finding::Fault),
                Err(error) => Finding::Unknown(error.to_string()),
            },
        };
        self.tell(Input::Looked { look, finding });
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
