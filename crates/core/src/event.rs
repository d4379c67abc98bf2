//! What the core has to tell: facts that the shell turns into log lines.

mod cause;
mod hold;

use crate::{
    Failure, GroupId, HandOverProgress, Job, LinkId, NodeId, NodeStatus, Obstacle, Outcome, Phase,
    PingCounts, PingId, Refusal, Scope, Silence, Step, Uuid,
};
pub use cause::{Cause, Proof};
pub use hold::HoldEvent;
use std::time::Duration;

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Our own status changed.
    LocalStatus(NodeStatus),
    /// Every node was heard or is dead: we take part.
    CommunicationUp,
    /// A peer says a new status.
    PeerStatus(NodeId, NodeStatus),
    /// A peer was silent for its dead time.
    PeerDead(NodeId, Box<Silence>),
    /// A peer's daemon restarted.
    PeerRestarted(NodeId),
    /// A peer that was dead is heard again without having restarted.
    PeerReturned(NodeId),
    /// A beat came late.
    LateBeat {
        /// Whose.
        node: NodeId,
        /// Time since the one before.
        interval: Duration,
        /// Whether it was later than our own deadtime.
        deadly: bool,
    },
    /// A link carries messages.
    LinkUp(NodeId, LinkId),
    /// A link carries none any more.
    LinkDead(NodeId, LinkId),
    /// A ping node answers.
    PingAlive(PingId),
    /// A ping node is silent.
    PingDead(PingId),
    /// A message came from a name that is not configured.
    Stranger(Box<str>),
    /// A message carries an older generation than the one known.
    Replay {
        /// The sender it claims.
        node: NodeId,
        /// Its generation.
        generation: u64,
        /// The one known.
        current: u64,
        /// How many such messages came since the last report, this one included.
        count: u64,
    },
    /// Messages are missing.
    PacketsLost {
        /// The sender.
        node: NodeId,
        /// How many.
        count: u64,
        /// The last number before the gap.
        last: u64,
        /// The number after it.
        sequence: u64,
    },
    /// So many are missing that they are not asked for.
    PacketsGivenUp(NodeId),
    /// Nothing is missing any more.
    PacketsComplete(NodeId),
    /// The sender cannot send this one again.
    PacketLostForGood(NodeId, u64),
    /// We cannot send this one again.
    CannotResend(NodeId, u64),
    /// A peer asked for a message that we have not sent.
    NeverSent {
        /// Who asked.
        node: NodeId,
        /// For what.
        sequence: u64,
        /// The last that we have sent.
        sent: u64,
    },
    /// A peer acknowledged a message that we have not sent.
    AckBeyond {
        /// Who did.
        node: NodeId,
        /// What it acknowledged.
        sequence: u64,
        /// The last that we have sent.
        sent: u64,
    },
    /// A message of a peer has a field that is absent or cannot be read.
    Unreadable(NodeId, &'static str),
    /// A peer does not speak of flow control: nothing is acknowledged any more.
    FlowControlOff,
    /// A peer has another uuid than before.
    UuidChanged(NodeId, Uuid),
    /// A peer told a node list that is not ours. We keep ours.
    NodeListRefused(NodeId, Box<str>),
    /// This many messages wait for an acknowledgement.
    HistoryFilling(usize),
    /// The node lists of two nodes differ.
    NodeListsDiffer(NodeId),
    /// The other node's haresources has groups that ours lacks, or lacks some of ours.
    GroupsDiffer(NodeId),
    /// A dead or departed peer had released everything.
    PeerHadNothing(NodeId),
    /// A dead peer's groups are taken without fencing it.
    NotFenced(NodeId),
    /// A takeover needs a peer to be fenced, or needs it no more.
    Fencing(NodeId, FencingEvent),
    /// The groups of a peer are being taken.
    TakeoverBegins(NodeId),
    /// They are all taken.
    TakeoverDone(NodeId),
    /// A peer said goodbye.
    PeerLeft(NodeId),
    /// For the first time it is settled who runs what.
    InitialAcquisition,
    /// The peer is in no transition any more.
    RemoteStable(NodeId),
    /// We are in no transition any more.
    LocalStable,
    /// Our own groups were looked at; whether there was one to take.
    LocalAcquired(bool),
    /// A group changed hands or phase here.
    Ownership {
        /// The group.
        group: GroupId,
        /// Its owner.
        owner: NodeId,
        /// The number of the ownership.
        term: u64,
        /// How far the owner is.
        phase: Phase,
        /// Why.
        cause: Cause,
    },
    /// A resource could not be started.
    StartFailed {
        /// The group.
        group: GroupId,
        /// The resource, by its place.
        resource: usize,
        /// What came of it.
        outcome: Outcome,
    },
    /// A stop failed and is tried again.
    StopRetried {
        /// The group.
        group: GroupId,
        /// The resource, by its place.
        resource: usize,
        /// What came of it.
        outcome: Outcome,
    },
    /// The executor is gone for good while it stopped what another node has: services of this group may run
    /// on here.
    LeftRunning(GroupId),
    /// A stop failed for good, but the resource does not run.
    StopDoubtful {
        /// The group.
        group: GroupId,
        /// The resource, by its place.
        resource: usize,
    },
    /// A stop failed for good, and nobody says that the resource does not run.
    StopFailed {
        /// The group.
        group: GroupId,
        /// The resource, by its place.
        resource: usize,
        /// What came of the last attempt.
        outcome: Outcome,
    },
    /// Another node tells that it could not start a group, or cannot stop it.
    PeerFailed {
        /// The node.
        node: NodeId,
        /// The group.
        group: GroupId,
        /// What failed.
        failure: Failure,
    },
    /// A job of a group has ended.
    JobEnded {
        /// The job.
        job: Job,
        /// What came of it.
        outcome: Outcome,
        /// Time since it began.
        took: Duration,
    },
    /// Something is held, or kept where it is, or is not any more.
    Hold(HoldEvent),
    /// Nobody runs a group, and this node does not take it.
    NotTaken {
        /// The group.
        group: GroupId,
        /// What keeps this node from it.
        obstacle: Obstacle,
        /// Why it would take it.
        cause: Cause,
    },
    /// A step of a hand-over.
    HandOver(HandOverEvent),
    /// A hand-over has reached a stage.
    HandOverProgress(HandOverProgress),
    /// Ping nodes were counted, and something follows.
    PingsCounted(Box<PingCounts>),
    /// The built-in ipfail speaks.
    Ipfail(IpfailEvent),
    /// Our graceful stop begins.
    StopBegins,
    /// Our graceful stop waits for resources that are in transition.
    StopDelayed,
    /// The graceful stop waits for an executor, because services of this group may still run.
    StopInDoubt(GroupId),
    /// Everything is released.
    Relinquished,
    /// This node did not run for a while.
    Paused(Duration),
}

