//! Several media at once: all but one may fail, and each failure is reported.

use crate::{
    LIMIT, Outcome, Roles, begin, logged, logged_times, over, powered, print_logs, side_by_side,
    started, systole,
};
use std::time::{Duration, Instant};
use systole_lab::{ClusterConfig, Cut, Daemon, Lab, Link, LinkStatus, Medium, Node};

/// Fails when a node was declared dead, or the address moved.
fn nobody_is_dead(lab: &Lab) {
    for node in Node::ALL {
        let log = lab.log(node);
        assert!(!log.contains("is dead"), "log of {node}:\n{log}");
    }
    assert_eq!(lab.owners(lab.config().address), [Node::Web1]);
}

/// Waits until both nodes log that the link is dead, or up for the `times`th time.
fn told(lab: &Lab, medium: Medium, word: &str, times: usize) -> Outcome {
    for node in Node::ALL {
        let line = format!("Link {}:{} {word}.", node.other(), medium.name());
        logged_times(lab, node, &line, times)?;
    }
    Ok(())
}

/// Three links, two of which fail at a time: the remaining link carries the pair.
fn two_of_three_fail(daemons: [Daemon; 2]) -> Outcome {
    let (service, direct) = (Medium::Ucast(Link::Service), Medium::Mcast(Link::Direct));
    let Some(lab) = started(over(&[service, direct, Medium::Serial]), daemons)? else {
        return Ok(());
    };
    for medium in [service, direct, Medium::Serial] {
        told(&lab, medium, "up", 1)?;
    }
    // The wires of one node: the other node sees a carrier on each, and no packets.
    lab.cut(Node::Web2, Link::Direct, Cut::Silent)?;
    told(&lab, direct, "dead", 1)?;
    lab.cut_serial(Node::Web1)?;
    lab.cut_serial(Node::Web2)?;
    told(&lab, Medium::Serial, "dead", 1)?;
    nobody_is_dead(&lab);
    lab.join_serial(Node::Web1)?;
    lab.join_serial(Node::Web2)?;
    told(&lab, Medium::Serial, "up", 2)?;
    lab.cut(Node::Web2, Link::Service, Cut::Silent)?;
    told(&lab, service, "dead", 1)?;
    // Clients of the address are not affected by a cut: web1 has the address all the time.
    nobody_is_dead(&lab);
    lab.join(Node::Web2, Link::Direct)?;
    told(&lab, direct, "up", 2)?;
    lab.join(Node::Web2, Link::Service)?;
    told(&lab, service, "up", 2)?;
    nobody_is_dead(&lab);
    Ok(())
}

#[test]
fn pair_with_two_of_three_links_lost_stays_together() -> Outcome {
    side_by_side(Roles::ALL, |roles| two_of_three_fail(roles.daemons()))
}

/// The slowest line that heartbeat knows, with no other medium.
fn slow_line(daemons: [Daemon; 2]) -> Outcome {
    const WHILE: Duration = Duration::from_secs(15);
    let config = ClusterConfig {
        baud: 9600,
        keepalive: Duration::from_secs(1),
        deadtime: Duration::from_secs(5),
        warntime: Duration::from_secs(4),
        ..over(&[Medium::Serial])
    };
    let Some(lab) = started(config, daemons)? else { return Ok(()) };
    told(&lab, Medium::Serial, "up", 1)?;
    // There is nothing to wait for: the test is about what must not happen in this time.
    std::thread::sleep(WHILE);
    nobody_is_dead(&lab);
    for node in Node::ALL {
        let log = lab.log(node);
        for bad in
            ["write failure", "TTY write timeout", "too slow", "Late heartbeat", "bad packet"]
        {
            assert!(!log.contains(bad), "log of {node}:\n{log}");
        }
    }
    Ok(())
}

#[test]
fn slowest_serial_line_carries_beats_in_time() -> Outcome {
    side_by_side(Roles::ALL, |roles| slow_line(roles.daemons()))
}

#[test]
fn link_with_lost_return_path_is_reported_dead_by_both_nodes() -> Outcome {
    let media = [Medium::Ucast(Link::Service), Medium::Serial];
    let Some(lab) = started(over(&media), [systole(), systole()])? else { return Ok(()) };
    told(&lab, Medium::Serial, "up", 1)?;
    lab.cut_serial(Node::Web1)?;
    // web1 still hears web2 over it, but not that web2 hears web1.
    told(&lab, Medium::Serial, "dead", 1)?;
    lab.join_serial(Node::Web1)?;
    told(&lab, Medium::Serial, "up", 2)?;
    nobody_is_dead(&lab);
    Ok(())
}

