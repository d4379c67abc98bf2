//! Detects when this machine stands still, so that a daemon cannot be blamed for being late.

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How long an observer sleeps.
const PERIOD: Duration = Duration::from_millis(20);
/// The most processors that are observed.
const PROCESSORS_MAX: usize = 64;

/// Observer threads, one on each processor, that want to run all the time and record how late they ran.
///
/// One on each, because a virtual machine may lose one of its processors for seconds, and with it the daemons
/// that wait there, while the others continue. The observers have no priority, and so are at least as late as
/// a daemon that has one.
#[derive(Debug)]
pub struct Stall {
    longest: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Stall {
    /// Begins to observe.
    #[must_use]
    pub fn watch() -> Self {
        let longest = Arc::new(AtomicU64::new(0));
        let stop = Arc::new(AtomicBool::new(false));
        let start = |place: Option<CpuSet>| {
            let (longest, stop) = (Arc::clone(&longest), Arc::clone(&stop));
            thread::spawn(move || look(place, &longest, &stop))
        };
        let threads = match sched_getaffinity(None) {
            Ok(all) => processors(&all).map(|place| start(Some(place))).collect(),
            Err(_) => vec![start(None)],
        };
        Self { longest, stop, threads }
    }

    /// Returns the longest time so far for which this machine did not let an observer run.
    #[must_use]
    pub fn longest(&self) -> Duration {
        Duration::from_nanos(self.longest.load(Ordering::Relaxed))
    }
}

/// Returns each of these processors alone.
fn processors(all: &CpuSet) -> impl Iterator<Item = CpuSet> {
    let numbers = (0..CpuSet::MAX_CPU).filter(|number| all.is_set(*number));
    numbers.take(PROCESSORS_MAX).map(|number| {
        let mut one = CpuSet::new();
        one.set(number);
        one
    })
}

fn look(place: Option<CpuSet>, longest: &AtomicU64, stop: &AtomicBool) {
    if let Some(place) = place {
        // An observer that may not stay on its processor is still useful.
        let _ = sched_setaffinity(None, &place);
    }
    while !stop.load(Ordering::Relaxed) {
        let before = Instant::now();
        thread::sleep(PERIOD);
        let late = before.elapsed().saturating_sub(PERIOD);
        longest.fetch_max(u64::try_from(late.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

impl Drop for Stall {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // The thread cannot panic.
            let _ = thread.join();
        }
    }
}

#[test]
fn stall_watch_visits_each_processor_once() {
    let mut all = CpuSet::new();
    all.set(0);
    all.set(5);
    let found: Vec<Vec<bool>> =
        processors(&all).map(|one| (0..7).map(|number| one.is_set(number)).collect()).collect();
    assert_eq!(found.len(), 2);
    assert!(found.iter().all(|one| one.iter().filter(|set| **set).count() == 1));
    assert!(found[0][0] && found[1][5]);
}
