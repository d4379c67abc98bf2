//! Ping nodes that come and go, at one node and at both, in calm and during a hand-over.

use crate::agent::install;
use crate::play::{play, play_with};
use crate::{LIMIT, Outcome, longest_gap, owned_by, stays_with};
use std::ops::RangeBounds;
use std::time::{Duration, Instant};
use systole_lab::{ClusterConfig, Failback, Lab, Node};

/// How often the ping node comes back for a moment.
const FLAPS: usize = 4;
/// The time between two pings: one is sent with every beat.
const BEAT: Duration = Duration::from_millis(200);

/// A pair in which a lost ping node must answer for as long as `alive` says.
fn config(alive: &str) -> ClusterConfig {
    ClusterConfig { extra: vec![format!("aliveping {alive}")], ..ClusterConfig::default() }
}

/// Waits until a node's log has a line at least this many times.
fn logged(lab: &Lab, node: Node, line: &str, times: usize) -> Outcome {
    lab.wait_for(&format!("{node} says {line:?} {times} times"), LIMIT, || {
        let said = lab.log(node) + &lab.read_file(node, "var/log/ha-debug");
        said.matches(line).count() >= times
    })?;
    Ok(())
}

/// Waits until a node's ping node has been silent for this long and does not count as alive.
fn silent(lab: &Lab, node: Node, what: &str, span: impl RangeBounds<Duration>) -> Outcome {
    lab.wait_for(what, LIMIT, || {
        let status = lab.status(node).unwrap_or_default();
        let ping = status.ping_nodes.first().filter(|ping| !ping.up);
        let silence = ping.and_then(|ping| ping.silence_ms).map(Duration::from_millis);
        silence.is_some_and(|silence| span.contains(&silence))
    })?;
    Ok(())
}

/// Waits until both nodes know that a ping node answers.
fn both_see(lab: &Lab) -> Outcome {
    for node in Node::ALL {
        logged(lab, node, "Link 192.168.122.1:192.168.122.1 up.", 1)?;
    }
    Ok(())
}

#[test]
fn flapping_ping_node_moves_group_once() -> Outcome {
    play(&config("30s"), |lab| {
        both_see(lab)?;
        lab.drop_icmp(Node::Web1)?;
        owned_by(lab, Node::Web2)?;
        let moved = Instant::now();
        for flap in 1..=FLAPS {
            lab.heal(Node::Web1)?;
            silent(lab, Node::Web1, &format!("it answers again ({flap})"), ..BEAT)?;
            lab.drop_icmp(Node::Web1)?;
            silent(lab, Node::Web1, "it does not", BEAT * 4..)?;
        }
        stays_with(lab, Node::Web2);
        let gaps = lab.probe().gaps(moved);
        assert!(gaps.iter().all(|gap| gap.before == gap.after), "it moved again: {gaps:?}");
        Ok(())
    })
}

#[test]
fn ping_node_lost_by_both_nodes_moves_nothing() -> Outcome {
    play(&config("1s"), |lab| {
        both_see(lab)?;
        let since = Instant::now();
        // The owner is the last node to lose the ping node and the first to have it back: there is no moment
        // at which the other node would be the better place.
        for node in [Node::Web2, Node::Web1] {
            lab.drop_icmp(node)?;
            logged(lab, node, "node 192.168.122.1: is dead", 1)?;
        }
        stays_with(lab, Node::Web1);
        for node in Node::ALL {
            lab.heal(node)?;
            logged(lab, node, "Link 192.168.122.1:192.168.122.1 up.", 2)?;
        }
        stays_with(lab, Node::Web1);
        let gaps = lab.probe().gaps(since);
        assert!(gaps.iter().all(|gap| gap.before == gap.after), "it moved: {gaps:?}");
        println!("nobody saw the ping node: the client missed {:?}", longest_gap(lab, since));
        Ok(())
    })
}

/// Stops only when it is allowed to.
const SLOW: &str = "#!/bin/sh\ncase $1 in\nstart) touch /run/slow ;;\n\
                    stop) touch /var/tmp/stopping; until [ -e /var/tmp/go ]; do sleep 0.05; done; \
                    rm -f /run/slow ;;\n\
                    status) [ -e /run/slow ] && echo running || echo stopped ;;\nesac\n";

/// The taker has agreed, and loses its network while the giver stops the group: the group goes back to where
/// clients can reach it.
#[test]
fn ping_node_lost_by_taker_during_hand_over_sends_group_back() -> Outcome {
    let usual = config("1s");
    let groups = vec![format!("web1 {}/24/eth0 slow {}", usual.address, usual.service.word())];
    let config = ClusterConfig { groups, failback: Failback::Off, ..usual };
    let scripts = |lab: &Lab| install(lab, "slow", SLOW);
    play_with(&config, scripts, |lab| {
        both_see(lab)?;
        std::thread::scope(|threads| {
            let order = threads.spawn(|| lab.standby(Node::Web1));
            let stops = lab.wait_for("web1 stops the service", LIMIT, || {
                lab.run(Node::Web1, &["test", "-e", "/var/tmp/stopping"])
                    .is_ok_and(|told| told.success())
            });
            let fallen = stops.map_err(Into::into).and_then(|_| {
                lab.drop_icmp(Node::Web2)?;
                logged(lab, Node::Web2, "node 192.168.122.1: is dead", 1)
            });
            for node in Node::ALL {
                lab.write_file(node, "var/tmp/go", "")?;
            }
            let told = order.join().expect("the order does not panic");
            fallen?;
            told?;
            Ok::<(), Box<dyn std::error::Error>>(())
        })?;
        let debug = || lab.read_file(Node::Web2, "var/log/ha-debug");
        lab.wait_for("web2 gives it back", LIMIT, || debug().contains("Giving up because"))?;
        owned_by(lab, Node::Web1)?;
        stays_with(lab, Node::Web1);
        Ok(())
    })
}
