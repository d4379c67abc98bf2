//! The state of a cluster as text.

mod dropped;

use std::fmt::Write as _;
use systole_core::{
    Action, FailureReport, FenceReport, FenceState, GroupReport, HoldReport, Inability, NodeReport,
    OlderReport, Phase, PingReport, Retirement, Snapshot, StayReport,
};
use systole_node::control::protocol::{AlarmReport, Status};

/// A node whose messages were refused as older ones within that time is refused still.
const RECENT_MS: u64 = 60_000;
/// What was refused longer ago is not told any more.
const OLD_MS: u64 = 3_600_000;

/// The whole state.
pub(crate) fn text(status: &Status) -> String {
    let snapshot = &status.snapshot;
    let mut out = format!(
        "{} is {}, running for {}, heartbeat {} [pid {}]\n",
        snapshot.node,
        snapshot.status,
        age(snapshot.uptime_ms),
        status.version,
        status.pid,
    );
    let mut line = |text: &str| {
        out.push_str(text);
        out.push('\n');
    };
    if snapshot.stopping {
        line("This node is stopping.");
    }
    if !snapshot.executor {
        line("The executor is gone: nothing can be started or stopped until it is back.");
    }
    if let Some((giver, taker, set)) = &snapshot.hand_over {
        line(&format!("{giver} hands over to {taker} [{set}]."));
    } else if let Some(text) = awaited(&snapshot.nodes) {
        line(&text);
    } else if !snapshot.stable {
        line("Resources are in transition.");
    }
    if let Some(renewal) = &status.keys {
        line(&keys(&renewal.waiting));
    }
    let alarm = |alarm: &AlarmReport| format!("ALARM of {}: {}", alarm.group, alarm.text);
    status.alarms.iter().for_each(|told| line(&alarm(told)));
    snapshot.fencing.iter().for_each(|fence| line(&self::fence(fence)));
    holds(snapshot).lines().for_each(&mut line);
    line("\nNodes");
    for node in &snapshot.nodes {
        line(&self::node(node, &snapshot.node));
        let of_node = status.dropped.iter().filter(|it| it.node.as_ref() == Some(&node.name));
        of_node.for_each(|dropped| line(&dropped::of_node(dropped)));
    }
    let mut others = status.dropped.iter().filter(|it| it.node.is_none()).peekable();
    if others.peek().is_some() {
        line("\nDropped packets");
        others.for_each(|dropped| line(&dropped::of_other(dropped)));
    }
    if !snapshot.ping_nodes.is_empty() {
        line("\nPing nodes");
        snapshot.ping_nodes.iter().for_each(|ping| line(&ping_node(ping)));
    }
    line("\nGroups");
    if snapshot.groups.is_empty() {
        line("  none");
    }
    let (retired, groups): (Vec<_>, Vec<_>) =
        snapshot.groups.iter().partition(|group| group.retired.is_some());
    for group in groups {
        line(&self::group(group, &snapshot.nodes));
    }
    for group in retired.into_iter().filter_map(self::retired) {
        line(&group);
    }
    out
}

/// Which nodes a node that starts waits for, and how long.
fn awaited(nodes: &[NodeReport]) -> Option<String> {
    let left = nodes.iter().filter_map(|node| node.awaited_ms).max()?;
    let names = nodes.iter().filter(|node| node.awaited_ms.is_some());
    let names: Vec<&str> = names.map(|node| node.name.as_str()).collect();
    let (names, left) = (names.join(", "), age(left));
    Some(format!(
        "Waits for {names}, not heard since the start: for another {left} at most (initdead), and \
         starts nothing before."
    ))
}

fn keys(waiting: &[String]) -> String {
    match waiting {
        [] => "Keys are renewed: the old ones are accepted for some seconds more.".to_owned(),
        waiting => {
            let names = waiting.join(", ");
            format!("Keys are being renewed: {names} was not heard with the new one yet.")
        }
    }
}

