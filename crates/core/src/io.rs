//! The inputs and outputs of the core: plain data that a test can compare and a journal can store.

use crate::{Event, GroupId, GroupSet, Heard, JobId, NodeId, Outgoing, PeerRecord, PingId};
use crate::{Outcome, Words};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Something that happened outside the core.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input<'a> {
    /// A message was heard whose signature is already checked.
    Heard(Heard<'a>),
    /// A ping node answered.
    PingReply(PingId),
    /// What was said about a job that has failed; its end follows.
    JobSaid {
        /// The job.
        job: JobId,
        /// Why it failed.
        words: Words,
    },
    /// An agent finished.
    JobDone {
        /// The job.
        job: JobId,
        /// What came of it.
        outcome: Outcome,
    },
    /// An executor is present and works for this node. It holds something of these groups, and
    /// nothing of any other group.
    ExecutorReady(Vec<Holding>),
    /// The executor is gone; what it holds stays as it is until the executor returns or lets go.
    ExecutorGone,
    /// The executor has let go of a group, because its permit ran out or an address was lost.
    LetGo(GroupId),
    /// An interface that a group needs lost its carrier or went down, or all of them are working
    /// again.
    Carrier {
        /// The group.
        group: GroupId,
        /// Whether all its interfaces work.
        is_there: bool,
    },
    /// An order that is already authorised.
    Order {
        /// Identifies the order in the answer.
        ticket: Ticket,
        /// What is wanted.
        order: Order,
    },
    /// A fencing device has done its work or has failed.
    Fenced {
        /// The node to be fenced.
        node: NodeId,
        /// The attempt: the number in the [`Output::Fence`] that this answers.
        attempt: u32,
        /// What came of it.
        outcome: FenceOutcome,
    },
}

/// What an executor holds of a group when it connects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holding {
    /// The group.
    pub group: GroupId,
    /// The term under which something of the group last ran.
    pub term: u64,
    /// Whether the executor holds every resource of the group, and no job of the group is in
    /// progress.
    pub is_whole: bool,
}

/// The outcome of an attempt to fence a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FenceOutcome {
    /// The device says that the node was reset, or is off.
    Done,
    /// The device failed or was too slow, and it was the last device, or no device could be asked.
    Failed,
    /// The device failed or was too slow, and the node has another device.
    Next,
    /// No device was asked, because a device of another node is at work.
    Busy,
}

/// Ties an order to its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// What an operator or the built-in ipfail wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Give this set to the other node.
    Standby(GroupSet),
    /// Take this set from the other node.
    Takeover(GroupSet),
    /// Give this group to the other node.
    StandbyGroup(GroupId),
    /// Take this group from the other node.
    TakeoverGroup(GroupId),
    /// Forget the generation of a node that is not heard: the node lost its own generation and
    /// begins anew.
    ForgetPeer(NodeId),
    /// What failed here is repaired: this group, or every group, may start here again, and a group
    /// that could not be stopped is stopped again.
    Retry(Option<GroupId>),
    /// Treat a node that is not heard as fenced: the administrator has seen that it is off.
    ConfirmDead(NodeId),
    /// Let nothing, or not this group, move automatically for this long.
    Hold(Option<GroupId>, Duration),
    /// End all holds, or the hold of this group alone.
    Release(Option<GroupId>),
    /// Release everything, say goodbye and end.
    Stop,
}

/// Why an order was refused, or how it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// No other node is alive and active.
    #[error("no other node is active")]
    NoPeer,
    /// A hand-over is running already.
    #[error("a hand-over is running already")]
    Busy,
    /// Groups of this node are starting or stopping.
    #[error("local resources are in transition")]
    LocalInFlux,
    /// The other node is starting or stopping groups.
    #[error("the other node is in transition")]
    RemoteInFlux,
    /// `auto_failback legacy` has no hand-over.
    #[error("a hand-over needs `auto_failback on` or `off`")]
    Legacy,
    /// The other node did not answer within 10 s.
    #[error("the other node did not answer")]
    NoReply,
    /// The giver could not stop everything that it was to give.
    #[error("a group could not be stopped where it runs, and remains there; `hb status` says why")]
    CannotStop,
    /// The other node died while the hand-over ran.
    #[error("the other node died during the hand-over")]
    PeerDied,
    /// The taker could not start everything; what it could not start is taken back.
    #[error("not every group could be started on the target node; `hb status` says why")]
    Failed,
    /// The node is heard, which shows that its generation is right.
    #[error("that node is alive: there is nothing to forget")]
    PeerAlive,
    /// This node is stopping, or its communication is not up yet.
    #[error("this node is starting or stopping")]
    NotReady,
    /// The taker could not check whether it can run the groups: the check itself failed, which says
    /// nothing about the groups.
    #[error("the target node could not check whether it can run it; its log says why")]
    CannotLook,
    /// There is nothing to retry.
    #[error("nothing has failed on this node")]
    NothingFailed,
    /// The taker has no agent with a name that a group needs.
    #[error("the target node has no agent for one of its resources")]
    AgentMissing,
    /// The taker has no interface that is up for an address.
    #[error("the target node has no interface that is up for one of its addresses")]
    NoInterface,
    /// The taker sees fewer ping nodes than the giver.
    #[error("the target node sees fewer ping nodes")]
    FewerPings,
    /// The taker's haresources lacks the line.
    #[error("the line of a group differs between the haresources of the two nodes")]
    Differs,
    /// A changed line needs more than the old line did, and another node runs a line that is not
    /// known here.
    #[error(
        "a line that runs here would get more resources, and another node runs a line that is not \
         in this haresources: copy the same file to that node first"
    )]
    UnknownLine,
    /// Of more than two nodes, several have groups that a node wants, or the one that has them
    /// would give more.
    #[error(
        "several nodes own groups of that set, or their owner would give others too: take them \
         one by one with `--group`"
    )]
    SeveralOwners,
    /// The taker has failed to start the group before, and it was not repaired since.
    #[error("the target node could not run it; `hb retry` there allows another attempt")]
    Unable,
    /// This node does not run the group, so it cannot give it.
    #[error("this node does not run it")]
    NotHere,
    /// The other node, a C node, can hand over only whole sets.
    #[error("the other node runs heartbeat 3.0.6, which moves no single group of a set")]
    SetsOnly,
    /// The node is heard, so it is not dead, whatever anyone says.
    #[error("that node is heard: it is alive")]
    NotDead,
    /// Without a fencing device nothing waits for the confirmation.
    #[error("no fencing device is configured: nothing waits for a confirmation")]
    NoFencing,
    /// There is nothing to release.
    #[error("there is no matching hold to release; `hb status` shows the holds")]
    NotHeld,
    /// This node requested the hand-over and no longer has a reason for it.
    #[error("the reason for it no longer exists")]
    Withdrawn,
    /// There is no room for the new groups beside those that are being given up.
    #[error("there are more groups than a cluster can have, with those that are being given up")]
    TooManyGroups,
}

