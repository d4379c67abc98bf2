//! Which addresses node names stand for on this machine.
//!
//! Asked for once, when datagrams come with other keys from an address of which nothing else is
//! known. A name server may take long to answer: a thread of its own waits for it.

use std::net::{IpAddr, ToSocketAddrs as _};
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::thread;
use systole_core::{NodeId, Settings};

/// Most addresses of one node that are remembered.
const ADDRESSES_MAX: usize = 16;
/// Stack of the thread that asks, in bytes: all of it is locked, and stays allocated.
const STACK: usize = 256 << 10;

/// The addresses of node names.
#[derive(Debug, Default)]
pub(super) enum Names {
    /// Nobody has asked yet.
    #[default]
    Unasked,
    /// The answer is awaited.
    Asked(Receiver<Vec<(IpAddr, NodeId)>>),
    /// The answer.
    Known(Vec<(IpAddr, NodeId)>),
}

impl Names {
    /// Asks, unless that was done before. Returns whether an answer is still to come.
    pub(super) fn ask(&mut self, settings: &Settings) -> bool {
        match self {
            Self::Asked(_) => return true,
            Self::Known(_) => return false,
            Self::Unasked => {}
        }
        let others = settings.node_ids().filter(|node| *node != settings.me);
        let others: Vec<_> = others.map(|node| (node, settings.name(node).to_owned())).collect();
        let (tell, told) = sync_channel(1);
        let thread = thread::Builder::new().name("names".to_owned()).stack_size(STACK);
        let thread = thread.spawn(move || {
            let of_node = |(node, name): (NodeId, String)| {
                let found = (name.as_str(), 0).to_socket_addrs();
                let found = found.into_iter().flatten().take(ADDRESSES_MAX);
                found.map(move |address| (address.ip(), node)).collect::<Vec<_>>()
            };
            // Nobody waits any more when the daemon has ended.
            let _ = tell.send(others.into_iter().flat_map(of_node).collect());
        });
        // Without a thread there are no names, and the lines tell the addresses alone.
        *self = if thread.is_ok() { Self::Asked(told) } else { Self::Known(Vec::new()) };
        matches!(self, Self::Asked(_))
    }

    /// Whether the answer has just come.
    pub(super) fn arrive(&mut self) -> bool {
        let Self::Asked(told) = self else { return false };
        *self = match told.try_recv() {
            Ok(known) => Self::Known(known),
            Err(TryRecvError::Empty) => return false,
            Err(TryRecvError::Disconnected) => Self::Known(Vec::new()),
        };
        true
    }

    /// The node whose name stands for an address.
    pub(super) fn node_at(&self, address: Option<IpAddr>) -> Option<NodeId> {
        match self {
            Self::Unasked | Self::Asked(_) => None,
            Self::Known(known) => {
                known.iter().find(|(known, _)| Some(*known) == address).map(|(_, node)| *node)
            }
        }
    }

    #[cfg(test)]
    pub(super) fn answered(known: Vec<(IpAddr, NodeId)>) -> Self {
        let (tell, told) = sync_channel(1);
        tell.send(known).unwrap();
        Self::Asked(told)
    }
}
