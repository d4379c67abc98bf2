//! The kinds of worlds, and the summary of a world.

use super::Fences;
use crate::clock::Clocks;
use std::collections::BTreeMap;
use std::time::Duration;

/// The kind of a world; the seed decides the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent kinds of worlds")]
pub struct Options {
    /// The number of machines.
    pub nodes: usize,
    /// How long faults happen, in virtual time; calm follows.
    pub trouble: Duration,
    /// Whether messages travel as signed bytes, of which some are damaged.
    pub bytes: bool,
    /// Whether a daemon learns at its start what an earlier one stored about the other nodes.
    pub remembers: bool,
    /// A deliberate mistake that every core makes.
    #[cfg(feature = "test-hooks")]
    pub mutation: Option<systole_core::Mutation>,
    /// Whether a machine can be switched off by another one.
    pub fences: Fences,
    /// How wrong the clocks are.
    pub clocks: Clocks,
    /// In how many of a thousand worlds the administrator changes haresources.
    pub reloads: u64,
    /// Whether the times in ha.cf also change where haresources does.
    pub times: bool,
    /// In how many of a thousand worlds executors are paused, or lack what they need.
    pub frail: u64,
    /// How many of a thousand faults kill the daemon and its executor.
    pub kills: u64,
    /// In how many of a thousand worlds agents may be slow, and some of them are.
    pub patient: u64,
    /// Whether there are so many groups that their table does not fit into a beat, as the seed decides.
    pub crowd: bool,
    /// Whether the second of two machines is a C node.
    pub classic: bool,
    /// Whether services are checked, and die.
    pub checks: bool,
    /// Whether another machine claims the addresses of each node, all the time.
    pub claims: bool,
    /// Whether nodes ask the network of the floating addresses before they take a group.
    pub guard: bool,
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
            checks: false,
            claims: false,
            guard: false,
        }
    }
}

/// The summary of one or several worlds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Steps taken.
    pub steps: u64,
    /// Datagrams that arrived.
    pub datagrams: u64,
    /// Faults that happened.
    pub faults: u64,
    /// Groups that existed when the world began.
    pub groups: u64,
    /// Groups that were started somewhere.
    pub starts: u64,
    /// Replayed recordings that were covered by what their receiver had stored.
    pub replays: u64,
    /// Machines that were switched off by another one.
    pub fences: u64,
    /// Daemons that loaded a different haresources file.
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

    /// Adds the summary of another world.
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
