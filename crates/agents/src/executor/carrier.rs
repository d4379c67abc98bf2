//! Whether the interfaces that groups need can carry anything: news at once, not after a time-out.

use super::Executor;
use crate::address::AddressAgent;
use crate::protocol::{Report, Service};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use systole_sys::address::{Change, Watch};

/// The groups with addresses, and what is wrong with their interfaces.
#[derive(Debug)]
pub(super) struct Carrier {
    watch: Watch,
    services: Vec<Watched>,
}

#[derive(Debug)]
struct Watched {
    service: Service,
    /// Whether its interfaces were ever well. One that never was, such as a bridge without ports,
    /// is as somebody wants it.
    was_well: bool,
    fault: Option<String>,
}

impl Watched {
    /// Compares with what is there now. Returns whether anything is to be told.
    fn look(&mut self, fault: Option<String>) -> bool {
        self.was_well |= fault.is_none();
        let fault = fault.filter(|_| self.was_well);
        let changed = self.fault != fault;
        self.fault = fault;
        changed
    }

    fn report(&self) -> Report {
        Report::Carrier { group: self.service.group, fault: self.fault.clone() }
    }
}

impl Carrier {
    pub(super) fn open() -> io::Result<Self> {
        Ok(Self { watch: Watch::open()?, services: Vec::new() })
    }

    pub(super) fn descriptor(&self) -> BorrowedFd<'_> {
        self.watch.as_fd()
    }

    /// Takes the services of a daemon; what is known of the same ones is kept.
    fn watch_these(&mut self, services: &[Service]) {
        let mut before = std::mem::take(&mut self.services);
        self.services = services
            .iter()
            .map(|service| match before.iter().position(|watched| watched.service == *service) {
                Some(at) => before.swap_remove(at),
                None => Watched { service: service.clone(), was_well: false, fault: None },
            })
            .collect();
    }

    /// Looks at every service. An interface list that cannot be had says nothing.
    fn look(&mut self, agent: &mut AddressAgent) -> Vec<Report> {
        let Ok(network) = agent.network() else { return Vec::new() };
        let changed = self.services.iter_mut().filter_map(|watched| {
            let fault = crate::address::fault(&network, &watched.service.addresses);
            watched.look(fault).then(|| watched.report())
        });
        changed.collect()
    }
}

impl Executor {
    /// A daemon tells which addresses it has; it hears at once what is wrong with them.
    pub(super) fn watch_carrier(&mut self) {
        self.carrier.watch_these(&self.configuration.services);
        self.carrier.look(&mut self.agent);
        let faults = self.carrier.services.iter().filter(|watched| watched.fault.is_some());
        let reports: Vec<_> = faults.map(Watched::report).collect();
        for report in reports {
            self.report(&report);
        }
    }

    /// Acts on what the kernel tells.
    pub(super) fn heed_kernel(&mut self) {
        let Change { interfaces, addresses } = self.carrier.watch.read();
        if interfaces {
            for report in self.carrier.look(&mut self.agent) {
                self.report(&report);
            }
        }
        if addresses {
            // One of ours may be among them: the renewal finds out.
            self.next_renewal = self.now;
        }
    }
}
