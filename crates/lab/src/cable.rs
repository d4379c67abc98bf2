//! A null-modem cable between the nodes: two terminals with a relay between them.

use crate::{LabError, Node};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use std::io;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The most bytes that are relayed at once, unless the relay is late: on a wire they come one by one.
const CHUNK: usize = 32;
/// The most bytes that a late relay carries at once.
const BUFFER: usize = 1024;
/// Bits on the wire for a byte.
const BITS_PER_BYTE: u32 = 10;
/// The most bytes of a node that are kept for inspection; later bytes are not kept.
const KEPT_MAX: usize = 64 << 10;
/// A relay that the machine delays catches up for this long, as a wire is never late.
const LATE_MAX: Duration = Duration::from_millis(500);
/// How long the relay waits for bytes before it checks whether it must end.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// One end of the cable.
#[derive(Debug)]
struct End {
    relay: OwnedFd,
    /// Kept open, so that the terminal exists while no daemon has it open.
    _terminal: OwnedFd,
    path: String,
}

impl End {
    fn open() -> io::Result<Self> {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let relay = openpt(flags)?;
        grantpt(&relay)?;
        unlockpt(&relay)?;
        rustix::io::ioctl_fionbio(&relay, true)?;
        let name = ptsname(&relay, Vec::new())?;
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let terminal = rustix::fs::open(&name, flags, Mode::empty())?;
        // Until a daemon configures the terminal: nothing is echoed to the other node.
        let mut modes = tcgetattr(&terminal)?;
        modes.make_raw();
        tcsetattr(&terminal, OptionalActions::Now, &modes)?;
        let path = name.to_string_lossy().into_owned();
        Ok(Self { relay, _terminal: terminal, path })
    }
}

/// The way from one end to the other.
#[derive(Debug, Clone, Copy)]
struct Wire {
    /// Until when it carries bytes.
    busy: Instant,
    /// Whether more bytes were waiting: the relay is late if it carries them after `busy`.
    has_more: bool,
}

/// What the relay and the lab share.
#[derive(Debug, Default)]
struct Shared {
    ends: Mutex<[Option<Arc<End>>; 2]>,
    /// Whether the bytes of a node are lost, by sending node.
    is_cut: [AtomicBool; 2],
    is_over: AtomicBool,
    /// The bytes that were sent, by sending node.
    sent: Mutex<[Vec<u8>; 2]>,
}

impl Shared {
    fn ends(&self) -> MutexGuard<'_, [Option<Arc<End>>; 2]> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, from: usize, bytes: &[u8]) {
        let kept = &mut self.sent.lock().unwrap_or_else(PoisonError::into_inner)[from];
        let space = KEPT_MAX.saturating_sub(kept.len());
        kept.extend(&bytes[..bytes.len().min(space)]);
    }

    /// Waits a moment for bytes, and carries those that have come. A byte takes `byte_time`.
    fn relay(&self, buffer: &mut [u8], wires: &mut [Wire; 2], byte_time: Duration) {
        // Cloned, so that the relay does not block a thread that pulls an end out.
        let ends = self.ends().clone();
        let begin = Instant::now();
        let free = |from: usize| ends[from].as_ref().filter(|_| wires[from].busy <= begin);
        let fds = [0, 1].into_iter().filter_map(free);
        let mut fds: Vec<_> = fds.map(|end| PollFd::new(&end.relay, PollFlags::IN)).collect();
        let later = wires.iter().map(|wire| wire.busy).filter(|until| *until > begin).min();
        let wait = later.map_or(LOOK_EVERY, |until| (until - begin).min(LOOK_EVERY));
        let wait = Timespec { tv_sec: 0, tv_nsec: wait.subsec_nanos().into() };
        // The result does not matter: reading shows more.
        let _ = poll(&mut fds, Some(&wait));
        for (from, to) in [(0, 1), (1, 0)] {
            let Some(end) = ends[from].as_ref().filter(|_| wires[from].busy <= begin) else {
                continue;
            };
            let wire = &mut wires[from];
            let earliest = begin.checked_sub(LATE_MAX).filter(|_| wire.has_more);
            let since = earliest.map_or(begin, |earliest| wire.busy.max(earliest));
            let late_bytes = (begin - since).as_nanos() / byte_time.as_nanos().max(1);
            let most = usize::try_from(late_bytes).unwrap_or(BUFFER).saturating_add(CHUNK);
            let most = most.min(buffer.len());
            wire.has_more = false;
            let Ok(count) = rustix::io::read(&end.relay, &mut buffer[..most]) else { continue };
            self.keep(from, &buffer[..count]);
            let spent = byte_time * u32::try_from(count).unwrap_or(u32::MAX);
            *wire = Wire { busy: since + spent, has_more: count == most };
            // The other end may have been replaced since.
            let other = self.ends()[to].clone();
            if let Some(other) = other
                && !self.is_cut[from].load(Ordering::Relaxed)
            {
                // A terminal that is not read accepts no more bytes; they are lost, as on a wire.
                let _ = rustix::io::write(&other.relay, &buffer[..count]);
            }
        }
    }
}

