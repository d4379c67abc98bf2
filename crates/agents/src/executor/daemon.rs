//! The connection to the one daemon that is served.

use super::{Executor, REQUESTS_PER_TURN};
use crate::protocol::{Level, PACKET_MAX, Report, Request, VERSION};
use rustix::event::PollFlags;
use std::collections::VecDeque;
use std::time::Duration;
use systole_sys::seqpacket::{Connection, Receive};

/// Reports that wait for a daemon that does not read. Beyond it lines of the log are lost.
const LOG_MAX: usize = 1 << 10;
/// Beyond it the daemon is as good as dead, and its connection is closed.
const OUTBOX_MAX: usize = 1 << 12;

/// A connected daemon.
#[derive(Debug)]
pub(super) struct Daemon {
    pub(super) connection: Connection,
    outbox: VecDeque<Vec<u8>>,
    lost_lines: u64,
    is_greeted: bool,
    buffer: Vec<u8>,
}

impl Daemon {
    fn new(connection: Connection) -> Self {
        let buffer = vec![0; PACKET_MAX];
        Self { connection, outbox: VecDeque::new(), lost_lines: 0, is_greeted: false, buffer }
    }

    /// What to wake up for.
    pub(super) fn interest(&self) -> PollFlags {
        if self.is_greeted && !self.outbox.is_empty() {
            PollFlags::IN | PollFlags::OUT
        } else {
            PollFlags::IN
        }
    }

    /// The next request, if any. An error means that the daemon is gone, or talks nonsense.
    fn receive(&mut self) -> Result<Option<Request>, String> {
        match self.connection.receive(&mut self.buffer) {
            Ok(Receive::Packet(length)) => match Request::decode(&self.buffer[..length]) {
                Ok(request) => Ok(Some(request)),
                Err(error) => Err(error.to_string()),
            },
            Ok(Receive::Empty) => Ok(None),
            Ok(Receive::Closed) => Err("closed".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    fn push(&mut self, report: &Report) {
        if matches!(report, Report::Log { .. }) && self.outbox.len() >= LOG_MAX {
            self.lost_lines += 1;
            return;
        }
        // Only a hello with thousands of resources could be too long; then none is better.
        if let Ok(packet) = report.encode() {
            self.outbox.push_back(packet);
        }
    }

    /// Sends what can be sent. False means that the connection is of no use any more.
    fn flush(&mut self) -> bool {
        while let Some(packet) = self.outbox.front() {
            match self.connection.send(packet) {
                Ok(()) => drop(self.outbox.pop_front()),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => break,
                Err(_) => return false,
            }
        }
        self.outbox.len() < OUTBOX_MAX
    }
}

impl Executor {
    /// Reads and does what the daemon asks.
    pub(super) fn read_requests(&mut self) {
        for _ in 0..REQUESTS_PER_TURN {
            let Some(daemon) = &mut self.daemon else { return };
            match daemon.receive() {
                Ok(Some(request)) => self.handle(request),
                Ok(None) => return,
                Err(_) => return self.lose_daemon(),
            }
        }
    }

    /// Forgets a daemon that is gone. What waits is not begun; what runs goes on, because the next
    /// daemon may be far away and a stop that is half done helps nobody.
    fn lose_daemon(&mut self) {
        self.daemon = None;
        self.alone_since = self.now;
        if self.configuration.restart_grace_ms > 0 {
            let grace = Duration::from_millis(self.configuration.restart_grace_ms);
            self.lease.limit(self.now + grace);
        }
        drop(self.queues.remove(|job| job.is_from_daemon));
    }

    /// Takes a new daemon if there is none. A second one is refused: its connection ends without
    /// a hello.
    pub(super) fn accept(&mut self) {
        // An error here is the newcomer's; it tries again.
        let Ok(Some(connection)) = self.listener.accept() else { return };
        if self.daemon.is_some() {
            return;
        }
        self.daemon = Some(Daemon::new(connection));
        // Its own order will say what is to become of these resources.
        self.cut_short();
    }

    /// Says hello once nothing runs that this daemon has not asked for.
    pub(super) fn greet(&mut self) {
        let is_quiet =
            self.queues.is_idle() && self.adoption.is_over() && self.letting_go.is_none();
        if !is_quiet {
            return;
        }
        let Some(daemon) = self.daemon.as_mut().filter(|daemon| !daemon.is_greeted) else { return };
        daemon.is_greeted = true;
        let mut groups = self.ledger.groups().to_vec();
        // An address that expired before this daemon came is not held, whatever the ledger says.
        for group in &mut groups {
            group.resources.retain(|resource| !self.lost.contains(resource));
        }
        let ended = std::mem::take(&mut self.ended);
        let hello = Report::Hello { version: VERSION, groups, ended };
        let earlier = std::mem::take(&mut daemon.outbox);
        daemon.push(&hello);
        daemon.outbox.extend(earlier);
        for address in std::mem::take(&mut self.orphans) {
            self.log(Level::Warning, format!("Removed orphaned address {address}"));
        }
    }

    /// Tells the daemon, if there is one.
    pub(super) fn report(&mut self, report: &Report) {
        if let Some(daemon) = &mut self.daemon {
            daemon.push(report);
        }
    }

    /// Tells the daemon's log in the name of `ResourceManager`, which people look for.
    pub(super) fn log(&mut self, level: Level, text: String) {
        self.log_as("ResourceManager", "default", level, text);
    }

    /// Tells the daemon's log in the name of an agent.
    pub(super) fn log_as(&mut self, agent: &str, instance: &str, level: Level, text: String) {
        let tag = format!("{agent}({instance})[{}]", std::process::id());
        self.report(&Report::Log { level, tag, text });
    }

    /// Sends what the daemon can take now.
    pub(super) fn send(&mut self) {
        let Some(daemon) = &mut self.daemon else { return };
        if daemon.lost_lines > 0 && daemon.outbox.is_empty() {
            let text = format!("{} lines of agents were lost", daemon.lost_lines);
            daemon.lost_lines = 0;
            self.log(Level::Warning, text);
        }
        let Some(daemon) = &mut self.daemon else { return };
        if daemon.is_greeted && !daemon.flush() {
            self.lose_daemon();
        }
    }
}
