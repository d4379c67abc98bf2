//! Agents that a test writes itself: a pair with a group of such an agent, its script, and the calls of the
//! script.

use crate::Outcome;
use std::time::Duration;
use systole_lab::{ClusterConfig, Failback, Lab, Node};

/// The name of the agent's group.
pub(crate) const GROUP: &str = "192.168.122.101/24/eth0";

/// A group that the client probes, and a group of the agent of this name. Both prefer web1.
pub(crate) fn beside_the_service(agent: &str, failback: Failback) -> ClusterConfig {
    let usual = ClusterConfig::default();
    ClusterConfig {
        groups: vec![
            format!("web1 {}/24/eth0 {}", usual.address, usual.service.word()),
            format!("web1 {GROUP} {agent}"),
        ],
        failback,
        ipfail: false,
        deadtime: Duration::from_secs(2),
        warntime: Duration::from_secs(1),
        initdead: Duration::from_secs(4),
        ..usual
    }
}

/// Writes the script of an agent on both nodes.
pub(crate) fn install(lab: &Lab, agent: &str, script: &str) -> Outcome {
    for node in Node::ALL {
        lab.write_file(node, &format!("etc/ha.d/resource.d/{agent}"), script)?;
    }
    Ok(())
}

/// Returns what a node has started and stopped, as the script records it in `/var/log/agent`.
pub(crate) fn verbs(lab: &Lab, node: Node) -> String {
    lab.read_file(node, "var/log/agent")
}
