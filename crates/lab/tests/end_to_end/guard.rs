//! Nodes that do not hear each other on their links look for each other on the network of their clients.

use crate::executor::nobody_answered_twice;
use crate::play::{never_two, play};
use crate::{LIMIT, Outcome, owned_by, print_gap, stays_with};
use std::time::{Duration, Instant};
use systole_lab::{ClusterConfig, Cut, Failback, Lab, Link, Medium, Node};

/// How long a fault lasts: some dead times.
const CUT: Duration = Duration::from_secs(4);

/// A pair whose beats have a cable of their own, as most pairs of the tutorials have.
fn config() -> ClusterConfig {
    ClusterConfig {
        media: vec![Medium::Ucast(Link::Direct)],
        second_link: true,
        ipfail: false,
        ping_nodes: Vec::new(),
        failback: Failback::Off,
        ..ClusterConfig::default()
    }
}

/// Lets nothing pass that the daemon of a node sends to the service network or hears from it; the kernel answers as before.
fn wall_up(lab: &Lab, node: Node) -> Outcome {
    for rule in [
        "add table inet wall",
        "add chain inet wall in { type filter hook input priority 0 ; }",
        "add chain inet wall out { type filter hook output priority 0 ; }",
        "add rule inet wall in iifname eth0 udp dport 695 drop",
        "add rule inet wall out oifname eth0 udp dport 695 drop",
    ] {
        let done = lab.run(node, &["nft", rule])?;
        assert!(done.success(), "{rule}: {done:?}");
    }
    Ok(())
}

fn wait_for_guard(lab: &Lab, node: Node) -> Outcome {
    lab.wait_for_log(node, &["still answers for an address of the group"])?;
    Ok(())
}

/// Both nodes have told each other where they can be reached.
fn acquainted(lab: &Lab) -> Outcome {
    for node in Node::ALL {
        let line = format!("Link {}:service-network up.", node.other());
        lab.wait_for_log(node, &[&line])?;
        lab.wait_for("the addresses of the other node are stored", LIMIT, || {
            let stored = lab.read_file(node, "var/lib/heartbeat/systole.peers");
            // An IP address and an Ethernet address follow the generation and the sequence.
            stored.split_whitespace().count() >= 5
        })?;
    }
    Ok(())
}

#[test]
fn links_cut_while_clients_reach_both_nodes_move_nothing() -> Outcome {
    play(&config(), |lab| {
        acquainted(lab)?;
        let since = Instant::now();
        lab.cut(Node::Web1, Link::Direct, Cut::Silent)?;
        for node in Node::ALL {
            let line = format!("Link {}:eth1 dead.", node.other());
            lab.wait_for_log(node, &[&line])?;
        }
        std::thread::sleep(CUT);
        lab.join(Node::Web1, Link::Direct)?;
        lab.wait_for("the link is back", LIMIT, || {
            lab.log(Node::Web2).matches("Link web1:eth1 up.").count() >= 2
        })?;
        stays_with(lab, Node::Web1);
        print_gap(lab, "links cut and healed", since, Duration::from_millis(50));
        nobody_answered_twice(lab, since);
        assert!(!lab.log(Node::Web2).contains("node web1: is dead"), "{}", lab.log(Node::Web2));
        Ok(())
    })
}

#[test]
fn node_started_with_its_links_cut_takes_nothing_from_an_owner_it_never_met() -> Outcome {
    play(&config(), |lab| {
        lab.power_off(Node::Web2)?;
        lab.wait_for_log(Node::Web1, &["node web2: is dead"])?;
        lab.cut(Node::Web2, Link::Direct, Cut::Silent)?;
        let since = Instant::now();
        lab.power_on(Node::Web2)?;
        // It has forgotten everything about the other node.
        lab.run(Node::Web2, &["rm", "-rf", "/var/lib/heartbeat"])?;
        lab.start_daemon(Node::Web2)?;
        lab.wait_for_log(Node::Web2, &["Link web1:service-network up.", "Comm_now_up"])?;
        std::thread::sleep(CUT);
        stays_with(lab, Node::Web1);
        nobody_answered_twice(lab, since);
        Ok(())
    })
}