/// What is held, one line each.
pub(crate) fn holds(snapshot: &Snapshot) -> String {
    let mut text = String::new();
    if let Some(hold) = &snapshot.hold {
        text += &held("Everything is", hold);
    }
    for group in &snapshot.groups {
        if let Some(hold) = &group.stay.hold {
            text += &held(&format!("Group {} is", group.name), hold);
        }
    }
    text
}

fn held(what: &str, hold: &HoldReport) -> String {
    let (left, by) = (time_left(hold.left_ms), &hold.by);
    format!(
        "{what} held for another {left} by order on {by}: it moves by order only, and is not taken \
         from a dead node.\n"
    )
}

/// What keeps a group where it is, each on a line of its own.
fn stay(stay: &StayReport, preferred: &str, name: &str) -> String {
    let mut text = String::new();
    if let Some(why) = &stay.withheld {
        text += &format!("\n    held, and so not taken by this node although {why}");
    }
    if let Some(left) = stay.held_down_ms {
        text += &format!(
            "\n    moved by itself too often: stays where it works best for another {}",
            time_left(left)
        );
    }
    if let Some(left) = stay.home_in_ms {
        text +=
            &format!("\n    goes home to {preferred} in {} if that stays well", time_left(left));
    }
    if stay.waits_for_takeover {
        text += &format!("\n    away from home; on {preferred}: hb takeover --group {name}");
    }
    text
}

fn fence(fence: &FenceReport) -> String {
    let (node, since) = (&fence.node, age(fence.since_ms));
    let next = fence.next_ms.map_or_else(String::new, age);
    let state = match fence.state {
        FenceState::Delayed => format!("a device is asked in {next}"),
        FenceState::Running => format!("a device works, attempt {}", fence.attempt),
        FenceState::Failed => format!("attempt {} failed, the next one in {next}", fence.attempt),
    };
    let groups = fence.groups.join(", ");
    format!("Waiting for {since} until {node} is fenced: {state}. Not taken: {groups}.")
}

fn node(node: &NodeReport, own: &str) -> String {
    let mut text = format!("  {:<15} {:<8}", node.name, node.status);
    if node.name == own {
        text += "this node";
        return text;
    }
    // Writing into memory cannot fail.
    let _ = match node.silence_ms {
        Some(silence) => write!(text, "last beat {} ago", age(silence)),
        None => write!(text, "never heard"),
    };
    let _ = match node.awaited_ms {
        Some(left) => write!(text, ", waited for {} more", age(left)),
        None => write!(text, ", dead after {}, runs {}", age(node.deadtime_ms), node.daemon),
    };
    for link in &node.links {
        let _ = write!(text, "\n    {:<13} {}", link.name, state(link.up, link.silence_ms));
    }
    if let Some(told) = node.older.as_ref().and_then(|told| older(node, told)) {
        let _ = write!(text, "\n    {told}");
    }
    text
}

/// Messages of an older generation, while they matter.
fn older(node: &NodeReport, older: &OlderReport) -> Option<String> {
    let OlderReport { generation, known, count, last_ms } = older;
    let (name, last) = (&node.name, age(*last_ms));
    let is_heard = node.silence_ms.is_some_and(|silence| silence < node.deadtime_ms);
    let messages = if *count == 1 { "message" } else { "messages" };
    match last_ms {
        0..RECENT_MS if !is_heard => Some(format!(
            "what it says is refused: its generation {generation} is older than {known} ({count} \
             {messages}, the last {last} ago); if {name} has lost its state: hb forget-peer {name}"
        )),
        0..OLD_MS => Some(format!(
            "{count} {messages} of the older generation {generation} refused, the last {last} ago"
        )),
        _ => None,
    }
}

fn ping_node(ping: &PingReport) -> String {
    format!("  {:<15} {}", ping.name, state(ping.up, ping.silence_ms))
}

fn state(up: bool, silence: Option<u64>) -> String {
    let word = if up { "up" } else { "dead" };
    let heard =
        silence.map_or("never heard".to_owned(), |silence| format!("heard {} ago", age(silence)));
    format!("{word:<8}{heard}")
}

