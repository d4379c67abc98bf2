//! The files change while everything runs.

use crate::play::play;
use crate::{LIMIT, Outcome, owned_by, print_gap, stays_with};
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};
use systole_lab::{ClusterConfig, Failback, Lab, LabError, Node};

const HARESOURCES: &str = "etc/ha.d/haresources";

fn address(last: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(192, 168, 122, last))
}

/// The address that the client probes, and three addresses that it does not probe.
fn config() -> ClusterConfig {
    let config = ClusterConfig { failback: Failback::Off, ..ClusterConfig::default() };
    let groups = [110, 111].map(|last| format!("web1 {}/24/eth0", address(last)));
    let untouched = config.haresources().trim_end().to_owned();
    ClusterConfig { groups: [vec![untouched], groups.into()].concat(), ..config }
}

/// The second line has changed, the third one is removed, and a new one is added.
fn changed(config: &ClusterConfig) -> String {
    let [untouched, changed, _removed] = &config.groups[..] else { unreachable!("three lines") };
    format!("{untouched}\n{changed} {}/24/eth0\nweb2 {}/24/eth0\n", address(113), address(112))
}

fn reload(lab: &Lab, node: Node) -> Result<(Option<i32>, String), LabError> {
    let output = lab.run(node, &["hb", "reload"])?;
    println!("hb reload on {node} [{:?}]:\n{}{}", output.code, output.stdout, output.stderr);
    Ok((output.code, output.stdout))
}

fn owned(lab: &Lab, last: u8, nodes: &[Node]) -> Result<(), LabError> {
    lab.wait_for(&format!("{} is on {nodes:?}", address(last)), LIMIT, || {
        lab.owners(address(last)) == nodes
    })?;
    Ok(())
}

/// Returns how often the log reports a start or stop of the group that the client probes.
fn moves(lab: &Lab, node: Node) -> usize {
    let probed = lab.config().address.to_string();
    let is_move = |line: &&str| {
        line.contains("Acquiring resource group") || line.contains("Releasing resource group")
    };
    lab.log(node).lines().filter(is_move).filter(|line| line.contains(&probed)).count()
}

/// `hb why` does not list a line that was removed, and describes it in the past tense where it is named.
fn why_tells_the_removed_line_as_past(lab: &Lab) -> Result<(), LabError> {
    let removed = address(111).to_string();
    let all = lab.run(Node::Web1, &["hb", "why"])?;
    let runs = format!("{removed}/24/eth0 runs");
    assert!(!all.stdout.contains(&runs), "{}", all.stdout);
    assert!(all.stdout.contains(&address(110).to_string()), "{}", all.stdout);
    let one = lab.run(Node::Web1, &["hb", "why", &removed])?;
    assert!(!one.stdout.contains(&runs), "{}", one.stdout);
    assert!(one.stdout.contains("It is no longer in haresources"), "{}", one.stdout);
    Ok(())
}

#[test]
fn reload_in_either_node_order_touches_only_changed_groups() -> Outcome {
    for order in [[Node::Web1, Node::Web2], [Node::Web2, Node::Web1]] {
        play(&config(), |lab| {
            for last in [110, 111] {
                owned(lab, last, &[Node::Web1])?;
            }
            let since = Instant::now();
            let before = moves(lab, Node::Web1);
            for node in order {
                lab.write_file(node, HARESOURCES, &changed(lab.config()))?;
                let (code, told) = reload(lab, node)?;
                assert_eq!(code, Some(0), "{told}");
                for line in
                    ["group changed: web1 192.168.122.110", "group added: web2 192.168.122.112"]
                {
                    assert!(told.contains(line), "{line} is not in {told}");
                }
                assert!(told.contains("group removed: web1 192.168.122.111"), "{told}");
                stays_with(lab, Node::Web1);
                // No node takes a group that the other node has given up, or has changed.
                for last in [110, 111, 113] {
                    assert!(!lab.owners(address(last)).contains(&Node::Web2), "{last}");
                }
            }
            owned(lab, 110, &[Node::Web1])?;
            owned(lab, 113, &[Node::Web1])?;
            owned(lab, 111, &[])?;
            lab.wait_for("the added group runs", LIMIT, || lab.owners(address(112)).len() == 1)?;
            why_tells_the_removed_line_as_past(lab)?;
            print_gap(lab, "two reloads", since, Duration::from_millis(50));
            assert_eq!(moves(lab, Node::Web1), before, "what has not changed is not restarted");
            assert_eq!(moves(lab, Node::Web2), 0);
            let changed = "loaded another configuration: group changed";
            lab.wait_for_answer(Node::Web1, &["hb", "why", "192.168.122.110"], &[changed])?;
            let (code, told) = reload(lab, Node::Web1)?;
            assert_eq!((code, told.as_str()), (Some(0), "nothing changed\n"));
            Ok(())
        })?;
    }
    Ok(())
}

#[test]
fn reload_with_broken_file_is_refused_with_its_error() -> Outcome {
    play(&config(), |lab| {
        let before = moves(lab, Node::Web1);
        lab.write_file(Node::Web1, HARESOURCES, "web9 192.168.122.110\n")?;
        let (code, told) = reload(lab, Node::Web1)?;
        assert_eq!(code, Some(2));
        assert!(told.contains("`web9`"), "{told}");
        assert!(told.contains("nothing was changed"), "{told}");
        let old = lab.run(Node::Web1, &["heartbeat", "-r"])?;
        assert_eq!(old.code, Some(1), "{}", old.stderr);
        stays_with(lab, Node::Web1);
        owned(lab, 111, &[Node::Web1])?;
        assert_eq!(moves(lab, Node::Web1), before);
        Ok(())
    })
}

#[test]
fn reload_that_requires_restart_restarts_daemon_and_moves_nothing() -> Outcome {
    play(&config(), |lab| {
        owned(lab, 111, &[Node::Web1])?;
        let before = moves(lab, Node::Web1);
        let pid = || lab.run(Node::Web1, &["heartbeat", "-s"]).map(|output| output.stdout).ok();
        let daemon = pid();
        let since = Instant::now();
        let text = format!("{}debug 1\n", lab.config().ha_cf(Node::Web1));
        lab.write_file(Node::Web1, "etc/ha.d/ha.cf", &text)?;
        lab.write_file(Node::Web1, HARESOURCES, &changed(lab.config()))?;
        let (code, told) = reload(lab, Node::Web1)?;
        assert_eq!(code, Some(0), "{told}");
        assert!(told.contains("logging: changed") && told.contains("restarts itself"), "{told}");
        lab.wait_for("it is there again", LIMIT, || {
            lab.log(Node::Web1).matches("Heartbeat generation").count() == 2 && pid() == daemon
        })?;
        owned_by(lab, Node::Web1)?;
        owned(lab, 113, &[Node::Web1])?;
        owned(lab, 111, &[])?;
        stays_with(lab, Node::Web1);
        print_gap(lab, "a restart of the daemon", since, Duration::from_millis(50));
        assert_eq!(moves(lab, Node::Web1), before, "what has not changed is not restarted");
        assert_eq!(lab.owners(address(111)), [], "the other node does not take what was removed");
        Ok(())
    })
}
