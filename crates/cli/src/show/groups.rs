//! Groups as text.

mod resources;

use super::{age, time_left};
use std::fmt::Write as _;
use systole_core::{
    FailureReport, GroupReport, Inability, NodeReport, Obstacle, Phase, Retirement, StayReport,
};
use systole_ipc::texts;

pub(super) fn group(group: &GroupReport, nodes: &[NodeReport]) -> String {
    let phase = match group.phase {
        Phase::Stopped => "stopped",
        Phase::Starting => "starting",
        Phase::Active => "active",
        Phase::Stopping => "stopping",
        Phase::Failed => "failed",
        Phase::Blocked => "blocked",
    };
    let mut text = format!("  {}\n    ", group.resources.join(" "));
    text += &match (&group.owner, run_by_nobody(group, nodes)) {
        (_, Some(why)) => format!("no node runs it: {why}"),
        (Some(owner), None) => {
            let least = if group.at_least { "at least " } else { "" };
            let since = age(group.since_ms);
            format!("{phase} on {owner} for {least}{since}: {}", group.reason)
        }
        (None, None) => "no owner yet".to_owned(),
    };
    if group.stopping_here {
        text += "\n    still being stopped on this node";
    }
    // Writing into memory cannot fail.
    let _ = write!(text, "\n    prefers {}, term {}", group.preferred, group.term);
    let mut why = group.unable_because.iter().map(|why| inability(*why));
    for (at, node) in group.unable.iter().enumerate() {
        let before = if at == 0 { ", cannot run on " } else { ", " };
        let _ = write!(text, "{before}{node}{}", why.next().unwrap_or_default());
    }
    for failure in &group.failures {
        let FailureReport { node, action, resource, outcome } = failure;
        let what = texts::failed(node, *action, resource);
        let _ = write!(text, "\n    {what}: {outcome}");
        let name = group.resources.first().map_or("", |name| name);
        let _ = write!(text, "\n      after fixing the cause, run on {node}: hb retry {name}");
    }
    if let Some(guard) = &group.guard {
        let sentence = texts::address_answers(&guard.mac, guard.node.as_deref());
        let node = guard.node.as_deref().unwrap_or("NODE");
        let _ = write!(
            text,
            "\n    {sentence}\n      it is taken when that ends; check the links, and UDP on the service network (docs/guard.md)\n      \
             only if you have seen that {node} is off: hb confirm-dead {node}"
        );
    }
    for resource in &group.foreign {
        let advice = texts::foreign_advice(resource);
        let _ = write!(
            text,
            "\n    {resource} runs on this node too, although the group does not\n      {advice}"
        );
    }
    text + &resources::lines(group)
        + &obstacles(group)
        + &stay(&group.stay, &group.preferred, &group.name)
}

/// Returns why no node runs a group that has an owner; `None` if its owner does what its phase says.
pub(crate) fn run_by_nobody(group: &GroupReport, nodes: &[NodeReport]) -> Option<String> {
    let owner = group.owner.as_ref()?;
    // With more than two nodes another one may hear the owner.
    let is_pair = nodes.len() <= 2;
    let is_silent = nodes.iter().any(|it| it.name == *owner && it.status == "dead");
    // Where its machine answers, it probably does what its phase says.
    let is_guarded = group.obstacles.contains(&Obstacle::Guarded);
    if is_pair && is_silent && !is_guarded && group.phase.holds() {
        return Some(format!("its owner {owner} is dead"));
    }
    let text = "prevents its start because its haresources lacks this line";
    group.kept_free.then(|| format!("{owner} {text}"))
}

/// Returns what keeps this node from starting the group, unless another line says so.
fn obstacles(group: &GroupReport) -> String {
    let is_held = group.stay.withheld.is_some();
    let is_said = |it: &Obstacle| {
        matches!(it, Obstacle::Failed | Obstacle::NoCarrier | Obstacle::UnknownLine)
            || is_held && *it == Obstacle::Held
    };
    let texts = group.obstacles.iter().filter(|it| !is_said(it)).map(|it| texts::obstacle(*it));
    let texts: Vec<&str> = texts.collect();
    let what =
        if group.phase == Phase::Starting { "its start waits" } else { "not started by this node" };
    if texts.is_empty() { String::new() } else { format!("\n    {what}: {}", texts.join("; ")) }
}

/// Returns what keeps a group where it is, one line each.
pub(super) fn stay(stay: &StayReport, preferred: &str, name: &str) -> String {
    let mut text = String::new();
    if let Some(why) = &stay.withheld {
        text += &format!("\n    not taken by this node because of a hold, although {why}");
    }
    if let Some(left) = stay.held_down_ms {
        text += &format!(
            "\n    moved automatically too often: stays where it works best for another {}",
            time_left(left)
        );
    }
    if let Some(left) = stay.home_in_ms {
        text += &format!(
            "\n    returns to {preferred} in {} if {preferred} stays healthy",
            time_left(left)
        );
    }
    if stay.waits_for_takeover {
        text += &format!(
            "\n    away from home; to move it back, run on {preferred}: hb takeover --group {name}"
        );
    }
    text
}

