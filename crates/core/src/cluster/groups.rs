//! Everything that this node knows about each resource group, in one place.
//!
//! A group keeps its [`GroupId`] for as long as the daemon runs. A reload adds groups at the end; a
//! forgotten group leaves its place empty, and gets the same place again if its line comes back.

use super::gate::LastingObstacle;
use super::hold::HoldOrder;
use super::hold_down::Down;
use super::reload::Differs;
use super::rows::Row;
use crate::foreign::ForeignLooks;
use crate::group::Runner;
use crate::guard::Inquiry;
use crate::monitoring::Monitoring;
use crate::peer::{Kind, Peer};
use crate::{Action, Cause, Failure, Group, GroupId, JobId, NodeId, Phase, Settings, Time, Words};
use std::ops::{Index, IndexMut};

/// The first beat of this node that told the others something which they must know before this node
/// may act on it.
///
/// A node that might act on the contrary has either echoed that beat, and then its table shows what
/// it did before; or it has not, and then this node waits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct EchoBarrier(u64);

impl EchoBarrier {
    /// The barrier of the beat with this sequence.
    pub(super) const fn at(sequence: u64) -> Self {
        Self(sequence)
    }

    /// Whether a node that has heard this sequence knows what the barrier's beat says.
    pub(super) const fn is_reached(self, sequence: u64) -> bool {
        sequence >= self.0
    }

    /// Whether a peer knows it, and this node has the table of the peer as of that moment.
    pub(super) const fn is_echoed_by(self, peer: &Peer) -> bool {
        self.is_reached(peer.agreed)
    }

    /// Whether a peer can no longer act on the contrary: it has echoed the beat, or decides
    /// nothing. A C node echoes nothing, and negotiates instead.
    pub(super) fn is_passed_by(self, peer: &Peer) -> bool {
        !peer.decides() || peer.kind == Kind::Classic || self.is_echoed_by(peer)
    }
}

/// Everything that this node knows about one resource group.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
pub(super) struct GroupState {
    /// The ownership of the group.
    pub(super) row: Row,
    /// What failed on which node: at most a start and a stop of each node.
    failures: Vec<(NodeId, Failure)>,
    /// The group's resources on this node.
    pub(super) runner: Runner,
    /// The checks of those resources.
    pub(super) monitoring: Monitoring,
    /// The looks for those resources while they are not meant to run here.
    pub(super) foreign: ForeignLooks,
    /// The questions to the network about the group's addresses.
    pub(super) inquiry: Inquiry,
    /// When a C node was last asked to take the group, and what does not work in it here.
    pub(super) move_asked: Option<(Time, Failure)>,
    /// Since when the group is in its present state.
    pub(super) since: Time,
    /// Why the group is in that state.
    pub(super) cause: Cause,
    /// The owner, its term and its phase, as last reported.
    pub(super) reported: Option<(NodeId, u64, Phase)>,
    /// Passed once the others know that this node can run the group.
    pub(super) able: EchoBarrier,
    /// Passed once the others know that this node keeps a retired group reserved for its
    /// replacement here.
    pub(super) reserved: EchoBarrier,
    /// When a group whose agent could not be asked here may be tried here again.
    pub(super) ask_again: Option<Time>,
    /// Services of the group may still run here, although no one can tell.
    pub(super) in_doubt: bool,
    /// The ledger lists the group, and no executor has said yet what it holds.
    pub(super) is_listed: bool,
    /// An interface that the group needs has lost its carrier here.
    pub(super) lacks_carrier: bool,
    /// The group was taken from a silent owner without a carrier here, and no node that knows about
    /// that was met since.
    pub(super) taken_alone: Option<EchoBarrier>,
    /// The C nodes that have requested the group (`auto_failback legacy`), each once.
    pub(super) requested_by: Vec<NodeId>,
    /// The last `hb hold` or `hb release` of this group.
    pub(super) hold: HoldOrder,
    /// How the group has moved without an order.
    pub(super) down: Down,
    /// Since when, without a break, the group's preferred node could have taken it from this node.
    pub(super) home_since: Option<Time>,
    /// The group may start here although it is held, because someone wants it to start here, or
    /// because this node gave it away and no node has run it since.
    pub(super) is_exempt: bool,
    /// The obstacle that keeps this node from the group, as last reported.
    pub(super) reported_obstacle: Option<LastingObstacle>,
    /// Another node runs a line that is not known here, and lacks the line of this group.
    pub(super) waits_for_unknown_line: bool,
    /// How the files of other nodes differ in the line of this group, as last reported.
    pub(super) differs: Differs,
    /// The line needs more than the line that it replaces here.
    pub(super) has_grown: bool,
}

