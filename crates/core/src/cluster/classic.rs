//! Beside a heartbeat of the classic line: its two-node sets, words and timers.
//!
//! A classic peer tells no table. It knows two sets, its own groups and the other's, and says
//! what it holds of them in `resource` messages. This adapter turns those into rows of our
//! table, and our rows into such messages. Nothing else in the core knows of it but for one
//! question: [`Cluster::classic_forbids`].

use super::Cluster;
use crate::peer::Kind;
use crate::{
    Event, Failback, GroupId, GroupSet, Message, NodeId, Occasion, Phase, Time, Unfinished,
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

/// How long a node of the classic line waits for another that starts with it.
const JOINT_START_WAIT: Duration = Duration::from_secs(10);
/// Most questions of which it is known that nobody has answered them.
const QUESTIONS_MAX: usize = 32;
/// How often an unanswered question is asked again.
const RETRY: Duration = Duration::from_secs(1);

/// How far the negotiation with a classic peer is.
///
/// ```text
///  Idle ──communication up, "starting" sent──▶ Starting ──its "starting"──▶ BothStarting
///                                                 │  a "resource"              │
///                                                 ▼                            ▼
///  Stable ◀──10 s, or the peer is stable, ── Reported ◀───── a "resource" ─────┘
///            or has nothing
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Stage {
    /// No classic peer has been met.
    #[default]
    Idle,
    Starting,
    BothStarting,
    /// A report was heard; the time says when we stop waiting.
    Reported(Time),
    Stable,
}

/// The negotiation with a classic peer.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
pub(super) struct Classic {
    stage: Stage,
    /// What we hold, from our view, as we tell it.
    ours: GroupSet,
    /// What the peer holds, from its view, as it tells it.
    theirs: GroupSet,
    /// What the peer has told that it will not hold any more, and holds until its stop is done.
    giving_up: GroupSet,
    /// It has announced its stop.
    announces_stop: bool,
    is_peer_stable: bool,
    /// The peer has said that it starts, since it is heard.
    is_peer_starting: bool,
    /// When the node list was asked for, while it is waited for, and whether it came.
    asked_nodes: Option<Time>,
    has_nodes: bool,
    /// When our groups were asked for (legacy mode).
    asked_groups: Option<Time>,
    /// Nothing but our own running jobs keeps us from being stable.
    may_settle: bool,
    conflict: Conflict,
    /// What a peer gives up in the restart after a partition goes back to it.
    owes: bool,
    /// Whether the peer has told what it holds since it is heard; if not, when it is to be asked (again).
    has_reported: bool,
    /// The sequence of its last full report, and the first one that was sent since it is heard again.
    reported_at: u64,
    report_from: u64,
    /// Since when it says that it is settled and does not hold its own set.
    without_own: Option<Time>,
    /// When it died last.
    died: Time,
    unreported: Option<Time>,
    /// The sequences of our questions what it holds that are not answered.
    asked_by: Vec<u64>,
    /// What an earlier run of this daemon has begun with the peer, and not ended.
    recalled: Option<Recalled>,
    /// When the peer's groups are handed back, because one of them could not be started here.
    gives_up: Option<Time>,
}

/// A hand-over of an earlier run of this daemon.
#[derive(Debug, Clone, Copy)]
struct Recalled {
    peer: NodeId,
    /// The peer's daemon with which it began.
    generation: u64,
    unfinished: Unfinished,
    /// The number of the peer's "done", if that was heard.
    done_by: Option<u64>,
    /// What it has said while no daemon was here is not said again.
    may_lack_words: bool,
}

impl Classic {
    /// Nothing is known of a peer. What is asked costs no allocation later.
    pub(super) fn new() -> Self {
        Self { asked_by: Vec::with_capacity(QUESTIONS_MAX), ..Self::default() }
    }

    /// What the peer holds, from its view, with what it is giving up.
    fn held_there(&self) -> GroupSet {
        self.theirs.with(self.giving_up)
    }

    /// Whether the peer holds nothing and is not stable because it ends: one that starts has said so.
    /// What it still stops is nobody's before it has gone.
    fn is_peer_ending(&self) -> bool {
        self.theirs == GroupSet::None && !self.is_peer_stable && !self.is_peer_starting
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        match self.stage {
            // Once it may settle, it is the end of a job that wakes us.
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

impl Cluster {
    /// The classic peer, if there is one and it is heard.
    pub(super) fn classic_peer(&self) -> Option<NodeId> {
        let mut others = self.others().filter(|node| self.peer(*node).is_alive());
        others.find(|node| self.peer(*node).kind == Kind::Classic)
    }

    /// Whether a classic peer is heard.
    pub(super) fn has_classic_peer(&self) -> bool {
        self.classic_peer().is_some()
    }

    /// Whether a classic peer's protocol does not let us take anything now.
    pub(super) fn classic_forbids(&self) -> bool {
        let legacy = self.settings.failback == Failback::Legacy;
        let Some(peer) = self.classic_peer() else { return false };
        let is_known = self.peer(peer).receiver.is_complete() && !self.owes_report(peer);
        legacy || self.classic.stage != Stage::Stable || !is_known
    }

    /// Whether it is still being found out with a classic peer who has what.
    pub(super) fn is_negotiating(&self) -> bool {
        self.classic_peer().is_some() && self.classic.stage != Stage::Stable
    }

    /// Whether a node runs groups without ever telling so.
    pub(super) fn tells_no_holdings(&self, node: NodeId) -> bool {
        let legacy = self.settings.failback == Failback::Legacy;
        legacy && self.peer(node).kind == Kind::Classic
    }

    /// Whether our start must wait for a classic peer's node list; asks for it.
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

    /// The node list is not waited for: it came, or there is nobody to ask, or nothing to ask it for.
    pub(super) fn need_no_node_list(&mut self) {
        self.classic.asked_nodes = None;
    }

    pub(super) fn handle_node_list(&mut self) {
        self.classic.has_nodes = true;
    }

    /// Our communication came up: ask a classic peer what it holds.
    pub(super) fn classic_begin(&mut self) {
        let Some(peer) = self.classic_peer() else {
            // Whoever comes later meets a node that is settled, and has ended what was going on.
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
        // What an executor has kept for a daemon that was started anew is held already. It is told once
        // the peer has said what it holds: it may have taken over since, and keeps it then.
        self.classic.ours = self.classic.ours.with(self.held_whole());
        self.send_starting();
    }

    /// A node is heard in time whose groups were waiting for its end. Where nothing runs here yet,
    /// we meet as two that start.
    pub(super) fn classic_meets(&mut self) {
        if self.is_initial && self.is_idle() {
            self.classic_begin();
        }
    }

    fn is_idle(&self) -> bool {
        self.groups.iter().all(|group| group.runner.is_idle())
    }

    /// Waiting is over: what the peer does not hold of ours is ours.
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
        // A hand-over may be asked for as soon as we say that we are stable, and only once.
        if self.classic.may_settle && self.is_settled() {
            if is_late {
                self.report(Event::LocalStable);
            }
            self.classic_settle();
            self.resume_recalled();
        }
    }

    /// Whether a classic peer may hold what stands in our ledger, and has yet to say so: nothing of it
    /// is started on before.
    pub(super) fn awaits_classic_report(&self) -> bool {
        let is_known = match self.classic.stage {
            Stage::Stable => true,
            Stage::Reported(_) => self.classic.may_settle,
            Stage::Idle | Stage::Starting | Stage::BothStarting => false,
        };
        self.settings.failback != Failback::Legacy && self.has_classic_peer() && !is_known
    }

    /// A group is new here: beside a classic peer whoever has its set has it.
    pub(super) fn classic_adds(&mut self, group: GroupId) {
        let Some(peer) = self.classic_peer() else { return };
        if self.settings.failback == Failback::Legacy || self.groups[group].row.phase.holds() {
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
