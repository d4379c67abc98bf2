//! What nodes send each other, as plain types. `systole-wire` turns them into bytes.

use crate::{Beat, GroupKey, LinkId, NodeId, Refusal, Time, Uuid};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// The status of a node, as the node itself reports it (`st`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NodeStatus {
    /// Just started, or never heard.
    Init,
    /// Running, but its communication is not complete.
    Up,
    /// Its communication is complete: it takes part in everything.
    Active,
    /// Silent for its dead time. Never sent by the node itself.
    Dead,
}

impl NodeStatus {
    /// The word on the wire and in the log.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Init => "init",
            Self::Up => "up",
            Self::Active => "active",
            Self::Dead => "dead",
        }
    }
}

impl fmt::Display for NodeStatus {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.word())
    }
}

/// A set of groups seen from one of two nodes (`rsc_hold`): *local* are the groups that prefer the
/// node, *foreign* those that prefer the other node.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GroupSet {
    /// No group.
    #[default]
    None,
    /// The groups that prefer this node.
    Local,
    /// The groups that prefer the other node.
    Foreign,
    /// Every group.
    All,
}

impl GroupSet {
    /// The set of the given halves.
    #[must_use]
    pub const fn of(local: bool, foreign: bool) -> Self {
        match (local, foreign) {
            (false, false) => Self::None,
            (true, false) => Self::Local,
            (false, true) => Self::Foreign,
            (true, true) => Self::All,
        }
    }

    /// Whether the set includes the groups that prefer this node.
    #[must_use]
    pub const fn has_local(self) -> bool {
        matches!(self, Self::Local | Self::All)
    }

    /// Whether the set includes the groups that prefer the other node.
    #[must_use]
    pub const fn has_foreign(self) -> bool {
        matches!(self, Self::Foreign | Self::All)
    }

    /// The same groups seen from the other node.
    #[must_use]
    pub const fn mirrored(self) -> Self {
        Self::of(self.has_foreign(), self.has_local())
    }

    /// The groups of either set.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self::of(self.has_local() || other.has_local(), self.has_foreign() || other.has_foreign())
    }

    /// The groups of this set that are not in `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self::of(self.has_local() && !other.has_local(), self.has_foreign() && !other.has_foreign())
    }

    /// The word on the wire and in the log.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Local => "local",
            Self::Foreign => "foreign",
            Self::All => "all",
        }
    }
}

impl fmt::Display for GroupSet {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.word())
    }
}

/// A step of a standby hand-over (`info` of `ask_resources`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// The giver wants to give.
    Me,
    /// The taker can take.
    Other,
    /// The giver has released, or the taker has acquired.
    Done,
}

impl Step {
    /// The word on the wire and in the log.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Me => "me",
            Self::Other => "other",
            Self::Done => "done",
        }
    }
}

/// Why a node reports its holdings (`info` of `resource`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Occasion {
    /// No `info` field.
    #[default]
    Report,
    /// Its own groups were requested (`req_our_resources()`).
    Acquired,
    /// It begins to give groups up in a hand-over (`standby`).
    Standby,
    /// Its graceful stop begins (`shutdown`).
    Shutdown,
    /// The takeover of a dead node's groups is finished (`mach_down`).
    MachDown,
    /// Another text.
    Unknown,
}

/// The outcome of fencing (`result` of `stonith`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fencing {
    /// The node was reset.
    Done,
    /// The device cannot reset this node.
    BadHost,
    /// The reset failed.
    Failed,
    /// No device is configured.
    NotConfigured,
    /// The node had released everything.
    Unneeded,
}

/// A message of a type that means nothing to any node: it only calls event scripts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Custom {
    /// The type.
    pub kind: Box<str>,
    /// The fields that follow the type: names and texts.
    pub fields: Vec<(Box<str>, Box<str>)>,
}

