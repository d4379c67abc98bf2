//! The words of the protocol, each defined once for both directions.

use systole_core::{Fencing, GroupSet, NodeStatus, Occasion, Refusal, Step};

/// Names of fields.
pub(crate) mod field {
    pub(crate) const ACK: &str = "ackseq";
    pub(crate) const ADDRESS: &str = "ipaddr";
    pub(crate) const AUTH: &str = "auth";
    pub(crate) const BEAT: &str = "systole";
    pub(crate) const CLIENT: &str = "cn";
    pub(crate) const CLIENT_GENERATION: &str = "client_gen";
    pub(crate) const CLIENT_STATUS: &str = "cs";
    pub(crate) const DEADTIME: &str = "dt";
    pub(crate) const DELETED: &str = "delnodelist";
    pub(crate) const DEST: &str = "dest";
    pub(crate) const DEST_UUID: &str = "destuuid";
    /// How the names of the fields of an envelope begin.
    pub(crate) const ENVELOPE: &str = "_compress";
    pub(crate) const FIRST: &str = "firstseq";
    pub(crate) const FROM: &str = "from_id";
    pub(crate) const GENERATION: &str = "hg";
    pub(crate) const GROUP: &str = "group";
    /// A person asked for a hand-over; used only between Systole nodes.
    pub(crate) const BY_ORDER: &str = "systole_ordered";
    pub(crate) const HOLD: &str = "rsc_hold";
    pub(crate) const INFO: &str = "info";
    pub(crate) const LAST: &str = "lastseq";
    pub(crate) const LOAD: &str = "ld";
    pub(crate) const NODE: &str = "node";
    pub(crate) const NODES: &str = "nodelist";
    pub(crate) const NUMBER: &str = "stepseq";
    pub(crate) const OK: &str = "ok";
    pub(crate) const OWNED: &str = "weown";
    pub(crate) const PINGS: &str = "num_ping";
    pub(crate) const PROTOCOL: &str = "protocol";
    pub(crate) const REPORT: &str = "rtype";
    pub(crate) const RESULT: &str = "result";
    pub(crate) const SEQUENCE: &str = "seq";
    pub(crate) const SOURCE: &str = "src";
    pub(crate) const SOURCE_UUID: &str = "srcuuid";
    pub(crate) const STABLE: &str = "isstable";
    pub(crate) const STATUS: &str = "st";
    pub(crate) const TIME: &str = "ts";
    pub(crate) const TO: &str = "to_id";
    pub(crate) const TTL: &str = "ttl";
    pub(crate) const TYPE: &str = "t";

    /// The fields that every message has, which the daemon alone writes.
    pub(crate) const OF_EVERY_MESSAGE: [&str; 12] = [
        AUTH,
        BEAT,
        DEST,
        DEST_UUID,
        GENERATION,
        LOAD,
        SEQUENCE,
        SOURCE,
        SOURCE_UUID,
        TIME,
        TTL,
        TYPE,
    ];
}

/// Types of messages.
pub(crate) mod kind {
    /// The beginning of every type without a sequence number.
    pub(crate) const UNSEQUENCED: &str = "NS_";
    /// How the types begin that Systole nodes alone use.
    pub(crate) const OWN: &str = "systole_";

    pub(crate) const ABORT_GIVEUP: &str = "abort_giveup";
    pub(crate) const ACK: &str = "NS_ackmsg";
    pub(crate) const ASK_RESOURCES: &str = "ask_resources";
    pub(crate) const GROUP_GRANT: &str = "ip-request-resp";
    pub(crate) const GROUP_ORDER: &str = "systole_order";
    pub(crate) const GROUP_REQUEST: &str = "ip-request";
    pub(crate) const GROUP_STEP: &str = "systole_step";
    pub(crate) const NAK: &str = "NS_nak_rexmit";
    pub(crate) const PING: &str = "NS_st";
    pub(crate) const PING_COUNT: &str = "num_ping_nodes";
    pub(crate) const PRESENCE: &str = "hbapi-clstat";
    pub(crate) const QUERY_CLIENT: &str = "query-cstatus";
    pub(crate) const REFUSE: &str = "systole_refuse";
    pub(crate) const REPLY_CLIENT: &str = "respond-cstatus";
    pub(crate) const REPLY_NODES: &str = "repnodes";
    pub(crate) const REQUEST_NODES: &str = "reqnodes";
    pub(crate) const RESOURCE: &str = "resource";
    pub(crate) const REXMIT: &str = "NS_rexmit";
    pub(crate) const SHUTDONE: &str = "shutdone";
    pub(crate) const STARTING: &str = "starting";
    pub(crate) const STATUS: &str = "status";
    pub(crate) const STONITH: &str = "stonith";
    pub(crate) const TAKEOVER: &str = "hb_takeover";
    pub(crate) const YOU_ARE_DEAD: &str = "you_are_dead";
}

/// Every type that has a meaning to this node.
const KINDS: [&str; 23] = [
    kind::ABORT_GIVEUP,
    kind::ACK,
    kind::ASK_RESOURCES,
    kind::GROUP_GRANT,
    kind::GROUP_ORDER,
    kind::GROUP_REQUEST,
    kind::GROUP_STEP,
    kind::NAK,
    kind::PING,
    kind::PING_COUNT,
    kind::PRESENCE,
    kind::QUERY_CLIENT,
    kind::REFUSE,
    kind::REPLY_CLIENT,
    kind::REPLY_NODES,
    kind::REQUEST_NODES,
    kind::RESOURCE,
    kind::REXMIT,
    kind::SHUTDONE,
    kind::STARTING,
    kind::STATUS,
    kind::STONITH,
    kind::YOU_ARE_DEAD,
];

