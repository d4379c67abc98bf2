//! Echo requests to ping nodes, and the replies that count.

use super::drops::Drops;
use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::time::Duration;
use systole_core::{PingId, Time};
use systole_sys::icmp::{Echo, Version};
use systole_wire::{Decoder, Encoder, Keys, Ping, PingMedium};

/// Maximum number of replies that are read in one turn. Ping nodes send one for each request.
const REPLIES_PER_TURN: usize = 64;

/// A ping node or ping group with the addresses of its members.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PingNode {
    /// The medium.
    pub(crate) medium: PingMedium,
    /// Its name.
    pub(crate) name: String,
    /// The addresses that are pinged.
    pub(crate) addresses: Vec<IpAddr>,
}

/// All ping nodes, and the sockets for pinging them.
#[derive(Debug)]
pub(crate) struct Pings {
    nodes: Vec<PingNode>,
    sockets: [Option<Echo>; 2],
    sequence: u16,
    /// Time of the core's start in seconds since 1970.
    unix_time: u64,
    /// The maximum age of a request whose reply counts: a reply to an older one proves nothing about the
    /// present.
    patience: Duration,
}

impl Pings {
    /// Opens the sockets that the nodes need. `unix_time` is the time of the core's start.
    ///
    /// # Errors
    ///
    /// `EPERM` without `CAP_NET_RAW`.
    pub(crate) fn open(
        nodes: Vec<PingNode>,
        unix_time: u64,
        patience: Duration,
    ) -> io::Result<Self> {
        // As in heartbeat, the lower half of the process id distinguishes this daemon's requests from
        // others.
        let identifier = u16::try_from(std::process::id() & 0xffff).unwrap_or(0);
        let open = |version| {
            let mut addresses = nodes.iter().flat_map(|node| &node.addresses);
            let is_needed = addresses.any(|address| Version::of(*address) == version);
            is_needed.then(|| Echo::open(version, identifier)).transpose()
        };
        let sockets = [open(Version::V4)?, open(Version::V6)?];
        Ok(Self { nodes, sockets, sequence: 0, unix_time, patience })
    }

    /// The lines of heartbeat's plug-ins about the opened media.
    pub(crate) fn opened(&self) -> impl Iterator<Item = &'static str> {
        self.nodes.iter().map(|node| match node.medium {
            PingMedium::Ping | PingMedium::Ping6 => "glib: ping heartbeat started.",
            PingMedium::Group => "glib: ping group heartbeat started.",
        })
    }

    /// Pings all nodes. A request that cannot be sent is not answered, and so needs no report of its own.
    pub(super) fn ask(&mut self, now: Time, encoder: &mut Encoder, keys: &Keys) {
        let sequence = self.sequence;
        self.sequence = sequence.wrapping_add(1);
        for node in &self.nodes {
            let unix_time = self.seconds(now);
            let ping = Ping { medium: node.medium, node: &node.name, unix_time };
            let Ok(payload) = encoder.encode_ping(&ping, keys) else { continue };
            for address in &node.addresses {
                if let Some(socket) = socket_for(&self.sockets, *address) {
                    let _ = socket.send(*address, sequence, payload);
                }
            }
        }
    }

    /// Reads replies, and passes each that counts to `answered`.
    pub(super) fn receive(
        &self,
        now: Time,
        buffer: &mut [u8],
        decoder: &mut Decoder,
        keys: &Keys,
        drops: &mut Drops,
        mut answered: impl FnMut(PingId),
    ) {
        for socket in self.sockets.iter().flatten() {
            for _ in 0..REPLIES_PER_TURN {
                let Ok(Some(reply)) = socket.receive(buffer) else { break };
                let opened = decoder.open(&buffer[reply.payload.clone()], keys);
                let ping = opened.ok().and_then(|opened| opened.ping().ok());
                match ping.and_then(|ping| self.judge(now, reply.source, &ping)) {
                    Some(node) => answered(node),
                    None => drops.record_stray(reply.source),
                }
            }
        }
    }

    /// Returns the node that a reply proves to be alive.
    fn judge(&self, now: Time, source: IpAddr, ping: &Ping<'_>) -> Option<PingId> {
        let is_it = |node: &PingNode| node.name == ping.node && node.medium == ping.medium;
        let index = self.nodes.iter().position(is_it)?;
        let is_member = self.nodes[index].addresses.contains(&source);
        let age = self.seconds(now).saturating_sub(ping.unix_time);
        let is_fresh = age <= self.patience.as_secs() + 1;
        let id = u8::try_from(index).ok().map(PingId)?;
        (is_member && is_fresh).then_some(id)
    }

    /// Returns the seconds since 1970 by the core's clock, which is not set meanwhile.
    fn seconds(&self, now: Time) -> u64 {
        self.unix_time + now.since(Time::START).as_secs()
    }

    /// The descriptors to wait for.
    pub(super) fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.sockets.iter().flatten().map(|socket| socket.as_fd())
    }
}

fn socket_for(sockets: &[Option<Echo>; 2], address: IpAddr) -> Option<&Echo> {
    let [v4, v6] = sockets;
    match Version::of(address) {
        Version::V4 => v4.as_ref(),
        Version::V6 => v6.as_ref(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GATEWAY: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 168, 122, 1));

    #[test]
    fn ping_reply_counts_only_if_fresh_and_sent_by_pinged_node() {
        let node = PingNode {
            medium: PingMedium::Ping,
            name: "192.168.122.1".to_owned(),
            addresses: vec![GATEWAY],
        };
        let pings = Pings {
            nodes: vec![node],
            sockets: [None, None],
            sequence: 0,
            unix_time: 1000,
            patience: Duration::from_secs(5),
        };
        let now = Time::START + Duration::from_secs(100);
        let ping = |node, unix_time| Ping { medium: PingMedium::Ping, node, unix_time };
        let judge = |source, ping| pings.judge(now, source, &ping);
        assert_eq!(judge(GATEWAY, ping("192.168.122.1", 1099)), Some(PingId(0)));
        assert_eq!(judge(GATEWAY, ping("192.168.122.1", 1094)), Some(PingId(0)));
        assert_eq!(judge(GATEWAY, ping("192.168.122.1", 1093)), None);
        assert_eq!(judge(GATEWAY, ping("192.168.122.2", 1099)), None);
        let group = Ping { medium: PingMedium::Group, ..ping("192.168.122.1", 1099) };
        assert_eq!(judge(GATEWAY, group), None);
        assert_eq!(judge("192.168.122.2".parse().unwrap(), ping("192.168.122.1", 1099)), None);
    }
}
