//! Addresses, interfaces and networks through rtnetlink(7). Only this module uses the netlink crates.
#![expect(clippy::wildcard_enum_match_arm, reason = "the enums grow with every kernel")]

mod message;
mod picture;
mod removal;
mod watch;

pub use watch::{Change, Removed, Watch};

use super::{Address, Placed, Wanted};
use message::{address, new_address, renewed};
use netlink_packet_core::{
    NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REPLACE, NLM_F_REQUEST,
    NetlinkMessage, NetlinkPayload,
};
use netlink_packet_route::RouteNetlinkMessage as Message;
use netlink_packet_route::address::AddressMessage;
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};
use std::io;
use std::time::Duration;

/// The number of requests in one send. All their answers must fit into the buffer of the socket, which is 208
/// KiB unless an administrator made it smaller.
const BATCH: usize = 64;
/// The number of attempts to read a list that changes while the kernel writes it. Even one such change is
/// rare.
const DUMPS: usize = 16;
/// The length of the header of a message in bytes (netlink(7)).
const HEADER: usize = 16;
/// The longest datagram of a dump in bytes (`NLMSG_GOODSIZE` is at most 32 KiB).
const DATAGRAM: usize = 1 << 16;

/// What a change found out about an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// The address is there with the mark of Systole, and its lifetime begins anew.
    Ours,
    /// The address is there, but was not added by Systole: it was left as it is.
    Foreign,
    /// The address is not there.
    Absent,
}

/// A netlink socket for the addresses of the kernel. Never waits for anything but the kernel itself.
#[derive(Debug)]
pub struct Addresses {
    socket: Socket,
    sequence: u32,
}

