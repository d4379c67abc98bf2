//! What the nodes have mounted.

use crate::node::Host;
use crate::{Lab, Node};
use std::fs;

impl Lab {
    /// Returns the nodes that have a device mounted.
    #[must_use]
    pub fn mounted_on(&self, device: &str) -> Vec<Node> {
        Node::ALL.into_iter().filter(|node| self.host(*node).has_mounted(device)).collect()
    }
}

impl Host {
    /// Returns whether the node has mounted a device, as in `/proc/mounts`.
    fn has_mounted(&self, device: &str) -> bool {
        let power = self.power();
        let path = power.as_ref().map(|machine| format!("/proc/{}/mounts", machine.pid()));
        let mounts = path.and_then(|path| fs::read_to_string(path).ok()).unwrap_or_default();
        mounts.lines().any(|line| line.split(' ').next() == Some(device))
    }
}
