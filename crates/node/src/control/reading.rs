//! A helper thread reads, checks and compares the files, because a disk or a name server may never answer.
//!
//! ```text
//!          an order, SIGHUP             its answer
//!   idle ────────────────────▶ reading ────────────▶ idle: applied or refused, as it says
//!                                 │ too late, or the daemon is being stopped
//!                                 └─────────────────▶ idle: nothing changes, the helper is left behind
//! ```
//!
//! The control thread receives the answer in its one poll, and does everything else meanwhile.

mod hindrance;
pub(super) mod job;
mod steps;

use crate::worker::Thread;
use job::Found;
use std::io;
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
pub(super) use steps::Steps;

/// Time limit for the files. By default libc waits 30 s for three silent name servers.
pub(super) const LIMIT: Duration = Duration::from_mins(1);
/// Maximum number of hanging helpers that were left behind. Each has a stack in locked memory.
const LEFT_BEHIND_MAX: usize = 3;
/// Stack size of a helper in bytes: libc's resolver and the reader of the files need more than a small one.
const STACK: usize = 2 << 20;

/// The result of a reading.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The contents of the files.
    Found(Box<Found>),
    /// Nothing came in time. The helper was at this step, and is left behind there.
    Late(String),
}

/// A helper at work.
#[derive(Debug)]
struct Helper {
    steps: Steps,
    thread: JoinHandle<Option<()>>,
    answer: Receiver<Found>,
}

/// Who asked for the files to be read, and the helpers that read them.
#[derive(Debug)]
pub(super) struct Reading<Asker> {
    current: Option<(Asker, Helper, Instant)>,
    left_behind: Vec<Helper>,
}

impl<Asker> Default for Reading<Asker> {
    fn default() -> Self {
        Self { current: None, left_behind: Vec::new() }
    }
}

impl<Asker> Reading<Asker> {
    /// Returns the current step of the helper, if one is at work.
    pub(super) fn step(&self) -> Option<String> {
        self.current.as_ref().map(|(_, helper, _)| helper.steps.last())
    }

    /// Returns the step at which a helper of an earlier reading hangs, if any. While it hangs, the process
    /// must not execute another program: the kernel would wait for the thread, and there would be no beats.
    pub(super) fn hangs(&mut self) -> Option<String> {
        self.left_behind.retain(|helper| !helper.thread.is_finished());
        self.left_behind.first().map(|helper| helper.steps.last())
    }

    /// Has a helper do the work. The helper reports its steps, and calls `wake` when it is finished.
    ///
    /// # Errors
    ///
    /// When no thread can be started, or too many helpers hang. The asker is given back.
    pub(super) fn begin(
        &mut self,
        asker: Asker,
        until: Instant,
        work: impl FnOnce(&Steps) -> Found + Send + 'static,
        wake: impl FnOnce() + Send + 'static,
    ) -> Result<(), (Asker, io::Error)> {
        if let Some(step) = self.hangs().filter(|_| self.left_behind.len() >= LEFT_BEHIND_MAX) {
            let text = format!("{step} has not ended since an earlier order");
            return Err((asker, io::Error::other(text)));
        }
        let steps = Steps::default();
        let (tell, answer) = sync_channel(1);
        let of_helper = steps.clone();
        let thread = Thread::new("reading", STACK, move || {
            let found = work(&of_helper);
            // Nothing waits for a helper that was left behind.
            let _ = tell.send(found);
            wake();
        });
        match thread.start() {
            Ok(thread) => {
                self.current = Some((asker, Helper { steps, thread, answer }, until));
                Ok(())
            }
            Err(error) => Err((asker, error)),
        }
    }

    /// Returns the result of the reading, once it is finished.
    pub(super) fn look(&mut self, now: Instant) -> Option<(Asker, Outcome)> {
        let (_, helper, until) = self.current.as_ref()?;
        match helper.answer.try_recv() {
            Ok(found) => {
                let (asker, _, _) = self.current.take()?;
                Some((asker, Outcome::Found(Box::new(found))))
            }
            Err(TryRecvError::Empty) if now < *until => None,
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => {
                let (asker, step) = self.give_up()?;
                Some((asker, Outcome::Late(step)))
            }
        }
    }

    /// Leaves the helper behind. Returns who asked, and the step at which the helper was.
    pub(super) fn give_up(&mut self) -> Option<(Asker, String)> {
        let (asker, helper, _) = self.current.take()?;
        let step = helper.steps.last();
        self.left_behind.push(helper);
        Some((asker, step))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Sender, channel};

    const PATIENCE: Duration = Duration::from_secs(20);

    /// Work that waits until the gate is open.
    fn gated(name: &'static str) -> (Sender<()>, impl FnOnce(&Steps) -> Found + Send + 'static) {
        let (open, gate) = channel::<()>();
        let work = move |steps: &Steps| {
            steps.tell(format!("reading {name}"));
            let _ = gate.recv();
            Found::failed(name.to_owned())
        };
        (open, work)
    }

    fn await_step(reading: &Reading<u32>, step: &str) {
        let limit = Instant::now() + PATIENCE;
        while reading.step().as_deref() != Some(step) {
            assert!(Instant::now() < limit, "{:?}", reading.step());
            std::thread::yield_now();
        }
    }

    #[test]
    fn reading_signals_its_end_and_returns_outcome_to_asker() {
        let mut reading = Reading::default();
        let (signed, sign) = channel();
        let (open, work) = gated("web2");
        let until = Instant::now() + PATIENCE;
        reading.begin(7, until, work, move || signed.send(()).unwrap()).unwrap();
        await_step(&reading, "reading web2");
        assert!(reading.look(Instant::now()).is_none());
        drop(open);
        sign.recv_timeout(PATIENCE).unwrap();
        let (asker, outcome) = reading.look(Instant::now()).unwrap();
        assert!(asker == 7 && matches!(outcome, Outcome::Found(_)), "{outcome:?}");
        assert!(reading.look(Instant::now()).is_none() && reading.step().is_none());
        assert_eq!(reading.hangs(), None);
    }

    #[test]
    fn late_reading_is_named_and_left_behind_up_to_a_bound() {
        let mut reading = Reading::default();
        let mut gates = Vec::new();
        for asker in 0..LEFT_BEHIND_MAX {
            let (open, work) = gated("a file");
            gates.push(open);
            let until = Instant::now() + PATIENCE;
            reading.begin(u32::try_from(asker).unwrap(), until, work, || {}).unwrap();
            await_step(&reading, "reading a file");
            let (_, outcome) = reading.look(until).unwrap();
            assert!(matches!(&outcome, Outcome::Late(step) if step == "reading a file"));
            assert_eq!(reading.hangs().as_deref(), Some("reading a file"));
        }
        let (_open, work) = gated("another");
        let (asker, error) = reading.begin(9, Instant::now(), work, || {}).unwrap_err();
        assert_eq!(asker, 9);
        assert_eq!(error.to_string(), "reading a file has not ended since an earlier order");
        // As soon as one of them continues there is room again.
        gates.pop();
        let limit = Instant::now() + PATIENCE;
        loop {
            let (_open, work) = gated("another");
            if reading.begin(9, Instant::now(), work, || {}).is_ok() {
                return;
            }
            assert!(Instant::now() < limit);
            std::thread::yield_now();
        }
    }
}
