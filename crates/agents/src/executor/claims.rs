//! Listens on the interfaces of held addresses for other machines that claim one of them.
//!
//! Anybody in the network can send claims, at any rate, and this thread renews the lifetimes of addresses: so
//! it reads a few packets, and then none for a while. What the sockets cannot hold is lost.

use super::Executor;
use super::kernel::Looks;
use crate::protocol::Level;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;
use systole_core::Time;
use systole_executor::Input;
use systole_sys::address::{Claim, ClaimListener, Family, Interface};

/// How long nothing is read after something was.
const REST: Duration = Duration::from_millis(100);
/// When to try again to listen after that has failed, unless something changes before.
const RETRY: Duration = Duration::from_mins(1);
/// The longest time between two turns of a thread that runs: a daemon speaks more often
/// ([`SILENCE_MAX`](crate::standstill::SILENCE_MAX)).
const STILL: Duration = Duration::from_secs(1);
/// For how long what is heard is dropped after this thread stood still. Each socket holds less than is read in
/// this time.
const DEAF: Duration = Duration::from_secs(1);
/// The most sockets: one for each interface and family.
const SOCKETS_MAX: usize = 64;

/// The sockets, and what they listen for.
#[derive(Debug, Default)]
pub(super) struct Claims {
    watched: BTreeSet<IpAddr>,
    /// When to look where the addresses are.
    looks: Looks,
    /// When to look again after a failure. Does not hold back what is asked meanwhile.
    retry: Option<Time>,
    /// Something may have changed since the last look that succeeded.
    is_outdated: bool,
    sockets: Vec<Socket>,
    /// The Ethernet addresses of all interfaces of this machine, whose claims are its own.
    own: BTreeSet<[u8; 6]>,
    not_before: Time,
    /// Until when what is heard may be from the time before a standstill.
    deaf_until: Time,
    /// Whether a socket could not be opened. The first failure was logged.
    is_failing: bool,
}

/// A socket on one interface.
#[derive(Debug)]
struct Socket {
    at: (u32, Family),
    name: String,
    mac: [u8; 6],
    addresses: Vec<IpAddr>,
    listener: ClaimListener,
}

impl Claims {
    /// Listens for these addresses alone, from the next check of the interfaces on.
    pub(super) fn watch(&mut self, addresses: Vec<IpAddr>) {
        self.watched = addresses.into_iter().collect();
        self.ask();
    }

    /// Records that an interface has changed: its number or its Ethernet address may be another one.
    pub(super) fn look_again(&mut self) {
        if !self.watched.is_empty() {
            self.ask();
        }
    }

    fn ask(&mut self) {
        self.looks.ask();
        self.is_outdated = true;
    }

    /// Records when this thread last did something. What waited while it stood still is older than it seems,
    /// and who really has an address claims it again.
    pub(super) fn note_turn(&mut self, before: Time, now: Time) {
        if now.since(before) > STILL {
            self.deaf_until = now + DEAF;
        }
    }

    /// The time at which there is something to do without a packet.
    pub(super) fn deadline(&self, now: Time) -> Option<Time> {
        let rests = (!self.sockets.is_empty() && self.rests(now)).then_some(self.not_before);
        rests.into_iter().chain(self.looks.deadline()).chain(self.retry).min()
    }

    fn is_look_due(&self, now: Time) -> bool {
        self.looks.is_due(now) || self.retry.is_some_and(|due| due <= now)
    }

