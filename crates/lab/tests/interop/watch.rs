//! A second observer: which node has which address at any time, and whether this machine keeps up.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};
use systole_lab::{Lab, Node};

use std::net::IpAddr;

/// The time between two checks.
const PERIOD: Duration = Duration::from_millis(20);

/// What was observed since the last call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// For each address that both nodes had at the same time: the node that had it second.
    pub(crate) second_owners: Vec<Option<Node>>,
    /// The longest time for which this machine did not let the observer check.
    pub(crate) stall: Duration,
}

/// Watches the addresses of a lab.
#[derive(Debug)]
pub(crate) struct Watch {
    addresses: Vec<IpAddr>,
    seen: Mutex<Seen>,
    ends: AtomicBool,
}

impl Watch {
    pub(crate) fn new(addresses: Vec<IpAddr>) -> Self {
        Self { addresses, seen: Mutex::default(), ends: AtomicBool::new(false) }
    }

    /// Returns what was observed since the last call.
    pub(crate) fn take(&self) -> Seen {
        std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Ends [`Watch::run`].
    pub(crate) fn end(&self) {
        self.ends.store(true, Ordering::Relaxed);
    }

    /// Checks until it is told to end.
    pub(crate) fn run(&self, lab: &Lab) {
        let mut owners: Vec<Option<Node>> = vec![None; self.addresses.len()];
        let mut doubled = vec![false; self.addresses.len()];
        let mut last = Instant::now();
        while !self.ends.load(Ordering::Relaxed) {
            let stall = last.elapsed().saturating_sub(PERIOD);
            self.note(|seen| seen.stall = seen.stall.max(stall));
            last = Instant::now();
            for (index, address) in self.addresses.iter().enumerate() {
                let both = has_two_owners(lab, *address);
                if both && !doubled[index] {
                    let second = owners[index].map(Node::other);
                    self.note(|seen| seen.second_owners.push(second));
                }
                doubled[index] = both;
                if let [owner] = lab.owners(*address)[..] {
                    owners[index] = Some(owner);
                }
            }
            sleep(PERIOD);
        }
    }

    fn note(&self, change: impl FnOnce(&mut Seen)) {
        change(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Returns whether both nodes have an address. A single check may see an address leave one node and arrive at
/// the other; two checks cannot, if the first owner still has the address at the second check.
fn has_two_owners(lab: &Lab, address: IpAddr) -> bool {
    lab.owners(address).len() == 2 && lab.owners(address).len() == 2
}