impl Refusal {
    /// Translates another node's refusal to the view of this node, where *here* and *there* are
    /// swapped.
    #[must_use]
    pub const fn as_told(self) -> Self {
        match self {
            Self::LocalInFlux | Self::NotReady => Self::RemoteInFlux,
            Self::RemoteInFlux => Self::LocalInFlux,
            Self::NoPeer
            | Self::Busy
            | Self::Legacy
            | Self::NoReply
            | Self::CannotStop
            | Self::PeerDied
            | Self::Failed
            | Self::PeerAlive
            | Self::NothingFailed
            | Self::CannotLook
            | Self::AgentMissing
            | Self::NoInterface
            | Self::FewerPings
            | Self::Differs
            | Self::UnknownLine
            | Self::SeveralOwners
            | Self::Unable
            | Self::NotHere
            | Self::SetsOnly
            | Self::NotDead
            | Self::NotHeld
            | Self::NoFencing
            | Self::Withdrawn
            | Self::TooManyGroups => self,
        }
    }

    /// Whether a retry is useless until a person has done something.
    #[must_use]
    pub const fn needs_mending(self) -> bool {
        match self {
            Self::AgentMissing
            | Self::NoInterface
            | Self::FewerPings
            | Self::Differs
            | Self::UnknownLine
            | Self::SeveralOwners
            | Self::Unable
            | Self::Legacy
            | Self::NotHere
            | Self::SetsOnly
            | Self::NoFencing
            | Self::TooManyGroups => true,
            Self::NoPeer
            | Self::Busy
            | Self::LocalInFlux
            | Self::RemoteInFlux
            | Self::NoReply
            | Self::CannotStop
            | Self::PeerDied
            | Self::Failed
            | Self::PeerAlive
            | Self::NothingFailed
            | Self::NotDead
            | Self::NotHeld
            | Self::Withdrawn
            | Self::CannotLook
            | Self::NotReady => false,
        }
    }
}

/// What an agent is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Ask whether it runs.
    Status,
    /// Make sure that it runs: ask whether it does, and start it if it does not.
    Start,
    /// Stop it.
    Stop,
    /// Ask whether it is healthy.
    Monitor,
    /// Check whether everything is there that a start needs. Concerns a whole group and changes
    /// nothing.
    Check,
}

/// One run of an agent, or one batch of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Job {
    /// The number of the job.
    pub id: JobId,
    /// The group.
    pub group: GroupId,
    /// The first resource of the group that it concerns.
    pub first: usize,
    /// The number of resources: one agent, or neighbouring addresses.
    pub count: usize,
    /// What to do.
    pub action: Action,
}

/// Something the shell must do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Sign the message and send it on every link. A status carries the current
    /// [`Cluster::beat`](crate::Cluster::beat). Messages with a sequence are kept: the last
    /// [`HISTORY_MAX`](crate::HISTORY_MAX) may have to be sent again.
    Send(Outgoing),
    /// Send the message with this sequence again on every link, byte for byte as the first time.
    Resend(u64),
    /// Ask every ping node for a sign of life.
    Ping,
    /// Let the executor act for this long from now on.
    Permit(Duration),
    /// Have the executor run this job.
    Run(Job),
    /// Have the executor end this job at once.
    Cancel(JobId),
    /// Store [`Cluster::terms`](crate::Cluster::terms) and
    /// [`Cluster::holds`](crate::Cluster::holds), off the takeover path.
    Store,
    /// Store this record of another node in place of the former one, also off the takeover path.
    /// Without a generation there is nothing to remember.
    StorePeer(PeerRecord),
    /// Answer an order.
    Answer {
        /// The ticket of the order.
        ticket: Ticket,
        /// Done, or the reason why not.
        result: Result<(), Refusal>,
    },
    /// Report to the log, the metrics and the subscribers.
    Report(Event),
    /// A resource could not be stopped: do what [`StopFailure`](crate::StopFailure) says.
    StopFailed {
        /// The group.
        group: GroupId,
        /// The resource, by its index in the group.
        resource: usize,
    },
    /// Have a fencing device of a node reset that node; [`Input::Fenced`] reports the outcome.
    Fence {
        /// The node to be fenced.
        node: NodeId,
        /// The number of the attempt, which the answer repeats.
        attempt: u32,
        /// The device, by its index among those of the node.
        device: u8,
    },
    /// The daemon may end: everything is released and goodbye was said.
    End,
}
