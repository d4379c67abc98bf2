//! An agent that only records when it was started and stopped: it shows which node ran what, and whether two
//! nodes ever ran the same at once.

use crate::{Lab, LabError, Node};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

/// The name of the agent in `haresources`; its argument is the name of what it runs.
pub const AGENT: &str = "diary";
/// The file to which it writes, on its node's disk: uptime, verb and name in each line.
const FILE: &str = "var/log/diary";
/// A start is recorded before it takes effect, and a stop after it. All nodes of a lab share the clock. The
/// script only runs `touch` and `rm`, so that hundreds of agents cost little.
const SCRIPT: &str = "#!/bin/sh
note() { read now rest </proc/uptime; echo \"$now $1\" >>/var/log/diary; }
runs=/run/diary-$1
case $2 in
start) if [ ! -e $runs ]; then note \"start $1\"; : >$runs; fi ;;
stop) if [ -e $runs ]; then rm -f $runs; note \"stop $1\"; fi ;;
status) if [ -e $runs ]; then echo running; else echo stopped; fi ;;
esac
exit 0
";

/// Hundredths of a second since the machine was booted.
type Moment = u64;

/// A time during which a node ran something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The node.
    pub node: Node,
    /// What it ran.
    pub name: String,
    since: Moment,
    /// Absent if the node still runs it.
    until: Option<Moment>,
}

impl Span {
    /// Returns whether another node ran the same at some moment of this time.
    fn meets(&self, other: &Self) -> bool {
        let ends_after = |span: &Self, since| span.until.is_none_or(|until| since < until);
        let is_other = self.node != other.node && self.name == other.name;
        is_other && ends_after(self, other.since) && ends_after(other, self.since)
    }
}

/// Installs the agent on both nodes.
///
/// # Errors
///
/// When a file cannot be written.
pub fn install(lab: &Lab) -> Result<(), LabError> {
    for node in Node::ALL {
        lab.write_file(node, &format!("etc/ha.d/resource.d/{AGENT}"), SCRIPT)?;
    }
    Ok(())
}

/// Cuts a node's power, and records that nothing runs there from now on.
///
/// # Errors
///
/// When the node has no power, or the diary cannot be written.
pub fn power_off(lab: &Lab, node: Node) -> Result<(), LabError> {
    lab.power_off(node)?;
    let uptime = fs::read_to_string("/proc/uptime").map_err(LabError::io("reading the clock"))?;
    let now = uptime.split(' ').next().unwrap_or_default();
    let before = lab.read_file(node, FILE);
    lab.write_file(node, FILE, &format!("{before}{now} off\n"))
}

/// Returns what a node runs.
#[must_use]
pub fn running(lab: &Lab, node: Node) -> BTreeSet<String> {
    let spans = read(node, &lab.read_file(node, FILE));
    spans.into_iter().filter(|span| span.until.is_none()).map(|span| span.name).collect()
}

/// Returns every two times during which two nodes ran the same at one moment.
#[must_use]
pub fn doubled(lab: &Lab) -> Vec<[Span; 2]> {
    let [web1, web2] = Node::ALL.map(|node| read(node, &lab.read_file(node, FILE)));
    pairs(&web1, &web2)
}

fn pairs(ones: &[Span], others: &[Span]) -> Vec<[Span; 2]> {
    let met = |one: &Span| {
        let with = others.iter().filter(|other| one.meets(other));
        with.map(|other| [one.clone(), other.clone()]).collect::<Vec<_>>()
    };
    ones.iter().flat_map(met).collect()
}

/// Returns the times recorded in a diary.
fn read(node: Node, diary: &str) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut open = BTreeMap::new();
    for line in diary.lines() {
        let mut words = line.split(' ');
        let Some(now) = words.next().and_then(moment) else { continue };
        let close = |name: String, since| Span { node, name, since, until: Some(now) };
        match (words.next(), words.next()) {
            (Some("start"), Some(name)) => drop(open.insert(name.to_owned(), now)),
            (Some("stop"), Some(name)) => {
                spans.extend(open.remove(name).map(|since| close(name.to_owned(), since)));
            }
            (Some("off"), None) => {
                let ended = std::mem::take(&mut open).into_iter();
                spans.extend(ended.map(|(name, since)| close(name, since)));
            }
            _ => {}
        }
    }
    spans.extend(open.into_iter().map(|(name, since)| Span { node, name, since, until: None }));
    spans
}

/// Reads seconds with two decimals, as in `/proc/uptime`.
fn moment(text: &str) -> Option<Moment> {
    text.replace('.', "").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn diary_reports_agent_running_on_both_nodes_at_once() {
        // What web1 and web2 recorded, and whether both ran something at once.
        let rows = [
            ("1.00 start a\n2.00 stop a\n", "2.00 start a\n", false),
            ("1.00 start a\n2.00 stop a\n", "1.99 start a\n", true),
            ("1.00 start a\n2.00 stop a\n", "0.50 start a\n0.90 stop a\n", false),
            ("1.00 start a\n", "5.00 start a\n", true),
            ("1.00 start a\n4.00 off\n", "5.00 start a\n", false),
            ("1.00 start a\n4.00 off\n", "3.00 start a\n", true),
            ("1.00 start a\n", "1.00 start b\n", false),
            ("1.00 start a\n2.00 stop a\n5.00 start a\n", "3.00 start a\n4.00 stop a\n", false),
            ("1.00 start a\n2.00 stop a\n5.00 start a\n", "3.00 start a\n", true),
        ];
        for (web1, web2, expected) in rows {
            let [ones, others] = [read(Node::Web1, web1), read(Node::Web2, web2)];
            assert_eq!(!pairs(&ones, &others).is_empty(), expected, "{web1:?} {web2:?}");
        }
    }
}
