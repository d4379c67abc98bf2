//! Network managers, which remove addresses that they do not know.

use crate::{Outcome, config, install, never_two, owned_by, play, print_gap, sh};
use std::time::Instant;
use systole_lab::{Lab, Link, Node};

/// Lets something happen to the owner's network, and checks that the owner has its address and its service
/// afterwards.
fn happens(lab: &Lab, what: &str, script: &str) -> Outcome {
    let since = Instant::now();
    sh(lab, Node::Web1, script)?;
    owned_by(lab, Node::Web1)?;
    print_gap(lab, what, since);
    let log = lab.log(Node::Web1);
    for line in log.lines().filter(|line| line.contains("removed")) {
        println!("{line}");
    }
    never_two(lab, since);
    Ok(())
}

#[test]
fn networkd_reconfiguring_interface_leaves_group_in_place() -> Outcome {
    play(config(), |lab| {
        install::pair(lab)?;
        let address = Link::Service.address(Node::Web1);
        let network =
            format!("[Match]\nName=eth0\n[Network]\nAddress={address}/24\nGateway=192.168.122.1\n");
        lab.write_file(Node::Web1, "etc/systemd/network/eth0.network", &network)?;
        let wait = "/lib/systemd/systemd-networkd-wait-online --interface=eth0 --timeout=30";
        happens(lab, "start of networkd", &format!("systemctl start systemd-networkd; {wait}"))?;
        happens(lab, "networkctl reconfigure", &format!("networkctl reconfigure eth0; {wait}"))?;
        happens(
            lab,
            "restart of networkd",
            &format!("systemctl restart systemd-networkd; {wait}"),
        )?;
        Ok(())
    })
}

#[test]
fn network_manager_reapplying_profile_leaves_group_in_place() -> Outcome {
    play(config(), |lab| {
        install::pair(lab)?;
        let address = Link::Service.address(Node::Web1);
        let profile = format!(
            "[connection]\nid=eth0\ntype=ethernet\ninterface-name=eth0\n[ipv4]\nmethod=manual\n\
             address1={address}/24,192.168.122.1\n[ipv6]\nmethod=disabled\n"
        );
        let path = "etc/NetworkManager/system-connections/eth0.nmconnection";
        lab.write_file(Node::Web1, path, &profile)?;
        sh(lab, Node::Web1, &format!("chmod 600 /{path}"))?;
        let wait = "nm-online -q -t 30";
        let start = format!(
            "systemctl start NetworkManager; nmcli device set eth0 managed yes; nmcli connection up eth0; {wait}"
        );
        happens(lab, "start of NetworkManager", &start)?;
        happens(lab, "nmcli device reapply", &format!("nmcli device reapply eth0; {wait}"))?;
        happens(
            lab,
            "restart of NetworkManager",
            &format!("systemctl restart NetworkManager; {wait}"),
        )?;
        Ok(())
    })
}
