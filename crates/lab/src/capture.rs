//! Records the heartbeats that a node sends, as they leave its interfaces.

use crate::namespace::enter_network;
use crate::{Lab, LabError, Node};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::OwnedFd;
use rustix::net::{
    AddressFamily, Protocol, RecvFlags, SocketFlags, SocketType, recv, socket_with, sockopt,
};
use std::io;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

/// All protocols, in network byte order as required by `packet(7)`.
const ALL: NonZeroU32 = NonZeroU32::new(0x0003_u16.to_be() as u32).expect("is not zero");
/// How often the thread checks whether it must end.
const LOOK_EVERY: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
/// The most bytes that may wait for the thread: seconds of the client's probes, on a busy machine.
const WAITING_MAX: usize = 16 << 20;
/// The longest frame that is read, in bytes.
const FRAME_MAX: usize = 65_536;
/// The most packets that are kept; later ones are not.
const KEPT_MAX: usize = 50_000;
/// The length of an Ethernet header, and of those of UDP and of an ICMP echo, in bytes.
const ETHERNET: usize = 14;
const EIGHT: usize = 8;
/// The number of a fragment header, as named by the header before it (RFC 8200).
const FRAGMENT_HEADER: u8 = 44;
/// The beginnings of heartbeats.
const BEGINNINGS: [&[u8]; 2] = [b"###\n", b">>>\n"];
/// The end of a heartbeat on a serial line.
const END: &[u8] = b"\n<<<\n";

/// What carried a heartbeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carrier {
    /// UDP over IPv4, to the address and port that follow.
    Udp([u8; 4], u16),
    /// UDP over IPv6, to the address and port that follow.
    Udp6([u8; 16], u16),
    /// An ICMP echo request.
    Ping,
    /// An `ICMPv6` echo request.
    Ping6,
    /// The serial cable.
    Serial,
}

/// A heartbeat that leaves a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// What carried it.
    pub carrier: Carrier,
    /// The message, without the headers of what carried it.
    pub payload: Vec<u8>,
}

/// What a recording contains.
#[derive(Debug, Default)]
struct Kept {
    packets: Vec<Packet>,
    fragments: usize,
}

/// The kind of a frame.
#[derive(Debug, PartialEq, Eq)]
enum Frame {
    Heartbeat(Packet),
    /// A fragment of any packet.
    Fragment,
    Other,
}

/// A recording of what one node sends, made by a separate thread until it is finished.
#[derive(Debug)]
pub struct Capture {
    kept: Arc<Mutex<Kept>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Lab {
    /// Begins to record what a node sends. A power cut ends the recording.
    ///
    /// # Errors
    ///
    /// Without power.
    pub fn capture(&self, node: Node) -> Result<Capture, LabError> {
        let network = self.host(node).with(|machine| Ok(machine.network()))?;
        let kept = Arc::new(Mutex::new(Kept::default()));
        let stop = Arc::new(AtomicBool::new(false));
        let (theirs, halt) = (Arc::clone(&kept), Arc::clone(&stop));
        let (tell, told) = std::sync::mpsc::channel();
        let sources = crate::network::hardware_addresses(node);
        let thread = thread::spawn(move || match open(&network) {
            Ok(socket) => {
                let _ = tell.send(Ok(()));
                while !halt.load(Ordering::Relaxed) && turn(&socket, &sources, &theirs).is_ok() {}
            }
            Err(error) => drop(tell.send(Err(error))),
        });
        let lost = || LabError::io("recording what a node sends")(io::ErrorKind::BrokenPipe.into());
        told.recv().map_err(|_| lost())??;
        Ok(Capture { kept, stop, thread: Some(thread) })
    }
}

impl Lab {
    /// Returns what a node has sent over the serial cable as separate messages, up to some kilobytes.
    ///
    /// # Errors
    ///
    /// [`LabError::NoCable`] without a cable.
    pub fn sent_on_cable(&self, node: Node) -> Result<Vec<Packet>, LabError> {
        Ok(split(&self.cable()?.sent(node)))
    }
}

impl Capture {
    /// Returns what was recorded so far, in the order in which it was sent.
    #[must_use]
    pub fn packets(&self) -> Vec<Packet> {
        self.kept().packets.clone()
    }

