//! The state machines: their states, their inputs, and which pairs are impossible.

#[cfg(feature = "test-hooks")]
mod hand_over;
#[cfg(feature = "test-hooks")]
mod row;
#[cfg(feature = "test-hooks")]
mod runner;

#[cfg(feature = "test-hooks")]
use {
    hand_over::{HAND_OVER, HAND_OVER_INPUTS, HAND_OVER_UNITS},
    row::ROW_UNITS,
    runner::{RUNNER, RUNNER_INPUTS, RUNNER_UNITS},
};

/// A state machine of the core.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    /// The resources of a group on this node.
    Runner,
    /// A planned hand-over.
    HandOver,
    /// Another node.
    Peer,
    /// The fencing of another node.
    Fence,
    /// The graceful stop.
    Shutdown,
    /// A ping node.
    Ping,
    /// The built-in ipfail.
    Ipfail,
    /// A row of the table of owners, and another node's claim on it; for two nodes.
    Row,
    /// The checks of one resource.
    Watch,
}

/// Pairs that are impossible, and why.
#[cfg(feature = "test-hooks")]
pub type Impossible = (&'static [&'static str], &'static [&'static str], &'static str);

#[cfg(feature = "test-hooks")]
impl Table {
    /// All state machines.
    pub const ALL: [Self; 9] = [
        Self::Runner,
        Self::HandOver,
        Self::Peer,
        Self::Fence,
        Self::Shutdown,
        Self::Ping,
        Self::Ipfail,
        Self::Row,
        Self::Watch,
    ];

