//! What `cl_status` prints.

use super::facts::{Facts, Kind, Node};
use super::options::Flags;
use std::fmt::Write as _;

/// The answer to `-h`.
pub(super) const HELP: &str = "\
Usage: cl_status <sub-command> [<options>] [<parameters>]

Sub-commands:
clientstatus <node-name> <client-id> [<timeout>]
\tShow the status of heartbeat clients.
hblinkstatus <node-name> <link-name>
\tShow the status of a heartbeat link
hbstatus
\tIndicate if heartbeat is running on the local system.
\tOptions:
\t\t-v\tverbose: also add \"listnodes -v\" output
listnodes [<option>]
\tList the nodes in the cluster.
\tOptions:
\t\t-p\tlist only 'ping' type nodes
\t\t-n\tlist only 'normal' type nodes
\t\t-v\tverbose: also list type and status,
\t\t\tthen add \"listhblinks -v\" output
listhblinks <node-name>
\tList the network interfaces used as hearbeat links.
\tOptions:
\t\t-v\tverbose: list link status as well
nodestatus <node-name>
\tList the node status.
nodeweight <node-name>
\tList the node weight.
nodesite <node-name>
\tList the node site.
nodetype <node-name>
\tList the nodes of a given type.
rscstatus
\tShow the status of cluster resources.
hbparameter -p <parameter-name>
\tRetrieve the value of a cluster parameter.
\tAs for the valid parameter names, please refer to the man page.
";

/// Returns the first lines of `hbstatus -v`.
pub(super) fn version(facts: &Facts, flags: &Flags) -> String {
    let version = facts.version();
    if flags.for_people {
        format!("Heartbeat version {version}\nResources controlled by \"haresources\"\n")
    } else {
        format!("version:\t{version}\nmanaged by:\t\"haresources\"\n")
    }
}

/// Returns the list of nodes.
pub(super) fn nodes(facts: &Facts, flags: &Flags) -> String {
    let mut text = String::new();
    if flags.for_people {
        text += "The nodes are as follow:\n";
    }
    let is_wanted = |node: &&Node| match node.kind {
        Kind::Normal => flags.normal || !flags.ping,
        Kind::Ping => flags.ping || !flags.normal,
    };
    for node in facts.nodes.iter().filter(is_wanted) {
        let Node { name, kind, status, links: _ } = node;
        // Writing to a string cannot fail.
        let _ = if flags.verbose {
            write!(text, "\n{name}\t{status}\t(nodetype: {})\n{}", kind.word(), links(node, flags))
        } else {
            writeln!(text, "{name}")
        };
    }
    text
}

/// Returns the list of the links of a node.
pub(super) fn links(node: &Node, flags: &Flags) -> String {
    let mut text = String::new();
    if flags.for_people {
        text += "\tthis node has the following heartbeat links:\n";
    }
    for (name, is_up) in &node.links {
        // Writing to a string cannot fail.
        let _ = if flags.verbose {
            writeln!(text, "\t{name}\t{}", link_word(*is_up))
        } else {
            writeln!(text, "\t{name}")
        };
    }
    text
}

/// Returns heartbeat's word for the state of a link.
pub(super) const fn link_word(is_up: bool) -> &'static str {
    if is_up { "up" } else { "dead" }
}

/// Returns the answer to `test`.
pub(super) fn test(facts: &Facts) -> String {
    let (dead, keepalive) = (facts.deadtime_ms(), facts.parameters.keepalive_ms);
    let held = facts.held().unwrap_or("none");
    format!(
        "Dead time: {dead}\n keeplive time: {keepalive}\n mynodeid: {}\n rsc: {held}\n",
        facts.name()
    )
}
