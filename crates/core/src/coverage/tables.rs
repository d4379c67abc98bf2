//! The tables: their states, their inputs, and which pairs cannot be.

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
    Farewell,
    /// A ping node.
    Ping,
    /// The built-in ipfail.
    Ipfail,
    /// A row of the table of owners, and what another node claims of it; among two nodes.
    Row,
}

/// Pairs that cannot be, and why.
#[cfg(feature = "test-hooks")]
pub type Impossible = (&'static [&'static str], &'static [&'static str], &'static str);

#[cfg(feature = "test-hooks")]
impl Table {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Runner,
        Self::HandOver,
        Self::Peer,
        Self::Fence,
        Self::Farewell,
        Self::Ping,
        Self::Ipfail,
        Self::Row,
    ];

    /// Its states.
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
            Self::Farewell => &["none", "releasing", "said"],
            Self::Ping => &["unknown", "alive", "dead", "rising"],
            Self::Ipfail => &["quiet", "giving up", "waiting"],
            Self::Row => {
                &["nobody's", "ours, held", "ours, let go", "theirs, held", "theirs, let go"]
            }
        }
    }

    /// What may happen to it.
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
            Self::Farewell => &[
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

    /// Pairs of which it is known that they cannot be. A reason that does not hold is found out by
    /// the first world that meets the pair.
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
                (&["delayed", "failed"], &["silent"], "who is heard ends the wait in that turn"),
            ],
            Self::Farewell => &[
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

    /// Pairs that only unit tests meet; that they do is checked there (`cluster/tests/transitions.rs`).
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
                ("certain", "confirmed"),
            ],
            Self::Farewell => {
                &[("none", "step"), ("releasing", "step"), ("said", "stop"), ("said", "step")]
            }
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
            Self::Row => ROW_UNITS,
        }
    }
}

#[cfg(feature = "test-hooks")]
const OUTCOMES: &[&str] = &[
    "success",
    "running",
    "not running",
    "failed",
    "timed out",
    "missing",
    "cancelled",
    "not asked",
];
#[cfg(feature = "test-hooks")]
const NOT_IDLE: &[&str] =
    &["starting", "starting, to stop", "active", "stopping", "looking", "stuck", "releasing"];
#[cfg(feature = "test-hooks")]
const NOT_STUCK: &[&str] =
    &["idle", "starting", "starting, to stop", "active", "stopping", "looking", "releasing"];

#[cfg(feature = "test-hooks")]
const RUNNER: &[Impossible] = &[
    (&["idle", "active", "stuck"], OUTCOMES, "no job runs"),
    (
        &["starting, to stop", "active", "stopping", "looking", "stuck", "releasing"],
        &["adopt"],
        "a core adopts when the executor greets, and before a job of it was begun",
    ),
    (
        &["starting, to stop"],
        &["abandon"],
        "an executor that is gone takes the jobs with it, and then it stops",
    ),
    (NOT_IDLE, &["start"], "only what is idle is taken"),
    (NOT_STUCK, &["release addresses"], "it is asked for when a stop has failed for good"),
];

#[cfg(feature = "test-hooks")]
const RUNNER_UNITS: &[(&str, &str)] = &[
    ("idle", "adopt"),
    ("idle", "abandon"),
    ("starting", "abandon"),
    ("active", "abandon"),
    ("stopping", "abandon"),
    ("looking", "abandon"),
    ("stuck", "abandon"),
    ("releasing", "abandon"),
    ("idle", "past job"),
    ("active", "past job"),
    ("stuck", "past job"),
    ("stuck", "let go"),
    ("starting", "past job"),
    ("starting, to stop", "past job"),
    ("stopping", "past job"),
    ("looking", "past job"),
    ("releasing", "past job"),
    ("starting", "missing"),
    ("starting", "running"),
    ("starting", "not running"),
    ("starting, to stop", "executor gone"),
    ("starting, to stop", "failed"),
    ("starting, to stop", "stop"),
    ("releasing", "failed"),
    ("starting, to stop", "missing"),
    ("starting, to stop", "running"),
    ("starting, to stop", "not running"),
    ("starting, to stop", "let go"),
    ("stopping", "missing"),
    ("stopping", "running"),
    ("stopping", "not running"),
    ("looking", "stop"),
    ("looking", "let go"),
    ("looking", "executor gone"),
    ("looking", "cancelled"),
    ("looking", "missing"),
    ("looking", "not running"),
    ("looking", "success"),
    ("releasing", "stop"),
    ("releasing", "executor gone"),
    ("releasing", "let go"),
    ("releasing", "cancelled"),
    ("releasing", "missing"),
    ("releasing", "running"),
    ("releasing", "not running"),
    ("releasing", "timed out"),
    ("starting", "not asked"),
    ("starting, to stop", "not asked"),
    ("stopping", "not asked"),
    ("looking", "not asked"),
    ("releasing", "not asked"),
];

