//! Keys are changed next to a C node, on the Systole node first.

use crate::{LIMIT, Outcome, pair, print_logs, start, systole};
use std::thread::sleep;
use std::time::{Duration, Instant};
use systole_lab::{ClusterConfig, Daemon, Lab, LabError, Node};

/// A C daemon compares the times of files in seconds.
const SECOND: Duration = Duration::from_millis(1100);
/// How long the pair is watched before and after the C node changes its keys: many beats.
const WATCH: Duration = Duration::from_secs(5);

fn config() -> ClusterConfig {
    ClusterConfig {
        deadtime: Duration::from_secs(4),
        warntime: Duration::from_secs(2),
        initdead: Duration::from_secs(4),
        ..ClusterConfig::default()
    }
}

/// Gives a node the new keys and makes it read them.
fn renew(lab: &Lab, node: Node) -> Result<(), LabError> {
    lab.write_file(node, "etc/ha.d/authkeys", "auth 1\n1 sha1 LongAndSecret\n")?;
    let program = match lab.daemon(node) {
        Daemon::Classic => "/usr/libexec/heartbeat/heartbeat",
        Daemon::Systole { .. } => "heartbeat",
    };
    let output = lab.run(node, &[program, "-r"])?;
    if output.success() {
        return Ok(());
    }
    Err(LabError::ToolFailed { command: "heartbeat -r".to_owned(), output: output.stderr })
}

/// Checks that nothing moves for a while.
fn watch(lab: &Lab) {
    let since = Instant::now();
    while since.elapsed() < WATCH {
        assert_eq!(lab.owners(lab.config().address), [Node::Web1]);
        sleep(Duration::from_millis(50));
    }
}

fn change(lab: &Lab, ours: Node) -> Result<(), LabError> {
    start(lab)?;
    sleep(SECOND);
    let starts = Node::ALL.map(|node| lab.log(node).len());
    let said = |node: Node| lab.log(node)[starts[usize::from(node == Node::Web2)]..].to_owned();
    renew(lab, ours)?;
    let begins = "Keys are being renewed";
    lab.wait_for(begins, LIMIT, || said(ours).contains(begins))?;
    watch(lab);
    let complaint = "authentication failed";
    assert!(!said(ours.other()).contains(complaint), "it is shown only what it knows");
    renew(lab, ours.other())?;
    let over = "Keys are renewed: the old ones are no longer accepted.";
    lab.wait_for(over, LIMIT, || said(ours).contains(over))?;
    watch(lab);
    let complaints = said(ours.other()).matches(complaint).count();
    println!("the C node could not verify {complaints} messages");
    for node in Node::ALL {
        let said = said(node);
        for words in ["Late heartbeat", "is dead", "Heartbeat restart"] {
            assert!(!said.contains(words), "{node} says {words:?}:\n{said}");
        }
    }
    Ok(())
}

fn changes(daemons: [Daemon; 2], ours: Node) -> Outcome {
    let Some(lab) = pair(config(), daemons)? else { return Ok(()) };
    Ok(change(&lab, ours).inspect_err(|_| print_logs(&lab))?)
}

#[test]
fn key_renewal_between_c_owner_and_systole_node_moves_nothing() -> Outcome {
    changes([Daemon::Classic, systole()], Node::Web2)
}

#[test]
fn key_renewal_between_systole_owner_and_c_node_moves_nothing() -> Outcome {
    changes([systole(), Daemon::Classic], Node::Web1)
}
