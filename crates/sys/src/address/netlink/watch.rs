//! News of interfaces and addresses that the kernel tells by itself.

use super::{Message, read};
use netlink_packet_core::NetlinkPayload;
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};
use rustix::io::Errno;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};

/// `RTMGRP_LINK`, `RTMGRP_IPV4_IFADDR` and `RTMGRP_IPV6_IFADDR` of rtnetlink(7).
const GROUPS: u32 = 0x1 | 0x10 | 0x100;
/// Most datagrams that are read at once; what is left wakes us again.
const DATAGRAMS: usize = 256;

/// What changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Change {
    /// An interface came, went, or changed its state.
    pub interfaces: bool,
    /// An address is gone.
    pub addresses: bool,
}

/// The door through which the kernel tells of changes in the network namespace in which it was
/// opened. Readable when there is news.
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

    /// Reads what came since the last time. What cannot be read, or was lost because there was too
    /// much of it, may have been anything.
    #[must_use]
    pub fn read(&self) -> Change {
        let mut change = Change::default();
        for _ in 0..DATAGRAMS {
            match read(&self.socket) {
                Ok(messages) => {
                    for message in messages {
                        change.note(&message.payload);
                    }
                }
                Err(error) => match Errno::from_io_error(&error) {
                    Some(Errno::AGAIN) => break,
                    Some(Errno::INTR) => {}
                    Some(_) | None => return Change { interfaces: true, addresses: true },
                },
            }
        }
        change
    }
}

impl Change {
    fn note(&mut self, payload: &NetlinkPayload<Message>) {
        let NetlinkPayload::InnerMessage(message) = payload else { return };
        match message {
            Message::NewLink(_) | Message::DelLink(_) => self.interfaces = true,
            Message::DelAddress(_) => self.addresses = true,
            _ => {}
        }
    }
}

impl AsFd for Watch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
