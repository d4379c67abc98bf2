//! The protocol with a C node: its two-node sets, messages and timers.
//!
//! A C node sends no table. It knows two sets, its own groups and the other node's groups, and says
//! in `resource` messages what it holds of them. This adapter turns those messages into rows of
//! this node's table, and the rows of this node into such messages.
//!
//! The rest of the core passes it the messages of a C node, reports to it in one place what has
//! happened ([`ClassicInput`]), and asks it a few questions, above all whether the protocol forbids
//! a start now ([`Cluster::classic_forbids`], an obstacle of the gate). Only this adapter changes
//! [`Classic`].

use super::Cluster;
use crate::peer::Kind;
use crate::{
    Event, Failback, Fencing, GroupId, GroupSet, Message, NodeId, Occasion, Phase, Scope, Time,
    Unfinished,
};
use std::time::Duration;

mod conflict;
mod failing;
mod holdings;
mod legacy;
mod reports;
mod unfinished;

use conflict::Conflict;
pub(super) use reports::FORSAKEN_AFTER;

/// How long a C node waits for another node that starts with it.
const JOINT_START_WAIT: Duration = Duration::from_secs(10);
/// Most questions of which it is recorded that no node has answered them.
const QUESTIONS_MAX: usize = 32;
/// How often an unanswered question is asked again.
const RETRY: Duration = Duration::from_secs(1);

/// How far the negotiation with a C node has come.
///
/// ```text
/// Idle ──communication is up, a C node is heard──▶ Starting
/// Idle ──communication is up, without a C node or in legacy mode──▶ Stable
/// Starting ──its "starting"──▶ BothStarting
/// Starting, BothStarting ──a "resource"──▶ Reported
/// Reported ──10 s, or the peer is stable or has nothing──▶ Stable
/// any stage ──the peer dies or leaves──▶ Stable
/// Stable ──a C node is heard in time, and nothing runs here──▶ Starting
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Stage {
    /// Communication of this node is not up.
    #[default]
    Idle,
    Starting,
    BothStarting,
    /// A report was heard; this node stops waiting at this time.
    Reported(Time),
    Stable,
}

/// The negotiation with a C node.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
pub(super) struct Classic {
    stage: Stage,
    /// The set that this node holds, from its own view, as it reports it.
    ours: GroupSet,
    /// The set that the peer holds, from the peer's view, as the peer reports it.
    theirs: GroupSet,
    /// The set that the peer has announced to give up, and still holds until its stop is done.
    giving_up: GroupSet,
    /// The peer has announced its stop.
    announces_stop: bool,
    is_peer_stable: bool,
    /// The peer has said that it is starting, since it was heard again.
    is_peer_starting: bool,
    /// When the node list was requested, while this node waits for it, and whether it arrived.
    asked_nodes: Option<Time>,
    has_nodes: bool,
    /// When this node's groups were requested (legacy mode).
    asked_groups: Option<Time>,
    /// Only running jobs of this node keep it from being stable.
    may_settle: bool,
    conflict: Conflict,
    /// Groups that a peer gives up in the restart after a partition go back to it.
    owes: bool,
    /// Whether the peer has reported its holdings since it was heard again; if not, when to ask for
    /// them (again).
    has_reported: bool,
    /// The sequence of the peer's last full report, and the first sequence that the peer sent since
    /// it was heard again.
    reported_at: u64,
    report_from: u64,
    /// Since when the peer says that it is settled and does not hold its own set.
    without_own: Option<Time>,
    /// When the peer last died.
    died: Time,
    unreported: Option<Time>,
    /// The sequences of this node's unanswered questions about the peer's holdings.
    asked_by: Vec<u64>,
    /// A hand-over that an earlier run of this daemon has begun with the peer and not finished.
    recalled: Option<Recalled>,
    /// When groups are handed to the peer because one of them could not be started here.
    gives_up: Option<Time>,
    /// A group that prefers this node ran here, and could not be started again.
    has_lost_own: bool,
}

/// A hand-over of an earlier run of this daemon.
#[derive(Debug, Clone, Copy)]
struct Recalled {
    peer: NodeId,
    /// The generation of the peer's daemon with which the hand-over began.
    generation: u64,
    unfinished: Unfinished,
    /// The sequence of the peer's "done", if it was heard.
    done_by: Option<u64>,
    /// Messages that the peer sent while no daemon was running here are not repeated.
    may_lack_words: bool,
}

impl Classic {
    /// A negotiation that knows nothing about a peer. Recording a question needs no allocation
    /// later.
    pub(super) fn new() -> Self {
        Self { asked_by: Vec::with_capacity(QUESTIONS_MAX), ..Self::default() }
    }

    /// The set that the peer holds, from the peer's view, including what it is giving up.
    fn held_there(&self) -> GroupSet {
        self.theirs.with(self.giving_up)
    }

