//! `ResourceManager` and `mach_down` beside a daemon of Systole: they start and stop nothing themselves.

use crate::Outcome;
use crate::pair::{self, Pair};
use crate::table::State;
use systole_lab::{Daemon, LabError, Node, Output};

/// A group with two words, of which either is its key.
const FILE: &str = "run/agent.C";

fn said(output: &Output) -> (Option<i32>, &str, &str) {
    (output.code, &output.stdout, &output.stderr)
}

#[test]
fn group_moves_by_daemon_when_script_gives_or_takes_it() -> Outcome {
    let pair = match Pair::new(&pair::systole()) {
        Ok(pair) => pair,
        Err(LabError::NotRoot) => {
            eprintln!("skipped: the lab needs root");
            return Ok(());
        }
        Err(error) => return Err(error.into()),
    };
    let refused = pair.run("ResourceManager takegroup agent::C")?;
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("heartbeat is not running"), "{refused:?}");
    assert!(!pair.has_file(Node::Web1, FILE), "nothing was started");

    pair.reach(State::Up)?;
    for (verb, owner) in [("givegroup agent::C", Node::Web2), ("takegroup agent::D", Node::Web1)] {
        for again in ["", "again"] {
            let moved = pair.run(&format!("ResourceManager {verb}"))?;
            assert_eq!(said(&moved), (Some(0), "", ""), "{verb} {again}");
            assert!(pair.has_file(owner, FILE), "{verb} {again}");
            assert!(!pair.has_file(owner.other(), FILE), "{verb} {again}");
        }
    }
    let nothing = pair.run("HA_CURHOST=web1 mach_down web2")?;
    assert_eq!(said(&nothing), (Some(0), "", ""), "web2 lives");
    assert_eq!(pair.run("cl_status rscstatus")?.stdout, "local\n");

    pair.reach(State::Alone)?;
    let refused = pair.run("hb_standby foreign")?;
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(0), ""));
    assert!(refused.stderr.contains("no other node is active"), "{refused:?}");
    Ok(())
}

#[test]
fn single_group_of_a_set_is_not_given_to_a_c_node_and_reason_is_printed() -> Outcome {
    if !Daemon::Classic.is_installed() {
        eprintln!("skipped: the package heartbeat is not installed");
        return Ok(());
    }
    let pair = match Pair::mixed(&pair::systole(), &Daemon::Classic) {
        Ok(pair) => pair,
        Err(LabError::NotRoot) => {
            eprintln!("skipped: the lab needs root");
            return Ok(());
        }
        Err(error) => return Err(error.into()),
    };
    // Both commands, each on its own node, say the same of the pair.
    pair.reach(State::Up)?;
    let refused = pair.run("ResourceManager givegroup agent::C")?;
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("moves no single group of a set"), "{refused:?}");
    assert!(pair.has_file(Node::Web1, FILE));
    pair.reach(State::Holding)?;
    assert_eq!(said(&pair.run("cl_status hblinkstatus web2 eth0")?), (Some(0), "up\n", ""));
    Ok(())
}
