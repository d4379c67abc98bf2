//! Everything that must hold before a change lands, one step after the other.

use crate::{complain, tidy, tree};
use std::process::{Command, Stdio};

/// One call of cargo.
struct Step {
    arguments: &'static [&'static str],
    environment: &'static [(&'static str, &'static str)],
}

const fn step(arguments: &'static [&'static str]) -> Step {
    Step { arguments, environment: &[] }
}

/// Documents may not have a broken link.
const DOCUMENTS: Step = Step {
    arguments: &["doc", "--workspace", "--no-deps", "--quiet"],
    environment: &[("RUSTDOCFLAGS", "-D warnings")],
};

/// Quick ones first. The programs are built because the laboratory runs them; the tests come
/// last, so that their summary is what one sees.
const STEPS: [Step; 8] = [
    step(&["fmt", "--all", "--check"]),
    step(&["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"]),
    step(&[
        "clippy",
        "--package",
        "systole-sim",
        "--all-targets",
        "--features",
        "test-hooks",
        "--",
        "-D",
        "warnings",
    ]),
    DOCUMENTS,
    // Deliberate mistakes, which the worlds must notice, and the count of transitions. By itself, so that no other package is built with them.
    step(&[
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
    ]),
    step(&[
        "test",
        "--package",
        "systole-core",
        "--features",
        "test-hooks",
        "--lib",
        "unit_tests_meet",
        "--quiet",
    ]),
    step(&["build", "--workspace", "--bins", "--quiet"]),
    step(&["test", "--workspace", "--doc", "--quiet"]),
];

const WITH_NEXTEST: Step = step(&["nextest", "run", "--workspace"]);
/// Pairs that mostly wait, many at once; `.config/nextest.toml` says which.
const WAITING: Step = step(&["nextest", "run", "--workspace", "--profile", "waiting"]);
const WITHOUT_NEXTEST: Step = step(&["test", "--workspace", "--all-targets", "--no-fail-fast"]);

/// Runs the steps until one fails.
pub(crate) fn run() -> Result<(), String> {
    complain("==> cargo xtask tidy");
    tidy::run()?;
    for step in &STEPS {
        cargo(step)?;
    }
    if !has_nextest() {
        return cargo(&WITHOUT_NEXTEST);
    }
    cargo(&WITH_NEXTEST)?;
    cargo(&WAITING)
}

fn cargo(step: &Step) -> Result<(), String> {
    let words = step.arguments.join(" ");
    complain(&format!("==> cargo {words}"));
    let mut command = Command::new("cargo");
    command.args(step.arguments).envs(step.environment.iter().copied()).current_dir(tree::root());
    let status = command.status().map_err(|error| format!("cargo cannot be run: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("cargo {words} failed: {status}")) }
}

fn has_nextest() -> bool {
    let mut command = Command::new("cargo");
    command.args(["nextest", "--version"]).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
