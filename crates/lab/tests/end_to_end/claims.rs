//! Claims that hold nothing, and daemons that start while an agent is at work: what runs well goes on.

use crate::play::{never_two, play_with};
use crate::{LIMIT, Outcome, print_gap};
use std::net::IpAddr;
use std::thread::sleep;
use std::time::{Duration, Instant};
use systole_lab::{ClusterConfig, Cut, Failback, Lab, LabError, Link, Node};

/// Tells every start and stop on its node's disk, takes 4 s to stop, and no time to start.
const SLOW_STOP: &str = "#!/bin/sh\ncase $1 in\n\
    start) echo start >>/var/log/agent; touch /run/slow ;;\n\
    stop) echo stop >>/var/log/agent; [ -e /run/slow ] && sleep 4; rm -f /run/slow ;;\n\
    status) [ -e /run/slow ] && echo running || echo stopped ;;\nesac\n";
/// Ignores the request to end, and starts within some seconds.
const SLOW_START: &str = "#!/bin/sh\ntrap '' TERM\ncase $1 in\n\
    start) echo start >>/var/log/agent; end=$(($(date +%s) + 15))\n\
           while [ $(date +%s) -lt $end ] && [ ! -e /var/tmp/go ]; do sleep 0.2; done; touch /run/slow ;;\n\
    stop) echo stop >>/var/log/agent; rm -f /run/slow ;;\n\
    status) [ -e /run/slow ] && echo running || echo stopped ;;\nesac\n";

/// web1 is the home of everything; a group of its own shows the client that its daemon holds on.
fn config(groups: &[&str]) -> ClusterConfig {
    ClusterConfig {
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        failback: Failback::Off,
        ipfail: false,
        deadtime: Duration::from_secs(2),
        warntime: Duration::from_secs(1),
        initdead: Duration::from_secs(4),
        ..ClusterConfig::default()
    }
}

fn service() -> String {
    format!("web1 192.168.122.100/24/eth0 {}", ClusterConfig::default().service.word())
}

fn slow_address() -> IpAddr {
    IpAddr::from([192, 168, 122, 101])
}

fn install(lab: &Lab, text: &str) -> Outcome {
    for node in Node::ALL {
        lab.write_file(node, "etc/ha.d/resource.d/slow", text)?;
    }
    Ok(())
}

fn verbs(lab: &Lab, node: Node) -> String {
    lab.read_file(node, "var/log/agent")
}

/// Whoever owns `address`, it is `node` alone.
fn is_alone(lab: &Lab, address: IpAddr, node: Node) {
    let owners = lab.owners(address);
    never_two(&owners, owners.len() > 1);
    assert_eq!(owners, [node], "{address} was moved or lost");
}

/// One takes what the other runs while the two are cut off, in a higher term, and loses it; then it
/// comes back, and the other goes on.
fn comes_back(lab: &Lab, back: Node, lose: impl Fn(&Lab, Node) -> Result<(), LabError>) -> Outcome {
    let (stays, address) = (back.other(), slow_address());
    lab.cut(back, Link::Service, Cut::Silent)?;
    lab.wait_for("it is taken while cut off", LIMIT, || lab.owners(address).contains(&back))?;
    lose(lab, back)?;
    lab.wait_for("it is lost again", LIMIT, || lab.owners(address) == [stays])?;
    let before = verbs(lab, stays);
    if !lab.is_powered(back) {
        lab.power_on(back)?;
    }
    lab.join(back, Link::Service)?;
    lab.start_daemon(back)?;
    let since = Instant::now();
    while since.elapsed() < Duration::from_secs(7) {
        is_alone(lab, address, stays);
        sleep(Duration::from_millis(50));
    }
    assert_eq!(verbs(lab, stays), before, "the agent of what runs well was called");
    assert!(lab.status(back).is_some(), "it came back");
    Ok(())
}

/// Both ways to lose it, one after the other.
fn comes_back_twice(lab: &Lab, back: Node) -> Outcome {
    comes_back(lab, back, Lab::stop_daemon)?;
    comes_back(lab, back, Lab::power_off)
}

#[test]
fn a_node_that_lost_what_it_took_while_cut_off_comes_back_and_disturbs_nothing() -> Outcome {
    play_with(
        &config(&[&service(), "web1 192.168.122.101/24/eth0 slow"]),
        |lab| install(lab, SLOW_STOP),
        |lab| {
            let has_it = || lab.owners(slow_address()) == [Node::Web1];
            lab.wait_for("web1 has it", LIMIT, has_it)?;
            comes_back_twice(lab, Node::Web2)
        },
    )
}

#[test]
fn the_home_of_a_group_comes_back_likewise_and_does_not_start_it() -> Outcome {
    play_with(
        &config(&[&service(), "web1 192.168.122.101/24/eth0 slow"]),
        |lab| install(lab, SLOW_STOP),
        |lab| {
            lab.run(Node::Web1, &["hb", "standby", "--group", "192.168.122.101/24/eth0"])?;
            let has_it = || lab.owners(slow_address()) == [Node::Web2];
            lab.wait_for("web2 has it", LIMIT, has_it)?;
            comes_back_twice(lab, Node::Web1)
        },
    )
}

/// What is done to web1's daemon while its agent starts, each with the pause before it.
fn restarts(lab: &Lab) -> Outcome {
    let web1 = Node::Web1;
    let text = lab.read_file(web1, "etc/ha.d/ha.cf");
    for (number, pause) in [300, 40, 700, 170, 520, 90].into_iter().enumerate() {
        sleep(Duration::from_millis(pause));
        match number % 3 {
            0 => {
                let told = lab.run(web1, &["hb", "restart"])?;
                assert!(told.success(), "{told:?}");
                assert!(told.stdout.contains("is held and waits"), "{told:?}");
            }
            1 => {
                lab.kill_daemon(web1)?;
                lab.start_daemon(web1)?;
            }
            _ => {
                lab.write_file(web1, "etc/ha.d/ha.cf", &format!("{text}hopfudge {number}\n"))?;
                let told = lab.run(web1, &["hb", "reload"])?;
                assert!(told.success(), "{told:?}");
            }
        }
        is_alone(lab, slow_address(), web1);
    }
    Ok(())
}

#[test]
fn a_daemon_that_starts_anew_while_an_agent_starts_moves_nothing() -> Outcome {
    play_with(
        &config(&[&service(), "web1 192.168.122.101/24/eth0 slow"]),
        |lab| install(lab, SLOW_START),
        |lab| {
            let (web1, web2) = (Node::Web1, Node::Web2);
            lab.wait_for("its agent starts", LIMIT, || verbs(lab, web1) == "start\n")?;
            let since = Instant::now();
            restarts(lab)?;
            lab.write_file(web1, "var/tmp/go", "")?;
            let runs = || {
                let status = lab.status(web1)?;
                let group = status.groups.into_iter().find(|it| it.name.contains("101"))?;
                (group.phase == "active" && group.owner.as_deref() == Some("web1")).then_some(())
            };
            lab.wait_for("it runs", LIMIT, || runs().is_some())?;
            is_alone(lab, slow_address(), web1);
            assert_eq!(verbs(lab, web1), "start\n", "it is started once, and not stopped");
            assert_eq!(verbs(lab, web2), "", "nobody else took it");
            let moved = lab.probe().gaps(since).into_iter().find(|gap| gap.after != gap.before);
            assert!(moved.is_none(), "the other group moved: {moved:?}");
            print_gap(lab, "six new daemons", since, Duration::from_millis(50));
            Ok(())
        },
    )
}
