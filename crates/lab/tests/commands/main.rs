//! The commands that old set-ups call, on a pair of C nodes and on a pair of Systole nodes in the same states.
//!
//! Every command is run on web1 of both pairs, and exit status, standard output and standard error are
//! compared. Dates and process ids do not count. Every difference has a reason in `known.rs`, which is also in
//! `docs/differences.md`.
//!
//! Needs root, the programs next to the test (`cargo build --workspace --bins`) and the package `heartbeat`.
#![expect(clippy::print_stdout, reason = "the table is told")]

mod compare;
mod known;
mod links;
mod orders;
mod pair;
mod table;

use compare::{Row, Seen};
use pair::Pair;
use std::error::Error;
use std::thread;
use std::time::Instant;
use systole_lab::{Daemon, LabError};
use table::State;

type Outcome = Result<(), Box<dyn Error>>;

/// Runs every command of every state on a pair.
fn play(daemon: &Daemon) -> Result<Option<Vec<Seen>>, String> {
    let pair = match Pair::new(daemon) {
        Ok(pair) => pair,
        Err(LabError::NotRoot) => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    let mut seen = Vec::new();
    for state in State::ALL {
        let since = Instant::now();
        pair.reach(state).map_err(|error| format!("{daemon:?}: {state:?}: {error}"))?;
        let reached = since.elapsed();
        for command in table::commands(state) {
            let output = pair.run(&command).map_err(|error| error.to_string())?;
            seen.push(Seen::of(state, command, &output));
        }
        println!("{daemon:?}: {state:?} after {reached:?}, all done after {:?}", since.elapsed());
    }
    Ok(Some(seen))
}

#[test]
fn commands_answer_as_those_of_c_node_except_known_differences() -> Outcome {
    if !Daemon::Classic.is_installed() {
        eprintln!("skipped: the package heartbeat is not installed");
        return Ok(());
    }
    let theirs = thread::spawn(|| play(&Daemon::Classic));
    let ours = play(&pair::systole())?;
    let theirs = theirs.join().expect("it does not panic")?;
    let (Some(ours), Some(theirs)) = (ours, theirs) else {
        eprintln!("skipped: the lab needs root");
        return Ok(());
    };
    let rows: Vec<Row> = theirs.into_iter().zip(ours).map(|(c, ours)| Row { c, ours }).collect();
    for row in &rows {
        println!("{}", row.line());
    }
    let unknown = rows.iter().filter(|row| !row.is_same() && known::reason(&row.c).is_none());
    let unknown: Vec<String> = unknown.map(Row::story).collect();
    assert!(unknown.is_empty(), "differences without a reason:\n{}", unknown.join("\n"));
    let document = include_str!("../../../../docs/differences.md");
    for known in known::KNOWN {
        assert!(document.contains(known.told), "docs/differences.md lacks `{}`", known.told);
        let shown = rows.iter().any(|row| known.is_about(&row.c) && !row.is_same());
        assert!(shown, "no row differs any longer because {}", known.told);
    }
    Ok(())
}