    /// The states of the machine.
    #[must_use]
    pub const fn states(self) -> &'static [&'static str] {
        match self {
            Self::Runner => &[
                "idle",
                "starting",
                "starting, to stop",
                "active",
                "stopping",
                "looking",
                "restarting",
                "stuck",
                "releasing",
            ],
            Self::HandOver => &[
                "none",
                "asked",
                "releasing",
                "given",
                "told",
                "invited",
                "checking",
                "promised",
                "acquiring",
            ],
            Self::Peer => &["unheard", "init", "up", "active", "dead", "never heard"],
            Self::Fence => &["unneeded", "delayed", "running", "failed", "certain"],
            Self::Shutdown => &["none", "releasing", "said"],
            Self::Ping => &["unknown", "alive", "dead", "rising"],
            Self::Ipfail => &["quiet", "giving up", "waiting"],
            Self::Watch => &["off", "waiting", "checking", "given up"],
            Self::Row => {
                &["nobody's", "ours, held", "ours, let go", "theirs, held", "theirs, let go"]
            }
        }
    }

    /// What may happen to the machine.
    #[must_use]
    pub const fn inputs(self) -> &'static [&'static str] {
        match self {
            Self::Runner => RUNNER_INPUTS,
            Self::HandOver => HAND_OVER_INPUTS,
            Self::Peer => &[
                "status",
                "newer generation",
                "older generation",
                "other message",
                "silence",
                "goodbye",
                "own pause",
            ],
            Self::Fence => &[
                "wanted",
                "not wanted",
                "heard",
                "time up",
                "done",
                "failed",
                "past answer",
                "confirmed",
                "silent",
            ],
            Self::Shutdown => &[
                "stop",
                "still stopping",
                "all stopped",
                "unheard",
                "heard by all",
                "time up",
                "step",
            ],
            Self::Ping => &["answer", "silence"],
            Self::Ipfail => &[
                "more",
                "fewer",
                "rising",
                "equal",
                "abort",
                "told dead",
                "expired",
                "peer settled",
                "handed over",
            ],
            Self::Watch => &[
                "begin",
                "end",
                "due",
                "suspect",
                "well",
                "failed",
                "unknown",
                "cancelled",
                "clear",
            ],
            Self::Row => &[
                "theirs, lower, held",
                "theirs, lower, let go",
                "theirs, same, held",
                "theirs, same, let go",
                "theirs, higher, held",
                "theirs, higher, let go",
                "ours, lower, held",
                "ours, lower, let go",
                "ours, same, held",
                "ours, same, let go",
                "ours, higher, held",
                "ours, higher, let go",
            ],
        }
    }

    /// Pairs that are known to be impossible. A wrong reason is exposed by the first simulated
    /// world in which the pair occurs.
    #[must_use]
    pub const fn impossible(self) -> &'static [Impossible] {
        match self {
            Self::Runner => RUNNER,
            Self::HandOver => HAND_OVER,
            Self::Peer => &[
                (&["dead", "never heard"], &["silence"], "who is dead has no deadline"),
                (&["unheard", "never heard"], &["goodbye"], "only a status makes a node heard"),
            ],
            Self::Fence => &[
                (
                    &["unneeded", "delayed", "failed", "certain"],
                    &["done", "failed"],
                    "an answer that nobody waits for is a past one",
                ),
                (&["unneeded", "running", "certain"], &["time up"], "nothing is timed"),
                (&["certain"], &["wanted"], "only of whom it is not certain it is wanted"),
            ],
            Self::Shutdown => &[
                (
                    &["none"],
                    &["still stopping", "all stopped", "unheard", "heard by all", "time up"],
                    "there is none",
                ),
                (
                    &["releasing"],
                    &["unheard", "heard by all", "time up"],
                    "goodbye is not said yet",
                ),
                (&["said"], &["still stopping", "all stopped"], "everything is stopped"),
            ],
            Self::Ping => &[(&["dead"], &["silence"], "it is given up already")],
            Self::Ipfail => &[(&["quiet", "waiting"], &["expired"], "nothing is timed")],
            Self::Watch => &[
                (&["waiting", "checking", "given up"], &["begin"], "only what is off begins"),
                (&["off", "checking", "given up"], &["due"], "nothing is timed"),
                (
                    &["off", "waiting", "given up"],
                    &["well", "failed", "unknown", "cancelled"],
                    "no check runs",
                ),
            ],
            Self::Row => &[
                (
                    &["nobody's"],
                    &[
                        "theirs, lower, held",
                        "theirs, lower, let go",
                        "ours, lower, held",
                        "ours, lower, let go",
                    ],
                    "no term is lower than that of what nobody had",
                ),
                (
                    &["nobody's"],
                    &["theirs, same, held", "ours, same, held"],
                    "what nobody had is held by nobody",
                ),
            ],
        }
    }

    /// Pairs that occur only in unit tests; that they do is checked there
    /// (`cluster/tests/transitions.rs`).
    #[must_use]
    pub const fn by_unit_tests(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Runner => RUNNER_UNITS,
            Self::HandOver => HAND_OVER_UNITS,
            Self::Peer => &[
                ("init", "goodbye"),
                ("init", "own pause"),
                ("up", "goodbye"),
                ("up", "own pause"),
            ],
            Self::Fence => &[
                ("unneeded", "past answer"),
                ("delayed", "past answer"),
                ("running", "past answer"),
                ("failed", "past answer"),
                ("delayed", "confirmed"),
                ("failed", "confirmed"),
                ("delayed", "silent"),
                ("failed", "silent"),
                ("certain", "confirmed"),
            ],
            Self::Shutdown => &[
                ("none", "step"),
                ("releasing", "stop"),
                ("releasing", "step"),
                ("said", "stop"),
                ("said", "step"),
            ],
            Self::Ping => &[],
            Self::Ipfail => &[
                ("waiting", "abort"),
                ("waiting", "equal"),
                ("waiting", "fewer"),
                ("waiting", "more"),
                ("waiting", "rising"),
                ("waiting", "told dead"),
                ("giving up", "rising"),
            ],
            Self::Watch => &[
                ("checking", "cancelled"),
                ("given up", "clear"),
                ("given up", "end"),
                ("given up", "suspect"),
            ],
            Self::Row => ROW_UNITS,
        }
    }
}
