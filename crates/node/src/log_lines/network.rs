//! Lines about which nodes are alive, the media that carry messages, and lost messages.

use super::{LogRenderer, critical, error, info, warning};
use crate::log::{Line, Repeating};
use std::time::Duration;
use systole_core::{LinkId, NodeId, NodeStatus};

impl LogRenderer {
    pub(super) fn peer_status(&self, node: NodeId, status: NodeStatus) -> Line {
        info(format!("Status update for node {}: status {status}", self.node(node)))
    }

    pub(super) fn late(&self, node: NodeId, interval: Duration, deadly: bool) -> Line {
        let (node, interval) = (self.node(node), interval.as_millis());
        let text = format!("Late heartbeat: Node {node}: interval {interval} ms");
        let line = if deadly { critical(format!("{text} (> deadtime)")) } else { warning(text) };
        line.repeating(Repeating::LateBeat)
    }

    pub(super) fn link_is(&self, node: NodeId, link: LinkId, status: &str) -> Line {
        info(format!("Link {}:{} {status}.", self.node(node), self.link(link)))
    }

    pub(super) fn refused_nodes(&self, node: NodeId, nodes: &str) -> Line {
        let (ours, node) = (self.settings.nodes.join(" "), self.node(node));
        let lists = format!("[{nodes}], ours is [{ours}]");
        warning(format!("The node list of {node} is {lists}. No message changes ha.cf."))
            .repeating(Repeating::Stranger)
    }

    pub(super) fn differs(&self, node: NodeId, what: &str) -> Line {
        let (me, node) = (self.node(self.settings.me), self.node(node));
        warning(format!("{what} of {node} differs from that of {me}."))
    }
}

/// Heartbeat has words of its own for one of these fields.
pub(super) fn unreadable(node: &str, field: &str) -> Line {
    let line = if field == "rsc_hold" {
        error("resource message without rsc_hold field.")
    } else {
        warning(format!("A message from {node} is unreadable: its field {field} is invalid."))
    };
    line.repeating(Repeating::BadPacket)
}

pub(super) fn local_status(status: NodeStatus) -> Line {
    info(format!("Local status now set to: '{status}'"))
}

pub(super) fn dead(node: &str) -> Line {
    warning(format!("node {node}: is dead"))
}

pub(super) fn restarted(node: &str) -> Line {
    info(format!("Heartbeat restart on node {node}"))
}

pub(super) fn returned(node: &str) -> Vec<Line> {
    let see = "See URL: http://linux-ha.org/wiki/Split_Brain";
    vec![
        critical(format!("Cluster node {node} returning after partition.")),
        info(format!("For information on cluster partitions, {see}")),
        warning("Deadtime value may be too small."),
        info("See FAQ for information on tuning deadtime."),
        info("URL: http://linux-ha.org/wiki/FAQ#Heavy_Load"),
    ]
}

pub(super) fn ping_alive(ping: &str) -> Vec<Line> {
    vec![
        info(format!("Link {ping}:{ping} up.")),
        info(format!("Status update for node {ping}: status ping")),
    ]
}

pub(super) fn ping_dead(ping: &str) -> Vec<Line> {
    vec![info(format!("Link {ping}:{ping} dead.")), dead(ping)]
}

pub(super) fn paused(gap: Duration) -> Line {
    let gap = gap.as_millis();
    warning(format!("This node did not run for {gap} ms. Checking what this node still owns."))
}

pub(super) fn replay(node: &str, generation: u64, current: u64, count: u64) -> Line {
    let generations = format!("[gen = {generation}, curgen = {current}]");
    let count =
        if count > 1 { format!(", {count} since the last such line") } else { String::new() };
    error(format!("should_drop_message: attempted replay attack [{node}]? {generations}{count}"))
        .repeating(Repeating::Replay)
}

pub(super) fn lost(node: &str, count: u64, last: u64, sequence: u64) -> Line {
    warning(format!("{count} lost packet(s) for [{node}] [{last}:{sequence}]"))
        .repeating(Repeating::Loss)
}

pub(super) fn given_up() -> Line {
    error("lost a lot of packets!").repeating(Repeating::Loss)
}

pub(super) fn complete(node: &str) -> Line {
    info(format!("No pkts missing from {node}!")).repeating(Repeating::LossEnded)
}

pub(super) fn irretrievable(node: &str, sequence: u64) -> Line {
    error(format!("Irretrievably lost packet: node {node} seq {sequence}"))
        .repeating(Repeating::Loss)
}

pub(super) fn too_old(node: &str, sequence: u64) -> Line {
    error(format!("Cannot rexmit pkt {sequence} for {node}: seqno too low"))
        .repeating(Repeating::Loss)
}

pub(super) fn never_sent(sequence: u64, sent: u64) -> Line {
    warning(format!("Rexmit of seq {sequence} requested. {sent} is max."))
        .repeating(Repeating::Loss)
}

pub(super) fn ack_beyond(sequence: u64, sent: u64) -> Line {
    let numbers = format!("current hiseq = {sent:x} ackseq ={sequence:x}");
    error(format!("HBDoMsg_T_ACK: corrupted ackseq {numbers} in this message"))
        .repeating(Repeating::Loss)
}

/// A C node logs this as an error from 450 on.
pub(super) fn filling(count: usize) -> Line {
    const GRAVE: usize = 450;
    let text = format!("Message hist queue is filling up ({count} messages in queue)");
    let line = if count > GRAVE { error(text) } else { warning(text) };
    line.repeating(Repeating::Loss)
}