/// A group that stands in haresources no more, while that matters.
fn retired(group: &GroupReport) -> Option<String> {
    let what = match group.retired? {
        Retirement::Here if group.phase == Phase::Blocked => {
            format!("it cannot be stopped here; when that is mended: hb retry {}", group.name)
        }
        Retirement::Here => "it is being stopped here".to_owned(),
        Retirement::Claimed => "claimed here until every node has the new file".to_owned(),
        Retirement::Elsewhere => {
            let owner = group.owner.as_deref().unwrap_or("another node");
            format!("{owner} still has it by its own file")
        }
        Retirement::Untold => {
            let owner = group.owner.as_deref().unwrap_or("another node");
            format!("{owner} may have it by its own file: a C heartbeat does not tell")
        }
        Retirement::Over => return None,
    };
    // The line that is in the file now may differ in the home node alone.
    Some(format!("  retired: {} {}\n    {what}", group.preferred, group.resources.join(" ")))
}

fn group(group: &GroupReport, nodes: &[NodeReport]) -> String {
    let phase = match group.phase {
        Phase::Stopped => "stopped",
        Phase::Starting => "starting",
        Phase::Active => "active",
        Phase::Stopping => "stopping",
        Phase::Failed => "failed",
        Phase::Blocked => "blocked",
    };
    let mut text = format!("  {}\n    ", group.resources.join(" "));
    // Writing into memory cannot fail.
    // Of more than two nodes another one may hear the owner.
    let is_pair = nodes.len() <= 2;
    let is_dead = |owner: &String| {
        let is_silent = nodes.iter().any(|it| it.name == *owner && it.status == "dead");
        is_pair && is_silent && group.phase.holds()
    };
    let _ = match &group.owner {
        Some(owner) if is_dead(owner) => {
            write!(text, "nobody runs it: {owner} had it, and is dead")
        }
        Some(owner) if group.kept_free => write!(
            text,
            "nobody runs it: {owner} keeps it free, because its haresources has no such line"
        ),
        Some(owner) => {
            let least = if group.at_least { "at least " } else { "" };
            let since = age(group.since_ms);
            write!(text, "{phase} on {owner} for {least}{since}: {}", group.reason)
        }
        None => write!(text, "nobody has it yet"),
    };
    if group.stopping_here {
        text += "\n    still being stopped on this node";
    }
    let _ = write!(text, "\n    prefers {}, term {}", group.preferred, group.term);
    let mut why = group.unable_because.iter().map(|why| inability(*why));
    for (at, node) in group.unable.iter().enumerate() {
        let before = if at == 0 { ", cannot run on " } else { ", " };
        let _ = write!(text, "{before}{node}{}", why.next().unwrap_or_default());
    }
    for failure in &group.failures {
        let FailureReport { node, action, resource, outcome } = failure;
        let what = match action {
            Action::Start => "could not start",
            Action::Stop | Action::Status | Action::Monitor | Action::Check => "cannot stop",
        };
        let _ = write!(text, "\n    {node} {what} {resource}: {outcome}");
        let name = group.resources.first().map_or("", |name| name);
        let _ = write!(text, "\n      when that is mended, on {node}: hb retry {name}");
    }
    text + &stay(&group.stay, &group.preferred, &group.name)
}

/// Why a node cannot run a group, behind its name.
const fn inability(why: Inability) -> &'static str {
    match why {
        // What failed stands in a line of its own.
        Inability::Failed | Inability::Unknown => "",
        Inability::Interface => " (an interface that it needs has no carrier or is missing)",
        Inability::OtherLine => " (its haresources has no such line)",
        Inability::UnknownLine => {
            " (another node lacks the line and runs one that is not known here: both need the same haresources)"
        }
        Inability::ExecutorLost => " (its executor is gone)",
        Inability::Told => {
            " (it says so: no interface that works, no executor, or another haresources)"
        }
    }
}

/// A time that is left, in which parts of a second do not matter.
fn time_left(milliseconds: u64) -> String {
    match milliseconds.div_ceil(1000) {
        seconds @ ..60 => format!("{seconds} s"),
        seconds => age(seconds.saturating_mul(1000)),
    }
}

