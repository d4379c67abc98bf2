//! A second pair of eyes: who has which address, all the time, and whether this machine keeps up.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};
use systole_lab::{Lab, Node};

use std::net::IpAddr;

/// How often one looks.
const PERIOD: Duration = Duration::from_millis(20);

/// What was seen since it was last asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// For each address that both nodes had at the same time: who had it second.
    pub(crate) second_owners: Vec<Option<Node>>,
    /// The longest time for which this machine did not let us look.
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

    /// What was seen since the last call.
    pub(crate) fn take(&self) -> Seen {
        std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Ends [`Watch::run`].
    pub(crate) fn end(&self) {
        self.ends.store(true, Ordering::Relaxed);
    }

    /// Looks until it is told to end.
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

/// Whether both nodes have an address. One look may see an address leave the one and arrive at the
/// other; of two looks, the first owner of which still has it, that cannot be said.
fn has_two_owners(lab: &Lab, address: IpAddr) -> bool {
    lab.owners(address).len() == 2 && lab.owners(address).len() == 2
}
