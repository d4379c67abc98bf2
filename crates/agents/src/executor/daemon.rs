//! The connection to the one daemon that the executor serves.

use super::{Executor, REQUESTS_PER_TURN};
use crate::parts::split;
use crate::protocol::{Level, PACKET_MAX, Report, Request};
use rustix::event::PollFlags;
use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd};
use systole_executor::Input;
use systole_sys::seqpacket::{Connection, Receive};

/// Maximum number of reports that wait for a daemon that does not read. Beyond it, log lines are lost.
const LOG_MAX: usize = 1 << 10;
/// Maximum number of connections that are accepted in one turn.
const NEWCOMERS_PER_TURN: usize = 8;
/// Beyond this number of reports the daemon counts as dead, and its connection is closed.
const OUTBOX_MAX: usize = 1 << 12;

/// A connected daemon.
#[derive(Debug)]
pub(super) struct Daemon {
    connection: Connection,
    outbox: VecDeque<Vec<u8>>,
    lost_lines: u64,
    buffer: Vec<u8>,
}

impl Daemon {
    fn new(connection: Connection) -> Self {
        let buffer = vec![0; PACKET_MAX];
        Self { connection, outbox: VecDeque::new(), lost_lines: 0, buffer }
    }

    /// The events to wait for.
    pub(super) fn interest(&self) -> PollFlags {
        if self.outbox.is_empty() { PollFlags::IN } else { PollFlags::IN | PollFlags::OUT }
    }

    /// Returns the next request, if any. An error means that the daemon is gone or sends nonsense.
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

    pub(super) fn push(&mut self, report: &Report) {
        if matches!(report, Report::Log { .. }) && self.outbox.len() >= LOG_MAX {
            self.lost_lines += 1;
            return;
        }
        // Every report of the executor can be encoded.
        if let Ok(packets) = split(report) {
            self.outbox.extend(packets);
        }
    }

    /// Sends what can be sent. Returns false if the connection is no longer usable.
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

impl AsFd for Daemon {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.connection.as_fd()
    }
}

impl Executor {
    /// Reads the daemon's requests.
    pub(super) fn read_requests(&mut self) {
        for _ in 0..REQUESTS_PER_TURN {
            let Some(daemon) = &mut self.daemon else { return };
            match daemon.receive() {
                Ok(Some(request)) => {
                    if let Request::Configure(configuration) = &request {
                        self.programs.configure(configuration.clone());
                        self.stand_above_the_load(configuration.realtime);
                    }
                    self.tell(Input::Request(request));
                }
                Ok(None) => return,
                Err(_) => return self.lose_daemon(),
            }
        }
    }

    fn lose_daemon(&mut self) {
        self.daemon = None;
        self.tell(Input::Disconnected);
    }

    /// Accepts a new daemon if there is none. A second one is refused: its connection ends without a
    /// greeting.
    pub(super) fn accept(&mut self) {
        for _ in 0..NEWCOMERS_PER_TURN {
            let Some(connection) = self.places.accept(self.now) else { return };
            if self.daemon.is_none() {
                self.daemon = Some(Daemon::new(connection));
                self.tell(Input::Connected);
            }
        }
    }

    /// Sends what the daemon can take now.
    pub(super) fn send(&mut self) {
        let Some(daemon) = &mut self.daemon else { return };
        if daemon.lost_lines > 0 && daemon.outbox.is_empty() {
            let text = format!("{} lines of agents were lost", daemon.lost_lines);
            daemon.lost_lines = 0;
            self.log_as("ResourceManager", "default", Level::Warning, text);
        }
        let Some(daemon) = &mut self.daemon else { return };
        if !daemon.flush() {
            self.lose_daemon();
        }
    }
}
