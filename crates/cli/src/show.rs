//! The state of a cluster as text.

mod dropped;
mod groups;

pub(crate) use groups::{left_of, run_by_nobody};
use std::fmt::Write as _;
use systole_core::{
    FenceReport, FenceState, HoldReport, NodeReport, OlderReport, PingReport, Snapshot,
};
use systole_ipc::protocol::{AlarmReport, Status};

/// A node whose messages were refused as older ones within this time is still being refused.
const RECENT_MS: u64 = 60_000;
/// A refusal longer ago than this is no longer shown.
const OLD_MS: u64 = 3_600_000;

/// Returns the whole state.
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
        line(&format!("{giver} is handing over to {taker} [{set}]."));
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
        line(&groups::group(group, &snapshot.nodes));
    }
    for group in retired.into_iter().filter_map(groups::retired) {
        line(&group);
    }
    out
}

/// Returns which nodes a starting node waits for, and for how long.
fn awaited(nodes: &[NodeReport]) -> Option<String> {
    let left = nodes.iter().filter_map(|node| node.awaited_ms).max()?;
    let names = nodes.iter().filter(|node| node.awaited_ms.is_some());
    let names: Vec<&str> = names.map(|node| node.name.as_str()).collect();
    let (names, left) = (names.join(", "), age(left));
    Some(format!(
        "Waiting up to {left} (initdead) for {names}, not heard since the start; nothing is \
         started before that."
    ))
}

fn keys(waiting: &[String]) -> String {
    match waiting {
        [] => "Keys are renewed: the old ones are accepted for a few more seconds.".to_owned(),
        waiting => {
            let names = waiting.join(", ");
            format!("Keys are being renewed: {names} not yet heard with the new key.")
        }
    }
}

/// Returns what is held, one line each.
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
        "{what} held for another {left} (ordered on {by}): moves only by order; not taken over \
         from a dead node.\n"
    )
}

fn fence(fence: &FenceReport) -> String {
    let (node, since) = (&fence.node, age(fence.since_ms));
    let next = fence.next_ms.map_or_else(String::new, age);
    let state = match fence.state {
        FenceState::Delayed => format!("fencing begins in {next}"),
        FenceState::Running => format!("fencing in progress, attempt {}", fence.attempt),
        FenceState::Failed => format!("attempt {} failed, the next one in {next}", fence.attempt),
    };
    let groups = fence.groups.join(", ");
    format!("Waiting for {node} to be fenced ({since} so far): {state}. Not taken over: {groups}.")
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
        Some(left) => write!(text, ", waiting another {}", age(left)),
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

/// Returns the messages of an older generation, as long as they matter.
fn older(node: &NodeReport, older: &OlderReport) -> Option<String> {
    let OlderReport { generation, known, count, last_ms } = older;
    let (name, last) = (&node.name, age(*last_ms));
    let is_heard = node.silence_ms.is_some_and(|silence| silence < node.deadtime_ms);
    let messages = if *count == 1 { "message" } else { "messages" };
    match last_ms {
        0..RECENT_MS if !is_heard => Some(format!(
            "its messages are refused: its generation {generation} is older than {known} ({count} \
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

/// Returns a remaining time, in which fractions of a second do not matter.
fn time_left(milliseconds: u64) -> String {
    match milliseconds.div_ceil(1000) {
        seconds @ ..60 => format!("{seconds} s"),
        seconds => age(seconds.saturating_mul(1000)),
    }
}

/// Returns a duration in readable form.
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
    fn age_is_rendered_in_at_most_two_units() {
        let ages = [7, 1234, 61_000, 7_260_000, 90_000_000].map(age);
        assert_eq!(ages, ["7 ms", "1.2 s", "1 min 1 s", "2 h 1 min", "1 days 1 h"]);
    }

    #[test]
    fn node_is_shown_with_last_beat_and_links() {
        let report = NodeReport {
            name: "web2".to_owned(),
            status: "active".to_owned(),
            daemon: "systole".to_owned(),
            silence_ms: Some(120),
            deadtime_ms: 650,
            links: vec![LinkReport { name: "eth0".to_owned(), up: true, silence_ms: None }],
            ..NodeReport::default()
        };
        let text = node(&report, "web1");
        let beat =
            "  web2            active  last beat 120 ms ago, dead after 650 ms, runs systole";
        assert_eq!(text, format!("{beat}\n    eth0          up      never heard"));
        assert_eq!(node(&report, "web2"), "  web2            active  this node");
    }

    #[test]
    fn fence_is_shown_with_attempt_waiting_time_and_groups_not_taken() {
        let mut report = FenceReport {
            node: "web1".to_owned(),
            state: FenceState::Failed,
            since_ms: 12_300,
            attempt: 3,
            next_ms: Some(1_700),
            groups: vec!["10.0.0.9".to_owned()],
        };
        let text = "Waiting for web1 to be fenced (12.3 s so far): attempt 3 failed, the next one in \
                    1.7 s. Not taken over: 10.0.0.9.";
        assert_eq!(fence(&report), text);
        (report.state, report.next_ms) = (FenceState::Running, None);
        assert!(fence(&report).contains("so far): fencing in progress, attempt 3. Not"));
    }

    #[test]
    fn key_renewal_is_shown_with_nodes_lacking_the_new_key() {
        let waiting = ["web2".to_owned(), "web3".to_owned()];
        let text = "Keys are being renewed: web2, web3 not yet heard with the new key.";
        assert_eq!(keys(&waiting), text);
        assert!(keys(&[]).contains("for a few more seconds"));
    }

    #[test]
    fn node_awaited_or_refused_is_shown_with_wait_or_remedy() {
        let mut report = NodeReport {
            name: "web2".to_owned(),
            status: "init".to_owned(),
            daemon: "unknown".to_owned(),
            silence_ms: None,
            deadtime_ms: 3000,
            links: Vec::new(),
            awaited_ms: Some(58_100),
            ..NodeReport::default()
        };
        let start = "  web2            init    never heard, ";
        assert_eq!(node(&report, "web1"), format!("{start}waiting another 58.1 s"));
        let text = "Waiting up to 58.1 s (initdead) for web2, not heard since the start; nothing \
                    is started before that.";
        assert_eq!(awaited(std::slice::from_ref(&report)).as_deref(), Some(text));
        report.awaited_ms = None;
        assert_eq!(awaited(std::slice::from_ref(&report)), None);
        let count = OlderReport { generation: 17, known: 20, count: 12, last_ms: 1000 };
        report.older = Some(count);
        let text = "its messages are refused: its generation 17 is older than 20 (12 messages, the \
                    last 1.0 s ago); if web2 has lost its state: hb forget-peer web2";
        assert!(node(&report, "web1").ends_with(text), "{}", node(&report, "web1"));
        report.silence_ms = Some(100);
        let text = "    12 messages of the older generation 17 refused, the last 1.0 s ago";
        assert!(node(&report, "web1").ends_with(text), "{}", node(&report, "web1"));
    }
}
