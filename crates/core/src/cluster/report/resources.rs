//! The data of `hb status` about single resources.

use crate::cluster::Cluster;
use crate::monitoring::{Trouble, Watch};
use crate::{Action, Failure, GroupId, Resource, Wording};
use serde::{Deserialize, Serialize};

/// How far a resource is on this node.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResourceState {
    /// It does not run.
    #[default]
    Stopped,
    /// Its agent is starting it.
    Starting,
    /// It runs, as far as is known.
    Running,
    /// Checks say that it does not work, and nothing is done about it yet.
    Failed,
    /// It has failed, and is being stopped and started again, with what depends on it.
    Restarting,
    /// Its agent is stopping it.
    Stopping,
    /// It cannot be stopped, or has failed too often: nothing is done until a person says so.
    Blocked,
    /// The state is not known to the reader.
    #[serde(other)]
    Unknown,
}

/// A resource of a [`GroupReport`](super::GroupReport) on this node.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceReport {
    /// The resource word.
    pub name: String,
    /// How far it is.
    pub state: ResourceState,
    /// How long ago its agent was last called to start or stop it, or finished that; or since when its checks
    /// fail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since_ms: Option<u64>,
    /// How it is checked; absent where it is not monitored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<CheckReport>,
}

/// The checks of a [`ResourceReport`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckReport {
    /// How long ago the last check ended.
    pub last_ms: Option<u64>,
    /// How long it took.
    pub took_ms: Option<u64>,
    /// What came of it, in words; absent if the resource was well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    /// Whether the last check could not be made, so that it says nothing about the resource.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_broken: bool,
    /// How many checks have failed in a row.
    pub failures: u8,
    /// How many must, for the resource to have failed.
    pub failures_allowed: u8,
    /// How many restarts count.
    pub restarts: usize,
    /// How many may.
    pub restarts_allowed: u8,
    /// Time until the next check.
    pub next_ms: Option<u64>,
}

impl Cluster {
    /// Returns how far the resources of a group are on this node.
    pub(super) fn resource_reports(&self, id: GroupId, wording: &Wording) -> Vec<ResourceReport> {
        let (group, state) = (&self.settings.groups[id.index()], &self.groups[id]);
        if state.runner.is_idle() {
            return Vec::new();
        }
        let resources = group.resources.iter().zip(state.runner.resources());
        let report = |(at, (resource, (state_of, changed))): (usize, (&Resource, _))| {
            let watch = state.monitoring.watches().find(|watch| watch.resource() == at);
            let seen = watch.and_then(|watch| Some((seen_state(watch)?, watch.failing_since())));
            let (state, since) = seen.unwrap_or((state_of, changed));
            ResourceReport {
                name: resource.word.clone(),
                state,
                since_ms: since.map(|at| self.age(at)),
                check: watch.map(|watch| self.check_report(watch, resource, wording)),
            }
        };
        resources.enumerate().map(report).collect()
    }

    fn check_report(&self, watch: &Watch, resource: &Resource, wording: &Wording) -> CheckReport {
        let (monitor, last) = (watch.monitor(), watch.last());
        let failure = |last: crate::monitoring::Checked| {
            let words = watch.last_words();
            Failure::new(Action::Monitor, watch.resource(), last.outcome, words)
        };
        let trouble = last.filter(|_| watch.trouble().is_some()).map(failure);
        CheckReport {
            last_ms: last.map(|last| self.age(last.at)),
            took_ms: last.map(|last| super::millis(last.took)),
            trouble: trouble.map(|failure| (wording.failure)(&failure, Some(resource))),
            is_broken: watch.trouble() == Some(Trouble::Unknown),
            failures: watch.failures(),
            failures_allowed: monitor.failures,
            restarts: watch.restarts(self.now),
            restarts_allowed: monitor.restarts,
            next_ms: watch.next().map(|at| self.left(at)),
        }
    }
}

/// What checks say about a resource that runs as far as its agent says.
fn seen_state(watch: &Watch) -> Option<ResourceState> {
    if watch.is_given_up() {
        return Some(ResourceState::Blocked);
    }
    match watch.trouble()? {
        Trouble::Failed | Trouble::Exhausted => Some(ResourceState::Failed),
        // It may fail some more checks before it has failed.
        Trouble::Failing | Trouble::Unknown => None,
    }
}