#[cfg(feature = "test-hooks")]
const HAND_OVER: &[Impossible] = &[
    (
        &["none", "asked", "releasing", "given", "told", "invited", "promised", "acquiring"],
        &["check well", "check failed"],
        "checks are waited for while checking",
    ),
    (&["none"], &["other", "done", "refusal", "no reply", "progress"], "there is none"),
    (&["asked", "invited", "promised"], &["progress"], "it waits for the other node"),
    (
        &["releasing", "told", "checking", "acquiring"],
        &["refusal"],
        "the other node has followed what was said last",
    ),
    (
        &["none", "releasing", "given", "told", "invited", "checking", "promised", "acquiring"],
        &["withdrawn"],
        "only what was asked for is taken back",
    ),
    (&["acquiring"], &["no reply"], "it is prolonged while jobs run, and over when none does"),
];

#[cfg(feature = "test-hooks")]
const HAND_OVER_UNITS: &[(&str, &str)] = &[
    ("asked", "withdrawn"),
    ("asked", "done"),
    ("asked", "stray done"),
    ("releasing", "stray done"),
    ("given", "other"),
    ("given", "stray done"),
    ("given", "stray other"),
    ("acquiring", "stray refusal"),
    ("acquiring", "own pause"),
    ("asked", "own stop"),
    ("invited", "own stop"),
    ("asked", "stray other"),
    ("asked", "stray refusal"),
    ("releasing", "done"),
    ("releasing", "other"),
    ("releasing", "stray refusal"),
    ("releasing", "stray other"),
    ("given", "stray refusal"),
    ("told", "done"),
    ("told", "other"),
    ("told", "stray done"),
    ("told", "stray other"),
    ("told", "stray refusal"),
    ("invited", "done"),
    ("invited", "other"),
    ("invited", "stray done"),
    ("invited", "stray other"),
    ("invited", "stray refusal"),
    ("checking", "done"),
    ("checking", "other"),
    ("checking", "stray done"),
    ("checking", "stray other"),
    ("checking", "stray refusal"),
    ("promised", "other"),
    ("promised", "stray done"),
    ("promised", "stray other"),
    ("acquiring", "me"),
    ("acquiring", "done"),
    ("acquiring", "other"),
    ("acquiring", "stray done"),
    ("acquiring", "stray other"),
    ("checking", "me"),
    ("checking", "order"),
    ("told", "order"),
    ("invited", "order"),
    ("checking", "executor gone"),
    ("invited", "executor gone"),
    ("told", "executor gone"),
    ("invited", "own pause"),
    ("checking", "own pause"),
    ("told", "own pause"),
    ("checking", "own stop"),
    ("told", "own stop"),
    ("told", "other node gone"),
    ("checking", "other node gone"),
    ("given", "no reply"),
    ("told", "no reply"),
    ("invited", "no reply"),
    ("checking", "no reply"),
];

#[cfg(feature = "test-hooks")]
const ROW_UNITS: &[(&str, &str)] = &[
    ("nobody's", "ours, higher, held"),
    ("nobody's", "ours, higher, let go"),
    ("ours, held", "ours, higher, held"),
    ("ours, held", "ours, higher, let go"),
    ("ours, let go", "ours, higher, held"),
    ("ours, let go", "ours, higher, let go"),
    ("theirs, held", "ours, higher, held"),
    ("theirs, held", "ours, higher, let go"),
    ("theirs, held", "ours, lower, held"),
    ("theirs, let go", "ours, lower, held"),
    ("theirs, held", "ours, lower, let go"),
    ("theirs, held", "ours, same, held"),
    ("theirs, held", "ours, same, let go"),
    ("theirs, held", "theirs, lower, let go"),
    ("theirs, held", "theirs, higher, let go"),
    ("theirs, let go", "ours, higher, held"),
    ("theirs, let go", "ours, higher, let go"),
    ("theirs, let go", "ours, same, held"),
    ("theirs, let go", "ours, same, let go"),
];

#[cfg(feature = "test-hooks")]
const RUNNER_INPUTS: &[&str] = &[
    "adopt",
    "abandon",
    "start",
    "stop",
    "let go",
    "executor gone",
    "release addresses",
    "success",
    "running",
    "not running",
    "failed",
    "timed out",
    "missing",
    "cancelled",
    "not asked",
    "past job",
];

#[cfg(feature = "test-hooks")]
const HAND_OVER_INPUTS: &[&str] = &[
    "me",
    "other",
    "done",
    "stray other",
    "stray done",
    "refusal",
    "stray refusal",
    "other node gone",
    "own pause",
    "own stop",
    "no reply",
    "executor gone",
    "check well",
    "check failed",
    "order",
    "progress",
    "withdrawn",
];
