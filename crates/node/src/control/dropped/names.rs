//! The addresses to which this machine resolves the names of nodes.
//!
//! They are looked up once, when datagrams with other keys come from an address about which nothing else is
//! known. A name server may take long to answer, so a separate thread waits for it.

use std::net::{IpAddr, ToSocketAddrs as _};
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::thread;
use systole_core::{NodeId, Settings};

/// Maximum number of addresses of one node that are kept.
const ADDRESSES_MAX: usize = 16;
/// Stack size of the thread that asks, in bytes. All of it is locked, and stays allocated.
const STACK: usize = 256 << 10;

/// The addresses of node names.
#[derive(Debug, Default)]
pub(super) enum Names {
    /// The names have not been looked up yet.
    #[default]
    Unasked,
    /// The answer is awaited.
    Asked(Receiver<Vec<(IpAddr, NodeId)>>),
    /// The answer has arrived.
    Known(Vec<(IpAddr, NodeId)>),
}

impl Names {
    /// Looks the names up, unless that was done before. Returns whether an answer is still to come.
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
            // Nothing waits for the answer if the daemon has ended.
            let _ = tell.send(others.into_iter().flat_map(of_node).collect());
        });
        // Without a thread there are no names, and the lines give only the addresses.
        *self = if thread.is_ok() { Self::Asked(told) } else { Self::Known(Vec::new()) };
        matches!(self, Self::Asked(_))
    }

    /// Whether the answer has just arrived.
    pub(super) fn arrive(&mut self) -> bool {
        let Self::Asked(told) = self else { return false };
        *self = match told.try_recv() {
            Ok(known) => Self::Known(known),
            Err(TryRecvError::Empty) => return false,
            Err(TryRecvError::Disconnected) => Self::Known(Vec::new()),
        };
        true
    }

    /// Returns the node whose name resolves to an address.
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