/// The cable. Both terminals are gone when this is dropped.
#[derive(Debug)]
pub(crate) struct Cable {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Cable {
    /// Makes the cable; `baud` is its speed in bits per second.
    ///
    /// # Errors
    ///
    /// When the machine has no pseudo-terminals left.
    pub(crate) fn new(baud: u32) -> Result<Self, LabError> {
        let failed = || LabError::io("laying a serial cable");
        let ends = [End::open().map_err(failed())?, End::open().map_err(failed())?];
        let ends = ends.map(|end| Some(Arc::new(end)));
        let shared = Arc::new(Shared { ends: Mutex::new(ends), ..Shared::default() });
        let relay = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("cable".to_owned()).spawn(move || {
            let idle = Wire { busy: Instant::now(), has_more: false };
            let (mut buffer, mut wires) = ([0; BUFFER], [idle; 2]);
            let byte_time = Duration::from_secs(1) * BITS_PER_BYTE / baud.max(1);
            while !relay.is_over.load(Ordering::Relaxed) {
                relay.relay(&mut buffer, &mut wires, byte_time);
            }
        });
        Ok(Self { shared, thread: Some(thread.map_err(failed())?) })
    }

    /// Returns the terminal of a node, unless it is pulled out.
    pub(crate) fn path(&self, node: Node) -> Option<String> {
        self.shared.ends()[node.index()].as_ref().map(|end| end.path.clone())
    }

    /// Returns what a node has sent from the beginning, lost or not.
    pub(crate) fn sent(&self, from: Node) -> Vec<u8> {
        self.shared.sent.lock().unwrap_or_else(PoisonError::into_inner)[from.index()].clone()
    }

    /// Loses what a node sends from now on, or carries it again.
    pub(crate) fn set_cut(&self, from: Node, is_cut: bool) {
        self.shared.is_cut[from.index()].store(is_cut, Ordering::Relaxed);
    }

    /// Pulls the terminal out of a node: a process that has it open sees it hang up.
    pub(crate) fn pull_out(&self, node: Node) {
        self.shared.ends()[node.index()] = None;
    }

    /// Replaces a terminal that was pulled out.
    ///
    /// # Errors
    ///
    /// As [`Cable::new`].
    pub(crate) fn put_in(&self, node: Node) -> Result<(), LabError> {
        let end = End::open().map_err(LabError::io("putting a terminal in"))?;
        self.shared.ends()[node.index()] = Some(Arc::new(end));
        Ok(())
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // The thread ends within one wait, and cannot panic.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BAUD: u32 = 115_200;
    const LIMIT: Duration = Duration::from_secs(5);

    fn open(path: &str) -> OwnedFd {
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK;
        rustix::fs::open(path, flags, Mode::empty()).unwrap()
    }

    /// Returns whether `word` arrives before anything else, and within the limit.
    fn arrives(from: &OwnedFd, to: &OwnedFd, word: &[u8]) -> bool {
        rustix::io::write(from, word).unwrap();
        let begin = Instant::now();
        let mut come: Vec<u8> = Vec::new();
        while come.len() < word.len() && begin.elapsed() < LIMIT {
            let mut buffer = [0; 64];
            if let Ok(count) = rustix::io::read(to, &mut buffer) {
                come.extend(&buffer[..count]);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        come == *word
    }

    #[test]
    fn cable_cut_in_one_direction_still_carries_opposite_direction() {
        let cable = Cable::new(BAUD).unwrap();
        let ends = Node::ALL.map(|node| open(&cable.path(node).unwrap()));
        assert!(arrives(&ends[0], &ends[1], b"there"));
        assert!(arrives(&ends[1], &ends[0], b"back\n"));
        assert_eq!(Node::ALL.map(|node| cable.sent(node)), [&b"there"[..], b"back\n"]);
        cable.set_cut(Node::Web1, true);
        rustix::io::write(&ends[0], b"lost").unwrap();
        // When this has arrived, the relay has read the bytes that were lost before.
        assert!(arrives(&ends[1], &ends[0], b"still"));
        assert!(arrives(&ends[1], &ends[0], b"still"));
        cable.set_cut(Node::Web1, false);
        assert!(arrives(&ends[0], &ends[1], b"found"));
    }

    #[test]
    fn terminal_pulled_out_of_cable_hangs_up() {
        let cable = Cable::new(BAUD).unwrap();
        let end = open(&cable.path(Node::Web2).unwrap());
        cable.pull_out(Node::Web2);
        assert_eq!(cable.path(Node::Web2), None);
        let begin = Instant::now();
        while rustix::io::write(&end, b"x").is_ok() {
            assert!(begin.elapsed() < LIMIT, "the terminal does not hang up");
            std::thread::sleep(Duration::from_millis(1));
        }
        cable.put_in(Node::Web2).unwrap();
        let other = open(&cable.path(Node::Web1).unwrap());
        assert!(arrives(&other, &open(&cable.path(Node::Web2).unwrap()), b"again"));
    }
}
