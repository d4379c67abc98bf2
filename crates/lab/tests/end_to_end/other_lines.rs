//! The haresources of two nodes differ in the line of one address.

use crate::agent::install;
use crate::play::play_of;
use crate::{LIMIT, Outcome, systole};
use std::net::IpAddr;
use std::time::Duration;
use systole_lab::{ClusterConfig, Lab, Node};

const ADDRESS: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 168, 122, 101));
const LINES: [&str; 2] = ["192.168.122.101/24/eth0 extra", "192.168.122.101/24/eth0"];
const FILE: &str = "etc/ha.d/haresources";
const AGENT: &str = "#!/bin/sh\ncase $1 in start) touch /run/extra ;; stop) rm -f /run/extra ;;\n\
    status) [ -e /run/extra ] && echo running || echo stopped ;; esac\n";

fn config() -> ClusterConfig {
    let groups = ["web1 192.168.122.100/24/eth0 nginx".to_owned(), format!("web1 {}", LINES[0])];
    ClusterConfig {
        groups: groups.into(),
        deadtime: Duration::from_secs(2),
        warntime: Duration::from_secs(1),
        initdead: Duration::from_secs(4),
        ..ClusterConfig::default()
    }
}

/// web2 has the line without the agent.
fn prepare(lab: &Lab) -> Outcome {
    install(lab, "extra", AGENT)?;
    let text = lab.read_file(Node::Web2, FILE);
    assert!(text.contains(LINES[0]), "{text}");
    Ok(lab.write_file(Node::Web2, FILE, &text.replace(LINES[0], LINES[1]))?)
}

#[test]
fn address_with_differing_lines_has_one_owner_and_alarm_on_both_nodes() -> Outcome {
    play_of(&config(), &[systole(), systole()], prepare, |lab| {
        let (web1, web2) = (Node::Web1, Node::Web2);
        lab.wait_for("web1 has it", LIMIT, || lab.owners(ADDRESS) == [web1])?;
        for (node, other, line) in [(web1, web2, LINES[0]), (web2, web1, LINES[1])] {
            let alarm =
                format!("{other} does not have this line of 192.168.122.101/24/eth0: web1 {line}.");
            lab.wait_for_answer(node, &["hb", "status"], &[&alarm])?;
        }
        let waits = "192.168.122.101/24/eth0 (web1 192.168.122.101/24/eth0) is not started here";
        lab.wait_for_answer(web2, &["hb", "status"], &[waits])?;
        let ordered = lab.run(web2, &["hb", "takeover", "--group", "192.168.122.101/24/eth0"])?;
        assert!(!ordered.success(), "{ordered:?}");
        let why = "the line of a group differs between the haresources of the two nodes";
        assert!(ordered.stderr.contains(why), "{ordered:?}");
        assert_eq!(lab.owners(ADDRESS), [web1]);
        lab.write_file(web2, FILE, &lab.read_file(web1, FILE))?;
        assert!(lab.run(web2, &["hb", "reload"])?.success());
        lab.wait_for("no alarm is left", LIMIT, || {
            Node::ALL.into_iter().all(|node| {
                let told = lab.run(node, &["hb", "status"]);
                told.is_ok_and(|told| !told.stdout.contains("does not have this line"))
            })
        })?;
        lab.power_off(web1)?;
        lab.wait_for("web2 has it", LIMIT, || lab.owners(ADDRESS) == [web2])?;
        Ok(())
    })
}
