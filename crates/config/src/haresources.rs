//! `haresources`: the groups and the nodes that should run them.
//!
//! heartbeat 3.0.6 reads this file twice with two grammars. The daemon takes the first word of each line for
//! a node name and skips lines joined to it by backslashes; the shell script that runs the resources strips
//! comments, joins lines and then splits them into words. Here lines mean what they mean to the script; a
//! line that only the daemon refuses is an error.

mod group;
mod line;

use crate::config::AddressAgent;
use crate::facts::Facts;
use crate::finding::Finding;
use crate::rule::{self, Rule};
use crate::source::{Content, File, Sources};
use group::ReadGroup;
use systole_core::{GROUPS_MAX, Group, Resource};

/// Reads the whole file. `nodes` are the node names of `ha.cf` in alphabetical order.
pub(crate) fn parse(
    sources: &Sources<'_>,
    facts: &Facts<'_>,
    nodes: &[String],
    address_agent: AddressAgent,
    findings: &mut Vec<Finding>,
) -> Vec<Group> {
    let text = match sources.haresources.content {
        Content::Text(text) => text,
        Content::Missing => {
            absent(sources, &rule::HARESOURCES_MISSING, "there is no haresources file", findings);
            return Vec::new();
        }
        Content::Denied => {
            absent(sources, &rule::HARESOURCES_DENIED, "haresources may not be read", findings);
            return Vec::new();
        }
        Content::Unreadable(why) => {
            let message = format!("haresources cannot be read: {why}");
            absent(sources, &rule::HARESOURCES_MISSING, &message, findings);
            return Vec::new();
        }
    };
    line::check_node_names(text, nodes, &sources.haresources.original_path(), findings);
    let lines = line::logical_lines(text, findings);
    let reader = group::Reader { facts, nodes, address_agent };
    let read: Vec<ReadGroup> =
        lines.iter().filter_map(|line| reader.group(line, findings)).collect();
    group::compare(&read, findings);
    let mut groups: Vec<Group> = Vec::new();
    for one in read {
        // A line repeated word for word is the same group again, and was already reported.
        if groups.iter().all(|known| known.key != one.group.key) {
            groups.push(one.group);
        }
    }
    if groups.len() > GROUPS_MAX {
        let message = format!(
            "{} groups are more than the {GROUPS_MAX} that a cluster can have",
            groups.len()
        );
        findings.push(Finding::new(&rule::TOO_MANY_GROUPS, File::Haresources, 0..0, message));
    }
    if lines.is_empty() {
        findings.push(
            Finding::new(&rule::NO_GROUPS, File::Haresources, 0..0, "haresources names no group")
                .help("a line is a node and its resources: `web1 192.168.122.100 nginx`"),
        );
    }
    groups
}

/// A line of `haresources`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceLine {
    /// The node, as written.
    pub node: String,
    /// The resource words.
    pub resources: Vec<String>,
}

/// Returns the lines of `haresources` that name resources, whether or not their nodes exist.
#[must_use]
pub fn resource_lines(text: &str) -> Vec<ResourceLine> {
    let words = |line: line::LogicalLine| -> Option<ResourceLine> {
        let mut words = line.into_iter().map(|word| word.text);
        let node = words.next().filter(|node| !node.starts_with("//"))?;
        let resources: Vec<String> = words.collect();
        (!resources.is_empty()).then_some(ResourceLine { node, resources })
    };
    line::logical_lines(text, &mut Vec::new()).into_iter().filter_map(words).collect()
}

/// Returns the resource of a word: a floating address, or an agent with its arguments.
#[must_use]
pub fn resource_of(word: &str) -> Resource {
    let facts = Facts::default();
    let reader = group::Reader { facts: &facts, nodes: &[], address_agent: AddressAgent::Native };
    reader.resource_of(word)
}

fn absent(sources: &Sources<'_>, rule: &'static Rule, message: &str, findings: &mut Vec<Finding>) {
    let path = sources.haresources.original_path();
    findings.push(
        Finding::new(rule, File::Haresources, 0..0, message)
            .help("one line per group, the same on all nodes: `web1 192.168.122.100 nginx`")
            .original(format!("ERROR: Cannot open resources file [{path}]"))
            .original(format!(
                "info: An annotated sample {path} file is provided in the documentation."
            ))
            .original(format!(
                "info: Please copy it to {path}, read it, customize it, and try again."
            )),
    );
}

#[cfg(test)]
mod tests;
