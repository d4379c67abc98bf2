//! Which captured messages Systole also sends, and when.

/// When a message is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Situation {
    /// Both daemons start together.
    JointStart,
    /// The other node's power fails.
    PeerDied,
    /// The same, and a device resets it.
    PeerFenced,
    /// The other node comes back and gets its group.
    PeerReturned,
    /// The other node's daemon is stopped.
    PeerLeft,
    /// Packets to this node are lost.
    Loss,
    /// The daemon is told to read its configuration again.
    Reload,
    /// The daemon of this node is stopped.
    Leaving,
    /// The daemon of this node comes back and gets its group.
    Returning,
    /// Three nodes are configured, and the other one asks for their names.
    ThreeNodes,
    /// `auto_failback legacy`: Systole starts while the other node runs.
    LegacyReturning,
    /// `auto_failback legacy`: the other node starts while Systole runs.
    LegacyPeerReturned,
    /// `msgfmt netstring`.
    Netstring,
    /// Ping nodes of every kind, signed with `crc`.
    PingNodes,
    /// Signed with `crc`, until a digest begins with a zero, which is not written.
    ShortDigest,
    /// The ipfail of the other node and that of Systole compare what they see.
    Ipfail,
    /// `traditional_compression on`, with zlib.
    Zlib,
    /// The same with bz2.
    Bzip2,
    /// A node that has acknowledged nothing asks for a message that is no longer kept.
    TooLow,
    /// Over `bcast`.
    Broadcast,
    /// Over `mcast`.
    Multicast,
    /// Over `ucast6`.
    Unicast6,
    /// Over `mcast6`.
    Multicast6,
    /// On a serial line.
    Serial,
}

/// Which test shows that Systole also sends a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    /// This one: by the messages that a Systole daemon sends in this situation next to a C node.
    Here(Situation),
    /// Another one, or none, for this reason.
    Elsewhere(&'static str),
}

use Shown::{Elsewhere, Here};

const CLIENT: &str = "made by an API client, which Systole has none of";
const SYNTHETIC: &str = "made by a test program, not by a daemon";

/// Every captured message, by the number with which its name begins.
pub(crate) const TABLE: [(&str, Shown); 77] = [
    ("01", Here(Situation::JointStart)),
    ("02", Here(Situation::JointStart)),
    ("03", Here(Situation::JointStart)),
    ("04", Here(Situation::JointStart)),
    ("05", Here(Situation::JointStart)),
    ("06", Here(Situation::JointStart)),
    ("07", Here(Situation::JointStart)),
    ("08", Here(Situation::JointStart)),
    ("09", Here(Situation::JointStart)),
    ("10", Here(Situation::Returning)),
    ("11", Here(Situation::JointStart)),
    ("12", Here(Situation::JointStart)),
    ("13", Here(Situation::JointStart)),
    ("14", Here(Situation::Leaving)),
    ("15", Here(Situation::Leaving)),
    ("16", Here(Situation::PeerLeft)),
    ("17", Here(Situation::PeerDied)),
    ("18", Here(Situation::PeerLeft)),
    ("19", Here(Situation::PeerDied)),
    ("20", Here(Situation::PeerReturned)),
    ("21", Here(Situation::PeerReturned)),
    ("22", Here(Situation::Returning)),
    ("23", Here(Situation::PeerReturned)),
    ("24", Here(Situation::PeerReturned)),
    ("25", Here(Situation::Returning)),
    ("26", Here(Situation::PeerFenced)),
    ("27", Here(Situation::Reload)),
    ("28", Here(Situation::Loss)),
    ("29", Here(Situation::Reload)),
    ("30", Here(Situation::TooLow)),
    ("31", Here(Situation::ThreeNodes)),
    ("32", Here(Situation::ThreeNodes)),
    ("33", Elsewhere(CLIENT)),
    ("34", Elsewhere(CLIENT)),
    ("35", Elsewhere(CLIENT)),
    ("36", Elsewhere(CLIENT)),
    ("37", Elsewhere(CLIENT)),
    ("38", Elsewhere(CLIENT)),
    ("39", Elsewhere(CLIENT)),
    ("40", Elsewhere(CLIENT)),
    ("41", Elsewhere(CLIENT)),
    ("42", Elsewhere(CLIENT)),
    ("43", Elsewhere(CLIENT)),
    ("44", Here(Situation::LegacyReturning)),
    ("45", Here(Situation::LegacyPeerReturned)),
    ("46", Here(Situation::Netstring)),
    ("47", Here(Situation::PingNodes)),
    ("48", Here(Situation::ShortDigest)),
    ("49", Here(Situation::PingNodes)),
    ("50", Elsewhere(CLIENT)),
    ("51", Elsewhere(CLIENT)),
    ("52", Elsewhere(CLIENT)),
    ("53", Here(Situation::Ipfail)),
    ("54", Here(Situation::Ipfail)),
    ("55", Here(Situation::Ipfail)),
    ("56", Here(Situation::Ipfail)),
    ("57", Here(Situation::PingNodes)),
    ("58", Here(Situation::PingNodes)),
    ("59", Here(Situation::PingNodes)),
    ("60", Here(Situation::PingNodes)),
    ("61", Here(Situation::Zlib)),
    ("62", Here(Situation::Bzip2)),
    ("63", Elsewhere(CLIENT)),
    ("64", Here(Situation::Broadcast)),
    ("65", Here(Situation::Multicast)),
    ("66", Here(Situation::Unicast6)),
    ("67", Here(Situation::Multicast6)),
    ("68", Here(Situation::Serial)),
    ("69", Elsewhere(CLIENT)),
    ("70", Elsewhere(CLIENT)),
    ("71", Elsewhere(CLIENT)),
    ("72", Elsewhere(SYNTHETIC)),
    ("73", Elsewhere(SYNTHETIC)),
    ("74", Elsewhere(SYNTHETIC)),
    ("75", Elsewhere(SYNTHETIC)),
    ("76", Elsewhere(SYNTHETIC)),
    ("77", Elsewhere(SYNTHETIC)),
];