impl GroupState {
    /// A group that no node owns, from this moment and this beat on.
    pub(super) fn new(id: GroupId, group: &Group, since: Time, able: EchoBarrier) -> Self {
        Self {
            row: Row::NEW,
            failures: Vec::new(),
            runner: Runner::new(id, &group.resources),
            monitoring: Monitoring::default(),
            foreign: ForeignLooks::default(),
            inquiry: Inquiry::default(),
            move_asked: None,
            since,
            cause: Cause::Unowned,
            reported: None,
            able,
            reserved: EchoBarrier::default(),
            ask_again: None,
            in_doubt: false,
            is_listed: false,
            lacks_carrier: false,
            taken_alone: None,
            requested_by: Vec::new(),
            hold: HoldOrder::default(),
            down: Down::default(),
            home_since: None,
            is_exempt: false,
            reported_obstacle: None,
            waits_for_unknown_line: false,
            differs: Differs::default(),
            has_grown: false,
        }
    }

    /// Records what is said about a job.
    pub(super) fn said(&mut self, job: JobId, words: Words) {
        self.runner.said(job, words);
        self.monitoring.said(job, words);
    }

    /// Forgets everything that keeps the group where it is.
    pub(super) fn forget_stay(&mut self) {
        self.hold = HoldOrder::default();
        self.down = Down::default();
        self.home_since = None;
        self.is_exempt = false;
        self.reported_obstacle = None;
        self.waits_for_unknown_line = false;
        self.has_grown = false;
    }

    /// What failed on a node and was not repaired since: a stop takes precedence over a start.
    pub(super) fn failure(&self, node: NodeId) -> Option<Failure> {
        let all = self.failures.iter().filter(|(other, _)| *other == node);
        all.map(|(_, failure)| *failure).max_by_key(|failure| failure.action == Action::Stop)
    }

    /// Everything that failed on a node and was not repaired since.
    pub(super) fn failures_of(&self, node: NodeId) -> impl Iterator<Item = &Failure> {
        let all = self.failures.iter().filter(move |(other, _)| *other == node);
        all.map(|(_, failure)| failure)
    }

    /// Records what failed on a node.
    pub(super) fn record_failure(&mut self, node: NodeId, failure: Failure) {
        self.forget_failure(node, failure.action);
        self.failures.push((node, failure));
    }

    /// A start, or a stop, no longer fails on a node.
    pub(super) fn forget_failure(&mut self, node: NodeId, action: Action) {
        self.failures.retain(|(other, failure)| (*other, failure.action) != (node, action));
    }

    /// Forgets everything that failed on a node, which may then try again.
    pub(super) fn forget_failures(&mut self, node: NodeId) {
        self.failures.retain(|(other, _)| *other != node);
    }
}

/// All groups of a node, by their ids.
#[derive(Debug)]
pub(super) struct Groups {
    states: Vec<GroupState>,
    /// Pairs of a configured group and a retired group that share a resource.
    pub(super) overlaps: Vec<(GroupId, GroupId)>,
}

impl Groups {
    /// The groups with which a node starts.
    pub(super) fn new(settings: &Settings) -> Self {
        // The first beat of this node says what it can run.
        let new = |(id, group)| GroupState::new(id, group, Time::START, EchoBarrier::at(1));
        let states = (0..).map(GroupId).zip(&settings.groups).map(new).collect();
        Self { states, overlaps: Vec::new() }
    }

    /// The state of a group, if there is such a group.
    pub(super) fn get(&self, group: GroupId) -> Option<&GroupState> {
        self.states.get(group.index())
    }

    /// The groups in the order of their ids. Forgotten groups own nothing and run nothing.
    pub(super) fn iter(&self) -> impl Iterator<Item = &GroupState> {
        self.states.iter()
    }

    /// The same groups, mutable.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut GroupState> {
        self.states.iter_mut()
    }

    /// Replaces the state of a group, or adds it at the end.
    pub(super) fn put(&mut self, group: GroupId, state: GroupState) {
        match self.states.get_mut(group.index()) {
            Some(known) => *known = state,
            None => self.states.push(state),
        }
    }
}

impl Index<GroupId> for Groups {
    type Output = GroupState;

    fn index(&self, group: GroupId) -> &GroupState {
        &self.states[group.index()]
    }
}

impl IndexMut<GroupId> for Groups {
    fn index_mut(&mut self, group: GroupId) -> &mut GroupState {
        &mut self.states[group.index()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{GroupKey, Outcome};

    #[test]
    fn stop_failure_hides_start_failure_until_stop_failure_is_forgotten() {
        let (a, b) = (NodeId(0), NodeId(1));
        let line =
            Group { key: GroupKey(7), preferred: a, resources: Vec::new(), is_retired: false };
        let mut group = GroupState::new(GroupId(0), &line, Time::START, EchoBarrier::at(1));
        let failure = |action| Failure::new(action, 1, Outcome::Failed(1), Words::NONE);
        let (start, stop) = (failure(Action::Start), failure(Action::Stop));
        for failed in [start, stop, stop] {
            group.record_failure(a, failed);
        }
        assert_eq!((group.failure(a), group.failure(b)), (Some(stop), None));
        group.forget_failure(a, Action::Stop);
        assert_eq!(group.failure(a), Some(start));
        group.forget_failure(a, Action::Start);
        assert_eq!(group.failure(a), None);
    }
}
