//! Checks of the `node` lines.

use super::find;
use crate::facts::Facts;
use crate::finding::Finding;
use crate::hacf::Draft;
use crate::rule;
use crate::suggest::nearest;
use systole_core::NODES_MAX;

/// The number of nodes for which heartbeat 3.0.6 designed its protocol between nodes.
const CLASSIC_NODES: usize = 2;

pub(super) fn check(draft: &Draft, facts: &Facts<'_>, findings: &mut Vec<Finding>) {
    let Some(first) = draft.nodes.first() else {
        findings.push(
            find(&rule::NO_NODES, 0..0, "ha.cf names no node")
                .help("`node NAME` for each node, where NAME is what `uname -n` says there")
                .original("ERROR: no nodes defined"),
        );
        return;
    };
    if draft.nodes.len() == 1 {
        let message = format!("`{}` is the only node", first.value);
        findings.push(
            find(&rule::ONE_NODE, first.span.clone(), message).label("no other node can take over"),
        );
    }
    if let Some(third) = draft.nodes.get(CLASSIC_NODES) {
        findings.push(
            find(
                &rule::MORE_THAN_TWO_NODES,
                third.span.clone(),
                "a C heartbeat runs haresources on two nodes",
            )
            .label("with more nodes it mixes up ownership"),
        );
    }
    if let Some(beyond) = draft.nodes.get(NODES_MAX) {
        let message = format!("a cluster has at most {NODES_MAX} nodes");
        findings
            .push(find(&rule::TOO_MANY_NODES, beyond.span.clone(), message).label("one too many"));
    }
    own_name(draft, facts, findings);
}

fn own_name(draft: &Draft, facts: &Facts<'_>, findings: &mut Vec<Finding>) {
    let Some(own) = facts.own_name() else { return };
    if draft.nodes.iter().any(|node| node.value == own) {
        return;
    }
    let short = |name: &str| name.split('.').next().unwrap_or_default().to_owned();
    let names = || draft.nodes.iter().map(|node| node.value.as_str());
    let meant = names().find(|name| short(name) == short(&own)).or_else(|| nearest(&own, names()));
    let at = draft.nodes.iter().find(|node| Some(node.value.as_str()) == meant);
    let source = if facts.nodeinfo.is_some() { "nodeinfo names" } else { "`uname -n` says" };
    let mut finding = find(
        &rule::SELF_MISSING,
        at.unwrap_or(&draft.nodes[0]).span.clone(),
        format!("this node is not in ha.cf: {source} `{own}`"),
    )
    .original(format!("ERROR: Current node [{own}] not in configuration!"))
    .original(
        "info: By default, cluster nodes are named by `uname -n` and must be declared with a 'node' directive in the ha.cf file.",
    );
    finding = match at {
        Some(at) => finding.label(format!("expected `{own}`")).fix(
            "did you mean this node?",
            at.span.clone(),
            own,
        ),
        None => finding
            .label(format!("neither this node nor any other is `{own}`"))
            .help(format!("a line `node {own}`")),
    };
    findings.push(finding);
}
