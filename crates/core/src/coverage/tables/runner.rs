//! The runner of a group: what may happen to it, what cannot, and what occurs only in unit tests.

use super::Impossible;

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

const NOT_IDLE: &[&str] =
    &["starting", "starting, to stop", "active", "stopping", "looking", "stuck", "releasing"];

const NOT_ACTIVE: &[&str] =
    &["idle", "starting", "starting, to stop", "stopping", "looking", "stuck", "releasing"];

const NOT_STUCK: &[&str] =
    &["idle", "starting", "starting, to stop", "active", "stopping", "looking", "releasing"];

pub(super) const RUNNER: &[Impossible] = &[
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
    (NOT_ACTIVE, &["verify"], "only what runs is gone through again"),
    (NOT_STUCK, &["release addresses"], "it is asked for when a stop has failed for good"),
];

pub(super) const RUNNER_UNITS: &[(&str, &str)] = &[
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
    ("starting", "cancelled"),
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
    ("stopping", "cancelled"),
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

pub(super) const RUNNER_INPUTS: &[&str] = &[
    "adopt",
    "verify",
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