    /// Returns how many fragments of IP packets the node has sent so far.
    #[must_use]
    pub fn fragments(&self) -> usize {
        self.kept().fragments
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has already been reported.
            let _ = thread.join();
        }
    }
}

/// Opens a socket that sees every frame of a network.
fn open(network: &Path) -> Result<OwnedFd, LabError> {
    enter_network(network)?;
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let protocol = Some(Protocol::from_raw(ALL));
    socket_with(AddressFamily::PACKET, SocketType::RAW, flags, protocol)
        .and_then(|socket| {
            sockopt::set_socket_recv_buffer_size_force(&socket, WAITING_MAX)?;
            Ok(socket)
        })
        .map_err(|error| LabError::io("recording what a node sends")(error.into()))
}

/// Waits a moment for frames, and keeps the heartbeats among those that come from `sources`.
fn turn(socket: &OwnedFd, sources: &[[u8; 6]], kept: &Mutex<Kept>) -> io::Result<()> {
    let mut fds = [PollFd::new(socket, PollFlags::IN)];
    match poll(&mut fds, Some(&LOOK_EVERY)) {
        Ok(0) | Err(rustix::io::Errno::INTR) => return Ok(()),
        Ok(_) => {}
        Err(error) => return Err(error.into()),
    }
    let mut frame = vec![0; FRAME_MAX];
    while let Ok((length, _)) = recv(socket, frame.as_mut_slice(), RecvFlags::empty()) {
        let frame = parse(&frame[..length.min(FRAME_MAX)], sources);
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        match frame {
            Frame::Heartbeat(packet) if kept.packets.len() < KEPT_MAX => kept.packets.push(packet),
            Frame::Fragment => kept.fragments += 1,
            Frame::Heartbeat(_) | Frame::Other => {}
        }
    }
    Ok(())
}

/// Returns the kind of an Ethernet frame, if it comes from one of these senders.
fn parse(frame: &[u8], sources: &[[u8; 6]]) -> Frame {
    let is_theirs = |source| sources.iter().any(|known| known == source);
    if !frame.get(6..12).is_some_and(is_theirs) {
        return Frame::Other;
    }
    if is_fragment(frame) == Some(true) {
        return Frame::Fragment;
    }
    heartbeat(frame).map_or(Frame::Other, Frame::Heartbeat)
}

/// Returns whether a frame carries a fragment of an IP packet.
fn is_fragment(frame: &[u8]) -> Option<bool> {
    let packet = frame.get(ETHERNET..)?;
    match frame.get(12..ETHERNET)? {
        // More fragments follow, or came before.
        [0x08, 0x00] => Some(*packet.get(6)? & 0x3f != 0 || *packet.get(7)? != 0),
        [0x86, 0xdd] => Some(*packet.get(6)? == FRAGMENT_HEADER),
        _ => None,
    }
}

/// Returns the whole heartbeat in an Ethernet frame, if there is one.
fn heartbeat(frame: &[u8]) -> Option<Packet> {
    let packet = frame.get(ETHERNET..)?;
    let (protocol, v4, v6, rest) = match frame.get(12..ETHERNET)? {
        [0x08, 0x00] => {
            let header = usize::from(packet.first()? & 15) * 4;
            let total = usize::from(u16::from_be_bytes(*packet.get(2..)?.first_chunk()?));
            let address = *packet.get(16..)?.first_chunk::<4>()?;
            (*packet.get(9)?, address, [0; 16], packet.get(header..total)?)
        }
        [0x86, 0xdd] => {
            let length = usize::from(u16::from_be_bytes(*packet.get(4..)?.first_chunk()?));
            let address = *packet.get(24..)?.first_chunk::<16>()?;
            (*packet.get(6)?, [0; 4], address, packet.get(40..40 + length)?)
        }
        _ => return None,
    };
    let port = u16::from_be_bytes(*rest.get(2..)?.first_chunk()?);
    let is_v6 = frame[12] == 0x86;
    let carrier = match (protocol, is_v6, rest.first()?) {
        (17, false, _) => Carrier::Udp(v4, port),
        (17, true, _) => Carrier::Udp6(v6, port),
        (1, false, 8) => Carrier::Ping,
        (58, true, 128) => Carrier::Ping6,
        _ => return None,
    };
    let payload = rest.get(EIGHT..)?;
    let is_heartbeat = BEGINNINGS.iter().any(|beginning| payload.starts_with(beginning));
    is_heartbeat.then(|| Packet { carrier, payload: payload.to_owned() })
}

