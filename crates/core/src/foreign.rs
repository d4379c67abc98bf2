//! Looks for resources of one group that run on this node although nobody has started them here: a service
//! that the machine starts at boot, or an address that is configured by hand.

use crate::{Action, GroupId, Job, JobId, Outcome, Time};
use std::time::Duration;

/// When a group that does not run here is looked at, counted from that moment: while the machine boots, its
/// services may start after this daemon.
const ROUNDS: [Duration; 3] =
    [Duration::from_secs(10), Duration::from_mins(1), Duration::from_mins(5)];
/// How long after a round that has found something the next one begins.
const AGAIN: Duration = Duration::from_mins(1);

/// The looks for resources of a group that does not run here.
#[derive(Debug, Default)]
pub(crate) struct ForeignLooks {
    state: State,
    /// Since when the group does not run here.
    since: Option<Time>,
    /// How many rounds are over.
    rounds: usize,
    /// The resources that were found running, by their index in the group.
    found: Vec<usize>,
    /// Those of them that could not be stopped.
    refused: Vec<usize>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The group runs here, or was looked at often enough.
    #[default]
    Off,
    /// The next round begins then.
    Waiting(Time),
    /// A round goes on; this resource is next.
    Next(usize),
    /// This resource is looked at.
    Looking(usize, JobId),
    /// This resource is being stopped.
    Stopping(usize, JobId),
}

/// What came of a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// The resource runs. It was not known before, if it `is_news`.
    Runs {
        /// Whether it was not known before.
        is_news: bool,
    },
    /// The resource was found before, and does not run any longer.
    Gone,
    /// The resource was stopped, or could not be stopped.
    Stopped(Outcome),
}

impl ForeignLooks {
    /// The group does not run here.
    pub(crate) fn begin(&mut self, now: Time) {
        if self.since.is_none() {
            *self = Self {
                since: Some(now),
                state: State::Waiting(now + ROUNDS[0]),
                ..Self::default()
            };
        }
    }

    /// The group runs here, or cannot be looked at. Returns a look to be cancelled. A stop goes on: a service that is
    /// half stopped still looks as if it ran.
    pub(crate) fn end(&mut self) -> Option<JobId> {
        let looking = if let State::Looking(_, job) = self.state { Some(job) } else { None };
        *self = Self::default();
        looking
    }

    /// The resources that were found running, by their index in the group.
    pub(crate) fn found(&self) -> &[usize] {
        &self.found
    }

    /// Whether a resource could not be stopped before.
    pub(crate) fn has_refused(&self, resource: usize) -> bool {
        self.refused.contains(&resource)
    }

    /// Whether a job is one of these.
    pub(crate) fn has(&self, id: JobId) -> bool {
        matches!(self.state, State::Looking(_, job) | State::Stopping(_, job) if job == id)
    }

    /// Whether a look or a stop goes on.
    pub(crate) const fn is_busy(&self) -> bool {
        matches!(self.state, State::Looking(..) | State::Stopping(..))
    }

    /// When something is to be done.
    pub(crate) const fn deadline(&self) -> Option<Time> {
        match self.state {
            State::Waiting(at) => Some(at),
            State::Next(_) => self.since,
            State::Off | State::Looking(..) | State::Stopping(..) => None,
        }
    }

    /// Returns the next look, from the last of the group's `resources` to the first, as they would be stopped.
    pub(crate) fn poll(
        &mut self,
        now: Time,
        group: GroupId,
        resources: usize,
        is_ours: impl Fn(usize) -> bool,
        next: &mut JobId,
    ) -> Option<Job> {
        let mut left = match self.state {
            State::Waiting(at) if at <= now => resources,
            State::Next(left) => left.min(resources),
            State::Off | State::Waiting(_) | State::Looking(..) | State::Stopping(..) => {
                return None;
            }
        };
        while left > 0 && is_ours(left - 1) {
            left -= 1;
        }
        let Some(first) = left.checked_sub(1) else {
            self.finish(now);
            return None;
        };
        next.0 += 1;
        self.state = State::Looking(first, *next);
        Some(job(*next, group, first, Action::Monitor))
    }

    /// Stops a resource that was found running.
    pub(crate) fn stop(&mut self, group: GroupId, resource: usize, next: &mut JobId) -> Job {
        next.0 += 1;
        self.state = State::Stopping(resource, *next);
        job(*next, group, resource, Action::Stop)
    }

    /// Processes the end of a job of these. Returns the resource, and what was found, if that is to be told.
    pub(crate) fn done(&mut self, outcome: Outcome) -> Option<(usize, Found)> {
        match self.state {
            State::Looking(resource, _) => {
                self.state = State::Next(resource);
                Some((resource, self.record(resource, outcome)?))
            }
            State::Stopping(resource, _) => {
                self.state = State::Next(resource);
                let is_stopped = outcome == Outcome::Success;
                if is_stopped {
                    self.found.retain(|known| *known != resource);
                } else if outcome != Outcome::Cancelled {
                    self.refused.push(resource);
                }
                (outcome != Outcome::Cancelled).then_some((resource, Found::Stopped(outcome)))
            }
            State::Off | State::Waiting(_) | State::Next(_) => None,
        }
    }

