//! Datagrams that were dropped, counted by origin and cause.
//!
//! The tables have their full size from the start: however many sources a flood forges, nothing here
//! allocates memory. Nodes have entries of their own, which no stranger can occupy.

#[cfg(test)]
mod tests;

use std::net::IpAddr;
use systole_core::{LINKS_MAX, LinkId, NODES_MAX, NodeId};
use systole_wire::{DecodeError, HearError};

/// Number of sources known as a node's that are counted separately within a second.
const OF_NODES: usize = 32;
/// Number of other sources that are counted separately within a second. The rest is counted as one.
const OF_OTHERS: usize = 32;
/// Maximum number of bytes of a stranger's name that are kept.
const NAME_MAX: usize = 64;

/// The number of causes.
pub(crate) const CAUSES: usize = 17;

/// The reason why a datagram was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    Short,
    NotAMessage,
    TooLarge,
    Malformed,
    Unsigned,
    UnknownKey,
    Checksum,
    Signature,
    TooManyFields,
    TooDeep,
    Field,
    Envelope,
    UnpackedTooLarge,
    Missing,
    Unreadable,
    Stray,
    Stranger,
}

impl Cause {
    /// Every cause, in the order of its number.
    pub(crate) const ALL: [Self; CAUSES] = [
        Self::Short,
        Self::NotAMessage,
        Self::TooLarge,
        Self::Malformed,
        Self::Unsigned,
        Self::UnknownKey,
        Self::Checksum,
        Self::Signature,
        Self::TooManyFields,
        Self::TooDeep,
        Self::Field,
        Self::Envelope,
        Self::UnpackedTooLarge,
        Self::Missing,
        Self::Unreadable,
        Self::Stray,
        Self::Stranger,
    ];

    /// Returns the words of the log.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Short => "too short",
            Self::NotAMessage => "not a message",
            Self::TooLarge => "too large",
            Self::Malformed => "malformed",
            Self::Unsigned => "no signature",
            Self::UnknownKey => "unknown key id",
            Self::Checksum => "checksum in place of a signature",
            Self::Signature => "wrong signature",
            Self::TooManyFields => "too many fields",
            Self::TooDeep => "nested too deep",
            Self::Field => "unreadable field",
            Self::Envelope => "unreadable envelope",
            Self::UnpackedTooLarge => "envelope too large",
            Self::Missing => "missing field",
            Self::Unreadable => "unreadable value",
            Self::Stray => "stray echo reply",
            Self::Stranger => "a node that is not in ha.cf",
        }
    }

    /// Returns whether the sender is a heartbeat with keys other than this cluster's.
    pub(crate) const fn is_other_key(self) -> bool {
        match self {
            Self::UnknownKey | Self::Checksum | Self::Signature => true,
            Self::Short
            | Self::NotAMessage
            | Self::TooLarge
            | Self::Malformed
            | Self::Unsigned
            | Self::TooManyFields
            | Self::TooDeep
            | Self::Field
            | Self::Envelope
            | Self::UnpackedTooLarge
            | Self::Missing
            | Self::Unreadable
            | Self::Stray
            | Self::Stranger => false,
        }
    }
}

impl From<DecodeError> for Cause {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::Short => Self::Short,
            DecodeError::NotAMessage => Self::NotAMessage,
            DecodeError::TooLarge => Self::TooLarge,
            DecodeError::Malformed => Self::Malformed,
            DecodeError::Unsigned => Self::Unsigned,
            DecodeError::UnknownKey => Self::UnknownKey,
            DecodeError::Checksum => Self::Checksum,
            DecodeError::Signature => Self::Signature,
            DecodeError::TooManyFields => Self::TooManyFields,
            DecodeError::TooDeep => Self::TooDeep,
            DecodeError::Field(_) => Self::Field,
            DecodeError::Envelope => Self::Envelope,
            DecodeError::UnpackedTooLarge => Self::UnpackedTooLarge,
        }
    }
}

impl From<HearError> for Cause {
    fn from(error: HearError) -> Self {
        match error {
            HearError::Missing(_) => Self::Missing,
            HearError::Unreadable(_) => Self::Unreadable,
        }
    }
}

/// Where datagrams arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entrance {
    /// A link.
    Link(LinkId),
    /// The sockets of ping nodes.
    Pings,
}

/// The origin of dropped datagrams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Origin {
    /// Where they arrived.
    pub(crate) entrance: Entrance,
    /// The address that they claim as their source; absent on a serial line, and for further sources that
    /// were too many to be told apart.
    pub(crate) source: Option<IpAddr>,
    /// The node that has this address on this link, if that is known.
    pub(crate) node: Option<NodeId>,
}

/// The name of a node that is not in the cluster, cut to a fixed size.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct StrangerName {
    bytes: [u8; NAME_MAX],
    length: usize,
}

impl StrangerName {
    const NONE: Self = Self { bytes: [0; NAME_MAX], length: 0 };

    fn of(name: &str) -> Self {
        let length = name.floor_char_boundary(NAME_MAX);
        let mut bytes = [0; NAME_MAX];
        bytes[..length].copy_from_slice(&name.as_bytes()[..length]);
        Self { bytes, length }
    }

    /// Returns the name, which may be empty.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }
}

impl std::fmt::Debug for StrangerName {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{:?}", self.text())
    }
}

