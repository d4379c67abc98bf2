//! Changes of interfaces and addresses that the kernel reports without being asked.

use super::message::address;
use super::{Message, read};
use netlink_packet_core::NetlinkPayload;
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};
use rustix::io::Errno;
use std::io;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::os::fd::{AsFd, BorrowedFd};

/// `RTMGRP_LINK`, `RTMGRP_IPV4_IFADDR` and `RTMGRP_IPV6_IFADDR` of rtnetlink(7).
const GROUPS: u32 = 0x1 | 0x10 | 0x100;
/// The most datagrams that are read at once; the rest wakes the caller again.
const DATAGRAMS: usize = 256;

/// The most removed addresses that are listed. With more, any address may be gone.
const REMOVED_MAX: usize = 1 << 10;

/// What changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// An interface came, went, or changed its state.
    pub interfaces: bool,
    /// Any address may be gone: too much happened, or a report cannot be read.
    pub addresses: bool,
    /// Addresses that are gone from an interface.
    pub removed: Vec<Removed>,
}

/// An address that is gone from an interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Removed {
    /// The address.
    pub address: IpAddr,
    /// The number of the netlink socket that asked for the removal, normally the id of its process; absent
    /// when the kernel removed the address itself, because its lifetime was over or the interface is gone.
    pub port: Option<NonZeroU32>,
}

/// A socket on which the kernel reports changes in the network namespace in which the socket was opened.
/// Readable when there is news.
#[derive(Debug)]
pub struct Watch {
    socket: Socket,
}

impl Watch {
    /// Begins to listen.
    ///
    /// # Errors
    ///
    /// When no descriptor is left.
    pub fn open() -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_ROUTE)?;
        socket.bind(&SocketAddr::new(0, GROUPS))?;
        socket.set_non_blocking(true)?;
        Ok(Self { socket })
    }

    /// Reads what has come since the last call. Reports that cannot be read, or were lost because there were
    /// too many, count as any change.
    #[must_use]
    pub fn read(&self) -> Change {
        let mut change = Change::default();
        for _ in 0..DATAGRAMS {
            match read(&self.socket) {
                Ok(messages) => {
                    for message in messages {
                        change.note(message.header.port_number, &message.payload);
                    }
                }
                Err(error) => match Errno::from_io_error(&error) {
                    Some(Errno::AGAIN) => break,
                    Some(Errno::INTR) => {}
                    Some(_) | None => {
                        let removed = Vec::new();
                        return Change { interfaces: true, addresses: true, removed };
                    }
                },
            }
        }
        change
    }
}

impl Change {
    fn note(&mut self, port: u32, payload: &NetlinkPayload<Message>) {
        let NetlinkPayload::InnerMessage(message) = payload else { return };
        match message {
            Message::NewLink(_) | Message::DelLink(_) => self.interfaces = true,
            Message::DelAddress(gone) => match address(gone) {
                Some(gone) if self.removed.len() < REMOVED_MAX => {
                    let port = NonZeroU32::new(port);
                    self.removed.push(Removed { address: gone.ip, port });
                }
                Some(_) | None => self.addresses = true,
            },
            _ => {}
        }
    }
}

impl AsFd for Watch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
