//! Making certain that one other node is dead: the state machine, without cluster and device.

use crate::coverage::{Table, visit};
use crate::{FenceOutcome, FenceState, FencingEvent, Proof, Time};
use std::time::Duration;

/// Wait after the first failure before a device is asked again; the wait doubles with each failure.
const RETRY_FIRST: Duration = Duration::from_secs(1);
/// Longest wait for the next attempt.
const RETRY_MAX: Duration = Duration::from_mins(1);

/// How far the fencing of a node has come.
///
/// ```text
/// Unneeded ──a group waits──▶ Delayed ──the delay is over──▶ Running ──done──▶ Certain
/// Running ──failed──▶ Failed ──time is up──▶ Running
/// Running ──the device is busy──▶ Delayed
/// Running ──failed, and the node is heard──▶ Unneeded
/// Delayed, Failed ──no group waits any longer──▶ Unneeded
/// Certain ──heard since then──▶ Unneeded
/// any state ──confirmed by hand──▶ Certain
/// ```
///
/// Each device of a node is an attempt of its own: after a device that could not reset the node,
/// the next device is asked as the first was, if that is still needed. While the process that
/// drives devices has another device to drive, nothing waits there: it is asked again later.
///
/// A node that is heard while the device works may be hit in the next moment. The device is not
/// interrupted, because then it would be unknown how far it came. If the device fails, the node
/// lives; if it succeeds, the node is dead unless it is heard again after that.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    /// No group waits for the node to be fenced.
    #[default]
    Unneeded,
    /// The node has the chance to fence this node first.
    Delayed { until: Time },
    /// A device is working.
    Running,
    /// No device could reset the node.
    Failed { retry_at: Time },
    /// The node does not run, as of this time: a later sign of life counts against that.
    Certain { at: Time, proof: Proof },
}

/// What happens to a [`Fence`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Input {
    /// The node fell silent without a goodbye.
    Silent,
    /// A turn in which it was determined which groups wait.
    Turn(Turn),
    /// A device has answered.
    Answer(Answer),
    /// The administrator has seen that the node is off.
    Confirmed,
}

/// What is known about a node in a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Turn {
    pub(super) is_alive: bool,
    /// When the last status of the node arrived.
    pub(super) heard: Option<Time>,
    /// The generation of its daemon that is known.
    pub(super) generation: u64,
    /// How long to wait because the node may fence first, if a group begins to wait now.
    pub(super) delay: Duration,
}

/// What a device has answered, and what is known about the node then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) attempt: u32,
    pub(super) outcome: FenceOutcome,
    pub(super) is_alive: bool,
    /// The node is heard but cannot tell what it runs: it is fenced all the same.
    pub(super) is_in_doubt: bool,
    pub(super) generation: u64,
}

/// What a step asks of the cluster, to be done in this order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Effects {
    pub(super) reports: [Option<FencingEvent>; 2],
    /// Ask a device: the number of the attempt, and the device, by its index among those of the
    /// node.
    pub(super) ask: Option<(u32, u8)>,
    /// A silent node is certain to be dead from now on.
    pub(super) is_certain: bool,
    /// No device could reset the node.
    pub(super) has_failed: bool,
    /// The node was heard in time, and nothing is done to it.
    pub(super) is_spared: bool,
}

impl Effects {
    fn report(event: FencingEvent) -> Self {
        Self { reports: [Some(event), None], ..Self::default() }
    }
}

/// The fencing of another node.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::cluster) struct Fence {
    state: State,
    /// When the node fell silent without a goodbye, if it is silent.
    died: Option<Time>,
    /// A group would be taken if the node were certain to be dead.
    is_wanted: bool,
    /// Since when a group has been waiting.
    since: Time,
    /// The number of the last attempt of this run.
    attempt: u32,
    /// Failures of all devices since a group began to wait.
    failures: u32,
    /// The generation of the node that was known when the device was asked.
    generation: u64,
    /// The device that is asked next, by its index among those of the node.
    device: u8,
}

