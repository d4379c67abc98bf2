//! Asks the networks of the floating addresses which machine has one of them, and hears the answers.

use super::BeatLoop;
use rustix::io::Errno;
use std::io;
use std::net::{IpAddr, Ipv6Addr};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::time::Duration;
use systole_core::{GroupId, Input, Mac, ServiceAddresses, Time};
use systole_sys::address::{Announcer, Claim, ClaimListener, Family};

/// Most sockets: one for each interface and family.
pub(crate) const SITES_MAX: usize = 32;
/// Most times that a socket is read in one turn, with some packets each: all groups of a node are asked about at once, and
/// each address has several answers.
const BATCHES: usize = 64;
/// How much the kernel keeps for a socket, in bytes.
const ROOM: usize = 4 << 20;
/// How long nothing is read after something was: anybody on the network can send claims, at any rate.
const REST: Duration = Duration::from_millis(5);

/// An interface on which floating addresses are, or would be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Site {
    /// Its number in the kernel.
    pub(crate) interface: u32,
    /// Its Ethernet address.
    pub(crate) mac: [u8; 6],
    /// Its own address from which IPv6 neighbours are asked.
    pub(crate) source: Option<Ipv6Addr>,
    /// The protocol.
    pub(crate) family: Family,
    /// The floating addresses of that family, with their groups.
    pub(crate) addresses: Vec<(IpAddr, GroupId)>,
}

/// Where this node can be reached on the service network, and the sockets with which that network is asked.
#[derive(Debug)]
pub(crate) struct Reach {
    /// Its addresses there.
    pub(crate) own: ServiceAddresses,
    /// The broadcast addresses of these networks.
    pub(crate) broadcasts: Vec<IpAddr>,
    /// The sockets.
    pub(crate) guard: Guard,
}

/// The open sockets.
#[derive(Debug, Default)]
pub(crate) struct Guard {
    sites: Vec<(Site, ClaimListener)>,
    announcer: Option<Announcer>,
    /// Whether there is a socket for every site, as far as there can be one.
    is_whole: bool,
    /// The Ethernet addresses of this machine, whose claims are its own.
    own: Vec<[u8; 6]>,
    not_before: Time,
    claims: Vec<Claim>,
}

impl BeatLoop {
    /// Sends the next messages to where the other nodes can be reached on the service network.
    pub(super) fn aim(&mut self) {
        let seeks = self.cluster.seeks_on_service_network();
        let broadcasts = self.broadcasts.iter().copied().filter(|_| seeks);
        self.links.aim(self.cluster.service_targets().chain(broadcasts));
    }

    /// Asks the network about a group.
    pub(super) fn ask_network(&mut self, now: Time, group: GroupId) {
        if !self.guard.ask(group, &self.cluster.known_macs()) {
            self.cluster.handle(now, &Input::NotAsked(group));
        }
    }

    /// Tells the core which machines have floating addresses.
    pub(super) fn read_answers(&mut self, now: Time) {
        let Self { guard, cluster, rest, .. } = self;
        guard.read(now, |group, mac| {
            rest.record_work();
            cluster.handle(now, &Input::Answered { group, mac });
        });
    }
}

impl Guard {
    /// Opens the sockets for these sites.
    ///
    /// # Errors
    ///
    /// When a socket cannot be opened now. A machine without packet sockets (packet(7)) opens none.
    pub(crate) fn open(sites: &[Site], own: Vec<[u8; 6]>) -> io::Result<Self> {
        let mut opened = Vec::new();
        for site in sites.iter().take(SITES_MAX) {
            let addresses: Vec<IpAddr> = site.addresses.iter().map(|(ip, _)| *ip).collect();
            match ClaimListener::open(site.interface, site.family, &addresses) {
                Ok(listener) => {
                    listener.make_room(ROOM);
                    opened.push((site.clone(), listener));
                }
                // The interface has gone since it was listed.
                Err(error) if Errno::from_io_error(&error) == Some(Errno::NODEV) => {}
                Err(error) if is_impossible(&error) => {
                    return Ok(Self { is_whole: true, own, ..Self::default() });
                }
                Err(error) => return Err(error),
            }
        }
        let announcer = (!opened.is_empty()).then(Announcer::open).transpose()?;
        let is_whole = sites.len() <= SITES_MAX;
        Ok(Self { sites: opened, announcer, is_whole, own, ..Self::default() })
    }

    /// Asks who has the addresses of a group. These stations are asked by themselves, too. Returns whether every question
    /// that can be asked was sent: nothing can be asked where no interface has an Ethernet address.
    fn ask(&self, group: GroupId, stations: &(impl Iterator<Item = Mac> + Clone)) -> bool {
        let Some(announcer) = &self.announcer else { return self.is_whole };
        let mut is_sent = self.is_whole;
        for (site, _) in &self.sites {
            for (address, _) in site.addresses.iter().filter(|(_, its)| *its == group) {
                let stations = stations.clone().map(|station| station.0);
                let place = (site.interface, site.mac, site.source);
                is_sent &= announcer.ask(place, *address, stations).is_ok();
            }
        }
        is_sent
    }

    /// Reads what was claimed, and passes on which machine has an address of which group.
    pub(super) fn read(&mut self, now: Time, mut tell: impl FnMut(GroupId, Mac)) {
        if now < self.not_before {
            return;
        }
        for (site, listener) in &self.sites {
            self.claims.clear();
            for _ in 0..BATCHES {
                // An error says that the interface is switched off, once.
                if listener.read(&mut self.claims).is_ok_and(|packets| packets == 0) {
                    break;
                }
                self.not_before = now + REST;
            }
            for Claim { address, mac } in
                self.claims.iter().filter(|it| !self.own.contains(&it.mac))
            {
                for (_, group) in site.addresses.iter().filter(|(ip, _)| ip == address) {
                    tell(*group, Mac(*mac));
                }
            }
        }
    }

    /// The descriptors to wait for.
    pub(super) fn descriptors(&self, now: Time) -> impl Iterator<Item = BorrowedFd<'_>> {
        let is_awake = now >= self.not_before;
        self.sites.iter().filter(move |_| is_awake).map(|(_, listener)| listener.as_fd())
    }

    /// When to read again after a rest.
    pub(super) fn deadline(&self, now: Time) -> Option<Time> {
        Some(self.not_before).filter(|due| *due > now)
    }
}

/// Whether this machine can never ask: it has no packet sockets, or this process may not use them.
fn is_impossible(error: &io::Error) -> bool {
    let errno = Errno::from_io_error(error);
    matches!(errno, Some(Errno::PERM | Errno::ACCESS | Errno::AFNOSUPPORT))
}