/// A message from one node to the others, without its header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// `status`: a beat.
    Status {
        /// The sender's status.
        status: NodeStatus,
        /// How long the sender may be silent before it is dead (`dt`).
        deadtime: Duration,
        /// Whether the sender takes part in acknowledgements (`protocol` is present).
        flow_control: bool,
    },
    /// `NS_ackmsg`: everything up to `sequence` was received.
    Ack {
        /// The highest sequence below which nothing is missing.
        sequence: u64,
    },
    /// `NS_rexmit`: requests that these messages be sent again.
    Rexmit {
        /// The first missing sequence.
        first: u64,
        /// The last missing sequence.
        last: u64,
    },
    /// `NS_nak_rexmit`: this sequence cannot be sent again.
    Nak {
        /// The sequence that is lost.
        sequence: u64,
        /// Whether the sequence was below what is kept, rather than not found.
        too_low: bool,
    },
    /// `reqnodes`: asks for the node list.
    RequestNodes,
    /// `repnodes`: the node list.
    ReplyNodes {
        /// Names of all normal nodes, separated by blanks.
        nodes: Box<str>,
        /// Names of deleted nodes.
        deleted: Box<str>,
    },
    /// `starting`: the sender's communication is up, and it asks what the others hold.
    Starting,
    /// `resource`: what the sender holds.
    Resource {
        /// The set, from the sender's view.
        hold: GroupSet,
        /// Whether it replaces what was known (`rtype=full`), or adds to it.
        full: bool,
        /// Whether the sender is in no transition, if it says so.
        stable: Option<bool>,
        /// Why it reports.
        occasion: Occasion,
    },
    /// `ask_resources`: a step of a standby hand-over.
    AskResources {
        /// The set, always from the view of the giver.
        hold: GroupSet,
        /// The step.
        step: Step,
        /// Whether ipfail requested it (the message carries its client's names).
        ipfail: bool,
        /// Whether a person requested it, as a Systole giver says: then the groups stay where they
        /// go.
        by_order: bool,
    },
    /// `hb_takeover`: the sender wants this set, from its own view.
    TakeoverOrder {
        /// The set.
        hold: GroupSet,
    },
    /// `systole_step`: a step of the hand-over of one group, between Systole nodes.
    GroupStep {
        /// The group.
        group: GroupKey,
        /// The step.
        step: Step,
        /// Whether a person requested it, as the giver says: then the group stays where it goes.
        by_order: bool,
    },
    /// `systole_order`: the sender wants this group, between Systole nodes.
    GroupOrder {
        /// The group.
        group: GroupKey,
    },
    /// `systole_refuse`: the sender does not follow the receiver's step, between Systole nodes.
    Refuse {
        /// The step; an order counts as the step that it wants.
        step: Step,
        /// Why, from the sender's view.
        why: Refusal,
        /// The sequence of the step, where it matters which message it was.
        number: Option<u64>,
    },
    /// `ip-request`: requests the release of this group (legacy mode).
    GroupRequest {
        /// The group's first resource word.
        key: Box<str>,
    },
    /// `ip-request-resp`: the answer to `ip-request`, or, addressed to the sender itself, an order
    /// to start.
    GroupGrant {
        /// The group's first resource word.
        key: Box<str>,
        /// Whether the sender had the group.
        owned: bool,
        /// Whether the request was granted.
        granted: bool,
    },
    /// `shutdone`: all resources are released, and the node leaves.
    Shutdone,
    /// `stonith`: the outcome of fencing a node.
    Stonith {
        /// The node that was to be fenced.
        node: Box<str>,
        /// The outcome.
        result: Fencing,
    },
    /// `hbapi-clstat`: ipfail joined or left a node.
    IpfailPresence {
        /// Whether it joined.
        joined: bool,
    },
    /// `num_ping_nodes`: how many ping nodes the sender's ipfail sees.
    PingCount {
        /// The count.
        count: u32,
    },
    /// `abort_giveup`: the counts are equal.
    AbortGiveup,
    /// `you_are_dead`: the receiver sees fewer ping nodes.
    YouAreDead,
    /// `query-cstatus`: asks whether this API client is signed on at the receiver.
    QueryClient {
        /// The client.
        client: Box<str>,
        /// The client at the sender that asks.
        asker: Box<str>,
    },
    /// `respond-cstatus`: the answer.
    ReplyClient {
        /// The client.
        client: Box<str>,
        /// The client that asked.
        asker: Box<str>,
        /// Whether the client is signed on.
        online: bool,
    },
    /// A message that an administrator or a script sends. It is sent only: what is heard of it is
    /// [`Message::Unknown`].
    Custom(Box<Custom>),
    /// A known type whose content cannot be read. It takes part in sequencing and has no other
    /// effect.
    Unreadable {
        /// The field at fault.
        field: &'static str,
    },
    /// Any other type. It takes part in sequencing and means nothing to the core.
    Unknown {
        /// Whether the type begins with `NS_`; such messages have no sequence.
        unsequenced: bool,
    },
}

impl Message {
    /// Whether the message has a sequence number (its type does not begin with `NS_`).
    #[must_use]
    pub const fn is_sequenced(&self) -> bool {
        !matches!(
            self,
            Self::Ack { .. }
                | Self::Rexmit { .. }
                | Self::Nak { .. }
                | Self::Unknown { unsequenced: true }
        )
    }
}

/// A message as it left the core, to be signed and sent on every link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The content.
    pub message: Message,
    /// The addressee; absent means every node.
    pub dest: Option<NodeId>,
    /// The addressee's uuid, as far as known.
    pub dest_uuid: Option<Uuid>,
    /// The sequence number, if the message has one.
    pub sequence: Option<u64>,
    /// When the message was made.
    pub made: Time,
}

/// A message that was heard, its signature checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heard<'a> {
    /// The medium that brought it.
    pub link: LinkId,
    /// The sender's name.
    pub source: &'a str,
    /// The sender's uuid.
    pub source_uuid: Option<Uuid>,
    /// The addressee's name; absent means every node.
    pub dest: Option<&'a str>,
    /// The addressee's uuid; unless nil, it alone decides.
    pub dest_uuid: Option<Uuid>,
    /// The sender's generation, 0 if absent.
    pub generation: u64,
    /// The sequence number of a sequenced message.
    pub sequence: Option<u64>,
    /// The sender's clock, in seconds since 1970.
    pub unix_time: u64,
    /// The content.
    pub message: &'a Message,
    /// What a Systole node adds to its status.
    pub beat: Option<&'a Beat>,
}