    /// The sockets to wait for.
    pub(super) fn descriptors(&self, now: Time) -> impl Iterator<Item = BorrowedFd<'_>> {
        let is_awake = !self.rests(now);
        self.sockets.iter().filter(move |_| is_awake).map(|socket| socket.listener.as_fd())
    }

    fn rests(&self, now: Time) -> bool {
        now < self.not_before
    }

    /// Opens and closes sockets, so that there is one wherever a watched address is. An interface without an
    /// Ethernet address has no neighbours who could claim something.
    fn place(&mut self, interfaces: &[Interface]) -> io::Result<()> {
        self.own = interfaces.iter().filter_map(|interface| interface.mac).collect();
        let mut wanted: BTreeMap<(u32, Family), Vec<IpAddr>> = BTreeMap::new();
        for interface in interfaces.iter().filter(|it| it.mac.is_some() && !it.is_loopback) {
            let here = interface.addresses.iter().map(|address| address.ip);
            for ip in here.filter(|ip| self.watched.contains(ip)) {
                let addresses = wanted.entry((interface.index, Family::of(ip))).or_default();
                addresses.push(ip);
            }
        }
        let mut result = Ok(());
        self.sockets.retain_mut(|socket| {
            let Some(addresses) = wanted.remove(&socket.at) else { return false };
            if socket.addresses != addresses
                && let Err(error) = socket.listener.listen_for(&addresses)
            {
                result = Err(error);
                return false;
            }
            socket.addresses = addresses;
            true
        });
        for (at, addresses) in wanted {
            if self.sockets.len() >= SOCKETS_MAX {
                let text = format!("more than {SOCKETS_MAX} interfaces have one");
                result = Err(io::Error::other(text));
                break;
            }
            match ClaimListener::open(at.0, at.1, &addresses) {
                Ok(listener) => {
                    let (name, mac) = (String::new(), [0; 6]);
                    self.sockets.push(Socket { at, name, mac, addresses, listener });
                }
                Err(error) => result = Err(error),
            }
        }
        for socket in &mut self.sockets {
            if let Some(interface) = interfaces.iter().find(|it| it.index == socket.at.0) {
                socket.name.clone_from(&interface.name);
                socket.mac = interface.mac.unwrap_or_default();
            }
        }
        result
    }

    /// Reads what has arrived: the claims, each with the name of its interface.
    fn read(&mut self, now: Time) -> Vec<(String, Claim)> {
        let mut heard = Vec::new();
        if self.rests(now) {
            return heard;
        }
        for socket in &self.sockets {
            let mut claims = Vec::new();
            // An error says that the interface is switched off, once.
            if socket.listener.read(&mut claims).is_ok_and(|packets| packets == 0) {
                continue;
            }
            self.not_before = now + REST;
            let ours = claims.into_iter().filter(|it| socket.addresses.contains(&it.address));
            heard.extend(ours.map(|claim| (socket.name.clone(), claim)));
        }
        if now < self.deaf_until {
            heard.clear();
        }
        heard
    }
}

impl Executor {
    /// Passes on the claims of other machines.
    pub(super) fn handle_claims(&mut self) {
        let heard = self.claims.read(self.now);
        if self.claims.is_look_due(self.now) {
            self.place_claims();
        }
        if self.claims.is_outdated {
            // An interface that has just changed may have made a claim of this machine's own. Packets of
            // others must not decide how often the interfaces are read; who has an address claims it again.
            return;
        }
        for (interface, Claim { address, mac }) in heard {
            if !self.claims.own.contains(&mac) {
                self.tell(Input::Claimed { address, interface, mac });
            }
        }
    }

    /// Looks where the addresses are, and listens there. Where that is refused nothing else is different, so
    /// it is said once.
    fn place_claims(&mut self) {
        let agent = &mut self.agent;
        let interfaces = self.claims.looks.time(self.now, || agent.interfaces());
        self.claims.is_outdated = interfaces.is_err();
        let placed = interfaces.and_then(|interfaces| self.claims.place(&interfaces));
        self.claims.retry = placed.is_err().then_some(self.now + RETRY);
        let was_failing = std::mem::replace(&mut self.claims.is_failing, placed.is_err());
        if let Err(error) = placed
            && !was_failing
        {
            let text = format!(
                "Cannot listen for other machines that claim an address of this node: {error}"
            );
            self.log_as("IPaddr", "default", Level::Warning, text);
        }
    }

    /// Announces an address once, wherever it is; not with an Ethernet address that may be a former one.
    pub(super) fn defend(&mut self, address: IpAddr) {
        if self.claims.is_outdated {
            self.place_claims();
        }
        if self.claims.is_outdated {
            return;
        }
        for socket in self.claims.sockets.iter().filter(|it| it.addresses.contains(&address)) {
            self.agent.announce_again(socket.at.0, socket.mac, address);
        }
    }
}

#[cfg(test)]
mod tests;
