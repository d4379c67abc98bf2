//! More groups than a beat has room for, over a serial line and no other medium.

use crate::{Outcome, logged, over, powered, print_logs, side_by_side, systole};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use systole_lab::diary::{self, AGENT};
use systole_lab::{ClusterConfig, Lab, LabError, Medium, Node};

/// The longest wait for a move: a table takes some time over the line.
const LIMIT: Duration = Duration::from_mins(3);

/// So many groups are not looked at more often: that alone would take all of a processor.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// A condition that is looked at no more often than this.
fn once_in(gap: Duration, mut condition: impl FnMut() -> bool) -> impl FnMut() -> bool {
    let mut last: Option<Instant> = None;
    move || {
        let is_due = last.is_none_or(|last| last.elapsed() >= gap);
        let holds = is_due && condition();
        last = if is_due { Some(Instant::now()) } else { last };
        holds
    }
}

/// A serial line, and the number of groups with an agent that writes a diary. The group that the client
/// probes is one more. A beat has room for some thirty rows, and for fewer on the slowest line.
#[derive(Debug, Clone, Copy)]
struct Case {
    baud: u32,
    groups: u8,
}

impl Case {
    /// Returns the last group that prefers web1; the others prefer web2.
    const fn last_of_web1(self) -> u8 {
        self.groups / 2
    }
}

fn name(group: u8) -> String {
    format!("g{group}")
}

fn config(case: Case) -> ClusterConfig {
    let usual = over(&[Medium::Serial]);
    let line = |group| {
        let home = if group <= case.last_of_web1() { Node::Web1 } else { Node::Web2 };
        format!("{home} {AGENT}::{}", name(group))
    };
    ClusterConfig {
        groups: usual.groups.iter().cloned().chain((1..=case.groups).map(line)).collect(),
        baud: case.baud,
        keepalive: Duration::from_secs(1),
        deadtime: Duration::from_secs(5),
        warntime: Duration::from_secs(4),
        initdead: Duration::from_secs(10),
        ..usual
    }
}

/// Waits until web1 runs the groups up to a number and web2 the rest, and each node reports this for both.
fn divided(lab: &Lab, case: Case, what: &str, last_of_web1: u8) -> Result<(), LabError> {
    let since = Instant::now();
    let wanted = [1..=last_of_web1, last_of_web1 + 1..=case.groups];
    let wanted = wanted.map(|groups| groups.map(name).collect::<BTreeSet<_>>());
    let running = || Node::ALL.map(|node| diary::running(lab, node)) == wanted;
    let agree = || {
        let mut powered = Node::ALL.into_iter().filter(|node| lab.is_powered(*node));
        powered.all(|node| agrees(lab, node, case, last_of_web1))
    };
    let told = || {
        lab.wait_for(what, LIMIT, once_in(LOOK_EVERY, running))?;
        println!("{case:?}, {what}: they run after {:?}", since.elapsed());
        lab.wait_for(&format!("{what}: all agree"), LIMIT, once_in(LOOK_EVERY, agree))
    };
    told().inspect_err(|_| explain(lab, &format!("{case:?}, {what}"), &wanted))?;
    println!("{case:?}, {what}: all agree after {:?}", since.elapsed());
    Ok(())
}

/// Prints how many groups run where, and what is reported about some that should.
fn explain(lab: &Lab, what: &str, wanted: &[BTreeSet<String>; 2]) {
    for (node, wanted) in Node::ALL.into_iter().zip(wanted) {
        let running = diary::running(lab, node);
        println!("{what}: {node} runs {} of {}", running.len(), wanted.len());
        for name in wanted.difference(&running).take(3) {
            for asked in Node::ALL.into_iter().filter(|node| lab.is_powered(*node)) {
                let told = lab.run(asked, &["hb", "why", &format!("{AGENT}::{name}")]);
                println!(
                    "{asked} says of {name}:\n{}",
                    told.map(|it| it.stdout).unwrap_or_default()
                );
            }
        }
    }
}

/// Returns whether a node reports for each group that it is active where it must be.
fn agrees(lab: &Lab, node: Node, case: Case, last_of_web1: u8) -> bool {
    let groups = lab.status(node).unwrap_or_default().groups;
    let owner = |group| if group <= last_of_web1 { Node::Web1 } else { Node::Web2 };
    groups.len() == usize::from(case.groups) + 1
        && (0..).zip(&groups).skip(1).all(|(number, group)| {
            group.phase == "active" && group.owner.as_deref() == Some(owner(number).name())
        })
}

/// Both nodes start, one gives everything away, the other loses its power and comes back.
fn live(lab: &Lab, case: Case) -> Outcome {
    for node in Node::ALL {
        lab.start_daemon(node)?;
    }
    divided(lab, case, "both start", case.last_of_web1())?;
    // The order is refused until the last row of the other node is known. Each order is a message; more than
    // one in a keepalive would fill the line.
    let is_taken = || lab.run(Node::Web1, &["hb", "standby"]).is_ok_and(|told| told.success());
    let is_taken = once_in(lab.config().keepalive, is_taken);
    let took = lab.wait_for("the order is carried out", LIMIT, is_taken)?;
    println!("the order was carried out after {took:?}");
    divided(lab, case, "web1 gives everything away", 0)?;
    for node in Node::ALL {
        let log = lab.log(node);
        for bad in ["is dead", "Late heartbeat", "write failure", "too slow", "bad packet"] {
            if log.contains(bad) {
                print_logs(lab);
                panic!("{node} says `{bad}`");
            }
        }
    }
    diary::power_off(lab, Node::Web2)?;
    divided(lab, case, "web2 is dead", case.groups)?;
    logged(lab, Node::Web1, "WARN: node web2: is dead")?;
    lab.power_on(Node::Web2)?;
    lab.start_daemon(Node::Web2)?;
    divided(lab, case, "web2 is back", case.last_of_web1())?;
    assert_eq!(lab.log(Node::Web1).matches("node web2: is dead").count(), 1);
    let doubled = diary::doubled(lab);
    assert!(doubled.is_empty(), "{doubled:?}");
    Ok(())
}

fn over_line(case: Case) -> Outcome {
    let Some(lab) = powered(config(case), [systole(), systole()])? else { return Ok(()) };
    diary::install(&lab)?;
    live(&lab, case).inspect_err(|_| print_logs(&lab))
}

#[test]
fn groups_beyond_beat_capacity_settle_and_move_over_serial_line() -> Outcome {
    let cases = [Case { baud: 9_600, groups: 60 }, Case { baud: 19_200, groups: 199 }];
    side_by_side(cases, over_line)
}
