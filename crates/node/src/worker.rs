//! A thread that does one kind of slow work in order, for a thread that must not wait for it.
//!
//! The queue is bounded. A job for which there is no room is given back, and the caller must count it.

use std::fmt;
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Stack size of a worker in bytes. All of it is locked, so it is small.
const STACK: usize = 256 << 10;

/// Time between two checks whether a full queue has room.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// A thread that is to be started. Starting can be tried again, because a machine may temporarily have no
/// resources for another thread.
pub(crate) struct Thread<Output> {
    name: &'static str,
    stack: usize,
    /// The work, which the thread takes.
    #[expect(clippy::type_complexity, reason = "it is used here alone")]
    work: Arc<Mutex<Option<Box<dyn FnOnce() -> Output + Send>>>>,
}

impl<Output: Send + 'static> Thread<Output> {
    /// Creates it from the work and the stack size in bytes.
    pub(crate) fn new(
        name: &'static str,
        stack: usize,
        work: impl FnOnce() -> Output + Send + 'static,
    ) -> Self {
        Self { name, stack, work: Arc::new(Mutex::new(Some(Box::new(work)))) }
    }

    /// Starts the thread. Its work is not done again if it was started before.
    ///
    /// # Errors
    ///
    /// When no thread can be started; the work is kept.
    pub(crate) fn start(&self) -> io::Result<JoinHandle<Option<Output>>> {
        let work = Arc::clone(&self.work);
        let thread = thread::Builder::new().name(self.name.to_owned()).stack_size(self.stack);
        thread.spawn(move || {
            let work = work.lock().unwrap_or_else(PoisonError::into_inner).take();
            work.map(|work| work())
        })
    }
}

impl<Output> fmt::Debug for Thread<Output> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Thread").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A task for the thread.
#[derive(Debug)]
enum Task<Job> {
    Work(Job),
    /// Report that everything before it is done, by dropping this.
    Tell(SyncSender<()>),
}

/// The channel to a thread that does slow work. When the channel is dropped, the thread does the waiting
/// jobs and ends.
#[derive(Debug)]
pub(crate) struct Worker<Job> {
    queue: Arc<SyncSender<Task<Job>>>,
    /// Closed when the thread ends.
    ended: Receiver<()>,
    /// The thread, as long as it could not be started.
    thread: Option<Thread<()>>,
}

impl<Job: Send + 'static> Worker<Job> {
    /// Starts the thread, for which at most `bound` jobs may wait.
    ///
    /// # Errors
    ///
    /// When no thread can be started.
    pub(crate) fn start(
        name: &'static str,
        bound: usize,
        work: impl FnMut(Job) + Send + 'static,
    ) -> io::Result<Self> {
        let mut worker = Self::new(name, bound, work);
        worker.tend()?;
        Ok(worker)
    }

    /// Creates a worker whose jobs wait until its thread is [started](Self::tend).
    pub(crate) fn new(
        name: &'static str,
        bound: usize,
        mut work: impl FnMut(Job) + Send + 'static,
    ) -> Self {
        let (queue, jobs) = sync_channel(bound);
        let (end, ended) = sync_channel::<()>(1);
        let thread = Thread::new(name, STACK, move || {
            let _end = end;
            for task in jobs {
                match task {
                    Task::Work(job) => work(job),
                    Task::Tell(reached) => drop(reached),
                }
            }
        });
        Self { queue: Arc::new(queue), ended, thread: Some(thread) }
    }

    /// Starts the thread, unless it runs already.
    ///
    /// # Errors
    ///
    /// When no thread can be started. The call can be repeated, and the jobs wait.
    pub(crate) fn tend(&mut self) -> io::Result<()> {
        if let Some(thread) = &self.thread {
            thread.start()?;
            self.thread = None;
        }
        Ok(())
    }

    /// Queues a job. Returns the job when too many wait.
    pub(crate) fn hand(&self, job: Job) -> Result<(), Job> {
        hand(&self.queue, job)
    }

    /// Waits until everything that was queued is done, at most for `limit`. Returns whether it is done.
    pub(crate) fn settle(&self, limit: Duration) -> bool {
        let until = Instant::now() + limit;
        let (reached, wait) = sync_channel(1);
        let mut task = Task::Tell(reached);
        while let Err(TrySendError::Full(refused)) = self.queue.try_send(task) {
            if Instant::now() >= until {
                return false;
            }
            task = refused;
            thread::sleep(LOOK_AGAIN);
        }
        is_closed(&wait, until.saturating_duration_since(Instant::now()))
    }

    /// Returns a channel for another thread, which does not keep the worker from ending.
    pub(crate) fn side_way(&self) -> SideWay<Job> {
        SideWay(Arc::downgrade(&self.queue))
    }

    /// Lets the thread do the waiting jobs, at most for `limit`. Returns whether all were done.
    pub(crate) fn finish(self, limit: Duration) -> bool {
        let Self { queue, ended, thread } = self;
        drop(queue);
        if thread.is_some_and(|thread| thread.start().is_err()) {
            return false;
        }
        is_closed(&ended, limit)
    }
}

