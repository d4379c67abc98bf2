//! Compares two answers.

use crate::mutate::{Case, Which};
use crate::room::{Answers, Said};
use std::collections::{BTreeMap, BTreeSet};

/// How two daemons differ about the same files.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Difference {
    /// Heartbeat 3.0.6 starts and Systole refuses, with these findings.
    WeRefuse(Vec<String>),
    /// Systole starts, with these findings, and heartbeat 3.0.6 refuses, for this reason.
    TheyRefuse(Vec<String>, String),
    /// Both start, with something else: the subject, what heartbeat 3.0.6 has, and what Systole has.
    Other(String, String, String),
}

/// The exit codes of a daemon that refuses its files, or dies of them: 139 is SIGSEGV.
const REFUSED: [i32; 3] = [4, 6, 139];

/// Compares what both daemons made of a case.
pub(crate) fn compare(case: &Case, answers: &Answers) -> Vec<Difference> {
    let refuses = |said: &Said| REFUSED.contains(&said.code);
    match (refuses(&answers.c), refuses(&answers.ours)) {
        (true, true) => Vec::new(),
        (false, true) => vec![Difference::WeRefuse(findings(&answers.ours, "error"))],
        (true, false) => {
            vec![Difference::TheyRefuse(findings(&answers.ours, ""), reason(&answers.c))]
        }
        (false, false) => {
            let mut differences = settings(&answers.c, &answers.ours);
            if case.which == Which::Haresources {
                differences.extend(groups(answers));
            }
            differences
        }
    }
}

/// Returns the numbers of Systole's findings of a severity.
fn findings(said: &Said, severity: &str) -> Vec<String> {
    let numbers = said.complaints.lines().filter_map(|line| {
        let (before, after) = line.split_once("[HA")?;
        let (number, _) = after.split_once(']')?;
        before.ends_with(severity).then(|| format!("HA{number}"))
    });
    numbers.collect::<BTreeSet<_>>().into_iter().collect()
}

/// Returns the complaints of heartbeat 3.0.6, without those that it always makes.
fn reason(said: &Said) -> String {
    let always = ["Heartbeat not started", "Configuration error", "Authentication configuration"];
    let lines = said.complaints.lines().filter_map(|line| line.split_once("ERROR: "));
    let reasons =
        lines.map(|(_, text)| text).filter(|text| !always.iter().any(|it| text.contains(it)));
    reasons.collect::<Vec<_>>().join("; ")
}

/// Returns the directives, nodes and media in force: by name, all values.
fn in_force(text: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in text.lines() {
        let line = line.strip_prefix("#\t").unwrap_or(line).replace("ping node", "ping");
        let mut words = line.split(['\t', ' ']).filter(|word| !word.is_empty());
        let (Some(name), Some(value)) = (words.next(), words.next()) else { continue };
        let (name, value) = match name {
            "ucast" | "bcast" | "mcast" | "mcast6" | "ucast6" | "serial" => ("medium", value),
            "ping_group" => ("ping", value),
            "#" | "#-" | "HA" | "Linux-HA" | "UDP/IP" | "Communications" => continue,
            _ => (name, value),
        };
        all.entry(name.to_owned()).or_default().insert(value.to_owned());
    }
    all
}

fn settings(c: &Said, ours: &Said) -> Vec<Difference> {
    let (theirs, ours) = (in_force(&c.configuration), in_force(&ours.configuration));
    let pings: BTreeSet<&String> = theirs.get("ping").into_iter().flatten().collect();
    let show = |values: &BTreeSet<String>| values.iter().cloned().collect::<Vec<_>>().join(" ");
    let known = theirs.iter().filter(|(name, _)| ours.contains_key(*name));
    known
        .filter_map(|(name, values)| {
            // Heartbeat 3.0.6 counts ping nodes as nodes.
            let values: BTreeSet<String> = values
                .iter()
                .filter(|value| name != "node" || !pings.contains(value))
                .cloned()
                .collect();
            let mine = &ours[name];
            (values != *mine).then(|| Difference::Other(name.clone(), show(&values), show(mine)))
        })
        .collect()
}

/// Compares the groups of each node.
fn groups(answers: &Answers) -> Vec<Difference> {
    let mine = |node: &str| {
        let lines =
            answers.ours.configuration.lines().filter_map(|line| line.strip_prefix("#\tgroup\t"));
        let groups =
            lines.filter_map(|line| line.split_once('\t')).filter(|(name, _)| *name == node);
        groups.map(|(_, words)| words.trim().to_owned()).collect::<BTreeSet<String>>()
    };
    let nodes = ["web1", "web2"].into_iter().zip(&answers.groups);
    nodes
        .filter_map(|(node, text)| {
            let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
            let theirs: BTreeSet<String> = lines.map(str::to_owned).collect();
            let show =
                |groups: &BTreeSet<String>| groups.iter().cloned().collect::<Vec<_>>().join(" | ");
            let mine = mine(node);
            (theirs != mine).then(|| Difference::Other(node.to_owned(), show(&theirs), show(&mine)))
        })
        .collect()
}
