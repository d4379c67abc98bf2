//! Whether the interfaces that groups need can carry anything: news at once, not after a time-out.

use super::Machine;
use crate::protocol::{Report, Service};
use systole_core::GroupKey;

/// The groups with addresses, and what is wrong with their interfaces.
#[derive(Debug, Default)]
pub(super) struct Carrier {
    services: Vec<Watched>,
}

#[derive(Debug)]
struct Watched {
    service: Service,
    /// Whether its interfaces were ever well. One that never was, such as a bridge without ports,
    /// is as somebody wants it.
    was_well: bool,
    fault: Option<String>,
    /// The daemon has not heard of it yet.
    is_news: bool,
}

impl Watched {
    /// Takes what is there now. Says whether anything is to be told: a change, or to a daemon that
    /// has heard nothing of it a fault, or that all is well, since an earlier executor may have told
    /// of a fault that ended when there was none.
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
    /// Takes the services of a daemon; what is known of the same ones is kept.
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
    /// Compares with what was known, and tells what is new.
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
