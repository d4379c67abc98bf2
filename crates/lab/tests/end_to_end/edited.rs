//! haresources is changed and a daemon is killed before it has read the change; then it is started again.
//! What still runs of the old line is stopped first, and what replaces it starts afterwards.

use crate::agent::{beside_the_service, install, verbs};
use crate::play::play_with;
use crate::watched::watched;
use crate::{LIMIT, Outcome};
use std::net::IpAddr;
use std::thread::sleep;
use std::time::Duration;
use systole_lab::{Failback, Lab, LabError, Node};

const ADDRESS: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 168, 122, 101));
/// How long nothing may move before the pair counts as settled; longer than the agent's stop.
const CALM: Duration = Duration::from_secs(8);
/// Records every start and stop, and takes 4 s to stop.
const SLOW_STOP: &str = "#!/bin/sh\ncase $1 in\n\
    start) echo start >>/var/log/agent; touch /run/slow ;;\n\
    stop) echo stop >>/var/log/agent; [ -e /run/slow ] && sleep 4; rm -f /run/slow ;;\n\
    status) [ -e /run/slow ] && echo running || echo stopped ;;\nesac\n";

fn installed(lab: &Lab) -> Outcome {
    install(lab, "slow", SLOW_STOP)
}

fn edit(lab: &Lab, node: Node, from: &str, to: &str) -> Result<(), LabError> {
    let text = lab.read_file(node, "etc/ha.d/haresources");
    assert!(text.contains(from), "{text}");
    lab.write_file(node, "etc/ha.d/haresources", &text.replace(from, to))
}

fn runs(lab: &Lab, node: Node) -> bool {
    let is = lab.run(node, &["/etc/ha.d/resource.d/slow", "status"]);
    is.is_ok_and(|is| is.stdout.trim() == "running")
}

fn settled(lab: &Lab) -> Result<(), LabError> {
    lab.wait_for("web1 runs it", LIMIT, || {
        verbs(lab, Node::Web1) == "start\n" && lab.owners(ADDRESS) == [Node::Web1]
    })
    .map(|_| ())
}

#[test]
fn line_changed_before_daemon_is_killed_is_stopped_and_started_anew() -> Outcome {
    play_with(&beside_the_service("slow", Failback::Off), installed, |lab| {
        let (web1, web2) = (Node::Web1, Node::Web2);
        settled(lab)?;
        edit(lab, web1, "eth0 slow", "eth0 slow 192.168.122.113/24/eth0")?;
        watched(lab, &[ADDRESS], || {
            lab.kill_daemon(web1)?;
            lab.start_daemon(web1)?;
            lab.wait_for("the new line runs", LIMIT, || {
                let added = IpAddr::from([192, 168, 122, 113]);
                runs(lab, web1) && lab.owners(added) == [web1]
            })?;
            sleep(CALM);
            Ok(())
        })?;
        assert_eq!(lab.read_file(web1, "var/log/agent"), "start\nstop\nstart\n");
        assert!(runs(lab, web1) && !runs(lab, web2));
        assert_eq!(lab.owners(ADDRESS), [web1]);
        Ok(())
    })
}

#[test]
fn group_with_preferred_node_edited_before_daemon_is_killed_runs_once() -> Outcome {
    play_with(&beside_the_service("slow", Failback::Off), installed, |lab| {
        let (web1, web2) = (Node::Web1, Node::Web2);
        settled(lab)?;
        for node in [web2, web1] {
            edit(lab, node, "web1 192.168.122.101", "web2 192.168.122.101")?;
        }
        let told = lab.run(web2, &["hb", "reload"])?;
        assert!(told.code == Some(0), "{told:?}");
        sleep(Duration::from_secs(3));
        watched(lab, &[ADDRESS], || {
            lab.kill_daemon(web1)?;
            lab.start_daemon(web1)?;
            lab.wait_for("it is stopped", LIMIT, || !runs(lab, web1))?;
            lab.wait_for("one node has it", LIMIT, || {
                lab.owners(ADDRESS).len() == 1 && runs(lab, web1) != runs(lab, web2)
            })?;
            sleep(CALM);
            Ok(())
        })?;
        assert_eq!(lab.owners(ADDRESS).len(), 1);
        assert_ne!(runs(lab, web1), runs(lab, web2), "it runs once");
        Ok(())
    })
}
