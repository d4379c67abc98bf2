//! The life of a pair: both start together; the other node dies, returns and leaves; this node leaves and
//! returns.

use super::{Recording, Situation, keys};
use crate::{LIMIT, Outcome, errors, pair, print_logs, systole};
use std::net::IpAddr;
use std::thread::sleep;
use std::time::Duration;
use systole_lab::{ClusterConfig, Daemon, Direction, Lab, LabError, Node};
use systole_wire::Method;

/// The address of the group that prefers the C node.
pub(super) const THEIRS: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 168, 122, 101));

/// Two groups, each of which prefers another node.
pub(super) fn config() -> ClusterConfig {
    let usual = ClusterConfig::default();
    ClusterConfig {
        deadtime: Duration::from_secs(2),
        warntime: Duration::from_secs(1),
        initdead: Duration::from_secs(4),
        ping_nodes: Vec::new(),
        ipfail: false,
        groups: vec![format!("web1 {}/24/eth0", usual.address), format!("web2 {THEIRS}/24/eth0")],
        keys: "auth 1\n1 sha1 TestKeySha1\n".to_owned(),
        ..usual
    }
}

pub(super) fn settled(lab: &Lab, ours: Node, theirs: Node) -> Result<(), LabError> {
    let what = format!("our group on {ours} and the other on {theirs}");
    lab.wait_for(&what, LIMIT, || {
        lab.owners(lab.config().address) == [ours] && lab.owners(THEIRS) == [theirs]
    })?;
    lab.wait_for("the end of all scripts", LIMIT, || !lab.is_at_work())?;
    // The messages at the end of a hand-over come after the address has moved.
    sleep(Duration::from_secs(2));
    Ok(())
}

/// web1 runs Systole.
fn live(lab: &Lab, recording: &mut Recording<'_>) -> Result<(), LabError> {
    for node in Node::ALL {
        lab.start_daemon(node)?;
    }
    settled(lab, Node::Web1, Node::Web2)?;
    recording.judge(Situation::JointStart);
    lab.power_off(Node::Web2)?;
    settled(lab, Node::Web1, Node::Web1)?;
    recording.judge(Situation::PeerDied);
    lab.power_on(Node::Web2)?;
    lab.start_daemon(Node::Web2)?;
    settled(lab, Node::Web1, Node::Web2)?;
    recording.judge(Situation::PeerReturned);
    let before = lab.log(Node::Web1).len();
    lab.stop_daemon(Node::Web2)?;
    settled(lab, Node::Web1, Node::Web1)?;
    lab.wait_for("its silence is noticed", LIMIT, || {
        lab.log(Node::Web1)[before..].contains("node web2: is dead")
    })?;
    recording.judge(Situation::PeerLeft);
    lab.start_daemon(Node::Web2)?;
    settled(lab, Node::Web1, Node::Web2)?;
    lab.loss(Node::Web1, 30, Direction::In)?;
    sleep(Duration::from_secs(5));
    lab.heal(Node::Web1)?;
    recording.judge(Situation::Loss);
    lab.run(Node::Web1, &["heartbeat", "-r"])?;
    sleep(Duration::from_secs(2));
    settled(lab, Node::Web1, Node::Web2)?;
    recording.judge(Situation::Reload);
    lab.stop_daemon(Node::Web1)?;
    settled(lab, Node::Web2, Node::Web2)?;
    recording.judge(Situation::Leaving);
    lab.start_daemon(Node::Web1)?;
    settled(lab, Node::Web1, Node::Web2)?;
    recording.judge(Situation::Returning);
    Ok(())
}

#[test]
fn the_words_of_a_pairs_life() -> Outcome {
    let Some(lab) = pair(config(), [systole(), Daemon::Classic])? else { return Ok(()) };
    let capture = lab.capture(Node::Web1)?;
    let mut recording = Recording::new(&capture, keys(Method::Sha1, 1));
    live(&lab, &mut recording).inspect_err(|_| print_logs(&lab))?;
    let complaints = errors(&lab.log(Node::Web2));
    assert!(complaints.is_empty(), "the C node complains: {complaints:#?}");
    recording.finish();
    Ok(())
}
