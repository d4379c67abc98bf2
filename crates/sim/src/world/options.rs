//! What kinds of worlds there are, and what is told of them.

use super::Fences;
use crate::clock::Clocks;
use std::collections::BTreeMap;
use std::time::Duration;

/// What kind of world it shall be; the seed decides the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent kinds of worlds")]
pub struct Options {
    /// How many machines.
    pub nodes: usize,
    /// How long faults happen, in virtual time; calm follows.
    pub trouble: Duration,
    /// Whether messages travel as signed bytes, of which some are damaged.
    pub bytes: bool,
    /// Whether a daemon is told at its start what an earlier one stored of the other nodes.
    pub remembers: bool,
    /// A mistake that every core makes.
    #[cfg(feature = "test-hooks")]
    pub mutation: Option<systole_core::Mutation>,
    /// Whether a machine can be switched off by another one.
    pub fences: Fences,
    /// How far clocks are from the truth.
    pub clocks: Clocks,
    /// In so many of a thousand worlds the administrator changes haresources.
    pub reloads: u64,
    /// Whether the times in ha.cf change too where haresources does.
    pub times: bool,
    /// In so many of a thousand worlds executors stand still, or lack what they need.
    pub frail: u64,
    /// So many of a thousand faults kill the daemon and its executor.
    pub kills: u64,
    /// In so many of a thousand worlds agents may take their time, and some of them do.
    pub patient: u64,
    /// Whether there are so many groups that their table does not fit into a beat, as the seed decides.
    pub crowd: bool,
    /// Whether the second of two machines has a daemon of the classic line.
    pub classic: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            nodes: 2,
            trouble: Duration::from_mins(2),
            bytes: false,
            remembers: true,
            #[cfg(feature = "test-hooks")]
            mutation: None,
            fences: Fences::None,
            clocks: Clocks::Drawn,
            reloads: 250,
            times: false,
            frail: 300,
            kills: 0,
            patient: 150,
            crowd: false,
            classic: false,
        }
    }
}

/// What a world was like.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Steps taken.
    pub steps: u64,
    /// Datagrams that arrived.
    pub datagrams: u64,
    /// Faults that happened.
    pub faults: u64,
    /// Groups that there were when the world began.
    pub groups: u64,
    /// Groups that were started somewhere.
    pub starts: u64,
    /// Recordings played that what their receiver had stored covers.
    pub replays: u64,
    /// Machines that were switched off by another one.
    pub fences: u64,
    /// Daemons that took another haresources.
    pub reloads: u64,
    /// Faults of each kind.
    pub kinds: BTreeMap<&'static str, u64>,
    /// Virtual time.
    pub lasted: Duration,
}

impl Summary {
    /// Counts a fault of this kind.
    pub(crate) fn count(&mut self, kind: &'static str) {
        *self.kinds.entry(kind).or_default() += 1;
    }

    /// Adds what another world was like.
    pub fn add(&mut self, other: &Self) {
        self.steps += other.steps;
        self.datagrams += other.datagrams;
        self.faults += other.faults;
        self.groups += other.groups;
        self.starts += other.starts;
        self.replays += other.replays;
        self.fences += other.fences;
        self.reloads += other.reloads;
        self.lasted += other.lasted;
        for (kind, count) in &other.kinds {
            *self.kinds.entry(kind).or_default() += count;
        }
    }
}
