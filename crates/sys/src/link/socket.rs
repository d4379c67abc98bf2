//! Sockets with the options that each medium needs.

use rustix::net::netdevice::name_to_index;
use socket2::{Domain, InterfaceIndexOrAddress, Protocol, Socket, Type};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::AsRawFd as _;

/// `IPTOS_LOWDELAY` (RFC 1349): heartbeat marks its `ucast` datagrams with it, and firewalls may match it.
const LOW_DELAY: u32 = 0x10;

/// The size of the send buffer of `ucast6` in bytes, as in heartbeat; the kernel may grant less.
const UNICAST6_BUFFER: usize = 1 << 20;

/// The size of a receive buffer in bytes. The kernel's usual 208 KiB hold 160 messages: a stranger who sends
/// 5,000 a second fills them in 30 ms, and the next beat of the peer is lost. This size holds one second of
/// such a flood.
const RECEIVE_BUFFER: usize = 4 << 20;

/// What is sent to other nodes on the service network does not leave that network.
const HOPS: u32 = 1;

/// Every sender is bound to its device, and lets the kernel choose its port: receivers of heartbeat ignore
/// it.
pub(super) fn unicast_sender(device: &str) -> io::Result<Socket> {
    let socket = on_device(Domain::IPV4, device)?;
    socket.set_tos_v4(LOW_DELAY)?;
    socket.set_reuse_port(true)?;
    Ok(socket)
}

pub(super) fn broadcast_sender(device: &str) -> io::Result<Socket> {
    let socket = on_device(Domain::IPV4, device)?;
    socket.set_broadcast(true)?;
    set_dont_route(&socket)?;
    Ok(socket)
}

pub(super) fn multicast_sender(device: &str, ttl: u8, loopback: bool) -> io::Result<Socket> {
    let socket = on_device(Domain::IPV4, device)?;
    socket.set_multicast_ttl_v4(ttl.into())?;
    socket.set_multicast_loop_v4(loopback)?;
    Ok(socket)
}

pub(super) fn unicast6_sender(device: &str) -> io::Result<Socket> {
    let socket = on_device(Domain::IPV6, device)?;
    socket.set_send_buffer_size(UNICAST6_BUFFER)?;
    socket.set_reuse_port(true)?;
    Ok(socket)
}

pub(super) fn multicast6_sender(device: &str, hops: u8, loopback: bool) -> io::Result<Socket> {
    let socket = on_device(Domain::IPV6, device)?;
    socket.set_multicast_hops_v6(hops.into())?;
    socket.set_multicast_loop_v6(loopback)?;
    Ok(socket)
}

/// Receives on all addresses of the device, so that the link survives a change of this node's address, and
/// broadcasts too. It does not receive from groups that other processes of this machine have joined.
pub(super) fn any_receiver(device: &str, port: u16) -> io::Result<Socket> {
    let socket = on_device(Domain::IPV4, device)?;
    widen(&socket)?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.set_multicast_all_v4(false)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)).into())?;
    Ok(socket)
}

/// Sends and receives on all interfaces, over IPv6 and over IPv4 in its form.
pub(super) fn dual(port: u16) -> io::Result<Socket> {
    let socket = new(Domain::IPV6)?;
    widen(&socket)?;
    socket.set_only_v6(false)?;
    socket.set_reuse_address(true)?;
    socket.set_broadcast(true)?;
    socket.set_unicast_hops_v6(HOPS)?;
    // A socket of IPv6 sends IPv4, too.
    socket.set_ttl_v4(HOPS)?;
    socket.set_multicast_all_v6(false)?;
    socket.bind(&SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)).into())?;
    Ok(socket)
}

/// Sends and receives on all interfaces over IPv4.
pub(super) fn all_v4(port: u16) -> io::Result<Socket> {
    let socket = new(Domain::IPV4)?;
    widen(&socket)?;
    socket.set_reuse_address(true)?;
    socket.set_broadcast(true)?;
    socket.set_ttl_v4(HOPS)?;
    socket.set_multicast_all_v4(false)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)).into())?;
    Ok(socket)
}

pub(super) fn any6_receiver(device: &str, port: u16) -> io::Result<Socket> {
    let socket = on_device(Domain::IPV6, device)?;
    widen(&socket)?;
    socket.set_only_v6(true)?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.set_multicast_all_v6(false)?;
    socket.bind(&SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)).into())?;
    Ok(socket)
}