/// Whether the other side is closed within the limit. Nothing is ever sent.
fn is_closed(other_side: &Receiver<()>, limit: Duration) -> bool {
    other_side.recv_timeout(limit) == Err(RecvTimeoutError::Disconnected)
}

/// The channel of another thread to a worker.
#[derive(Debug)]
pub(crate) struct SideWay<Job>(Weak<SyncSender<Task<Job>>>);

impl<Job> SideWay<Job> {
    /// Queues a job. Returns the job when too many wait, or the worker has ended.
    pub(crate) fn hand(&self, job: Job) -> Result<(), Job> {
        match self.0.upgrade() {
            Some(queue) => hand(&queue, job),
            None => Err(job),
        }
    }
}

fn hand<Job>(queue: &SyncSender<Task<Job>>, job: Job) -> Result<(), Job> {
    match queue.try_send(Task::Work(job)) {
        Err(TrySendError::Full(Task::Work(job)) | TrySendError::Disconnected(Task::Work(job))) => {
            Err(job)
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn worker_does_jobs_in_order_and_returns_jobs_without_room() {
        let (tell, told) = channel();
        let (release, gate) = channel::<()>();
        let worker = Worker::start("test", 2, move |job: u32| {
            let _ = gate.recv();
            tell.send(job).unwrap();
        })
        .unwrap();
        let mut taken = Vec::new();
        let mut job = 0;
        // As soon as the thread has taken the first job, one is at work and two wait.
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
    fn worker_jobs_wait_until_thread_can_be_started() {
        let (tell, told) = channel();
        let mut worker = Worker::new("test", 2, move |job: u32| tell.send(job).unwrap());
        // No machine has memory for such a stack.
        worker.thread.as_mut().unwrap().stack = usize::MAX >> 2;
        worker.hand(1).unwrap();
        worker.tend().unwrap_err();
        worker.hand(2).unwrap();
        assert_eq!(worker.hand(3), Err(3));
        worker.thread.as_mut().unwrap().stack = STACK;
        worker.tend().unwrap();
        worker.tend().unwrap();
        assert!(worker.finish(Duration::from_secs(20)));
        assert_eq!(told.iter().collect::<Vec<_>>(), [1, 2]);
    }

    #[test]
    fn worker_side_way_hands_over_jobs_and_does_not_prevent_the_end() {
        let (tell, told) = channel();
        let worker = Worker::start("test", 2, move |job: u32| tell.send(job).unwrap()).unwrap();
        let way = worker.side_way();
        assert_eq!(thread::spawn(move || (way.hand(1), way)).join().unwrap().0, Ok(()));
        let way = worker.side_way();
        assert!(worker.finish(Duration::from_secs(20)));
        assert_eq!(way.hand(2), Err(2));
        assert_eq!(told.iter().collect::<Vec<_>>(), [1]);
    }

    #[test]
    fn settled_worker_has_done_its_jobs_and_accepts_further_jobs() {
        let (tell, told) = channel();
        let worker = Worker::start("test", 2, move |job: u32| tell.send(job).unwrap()).unwrap();
        for job in 0..3 {
            worker.hand(job).unwrap();
            assert!(worker.settle(Duration::from_secs(20)));
            assert_eq!(told.try_iter().collect::<Vec<_>>(), [job]);
        }
    }

    #[test]
    fn hanging_worker_is_left_behind() {
        let (_release, gate) = channel::<()>();
        let worker =
            Worker::start("test", 2, move |_: u32| gate.recv().unwrap_or_default()).unwrap();
        worker.hand(1).unwrap();
        assert!(!worker.settle(Duration::from_millis(10)));
        while worker.hand(2).is_ok() {}
        assert!(!worker.settle(Duration::from_millis(10)), "it is full");
        assert!(!worker.finish(Duration::from_millis(10)));
    }
}
