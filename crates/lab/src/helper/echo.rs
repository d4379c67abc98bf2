//! Answers the client's probes with the name of the node that has the address.

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, bind, recvfrom, sendto,
    socket_with, sockopt,
};
use std::io;
use std::net::{IpAddr, SocketAddr};

/// The port of the responder; inside the lab it can be any.
pub(crate) const PORT: u16 = 7007;
/// The longest probe that is answered, in bytes.
const PROBE_MAX: usize = 64;

/// Answers each probe with the probe followed by the node's name, until it is killed.
pub(super) fn run(addresses: &[String]) -> io::Result<()> {
    let sockets = addresses.iter().map(|word| listen(word)).collect::<io::Result<Vec<_>>>()?;
    let name = rustix::system::uname().nodename().to_bytes().to_vec();
    loop {
        let mut fds: Vec<PollFd<'_>> =
            sockets.iter().map(|socket| PollFd::new(socket, PollFlags::IN)).collect();
        match poll(&mut fds, None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        for socket in &sockets {
            answer(socket, &name);
        }
    }
}

/// Opens a socket on the floating address, whether or not this node currently has the address.
fn listen(address: &str) -> io::Result<OwnedFd> {
    let invalid = |error| io::Error::new(io::ErrorKind::InvalidInput, error);
    let address: IpAddr = address.parse().map_err(invalid)?;
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(family, SocketType::DGRAM, flags, None)?;
    if address.is_ipv4() {
        sockopt::set_ip_freebind(&socket, true)?;
    } else {
        sockopt::set_ipv6_freebind(&socket, true)?;
    }
    bind(&socket, &SocketAddr::new(address, PORT))?;
    Ok(socket)
}

/// Answers the probes that have arrived at a socket.
fn answer(socket: &OwnedFd, name: &[u8]) {
    let mut buffer = [0; PROBE_MAX];
    while let Ok((length, _, Some(from))) = recvfrom(socket, &mut buffer, RecvFlags::empty()) {
        let mut reply = buffer[..length.min(PROBE_MAX)].to_vec();
        reply.extend_from_slice(name);
        // The address may be gone between the two calls; then the answer has no source address.
        let _ = sendto(socket, &reply, SendFlags::empty(), &from);
    }
}
