//! Claims of a node that runs nothing come back after a partition: groups that run well continue.

use crate::agent::{GROUP, beside_the_service, install, verbs};
use crate::play::play_with;
use crate::watched::watched;
use crate::{LIMIT, Outcome, print_gap};
use std::net::IpAddr;
use std::thread::sleep;
use std::time::{Duration, Instant};
use systole_lab::{Cut, Failback, Lab, LabError, Link, Node};

/// Records every start and stop on its node's disk, takes 4 s to stop, and no time to start.
const SLOW_STOP: &str = "#!/bin/sh\ncase $1 in\n\
    start) echo start >>/var/log/agent; touch /run/slow ;;\n\
    stop) echo stop >>/var/log/agent; [ -e /run/slow ] && sleep 4; rm -f /run/slow ;;\n\
    status) [ -e /run/slow ] && echo running || echo stopped ;;\nesac\n";
/// How long nothing may move once the node that came back takes part. A node that misreads the claim of the
/// returning node acts on the first beats.
const CALM: Duration = Duration::from_secs(3);

fn installed(lab: &Lab) -> Outcome {
    install(lab, "slow", SLOW_STOP)
}

fn slow_address() -> IpAddr {
    IpAddr::from([192, 168, 122, 101])
}

fn has_it(lab: &Lab, node: Node) -> Result<(), LabError> {
    let what = format!("{node} alone has it");
    lab.wait_for(&what, LIMIT, || lab.owners(slow_address()) == [node])?;
    Ok(())
}

/// Moves the group that prefers web1 to the node that must hold it.
fn given_to(lab: &Lab, node: Node) -> Outcome {
    has_it(lab, Node::Web1)?;
    if node == Node::Web2 {
        let told = lab.run(Node::Web1, &["hb", "standby", "--group", GROUP])?;
        assert!(told.success(), "{told:?}");
        has_it(lab, Node::Web2)?;
    }
    Ok(())
}

/// How a node that was cut off loses what it has taken in a higher term.
#[derive(Debug, Clone, Copy)]
enum Loss {
    /// Its daemon is stopped.
    Stopped,
    /// Its power is cut, and its state directory is empty when it starts again.
    PowerAndState,
}

/// One node takes what the other runs while the two are cut off, in a higher term, and loses it.
fn taken_and_lost(lab: &Lab, back: Node, loss: Loss) -> Result<(), LabError> {
    lab.cut(back, Link::Service, Cut::Silent)?;
    let has_taken = || lab.owners(slow_address()).contains(&back);
    lab.wait_for("it is taken while cut off", LIMIT, has_taken)?;
    match loss {
        Loss::Stopped => lab.stop_daemon(back)?,
        Loss::PowerAndState => {
            lab.power_off(back)?;
            lab.power_on(back)?;
            lab.run(back, &["sh", "-c", "rm -rf /var/lib/heartbeat/*"])?;
        }
    }
    has_it(lab, back.other())
}

/// Waits until both nodes take part in their own view and in that of the other node.
fn take_part(lab: &Lab) -> Result<(), LabError> {
    lab.wait_for("both take part", LIMIT, || {
        Node::ALL.into_iter().all(|node| {
            let nodes = lab.status(node).map(|status| status.nodes).unwrap_or_default();
            nodes.len() == 2 && nodes.iter().all(|it| it.status == "active")
        })
    })?;
    Ok(())
}

fn returns(lab: &Lab, back: Node) -> Result<(), LabError> {
    lab.join(back, Link::Service)?;
    lab.start_daemon(back)?;
    take_part(lab)
}

/// The node comes back, and the other node continues to run its groups.
fn comes_back(lab: &Lab, back: Node, loss: Loss) -> Outcome {
    let stays = back.other();
    taken_and_lost(lab, back, loss)?;
    let (before, since) = (verbs(lab, stays), Instant::now());
    let seen = watched(lab, &[slow_address()], || {
        returns(lab, back)?;
        sleep(CALM);
        Ok(())
    })?;
    for it in &seen {
        it.stayed_with(stays);
    }
    assert_eq!(verbs(lab, stays), before, "the agent of what runs well was called");
    print_gap(lab, &format!("{back} comes back, {loss:?}"), since, Duration::from_millis(50));
    Ok(())
}

fn disturbs_nothing(failback: Failback, back: Node) -> Outcome {
    play_with(&beside_the_service("slow", failback), installed, |lab| {
        given_to(lab, back.other())?;
        comes_back(lab, back, Loss::Stopped)?;
        comes_back(lab, back, Loss::PowerAndState)
    })
}

#[test]
fn node_back_after_losing_group_taken_in_partition_moves_nothing() -> Outcome {
    disturbs_nothing(Failback::Off, Node::Web2)
}

#[test]
fn node_with_failback_back_after_losing_group_of_partition_moves_nothing() -> Outcome {
    disturbs_nothing(Failback::On, Node::Web2)
}

#[test]
fn preferred_node_without_failback_back_from_partition_moves_nothing() -> Outcome {
    disturbs_nothing(Failback::Off, Node::Web1)
}

/// Where groups fail back, the node that comes back gets its group, but not before the agent of the other
/// node has ended.
#[test]
fn preferred_node_with_failback_back_from_partition_gets_its_group() -> Outcome {
    play_with(&beside_the_service("slow", Failback::On), installed, |lab| {
        let (home, other) = (Node::Web1, Node::Web2);
        given_to(lab, other)?;
        taken_and_lost(lab, home, Loss::Stopped)?;
        let before = Node::ALL.map(|node| verbs(lab, node));
        watched(lab, &[slow_address()], || {
            returns(lab, home)?;
            has_it(lab, home)?;
            sleep(CALM);
            assert_eq!(lab.owners(slow_address()), [home]);
            Ok(())
        })?;
        let [at_home, at_other] = before;
        assert_eq!(verbs(lab, home), at_home + "start\n", "it is started once");
        assert_eq!(verbs(lab, other), at_other + "stop\n", "it is stopped once");
        Ok(())
    })
}
