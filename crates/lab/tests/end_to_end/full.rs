//! `/run` has no room left while groups move: this does not count as a failure of a group, and nothing has to
//! be retried by hand.

use crate::agent::{GROUP, beside_the_service, install, verbs};
use crate::play::play_with;
use crate::watched::watched;
use crate::{LIMIT, Outcome, nobody_else_answered, print_gap};
use std::error::Error;
use std::net::IpAddr;
use std::thread::sleep;
use std::time::{Duration, Instant};
use systole_lab::{Failback, Lab, LabError, Node, Output};

/// How long `/run` stays full after that was noticed; the time between retries doubles each time.
const WHILE: Duration = Duration::from_secs(2);
/// Records every start and stop, and remembers whether it runs, where there is room.
const AGENT: &str = "#!/bin/sh\ncase $1 in\n\
    start) echo start >>/var/log/agent; touch /var/tmp/told ;;\n\
    stop) echo stop >>/var/log/agent; rm -f /var/tmp/told ;;\n\
    status) [ -e /var/tmp/told ] && echo running || echo stopped ;;\nesac\n";

fn moved() -> IpAddr {
    IpAddr::from([192, 168, 122, 101])
}

fn sh(lab: &Lab, node: Node, script: &str) -> Result<(), LabError> {
    let told = lab.run(node, &["sh", "-ec", script])?;
    assert!(told.success(), "{node}: {script}: {told:?}");
    Ok(())
}

fn prepare(lab: &Lab) -> Outcome {
    for node in Node::ALL {
        sh(lab, node, "mount -o remount,size=2M /run")?;
    }
    install(lab, "told", AGENT)
}

fn fill(lab: &Lab, node: Node) -> Result<(), LabError> {
    let fill = "dd if=/dev/zero of=/run/fill bs=4k 2>/dev/null || true";
    sh(lab, node, &format!("{fill}; ! echo more 2>/dev/null >/run/more"))
}

fn runs_on(lab: &Lab, node: Node) -> Result<(), LabError> {
    let what = format!("it runs on {node}");
    let told = lab.wait_for(&what, LIMIT, || {
        let groups = lab.status(node).map(|status| status.groups).unwrap_or_default();
        let is_told = groups.iter().any(|it| {
            it.name == GROUP && it.phase == "active" && it.owner.as_deref() == Some(node.name())
        });
        is_told && lab.owners(moved()) == [node]
    });
    told.map(|_| ()).inspect_err(|_| {
        let status = lab.run(node, &["hb", "status"]).map(|told| told.stdout);
        println!("{node}: {}", status.unwrap_or_default());
    })
}

fn give_room(lab: &Lab, node: Node) -> Result<(), LabError> {
    sh(lab, node, "rm -f /run/fill /run/more")
}

/// Lets something happen, and returns what each node has started and stopped meanwhile.
fn news(lab: &Lab, happens: impl FnOnce() -> Outcome) -> Result<[String; 2], Box<dyn Error>> {
    let before = Node::ALL.map(|node| verbs(lab, node).len());
    happens()?;
    let [web1, web2] = Node::ALL.map(|node| verbs(lab, node));
    Ok([web1[before[0]..].to_owned(), web2[before[1]..].to_owned()])
}

fn order(lab: &Lab, giver: Node) -> Result<Output, LabError> {
    lab.run(giver, &["hb", "standby", "--group", GROUP])
}

/// A giver without room nevertheless stops what it runs, and records that it did.
fn give_while_full(lab: &Lab, giver: Node) -> Outcome {
    fill(lab, giver)?;
    let told = order(lab, giver)?;
    assert!(told.success(), "{told:?}");
    runs_on(lab, giver.other())?;
    let ledger = lab.run(giver, &["cat", "/run/heartbeat/executor/executor.json"])?.stdout;
    assert!(ledger.contains("\"boot\"") && !ledger.contains("\"told\""), "{ledger}");
    Ok(give_room(lab, giver)?)
}

/// A taker without room says so before anything is stopped.
fn take_not_while_full(lab: &Lab, giver: Node, full: &[Node]) -> Outcome {
    for node in full {
        fill(lab, *node)?;
    }
    let why = "a start could not be recorded: No space left on device";
    let said = || lab.log(giver.other()).matches(why).count();
    let before = said();
    // An order right after the previous move is refused because that move is not over.
    let mut answer = String::new();
    lab.wait_for("the taker says why it does not take it", LIMIT, || {
        let told = order(lab, giver).expect("both nodes have power");
        answer.clone_from(&told.stderr);
        assert_eq!((told.code, told.stdout.as_str()), (Some(1), ""), "{told:?}");
        said() > before
    })?;
    assert!(answer.contains("could not check whether it can run it"), "{answer}");
    runs_on(lab, giver)?;
    sleep(WHILE);
    for node in full {
        give_room(lab, *node)?;
    }
    Ok(runs_on(lab, giver)?)
}

#[test]
fn full_run_directory_during_moves_counts_as_no_failure_of_groups() -> Outcome {
    play_with(&beside_the_service("told", Failback::Off), prepare, |lab| {
        let (web1, web2) = (Node::Web1, Node::Web2);
        runs_on(lab, web1)?;
        let since = Instant::now();
        let seen = watched(lab, &[lab.config().address, moved()], || {
            let done = news(lab, || give_while_full(lab, web1))?;
            assert_eq!(done, ["stop\n", "start\n"]);
            let done = news(lab, || take_not_while_full(lab, web2, &[web1]))?;
            assert_eq!(done, ["", ""]);
            let done = news(lab, || take_not_while_full(lab, web2, &[web1, web2]))?;
            assert_eq!(done, ["", ""]);
            let told = order(lab, web2)?;
            assert!(told.success(), "{told:?}");
            Ok(runs_on(lab, web1)?)
        })?;
        seen[0].stayed_with(web1);
        nobody_else_answered(lab, since);
        print_gap(lab, "full /run", since, Duration::from_millis(50));
        println!("the group that was moved was away for {:?} at most", seen[1].absent);
        for node in Node::ALL {
            let journal = lab.read_file(node, "var/lib/heartbeat/journal.jsonl");
            for sign in ["\"failure\"", "\"stop_failure\"", "\"let_go\"", "\"death\""] {
                assert!(!journal.contains(sign), "{node}: {journal}");
            }
        }
        Ok(())
    })
}
