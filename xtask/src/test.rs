//! Everything that must hold before a change is merged, one step after the other.

mod call;

use crate::install::{self, consent};
use crate::{complain, needs, tidy};
use call::Call;
use std::process::{Command, Stdio};

/// The checks that fail quickly.
const QUICK: [&[&str]; 3] = [
    &["fmt", "--all", "--check"],
    &["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"],
    &[
        "clippy",
        "--package",
        "systole-sim",
        "--all-targets",
        "--features",
        "test-hooks",
        "--",
        "-D",
        "warnings",
    ],
];

/// The programs, because the laboratory runs them.
const PROGRAMS: &[&str] = &["build", "--workspace", "--bins", "--quiet"];

/// Documentation must not have broken links.
const DOCUMENTS: &[&str] = &["doc", "--workspace", "--no-deps", "--quiet"];

/// Deliberate mistakes, which the worlds must notice, and the count of transitions, each in a separate run so
/// that no other package is built with them; and the examples in the documentation.
const COMPUTING: [&[&str]; 3] = [
    &[
        "test",
        "--no-fail-fast",
        "--package",
        "systole-sim",
        "--features",
        "test-hooks",
        "--test",
        "mutations",
        "--test",
        "coverage",
        "--quiet",
    ],
    &[
        "test",
        "--package",
        "systole-core",
        "--features",
        "test-hooks",
        "--lib",
        "transitions_not_reached_by_worlds",
        "--quiet",
    ],
    &["test", "--workspace", "--doc", "--quiet"],
];

/// The pairs with a C daemon mostly wait, and many run at once, as listed in `.config/nextest.toml`. Tests
/// that compute would slow down the scripts of their agents, so the pairs have a separate run. The tests come
/// last, so that their summary is at the end of the output.
const WITH_NEXTEST: [&[&str]; 2] = [
    &["nextest", "run", "--workspace"],
    &["nextest", "run", "--workspace", "--profile", "waiting"],
];
const WITHOUT_NEXTEST: &[&str] = &["test", "--workspace", "--all-targets", "--no-fail-fast"];

/// Provides what is needed, and runs everything.
pub(crate) fn run(options: &[&str]) -> Result<(), String> {
    let (consent, rest) = consent(options);
    if let [word, ..] = rest.as_slice() {
        return Err(format!("usage: cargo xtask test [--install]\n`{word}` is not an option"));
    }
    install::provide("cargo xtask test", &needs::of_tests(), consent)?;
    if !install::is_root() {
        complain(
            "not root: the tests that build networks are skipped; run this command as root to run all tests",
        );
    }
    complain("==> cargo xtask tidy");
    tidy::run()?;
    for arguments in QUICK.into_iter().chain([PROGRAMS]) {
        Call::cargo(arguments).run()?;
    }
    Call::cargo(DOCUMENTS).with("RUSTDOCFLAGS", "-D warnings").run()?;
    let tests = if has_nextest() { &WITH_NEXTEST[..] } else { &[WITHOUT_NEXTEST] };
    // All of them, so that one run reports everything that is wrong.
    let calls = COMPUTING.into_iter().chain(tests.iter().copied()).map(Call::cargo);
    let failures: Vec<String> = calls.filter_map(|call| call.run().err()).collect();
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\n")) }
}

fn has_nextest() -> bool {
    let mut command = Command::new("cargo");
    command.args(["nextest", "--version"]).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
