//! The times change while everything runs: to slower ones, and back.

use crate::play::play_with;
use crate::watched::watched;
use crate::{LIMIT, Outcome, nobody_else_answered, owned_by, print_gap};
use std::net::IpAddr;
use std::thread::sleep;
use std::time::{Duration, Instant};
use systole_lab::{ClusterConfig, Lab, LabError, Node};

/// How long nothing may move after a change: more than two beats of the slow times.
const CALM: Duration = Duration::from_secs(5);

/// The fast times of the README.
fn fast() -> ClusterConfig {
    let usual = ClusterConfig::default();
    let service = usual.service.word();
    ClusterConfig {
        groups: vec![
            format!("web1 {}/24/eth0 {service}", usual.address),
            "web2 192.168.122.101/24/eth0".to_owned(),
        ],
        keepalive: Duration::from_millis(200),
        deadtime: Duration::from_secs(1),
        warntime: Duration::from_millis(500),
        initdead: Duration::from_secs(2),
        ..usual
    }
}

/// The usual times of the README.
fn slow() -> ClusterConfig {
    ClusterConfig {
        keepalive: Duration::from_secs(2),
        deadtime: Duration::from_secs(30),
        warntime: Duration::from_secs(10),
        initdead: Duration::from_mins(2),
        ..fast()
    }
}

/// Gives both nodes these times, one after the other.
fn reload(lab: &Lab, config: &ClusterConfig) -> Result<(), LabError> {
    for node in Node::ALL {
        lab.write_file(node, "etc/ha.d/ha.cf", &config.ha_cf(node))?;
        let told = lab.run(node, &["hb", "reload"])?;
        assert!(told.success() && told.stdout.contains("deadtime: "), "{told:?}");
        assert!(!told.stdout.contains("restarts itself"), "{told:?}");
    }
    Ok(())
}

#[test]
fn reload_to_slower_times_and_back_moves_and_releases_nothing() -> Outcome {
    play_with(
        &fast(),
        |_| Ok(()),
        |lab| {
            let second = IpAddr::from([192, 168, 122, 101]);
            let has_it = || lab.owners(second) == [Node::Web2];
            lab.wait_for("web2 has its own address", LIMIT, has_it)?;
            let since = Instant::now();
            let seen = watched(lab, &[lab.config().address, second], || {
                for config in [slow(), fast()] {
                    reload(lab, &config)?;
                    sleep(CALM);
                }
                Ok(())
            })?;
            for (seen, node) in seen.iter().zip(Node::ALL) {
                seen.stayed_with(node);
            }
            owned_by(lab, Node::Web1)?;
            nobody_else_answered(lab, since);
            for node in Node::ALL {
                let journal = lab.read_file(node, "var/lib/heartbeat/journal.jsonl");
                for sign in ["\"let_go\"", "\"pause\"", "\"death\"", "\"hand_over\""] {
                    assert!(!journal.contains(sign), "{node}: {journal}");
                }
                assert!(!lab.log(node).contains("  stop\n"), "{}", lab.log(node));
            }
            print_gap(lab, "slower times and back", since, Duration::from_millis(50));
            Ok(())
        },
    )
}
