//! Resources that run on a node although another node has their group.

use crate::{LIMIT, Outcome, pair, runs_on, systole};
use std::time::Duration;
use systole_lab::{ClusterConfig, Lab, LabError, Node};

/// Runs from its start to its stop, and notes each verb.
const SCRIPT: &str = "#!/bin/sh\necho $1 >>/var/log/verbs\ncase $1 in\n\
    start) touch /run/shop ;;\nstop) rm -f /run/shop ;;\n\
    status) [ -e /run/shop ] && echo running || { echo stopped; exit 3; } ;;\nesac\n";

fn config(lines: &[&str]) -> ClusterConfig {
    ClusterConfig {
        ipfail: false,
        // These tests are not about how fast a death is detected.
        deadtime: Duration::from_secs(2),
        warntime: Duration::from_secs(1),
        initdead: Duration::from_secs(4),
        groups: vec!["web1 192.168.122.100/24/eth0 shop".to_owned()],
        extra: lines.iter().map(|line| (*line).to_owned()).collect(),
        ..ClusterConfig::default()
    }
}

/// A pair whose group runs on web1, and whose service runs on web2 too, as if systemd had started it there.
fn pair_with_foreign_service(lines: &[&str]) -> Result<Option<Lab>, Box<dyn std::error::Error>> {
    let Some(lab) = pair(config(lines), [systole(), systole()])? else { return Ok(None) };
    for node in Node::ALL {
        lab.write_file(node, "etc/ha.d/resource.d/shop", SCRIPT)?;
        lab.start_daemon(node)?;
    }
    runs_on(&lab, Node::Web1)?;
    lab.run(Node::Web2, &["/etc/ha.d/resource.d/shop", "start"])?;
    Ok(Some(lab))
}

fn runs_on_web2(lab: &Lab) -> Result<bool, LabError> {
    Ok(lab.run(Node::Web2, &["test", "-e", "/run/shop"])?.success())
}

#[test]
fn service_and_address_that_run_on_idle_node_are_reported_there_and_left_alone() -> Outcome {
    let Some(lab) = pair_with_foreign_service(&[])? else { return Ok(()) };
    lab.run(Node::Web2, &["ip", "address", "add", "192.168.122.100/24", "dev", "eth0"])?;
    let wanted = [
        "shop runs on this node too, although the group does not",
        "systemctl disable --now shop",
        "192.168.122.100/24/eth0 runs on this node too",
        "remove it from the network configuration of this machine",
    ];
    lab.wait_for_answer(Node::Web2, &["hb", "status"], &wanted)?;
    let told = ["on web2, shop runs here although web1 has its group"];
    lab.wait_for_answer(Node::Web2, &["hb", "why"], &told)?;
    let of_web1 = lab.run(Node::Web1, &["hb", "status"])?.stdout;
    assert!(!of_web1.contains("on this node too"), "{of_web1}");
    assert!(runs_on_web2(&lab)?);
    assert!(!lab.read_file(Node::Web2, "var/log/verbs").contains("stop"));
    runs_on(&lab, Node::Web1)?;
    // The takeover finds the service running and keeps it.
    lab.run(Node::Web2, &["hb", "takeover"])?;
    runs_on(&lab, Node::Web2)?;
    lab.wait_for("the warning is gone", LIMIT, || {
        lab.run(Node::Web2, &["hb", "status"])
            .is_ok_and(|status| !status.stdout.contains("on this node too"))
    })?;
    Ok(())
}

#[test]
fn service_that_runs_on_idle_node_is_stopped_there_with_foreign_running_stop() -> Outcome {
    let lines = ["foreign_running stop"];
    let Some(lab) = pair_with_foreign_service(&lines)? else { return Ok(()) };
    lab.wait_for("it is stopped", LIMIT, || runs_on_web2(&lab).is_ok_and(|runs| !runs))?;
    let told = ["shop runs here although web1 has its group: it is stopped", "was stopped"];
    lab.wait_for_answer(Node::Web2, &["hb", "why"], &told)?;
    runs_on(&lab, Node::Web1)?;
    assert!(!lab.read_file(Node::Web1, "var/log/verbs").contains("stop"));
    Ok(())
}