impl Addresses {
    /// Opens a netlink socket in the calling thread's network namespace.
    ///
    /// # Errors
    ///
    /// When no descriptor is left.
    pub fn open() -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_ROUTE)?;
        socket.bind_auto()?;
        socket.connect(&SocketAddr::new(0, 0))?;
        // The kernel answers before the send returns: an answer that has not arrived by then never comes.
        socket.set_non_blocking(true)?;
        socket.set_cap_ack(true)?;
        Ok(Self { socket, sequence: 0 })
    }

    /// Adds addresses with the mark of Systole and this lifetime, in one batch.
    ///
    /// An address that is already on its interface counts as a success. If it has the mark of Systole, its
    /// lifetime begins anew; otherwise it keeps its own lifetime, so that an address that an administrator
    /// configured permanently does not vanish with this node's daemon.
    ///
    /// IPv6 addresses are added without duplicate address detection: it would keep the address unusable for a
    /// second or more, and would detect a former owner that hangs, which is exactly the node to take over
    /// from.
    ///
    /// The answers are in the order of `placed`.
    ///
    /// # Errors
    ///
    /// When the kernel cannot be asked at all; if the kernel refuses one address, this is the answer for that
    /// address.
    pub fn add(
        &mut self,
        placed: &[Placed],
        lifetime: Duration,
    ) -> io::Result<Vec<io::Result<Presence>>> {
        let present = self.addresses()?;
        let is_foreign = |wish: &&Placed| {
            present.iter().any(|message| {
                message.header.index == wish.index
                    && address(message)
                        .is_some_and(|found| found.ip == wish.address && !found.is_ours())
            })
        };
        let requests = placed.iter().filter(|wish| !is_foreign(wish));
        let requests =
            requests.map(|wish| Message::NewAddress(new_address(wish, lifetime))).collect();
        let mut answers = self.change(requests, NLM_F_CREATE | NLM_F_REPLACE)?.into_iter();
        let answer = |wish: &Placed| {
            if is_foreign(&wish) {
                return Ok(Presence::Foreign);
            }
            let silent = || Err(io::ErrorKind::UnexpectedEof.into());
            answers.next().unwrap_or_else(silent).map(|()| Presence::Ours)
        };
        Ok(placed.iter().map(answer).collect())
    }

    /// Renews the lifetimes of floating addresses, in one batch. Adds nothing: an address that is gone, or
    /// whose lifetime is over, is [`Presence::Absent`].
    ///
    /// Asks the kernel for addresses alone: there may be many interfaces and routes, and none of them has to
    /// be understood.
    ///
    /// The answers are in the order of `wanted`.
    ///
    /// # Errors
    ///
    /// When the kernel cannot be asked. An address whose renewal is refused is absent.
    pub fn renew(&mut self, wanted: &[Wanted], lifetime: Duration) -> io::Result<Vec<Presence>> {
        let messages = self.addresses()?;
        let mut result = Vec::with_capacity(wanted.len());
        let mut requests = Vec::new();
        for wish in wanted {
            let here = messages.iter().find_map(|message| {
                let found = address(message)?;
                let is_it = found.ip == wish.address && !found.is_expired();
                let may_be = wish.may_be_at(message.header.index);
                (is_it && may_be).then_some((message, found))
            });
            result.push(match here {
                None => Presence::Absent,
                Some((_, found)) if !found.is_ours() => Presence::Foreign,
                Some((message, _)) => {
                    requests.push(Message::NewAddress(renewed(message, lifetime)));
                    Presence::Ours
                }
            });
        }
        let mut answers = self.change(requests, NLM_F_REPLACE)?.into_iter();
        for presence in result.iter_mut().filter(|presence| **presence == Presence::Ours) {
            if !matches!(answers.next(), Some(Ok(()))) {
                *presence = Presence::Absent;
            }
        }
        Ok(result)
    }

    /// Returns for each address whether it is here, on an interface where
    /// [`Network::find`](super::Network::find) would find it. Asks for addresses alone, as
    /// [`renew`](Self::renew) does.
    ///
    /// # Errors
    ///
    /// When the kernel cannot be asked.
    pub fn find(&mut self, wanted: &[Wanted]) -> io::Result<Vec<bool>> {
        let here = self.addresses()?;
        let is_here = |wish: &Wanted| {
            let is_it = |found: Address| found.ip == wish.address && !found.is_expired();
            here.iter().any(|at| wish.may_be_at(at.header.index) && address(at).is_some_and(is_it))
        };
        Ok(wanted.iter().map(is_here).collect())
    }

    fn addresses(&mut self) -> io::Result<Vec<AddressMessage>> {
        let messages = self.dump(&Message::GetAddress(AddressMessage::default()))?;
        let addresses = messages.into_iter().filter_map(|message| match message {
            Message::NewAddress(address) => Some(address),
            _ => None,
        });
        Ok(addresses.collect())
    }

    /// Asks for a list, and again if the list changed while the kernel wrote it: an address that is missing
    /// from the list by accident would be given up.
    fn dump(&mut self, request: &Message) -> io::Result<Vec<Message>> {
        for _ in 0..DUMPS {
            if let Some(found) = self.dump_once(request.clone())? {
                return Ok(found);
            }
        }
        Err(io::ErrorKind::Interrupted.into())
    }

    fn dump_once(&mut self, request: Message) -> io::Result<Option<Vec<Message>>> {
        self.sequence = self.sequence.wrapping_add(1);
        let sequence = self.sequence;
        self.socket.send(&packet(request, NLM_F_REQUEST | NLM_F_DUMP, sequence), 0)?;
        let mut found = Vec::new();
        let mut is_whole = true;
        loop {
            for message in self.receive()? {
                if message.header.sequence_number != sequence {
                    continue;
                }
                is_whole &= message.header.flags & NLM_F_DUMP_INTR == 0;
                match message.payload {
                    NetlinkPayload::Done(_) => return Ok(is_whole.then_some(found)),
                    NetlinkPayload::Error(error) if error.code.is_some() => {
                        return Err(error.to_io());
                    }
                    NetlinkPayload::InnerMessage(message) => found.push(message),
                    _ => {}
                }
            }
        }
    }

    /// Sends all requests, [`BATCH`] at a time, and returns their answers in the same order.
    fn change(&mut self, requests: Vec<Message>, flags: u16) -> io::Result<Vec<io::Result<()>>> {
        let mut answers = Vec::with_capacity(requests.len());
        let mut requests = requests.into_iter().peekable();
        while requests.peek().is_some() {
            let first = self.sequence.wrapping_add(1);
            let mut bytes = Vec::new();
            let mut missing = 0;
            for request in requests.by_ref().take(BATCH) {
                self.sequence = self.sequence.wrapping_add(1);
                let flags = NLM_F_REQUEST | NLM_F_ACK | flags;
                bytes.extend(packet(request, flags, self.sequence));
                missing += 1;
            }
            self.socket.send(&bytes, 0)?;
            while missing > 0 {
                for message in self.receive()? {
                    let offset = message.header.sequence_number.wrapping_sub(first);
                    let NetlinkPayload::Error(error) = message.payload else { continue };
                    if usize::try_from(offset).is_ok_and(|offset| offset < BATCH) {
                        missing -= 1;
                        answers.push(error.code.map_or(Ok(()), |_| Err(error.to_io())));
                    }
                }
            }
        }
        Ok(answers)
    }

    /// Reads one datagram. No datagram is lost: only the kernel sends to a connected socket.
    fn receive(&self) -> io::Result<Vec<NetlinkMessage<Message>>> {
        read(&self.socket)
    }
}

/// Reads one datagram, which holds one or more messages.
fn read(socket: &Socket) -> io::Result<Vec<NetlinkMessage<Message>>> {
    let mut buffer = Vec::with_capacity(DATAGRAM);
    socket.recv(&mut buffer, 0)?;
    Ok(messages(&buffer))
}

/// Returns the messages of a datagram. A message that cannot be decoded is left out: newer kernels send more
/// than the library knows, and none of it concerns floating addresses.
fn messages(datagram: &[u8]) -> Vec<NetlinkMessage<Message>> {
    let mut rest = datagram;
    let mut messages = Vec::new();
    while let Some(length) = rest.first_chunk().map(|length| u32::from_ne_bytes(*length)) {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let Some(bytes) = rest.get(..length).filter(|bytes| bytes.len() >= HEADER) else { break };
        messages.extend(NetlinkMessage::<Message>::deserialize(bytes).ok());
        // Messages are aligned to multiples of four (netlink(7)).
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    messages
}

fn packet(request: Message, flags: u16, sequence: u32) -> Vec<u8> {
    let mut message = NetlinkMessage::from(request);
    message.header.flags = flags;
    message.header.sequence_number = sequence;
    message.finalize();
    let mut bytes = vec![0; message.buffer_len().next_multiple_of(4)];
    message.serialize(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests;
