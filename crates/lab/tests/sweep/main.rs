//! What heartbeat 3.0.6 and Systole make of the same files: both daemons read files with mistakes, generated
//! from seeds, and the configurations in force that they print are compared. Every difference has a reason,
//! which is in `known.rs`.
//!
//! A test run plays some cases. To play more: `SYSTOLE_SEED=1000 SYSTOLE_CASES=5000 cargo test --package
//! systole-lab --test sweep -- --nocapture`; with `SYSTOLE_CASES=1` the files and all output of both daemons
//! are printed. Needs root, the daemon next to the test (`cargo build --bins`) and the package `heartbeat`.
#![expect(clippy::print_stdout, reason = "what was seen is told")]

mod compare;
mod known;
mod mutate;
mod room;

use compare::Difference;
use mutate::Case;
use room::{Answers, Room};
use std::collections::BTreeMap;
use std::env;
use std::error::Error;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// The number of cases in a test run.
const CASES: u64 = 120;
/// The daemon of the package.
const CLASSIC: &str = "/usr/libexec/heartbeat/heartbeat";

/// Returns the daemon that was built next to this test.
fn systole() -> PathBuf {
    let test = env::current_exe().expect("a running program has a path");
    let deps = test.parent().expect("it lies in a folder");
    let binary = deps.parent().expect("the folder is target/*/deps").join("heartbeat");
    assert!(binary.exists(), "{} is missing: cargo build --bins", binary.display());
    binary
}

fn number(name: &str) -> Option<u64> {
    env::var(name).ok()?.parse().ok()
}

fn show(case: &Case, answers: &Answers) {
    println!("{}", case.changed().escape_ascii().to_string().replace("\\n", "\n"));
    for (name, said) in [("heartbeat 3.0.6", &answers.c), ("Systole", &answers.ours)] {
        let code = said.code;
        println!("--- {name}: {code}\n{}\n{}", said.configuration, said.complaints);
    }
    println!("--- the script's groups: {:?}", answers.groups);
}

/// How often a difference was observed, and the first seed that showed it.
#[derive(Debug, Clone, Copy)]
struct Seen {
    times: u64,
    first: u64,
}

#[test]
fn files_with_slips_are_judged_as_by_c_node_except_known_differences() -> Result<(), Box<dyn Error>>
{
    if !Path::new(CLASSIC).exists() {
        eprintln!("skipped: the package heartbeat is not installed");
        return Ok(());
    }
    if std::fs::metadata("/proc/self")?.uid() != 0 {
        eprintln!("skipped: namespaces need root");
        return Ok(());
    }
    let first = number("SYSTOLE_SEED").unwrap_or(0);
    let count = number("SYSTOLE_CASES").unwrap_or(CASES);
    let mut room = Room::new(&systole())?;
    let mut meant: BTreeMap<&str, Seen> = BTreeMap::new();
    let mut unknown: BTreeMap<Difference, Seen> = BTreeMap::new();
    for seed in first..first + count {
        let case = Case::of(seed);
        let answers = room.ask(&case)?;
        if count == 1 {
            show(&case, &answers);
        }
        for difference in compare::compare(&case, &answers) {
            let none = Seen { times: 0, first: seed };
            let seen = match known::reason(&case, &difference, &answers) {
                Some(reason) => meant.entry(reason).or_insert(none),
                None => unknown.entry(difference).or_insert(none),
            };
            seen.times += 1;
        }
    }
    for (reason, seen) in &meant {
        println!("{} times, first with seed {}: {reason}", seen.times, seen.first);
    }
    let told = unknown.iter().map(|(difference, seen)| {
        format!("{} times, first with seed {}: {difference:?}\n", seen.times, seen.first)
    });
    let told: String = told.collect();
    assert!(unknown.is_empty(), "differences without a reason among {count} files:\n{told}");
    Ok(())
}
