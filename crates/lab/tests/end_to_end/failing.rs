//! Services that do not start, do not stop, lie, or are slow.

use crate::{LIMIT, Outcome, pair, systole};
use std::net::IpAddr;
use std::time::{Duration, Instant};
use systole_lab::{ClusterConfig, Failback, Lab, LabError, Node};

/// A script that records every start and stop, in order, in a file on its node's disk.
const TELL: &str = "#!/bin/sh\nname=$(basename $0)\n\
                    case \"$*\" in *st[ao][rp]*) echo \"$name $*\" >>/var/log/agents ;; esac\n";
/// Remembers whether it runs.
const HONEST: &str = "case $1 in\nstart) touch /run/$name ;;\nstop) rm -f /run/$name ;;\n\
                      status) [ -e /run/$name ] && echo running || echo stopped ;;\nesac\n";
/// Does not start before it has been repaired on its node.
const FUSSY: &str = "[ $1 = start ] && [ ! -e /var/tmp/$name.mended ] && exit 7\n";
/// Does not finish its start before it is allowed to.
const SLOW: &str = "while [ $1 = start ] && [ ! -e /var/tmp/go ]; do sleep 0.05; done\n";
/// Always says that it runs, and prints much more.
const BOASTER: &str = "[ $1 = status ] && echo running || yes | head -c 3000000\nexit 0\n";
/// Does not stop before it has been repaired on its node. Its argument comes before the verb.
const STUCK: &str = "name=$name.$1; shift\n\
                     [ $1 = stop ] && [ ! -e /var/tmp/mended ] && exit 3\n";

fn scripts(lab: &Lab) -> Result<(), LabError> {
    let all = [
        ("plain", [HONEST, ""]),
        ("fussy", [FUSSY, HONEST]),
        ("hopeless", [FUSSY, HONEST]),
        ("slow", [SLOW, HONEST]),
        ("boaster", [BOASTER, ""]),
        ("stuck", [STUCK, HONEST]),
    ];
    for (name, [first, second]) in all {
        let text = format!("{TELL}{first}{second}");
        for node in Node::ALL {
            lab.write_file(node, &format!("etc/ha.d/resource.d/{name}"), &text)?;
        }
    }
    Ok(())
}

fn config(groups: &[&str]) -> ClusterConfig {
    ClusterConfig {
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        ipfail: false,
        // This test is not about how fast a death is detected.
        deadtime: Duration::from_secs(2),
        warntime: Duration::from_secs(1),
        initdead: Duration::from_secs(4),
        ..ClusterConfig::default()
    }
}

/// Returns whether this machine was so slow that a node lost what it had, for lack of a permit or because an
/// address was not renewed in time. In this case more was started and stopped than the test has ordered.
fn was_slow(lab: &Lab) -> bool {
    let words = |node| lab.log(node) + &lab.read_file(node, "var/lib/heartbeat/journal.jsonl");
    let signs = ["This node did not run for", "\"let_go\"", "releasing all", "is dead"];
    let text = Node::ALL.map(words).concat();
    let was_slow = signs.iter().any(|sign| text.contains(sign));
    if was_slow {
        println!("the machine was slow: what exactly was done is not looked at");
    }
    was_slow
}

/// Waits until a node reports the phase and the owner of each group, by the end of its address.
fn is_told(lab: &Lab, node: Node, wanted: &[(u8, &str, Node)]) -> Result<(), LabError> {
    let what = format!("{node} tells {wanted:?}");
    let told = lab.wait_for(&what, LIMIT, || {
        let Some(status) = lab.status(node) else { return false };
        wanted.iter().all(|(last, phase, owner)| {
            let name = format!("192.168.122.{last}/24/eth0");
            let group = status.groups.iter().find(|group| group.name == name);
            group.is_some_and(|it| it.phase == *phase && it.owner.as_deref() == Some(owner.name()))
        })
    });
    told.map(|_| ()).inspect_err(|_| {
        for node in Node::ALL {
            println!("--- {node}: {:#?}\n{}", lab.status(node), lab.log(node));
        }
    })
}

