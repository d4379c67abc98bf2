//! The checks of one resource.

use crate::coverage::{Table, visit};
use crate::{JobId, LastResort, Monitor, Outcome, Time, Words};
use std::time::Duration;

/// One monitored resource.
///
/// ```text
///        begin              due                failed too often, `block`
///  Off ────────▶ Waiting ──────────▶ Checking ──────────────────────────▶ GivenUp
///                   ▲                  │  │                                   │
///                   └──────────────────┘  │ failed too often, else            │
///                    well, not yet failed │ (the group restarts or moves)     │
///  Off ◀──────────────────────────────────┴───────────── end, clear ──────────┘
/// ```
#[derive(Debug)]
pub(crate) struct Watch {
    /// The resource, by its index in the group.
    pub(super) resource: usize,
    pub(super) monitor: Monitor,
    pub(super) state: State,
    /// How many checks have failed in a row.
    failures: u8,
    /// The restarts that count, oldest first: at most as many as there may be. Each has the time of the
    /// first good check after it, from which on it counts for as long as a restart does.
    restarts: Vec<Option<Time>>,
    /// The last check that has ended, and what was said about it.
    last: Option<Checked>,
    last_words: Words,
    /// The trouble that was reported and is not over.
    trouble: Option<Trouble>,
    /// When the first of the checks ended that have failed since the last good one.
    failing_since: Option<Time>,
    /// What was said about the running check.
    pub(super) words: Words,
    /// The next check is brought forward, because the resource may have failed.
    is_hurried: bool,
    /// When a check last began that had been brought forward.
    hurried: Option<Time>,
    /// It was suspected during the running check, which may have looked before: it is to be checked again then.
    again: Option<Time>,
}

/// How far apart checks because of a suspicion are, so that a service whose processes end all the time does not
/// occupy the node with checks.
const SUSPICION: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// The group does not run here.
    Off,
    /// The next check is due then.
    Waiting(Time),
    /// This job runs since then.
    Checking(JobId, Time),
    /// The resource has failed too often, and nothing is done until a person says so.
    GivenUp,
}

/// A check that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Checked {
    pub(crate) outcome: Outcome,
    pub(crate) at: Time,
    pub(crate) took: Duration,
}

/// What is wrong with a monitored resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The last check failed.
    Failing,
    /// The resource has failed, and nothing may be done about it now.
    Failed,
    /// The resource has failed, and was restarted as often as it may be.
    Exhausted,
    /// The check itself cannot be made.
    Unknown,
}

/// What follows from the end of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing new.
    None,
    /// The trouble is over.
    Recovered,
    /// The check failed, and the resource may fail some more before it has failed.
    Failing {
        /// How many checks have failed in a row.
        failures: u8,
    },
    /// The check could not be made, which says nothing about the resource.
    Unknown,
    /// The resource has failed and is to be restarted.
    Restart {
        /// How many restarts there were within the time that counts, with this one.
        used: u8,
    },
    /// The resource has failed, and was restarted as often as it may be.
    Exhausted {
        /// Whether that was not said before.
        is_news: bool,
    },
    /// The resource has failed, and nothing may be done about it now.
    Withheld,
}

impl Watch {
    pub(super) fn new(resource: usize, monitor: Monitor) -> Self {
        Self {
            resource,
            monitor,
            state: State::Off,
            failures: 0,
            restarts: Vec::with_capacity(monitor.restarts.into()),
            last: None,
            last_words: Words::NONE,
            trouble: None,
            failing_since: None,
            words: Words::NONE,
            is_hurried: false,
            hurried: None,
            again: None,
        }
    }

    pub(super) fn reconfigure(&mut self, monitor: Monitor) {
        if self.monitor != monitor {
            self.monitor = monitor;
            let excess = self.restarts.len().saturating_sub(monitor.restarts.into());
            self.restarts.drain(..excess);
            if matches!(self.state, State::Waiting(_) | State::GivenUp) {
                self.state = State::Off;
            }
        }
    }

    /// The resource, by its index in the group.
    pub(crate) const fn resource(&self) -> usize {
        self.resource
    }

    /// How the resource is monitored.
    pub(crate) const fn monitor(&self) -> &Monitor {
        &self.monitor
    }

    /// The last check that has ended.
    pub(crate) const fn last(&self) -> Option<Checked> {
        self.last
    }

    /// What was said about the last check that has ended.
    pub(crate) const fn last_words(&self) -> Words {
        self.last_words
    }

    /// How many checks have failed in a row.
    pub(crate) const fn failures(&self) -> u8 {
        self.failures
    }

    /// What is wrong.
    pub(crate) const fn trouble(&self) -> Option<Trouble> {
        self.trouble
    }

    /// When the first of the checks ended that have failed since the last good one.
    pub(crate) const fn failing_since(&self) -> Option<Time> {
        self.failing_since
    }

    /// When the next check is due.
    pub(crate) const fn next(&self) -> Option<Time> {
        match self.state {
            State::Waiting(at) => Some(at),
            State::Off | State::Checking(..) | State::GivenUp => None,
        }
    }

    /// Whether nothing is done about the resource until a person says so.
    pub(crate) fn is_given_up(&self) -> bool {
        self.state == State::GivenUp
    }

    /// How many restarts count.
    pub(crate) fn restarts(&self, now: Time) -> usize {
        self.restarts.iter().filter(|well| self.counts(now, **well)).count()
    }

    fn counts(&self, now: Time, well: Option<Time>) -> bool {
        well.is_none_or(|well| now.since(well) < self.monitor.within)
    }

    pub(super) const fn job(&self) -> Option<JobId> {
        match self.state {
            State::Checking(job, _) => Some(job),
            State::Off | State::Waiting(_) | State::GivenUp => None,
        }
    }

