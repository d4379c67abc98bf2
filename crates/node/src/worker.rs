//! A thread that does one kind of slow work in its order, for a thread that must not wait for it.
//!
//! What waits is bounded. What finds no room is given back, and it is for the caller to count it.

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::Duration;

/// Stack of a worker in bytes: all of it is locked, so it is small.
const STACK: usize = 256 << 10;

/// The way to a thread that does slow work. When it is dropped the thread does what waits, and
/// ends.
#[derive(Debug)]
pub(crate) struct Worker<Job> {
    queue: SyncSender<Job>,
    /// Closed by the end of the thread.
    ended: Receiver<()>,
}

impl<Job: Send + 'static> Worker<Job> {
    /// Starts the thread; at most `bound` jobs wait for it.
    ///
    /// # Errors
    ///
    /// When no thread can be had.
    pub(crate) fn start(
        name: &str,
        bound: usize,
        mut work: impl FnMut(Job) + Send + 'static,
    ) -> io::Result<Self> {
        let (queue, jobs) = sync_channel(bound);
        let (end, ended) = sync_channel::<()>(1);
        let thread = thread::Builder::new().name(name.to_owned()).stack_size(STACK);
        thread.spawn(move || {
            let _end = end;
            for job in jobs {
                work(job);
            }
        })?;
        Ok(Self { queue, ended })
    }

    /// Hands a job over; gives it back when too many wait.
    pub(crate) fn hand(&self, job: Job) -> Result<(), Job> {
        self.queue.try_send(job).map_err(|error| match error {
            TrySendError::Full(job) | TrySendError::Disconnected(job) => job,
        })
    }

    /// Lets it do what waits, for no longer than that. Returns whether everything was done.
    pub(crate) fn finish(self, limit: Duration) -> bool {
        let Self { queue, ended } = self;
        drop(queue);
        // Nothing is ever sent: the other side is closed, or the time is over.
        let result = ended.recv_timeout(limit);
        matches!(result, Err(std::sync::mpsc::RecvTimeoutError::Disconnected))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn jobs_are_done_in_their_order_and_what_has_no_room_comes_back() {
        let (tell, told) = channel();
        let (release, gate) = channel::<()>();
        let worker = Worker::start("test", 2, move |job: u32| {
            let _ = gate.recv();
            tell.send(job).unwrap();
        })
        .unwrap();
        let mut taken = Vec::new();
        let mut job = 0;
        // One is at work and two wait, as soon as the thread has taken the first.
        while taken.len() < 3 {
            job += 1;
            if worker.hand(job).is_ok() {
                taken.push(job);
            }
        }
        assert_eq!(worker.hand(0), Err(0));
        drop(release);
        assert!(worker.finish(Duration::from_secs(20)));
        assert_eq!(told.iter().collect::<Vec<_>>(), taken);
    }

    #[test]
    fn a_worker_that_hangs_is_left_behind() {
        let (_release, gate) = channel::<()>();
        let worker =
            Worker::start("test", 2, move |_: u32| gate.recv().unwrap_or_default()).unwrap();
        worker.hand(1).unwrap();
        assert!(!worker.finish(Duration::from_millis(10)));
    }
}
