//! Resources that run here although another node has their group: `foreign_running`.

use super::Cluster;
use crate::foreign::Found;
use crate::{
    Event, ForeignRunning, ForeignStep, GroupId, JobId, Outcome, Output, ResourceKind, Time,
};

/// The most looks that go on at the same time.
const LOOKS_MAX: usize = 4;

impl Cluster {
    /// Begins the looks that are due, and ends those of groups that start.
    pub(super) fn elapse_foreign(&mut self) {
        let now = self.now;
        for group in self.settings.group_ids() {
            if self.may_look(group) {
                self.groups[group].foreign.begin(now);
            } else {
                let cancelled = self.groups[group].foreign.end();
                if self.has_executor() {
                    self.outbox.extend(cancelled.map(Output::Cancel));
                }
            }
        }
        let mut room = LOOKS_MAX.saturating_sub(self.count_looks());
        for group in self.settings.group_ids() {
            if room == 0 {
                return;
            }
            let is_due = self.groups[group].foreign.deadline().is_some_and(|due| due <= now);
            if is_due && self.begin_look(group) {
                room -= 1;
            }
        }
    }

    pub(super) fn foreign_deadline(&self) -> Option<Time> {
        let groups = self.settings.group_ids();
        let next = groups.filter_map(|group| self.groups[group].foreign.deadline()).min();
        next.filter(|_| self.count_looks() < LOOKS_MAX)
    }

    fn count_looks(&self) -> usize {
        self.groups.iter().filter(|group| group.foreign.is_busy()).count()
    }

    /// Whether nothing of a group is meant to run here, and an executor can look.
    fn may_look(&self, group: GroupId) -> bool {
        self.settings.foreign_running != ForeignRunning::Ignore
            && self.takes_part()
            && self.has_executor()
            && self.is_configured(group)
            && !self.is_ours(group)
            && self.groups[group].runner.is_idle()
    }

    fn begin_look(&mut self, group: GroupId) -> bool {
        let resources = self.settings.groups[group.index()].resources.len();
        let ours: Vec<bool> = (0..resources).map(|at| self.is_used_here(group, at)).collect();
        let (now, next) = (self.now, &mut self.next_job);
        let job = self.groups[group].foreign.poll(now, group, resources, |at| ours[at], next);
        self.outbox.extend(job.map(Output::Run));
        job.is_some()
    }

    /// Whether a group that runs here has the same resource, or the same agent with other arguments, whose
    /// status may not tell the two apart.
    fn is_used_here(&self, group: GroupId, resource: usize) -> bool {
        let mut others = self.others_with(group, resource);
        others.any(|other| !self.groups[other].runner.is_idle())
    }

    /// The other groups that have the same address, or a resource of the same agent.
    fn others_with(&self, group: GroupId, resource: usize) -> impl Iterator<Item = GroupId> {
        let kind = &self.settings.groups[group.index()].resources[resource].kind;
        let is_same = move |other: &ResourceKind| match (kind, other) {
            (ResourceKind::Agent { name, .. }, ResourceKind::Agent { name: other, .. }) => {
                name == other
            }
            (ResourceKind::Address(address), ResourceKind::Address(other)) => {
                address.address == other.address
            }
            (ResourceKind::Agent { .. }, ResourceKind::Address(_))
            | (ResourceKind::Address(_), ResourceKind::Agent { .. }) => false,
        };
        let others = self.settings.known_groups().filter(move |(id, _)| *id != group);
        let others = others.filter(move |(_, it)| it.resources.iter().any(|it| is_same(&it.kind)));
        others.map(|(id, _)| id)
    }

    /// Whether a resource that runs here may be stopped: another node that is heard runs the group, and no
    /// other group has the resource, which might start it here while it is being stopped.
    fn may_stop_foreign(&self, group: GroupId, resource: usize) -> bool {
        let row = &self.groups[group].row;
        let owner = row.owner().filter(|owner| *owner != self.settings.me);
        self.settings.foreign_running == ForeignRunning::Stop
            && self.may_look(group)
            && row.phase().holds()
            && owner.is_some_and(|owner| self.peer(owner).is_present())
            && !self.groups[group].foreign.has_refused(resource)
            && self.others_with(group, resource).next().is_none()
    }

    /// The words of the resources that run here although their group does not.
    pub(super) fn foreign_words(&self, group: GroupId) -> Vec<String> {
        let resources = &self.settings.groups[group.index()].resources;
        let found = self.groups[group].foreign.found().iter();
        found.filter_map(|at| resources.get(*at)).map(|it| it.word.clone()).collect()
    }

    /// Processes the end of a look or of the stop that followed one. Returns whether the job was one.
    pub(super) fn foreign_done(&mut self, job: JobId, outcome: Outcome) -> bool {
        let mut groups = self.settings.group_ids();
        let Some(group) = groups.find(|group| self.groups[*group].foreign.has(job)) else {
            return false;
        };
        let Some((resource, found)) = self.groups[group].foreign.done(outcome) else { return true };
        let step = match found {
            Found::Runs { is_news } => {
                let stops = self.may_stop_foreign(group, resource);
                if stops {
                    let next = &mut self.next_job;
                    let job = self.groups[group].foreign.stop(group, resource, next);
                    self.outbox.push_back(Output::Run(job));
                }
                if !is_news {
                    return true;
                }
                ForeignStep::Runs { is_stopped: stops }
            }
            Found::Gone => ForeignStep::Gone,
            Found::Stopped(Outcome::Success) => ForeignStep::Stopped,
            Found::Stopped(outcome) => ForeignStep::NotStopped(outcome),
        };
        let owner = self.groups[group].row.owner();
        self.report(Event::Foreign { group, resource, owner, step });
        true
    }
}