#[test]
fn media_on_one_interface_form_one_link() -> Outcome {
    let eth0 = Link::Service;
    let media = [Medium::Bcast(eth0), Medium::Ucast(eth0), Medium::Mcast(eth0)];
    let Some(lab) = started(over(&media), [systole(), systole()])? else { return Ok(()) };
    told(&lab, media[0], "up", 1)?;
    let status = lab.status(Node::Web1).ok_or("no status")?;
    let links = &status.nodes.iter().find(|node| node.name == "web2").ok_or("no web2")?.links;
    let up = |name: &str| LinkStatus { name: name.to_owned(), up: true };
    // The service network is no medium of ha.cf.
    let links: Vec<_> = links.iter().filter(|it| it.name != "service-network").cloned().collect();
    assert_eq!(links, [up("eth0")]);
    nobody_is_dead(&lab);
    Ok(())
}

#[test]
fn recreated_interface_is_reopened_without_restart() -> Outcome {
    let direct = Link::Direct;
    let media = [
        Medium::Ucast(Link::Service),
        Medium::Bcast(direct),
        Medium::Mcast(direct),
        Medium::Ucast6(direct),
        Medium::Mcast6(direct),
    ];
    let Some(lab) = started(over(&media), [systole(), systole()])? else { return Ok(()) };
    told(&lab, media[1], "up", 1)?;
    lab.pull_out(Node::Web2, direct)?;
    told(&lab, media[1], "dead", 1)?;
    for medium in &media[1..] {
        let kind = medium.line(Node::Web2);
        let kind = kind.split(' ').next().unwrap_or_default();
        logged(&lab, Node::Web2, &format!("{kind} eth1 is lost: "))?;
    }
    let since = Instant::now();
    lab.put_in(Node::Web2, direct)?;
    told(&lab, media[1], "up", 2)?;
    println!("the link is up {:?} after its interface", since.elapsed());
    for opened in [
        "UDP Broadcast heartbeat started on port 694 (694) interface eth1",
        "heartbeat started for group 225.0.0.1 port 694 interface eth1",
        "ucast6: heartbeat started for [",
        "heartbeat started for [ff12::1:2:3:4]:694 on interface eth1",
    ] {
        logged_times(&lab, Node::Web2, opened, 2)?;
    }
    nobody_is_dead(&lab);
    Ok(())
}

#[test]
fn late_interface_is_opened_without_restart() -> Outcome {
    let media = [Medium::Ucast(Link::Service), Medium::Ucast(Link::Direct)];
    let Some(lab) = powered(over(&media), [systole(), systole()])? else { return Ok(()) };
    lab.pull_out(Node::Web2, Link::Direct)?;
    begin(&lab)?;
    logged(&lab, Node::Web2, "ERROR: cannot open ucast eth1: ")?;
    lab.put_in(Node::Web2, Link::Direct)?;
    told(&lab, media[1], "up", 1)?;
    nobody_is_dead(&lab);
    Ok(())
}

#[test]
fn daemon_without_any_medium_exits_and_takes_nothing() -> Outcome {
    let config = over(&[Medium::Ucast(Link::Direct)]);
    let Some(lab) = powered(config, [systole(), systole()])? else { return Ok(()) };
    lab.pull_out(Node::Web1, Link::Direct)?;
    lab.start_daemon(Node::Web1)?;
    logged(&lab, Node::Web1, "No medium could be opened.")?;
    lab.wait_for("the end of the daemon", LIMIT, || !lab.daemon_runs(Node::Web1))?;
    assert_eq!(lab.owners(lab.config().address), []);
    Ok(())
}

#[test]
fn daemon_executing_itself_anew_reopens_its_serial_line() -> Outcome {
    let media = [Medium::Ucast(Link::Service), Medium::Serial];
    let Some(lab) = started(over(&media), [systole(), systole()])? else { return Ok(()) };
    told(&lab, Medium::Serial, "up", 1)?;
    let text = lab.read_file(Node::Web1, "etc/ha.d/ha.cf");
    lab.write_file(Node::Web1, "etc/ha.d/ha.cf", &format!("{text}hopfudge 2\n"))?;
    assert!(lab.run(Node::Web1, &["heartbeat", "-r"])?.success());
    logged(&lab, Node::Web1, "Performing heartbeat restart exec.")?;
    logged_times(&lab, Node::Web1, "glib: Starting serial heartbeat on tty ", 2)?;
    let up = format!("Link web2:{} up.", Medium::Serial.name());
    logged_times(&lab, Node::Web1, &up, 2)?;
    nobody_is_dead(&lab);
    Ok(())
}

#[test]
fn replugged_serial_adapter_is_reopened_without_restart() -> Outcome {
    let media = [Medium::Ucast(Link::Service), Medium::Serial];
    let Some(lab) = started(over(&media), [systole(), systole()])? else { return Ok(()) };
    told(&lab, Medium::Serial, "up", 1)?;
    lab.pull_out_serial(Node::Web2)?;
    told(&lab, Medium::Serial, "dead", 1)?;
    lab.put_in_serial(Node::Web2)?;
    told(&lab, Medium::Serial, "up", 2).inspect_err(|_| print_logs(&lab))?;
    nobody_is_dead(&lab);
    Ok(())
}
