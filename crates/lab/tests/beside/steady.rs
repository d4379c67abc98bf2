//! Fifty beats a second for a minute: as many as in half an hour of the usual configuration.

use crate::{Outcome, errors, pair, print_logs, start, systole};
use std::thread::sleep;
use std::time::{Duration, Instant};
use systole_lab::{ClusterConfig, Daemon, Lab, LabError, Node};

const SPAN: Duration = Duration::from_mins(1);

/// The fastest beat that any user has configured, and a deadtime that a busy machine can keep.
fn config() -> ClusterConfig {
    ClusterConfig {
        keepalive: Duration::from_millis(20),
        deadtime: Duration::from_secs(2),
        warntime: Duration::from_secs(1),
        ..ClusterConfig::default()
    }
}

/// What a daemon logs when its messages are not acknowledged.
const UNHEARD: [&str; 3] =
    ["Message hist queue is filling up", "all clients are now paused", "lost a lot of packets"];

fn endure(lab: &Lab) -> Result<(), LabError> {
    start(lab)?;
    let since = Instant::now();
    while since.elapsed() < SPAN {
        assert_eq!(lab.owners(lab.config().address), [Node::Web1]);
        sleep(Duration::from_millis(200));
    }
    for node in Node::ALL {
        let log = lab.log(node);
        for words in UNHEARD {
            assert!(!log.contains(words), "{node} says {words:?}:\n{log}");
        }
        assert!(!log.contains("is dead"), "{node} called somebody dead:\n{log}");
        assert!(errors(&log).is_empty(), "{node}: {:#?}", errors(&log));
        println!("{node} ({:?}): {} lines in its log", lab.daemon(node), log.lines().count());
    }
    Ok(())
}

fn endures(daemons: [Daemon; 2]) -> Outcome {
    let Some(lab) = pair(config(), daemons)? else { return Ok(()) };
    Ok(endure(&lab).inspect_err(|_| print_logs(&lab))?)
}

#[test]
fn fast_beats_between_c_owner_and_systole_node_are_acknowledged() -> Outcome {
    endures([Daemon::Classic, systole()])
}

#[test]
fn fast_beats_between_systole_owner_and_c_node_are_acknowledged() -> Outcome {
    endures([systole(), Daemon::Classic])
}

#[test]
fn fast_beats_between_systole_nodes_are_acknowledged() -> Outcome {
    endures([systole(), systole()])
}