/// Returns whether a type of message is one of the protocol, which only daemons send, or reserved for it. Letters
/// of either case are the same, because the names of event scripts are in lower case.
#[must_use]
pub fn is_of_protocol(name: &str) -> bool {
    let begins = |start: &str| {
        name.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start))
    };
    name.eq_ignore_ascii_case(kind::TAKEOVER)
        || begins(kind::UNSEQUENCED)
        || begins(kind::OWN)
        || KINDS.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// Returns whether a field makes the message the envelope of another one.
#[must_use]
pub fn is_of_envelope(name: &str) -> bool {
    name.starts_with(field::ENVELOPE)
}

/// Returns whether a field is one of those that the sending daemon writes into every message.
#[must_use]
pub fn is_of_every_message(name: &str) -> bool {
    field::OF_EVERY_MESSAGE.contains(&name)
}

/// The client whose messages the daemon itself sends and reads.
pub(crate) const IPFAIL: &str = "ipfail";
/// The value of `protocol`; no node reads it.
pub(crate) const PROTOCOL: &str = "1";
/// The value of `rtype` of a whole report.
pub(crate) const FULL: &str = "full";
/// The value of `ok` of a granted request.
pub(crate) const GRANTED: &str = "OK";
/// The value of `ok` of a refused request; anything but [`GRANTED`] refuses.
pub(crate) const REFUSED: &str = "failed";
/// The set in `hb_takeover` that a C node does not translate, so that it ends up as `all`.
pub(crate) const FAILBACK: &str = "failback";
/// `info` of a negative answer for a sequence number that is lower than those that are kept.
pub(crate) const TOO_LOW: &str = "seqno too low";
/// `info` of a negative answer for a sequence number that is not found.
pub(crate) const NOT_FOUND: &str = "seqno not found";
/// `st` of a client that joined.
pub(crate) const JOIN: &str = "join";
/// `st` of a client that left.
pub(crate) const LEAVE: &str = "leave";
/// `info` of a client that joined.
pub(crate) const SIGNON: &str = "signon";
/// `info` of a client that left.
pub(crate) const SIGNOFF: &str = "signoff";
/// `cs` of a client that is signed on.
pub(crate) const ONLINE: &str = "online";
/// `cs` of a client that is not signed on.
pub(crate) const OFFLINE: &str = "offline";
/// `st` of a ping node that answers.
pub(crate) const PING: &str = "ping";

const FENCING: [(Fencing, &str); 5] = [
    (Fencing::Done, "OK"),
    (Fencing::BadHost, "badhost"),
    (Fencing::Failed, "bad"),
    (Fencing::NotConfigured, "n_stnth"),
    (Fencing::Unneeded, "unneeded"),
];

const OCCASIONS: [(Occasion, &str); 4] = [
    (Occasion::Acquired, "req_our_resources()"),
    (Occasion::Standby, "standby"),
    (Occasion::Shutdown, "shutdown"),
    (Occasion::MachDown, "mach_down"),
];

const REFUSALS: [(Refusal, &str); 13] = [
    (Refusal::NoPeer, "no_peer"),
    (Refusal::Busy, "busy"),
    (Refusal::LocalInFlux, "in_flux"),
    (Refusal::RemoteInFlux, "you_in_flux"),
    (Refusal::Legacy, "legacy"),
    (Refusal::NotReady, "not_ready"),
    (Refusal::CannotLook, "cannot_look"),
    (Refusal::AgentMissing, "agent_missing"),
    (Refusal::NoInterface, "no_interface"),
    (Refusal::FewerPings, "fewer_pings"),
    (Refusal::Differs, "differs"),
    (Refusal::Unable, "unable"),
    (Refusal::NotHere, "not_here"),
];

/// Returns the word for the refusal of a step, if the reason has one.
pub(crate) fn of_refusal(why: Refusal) -> Option<&'static str> {
    word_in(&REFUSALS, why)
}

/// Returns the reason for a word.
pub(crate) fn refusal(word: &str) -> Option<Refusal> {
    value_in(&REFUSALS, word)
}

/// Returns the word for an outcome of fencing.
pub(crate) fn of_fencing(result: Fencing) -> Option<&'static str> {
    word_in(&FENCING, result)
}

/// Returns the outcome of fencing for a word.
pub(crate) fn fencing(word: &str) -> Option<Fencing> {
    value_in(&FENCING, word)
}

/// Returns the word for an occasion, if it has one.
pub(crate) fn of_occasion(occasion: Occasion) -> Option<&'static str> {
    word_in(&OCCASIONS, occasion)
}

/// Returns the occasion for a word.
pub(crate) fn occasion(word: &str) -> Occasion {
    value_in(&OCCASIONS, word).unwrap_or(Occasion::Unknown)
}

/// Returns the status for a word.
pub(crate) fn status(word: &str) -> Option<NodeStatus> {
    use NodeStatus::{Active, Dead, Init, Up};
    [Init, Up, Active, Dead].into_iter().find(|status| status.word() == word)
}

/// Returns the set for a word.
pub(crate) fn hold(word: &str) -> Option<GroupSet> {
    [GroupSet::None, GroupSet::Local, GroupSet::Foreign, GroupSet::All]
        .into_iter()
        .find(|hold| hold.word() == word)
}

/// Returns the step for a word.
pub(crate) fn step(word: &str) -> Option<Step> {
    [Step::Me, Step::Other, Step::Done].into_iter().find(|step| step.word() == word)
}

fn word_in<T: PartialEq + Copy>(table: &[(T, &'static str)], value: T) -> Option<&'static str> {
    let row = table.iter().find(|row| row.0 == value)?;
    Some(row.1)
}

fn value_in<T: Copy>(table: &[(T, &'static str)], word: &str) -> Option<T> {
    let row = table.iter().find(|row| row.1 == word)?;
    Some(row.0)
}
