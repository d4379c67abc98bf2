//! Whether the interfaces that groups need have a carrier. Changes are reported at once, not after a
//! time-out.

use super::Machine;
use crate::protocol::{Report, Service};
use systole_core::GroupKey;

/// The groups with addresses, and the faults of their interfaces.
#[derive(Debug, Default)]
pub(super) struct Carrier {
    services: Vec<Watched>,
}

#[derive(Debug)]
struct Watched {
    service: Service,
    /// Whether the interfaces ever worked. Interfaces that never did, such as a bridge without ports, are
    /// taken to be as the administrator wants them.
    was_well: bool,
    fault: Option<String>,
    /// The daemon has not been sent this yet.
    is_news: bool,
}

impl Watched {
    /// Takes the present fault. Returns whether anything must be reported: a change, or, to a daemon that
    /// has been sent nothing of this yet, a fault or that all is well. The latter is reported because an
    /// earlier executor may have reported a fault that ended while there was no executor.
    fn look(&mut self, fault: Option<String>) -> bool {
        let is_well = fault.is_none();
        self.was_well |= is_well;
        let fault = fault.filter(|_| self.was_well);
        let is_news = self.is_news && (is_well || fault.is_some());
        self.is_news &= !is_news;
        let changed = self.fault != fault;
        self.fault = fault;
        changed || is_news
    }
}

impl Carrier {
    /// Takes the services of a daemon. What is known about unchanged services is kept.
    pub(super) fn watch(&mut self, services: &[Service]) {
        let mut before = std::mem::take(&mut self.services);
        let watched = services.iter().map(|service| {
            let at = before.iter().position(|watched| watched.service == *service);
            let new = || Watched {
                service: service.clone(),
                was_well: false,
                fault: None,
                is_news: true,
            };
            at.map_or_else(new, |at| Watched { is_news: true, ..before.swap_remove(at) })
        });
        self.services = watched.collect();
    }
}

impl Machine {
    /// Compares faults with what was known, and reports what is new.
    pub(super) fn record_interfaces(&mut self, faults: &[(GroupKey, Option<String>)]) {
        let mut reports = Vec::new();
        for (group, fault) in faults {
            for watched in &mut self.carrier.services {
                if watched.service.group == *group && watched.look(fault.clone()) {
                    let fault = watched.fault.clone();
                    reports.push(Report::Carrier { group: *group, fault });
                }
            }
        }
        for report in reports {
            self.report(report);
        }
    }
}
