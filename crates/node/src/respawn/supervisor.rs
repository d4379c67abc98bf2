//! The process that keeps the programs running.

use super::program::{Demand, Kept, SHELL, Start, report};
use super::{Program, Report, Request};
use crate::log::Level;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};
use systole_sys::process::Limits;
use systole_sys::seqpacket::PACKET_MAX;
use systole_sys::signals::{Signal, Signals};

/// Longest sleep. Nothing depends on it, and it bounds the cost of a lost wake-up.
const SLEEP_MAX: Duration = Duration::from_secs(10);

/// Time within which the daemon must read and write why the machine restarts. The daemon gives no answer,
/// and may be what hangs.
const WRITE_TIME: Duration = Duration::from_millis(200);

/// Keeps programs running until the daemon asks it to stop or is gone, and then ends them.
///
/// The daemon is on the other side of standard input, a socket of kind `SOCK_SEQPACKET`.
///
/// # Errors
///
/// When standard input is not such a socket, or no descriptor is left.
pub fn run() -> io::Result<()> {
    let daemon = rustix::stdio::stdin().try_clone_to_owned()?;
    Supervisor::new(daemon)?.run()
}

pub(super) struct Supervisor {
    daemon: OwnedFd,
    signals: Signals,
    limits: Limits,
    environment: Vec<(String, String)>,
    kept: Vec<Kept>,
    is_stopping: bool,
    is_connected: bool,
}

impl Supervisor {
    pub(super) fn new(daemon: OwnedFd) -> io::Result<Self> {
        Ok(Self {
            daemon,
            signals: Signals::take()?,
            limits: Limits::remember(),
            environment: Vec::new(),
            kept: Vec::new(),
            is_stopping: false,
            is_connected: true,
        })
    }

    pub(super) fn run(mut self) -> io::Result<()> {
        while !(self.is_stopping && self.kept.iter().all(Kept::is_over)) {
            self.wait()?;
            self.read_signals()?;
            self.read_requests()?;
            self.elapse();
        }
        Ok(())
    }

    fn wait(&self) -> io::Result<()> {
        let due = self.kept.iter().filter_map(Kept::deadline).min();
        let due = due.map(|due| due.saturating_duration_since(Instant::now()));
        let sleep = due.map_or(SLEEP_MAX, |due| due.min(SLEEP_MAX));
        let timeout = Timespec {
            tv_sec: i64::try_from(sleep.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: sleep.subsec_nanos().into(),
        };
        let mut fds = vec![PollFd::new(&self.signals, PollFlags::IN)];
        if self.is_connected {
            fds.push(PollFd::new(&self.daemon, PollFlags::IN));
        }
        let children = self.kept.iter().filter_map(Kept::child);
        fds.extend(children.map(|child| PollFd::from_borrowed_fd(child.as_fd(), PollFlags::IN)));
        match poll(&mut fds, Some(&timeout)) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn read_signals(&mut self) -> io::Result<()> {
        while let Some(received) = self.signals.next()? {
            if received.signal == Signal::Terminate {
                self.is_stopping = true;
            }
        }
        Ok(())
    }

    fn read_requests(&mut self) -> io::Result<()> {
        let mut packet = vec![0; PACKET_MAX];
        // This reads to the end even while stopping: data that is unread when this process exits would make
        // the daemon lose the last lines (`ECONNRESET`, unix(7)).
        while self.is_connected {
            match recv(&self.daemon, &mut packet[..], RecvFlags::DONTWAIT) {
                Ok((_, 0)) | Err(Errno::CONNRESET) => {
                    self.is_connected = false;
                    self.is_stopping = true;
                }
                Ok((_, length)) => self.handle(&packet[..length]),
                Err(Errno::AGAIN | Errno::INTR) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn handle(&mut self, packet: &[u8]) {
        match serde_json::from_slice(packet) {
            Ok(Request::Start { programs, environment }) if self.kept.is_empty() => {
                let now = Instant::now();
                self.environment = environment;
                let kept = |program: Program| Kept::new(program, now);
                self.kept = programs.into_iter().map(kept).collect();
            }
            Ok(Request::Start { .. }) => {}
            Ok(Request::Stop) => self.is_stopping = true,
            Err(error) => {
                let text = format!("Cannot read what clients to start: {error}");
                self.tell(&report(Level::Error, text));
            }
        }
    }

    fn elapse(&mut self) {
        let now = Instant::now();
        let mut reports = Vec::new();
        if self.is_stopping {
            self.stop_next(now, &mut reports);
        }
        let start = Start { environment: &self.environment, limits: &self.limits, shell: SHELL };
        let elapse = |kept: &mut Kept| kept.elapse(now, &start, &mut reports);
        let demands: Vec<Demand> = self.kept.iter_mut().map(elapse).collect();
        if self.is_stopping {
            // If the next program's turn comes because another one has just ended, nothing else wakes this
            // process for it.
            self.stop_next(now, &mut reports);
        }
        for report in &reports {
            self.tell(report);
        }
        for demand in demands {
            if let Demand::Reboot(command) = demand
                && !self.is_stopping
            {
                self.reboot(&command);
            }
        }
    }

    /// Ends the programs one after the other, the last one first. Programs that wait do not start again.
    fn stop_next(&mut self, now: Instant, reports: &mut Vec<Report>) {
        for kept in self.kept.iter_mut().filter(|kept| kept.child().is_none()) {
            kept.stop(now, reports);
        }
        for kept in self.kept.iter_mut().rev() {
            if !kept.is_over() {
                return kept.stop(now, reports);
            }
            kept.tell_not_running(reports);
        }
    }

    fn reboot(&self, command: &str) {
        self.tell(&report(Level::Emergency, format!("Rebooting system.  Reason: {command}")));
        std::thread::sleep(WRITE_TIME);
        let Err(error) = systole_sys::power::reboot(command);
        self.tell(&report(Level::Critical, format!("Unable to force reboot: {error}")));
    }

    /// A line that the daemon does not read is lost, because the programs matter more.
    fn tell(&self, report: &Report) {
        if let Ok(packet) = serde_json::to_vec(report) {
            let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
            let _ = send(&self.daemon, &packet, flags);
        }
    }
}
