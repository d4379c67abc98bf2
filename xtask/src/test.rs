//! Everything that must hold before a change lands: the quick checks one after the other, then the
//! tests in two lanes.

mod call;
mod lanes;

use crate::install::{self, consent};
use crate::{complain, needs, tidy};
use call::Call;

/// What is quick to say no.
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

/// Documents may not have a broken link.
const DOCUMENTS: &[&str] = &["doc", "--workspace", "--no-deps", "--quiet"];

/// What only computes, beside the tests of nextest: deliberate mistakes, which the worlds must
/// notice, and the count of transitions, by themselves, so that no other package is built with
/// them; and the examples of the documents.
const COMPUTING: [&[&str]; 3] = [
    &[
        "test",
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
        "unit_tests_meet",
        "--quiet",
    ],
    &["test", "--workspace", "--doc", "--quiet"],
];

const WITHOUT_NEXTEST: &[&str] = &["test", "--workspace", "--all-targets", "--no-fail-fast"];

/// Provides what is needed, and runs everything.
pub(crate) fn run(options: &[&str]) -> Result<(), String> {
    let (consent, rest) = consent(options);
    if let [word, ..] = rest.as_slice() {
        return Err(format!("usage: cargo xtask test [--install]\n`{word}` is no option"));
    }
    install::provide("cargo xtask test", &needs::of_tests(), consent)?;
    if !install::is_root() {
        complain("not root: the tests that build networks are skipped; root runs all of them");
    }
    complain("==> cargo xtask tidy");
    tidy::run()?;
    for arguments in QUICK.into_iter().chain([PROGRAMS]) {
        Call::cargo(arguments).run()?;
    }
    let documents = Call::cargo(DOCUMENTS).with("RUSTDOCFLAGS", "-D warnings");
    let computing = COMPUTING.into_iter().map(Call::cargo);
    let mut calls: Vec<Call> = [documents].into_iter().chain(computing).collect();
    if let Some(tests) = lanes::build()? {
        return lanes::run(&tests, calls);
    }
    calls.push(Call::cargo(WITHOUT_NEXTEST));
    calls.iter().try_for_each(Call::run)
}
