//! The checks of the resources of one group: when each is due, and what follows from its outcome.

mod watch;

use crate::{GroupId, Job, JobId, Monitor, Outcome, Time, Words};
use watch::State;
pub(crate) use watch::{Checked, Trouble, Verdict, Watch};

/// First checks of resources are spread over this many parts of their interval.
const SPREAD: u32 = 16;

/// The monitored resources of a group.
#[derive(Debug, Default)]
pub(crate) struct Monitoring {
    watches: Vec<Watch>,
}

/// The end of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) resource: usize,
    pub(crate) monitor: Monitor,
    pub(crate) words: Words,
    pub(crate) verdict: Verdict,
}

impl Monitoring {
    /// Takes over what is configured. Counters of resources that were monitored before stay. Returns the
    /// checks to be cancelled.
    pub(crate) fn configure(
        &mut self,
        monitors: impl Iterator<Item = (usize, Monitor)>,
    ) -> Vec<JobId> {
        let mut before = std::mem::take(&mut self.watches);
        for (resource, monitor) in monitors {
            let known = before.iter().position(|watch| watch.resource == resource);
            let mut watch = match known {
                Some(at) => before.swap_remove(at),
                None => Watch::new(resource, monitor),
            };
            watch.reconfigure(monitor);
            self.watches.push(watch);
        }
        before.iter().filter_map(Watch::job).collect()
    }

    /// Whether nothing of the group is monitored.
    pub(crate) const fn is_empty(&self) -> bool {
        self.watches.is_empty()
    }

    /// The monitored resources.
    pub(crate) fn watches(&self) -> impl Iterator<Item = &Watch> {
        self.watches.iter()
    }

    /// Whether a resource is being monitored, and nothing is wrong with it.
    pub(crate) fn is_well(&self, resource: usize) -> bool {
        let mut watches = self.watches.iter().filter(|watch| watch.resource == resource);
        watches.any(|watch| watch.state != State::Off && watch.trouble().is_none())
    }

    /// A monitored resource.
    pub(crate) fn watch_of(&self, resource: usize) -> Option<&Watch> {
        self.watches.iter().find(|watch| watch.resource == resource)
    }

    /// Whether a job is a running check of the group.
    pub(crate) fn has(&self, job: JobId) -> bool {
        self.watches.iter().any(|watch| watch.job() == Some(job))
    }

    /// How many checks run.
    pub(crate) fn running(&self) -> usize {
        self.watches.iter().filter(|watch| watch.job().is_some()).count()
    }

    /// The group runs here: what is not monitored yet is from now on.
    pub(crate) fn begin(&mut self, now: Time, group: GroupId) {
        for watch in self.watches.iter_mut().filter(|watch| watch.state == State::Off) {
            // Resources that became active in the same moment are not checked in the same moment.
            let place =
                (u32::from(group.0) * 7 + u32::try_from(watch.resource).unwrap_or(0) * 3) % SPREAD;
            watch.begin(now + watch.monitor.every * (place + 1) / SPREAD);
        }
    }

    /// The group does not run here any longer. Returns the checks to be cancelled.
    pub(crate) fn end(&mut self) -> Vec<JobId> {
        self.end_with(|_| true)
    }

    /// The group cannot be checked for now: it changes, or there is no executor. Returns the checks to
    /// be cancelled.
    pub(crate) fn suspend(&mut self) -> Vec<JobId> {
        self.end_with(|_| false)
    }

    /// A resource restarts, and with it what is right of it. Returns the checks to be cancelled.
    pub(crate) fn restart(&mut self, resource: usize) -> Vec<JobId> {
        self.end_with(|watch| watch.resource >= resource)
    }

    /// Ends the checks. What was given up remains so, except where `begins_anew`.
    fn end_with(&mut self, begins_anew: impl Fn(&Watch) -> bool) -> Vec<JobId> {
        let jobs = self.watches.iter().filter_map(Watch::job).collect();
        for watch in &mut self.watches {
            if begins_anew(watch) { watch.end() } else { watch.suspend() }
        }
        jobs
    }

    /// Returns the next check that is due.
    pub(crate) fn poll(&mut self, now: Time, group: GroupId, next: &mut JobId) -> Option<Job> {
        let due = self.watches.iter_mut().filter(|watch| watch.next().is_some_and(|at| at <= now));
        let watch = due.min_by_key(|watch| watch.next())?;
        next.0 += 1;
        watch.start(*next, now);
        let action = crate::Action::Monitor;
        Some(Job {
            id: *next,
            group,
            first: watch.resource,
            count: 1,
            action,
            is_restart: false,
            is_look: false,
        })
    }

    /// Something suggests that a resource has failed: it is checked at `due`, unless that was to be sooner.
    pub(crate) fn suspect(&mut self, due: Time, resource: usize) {
        let watch = self.watches.iter_mut().find(|watch| watch.resource == resource);
        if let Some(watch) = watch {
            watch.suspect(due);
        }
    }

    /// Whether a resource has failed and was left alone, because nothing might be done about it then.
    pub(crate) fn has_withheld(&self) -> bool {
        self.watches.iter().any(Watch::is_withheld)
    }

    /// Something may be done about resources that have failed: they are checked at once.
    pub(crate) fn recheck_withheld(&mut self, now: Time) {
        let withheld = self.watches.iter_mut().filter(|watch| watch.is_withheld());
        withheld.for_each(|watch| watch.suspect(now));
    }

    /// When the next check is due.
    pub(crate) fn deadline(&self) -> Option<Time> {
        let due = self.watches.iter().filter_map(|watch| match watch.state {
            State::Waiting(at) => Some(at),
            State::Off | State::Checking(..) | State::GivenUp => None,
        });
        due.min()
    }

    /// Records what is said about a running check.
    pub(crate) fn said(&mut self, job: JobId, words: Words) {
        let found = self.watches.iter_mut().find(|watch| watch.job() == Some(job));
        if let Some(watch) = found {
            watch.words = words;
        }
    }

    /// Processes the end of a check, if the job is a check of this group. Without `may_act` a failed
    /// resource is reported and left as it is.
    pub(crate) fn done(
        &mut self,
        now: Time,
        job: JobId,
        outcome: Outcome,
        may_act: bool,
    ) -> Option<End> {
        let watch = self.watches.iter_mut().find(|watch| watch.job() == Some(job))?;
        let verdict = watch.done(now, outcome, may_act);
        let Watch { resource, monitor, words, .. } = *watch;
        Some(End { resource, monitor, words, verdict })
    }

    /// A person has repaired the group. Returns whether that changes anything.
    pub(crate) fn clear(&mut self) -> bool {
        let had_something = self.watches.iter().any(Watch::has_counted);
        self.watches.iter_mut().for_each(Watch::clear);
        had_something
    }
}

#[cfg(test)]
mod tests;

/// Covers transitions that the simulated worlds do not reach, on this thread.
#[cfg(all(test, feature = "test-hooks"))]
pub(crate) fn every_rare_meeting() {
    tests::check_cancelled_says_nothing_and_is_repeated();
    tests::blocked_resource_is_not_checked_until_cleared();
    tests::blocked_resource_of_group_that_leaves_is_checked_when_group_is_back();
}
