//! Two nodes that can switch each other off: what Systole sends when it has done so, and that it comes back
//! when a C node has done so.

use super::story::{THEIRS, config as usual, settled};
use super::{Recording, Situation, keys};
use crate::{LIMIT, Outcome, errors, pair, print_logs, systole};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::scope;
use systole_lab::{ClusterConfig, Daemon, Lab, LabError, Node};
use systole_wire::Method;

/// A plug-in of cluster-glue, which both implementations know.
fn config() -> ClusterConfig {
    let device = "stonith_host * external/lab web1 web2".to_owned();
    ClusterConfig { switch: true, extra: vec![device], ..usual() }
}

/// Ends the power switch, even when a test fails.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// A node loses its power, is fenced by the other one, and comes back. web1 runs Systole.
fn falls(lab: &Lab, node: Node) -> Result<(), LabError> {
    let (other, before) = (node.other(), lab.switch_asked(node.other()));
    lab.power_off(node)?;
    settled(lab, other, other)?;
    let reset = format!("info: node {node} now reset.");
    lab.wait_for(&reset, LIMIT, || lab.log(other).contains(&reset))?;
    assert!(lab.switch_asked(other) > before, "{other} took {THEIRS} without asking a device");
    Ok(())
}

fn returns(lab: &Lab, node: Node) -> Result<(), LabError> {
    lab.power_on(node)?;
    lab.start_daemon(node)?;
    settled(lab, Node::Web1, Node::Web2)
}

fn live(lab: &Lab, recording: &mut Recording<'_>) -> Result<(), LabError> {
    for node in Node::ALL {
        lab.start_daemon(node)?;
    }
    settled(lab, Node::Web1, Node::Web2)?;
    recording.judge(Situation::JointStart);
    falls(lab, Node::Web2)?;
    recording.judge(Situation::PeerFenced);
    returns(lab, Node::Web2)?;
    falls(lab, Node::Web1)?;
    returns(lab, Node::Web1)
}

#[test]
fn the_words_of_nodes_that_fence_each_other() -> Outcome {
    let Some(lab) = pair(config(), [systole(), Daemon::Classic])? else { return Ok(()) };
    let capture = lab.capture(Node::Web1)?;
    let mut recording = Recording::new(&capture, keys(Method::Sha1, 1));
    let over = AtomicBool::new(false);
    let lived = scope(|scope| {
        let switch = scope.spawn(|| lab.attend_power_switch(&over));
        let end = Over(&over);
        let lived = live(&lab, &mut recording);
        drop(end);
        switch.join().expect("the switch does not panic")?;
        lived
    });
    lived.inspect_err(|_| print_logs(&lab))?;
    let complaints = errors(&lab.log(Node::Web2));
    assert!(complaints.is_empty(), "the C node complains: {complaints:#?}");
    recording.finish();
    Ok(())
}
