//! The removal of addresses.

use super::message::{address, flags};
use super::{Addresses, Message};
use crate::address::{PROTOCOL, Taken, Wanted};
use netlink_packet_core::{NLM_F_CREATE, NLM_F_REPLACE};
use netlink_packet_route::AddressFamily;
use netlink_packet_route::address::{AddressFlags, AddressMessage};
use std::io;
use std::net::IpAddr;

/// An address to remove, and the answer of the kernel.
type Removal = (AddressMessage, io::Result<()>);

impl Addresses {
    /// Removes addresses, in one batch, from every interface where [`Network::find`] would find them,
    /// whatever added them. Removing an absent address is a success. Asks for addresses alone, as
    /// [`renew`](Self::renew) does.
    ///
    /// Unless `promote_secondaries` is set, the kernel removes all other addresses of a network together with
    /// its first address. Those that were not to be removed are put back at once, as they were.
    ///
    /// The answers are in the order of `wanted`, and say where each address was removed.
    ///
    /// # Errors
    ///
    /// When the kernel cannot be asked, and when an address that was not to be removed cannot be put back; if
    /// the kernel refuses one address, this is the answer for that address.
    ///
    /// [`Network::find`]: crate::address::Network::find
    pub fn remove(&mut self, wanted: &[Wanted]) -> io::Result<Vec<io::Result<Vec<Taken>>>> {
        let before = self.addresses()?;
        let is_it = |wish: &Wanted, message: &AddressMessage| {
            wish.may_be_at(message.header.index)
                && address(message).is_some_and(|found| found.ip == wish.address)
        };
        let is_chosen = |message: &AddressMessage| wanted.iter().any(|wish| is_it(wish, message));
        let removals = self.remove_messages(before, is_chosen)?;
        let answer = |wish: &Wanted| {
            let own = removals.iter().filter(|(message, _)| is_it(wish, message));
            let own = own.map(|(message, answer)| match answer {
                Ok(()) => Ok(self.taken(wish, message)),
                Err(error) => Err(copy(error)),
            });
            own.collect()
        };
        Ok(wanted.iter().map(answer).collect())
    }

    fn taken(&self, wish: &Wanted, message: &AddressMessage) -> Taken {
        let index = message.header.index;
        let name = rustix::net::netdevice::index_to_name(&self.socket, index);
        let interface = name.unwrap_or_else(|_| index.to_string());
        Taken { address: wish.address, prefix: message.header.prefix_len, interface }
    }

    /// Removes every address with the mark of Systole except those in `kept`, and returns the removed
    /// addresses: those that a killed executor left.
    ///
    /// # Errors
    ///
    /// The first refusal; all addresses are tried.
    pub fn remove_orphans(&mut self, kept: &[IpAddr]) -> io::Result<Vec<IpAddr>> {
        let before = self.addresses()?;
        let is_orphan = |message: &AddressMessage| {
            address(message)
                .is_some_and(|found| found.protocol == Some(PROTOCOL) && !kept.contains(&found.ip))
        };
        let orphans = before.iter().filter(|message| is_orphan(message));
        let orphans = orphans.filter_map(|message| Some(address(message)?.ip)).collect();
        let removals = self.remove_messages(before, is_orphan)?;
        removals.into_iter().try_for_each(|(_, answer)| answer)?;
        Ok(orphans)
    }

    fn remove_messages(
        &mut self,
        before: Vec<AddressMessage>,
        is_chosen: impl Fn(&AddressMessage) -> bool,
    ) -> io::Result<Vec<Removal>> {
        let (mut chosen, others): (Vec<_>, Vec<_>) = before.into_iter().partition(is_chosen);
        if chosen.is_empty() {
            return Ok(Vec::new());
        }
        // Secondary addresses first: the removal of the first one would remove them too, or needlessly make
        // one of them the first.
        chosen.sort_by_key(|message| !flags(message).contains(AddressFlags::Secondary));
        let requests = chosen.iter().cloned().map(Message::DelAddress).collect();
        let answers = self.change(requests, 0)?.into_iter().map(|answer| match answer {
            Err(error) if error.raw_os_error() == Some(libc::EADDRNOTAVAIL) => Ok(()),
            answer => answer,
        });
        let removals = chosen.into_iter().zip(answers).collect();
        self.put_back(&others)?;
        Ok(removals)
    }

    /// Puts back the addresses that the kernel removed together with others.
    fn put_back(&mut self, others: &[AddressMessage]) -> io::Result<()> {
        let after = self.addresses()?;
        let is_there = |message: &&AddressMessage| {
            let found = address(message).map(|address| address.ip);
            after.iter().any(|other| {
                other.header.index == message.header.index
                    && other.header.prefix_len == message.header.prefix_len
                    && address(other).map(|address| address.ip) == found
            })
        };
        let secondary = |message: &&AddressMessage| {
            message.header.family == AddressFamily::Inet
                && flags(message).contains(AddressFlags::Secondary)
        };
        let gone = others.iter().filter(secondary).filter(|message| !is_there(message));
        let requests = gone.cloned().map(Message::NewAddress).collect();
        let answers = self.change(requests, NLM_F_CREATE | NLM_F_REPLACE)?;
        answers.into_iter().fold(Ok(()), Result::and)
    }
}

/// Returns a copy of an error.
fn copy(error: &io::Error) -> io::Error {
    error.raw_os_error().map_or_else(|| error.kind().into(), io::Error::from_raw_os_error)
}