/// Receives from the group on the device alone: without the last option but one, a message that comes over
/// another interface on which this machine has joined the group would count as one of this device.
pub(super) fn group_receiver(device: &str, group: Ipv4Addr, port: u16) -> io::Result<Socket> {
    let socket = new(Domain::IPV4)?;
    widen(&socket)?;
    let interface = InterfaceIndexOrAddress::Index(index_of(&socket, device)?);
    socket.set_reuse_address(true)?;
    socket.bind(&SocketAddr::V4(SocketAddrV4::new(group, port)).into())?;
    socket.set_multicast_all_v4(false)?;
    socket.join_multicast_v4_n(&group, &interface)?;
    Ok(socket)
}

pub(super) fn group6_receiver(device: &str, group: Ipv6Addr, port: u16) -> io::Result<Socket> {
    let socket = new(Domain::IPV6)?;
    widen(&socket)?;
    let interface = index_of(&socket, device)?;
    socket.set_only_v6(true)?;
    socket.set_reuse_address(true)?;
    socket.bind(&SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)).into())?;
    socket.set_multicast_all_v6(false)?;
    socket.join_multicast_v6(&group, interface)?;
    Ok(socket)
}

/// Returns the address with the device as its scope, where an address needs one.
pub(super) fn scoped(
    socket: &Socket,
    device: &str,
    address: Ipv6Addr,
    port: u16,
) -> io::Result<SocketAddrV6> {
    let is_local = address.is_unicast_link_local() || address.is_multicast();
    let scope = if is_local { index_of(socket, device)? } else { 0 };
    Ok(SocketAddrV6::new(address, port, 0, scope))
}

fn new(domain: Domain) -> io::Result<Socket> {
    Socket::new(domain, Type::DGRAM.nonblocking(), Some(Protocol::UDP))
}

fn on_device(domain: Domain, device: &str) -> io::Result<Socket> {
    let socket = new(domain)?;
    socket.bind_device(Some(device.as_bytes()))?;
    Ok(socket)
}

fn widen(socket: &Socket) -> io::Result<()> {
    // Exceeding `net.core.rmem_max` requires CAP_NET_ADMIN; without it, the buffer is as large as that limit
    // allows.
    if rustix::net::sockopt::set_socket_recv_buffer_size_force(socket, RECEIVE_BUFFER).is_err() {
        socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
    }
    Ok(())
}

pub(super) fn index_of(socket: &Socket, device: &str) -> io::Result<u32> {
    Ok(name_to_index(socket, device)?)
}

/// Sets `SO_DONTROUTE` of socket(7): sends only to hosts on the local network, whatever the routes say.
fn set_dont_route(socket: &Socket) -> io::Result<()> {
    let on: libc::c_int = 1;
    let size = libc::socklen_t::try_from(size_of_val(&on)).unwrap_or_default();
    // SAFETY: `on` is `size` bytes that outlive the call, which only reads them.
    let code = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_DONTROUTE,
            (&raw const on).cast(),
            size,
        )
    };
    if code == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unicast_datagrams_are_marked_low_delay() {
        assert_eq!(unicast_sender("lo").unwrap().tos_v4().unwrap(), LOW_DELAY);
    }

    #[test]
    fn multicast_sender_has_the_configured_ttl_and_loopback() {
        let socket = multicast_sender("lo", 3, true).unwrap();
        assert_eq!(socket.multicast_ttl_v4().unwrap(), 3);
        assert!(socket.multicast_loop_v4().unwrap());
        assert!(!multicast_sender("lo", 0, false).unwrap().multicast_loop_v4().unwrap());
        let socket = multicast6_sender("lo", 4, false).unwrap();
        assert_eq!(socket.multicast_hops_v6().unwrap(), 4);
        assert!(!socket.multicast_loop_v6().unwrap());
    }

    #[test]
    fn ipv6_scope_is_set_only_for_link_local_addresses() {
        let socket = new(Domain::IPV6).unwrap();
        let scope = |address: &str| {
            scoped(&socket, "lo", address.parse().unwrap(), 694).unwrap().scope_id()
        };
        let lo = index_of(&socket, "lo").unwrap();
        assert_eq!([scope("fe80::1"), scope("ff12::1"), scope("fd77::1")], [lo, lo, 0]);
    }
}
