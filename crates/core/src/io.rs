//! The inputs and outputs of the core: plain data that a test can compare and a journal can store.

use crate::{
    Custom, Event, GroupId, GroupSet, Heard, JobId, Mac, NodeId, Outgoing, PeerRecord, PingId,
};
use crate::{OrderRefusal, Outcome, ServiceAddresses, Words};
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
    /// A main process of a resource has ended, which proves nothing: the resource is checked at once.
    ProcessEnded {
        /// The group.
        group: GroupId,
        /// The resource, by its index in the group.
        resource: usize,
        /// Whether the process crashed or was killed; otherwise it may be replaced at the moment.
        is_crash: bool,
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
    /// The addresses of this node on the service network, at the start and when they change.
    ServiceAddresses(ServiceAddresses),
    /// A machine on the network of the floating addresses says that it has an address of a group. Anybody can say
    /// that.
    Answered {
        /// The group.
        group: GroupId,
        /// The Ethernet address of the machine, which is not one of this node.
        mac: Mac,
    },
    /// An [`Output::AskNetwork`] could not be carried out, so that nothing follows from the silence of the network.
    NotAsked(GroupId),
    /// An order that is already authorised.
    Order {
        /// Identifies the order in the answer.
        ticket: Ticket,
        /// What is wanted.
        order: Order,
    },
    /// An administrator or a script sends a message that means nothing to this node.
    Say {
        /// The message.
        message: &'a Custom,
        /// The addressee; absent means every node.
        dest: Option<NodeId>,
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

/// What an agent is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Ask whether it runs.
    Status,
    /// Make sure that it runs: ask whether it does, and start it if it does not.
    Start,
    /// Stop it.
    Stop,
    /// Ask whether it is healthy.
    Monitor,
}

impl Action {
    /// Returns the verb that scripts are called with.
    #[must_use]
    pub const fn verb(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Monitor => "monitor",
        }
    }
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
    /// This node has just stopped the resource: its start need not ask first whether it runs.
    pub is_restart: bool,
    /// The group is not meant to run here: this looks whether the resource does all the same, or stops it.
    pub is_look: bool,
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
    /// Ask the network of the floating addresses whether a machine has an address of this group. Each answer is an
    /// [`Input::Answered`].
    AskNetwork(GroupId),
    /// Let the executor act for this long from now on.
    Permit(Duration),
    /// Have the executor run this job.
    Run(Job),
    /// Have the executor check whether everything is there that a start of this group needs, which
    /// changes nothing. The answer is that of a job.
    Check {
        /// The number of the check.
        job: JobId,
        /// The group.
        group: GroupId,
    },
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
        result: Result<(), OrderRefusal>,
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
