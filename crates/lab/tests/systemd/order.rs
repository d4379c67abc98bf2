//! The order in which a shutdown stops the resources of a group, some of which systemd knows too.

use crate::{Outcome, config, install, never_two, owned_by, play, print_gap, sh};
use std::time::Instant;
use systole_lab::{ClusterConfig, Lab, Node};

/// A mount.
const DATA: &str = "\
#!/bin/sh
case $1 in
start) mkdir -p /srv/data; mountpoint -q /srv/data || mount -t tmpfs data /srv/data ;;
stop) if mountpoint -q /srv/data; then umount /srv/data && echo data stopped >>/var/log/order; fi ;;
status) if mountpoint -q /srv/data; then echo running; else echo stopped; fi ;;
esac
";

/// A unit on that mount.
const SITE: &str = "\
[Service]
ExecStart=/bin/sleep infinity
ExecStop=/bin/sh -c 'mountpoint -q /srv/data && echo site stopped on its data >>/var/log/order'
";

/// The resource that is stopped first: it takes so long that systemd could stop all others meanwhile, and
/// records what still runs.
const JUDGE: &str = "\
#!/bin/sh
case $1 in
start) touch /run/judge ;;
stop)
    [ -e /run/judge ] || exit 0
    sleep 1
    for unit in site nginx; do echo $unit $(systemctl is-active $unit) >>/var/log/order; done
    mountpoint -q /srv/data && echo data mounted >>/var/log/order
    rm /run/judge
    ;;
status) if [ -e /run/judge ]; then echo running; else echo stopped; fi ;;
esac
";

/// The record that these resources leave when systemd stops nothing at the same time as the daemon.
const IN_ORDER: &str =
    "site active\nnginx active\ndata mounted\nsite stopped on its data\ndata stopped\n";

fn prepare(lab: &Lab, node: Node) -> Outcome {
    lab.write_file(node, "etc/ha.d/resource.d/data", DATA)?;
    lab.write_file(node, "etc/ha.d/resource.d/judge", JUDGE)?;
    lab.write_file(node, "etc/systemd/system/site.service", SITE)?;
    sh(lab, node, "systemctl daemon-reload")?;
    Ok(())
}

/// Returns the order that was recorded, and clears the record for the next stop.
fn told(lab: &Lab, node: Node) -> Result<String, Box<dyn std::error::Error>> {
    let text = lab.read_file(node, "var/log/order");
    lab.write_file(node, "var/log/order", "")?;
    Ok(text)
}

#[test]
fn shutdown_stops_units_and_mounts_in_group_order() -> Outcome {
    let mut config = config();
    let address = config.address;
    config.groups = vec![format!("web1 data site {address}/24/eth0 nginx judge")];
    play(config, |lab| {
        install::pair_with(lab, |node| prepare(lab, node))?;
        // A stop of only the heartbeat unit completes, although the order of the units is the same.
        let since = Instant::now();
        sh(lab, Node::Web1, "systemctl stop heartbeat")?;
        owned_by(lab, Node::Web2)?;
        assert_eq!(told(lab, Node::Web1)?, IN_ORDER);
        print_gap(lab, "stop of the unit of the owner", since);
        sh(lab, Node::Web1, "systemctl start heartbeat")?;
        owned_by(lab, Node::Web1)?;

        let since = Instant::now();
        let took = lab.shut_down(Node::Web1)?;
        owned_by(lab, Node::Web2)?;
        println!("the shutdown took {took:?}");
        print_gap(lab, "shutdown of the owner", since);
        assert_eq!(told(lab, Node::Web1)?, IN_ORDER);
        never_two(lab, since);
        Ok(())
    })
}

#[test]
fn group_with_unit_failing_to_start_runs_on_peer() -> Outcome {
    let usual = config();
    let groups = vec![format!("web1 {}/24/eth0 site", usual.address)];
    play(ClusterConfig { groups, ..usual }, |lab| {
        let start = |node: Node| match node {
            Node::Web1 => "[Service]\nType=oneshot\nExecStart=/bin/false\n",
            Node::Web2 => "[Service]\nExecStart=/bin/sleep infinity\n",
        };
        for node in Node::ALL {
            install::programs(lab, node)?;
            lab.write_file(node, "etc/systemd/system/site.service", start(node))?;
            install::files(lab, node)?;
            sh(lab, node, "systemctl daemon-reload; systemctl enable --quiet --now heartbeat")?;
        }
        lab.wait_for_owner(Node::Web2, crate::LIMIT)?;
        lab.wait_for("the unit runs on web2", crate::LIMIT, || {
            sh(lab, Node::Web2, "systemctl is-active site").is_ok()
        })?;
        let status = sh(lab, Node::Web1, "hb status")?;
        println!("{status}");
        assert!(status.contains("site"), "{status}");
        sh(lab, Node::Web1, "! systemctl is-active site")?;
        Ok(())
    })
}
