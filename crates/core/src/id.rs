//! Names of things, as small numbers and checked text.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

/// Most nodes of a cluster, ping nodes not counted.
pub const NODES_MAX: usize = 16;
/// Most links of a node.
pub const LINKS_MAX: usize = 16;
/// Most resource groups of a cluster.
pub const GROUPS_MAX: usize = 256;

/// An Ethernet address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mac(pub [u8; 6]);

impl fmt::Display for Mac {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, rest @ ..] = self.0;
        write!(out, "{first:02x}")?;
        rest.iter().try_for_each(|byte| write!(out, ":{byte:02x}"))
    }
}

impl FromStr for Mac {
    type Err = ParseIntError;

    /// Reads six bytes of two hexadecimal digits with colons between them.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut bytes = [0; 6];
        let mut parts = text.split(':');
        for byte in &mut bytes {
            // A part that is missing is no number.
            *byte = u8::from_str_radix(parts.next().filter(|it| it.len() == 2).unwrap_or(""), 16)?;
        }
        // Nor is one too many.
        parts.next().map_or(Ok(Self(bytes)), |_| u8::from_str("").map(|_| Self(bytes)))
    }
}

/// A node: its index in the alphabetical list of node names, so that all nodes of a cluster use the
/// same numbers whatever the order of their files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodeId(pub u8);

impl NodeId {
    /// The index into a table with one row per node.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A medium of this node, in the order of `ha.cf`. One medium to one peer is a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LinkId(pub u8);

impl LinkId {
    /// The index into a table with one row per medium.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A ping node or ping group, in the order of `ha.cf`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PingId(pub u8);

impl PingId {
    /// The index into a table with one row per ping node.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A resource group: a line of `haresources`, by its index in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct GroupId(pub u16);

impl GroupId {
    /// The index into a table with one row per group.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// The key by which nodes refer to a group among themselves: a digest of its line, so that nodes
/// whose files differ never mean different groups by one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct GroupKey(pub u32);

impl GroupKey {
    /// The key of a line: FNV-1a over the preferred node and the resource words.
    #[must_use]
    pub fn of<'a>(words: impl IntoIterator<Item = &'a str>) -> Self {
        let mut hash: u32 = 0x811c_9dc5;
        for word in words {
            for byte in word.bytes().chain([0]) {
                hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
            }
        }
        Self(hash)
    }
}

/// The number of one run of an agent; no number is used twice in a run of the daemon.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct JobId(pub u64);

/// A node's 16 bytes of identity, kept in `hb_uuid`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uuid(pub [u8; 16]);

impl Uuid {
    /// Whether all bytes are zero, which on the wire means "no particular node".
    #[must_use]
    pub fn is_nil(&self) -> bool {
        self.0 == [0; 16]
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            if matches!(at, 4 | 6 | 8 | 10) {
                out.write_str("-")?;
            }
            write!(out, "{byte:02x}")?;
        }
        Ok(())
    }
}
