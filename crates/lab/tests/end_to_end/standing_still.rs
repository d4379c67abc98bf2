//! A daemon that stands still for longer than its permit, and then continues.

use crate::agent::install;
use crate::play::play_with;
use crate::{LIMIT, Outcome};
use std::net::IpAddr;
use std::thread::sleep;
use std::time::Duration;
use systole_lab::{ClusterConfig, Lab, Node};

/// Records every start and stop, and does not finish its stop before it is allowed to.
const SLOW: &str = "#!/bin/sh\ncase $1 in\n\
    start) echo start >>/var/log/agent; touch /run/slow ;;\n\
    stop) echo stop >>/var/log/agent; [ -e /run/slow ] || exit 0\n\
    while [ ! -e /var/tmp/go ]; do sleep 0.05; done; rm -f /run/slow ;;\n\
    status) [ -e /run/slow ] && echo running || echo stopped ;;\nesac\n";

fn config() -> ClusterConfig {
    let service = ClusterConfig::default().service;
    let groups = [
        format!("web1 192.168.122.100/24/eth0 {}", service.word()),
        "web1 192.168.122.101/24/eth0 slow".to_owned(),
    ];
    ClusterConfig {
        groups: groups.into(),
        ipfail: false,
        deadtime: Duration::from_secs(2),
        warntime: Duration::from_secs(1),
        initdead: Duration::from_secs(4),
        ..ClusterConfig::default()
    }
}

/// Returns the phase of the group with this last byte of its address, as reported by web1.
fn phase(lab: &Lab, last: u8) -> String {
    let name = format!("192.168.122.{last}/24/eth0");
    let groups = lab.status(Node::Web1).map(|status| status.groups).unwrap_or_default();
    let group = groups.into_iter().find(|group| group.name == name);
    group.map(|group| group.phase).unwrap_or_default()
}

fn owns(lab: &Lab, last: u8) -> bool {
    lab.owners(IpAddr::from([192, 168, 122, last])) == [Node::Web1]
}

/// Sends a signal to the daemon of web1, and to none of its other processes.
fn signal(lab: &Lab, name: &str) -> Outcome {
    let script = format!("kill -{name} $(tr -d ' ' </run/heartbeat.pid)");
    lab.run(Node::Web1, &["sh", "-c", &script])?;
    Ok(())
}

/// The executor lets go of both groups; the group that stops at once is back while the other one is still
/// stopping, which is reported.
#[test]
fn slow_stop_after_daemon_pause_delays_no_other_group() -> Outcome {
    let prepare = |lab: &Lab| install(lab, "slow", SLOW);
    play_with(&config(), prepare, |lab| {
        let web1 = Node::Web1;
        lab.wait_for("both run", LIMIT, || {
            [100, 101].iter().all(|last| phase(lab, *last) == "active" && owns(lab, *last))
        })?;
        // No other node is left that would take them.
        lab.stop_daemon(Node::Web2)?;
        signal(lab, "STOP")?;
        sleep(Duration::from_secs(3));
        signal(lab, "CONT")?;
        lab.wait_for("slow is being stopped", LIMIT, || {
            lab.read_file(web1, "var/log/agent").ends_with("stop\n")
        })?;
        let told =
            lab.wait_for("the other one is back, and slow is told as stopping", LIMIT / 2, || {
                phase(lab, 100) == "active" && owns(lab, 100) && phase(lab, 101) == "stopping"
            });
        println!("100 is {}, 101 is {}", phase(lab, 100), phase(lab, 101));
        println!("the other one was back after {:?}", told?);
        assert!(!owns(lab, 101), "nothing of it is started before it has stopped");
        lab.write_file(web1, "var/tmp/go", "")?;
        lab.wait_for("slow is back, too", LIMIT, || phase(lab, 101) == "active" && owns(lab, 101))?;
        assert!(owns(lab, 100));
        Ok(())
    })
}
