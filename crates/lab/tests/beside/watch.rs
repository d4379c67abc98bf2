//! Watches the pair from outside while a test acts on it: which node owns the address and serves pages.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Scope, ScopedJoinHandle, scope, sleep};
use std::time::{Duration, Instant};
use systole_lab::{Lab, Node};

/// The time between two fetches of the page.
const FETCH_EVERY: Duration = Duration::from_millis(100);
/// The time between two checks of the owners.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// What was observed.
#[derive(Debug)]
pub(crate) struct Seen {
    /// How often the page was requested.
    pub(crate) fetches: u32,
    /// When no page came.
    pub(crate) outages: Vec<Outage>,
    /// How often the owners were checked.
    pub(crate) looks: u64,
    /// When two nodes had the address, after the beginning.
    pub(crate) doubled: Vec<Duration>,
}

/// A time without the page.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outage {
    /// When the first failed fetch began, after the beginning.
    #[expect(dead_code, reason = "told by Debug")]
    pub(crate) start: Duration,
    /// The time until the next page came.
    pub(crate) length: Duration,
}

/// Ends the threads next to a job, even when the job panics: the panic waits for them.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs `job` and returns what a client and an observer saw meanwhile.
pub(crate) fn watched<T>(lab: &Lab, job: impl FnOnce() -> T) -> (T, Seen) {
    let stop = AtomicBool::new(false);
    let (start, address) = (Instant::now(), lab.config().address);
    scope(|scope| {
        let pages = fetch_pages(scope, lab, address, start, &stop);
        let owners = look_at_owners(scope, lab, address, start, &stop);
        let end = Over(&stop);
        let result = job();
        drop(end);
        let (fetches, outages) = pages.join().expect("the client of the pages does not panic");
        let (looks, doubled) = owners.join().expect("the onlooker does not panic");
        (result, Seen { fetches, outages, looks, doubled })
    })
}

fn fetch_pages<'scope>(
    scope: &'scope Scope<'scope, '_>,
    lab: &'scope Lab,
    address: IpAddr,
    start: Instant,
    stop: &'scope AtomicBool,
) -> ScopedJoinHandle<'scope, (u32, Vec<Outage>)> {
    scope.spawn(move || {
        let (mut fetches, mut outages, mut absent) = (0, Vec::new(), None);
        while !stop.load(Ordering::Relaxed) {
            let asked = start.elapsed();
            if lab.http_get(address).is_none() {
                absent = absent.or(Some(asked));
            } else if let Some(since) = absent.take() {
                outages
                    .push(Outage { start: since, length: start.elapsed().saturating_sub(since) });
            }
            fetches += 1;
            sleep(FETCH_EVERY.saturating_sub(start.elapsed().saturating_sub(asked)));
        }
        (fetches, outages)
    })
}

fn look_at_owners<'scope>(
    scope: &'scope Scope<'scope, '_>,
    lab: &'scope Lab,
    address: IpAddr,
    start: Instant,
    stop: &'scope AtomicBool,
) -> ScopedJoinHandle<'scope, (u64, Vec<Duration>)> {
    scope.spawn(move || {
        let (mut looks, mut doubled) = (0, Vec::new());
        while !stop.load(Ordering::Relaxed) {
            if both_own(lab, address) {
                doubled.push(start.elapsed());
            }
            looks += 1;
            sleep(LOOK_EVERY);
        }
        (looks, doubled)
    })
}

/// Returns whether both nodes have the address at one moment. They are checked one after the other, so the
/// first node counts only if it still has the address after the second one has been checked.
fn both_own(lab: &Lab, address: IpAddr) -> bool {
    let owners = lab.owners(address);
    owners.len() == Node::ALL.len() && lab.owners(address).contains(&owners[0])
}