/// Returns why a node cannot run a group, to follow the node's name.
const fn inability(why: Inability) -> &'static str {
    match why {
        // A failure has a line of its own.
        Inability::Failed | Inability::Unknown => "",
        Inability::Interface => " (an interface that it needs has no carrier or is missing)",
        Inability::OtherLine => " (its haresources lacks this line)",
        Inability::UnknownLine => {
            " (another node lacks the line and runs a line that is unknown here: all nodes need the same \
             haresources)"
        }
        Inability::ExecutorLost => " (its executor is gone)",
        Inability::Told => {
            " (it reports no working interface, no executor, or a different haresources)"
        }
    }
}

/// Returns a group that is no longer in haresources, as long as that matters.
pub(super) fn retired(group: &GroupReport) -> Option<String> {
    let what = left_of(group)?;
    // The line that is in the file now may differ from it only in the home node.
    Some(format!("  retired: {} {}\n    {what}", group.preferred, group.resources.join(" ")))
}

/// Returns what is left of a group that is no longer in haresources.
pub(crate) fn left_of(group: &GroupReport) -> Option<String> {
    Some(match group.retired? {
        Retirement::Here if group.phase == Phase::Blocked => {
            format!("it cannot be stopped here; after fixing the cause: hb retry {}", group.name)
        }
        Retirement::Here => "it is being stopped here".to_owned(),
        Retirement::Claimed => "claimed here until every node has the new file".to_owned(),
        Retirement::Elsewhere => {
            let owner = group.owner.as_deref().unwrap_or("another node");
            format!("{owner} still runs it from its own file")
        }
        Retirement::Untold => {
            let owner = group.owner.as_deref().unwrap_or("another node");
            format!(
                "{owner} may still run it from its own file; a C heartbeat does not report this"
            )
        }
        Retirement::Over => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::held;
    use super::*;
    use systole_core::{Action, HoldReport};

    #[test]
    fn group_kept_in_place_is_shown_with_reason_and_time_left() {
        let all = StayReport {
            hold: None,
            withheld: Some("web1 was silent for 650 ms".to_owned()),
            held_down_ms: Some(52_900),
            home_in_ms: Some(61_000),
            waits_for_takeover: true,
        };
        let told = "\n    not taken by this node because of a hold, although web1 was silent for 650 ms\
                    \n    moved automatically too often: stays where it works best for another 53 s\
                    \n    returns to web1 in 1 min 1 s if web1 stays healthy\
                    \n    away from home; to move it back, run on web1: hb takeover --group 10.0.0.9";
        assert_eq!(stay(&all, "web1", "10.0.0.9"), told);
        assert_eq!(stay(&StayReport::default(), "web1", "10.0.0.9"), "");
        let hold = HoldReport { by: "web2".to_owned(), left_ms: 3_599_000 };
        let text = held("Everything is", &hold);
        assert!(text.starts_with("Everything is held for another 59 min 59 s (ordered on web2): "));
    }

    #[test]
    fn group_is_shown_with_owner_cause_obstacles_and_failures() {
        let mut report = GroupReport {
            name: "10.0.0.9".to_owned(),
            resources: vec!["10.0.0.9".to_owned(), "nginx".to_owned()],
            preferred: "web1".to_owned(),
            owner: Some("web2".to_owned()),
            term: 3,
            phase: Phase::Active,
            since_ms: 61_000,
            reason: "web1 was silent for 650 ms".to_owned(),
            ..GroupReport::default()
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
            ..NodeReport::default()
        };
        let old = GroupReport { retired: Some(Retirement::Claimed), ..report.clone() };
        let start = "  retired: web1 10.0.0.9 nginx\n    claimed here until";
        assert!(retired(&old).is_some_and(|text| text.starts_with(start)));
        let told = group(&report, &[dead]);
        assert!(told.contains("\n    no node runs it: its owner web2 is dead\n"), "{told}");
        let kept = GroupReport { kept_free: true, ..report.clone() };
        let told = group(&kept, &[]);
        assert!(told.contains("\n    no node runs it: web2 prevents its start because"), "{told}");
        report.stopping_here = true;
        assert!(
            group(&report, &[])
                .contains("\n    still being stopped on this node\n    prefers web1")
        );
        report.stopping_here = false;
        report.at_least = true;
        assert!(group(&report, &[]).contains("active on web2 for at least 1 min 1 s: web1"));
        report.owner = None;
        report.obstacles = vec![Obstacle::NoExecutor, Obstacle::Failed, Obstacle::NotFirst];
        let what =
            "\n    not started by this node: the executor is not running; another node comes first";
        assert!(group(&report, &[]).contains(what), "what failed has a line of its own");
        report.obstacles.clear();
        report.unable = vec!["web1".to_owned()];
        assert!(group(&report, &[]).contains("no owner yet"));
        assert!(group(&report, &[]).ends_with("term 3, cannot run on web1"), "a daemon of before");
        for (why, told) in [
            (Inability::Interface, " (an interface that it needs has no carrier or is missing)"),
            (Inability::OtherLine, " (its haresources lacks this line)"),
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
                      after fixing the cause, run on web1: hb retry 10.0.0.9";
        assert!(group(&report, &[]).ends_with(advice), "{}", group(&report, &[]));
        report.failures[0].outcome = "interface eth1.10 does not exist".to_owned();
        let reason = "web1 could not start nginx: interface eth1.10 does not exist\n";
        assert!(group(&report, &[]).contains(reason), "{}", group(&report, &[]));
    }
}
