//! Sends messages to syslog as datagrams (RFC 3164), without ever waiting for it.

use super::Level;
use jiff::Zoned;
use std::io::ErrorKind;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;

/// The socket of the system's logger.
const SOCKET: &str = "/dev/log";

/// Names and numbers of facilities (RFC 3164, section 4.1.1; syslog(3)).
const FACILITIES: [(&str, u8); 21] = [
    ("kern", 0),
    ("user", 1),
    ("mail", 2),
    ("daemon", 3),
    ("auth", 4),
    ("security", 4),
    ("syslog", 5),
    ("lpr", 6),
    ("news", 7),
    ("uucp", 8),
    ("cron", 9),
    ("authpriv", 10),
    ("ftp", 11),
    ("local0", 16),
    ("local1", 17),
    ("local2", 18),
    ("local3", 19),
    ("local4", 20),
    ("local5", 21),
    ("local6", 22),
    ("local7", 23),
];

/// A connection to syslog, which is made when the first message is sent.
#[derive(Debug)]
pub(super) struct Syslog {
    facility: u8,
    path: PathBuf,
    socket: Option<UnixDatagram>,
}

impl Syslog {
    /// Uses the facility with this name. Returns `None` if there is no such facility.
    pub(super) fn of_facility(name: &str) -> Option<Self> {
        let (_, facility) = FACILITIES.into_iter().find(|(known, _)| *known == name)?;
        Some(Self { facility, path: SOCKET.into(), socket: None })
    }

    #[cfg(test)]
    pub(super) fn at(mut self, path: PathBuf) -> Self {
        self.path = path;
        self
    }

    /// Sends a message, or loses it if syslog is not running or does not read.
    pub(super) fn send(&mut self, level: Level, content: &str, now: &Zoned) {
        let priority = self.facility * 8 + level.severity();
        let date = now.strftime("%b %e %H:%M:%S");
        let message = format!("<{priority}>{date} {content}");
        // A second attempt, for a restart of syslog, which leaves the old socket without a reader.
        for _ in 0..2 {
            let Some(socket) = self.connected() else { return };
            match socket.send(message.as_bytes()) {
                Ok(_) => return,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(_) => self.socket = None,
            }
        }
    }

    fn connected(&mut self) -> Option<&UnixDatagram> {
        if self.socket.is_none() {
            let socket = UnixDatagram::unbound().ok()?;
            socket.set_nonblocking(true).ok()?;
            socket.connect(&self.path).ok()?;
            self.socket = Some(socket);
        }
        self.socket.as_ref()
    }
}