    /// Whether the peer holds nothing and is unstable because it is stopping: a peer that starts
    /// has said so. Groups that it is still stopping belong to no node before it has gone.
    fn is_peer_ending(&self) -> bool {
        self.theirs == GroupSet::None && !self.is_peer_stable && !self.is_peer_starting
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        match self.stage {
            // Once this node may settle, it is woken by the end of a job.
            Stage::Reported(until) => {
                Some(until).filter(|_| !self.may_settle && !self.is_peer_ending())
            }
            Stage::Idle | Stage::Starting | Stage::BothStarting | Stage::Stable => {
                let asked = self.asked_nodes.into_iter().chain(self.asked_groups);
                let asked = asked.map(|at| at + RETRY).chain(self.unreported);
                asked.chain(self.conflict.deadline()).chain(self.gives_up).min()
            }
        }
    }
}

/// What happens in the core and matters beside a C node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ClassicInput {
    /// Communication of this node came up.
    CommunicationUp,
    /// A node is heard in time while its groups were waiting for its end.
    HeardInTime,
    /// A node is heard again after it was declared dead.
    PeerReturns(NodeId),
    /// The daemon of a node was restarted.
    PeerRestarts(NodeId),
    /// A node is dead, and its groups need no fence, or have one.
    PeerDied(NodeId, Fencing),
    /// A C node said goodbye.
    PeerLeft,
    /// A group is new here.
    GroupAdded(GroupId),
    /// Groups of this node are stopped although no one ordered that.
    GroupsStopped,
    /// A resource of a group could not be started.
    StartFailed(GroupId),
    /// A resource of a group ran here, failed, and could not be started again.
    RestartFailed(GroupId),
    /// The executor is not coming back.
    ExecutorLost,
    /// A hold has ended.
    HoldEnded,
    /// A hand-over lets go of this set here.
    Releases(GroupSet),
    /// A hand-over has let go of everything here, for this taker.
    Given(NodeId, Scope),
    /// A hand-over of this set, from the view of this giver, has succeeded or is to be concluded.
    Concluded(NodeId, GroupSet),
    /// A hand-over with this node has ended, however it went.
    HandOverEnded(NodeId),
    /// This node stops.
    OwnStop,
}

impl Cluster {
    /// Processes an input: the only way in which the rest of the core changes what is reported to a
    /// C node.
    pub(super) fn tell_classic(&mut self, input: ClassicInput) {
        match input {
            ClassicInput::CommunicationUp => self.classic_begin(),
            ClassicInput::HeardInTime => self.classic_meets(),
            ClassicInput::PeerReturns(node) => self.classic_returns(node),
            ClassicInput::PeerRestarts(node) => self.classic_restarts(node),
            ClassicInput::PeerDied(node, result) => self.classic_inherits(node, result),
            ClassicInput::PeerLeft => self.classic_succeeds(),
            ClassicInput::GroupAdded(group) => self.classic_adds(group),
            ClassicInput::GroupsStopped => self.classic_recalls(),
            ClassicInput::StartFailed(group) => self.classic_fails(group),
            ClassicInput::RestartFailed(group) => self.classic_loses(group),
            ClassicInput::ExecutorLost => self.classic_abandons(),
            ClassicInput::HoldEnded => self.classic_released(),
            ClassicInput::Releases(set) => self.classic_releases(set),
            ClassicInput::Given(taker, scope) => self.classic_is_given(taker, scope),
            ClassicInput::Concluded(giver, set) => self.classic_concludes(giver, set),
            ClassicInput::HandOverEnded(peer) => self.rests_at_peer(peer),
            ClassicInput::OwnStop => self.classic_leaves(),
        }
    }

    /// The C node, if there is one and it is heard.
    pub(super) fn classic_peer(&self) -> Option<NodeId> {
        let mut others = self.others().filter(|node| self.peer(*node).is_alive());
        others.find(|node| self.peer(*node).kind == Kind::Classic)
    }

    /// Whether a C node is heard.
    pub(super) fn has_classic_peer(&self) -> bool {
        self.classic_peer().is_some()
    }

    /// Whether the protocol of a C node forbids this node to take anything now.
    pub(super) fn classic_forbids(&self) -> bool {
        let legacy = self.settings.failback == Failback::Legacy;
        let Some(peer) = self.classic_peer() else { return false };
        let is_known = self.peer(peer).receiver.is_complete() && !self.owes_report(peer);
        legacy || self.classic.stage != Stage::Stable || !is_known
    }

    /// Whether this node and a C node are still negotiating which of them has which groups.
    pub(super) fn is_negotiating(&self) -> bool {
        self.classic_peer().is_some() && self.classic.stage != Stage::Stable
    }