/// Returns the starts and stops on a node that contain one of these words.
fn verbs(lab: &Lab, node: Node, words: &[&str]) -> Vec<String> {
    let told = lab.read_file(node, "var/log/agents");
    let is_wanted = |line: &&str| words.iter().any(|word| line.starts_with(word));
    told.lines().filter(is_wanted).map(str::to_owned).collect()
}

fn says(lab: &Lab, node: Node, command: &[&str], wanted: &[&str]) -> Outcome {
    lab.wait_for_answer(node, command, wanted)?;
    Ok(())
}

fn address(last: u8) -> IpAddr {
    IpAddr::from([192, 168, 122, last])
}

#[test]
fn groups_fail_and_move_independently_of_each_other() -> Outcome {
    let (web1, web2) = (Node::Web1, Node::Web2);
    let config = config(&[
        "web1 192.168.122.101/24/eth0 plain fussy",
        "web1 192.168.122.102/24/eth0 hopeless",
        "web2 192.168.122.103/24/eth0 slow",
        "web2 192.168.122.104/24/eth0 boaster",
    ]);
    let Some(lab) = pair(config, [systole(), systole()])? else { return Ok(()) };
    scripts(&lab)?;
    lab.write_file(web2, "var/tmp/fussy.mended", "")?;
    for node in Node::ALL {
        lab.start_daemon(node)?;
    }
    // One group goes to the other node, one stays where it failed last, one agent is believed; and no group
    // waits for the slow one.
    let slow = Instant::now();
    let placed = [(101, "active", web2), (102, "failed", web2), (104, "active", web2)];
    for node in Node::ALL {
        is_told(&lab, node, &placed)?;
        is_told(&lab, node, &[(103, "starting", web2)])?;
    }
    assert_eq!(lab.owners(address(102)), []);
    let order = ["plain start", "fussy start", "fussy stop", "plain stop"];
    let orders = Node::ALL.map(|node| verbs(&lab, node, &["plain", "fussy"]));
    let boaster = verbs(&lab, web2, &["boaster"]);
    if !was_slow(&lab) {
        assert_eq!(orders[0], order);
        assert_eq!(orders[1], order[..2]);
        assert_eq!(boaster, Vec::<String>::new(), "it said that it runs");
    }
    for node in Node::ALL {
        let failed = "web1 could not start fussy: exit code 7\n      \
                      after fixing the cause, run on web1: hb retry 192.168.122.101";
        let both = ["web1 could not start hopeless: exit", "web2 could not start hopeless: exit"];
        says(&lab, node, &["hb", "status"], &[failed, both[0], both[1]])?;
        says(&lab, node, &["hb", "why", "192.168.122.102"], &both)?;
    }
    // Longer than the dead time: beats continue, and no node is dead.
    lab.wait_for("twice the dead time", LIMIT, || slow.elapsed() > lab.config().deadtime * 2)?;
    lab.write_file(web2, "var/tmp/go", "")?;
    is_told(&lab, web1, &[(103, "active", web2)])?;
    let logs = Node::ALL.map(|node| lab.log(node)).concat();
    let is_excused = logs.contains("This node did not run for");
    assert!(is_excused || !logs.contains("is dead"), "{logs}");

    // After the repair it is tried again: one group fails back, the other runs where it was repaired.
    lab.write_file(web1, "var/tmp/fussy.mended", "")?;
    lab.write_file(web2, "var/tmp/hopeless.mended", "")?;
    assert!(lab.run(web1, &["hb", "retry", "192.168.122.101"])?.success());
    assert!(lab.run(web2, &["hb", "retry"])?.success());
    is_told(&lab, web1, &[(101, "active", web1), (102, "active", web2)])?;
    assert_eq!(lab.run(web2, &["hb", "retry"])?.code, Some(1), "nothing has failed there now");

    // The slow group also fails over, and does not delay the others.
    lab.power_off(web2)?;
    is_told(&lab, web1, &[(103, "starting", web1), (104, "active", web1)])?;
    lab.write_file(web1, "var/tmp/go", "")?;
    is_told(&lab, web1, &[(103, "active", web1), (101, "active", web1)]).map_err(Into::into)
}