impl Fence {
    /// The latest time at which a turn is due.
    pub(in crate::cluster) const fn deadline(&self) -> Option<Time> {
        match self.state {
            State::Delayed { until } => Some(until),
            State::Failed { retry_at } => Some(retry_at),
            State::Unneeded | State::Running | State::Certain { .. } => None,
        }
    }

    /// Whether the node is silent but may still run something.
    pub(super) const fn is_uncertain(&self) -> bool {
        self.died.is_some() && !self.is_certain()
    }

    /// Whether the node was fenced, or confirmed dead, and not heard since.
    pub(super) const fn is_certain(&self) -> bool {
        matches!(self.state, State::Certain { .. })
    }

    /// The proof that the node is dead.
    pub(super) const fn proof(&self) -> Proof {
        match self.state {
            State::Certain { proof, .. } => proof,
            State::Unneeded | State::Delayed { .. } | State::Running | State::Failed { .. } => {
                Proof::Silence
            }
        }
    }

    /// For the status: how far the fencing has come, since when a group waits, and the attempts
    /// since then.
    pub(in crate::cluster) const fn progress(&self) -> Option<(FenceState, Time, u32)> {
        let (state, attempts) = match self.state {
            State::Unneeded | State::Certain { .. } => return None,
            State::Delayed { .. } => (FenceState::Delayed, 0),
            State::Running => (FenceState::Running, self.failures.saturating_add(1)),
            State::Failed { .. } => (FenceState::Failed, self.failures),
        };
        Some((state, self.since, attempts))
    }

    /// A group waits, until the next turn says otherwise.
    pub(super) const fn want(&mut self) {
        self.is_wanted = true;
    }

    /// Whether a group begins to wait in the next turn.
    pub(super) fn is_about_to_begin(&self) -> bool {
        self.is_wanted && self.state == State::Unneeded
    }

    /// Records that the node is heard again.
    pub(super) const fn record_return(&mut self) {
        self.died = None;
    }

    /// Processes an input. The only place where the state changes.
    pub(super) fn step(&mut self, now: Time, input: Input) -> Effects {
        visit(Table::Fence, || (self.state.name(), self.name_of(now, &input)));
        match input {
            Input::Silent => {
                self.died = Some(now);
                Effects { is_certain: self.is_certain(), ..Effects::default() }
            }
            Input::Turn(turn) => self.turn(now, turn),
            Input::Answer(answer) if self.is_past(&answer) => Effects::default(),
            Input::Answer(answer) => self.answered(now, answer),
            Input::Confirmed => {
                let is_news = self.died.is_some() && !self.is_certain();
                self.state = State::Certain { at: now, proof: Proof::Confirmed };
                Effects { is_certain: is_news, ..Effects::report(FencingEvent::Confirmed) }
            }
        }
    }

    fn turn(&mut self, now: Time, turn: Turn) -> Effects {
        let is_wanted = std::mem::take(&mut self.is_wanted);
        match self.state {
            State::Unneeded if is_wanted => self.begin(now, turn),
            State::Delayed { .. } | State::Failed { .. } if !is_wanted => {
                self.state = State::Unneeded;
                let cancelled = FencingEvent::Cancelled { is_heard: turn.is_alive };
                Effects { is_spared: turn.is_alive, ..Effects::report(cancelled) }
            }
            State::Delayed { until: at } | State::Failed { retry_at: at } if now >= at => {
                self.ask(turn.generation)
            }
            State::Certain { at, .. } if turn.is_alive && turn.heard > Some(at) => {
                self.state = State::Unneeded;
                Effects::default()
            }
            State::Unneeded
            | State::Delayed { .. }
            | State::Running
            | State::Failed { .. }
            | State::Certain { .. } => Effects::default(),
        }
    }