/// A step of fencing a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FencingEvent {
    /// Groups wait for it; a device will be asked after this long.
    Wanted {
        /// Time that the node has to fence us first.
        delay: Duration,
    },
    /// A device is asked.
    Begins {
        /// The number of the attempt.
        attempt: u32,
    },
    /// A device has reset it.
    Done {
        /// The number of the attempt.
        attempt: u32,
        /// Whether it has been heard while the device worked: then it counts as alive.
        is_heard: bool,
    },
    /// No device has.
    Failed {
        /// The number of the attempt.
        attempt: u32,
        /// When it is tried again; absent when it is not needed any more.
        retry: Option<Duration>,
        /// It is heard all the same, and cannot tell what it runs.
        is_heard: bool,
    },
    /// It is not needed any more before a device was asked again.
    Cancelled {
        /// Whether that is because the node is heard again.
        is_heard: bool,
    },
    /// The administrator has seen that the node is off.
    Confirmed,
}

/// A step of a standby hand-over. What moves is told from the giver's view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandOverEvent {
    /// A node wants to give.
    Wanted(NodeId, Scope),
    /// The taker can take.
    Granted(NodeId, Scope),
    /// We begin to release.
    Releasing(Scope),
    /// We have released.
    Released(Scope),
    /// We begin to acquire from the giver.
    Acquiring(NodeId, Scope),
    /// We have acquired; what, from our own view.
    Acquired(Scope),
    /// It is finished, with us as the taker.
    Taken(Scope),
    /// It is finished, with us as the giver.
    Given(Scope),
    /// Nobody answered.
    NoReply,
    /// A step was not taken.
    Refused {
        /// Whose step.
        node: NodeId,
        /// The step.
        step: Step,
        /// Why.
        why: Refusal,
        /// How long the running hand-over may still take.
        left: Duration,
    },
    /// The other node does not follow, and says why.
    Declined(NodeId, Refusal),
    /// The other node died.
    Cancelled,
}

/// What ipfail has to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IpfailEvent {
    /// We tell the peer our count and want to know its.
    Asking,
    /// The peer tells its count.
    Asked,
    /// A ping node that answers.
    Found(PingId),
    /// A ping node answers again: its count is waited for.
    Rising,
    /// Both see as many.
    Balanced,
    /// We see more.
    TellingMore,
    /// We see fewer.
    GivingUpFewer,
    /// We were told that we see fewer.
    GivingUpTold,
    /// Counts are equal and groups go home.
    GivingUpForeign,
    /// A hand-over will be asked for after this long.
    Delayed(Duration),
    /// The wait is over.
    Expired,
    /// A waiting hand-over is cancelled.
    Aborted,
    /// Nothing of what should be given up may move.
    Held,
    /// There was nothing to cancel.
    NothingToAbort,
    /// The peer is told that the counts are equal.
    AbortSent,
    /// The peer is told that it sees fewer.
    DeadSent,
    /// No ping node answers.
    WeAreDead,
    /// Some ping node answers although a node died.
    WeAreAlive,
    /// A ping node came up.
    PingNodeUp(PingId),
    /// A node's or ping node's status changed.
    NodeStatus(NodeId, NodeStatus),
    /// A ping node died.
    PingNodeDead(PingId),
    /// A link's status changed.
    LinkStatus(NodeId, LinkId, bool),
    /// The peer's ipfail is there.
    PeerJoined(NodeId),
    /// The peer is in transition.
    PeerUnstable,
    /// The peer is in no transition any more.
    PeerStable,
}
