//! The content of the live view, as lines of text.

use super::Step;
use crate::{Gap, Lab, Link, Node};
use std::time::{Duration, Instant};

/// The number of lines of a node's log that are shown.
const LOG_LINES: usize = 6;
/// The number of gaps that are shown.
const GAPS: usize = 4;
/// The shortest gap that is shown when the same node answers again: a busy machine has shorter ones.
const NOTABLE: Duration = Duration::from_millis(20);
/// The minimum width of a node's pane.
const PANE_MIN: usize = 30;

/// A node at one moment.
#[derive(Debug, Clone)]
pub(super) struct NodeView {
    node: Node,
    powered: bool,
    daemon: bool,
    owner: bool,
    /// The daemon's own status of the groups.
    groups: Vec<String>,
    log: Vec<String>,
}

/// The pair and the client at one moment.
#[derive(Debug, Clone)]
pub(super) struct Snapshot {
    address: String,
    nodes: Vec<NodeView>,
    answering: Option<Node>,
    silence: Option<Duration>,
    answers: u64,
    gaps: Vec<Gap>,
    announcements: usize,
    page: Option<String>,
}

impl Snapshot {
    /// Takes a snapshot of everything. Takes some milliseconds, more when a service does not answer.
    pub(super) fn take(lab: &Lab, since: Instant) -> Self {
        let address = lab.config().address;
        let owners = lab.owners(address);
        let view = |node| {
            let log = lab.log(node);
            let mut tail: Vec<String> = log.lines().rev().take(LOG_LINES).map(brief).collect();
            tail.reverse();
            let status = lab.status(node).unwrap_or_default();
            let group = |group: &crate::GroupStatus| {
                let owner = group.owner.as_deref().unwrap_or("no node");
                format!("{} {} on {owner}", group.name, group.phase)
            };
            NodeView {
                node,
                powered: lab.is_powered(node),
                daemon: lab.daemon_runs(node),
                owner: owners.contains(&node),
                groups: status.groups.iter().map(group).collect(),
                log: tail,
            }
        };
        let probe = lab.probe();
        let mut gaps = probe.gaps(since);
        gaps.retain(|gap| gap.before != gap.after || gap.length >= NOTABLE);
        let page = probe.answering().and_then(|_| lab.http_get(address));
        Self {
            address: address.to_string(),
            nodes: Node::ALL.map(view).into(),
            answering: probe.answering(),
            silence: probe.silence(),
            answers: probe.answers(),
            gaps: gaps.split_off(gaps.len().saturating_sub(GAPS)),
            announcements: probe.announcements(since).len(),
            page: page.map(|page| page.trim().to_owned()),
        }
    }

    /// Returns the lines of the screen: both nodes side by side, the client, the keys, the outcomes.
    pub(super) fn lines(
        &self,
        width: usize,
        busy: Option<Step>,
        outcomes: &[String],
    ) -> Vec<String> {
        let pane = (width / 2).saturating_sub(1).max(PANE_MIN);
        let columns: Vec<Vec<String>> = self.nodes.iter().map(NodeView::lines).collect();
        let height = columns.iter().map(Vec::len).max().unwrap_or(0);
        let mut lines = Vec::new();
        for row in 0..height {
            let cell = |column: &Vec<String>| fit(column.get(row).map_or("", |text| text), pane);
            lines.push(columns.iter().map(cell).collect::<Vec<_>>().join("│ "));
        }
        lines.push("─".repeat(width.min(2 * pane + 2)));
        lines.extend(self.client_lines());
        lines.push("─".repeat(width.min(2 * pane + 2)));
        let key = |(at, step): (usize, &Step)| format!("{} {}", at + 1, step.title());
        let keys: Vec<String> = Step::ALL.iter().enumerate().map(key).collect();
        for half in keys.chunks(3) {
            lines.push(half.join("   "));
        }
        lines.push("s run all steps   q quit".to_owned());
        if let Some(step) = busy {
            lines.push(format!("… {}", step.title()));
        }
        lines.extend(outcomes.iter().cloned());
        lines.iter().map(|line| fit(line, width)).collect()
    }

    fn client_lines(&self) -> Vec<String> {
        let now = match (self.answering, self.silence) {
            (Some(node), _) => format!("{node} answers"),
            (None, Some(silence)) => format!("NO ANSWER for {} ms", silence.as_millis()),
            (None, None) => "no answer yet".to_owned(),
        };
        let page = self.page.as_deref().unwrap_or("-");
        let mut lines = vec![
            format!("client → {}: {now}", self.address),
            format!(
                "web page: {page}   answers: {}   ARP announcements: {}",
                self.answers, self.announcements
            ),
        ];
        for gap in &self.gaps {
            let length = gap.length.as_millis();
            lines.push(format!("  gap of {length} ms: {} → {}", gap.before, gap.after));
        }
        lines
    }
}

impl NodeView {
    fn lines(&self) -> Vec<String> {
        let mark = if self.owner { "  ◀ has the address" } else { "" };
        let state = match (self.powered, self.daemon) {
            (false, _) => "power off",
            (true, false) => "power on, no daemon",
            (true, true) => "power on, daemon runs",
        };
        let mut lines = vec![
            format!("{} {}{mark}", self.node, Link::Service.address(self.node)),
            state.to_owned(),
        ];
        lines.extend(self.groups.iter().cloned());
        lines.push(String::new());
        lines.extend(self.log.iter().cloned());
        lines.resize(lines.len() + LOG_LINES - self.log.len().min(LOG_LINES), String::new());
        lines
    }
}

/// Returns a line of the log without the parts that all lines have in common: date, host, program.
fn brief(line: &str) -> String {
    let text = line.split_once("]: ").map_or(line, |(_, text)| text);
    text.trim_start().replace('\t', " ")
}

/// Returns the text in exactly `width` characters.
fn fit(text: &str, width: usize) -> String {
    let cut: String = text.chars().filter(|c| !c.is_control()).take(width).collect();
    format!("{cut:width$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot() -> Snapshot {
        let view = |node| NodeView {
            node,
            powered: true,
            daemon: true,
            owner: node == Node::Web1,
            groups: Vec::new(),
            log: vec!["info: a line that is much longer than any pane of the view".to_owned()],
        };
        Snapshot {
            address: "192.168.122.100".to_owned(),
            nodes: Node::ALL.map(view).into(),
            answering: None,
            silence: Some(Duration::from_millis(321)),
            answers: 7,
            gaps: Vec::new(),
            announcements: 2,
            page: None,
        }
    }

    #[test]
    fn screen_lines_have_exactly_the_screen_width() {
        for width in [62, 80, 200] {
            for line in snapshot().lines(width, Some(Step::PullPlug), &["done".repeat(99)]) {
                assert_eq!(line.chars().count(), width, "{line}");
            }
        }
    }

    #[test]
    fn screen_shows_owner_and_silence() {
        let text = snapshot().lines(100, None, &[]).join("\n");
        assert!(text.contains("web1 192.168.122.20  ◀ has the address"), "{text}");
        assert!(!text.contains("web2 192.168.122.22  ◀"), "{text}");
        assert!(text.contains("NO ANSWER for 321 ms"), "{text}");
    }

    #[test]
    fn log_line_is_shortened_to_severity_and_message() {
        let line = "Nov 22 10:52:21 web2 heartbeat: [12]: WARN: node web1: is dead";
        assert_eq!(brief(line), "WARN: node web1: is dead");
        let line = "2026/11/22_10:53:31  IPaddr(eth0)[110]:    INFO: Success";
        assert_eq!(brief(line), "INFO: Success");
    }
}