/// Returns the whole messages in the bytes of a serial line.
fn split(mut bytes: &[u8]) -> Vec<Packet> {
    let mut packets = Vec::new();
    let find = |bytes: &[u8], word: &[u8]| bytes.windows(word.len()).position(|at| at == word);
    while let Some(start) = find(bytes, BEGINNINGS[1]) {
        bytes = &bytes[start..];
        let Some(end) = find(bytes, END) else { break };
        let (message, rest) = bytes.split_at(end + END.len());
        packets.push(Packet { carrier: Carrier::Serial, payload: message.to_owned() });
        bytes = rest;
    }
    packets
}

#[cfg(test)]
mod tests {
    use super::*;

    const NODE: [u8; 6] = [2, 0, 0, 1, 122, 20];

    fn frame(protocol: u8, kind: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = [&[0xff; 6][..], &NODE, &[8, 0], &[0x45, 0]].concat();
        let total = u16::try_from(20 + EIGHT + payload.len()).unwrap();
        frame.extend(total.to_be_bytes());
        frame.extend([0, 0, 0, 0, 64, protocol, 0, 0, 192, 168, 122, 20, 192, 168, 122, 22]);
        frame.extend([kind, 0, 0x02, 0xb6, 0, 0, 0, 0]);
        frame.extend(payload);
        frame
    }

    fn found(frame: &[u8], source: [u8; 6]) -> Packet {
        match parse(frame, &[source]) {
            Frame::Heartbeat(packet) => packet,
            other @ (Frame::Fragment | Frame::Other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn heartbeat_message_is_found_in_datagram_and_ping() {
        let sent = found(&frame(17, 0, b"###\nx"), NODE);
        assert_eq!(sent.carrier, Carrier::Udp([192, 168, 122, 22], 694));
        assert_eq!(sent.payload, b"###\nx");
        assert_eq!(found(&frame(1, 8, b"###\nx"), NODE).carrier, Carrier::Ping);
    }

    #[test]
    fn complete_messages_are_split_from_serial_bytes() {
        let found = split(b"oise\n<<<\n>>>\na=b\n<<<\n\0>>>\nc=d\n<<<\n>>>\ne=");
        let payloads: Vec<&[u8]> = found.iter().map(|packet| &packet.payload[..]).collect();
        assert_eq!(payloads, [&b">>>\na=b\n<<<\n"[..], b">>>\nc=d\n<<<\n"]);
    }

    #[test]
    fn frame_padding_is_stripped_and_foreign_frame_ignored() {
        let mut padded = frame(17, 0, b">>>\nx");
        padded.extend([0; 20]);
        assert_eq!(found(&padded, NODE).payload, b">>>\nx");
        assert_eq!(parse(&padded, &[[2, 0, 0, 1, 122, 22]]), Frame::Other);
        assert_eq!(parse(&frame(17, 0, b"web1"), &[NODE]), Frame::Other);
        assert_eq!(parse(&frame(1, 0, b"###\nx"), &[NODE]), Frame::Other);
        for length in 0..padded.len() - 20 {
            assert_eq!(parse(&padded[..length], &[NODE]), Frame::Other);
        }
    }

    #[test]
    fn packet_fragment_is_recognised() {
        // The two bytes with flags and offset: more fragments follow, this is not the first one, the packet
        // must not be fragmented.
        let whole = frame(17, 0, b">>>\nx");
        for (bytes, expected) in [([0x20, 0], true), ([0, 185], true), ([0x40, 0], false)] {
            let mut part = whole.clone();
            part[ETHERNET + 6..ETHERNET + 8].copy_from_slice(&bytes);
            assert_eq!(parse(&part, &[NODE]) == Frame::Fragment, expected, "{bytes:?}");
        }
        let six = [&[0xff; 6][..], &NODE, &[0x86, 0xdd], &[0x60, 0, 0, 0, 0, 8, 44, 64]].concat();
        assert_eq!(parse(&six, &[NODE]), Frame::Fragment);
    }
}