    /// Records what a look has found.
    fn record(&mut self, resource: usize, outcome: Outcome) -> Option<Found> {
        let was_found = self.found.contains(&resource);
        match outcome {
            Outcome::Running => {
                if !was_found {
                    self.found.push(resource);
                }
                Some(Found::Runs { is_news: !was_found })
            }
            Outcome::NotRunning => {
                self.found.retain(|known| *known != resource);
                self.refused.retain(|known| *known != resource);
                was_found.then_some(Found::Gone)
            }
            // A status that fails is no sign of a service that runs.
            Outcome::Success
            | Outcome::Failed(_)
            | Outcome::TimedOut
            | Outcome::Missing
            | Outcome::Cancelled
            | Outcome::NotAsked => None,
        }
    }

    /// Ends a round.
    fn finish(&mut self, now: Time) {
        self.rounds = (self.rounds + 1).min(ROUNDS.len());
        let planned = self.since.zip(ROUNDS.get(self.rounds)).map(|(since, after)| since + *after);
        let again = (!self.found.is_empty()).then_some(now + AGAIN);
        let next = planned.into_iter().chain(again).min();
        self.state = next.map_or(State::Off, |at| State::Waiting(at.max(now + ROUNDS[0])));
    }
}

const fn job(id: JobId, group: GroupId, first: usize, action: Action) -> Job {
    Job { id, group, first, count: 1, action, is_restart: false, is_look: true }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUP: GroupId = GroupId(3);

    fn at(seconds: u64) -> Time {
        Time::START + Duration::from_secs(seconds)
    }

    /// Plays a round over three resources, of which the given ones run. Returns what it found.
    fn round(looks: &mut ForeignLooks, now: Time, running: [bool; 3]) -> Vec<(usize, Found)> {
        let mut found = Vec::new();
        while let Some(job) = looks.poll(now, GROUP, 3, |at| at == 0, &mut JobId(7)) {
            assert!(looks.has(job.id) && job.is_look);
            let outcome = if running[job.first] { Outcome::Running } else { Outcome::NotRunning };
            found.extend(looks.done(outcome));
        }
        found
    }

    #[test]
    fn group_that_does_not_run_here_is_looked_at_three_times() {
        let mut looks = ForeignLooks::default();
        looks.begin(at(0));
        for seconds in [10, 60, 300] {
            assert_eq!(looks.deadline(), Some(at(seconds)));
            assert_eq!(round(&mut looks, at(seconds), [true, false, false]), []);
        }
        assert_eq!(looks.deadline(), None);
        looks.begin(at(400));
        assert_eq!(looks.deadline(), None, "it is the same time");
        assert_eq!(looks.end(), None);
        looks.begin(at(500));
        assert_eq!(looks.deadline(), Some(at(510)));
    }

    #[test]
    fn resource_found_running_is_told_once_and_looked_at_until_it_is_gone() {
        let mut looks = ForeignLooks::default();
        looks.begin(at(0));
        let runs = |is_news| (2, Found::Runs { is_news });
        assert_eq!(round(&mut looks, at(10), [true, false, true]), [runs(true)]);
        assert_eq!(round(&mut looks, at(60), [true, false, true]), [runs(false)]);
        assert_eq!(round(&mut looks, at(300), [true, false, true]), [runs(false)]);
        assert_eq!((looks.deadline(), looks.found()), (Some(at(360)), &[2][..]));
        assert_eq!(round(&mut looks, at(360), [true, false, false]), [(2, Found::Gone)]);
        assert_eq!((looks.deadline(), looks.found()), (None, &[][..]));
    }

    #[test]
    fn look_that_goes_on_is_cancelled_when_group_starts_and_stop_goes_on() {
        let mut looks = ForeignLooks::default();
        looks.begin(at(0));
        let mut next = JobId(7);
        let job = looks.poll(at(10), GROUP, 2, |_| false, &mut next).expect("it is due");
        assert_eq!((job.first, looks.is_busy(), looks.end()), (1, true, Some(job.id)));
        looks.begin(at(20));
        looks.poll(at(30), GROUP, 2, |_| false, &mut next).expect("it is due");
        assert_eq!(looks.done(Outcome::Running), Some((1, Found::Runs { is_news: true })));
        looks.stop(GROUP, 1, &mut next);
        assert_eq!(looks.end(), None);
    }

    #[test]
    fn stopped_resource_is_no_longer_found_and_round_goes_on() {
        let mut looks = ForeignLooks::default();
        looks.begin(at(0));
        let mut next = JobId(7);
        looks.poll(at(10), GROUP, 2, |_| false, &mut next).expect("it is due");
        looks.done(Outcome::Running);
        looks.stop(GROUP, 1, &mut next);
        let stopped = Found::Stopped(Outcome::Success);
        assert_eq!((looks.done(Outcome::Success), looks.found()), (Some((1, stopped)), &[][..]));
        let job = looks.poll(at(10), GROUP, 2, |_| false, &mut next).expect("the round goes on");
        assert_eq!(job.first, 0);
        assert_eq!(looks.done(Outcome::Failed(1)), None, "it is no sign of a service that runs");
    }
}
