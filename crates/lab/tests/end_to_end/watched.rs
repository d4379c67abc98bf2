//! Watches some addresses while something happens: no address is on both nodes for longer than a beat.

use crate::Outcome;
use crate::play::never_two;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};
use systole_lab::{Lab, Node};

/// The time between two checks.
const PERIOD: Duration = Duration::from_millis(10);

/// What was observed of one address.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) address: IpAddr,
    /// The nodes that had it at some moment.
    pub(crate) owners: BTreeSet<Node>,
    /// The longest time on both nodes, between the first and the last check that found it there.
    both: Duration,
    /// The longest time on no node, measured in the same way.
    pub(crate) absent: Duration,
}

impl Seen {
    /// Fails unless only this node had it all the time. A single check may miss an address while the kernel
    /// changes its table.
    pub(crate) fn stayed_with(&self, node: Node) {
        assert_eq!(self.owners, BTreeSet::from([node]), "{} moved", self.address);
        assert_eq!(self.absent, Duration::ZERO, "{} was away", self.address);
    }
}

/// Ends a thread that runs next to a test, even when the test fails.
#[derive(Debug)]
pub(crate) struct Over<'a>(pub(crate) &'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Lets something happen, and fails permanently when an address was on both nodes for longer than a beat
/// meanwhile. The nodes must hear each other all the time.
pub(crate) fn watched(
    lab: &Lab,
    addresses: &[IpAddr],
    happens: impl FnOnce() -> Outcome,
) -> Result<Vec<Seen>, Box<dyn std::error::Error>> {
    let over = AtomicBool::new(false);
    scope(|scope| {
        let eyes: Vec<_> =
            addresses.iter().map(|it| scope.spawn(|| look(lab, *it, &over))).collect();
        let end = Over(&over);
        let outcome = happens();
        drop(end);
        let seen = eyes.into_iter().map(|eye| eye.join().expect("looking does not panic"));
        let seen: Vec<Seen> = seen.collect();
        for one in &seen {
            never_two(one, one.both > lab.config().keepalive);
        }
        outcome.map(|()| seen)
    })
}

/// Since when something has been true without a break, and for how long it was at most.
#[derive(Debug, Default)]
struct Longest {
    since: Option<Instant>,
    longest: Duration,
}

impl Longest {
    fn note(&mut self, is_so: bool, now: Instant) {
        self.since = is_so.then(|| self.since.unwrap_or(now));
        let length = self.since.map_or(Duration::ZERO, |since| now.duration_since(since));
        self.longest = self.longest.max(length);
    }
}

fn look(lab: &Lab, address: IpAddr, over: &AtomicBool) -> Seen {
    let (mut both, mut absent) = (Longest::default(), Longest::default());
    let mut owners = BTreeSet::new();
    while !over.load(Ordering::Acquire) {
        let (now, have_it) = (Instant::now(), lab.owners(address));
        both.note(have_it.len() > 1, now);
        absent.note(have_it.is_empty(), now);
        owners.extend(have_it);
        sleep(PERIOD);
    }
    Seen { address, owners, both: both.longest, absent: absent.longest }
}
