//! One daemon restarts and its services keep running.

use crate::pair::{Kind, usual};
use crate::run::{OWN, Run};
use crate::{Outcome, scenario};
use std::thread::sleep;
use std::time::Duration;
use systole_lab::{LabError, Node};

scenario!(reload, usual());
scenario!(killed, usual());
scenario!(frozen_briefly, usual());
scenario!(frozen, usual());

/// Shorter than a dead time, and long enough for the times of files, which count in seconds.
const SECOND: Duration = Duration::from_millis(1100);

/// Longer than a dead time: the other node takes everything meanwhile.
const FROZEN: Duration = Duration::from_secs(4);
/// The longest wait for the takeover by the other node.
const LIMIT: Duration = Duration::from_secs(30);

fn killed(run: &mut Run<'_>) -> Outcome {
    run.switch_guard_off()?;
    run.start_together()?;
    run.step_unheard(&[Node::Web2], "kill the daemon and start it again", OWN, |lab| {
        lab.kill_daemon_whole(Node::Web1)?;
        // Even with two C nodes, whether a node that returns during the takeover gets its groups back depends
        // on exact timing.
        let done = "mach_down takeover complete for node web1.";
        lab.wait_for("the takeover", LIMIT, || lab.log(Node::Web2).contains(done))?;
        lab.start_daemon(Node::Web1)
    })
}

fn frozen(run: &mut Run<'_>) -> Outcome {
    run.switch_guard_off()?;
    run.start_together()?;
    run.step_unheard(&[Node::Web2], "freeze and thaw", OWN, |lab| {
        lab.freeze(Node::Web1)?;
        let address = lab.config().address;
        let taken =
            lab.wait_for("the takeover", LIMIT, || lab.owners(address).contains(&Node::Web2));
        sleep(FROZEN);
        lab.thaw(Node::Web1)?;
        taken?;
        // What the thawed node does is decided once the other node has noticed it.
        sleep(FROZEN);
        Ok(())
    })
}

/// Nothing is lost except some beats.
fn frozen_briefly(run: &mut Run<'_>) -> Outcome {
    run.start_together()?;
    run.step("freeze for less than a dead time", OWN, |lab| {
        lab.freeze(Node::Web1)?;
        sleep(SECOND);
        lab.thaw(Node::Web1)
    })
}

fn reload(run: &mut Run<'_>) -> Outcome {
    run.start_together()?;
    let program = match run.kind(Node::Web1) {
        Kind::Classic => "/usr/libexec/heartbeat/heartbeat",
        Kind::Systole => "heartbeat",
    };
    run.step("reload with another configuration", OWN, |lab| {
        sleep(SECOND);
        let text = lab.config().ha_cf(Node::Web1) + "# changed\n";
        lab.write_file(Node::Web1, "etc/ha.d/ha.cf", &text)?;
        let output = lab.run(Node::Web1, &[program, "-r"])?;
        if output.success() {
            return Ok(());
        }
        Err(LabError::ToolFailed { command: format!("{program} -r"), output: output.stderr })
    })
}
