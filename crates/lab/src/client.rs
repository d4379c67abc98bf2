//! The client: probes the floating address every millisecond and listens to announcements.

mod arp;
mod record;

pub use arp::Announcement;
pub use record::{Duplicate, Gap};

use crate::helper::ECHO_PORT;
use crate::namespace::{Machine, enter_network};
use crate::{LabError, Node};
use arp::Listener;
use record::Record;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// The time between two probes.
const PERIOD: Duration = Duration::from_millis(1);
/// The longest silence after which the last answer still shows which node answers.
const FRESH: Duration = Duration::from_millis(50);
/// The longest wait for a connection, and then for the page.
pub(crate) const FETCH_LIMIT: Duration = Duration::from_secs(1);
/// The longest page that is read, in bytes.
const PAGE_MAX: u64 = 65_536;

/// What the client sees of the floating address, recorded by a separate thread.
#[derive(Debug)]
pub struct Probe {
    record: Arc<Mutex<Record>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Probe {
    /// Starts to probe an address from the client's network.
    pub(crate) fn start(client: &Machine, address: IpAddr) -> Result<Self, LabError> {
        let record = Arc::new(Mutex::new(Record::default()));
        let stop = Arc::new(AtomicBool::new(false));
        let network = client.network();
        let (theirs, halt) = (Arc::clone(&record), Arc::clone(&stop));
        let (tell, told) = std::sync::mpsc::channel();
        let thread = thread::spawn(move || {
            let ready = enter_network(&network).and_then(|()| Prober::new(address, theirs));
            match ready {
                Ok(mut prober) => {
                    let _ = tell.send(Ok(()));
                    while !halt.load(Ordering::Relaxed) && prober.turn().is_ok() {}
                }
                Err(error) => drop(tell.send(Err(error))),
            }
        });
        let lost = || LabError::io("starting the client")(io::ErrorKind::BrokenPipe.into());
        told.recv().map_err(|_| lost())??;
        Ok(Self { record, stop, thread: Some(thread) })
    }

    /// Returns the interruptions of the answers that ended after `since`, oldest first.
    ///
    /// The length of a gap is the time between the last answer before the gap and the first one after it, as
    /// the answers arrived at the client.
    #[must_use]
    pub fn gaps(&self, since: Instant) -> Vec<Gap> {
        self.record().gaps(since)
    }

    /// Returns the longest of [`Probe::gaps`].
    #[must_use]
    pub fn longest_gap(&self, since: Instant) -> Option<Gap> {
        self.gaps(since).into_iter().max_by_key(|gap| gap.length)
    }

    /// Returns the times after `since` at which both nodes answered within the same moment.
    #[must_use]
    pub fn duplicates(&self, since: Instant) -> Vec<Duplicate> {
        self.record().duplicates(since)
    }

    /// Returns the gratuitous ARP packets for any address that arrived after `since`, oldest first.
    #[must_use]
    pub fn announcements(&self, since: Instant) -> Vec<Announcement> {
        self.record().announcements(since)
    }

    /// Returns the node that currently answers.
    #[must_use]
    pub fn answering(&self) -> Option<Node> {
        let (node, last) = self.record().last()?;
        (last.elapsed() < FRESH).then_some(node)
    }

    /// Returns for how long no node has answered; absent before the first answer.
    #[must_use]
    pub fn silence(&self) -> Option<Duration> {
        self.record().last().map(|(_, last)| last.elapsed())
    }

    /// Returns how many answers there were.
    #[must_use]
    pub fn answers(&self) -> u64 {
        self.record().answers()
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has already been reported.
            let _ = thread.join();
        }
    }
}

/// The state of the thread.
struct Prober {
    socket: UdpSocket,
    target: SocketAddr,
    listener: Listener,
    record: Arc<Mutex<Record>>,
    sequence: u64,
    next: Instant,
}

impl Prober {
    fn new(address: IpAddr, record: Arc<Mutex<Record>>) -> Result<Self, LabError> {
        let failed = || LabError::io("opening the client's sockets");
        let any: IpAddr = match address {
            IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let socket = UdpSocket::bind((any, 0)).map_err(failed())?;
        socket.set_nonblocking(true).map_err(failed())?;
        let listener = Listener::open().map_err(failed())?;
        let target = SocketAddr::new(address, ECHO_PORT);
        Ok(Self { socket, target, listener, record, sequence: 0, next: Instant::now() })
    }

    /// Sends the probe that is due, and records what arrives until the next probe.
    fn turn(&mut self) -> io::Result<()> {
        let now = Instant::now();
        if now >= self.next {
            self.sequence += 1;
            // At the moment no node may have the address: that is what is being measured.
            let _ = self.socket.send_to(&self.sequence.to_be_bytes(), self.target);
            // After a pause of this thread, continue from now instead of sending a burst.
            self.next = (self.next + PERIOD).max(now);
        }
        let wait = self.next.saturating_duration_since(now);
        let timeout = Timespec { tv_sec: 0, tv_nsec: wait.subsec_nanos().into() };
        let mut fds =
            [PollFd::new(&self.socket, PollFlags::IN), PollFd::new(&self.listener, PollFlags::IN)];
        match poll(&mut fds, Some(&timeout)) {
            Ok(0) => return Ok(()),
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let mut record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
        let mut buffer = [0; 64];
        loop {
            match self.socket.recv_from(&mut buffer) {
                Ok((length, from)) if from == self.target => {
                    if let Some((node, probe)) = answerer(&buffer[..length]) {
                        record.answer(node, probe, Instant::now());
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // A datagram of another sender, or a refused probe: the next one may succeed.
                Ok(_) | Err(_) => {}
            }
        }
        while let Some(announcement) = self.listener.next() {
            record.announce(announcement);
        }
        Ok(())
    }
}

/// Returns the node that signed an answer, and the number of the probe: its name follows the eight bytes of the probe.
fn answerer(answer: &[u8]) -> Option<(Node, u64)> {
    let (probe, name) = answer.split_first_chunk::<8>()?;
    let node = Node::ALL.into_iter().find(|node| node.name().as_bytes() == name)?;
    Some((node, u64::from_be_bytes(*probe)))
}

/// Fetches `/` from a web server in the client's network.
pub(crate) fn http_get(client: &Machine, address: IpAddr, limit: Duration) -> Option<String> {
    let network = client.network();
    let fetch = move || {
        enter_network(&network).ok()?;
        let target = SocketAddr::new(address, 80);
        let mut stream = TcpStream::connect_timeout(&target, limit).ok()?;
        stream.set_read_timeout(Some(limit)).ok()?;
        write!(stream, "GET / HTTP/1.0\r\nHost: {address}\r\n\r\n").ok()?;
        let mut page = String::new();
        stream.take(PAGE_MAX).read_to_string(&mut page).ok()?;
        let (head, body) = page.split_once("\r\n\r\n")?;
        head.split_whitespace().nth(1).is_some_and(|code| code == "200").then(|| body.to_owned())
    };
    // In a separate thread, because a thread stays in the network that it entered.
    thread::spawn(fetch).join().ok()?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probe_answer_names_its_node() {
        assert_eq!(answerer(b"\0\0\0\0\0\0\0\x01web2"), Some((Node::Web2, 1)));
        assert_eq!(answerer(b"\0\0\0\0\0\0\0\x01web3"), None);
        assert_eq!(answerer(b"web1"), None);
    }
}
