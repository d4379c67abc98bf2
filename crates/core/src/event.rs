//! What the core reports: facts that the shell turns into log lines.

mod cause;
mod check;
mod foreign;
mod hold;
mod steps;

use crate::{
    AnswerNews, Failure, GroupId, HandOverProgress, Job, LinkId, Mac, NodeId, NodeStatus, Obstacle,
    Outcome, Phase, PingCounts, PingId, Silence, Uuid, Words,
};
pub use cause::{Cause, Proof};
pub use check::AfterCheck;
pub use foreign::ForeignStep;
pub use hold::HoldEvent;
use std::time::Duration;
pub use steps::{FencingEvent, HandOverEvent, IpfailEvent};

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The status of this node changed.
    LocalStatus(NodeStatus),
    /// Every node was heard or is dead: this node takes part.
    CommunicationUp,
    /// A peer reports a new status.
    PeerStatus(NodeId, NodeStatus),
    /// A peer was silent for its dead time.
    PeerDead(NodeId, Box<Silence>),
    /// A peer's daemon restarted.
    PeerRestarted(NodeId),
    /// A peer that was dead is heard again without having restarted.
    PeerReturned(NodeId),
    /// A beat came late.
    LateBeat {
        /// The sender.
        node: NodeId,
        /// Time since the beat before.
        interval: Duration,
        /// Whether the interval was longer than this node's own deadtime.
        deadly: bool,
    },
    /// A link carries messages.
    LinkUp(NodeId, LinkId),
    /// A link no longer carries messages.
    LinkDead(NodeId, LinkId),
    /// A ping node answers.
    PingAlive(PingId),
    /// A ping node is silent.
    PingDead(PingId),
    /// A message came from a name that is not configured.
    Stranger(Box<str>),
    /// A message carries an older generation than the known one.
    Replay {
        /// The node that the message names as its sender.
        node: NodeId,
        /// The generation of the message.
        generation: u64,
        /// The known generation.
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
    /// So many messages are missing that they are not requested.
    PacketsGivenUp(NodeId),
    /// No message is missing any longer.
    PacketsComplete(NodeId),
    /// The sender cannot send this message again.
    PacketLostForGood(NodeId, u64),
    /// This node cannot send this message again.
    CannotResend(NodeId, u64),
    /// A peer asked for a message that this node has not sent.
    NeverSent {
        /// The peer.
        node: NodeId,
        /// The sequence that it asked for.
        sequence: u64,
        /// The last sequence that this node has sent.
        sent: u64,
    },
    /// A peer acknowledged a message that this node has not sent.
    AckBeyond {
        /// The peer.
        node: NodeId,
        /// The sequence that it acknowledged.
        sequence: u64,
        /// The last sequence that this node has sent.
        sent: u64,
    },
    /// A message of a peer has a field that is absent or cannot be read.
    Unreadable(NodeId, &'static str),
    /// A peer does not take part in flow control: nothing is acknowledged any longer.
    FlowControlOff,
    /// A peer has a different uuid than before.
    UuidChanged(NodeId, Uuid),
    /// A peer sent a node list that differs from this node's list, which stays in force.
    NodeListRefused(NodeId, Box<str>),
    /// This many messages wait for an acknowledgement.
    HistoryFilling(usize),
    /// The node lists of two nodes differ.
    NodeListsDiffer(NodeId),
    /// The other node's haresources has groups that are not in this node's haresources, or the
    /// reverse.
    GroupsDiffer(NodeId),
    /// The groups whose line another node does not have, or only keeps free, are no longer the same.
    /// The status has them.
    OtherLines,
    /// A dead or departed peer had released everything.
    PeerHadNothing(NodeId),
    /// A dead peer's groups are taken without fencing the peer.
    NotFenced(NodeId),
    /// A takeover needs a peer to be fenced, or no longer needs it.
    Fencing(NodeId, FencingEvent),
    /// The groups of a peer are being taken.
    TakeoverBegins(NodeId),
    /// The groups of a peer are all taken.
    TakeoverDone(NodeId),
    /// A peer said goodbye.
    PeerLeft(NodeId),
    /// For the first time since the start it is settled which node runs what.
    InitialAcquisition,
    /// The peer is no longer in transition.
    RemoteStable(NodeId),
    /// This node is no longer in transition.
    LocalStable,
    /// This node's own groups were examined; the flag says whether there was one to take.
    LocalAcquired(bool),
    /// A group changed its owner or its phase here.
    Ownership {
        /// The group.
        group: GroupId,
        /// Its owner.
        owner: NodeId,
        /// The term of the ownership.
        term: u64,
        /// How far the owner has come.
        phase: Phase,
        /// Why.
        cause: Cause,
    },
    /// A resource could not be started.
    StartFailed {
        /// The group.
        group: GroupId,
        /// The resource, by its index in the group.
        resource: usize,
        /// The outcome of the start.
        outcome: Outcome,
    },
    /// A stop failed and is retried.
    StopRetried {
        /// The group.
        group: GroupId,
        /// The resource, by its index in the group.
        resource: usize,
        /// The outcome of the stop.
        outcome: Outcome,
    },
    /// The executor is gone for good while it was stopping a group that another node has: services
    /// of the group may still run here.
    LeftRunning(GroupId),
    /// A stop failed for good, but the resource does not run.
    StopDoubtful {
        /// The group.
        group: GroupId,
        /// The resource, by its index in the group.
        resource: usize,
    },
    /// A stop failed for good, and nothing shows that the resource does not run.
    StopFailed {
        /// The group.
        group: GroupId,
        /// The resource, by its index in the group.
        resource: usize,
        /// The outcome of the last attempt.
        outcome: Outcome,
    },
    /// Another node reports that it could not start a group, or cannot stop it.
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
    /// A check of a running resource failed, or could not be made.
    CheckFailed {
        /// The group.
        group: GroupId,
        /// The resource, by its index in the group.
        resource: usize,
        /// What came of the check.
        outcome: Outcome,
        /// What was said about it.
        words: Words,
        /// What follows.
        follows: AfterCheck,
    },
    /// A check found a resource well that an earlier check had not.
    CheckRecovered {
        /// The group.
        group: GroupId,
        /// The resource, by its index in the group.
        resource: usize,
    },
    /// A resource runs here although its group does not, or no longer does.
    Foreign {
        /// The group.
        group: GroupId,
        /// The resource, by its index in the group.
        resource: usize,
        /// The owner of the group.
        owner: Option<NodeId>,
        /// What has happened.
        step: ForeignStep,
    },
    /// Something is held, or kept where it is, or no longer is.
    Hold(HoldEvent),
    /// A machine answers for an address of a group that this node would take, or takes, or no longer does.
    AddressAnswers {
        /// The group.
        group: GroupId,
        /// Its Ethernet address.
        mac: Mac,
        /// The node that has it; absent if no node is known to have it.
        node: Option<NodeId>,
        /// What is new.
        news: AnswerNews,
    },
    /// No node runs a group, and this node does not take it.
    NotTaken {
        /// The group.
        group: GroupId,
        /// What prevents this node from taking it.
        obstacle: Obstacle,
        /// Why this node would take it.
        cause: Cause,
    },
    /// A step of a hand-over.
    HandOver(HandOverEvent),
    /// A hand-over has reached a stage.
    HandOverProgress(HandOverProgress),
    /// Ping nodes were counted, and the counts have a consequence.
    PingsCounted(Box<PingCounts>),
    /// A step of the built-in ipfail.
    Ipfail(IpfailEvent),
    /// The graceful stop of this node begins.
    StopBegins,
    /// The graceful stop of this node waits for resources that are in transition.
    StopDelayed,
    /// The graceful stop waits for an executor, because services of this group may still run.
    StopInDoubt(GroupId),
    /// Everything is released.
    Relinquished,
    /// This node did not run for a while.
    Paused(Duration),
}

impl Event {
    /// Whether the event is only for the log. Every other event has an entry in the journal.
    #[must_use]
    pub const fn is_for_log_only(&self) -> bool {
        match self {
            Self::LocalStatus(_)
            | Self::CommunicationUp
            | Self::PeerStatus(..)
            | Self::LateBeat { deadly: false, .. }
            | Self::LinkUp(..)
            | Self::LinkDead(..)
            | Self::PingAlive(_)
            | Self::PingDead(_)
            | Self::Stranger(_)
            | Self::Replay { .. }
            | Self::PacketsLost { .. }
            | Self::PacketsGivenUp(_)
            | Self::PacketsComplete(_)
            | Self::PacketLostForGood(..)
            | Self::CannotResend(..)
            | Self::NeverSent { .. }
            | Self::Unreadable(..)
            | Self::FlowControlOff
            | Self::UuidChanged(..)
            | Self::NodeListRefused(..)
            | Self::AckBeyond { .. }
            | Self::HistoryFilling(_)
            | Self::NodeListsDiffer(_)
            | Self::GroupsDiffer(_)
            | Self::OtherLines
            | Self::PeerHadNothing(_)
            | Self::NotFenced(_)
            | Self::TakeoverBegins(_)
            | Self::TakeoverDone(_)
            | Self::InitialAcquisition
            | Self::RemoteStable(_)
            | Self::LocalStable
            | Self::LocalAcquired(_)
            | Self::StopRetried { .. }
            | Self::StopDoubtful { .. }
            | Self::LeftRunning(_)
            | Self::HandOver(
                HandOverEvent::Wanted(..)
                | HandOverEvent::Granted(..)
                | HandOverEvent::Releasing(_)
                | HandOverEvent::Released(_)
                | HandOverEvent::Acquiring(..)
                | HandOverEvent::Acquired(_)
                | HandOverEvent::Taken(_)
                | HandOverEvent::Given(_)
                | HandOverEvent::NoReply
                | HandOverEvent::Declined(..)
                | HandOverEvent::Cancelled,
            )
            | Self::Ipfail(_)
            | Self::StopDelayed
            | Self::StopInDoubt(_)
            | Self::Relinquished => true,
            Self::Ownership { .. }
            | Self::PeerDead(..)
            | Self::LateBeat { deadly: true, .. }
            | Self::JobEnded { .. }
            | Self::HandOverProgress(_)
            | Self::PingsCounted(_)
            | Self::HandOver(HandOverEvent::Refused { .. })
            | Self::PeerLeft(_)
            | Self::PeerReturned(_)
            | Self::PeerRestarted(_)
            | Self::StartFailed { .. }
            | Self::CheckFailed { .. }
            | Self::CheckRecovered { .. }
            | Self::Foreign { .. }
            | Self::StopFailed { .. }
            | Self::PeerFailed { .. }
            | Self::Fencing(..)
            | Self::Hold(_)
            | Self::NotTaken { .. }
            | Self::AddressAnswers { .. }
            | Self::StopBegins
            | Self::Paused(_) => false,
        }
    }
}
