//! `hb_addnode`, `hb_delnode`, `hb_setweight`, `hb_setsite`: changes of the cluster that are not made by a
//! command.

use super::Call;
use crate::{complain_plainly, exit, print};

/// A change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// Add nodes to the cluster.
    AddNode,
    /// Delete nodes from the cluster.
    DeleteNode,
    /// Set the weight of a node.
    SetWeight,
    /// Set the site of a node.
    SetSite,
}

/// Prints the usage, or why the change is not made. The exit status is 1 in both cases.
pub(super) fn run(change: Change, call: &Call) -> u8 {
    match call.first() {
        None | Some("--help") => print(&format!("usage: {}\n", change.usage())),
        Some(_) => complain_plainly(&format!("{}: refused: {}", call.name(), change.refusal())),
    }
    exit::REFUSED
}

impl Change {
    const fn usage(self) -> &'static str {
        match self {
            Self::AddNode => "hb_addnode <node> <node> ...",
            Self::DeleteNode => "hb_delnode <node> <node> ...",
            Self::SetWeight => "hb_setweight <node> <weight>",
            Self::SetSite => "hb_setsite <node> <site>",
        }
    }

    const fn refusal(self) -> &'static str {
        match self {
            Self::AddNode | Self::DeleteNode => {
                "the nodes are those of ha.cf: change it on every node, then run `hb reload` on each of them"
            }
            Self::SetWeight | Self::SetSite => {
                "only quorum plug-ins of heartbeat use weights and sites, and there are none here"
            }
        }
    }
}