/// A time as people say it.
fn age(milliseconds: u64) -> String {
    let seconds = milliseconds / 1000;
    match seconds {
        0 => format!("{milliseconds} ms"),
        1..60 => format!("{seconds}.{} s", milliseconds % 1000 / 100),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} days {} h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use systole_core::LinkReport;

    #[test]
    fn ages_have_two_places() {
        let ages = [7, 1234, 61_000, 7_260_000, 90_000_000].map(age);
        assert_eq!(ages, ["7 ms", "1.2 s", "1 min 1 s", "2 h 1 min", "1 days 1 h"]);
    }

    #[test]
    fn nodes_show_their_links() {
        let report = NodeReport {
            name: "web2".to_owned(),
            status: "active".to_owned(),
            daemon: "systole".to_owned(),
            silence_ms: Some(120),
            deadtime_ms: 650,
            links: vec![LinkReport { name: "eth0".to_owned(), up: true, silence_ms: None }],
            awaited_ms: None,
            older: None,
        };
        let text = node(&report, "web1");
        let beat =
            "  web2            active  last beat 120 ms ago, dead after 650 ms, runs systole";
        assert_eq!(text, format!("{beat}\n    eth0          up      never heard"));
        assert_eq!(node(&report, "web2"), "  web2            active  this node");
    }

    #[test]
    fn a_fence_tells_what_waits_for_it_and_since_when() {
        let mut report = FenceReport {
            node: "web1".to_owned(),
            state: FenceState::Failed,
            since_ms: 12_300,
            attempt: 3,
            next_ms: Some(1_700),
            groups: vec!["10.0.0.9".to_owned()],
        };
        let text = "Waiting for 12.3 s until web1 is fenced: attempt 3 failed, the next one in \
                    1.7 s. Not taken: 10.0.0.9.";
        assert_eq!(fence(&report), text);
        (report.state, report.next_ms) = (FenceState::Running, None);
        assert!(fence(&report).contains("fenced: a device works, attempt 3. Not"));
    }

    #[test]
    fn a_renewal_of_the_keys_names_who_has_not_got_them() {
        let waiting = ["web2".to_owned(), "web3".to_owned()];
        let text = "Keys are being renewed: web2, web3 was not heard with the new one yet.";
        assert_eq!(keys(&waiting), text);
        assert!(keys(&[]).contains("for some seconds more"));
    }

    #[test]
    fn what_keeps_a_group_where_it_is_is_told_with_its_end() {
        let all = StayReport {
            hold: None,
            withheld: Some("web1 was silent for 650 ms".to_owned()),
            held_down_ms: Some(52_900),
            home_in_ms: Some(61_000),
            waits_for_takeover: true,
        };
        let told = "\n    held, and so not taken by this node although web1 was silent for 650 ms\
                    \n    moved by itself too often: stays where it works best for another 53 s\
                    \n    goes home to web1 in 1 min 1 s if that stays well\
                    \n    away from home; on web1: hb takeover --group 10.0.0.9";
        assert_eq!(stay(&all, "web1", "10.0.0.9"), told);
        assert_eq!(stay(&StayReport::default(), "web1", "10.0.0.9"), "");
        let hold = HoldReport { by: "web2".to_owned(), left_ms: 3_599_000 };
        let text = held("Everything is", &hold);
        assert!(text.starts_with("Everything is held for another 59 min 59 s by order on web2: "));
    }

    #[test]
    fn groups_say_who_has_them_and_why() {
        let mut report = GroupReport {
            name: "10.0.0.9".to_owned(),
            resources: vec!["10.0.0.9".to_owned(), "nginx".to_owned()],
            preferred: "web1".to_owned(),
            owner: Some("web2".to_owned()),
            term: 3,
            phase: Phase::Active,
            since_ms: 61_000,
            at_least: false,
            kept_free: false,
            reason: "web1 was silent for 650 ms".to_owned(),
            stopping_here: false,
            unable: Vec::new(),
            unable_because: Vec::new(),
            failures: Vec::new(),
            stay: StayReport::default(),
            retired: None,
        };
        let text = "  10.0.0.9 nginx\n    active on web2 for 1 min 1 s: web1 was silent for 650 ms\n    \
                    prefers web1, term 3";
        assert_eq!(group(&report, &[]), text);
        let dead = NodeReport {
            name: "web2".to_owned(),
            status: "dead".to_owned(),
            daemon: "systole".to_owned(),
            silence_ms: Some(9_000),
            deadtime_ms: 2_000,
            links: Vec::new(),
            awaited_ms: None,
            older: None,
        };
        let old = GroupReport { retired: Some(Retirement::Claimed), ..report.clone() };
        let start = "  retired: web1 10.0.0.9 nginx\n    claimed here until";
        assert!(retired(&old).is_some_and(|text| text.starts_with(start)));
        let told = group(&report, &[dead]);
        assert!(told.contains("\n    nobody runs it: web2 had it, and is dead\n"), "{told}");
        let kept = GroupReport { kept_free: true, ..report.clone() };
        let told = group(&kept, &[]);
        assert!(told.contains("\n    nobody runs it: web2 keeps it free, because"), "{told}");
        report.stopping_here = true;
        assert!(
            group(&report, &[])
                .contains("\n    still being stopped on this node\n    prefers web1")
        );
        report.stopping_here = false;
        report.at_least = true;
        assert!(group(&report, &[]).contains("active on web2 for at least 1 min 1 s: web1"));
        report.owner = None;
        report.unable = vec!["web1".to_owned()];
        assert!(group(&report, &[]).contains("nobody has it yet"));
        assert!(group(&report, &[]).ends_with("term 3, cannot run on web1"), "a daemon of before");
        for (why, told) in [
            (Inability::Interface, " (an interface that it needs has no carrier or is missing)"),
            (Inability::OtherLine, " (its haresources has no such line)"),
            (Inability::ExecutorLost, " (its executor is gone)"),
            (Inability::Failed, ""),
        ] {
            report.unable_because = vec![why];
            assert!(group(&report, &[]).ends_with(&format!("cannot run on web1{told}")), "{why:?}");
        }
        report.failures = vec![FailureReport {
            node: "web1".to_owned(),
            action: Action::Start,
            resource: "nginx".to_owned(),
            outcome: "exit code 1".to_owned(),
        }];
        let advice = "web1\n    web1 could not start nginx: exit code 1\n      \
                      when that is mended, on web1: hb retry 10.0.0.9";
        assert!(group(&report, &[]).ends_with(advice), "{}", group(&report, &[]));
        report.failures[0].outcome = "interface eth1.10 does not exist".to_owned();
        let reason = "web1 could not start nginx: interface eth1.10 does not exist\n";
        assert!(group(&report, &[]).contains(reason), "{}", group(&report, &[]));
    }

    #[test]
    fn a_node_that_is_waited_for_or_refused_is_told_with_what_helps() {
        let mut report = NodeReport {
            name: "web2".to_owned(),
            status: "init".to_owned(),
            daemon: "unknown".to_owned(),
            silence_ms: None,
            deadtime_ms: 3000,
            links: Vec::new(),
            awaited_ms: Some(58_100),
            older: None,
        };
        let start = "  web2            init    never heard, ";
        assert_eq!(node(&report, "web1"), format!("{start}waited for 58.1 s more"));
        let text = "Waits for web2, not heard since the start: for another 58.1 s at most \
                    (initdead), and starts nothing before.";
        assert_eq!(awaited(std::slice::from_ref(&report)).as_deref(), Some(text));
        report.awaited_ms = None;
        assert_eq!(awaited(std::slice::from_ref(&report)), None);
        let count = OlderReport { generation: 17, known: 20, count: 12, last_ms: 1000 };
        report.older = Some(count);
        let text = "what it says is refused: its generation 17 is older than 20 (12 messages, the \
                    last 1.0 s ago); if web2 has lost its state: hb forget-peer web2";
        assert!(node(&report, "web1").ends_with(text), "{}", node(&report, "web1"));
        report.silence_ms = Some(100);
        let text = "    12 messages of the older generation 17 refused, the last 1.0 s ago";
        assert!(node(&report, "web1").ends_with(text), "{}", node(&report, "web1"));
    }
}
