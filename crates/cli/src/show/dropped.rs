//! Dropped packets as text.

use super::age;
use systole_ipc::protocol::DroppedReport;

/// A node that has sent nothing with its other key for this long may have this cluster's key by now.
const RECENT_MS: u64 = 60_000;

/// Returns what was dropped of a node, to follow the node's own line.
pub(super) fn of_node(dropped: &DroppedReport) -> String {
    let is_recent = dropped.last_ms < RECENT_MS;
    let what = match (dropped.other_key && !dropped.heard, is_recent) {
        (true, true) => "signs with another key: compare authkeys on both nodes; ",
        (true, false) => "signed with another key; ",
        (false, _) => "",
    };
    format!("    {what}{}", counted(dropped))
}

/// Returns what was dropped of another sender.
pub(super) fn of_other(dropped: &DroppedReport) -> String {
    let who = match &dropped.stranger {
        Some(name) => format!("{name}, which has this cluster's keys but is not in ha.cf: "),
        None => String::new(),
    };
    format!("  {who}{}", counted(dropped))
}

fn counted(dropped: &DroppedReport) -> String {
    let DroppedReport { link, count, .. } = dropped;
    let source = match dropped.source {
        Some(source) => format!(" from {source}"),
        None if dropped.node.is_some() => String::new(),
        None => " from other sources".to_owned(),
    };
    let causes: Vec<_> =
        dropped.causes.iter().map(|(cause, count)| format!("{cause} ({count})")).collect();
    let (causes, last) = (causes.join(", "), age(dropped.last_ms));
    let packets = if *count == 1 { "packet" } else { "packets" };
    format!("{count} {packets} dropped{source} on {link}: {causes}, the last {last} ago")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> DroppedReport {
        DroppedReport {
            node: Some("web2".to_owned()),
            stranger: None,
            source: "10.0.0.2".parse().ok(),
            link: "eth0".to_owned(),
            other_key: true,
            heard: false,
            count: 312,
            causes: [("wrong signature".to_owned(), 312)].into(),
            first_ms: 61_000,
            last_ms: 120,
        }
    }

    #[test]
    fn node_signing_with_another_key_is_shown_with_remedy() {
        let text = "    signs with another key: compare authkeys on both nodes; 312 packets \
                    dropped from 10.0.0.2 on eth0: wrong signature (312), the last 120 ms ago";
        assert_eq!(of_node(&report()), text);
        let before = DroppedReport { last_ms: RECENT_MS, ..report() };
        assert!(of_node(&before).starts_with("    signed with another key; 312 packets"));
        let heard = DroppedReport { heard: true, ..report() };
        assert!(of_node(&heard).starts_with("    312 packets dropped from 10.0.0.2 on eth0: "));
        let other = DroppedReport { other_key: false, source: None, ..report() };
        assert!(of_node(&other).starts_with("    312 packets dropped on eth0: "));
    }

    #[test]
    fn stranger_is_shown_by_its_name_and_further_drops_as_other_sources() {
        let stranger = DroppedReport { node: None, stranger: Some("gamma".to_owned()), ..report() };
        let text =
            "  gamma, which has this cluster's keys but is not in ha.cf: 312 packets dropped ";
        assert!(of_other(&stranger).starts_with(text), "{}", of_other(&stranger));
        let further = DroppedReport { node: None, source: None, ..report() };
        assert!(of_other(&further).starts_with("  312 packets dropped from other sources on eth0"));
    }
}