    /// Whether a node runs groups without ever reporting them.
    pub(super) fn tells_no_holdings(&self, node: NodeId) -> bool {
        let legacy = self.settings.failback == Failback::Legacy;
        legacy && self.peer(node).kind == Kind::Classic
    }

    /// Whether the start of this node must wait for a C node's node list; requests the list.
    pub(super) fn awaits_node_list(&mut self) -> bool {
        let wanted = self.transmitter.flow_control && !self.classic.has_nodes;
        let Some(peer) = self.classic_peer().filter(|_| wanted) else {
            return false;
        };
        if self.classic.asked_nodes.is_none_or(|at| self.now.since(at) >= RETRY) {
            self.classic.asked_nodes = Some(self.now);
            self.send(Message::RequestNodes, Some(peer));
        }
        true
    }

    /// The node list is no longer awaited: it arrived, or there is no node to ask, or no reason to
    /// ask.
    pub(super) fn need_no_node_list(&mut self) {
        self.classic.asked_nodes = None;
    }

    pub(super) fn handle_node_list(&mut self) {
        self.classic.has_nodes = true;
    }

    /// Communication of this node came up: asks a C node what it holds.
    fn classic_begin(&mut self) {
        let Some(peer) = self.classic_peer() else {
            // A C node that comes later meets a node that is settled and has ended its unfinished
            // hand-over.
            self.forget_recalled();
            self.classic.stage = Stage::Stable;
            self.classic.ours = self.all_but_held();
            return;
        };
        if self.settings.failback == Failback::Legacy {
            self.classic.stage = Stage::Stable;
            self.peer_mut(peer).is_ready = true;
            return self.ask_for_groups();
        }
        self.classic.stage = Stage::Starting;
        self.classic.may_settle = false;
        // Groups that an executor has kept for a restarted daemon are held already. They are
        // reported once the peer has reported its holdings: the peer may have taken them over
        // since, and then keeps them.
        self.classic.ours = self.classic.ours.with(self.held_whole());
        self.send_starting();
    }

    /// A node is heard in time while its groups were waiting for its end. If nothing runs here yet,
    /// both nodes meet as two starting nodes.
    fn classic_meets(&mut self) {
        if self.placement.is_initial() && self.is_idle() {
            self.classic_begin();
        }
    }

    fn is_idle(&self) -> bool {
        self.groups.iter().all(|group| group.runner.is_idle())
    }

    /// The wait is over: groups that prefer this node and that the peer does not hold belong to
    /// this node.
    fn classic_settle(&mut self) {
        self.classic.stage = Stage::Stable;
        let acquires = !self.classic.held_there().has_foreign() && !self.is_own_set_away();
        if acquires {
            self.classic.ours = self.classic.ours.with(GroupSet::Local);
        }
        self.classic_report(Occasion::Report);
        if acquires {
            self.say_acquired(self.classic.ours);
        }
    }

    pub(super) fn elapse_classic(&mut self) {
        self.ask_again();
        self.ask_for_report();
        self.tell_forsaken();
        self.elapse_failing();
        self.resume_recalled();
        let Stage::Reported(until) = self.classic.stage else { return self.elapse_conflict() };
        let may_wait = self.classic.may_settle || self.classic.is_peer_ending();
        let is_late = self.now >= until && !may_wait;
        self.classic.may_settle |= is_late;
        // As soon as this node says that it is stable, a hand-over may be requested, and only once.
        if self.classic.may_settle && self.is_settled() {
            if is_late {
                self.report(Event::LocalStable);
            }
            self.classic_settle();
            self.resume_recalled();
        }
    }

    /// Whether a C node may hold groups that are listed in this node's ledger, and has yet to say
    /// so. No start of such a group is continued before that.
    pub(super) fn awaits_classic_report(&self) -> bool {
        let is_known = match self.classic.stage {
            Stage::Stable => true,
            Stage::Reported(_) => self.classic.may_settle,
            Stage::Idle | Stage::Starting | Stage::BothStarting => false,
        };
        self.settings.failback != Failback::Legacy && self.has_classic_peer() && !is_known
    }

    /// A group is new here: beside a C node, the node that has the set of the group has the group.
    fn classic_adds(&mut self, group: GroupId) {
        let Some(peer) = self.classic_peer() else { return };
        if self.settings.failback == Failback::Legacy || self.groups[group].row.phase().holds() {
            return;
        }
        let is_local = self.preferred(group) == self.settings.me;
        let (ours, theirs) = (self.classic.ours, self.classic.held_there());
        if if is_local { theirs.has_foreign() } else { theirs.has_local() } {
            self.pass_to(peer, group, Phase::Active);
        } else if if is_local { ours.has_local() } else { ours.has_foreign() } {
            self.entrust(group, 1, !is_local);
        }
    }
}