#[test]
fn node_unable_to_stop_service_restarts_and_peer_takes_over() -> Outcome {
    let (web1, web2) = (Node::Web1, Node::Web2);
    let config = config(&["web1 192.168.122.100/24/eth0 stuck::one fussy"]);
    let config = ClusterConfig { failback: Failback::Off, ..config };
    let Some(lab) = pair(config, [systole(), systole()])? else { return Ok(()) };
    scripts(&lab)?;
    lab.write_file(web2, "var/tmp/fussy.mended", "")?;
    for node in Node::ALL {
        lab.start_daemon(node)?;
    }
    // The group stops because its last resource does not start, and its first resource does not stop.
    lab.wait_for("web1 restarts", LIMIT, || !lab.read_file(web1, "var/log/power").is_empty())?;
    lab.power_off(web1)?;
    let reason = "stuck::one of group 192.168.122.100/24/eth0 could not be stopped\n";
    assert_eq!(lab.read_file(web1, "var/log/power"), reason);
    is_told(&lab, web2, &[(100, "active", web2)])?;
    let (given, taken) = (verbs(&lab, web1, &["stuck"]), verbs(&lab, web2, &["stuck"]));
    assert!(given.len() >= 12, "a start, a stop, and ten more: {given:?}");
    assert_eq!(taken.first().map(String::as_str), Some("stuck one start"));
    // Both lines are on the disk before the machine restarts.
    lab.wait_for_log(web1, &["Retrying failed stop operation [stuck::one]", "Reboot required!"])?;
    let journal = lab.read_file(web1, "var/lib/heartbeat/journal.jsonl");
    assert!(journal.contains("\"stop_failure\""), "{journal}");
    Ok(())
}

#[test]
fn group_that_cannot_be_stopped_is_blocked_with_or_without_its_address() -> Outcome {
    let (web1, web2) = (Node::Web1, Node::Web2);
    let config = config(&[
        "web1 192.168.122.101/24/eth0 stuck::one fussy",
        "web2 192.168.122.102/24/eth0 stuck::two fussy",
    ]);
    let config = ClusterConfig { failback: Failback::Off, ..config };
    let text = |policy| format!("{}stop_failure {policy}\n", config.ha_cf(web1));
    let files = [(web1, text("block")), (web2, text("release-address"))];
    let Some(lab) = pair(config.clone(), [systole(), systole()])? else { return Ok(()) };
    scripts(&lab)?;
    for (node, text) in files {
        let other = |text: &str| text.replace("192.168.122.22", "192.168.122.20");
        let text = if node == web2 { other(&text) } else { text };
        lab.write_file(node, "etc/ha.d/ha.cf", &text)?;
        lab.start_daemon(node)?;
    }
    let blocked = [(101, "blocked", web1), (102, "blocked", web2)];
    for node in Node::ALL {
        is_told(&lab, node, &blocked)?;
        says(&lab, node, &["hb", "status"], &["web1 cannot stop stuck::one: exit code 3"])?;
    }
    // A machine that is too slow to renew the address loses it; no other node gets it.
    let owners = lab.owners(address(101));
    assert!(owners == [web1] || owners.is_empty(), "{owners:?}");
    lab.wait_for("the other address is gone", LIMIT, || lab.owners(address(102)).is_empty())?;
    says(&lab, web1, &["hb", "why", "192.168.122.101"], &["is blocked on web1 (since"])?;
    assert_eq!(verbs(&lab, web2, &["stuck one"]), Vec::<String>::new(), "nobody else starts it");
    assert_eq!(verbs(&lab, web1, &["stuck two"]), Vec::<String>::new(), "nobody else starts it");

    for node in Node::ALL {
        lab.write_file(node, "var/tmp/mended", "")?;
        lab.write_file(node, "var/tmp/fussy.mended", "")?;
        assert!(lab.run(node, &["hb", "retry"])?.success());
    }
    is_told(&lab, web1, &[(101, "active", web1), (102, "active", web2)])?;
    assert_eq!((lab.owners(address(101)), lab.owners(address(102))), (vec![web1], vec![web2]));
    Ok(())
}