    pub(super) fn visit(&self, input: &'static str) {
        visit(Table::Watch, || (self.state.name(), input));
    }

    pub(super) fn end(&mut self) {
        self.visit("end");
        (self.state, self.failures, self.trouble) = (State::Off, 0, None);
        self.failing_since = None;
    }

    /// The group runs, and cannot be checked for now. What was given up remains so.
    pub(super) fn suspend(&mut self) {
        if !self.is_given_up() {
            self.end();
        }
    }

    pub(super) fn has_counted(&self) -> bool {
        !self.restarts.is_empty() || self.failures > 0 || self.is_given_up()
    }

    pub(super) fn clear(&mut self) {
        self.visit("clear");
        self.restarts.clear();
        self.failures = 0;
        if self.is_given_up() {
            self.end();
        }
    }

    /// The group runs: the first check is due then. What an earlier time has found is old.
    pub(super) fn begin(&mut self, first: Time) {
        self.visit("begin");
        (self.state, self.last, self.again) = (State::Waiting(first), None, None);
    }

    /// The next check begins.
    pub(super) fn start(&mut self, job: JobId, now: Time) {
        self.visit("due");
        self.words = Words::NONE;
        self.state = State::Checking(job, now);
        if std::mem::take(&mut self.is_hurried) {
            self.hurried = Some(now);
        }
    }

    /// Whether the resource has failed, nothing was done about it, and it waits for its next check.
    pub(super) fn is_withheld(&self) -> bool {
        self.trouble == Some(Trouble::Failed) && matches!(self.state, State::Waiting(_))
    }

    /// Something suggests that the resource has failed: it is checked at `due`, unless that was to be sooner.
    pub(super) fn suspect(&mut self, due: Time) {
        self.visit("suspect");
        match self.state {
            State::Waiting(planned) => {
                let earliest = self.hurried.map_or(due, |last| due.max(last + SUSPICION));
                if earliest < planned {
                    self.state = State::Waiting(earliest);
                    self.is_hurried = true;
                }
            }
            State::Checking(..) => {
                self.again = Some(self.again.map_or(due, |again| again.min(due)));
            }
            State::Off | State::GivenUp => {}
        }
    }

    pub(super) fn done(&mut self, now: Time, outcome: Outcome, may_act: bool) -> Verdict {
        let State::Checking(_, since) = self.state else { return Verdict::None };
        self.visit(name_of(outcome));
        self.state = State::Waiting(now + self.monitor.every);
        if let Some(again) = self.again.take() {
            self.suspect(again.max(now));
        }
        if outcome == Outcome::Cancelled {
            // The executor had no permit, or ended the check: it says nothing.
            return Verdict::None;
        }
        self.last = Some(Checked { outcome, at: now, took: now.since(since) });
        self.last_words = self.words;
        match outcome {
            Outcome::Success | Outcome::Running => {
                (self.failures, self.failing_since) = (0, None);
                self.restarts.iter_mut().for_each(|well| _ = well.get_or_insert(now));
                let had_trouble = self.trouble.take().is_some();
                if had_trouble { Verdict::Recovered } else { Verdict::None }
            }
            Outcome::Missing | Outcome::NotAsked => self.report(Trouble::Unknown, Verdict::Unknown),
            Outcome::NotRunning | Outcome::Failed(_) | Outcome::TimedOut | Outcome::Cancelled => {
                self.failed(now, may_act)
            }
        }
    }

    fn failed(&mut self, now: Time, may_act: bool) -> Verdict {
        self.failing_since.get_or_insert(now);
        self.failures = self.failures.saturating_add(1).min(self.monitor.failures);
        let failures = self.failures;
        if failures < self.monitor.failures {
            return self.report(Trouble::Failing, Verdict::Failing { failures });
        }
        if !may_act {
            return self.report(Trouble::Failed, Verdict::Withheld);
        }
        let within = self.monitor.within;
        self.restarts.retain(|well| well.is_none_or(|well| now.since(well) < within));
        if self.restarts.len() < self.monitor.restarts.into() {
            self.restarts.push(None);
            let used = u8::try_from(self.restarts.len()).unwrap_or(u8::MAX);
            return Verdict::Restart { used };
        }
        match self.monitor.then {
            LastResort::Move => {
                let is_news = self.trouble.replace(Trouble::Exhausted) != Some(Trouble::Exhausted);
                Verdict::Exhausted { is_news }
            }
            LastResort::Block => {
                self.state = State::GivenUp;
                self.trouble = Some(Trouble::Exhausted);
                Verdict::Exhausted { is_news: true }
            }
            LastResort::Ignore => {
                self.report(Trouble::Exhausted, Verdict::Exhausted { is_news: true })
            }
        }
    }

    /// Returns a verdict for the first time that this trouble is found, and nothing afterwards.
    fn report(&mut self, trouble: Trouble, verdict: Verdict) -> Verdict {
        let is_new = self.trouble.replace(trouble) != Some(trouble);
        let is_counted = matches!(verdict, Verdict::Failing { .. });
        if is_new || is_counted { verdict } else { Verdict::None }
    }
}

impl State {
    const fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Waiting(_) => "waiting",
            Self::Checking(..) => "checking",
            Self::GivenUp => "given up",
        }
    }
}

/// The name of an outcome for the count of transitions.
const fn name_of(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Success | Outcome::Running => "well",
        Outcome::NotRunning | Outcome::Failed(_) | Outcome::TimedOut => "failed",
        Outcome::Missing | Outcome::NotAsked => "unknown",
        Outcome::Cancelled => "cancelled",
    }
}
