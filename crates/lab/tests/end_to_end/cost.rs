//! What a hundred checked services cost: with built-in checks alone, and with agents, which take a process for each
//! check.

use crate::{LIMIT, Outcome, owned_by, pair, systole};
use std::thread::sleep;
use std::time::Duration;
use systole_lab::{ClusterConfig, Lab, LabError, Node};

/// The number of groups, and of services in each.
const GROUPS: usize = 10;
const EACH: usize = 10;
/// How long is measured: one interval of the checks, so that each service is checked once.
const SPAN: Duration = Duration::from_secs(10);
/// The most that built-in checks may cost: this part of what asking agents costs.
const RATIO: f64 = 0.5;
/// All services are checked by their agents.
const AGENTS: &str = "monitor default every 10s\n";
/// The time of a clock tick, see proc(5).
const TICK: Duration = Duration::from_millis(10);
/// A question that is answered by nothing, and counts for nothing.
const REFUSED: &str =
    "monitor service::0 every 10s failures 100 agent off\ncheck service::0 tcp 127.0.0.1:9\n";
/// A service that is a file.
const SCRIPT: &str = "\
#!/bin/sh
case $2 in
start) : >/run/service.$1 ;;
stop) rm -f /run/service.$1 ;;
status) if [ -e /run/service.$1 ]; then echo running; else echo stopped; exit 3; fi ;;
esac
";
/// Prints the processor time of every process of the daemon, then that of its ended children, in ticks.
const TIMES: &str = "\
for pid in $(ls /proc | grep '^[0-9]'); do
    case $(readlink /proc/$pid/exe) in */heartbeat) sed 's/.*) //' /proc/$pid/stat | cut -d' ' -f 12-15 ;; esac
done";

/// What the daemon and the executor have used, and the agents that they started.
#[derive(Debug, Clone, Copy)]
struct Used {
    own: Duration,
    agents: Duration,
}

fn config() -> ClusterConfig {
    let usual = ClusterConfig::default();
    let first = format!("web1 {}/24/eth0 {}", usual.address, usual.service.word());
    let group = |group: usize| {
        let words: Vec<_> =
            (0..EACH).map(|each| format!("service::{}", group * EACH + each)).collect();
        format!("web1 {}", words.join(" "))
    };
    ClusterConfig {
        groups: [first].into_iter().chain((0..GROUPS).map(group)).collect(),
        keepalive: Duration::from_secs(1),
        deadtime: Duration::from_secs(4),
        warntime: Duration::from_secs(2),
        initdead: Duration::from_secs(4),
        ipfail: false,
        ..usual
    }
}

/// One built-in question about each service, of all kinds, and one more that shows that they are asked.
fn checks() -> String {
    let questions = [
        "tcp 127.0.0.1:80",
        "http http://127.0.0.1/",
        "process /run/heartbeat.pid",
        "process helper",
    ];
    let lines = questions.iter().cycle().take(GROUPS * EACH).enumerate();
    let lines = lines.map(|(at, question)| format!("check service::{at} {question}\n"));
    lines.chain([REFUSED.to_owned()]).collect()
}

/// Returns what the processes of the node's daemon have used so far.
fn used(lab: &Lab) -> Result<Used, LabError> {
    let told = lab.run(Node::Web1, &["sh", "-c", TIMES])?;
    let rows: Vec<Vec<u32>> = told
        .stdout
        .lines()
        .map(|line| line.split(' ').map(|word| word.parse().expect("a number")).collect())
        .collect();
    assert!(rows.len() > 1, "the daemon and the executor: {told:?}");
    let sum = |columns: [usize; 2]| {
        TICK * rows.iter().map(|row| columns.iter().map(|at| row[*at]).sum::<u32>()).sum::<u32>()
    };
    Ok(Used { own: sum([0, 1]), agents: sum([2, 3]) })
}

/// Returns what is used meanwhile.
fn measured(lab: &Lab, what: &str) -> Result<Used, LabError> {
    let before = used(lab)?;
    sleep(SPAN);
    let after = used(lab)?;
    let used = Used {
        own: after.own.saturating_sub(before.own),
        agents: after.agents.saturating_sub(before.agents),
    };
    println!("{what}: {:?} of our own and {:?} of agents in {SPAN:?}", used.own, used.agents);
    Ok(used)
}

fn reload(lab: &Lab, lines: &str) -> Result<(), LabError> {
    let text = lab.config().ha_cf(Node::Web1) + lines;
    lab.write_file(Node::Web1, "etc/ha.d/ha.cf", &text)?;
    let told = lab.run(Node::Web1, &["hb", "reload"])?;
    assert!(told.success(), "{told:?}");
    Ok(())
}

/// Returns how many services were found well.
fn checked(lab: &Lab) -> usize {
    let told = lab.run(Node::Web1, &["hb", "status"]);
    told.map_or(0, |told| told.stdout.matches(" ago in ").count())
}

#[test]
fn hundred_built_in_checks_cost_less_than_half_of_what_agents_cost() -> Outcome {
    let Some(lab) = pair(config(), [systole(), systole()])? else { return Ok(()) };
    lab.write_file(Node::Web1, "etc/ha.d/resource.d/service", SCRIPT)?;
    lab.start_daemon(Node::Web1)?;
    owned_by(&lab, Node::Web1)?;
    lab.wait_for("everything runs", LIMIT, || {
        let status = lab.status(Node::Web1);
        status.is_some_and(|status| status.groups.iter().all(|group| group.phase == "active"))
    })?;
    let nothing = measured(&lab, "without checks")?;
    reload(&lab, &checks())?;
    lab.wait_for("all are checked", LIMIT, || checked(&lab) == GROUPS * EACH)?;
    let built_in = measured(&lab, "with built-in checks every 10 s")?;
    assert_eq!(checked(&lab), GROUPS * EACH, "{:?}", lab.run(Node::Web1, &["hb", "status"]));
    lab.wait_for_answer(Node::Web1, &["hb", "status"], &["Connection refused"])?;
    reload(&lab, AGENTS)?;
    // The web server is checked too.
    lab.wait_for("all agents are asked", LIMIT, || checked(&lab) > GROUPS * EACH)?;
    let agents = measured(&lab, "with agents asked every 10 s")?;
    let share = |more: Duration, less: Duration| {
        more.saturating_sub(less).as_secs_f64() / SPAN.as_secs_f64()
    };
    let own = |used: Used| share(used.own, nothing.own) + share(used.agents, nothing.agents);
    let built_in = own(built_in);
    for (what, share) in [
        ("a hundred built-in checks", built_in),
        ("asking a hundred agents", share(agents.own, nothing.own)),
        ("those agents themselves", share(agents.agents, nothing.agents)),
    ] {
        println!("{what}: {:.2} % of a core", share * 100.0);
    }
    // How much of a core it is depends on the machine and the build; asking agents is the rival.
    let rival = share(agents.own, nothing.own) + share(agents.agents, nothing.agents);
    assert!(built_in < rival * RATIO, "{built_in} of {rival}");
    Ok(())
}
