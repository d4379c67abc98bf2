//! Dropped datagrams in words.

use crate::beat::drops::{Cause, Dropped, Entrance};
use crate::log::{Level, Line};
use std::time::Duration;
use systole_core::Settings;

/// Returns where the datagrams arrived.
pub(super) fn entrance(settings: &Settings, entrance: Entrance) -> &str {
    match entrance {
        Entrance::Link(link) => settings.links.get(link.index()).map_or("a link", |name| name),
        Entrance::Pings => "ping",
    }
}

/// Returns the line about what was not logged yet, out of everything that arrived in this span.
pub(super) fn line(settings: &Settings, all: &Dropped, untold: &Dropped, span: Duration) -> Line {
    let origin = &all.origin;
    let place = entrance(settings, origin.entrance);
    let is_over = |(cause, _): (Cause, u64)| cause.is_other_key();
    let has_other_key = untold.causes().any(is_over);
    let node = origin.node.map(|node| settings.name(node));
    let source = match (origin.source, node) {
        (Some(source), Some(node)) => format!("{node} ({source})"),
        (Some(source), None) => source.to_string(),
        (None, Some(node)) => node.to_owned(),
        (None, None) => "further sources".to_owned(),
    };
    let causes: Vec<String> =
        untold.causes().map(|(cause, count)| format!("{} ({count})", cause.words())).collect();
    let (count, causes) = (untold.count(), causes.join(", "));
    let mut text = format!("{count} bad packet(s) dropped from {source} on {place}: {causes}");
    if all.count() > count {
        text += &format!("; {} in {} s", all.count(), span.as_secs());
    }
    let mut level = Level::Warning;
    if untold.counts[Cause::Stranger as usize] > 0 {
        // Heartbeat's own words for this come first.
        level = Level::Error;
        let name = all.stranger.text();
        text = format!("process_status_message: bad node [{name}] in message: {text}");
    } else if has_other_key && all.is_heard {
        text += ". It is heard with our key too: its keys are being renewed, or somebody forges \
                 its address.";
    } else if let Some(node) = node.filter(|_| has_other_key) {
        level = Level::Error;
        text = format!("{node} signs with another key: {text}. Compare authkeys on both nodes.");
    } else if has_other_key && origin.source.is_some() {
        text += ". No node is known to have this address: another cluster, or a node with other \
                 keys in its authkeys.";
    }
    Line::new(level, text)
}