#[test]
fn owner_whose_kernel_answers_is_left_alone_until_its_machine_is_off() -> Outcome {
    play(&config(), |lab| {
        acquainted(lab)?;
        let since = Instant::now();
        wall_up(lab, Node::Web1)?;
        lab.cut(Node::Web1, Link::Direct, Cut::Silent)?;
        lab.wait_for_log(Node::Web2, &["node web1: is dead"])?;
        wait_for_guard(lab, Node::Web2)?;
        std::thread::sleep(CUT);
        stays_with(lab, Node::Web1);
        nobody_answered_twice(lab, since);
        let told = ["web1 is not heard", "hb confirm-dead web1"];
        lab.wait_for_answer(Node::Web2, &["hb", "status"], &told)?;
        lab.wait_for_log(Node::Web2, &["is not taken by this node although web1 was silent"])?;
        let off = Instant::now();
        lab.power_off(Node::Web1)?;
        owned_by(lab, Node::Web2)?;
        lab.wait_for_log(Node::Web2, &["of web1 no longer answers for an address of the group"])?;
        print_gap(lab, "power-off behind the guard", off, Duration::from_secs(1));
        Ok(())
    })
}

#[test]
fn owner_that_stands_still_while_cut_off_does_not_put_its_address_back_beside_the_other_node()
-> Outcome {
    play(&config(), |lab| {
        acquainted(lab)?;
        let since = Instant::now();
        wall_up(lab, Node::Web1)?;
        lab.cut(Node::Web1, Link::Direct, Cut::Silent)?;
        wait_for_guard(lab, Node::Web2)?;
        lab.freeze(Node::Web1)?;
        owned_by(lab, Node::Web2)?;
        lab.thaw(Node::Web1)?;
        lab.wait_for_log(
            Node::Web1,
            &["Permit expired", "still answers for an address of the group"],
        )?;
        std::thread::sleep(CUT);
        stays_with(lab, Node::Web2);
        never_two("after the pause", lab.owners(lab.config().address).len() > 1);
        nobody_answered_twice(lab, since);
        Ok(())
    })
}

#[test]
fn node_whose_processes_are_all_killed_has_no_second_owner_before_its_address_is_gone() -> Outcome {
    play(&config(), |lab| {
        acquainted(lab)?;
        let since = Instant::now();
        lab.kill_daemon_whole(Node::Web1)?;
        owned_by(lab, Node::Web2)?;
        print_gap(lab, "all processes killed", since, Duration::from_secs(1));
        never_two("after kill -9 of everything", lab.owners(lab.config().address).len() > 1);
        nobody_answered_twice(lab, since);
        wait_for_guard(lab, Node::Web2)
    })
}

#[test]
fn stranger_that_answers_for_the_address_delays_no_takeover_and_is_reported() -> Outcome {
    /// How often it says that it has the address, and how many times.
    const EVERY: Duration = Duration::from_millis(20);
    const TIMES: usize = 150;
    const MAC: [u8; 6] = [2, 0, 0, 0, 0xbb, 1];
    const NAMED: &str = "a machine that is no node answers for an address of the group, with the Ethernet address 02:00:00:00:bb:01";
    play(&config(), |lab| {
        acquainted(lab)?;
        std::thread::scope(|scope| -> Outcome {
            let address = lab.config().address;
            let stranger = scope.spawn(move || lab.claim(address, &[MAC; TIMES], EVERY));
            lab.power_off(Node::Web1)?;
            owned_by(lab, Node::Web2)?;
            stranger.join().expect("it does not panic")?;
            Ok(())
        })?;
        lab.wait_for_log(Node::Web2, &[NAMED])?;
        lab.wait_for_answer(Node::Web2, &["hb", "why"], &[NAMED])?;
        let log = lab.log(Node::Web2);
        assert_eq!(log.matches("answers for an address").count(), 1, "{log}");
        Ok(())
    })
}
