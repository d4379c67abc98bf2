//! Phrases about silences, counts and users.

use crate::why::span::span;
use systole_ipc::journal::{LastBeat, PingCounts};

/// Returns how long a node was silent on each link; empty if that was not recorded.
pub(super) fn silence(
    silence_ms: Option<u64>,
    limit_ms: Option<u64>,
    links: &[LastBeat],
) -> Option<String> {
    let limit = span(limit_ms?);
    let silent = match silence_ms {
        Some(silence) => format!("silent for {}, dead after {limit}", span(silence)),
        None => format!("never heard within {limit}"),
    };
    let heard: Vec<&LastBeat> = links.iter().filter(|last| last.silence_ms.is_some()).collect();
    let mut parts = vec![silent];
    if !heard.is_empty() {
        let beats = heard.iter().map(|last| {
            let ago = span(last.silence_ms.unwrap_or_default());
            let down = if last.up { "" } else { ", on which it did not hear this node" };
            format!("{ago} before on {}{down}", last.link)
        });
        parts.push(format!("last beat {}", list(beats)));
    }
    let never = links.iter().filter(|last| last.silence_ms.is_none());
    let never: Vec<String> = never.map(|last| last.link.clone()).collect();
    if silence_ms.is_some() && !never.is_empty() {
        parts.push(format!("never a beat on {}", never.join(", ")));
    }
    Some(parts.join("; "))
}

/// Returns the numbers of ping nodes, and the consequence.
pub(super) fn pings(counts: &PingCounts, me: &str) -> String {
    let PingCounts { node, ours, theirs, lost, decision } = counts;
    let lost = match lost.as_slice() {
        [] => String::new(),
        some => format!(" (not {})", some.join(", ")),
    };
    let theirs = match theirs {
        Some(theirs) => format!("{node} {theirs}"),
        None => format!("{node} did not report"),
    };
    let decision: &str = match &**decision {
        "gives_up" => &format!("{me} gives everything away, unless that changes at once"),
        "told_to_give_up" => {
            &format!("{node} reports that this is fewer, and {me} gives everything away")
        }
        "tells_more" => &format!("{me} tells {node} that {node} sees fewer"),
        "waits" => {
            "a ping node answers again; nothing is given away until the ping node counts as reachable"
        }
        "stays" => "nothing is given away",
        "goes_home" => "the counts are equal, so groups go home",
        "refuses" => &format!("{me} refuses to take groups"),
        "is_refused" => &format!("{node} refuses to take groups"),
        other => other,
    };
    let nodes = if ours.to_string() == "1" { "ping node" } else { "ping nodes" };
    format!("{me} sees {ours} {nodes}{lost}, {theirs}: {decision}")
}

/// Returns the user who gave an order.
pub(super) fn person(uid: u32, pid: i32, user: Option<&str>, login: Option<&str>) -> String {
    let user = user.map_or_else(|| format!("user {uid}"), str::to_owned);
    let login = login.map_or_else(String::new, |login| format!(", logged in as {login}"));
    if pid == 0 {
        // The writer of a message in the FIFO is not known.
        return format!("{user} (through the FIFO)");
    }
    format!("{user} (process {pid}{login})")
}

/// Joins parts of a sentence with commas.
pub(super) fn list(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}