/// The datagrams of one origin that were dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dropped {
    /// The origin.
    pub(crate) origin: Origin,
    /// The number of datagrams by cause.
    pub(crate) counts: [u64; CAUSES],
    /// The name in the stranger's last datagram.
    pub(crate) stranger: StrangerName,
    /// Whether the node is heard nevertheless.
    pub(crate) is_heard: bool,
}

impl Dropped {
    /// Creates an entry without datagrams.
    pub(crate) const fn none_of(origin: Origin) -> Self {
        Self { origin, counts: [0; CAUSES], stranger: StrangerName::NONE, is_heard: false }
    }

    /// Returns the number of datagrams over all causes.
    pub(crate) fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Returns the causes that occurred, each with its count.
    pub(crate) fn causes(&self) -> impl Iterator<Item = (Cause, u64)> {
        Cause::ALL.into_iter().zip(self.counts).filter(|(_, count)| *count > 0)
    }
}

/// The addresses of nodes, and what was dropped since the last report.
#[derive(Debug)]
pub(crate) struct Drops {
    /// By link and node.
    addresses: Vec<Option<IpAddr>>,
    /// The only other node, which must be the one at the other end of a serial line.
    other: Option<NodeId>,
    of_nodes: Vec<Dropped>,
    of_others: Vec<Dropped>,
    /// Datagrams for which the tables above had no room: by link, and of ping nodes.
    further: Vec<Dropped>,
}

impl Drops {
    /// Creates empty tables. `other` is the other node in a cluster of two.
    pub(crate) fn new(other: Option<NodeId>) -> Self {
        Self {
            addresses: vec![None; LINKS_MAX * NODES_MAX],
            other,
            of_nodes: Vec::with_capacity(OF_NODES),
            of_others: Vec::with_capacity(OF_OTHERS),
            further: Vec::with_capacity(LINKS_MAX + 1),
        }
    }

    /// Records that a node's messages come from this address.
    pub(crate) fn learn(&mut self, link: LinkId, node: NodeId, address: Option<IpAddr>) {
        let place = link.index() * NODES_MAX + node.index();
        if let Some(known) = self.addresses.get_mut(place).filter(|_| address.is_some()) {
            *known = address;
        }
    }

    /// Counts a datagram that arrived on a link.
    pub(crate) fn note(&mut self, link: LinkId, source: Option<IpAddr>, cause: Cause) {
        self.entry(link, source).counts[cause as usize] += 1;
    }

    /// Counts a message of a node that has this cluster's keys but is not listed in `ha.cf`.
    pub(crate) fn record_stranger(&mut self, link: LinkId, source: Option<IpAddr>, name: &str) {
        let entry = self.entry(link, source);
        entry.counts[Cause::Stranger as usize] += 1;
        entry.stranger = StrangerName::of(name);
    }

    /// Counts an echo reply that does not answer a request of this node.
    pub(crate) fn record_stray(&mut self, source: IpAddr) {
        let origin = Origin { entrance: Entrance::Pings, source: Some(source), node: None };
        self.place(origin).counts[Cause::Stray as usize] += 1;
    }

    /// Whether nothing was dropped since the last report.
    pub(crate) fn is_empty(&self) -> bool {
        self.all().next().is_none()
    }

    /// Returns what was dropped, for a report, and resets the counters. `hears` says which nodes are heard.
    pub(crate) fn take(&mut self, hears: impl Fn(NodeId) -> bool) -> Vec<Dropped> {
        let told = |dropped: &Dropped| Dropped {
            is_heard: dropped.origin.node.is_some_and(&hears),
            ..*dropped
        };
        let taken = self.all().map(told).collect();
        self.of_nodes.clear();
        self.of_others.clear();
        self.further.clear();
        taken
    }

    fn all(&self) -> impl Iterator<Item = &Dropped> {
        self.of_nodes.iter().chain(&self.of_others).chain(&self.further)
    }

    fn entry(&mut self, link: LinkId, source: Option<IpAddr>) -> &mut Dropped {
        let node = if source.is_some() { self.node_at(link, source) } else { self.other };
        self.place(Origin { entrance: Entrance::Link(link), source, node })
    }

    fn node_at(&self, link: LinkId, source: Option<IpAddr>) -> Option<NodeId> {
        let first = link.index() * NODES_MAX;
        let row = self.addresses.get(first..first + NODES_MAX)?;
        let place = row.iter().position(|address| *address == source)?;
        u8::try_from(place).ok().map(NodeId)
    }

    fn place(&mut self, origin: Origin) -> &mut Dropped {
        let Self { of_nodes, of_others, further, .. } = self;
        let (own, limit) = match origin.node {
            Some(_) => (of_nodes, OF_NODES),
            None => (of_others, OF_OTHERS),
        };
        let is_known = own.iter().any(|dropped| dropped.origin == origin);
        if is_known || own.len() < limit {
            return find_or_add(own, origin);
        }
        // There is one entry for each link and one for the pings, so there is room.
        find_or_add(further, Origin { source: None, node: None, ..origin })
    }

    /// Returns the number of datagrams that were dropped since the last report.
    #[cfg(test)]
    pub(crate) fn count(&self) -> u64 {
        self.all().map(Dropped::count).sum()
    }
}

fn find_or_add(table: &mut Vec<Dropped>, origin: Origin) -> &mut Dropped {
    let place = table.iter().position(|dropped| dropped.origin == origin);
    let place = place.unwrap_or_else(|| {
        table.push(Dropped::none_of(origin));
        table.len() - 1
    });
    &mut table[place]
}