    fn begin(&mut self, now: Time, turn: Turn) -> Effects {
        let delay = turn.delay;
        (self.since, self.failures, self.device) = (now, 0, 0);
        self.state = State::Delayed { until: now + delay };
        let wanted = FencingEvent::Wanted { delay };
        if !delay.is_zero() {
            return Effects::report(wanted);
        }
        let asked = self.ask(turn.generation);
        Effects { reports: [Some(wanted), asked.reports[0]], ..asked }
    }

    fn ask(&mut self, generation: u64) -> Effects {
        self.state = State::Running;
        self.attempt = self.attempt.saturating_add(1);
        self.generation = generation;
        let begins = FencingEvent::Begins { attempt: self.attempt };
        Effects { ask: Some((self.attempt, self.device)), ..Effects::report(begins) }
    }

    /// Whether nothing waits for an answer.
    fn is_past(&self, answer: &Answer) -> bool {
        self.state != State::Running || self.attempt != answer.attempt
    }

    fn answered(&mut self, now: Time, answer: Answer) -> Effects {
        let Answer { attempt, outcome, is_alive, is_in_doubt, generation } = answer;
        // A node that is heard lives, and is left alone unless it cannot tell what it runs.
        let is_over = is_alive && !is_in_doubt;
        match outcome {
            // A device may answer long after it has switched: a daemon that started since then
            // lives.
            FenceOutcome::Done if generation != self.generation => {
                self.fail(now, answer, is_over, Duration::ZERO)
            }
            FenceOutcome::Done => {
                self.state = State::Certain { at: now, proof: Proof::Fenced };
                let done = FencingEvent::Done { attempt, is_heard: is_alive };
                Effects { is_certain: !is_alive, ..Effects::report(done) }
            }
            FenceOutcome::Next => {
                // Nothing is done automatically: whether the next device is asked is decided as for
                // the first.
                self.device = self.device.saturating_add(1);
                self.fail(now, answer, is_over, Duration::ZERO)
            }
            FenceOutcome::Busy => {
                let until = now + RETRY_FIRST;
                self.state = if is_over { State::Unneeded } else { State::Delayed { until } };
                Effects::default()
            }
            FenceOutcome::Failed => {
                self.device = 0;
                let doubled = RETRY_FIRST.saturating_mul(1 << self.failures.min(16));
                self.failures = self.failures.saturating_add(1);
                let failed = self.fail(now, answer, is_over, doubled.min(RETRY_MAX));
                Effects { has_failed: true, ..failed }
            }
        }
    }

    fn fail(&mut self, now: Time, answer: Answer, is_over: bool, wait: Duration) -> Effects {
        let Answer { attempt, is_alive: is_heard, .. } = answer;
        self.state = if is_over { State::Unneeded } else { State::Failed { retry_at: now + wait } };
        let retry = (!is_over).then_some(wait);
        Effects::report(FencingEvent::Failed { attempt, retry, is_heard })
    }

    /// The name of an input for the count of transitions.
    fn name_of(&self, now: Time, input: &Input) -> &'static str {
        let is_due = self.deadline().is_some_and(|deadline| now >= deadline);
        match input {
            Input::Silent => "silent",
            Input::Turn(turn) => match (self.is_wanted, turn.is_alive, is_due) {
                (false, true, _) => "heard",
                (false, false, _) => "not wanted",
                (true, _, true) => "time up",
                (true, _, false) => "wanted",
            },
            Input::Answer(answer) if self.is_past(answer) => "past answer",
            Input::Answer(Answer { outcome: FenceOutcome::Done, .. }) => "done",
            Input::Answer(_) => "failed",
            Input::Confirmed => "confirmed",
        }
    }
}

impl State {
    /// The name of the state for the count of transitions.
    const fn name(self) -> &'static str {
        match self {
            Self::Unneeded => "unneeded",
            Self::Delayed { .. } => "delayed",
            Self::Running => "running",
            Self::Failed { .. } => "failed",
            Self::Certain { .. } => "certain",
        }
    }
}
