//! `monitor`: how the resources of groups are checked while they run.

use std::time::Duration;

/// How one resource is checked while its group runs here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Monitor {
    /// Time from the end of a check to the next check; not zero.
    pub every: Duration,
    /// How long a check may take before it is killed and counts as failed; not zero.
    pub timeout: Duration,
    /// How many checks must fail in a row before the resource has failed; at least 1.
    pub failures: u8,
    /// How often the resource is restarted within [`within`](Self::within); 0 for never.
    pub restarts: u8,
    /// The time after which a restart no longer counts.
    pub within: Duration,
    /// Whether the agent is asked too where there are `check` lines.
    pub asks_agent: bool,
    /// What happens when the resource fails and was restarted as often as it may be.
    pub then: LastResort,
}

impl Monitor {
    /// The largest number of failures and of restarts.
    pub const COUNT_MAX: u8 = 100;
}

impl Default for Monitor {
    /// What a line has that says nothing about it.
    fn default() -> Self {
        Self {
            every: Duration::from_secs(10),
            timeout: Duration::from_secs(20),
            failures: 1,
            restarts: 3,
            within: Duration::from_mins(10),
            asks_agent: true,
            then: LastResort::Move,
        }
    }
}

/// What happens to a group when restarts do not help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LastResort {
    /// The group stops here, and a node that can run it takes it. If there is no such node, the
    /// group rests stopped.
    Move,
    /// The group stays here as it is, and the resource is not checked until `hb clear`.
    Block,
    /// The group stays here as it is, and the resource is checked as before.
    Ignore,
}
