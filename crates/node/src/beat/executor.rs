//! The beat thread's side of the executor.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;
use systole_agents::parts::Joiner;
use systole_agents::protocol::{
    self, Configuration, Held, PACKET_MAX, Report, Request, Run, permit_packet,
};
use systole_agents::standstill::{SILENCE_MAX, Standstill};
use systole_agents::translation::{self, FIRST_OWN_JOB, Timeouts};
pub(crate) use systole_agents::translation::{Greeting, group_of};
pub(super) use systole_agents::translation::{check_of, request_of};
use systole_config::AgentTimeouts;
use systole_core::Time;
use systole_sys::process::ProcessId;
use systole_sys::seqpacket::{Connection, Receive};

/// A connection to an executor.
#[derive(Debug)]
pub(crate) struct Executor {
    connection: Connection,
    buffer: Vec<u8>,
    /// The packets received so far of a report that is longer than a packet.
    joiner: Joiner,
    /// The process at the other end.
    process: Option<ProcessId>,
    standstill: Standstill,
    /// The executor has sent something since the last check.
    has_spoken: bool,
    /// The executor's greeting, once received.
    pub(crate) greeting: Option<Greeting>,
    next_own_job: u64,
    /// When the executor was last sent a permit, in nanoseconds on `CLOCK_BOOTTIME`.
    permitted_at: Option<u64>,
    /// Stop requests for held resources that belong to no known group. They wait for the first permit.
    cleanups: Vec<Run>,
}

/// What arrived from the executor.
#[derive(Debug)]
pub(super) enum Arrival {
    /// A report.
    Report(Report),
    /// Nothing more for now.
    Nothing,
    /// The executor is gone, or speaks another protocol.
    Gone,
}

impl Executor {
    /// Takes a connection and sends the executor the facts for its runs.
    ///
    /// # Errors
    ///
    /// When the executor does not take them.
    pub(crate) fn new(connection: Connection, configuration: Configuration) -> io::Result<Self> {
        let packet = Request::Configure(configuration).encode().map_err(io::Error::other)?;
        connection.send(&packet)?;
        let process = connection.peer().ok().and_then(|peer| ProcessId::of(peer.pid));
        Ok(Self {
            connection,
            buffer: vec![0; PACKET_MAX],
            joiner: Joiner::default(),
            process,
            standstill: Standstill::default(),
            has_spoken: false,
            greeting: None,
            next_own_job: FIRST_OWN_JOB,
            permitted_at: None,
            cleanups: Vec::new(),
        })
    }

    /// Returns the process at the other end; absent if it has already ended.
    pub(crate) const fn process(&self) -> Option<ProcessId> {
        self.process
    }

    /// Reads until the greeting. Returns whether it has arrived.
    ///
    /// # Errors
    ///
    /// When the executor is gone; `Unsupported` when it has another protocol version.
    pub(crate) fn await_greeting(&mut self) -> io::Result<bool> {
        match self.receive() {
            Arrival::Report(Report::Hello { version, groups: held, unfinished })
                if version == protocol::VERSION =>
            {
                self.greeting = Some(Greeting { held, unfinished });
                Ok(true)
            }
            Arrival::Report(Report::Hello { .. }) => Err(io::ErrorKind::Unsupported.into()),
            Arrival::Report(_) | Arrival::Gone => Err(io::ErrorKind::ConnectionReset.into()),
            Arrival::Nothing => Ok(false),
        }
    }

    /// The next report.
    pub(super) fn receive(&mut self) -> Arrival {
        loop {
            return match self.connection.receive(&mut self.buffer) {
                Ok(Receive::Packet(length)) => match self.joiner.join(&self.buffer[..length]) {
                    Ok(Some(report)) => {
                        self.has_spoken = true;
                        Arrival::Report(report)
                    }
                    Ok(None) => continue,
                    Err(_) => Arrival::Gone,
                },
                Ok(Receive::Empty) => Arrival::Nothing,
                Ok(Receive::Closed) | Err(_) => Arrival::Gone,
            };
        }
    }

    /// Renews the permit; `now` is in nanoseconds on `CLOCK_BOOTTIME`. A permit for which there is no room
    /// is lost; permits are made to expire in such a case.
    pub(super) fn permit(&mut self, now: u64, valid_for: Duration) {
        let _ = self.connection.send(&permit_packet(now, valid_for));
        self.permitted_at = Some(now);
        for run in std::mem::take(&mut self.cleanups) {
            let _ = self.send(&Request::Run(run));
        }
    }

    /// Whether the executor has made progress since the last check: it has read all requests, or sent
    /// something. An executor that works on hundreds of groups is sent further requests before it has read
    /// the earlier ones. An executor that is currently sent no permits is occasionally sent a permit that
    /// ends before its last one, which changes nothing.
    pub(super) fn makes_progress(&mut self, now: u64) -> bool {
        let has_spoken = std::mem::take(&mut self.has_spoken);
        if self.connection.unread() > 0 {
            return has_spoken;
        }
        let is_due = |at: u64| Duration::from_nanos(now.saturating_sub(at)) >= SILENCE_MAX;
        if self.permitted_at.is_some_and(is_due) {
            let _ = self.connection.send(&permit_packet(0, Duration::ZERO));
            self.permitted_at = Some(now);
        }
        true
    }

    /// Returns for how long the executor has made no progress.
    pub(super) fn still_for(
        &mut self,
        now: u64,
        makes_progress: bool,
        keepalive: Duration,
    ) -> Duration {
        self.standstill.note(Time::from_nanos(now), makes_progress, keepalive)
    }

    /// Sends a request.
    ///
    /// # Errors
    ///
    /// When the executor is gone or takes no more requests.
    pub(crate) fn send(&self, request: &Request) -> io::Result<()> {
        self.connection.send(&request.encode().map_err(io::Error::other)?)
    }

    /// Prepares stop requests for the held resources of a group that is no longer in any file.
    pub(super) fn clean_up(&mut self, held: &Held, timeouts: AgentTimeouts) {
        let stops = translation::cleanups(held, self.next_own_job, durations(timeouts));
        self.next_own_job += held.resources.len() as u64;
        self.cleanups.extend(stops);
    }
}

impl AsFd for Executor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.connection.as_fd()
    }
}

/// The time limits for agents, in the form of the translation.
pub(super) const fn durations(timeouts: AgentTimeouts) -> Timeouts {
    let AgentTimeouts { start, stop, status } = timeouts;
    Timeouts { start, stop, status }
}

#[cfg(test)]
mod tests {
    use super::*;
    use systole_core::JobId;

    #[test]
    fn executor_reading_everything_or_reporting_makes_progress() {
        let (ours, theirs) = Connection::pair().unwrap();
        let mut executor = Executor::new(ours, Configuration::default()).unwrap();
        let mut buffer = vec![0; PACKET_MAX];
        let mut looks = Vec::new();
        let mut look = |executor: &mut Executor| looks.push(executor.makes_progress(0));
        look(&mut executor);
        // The executor works on what it has read, is sent more meanwhile, and reports what it has done.
        let report = Report::Done { job: JobId(1), outcome: protocol::Outcome::Success };
        theirs.send(&report.encode().unwrap()).unwrap();
        assert!(matches!(executor.receive(), Arrival::Report(_)));
        look(&mut executor);
        // Nothing has arrived since.
        look(&mut executor);
        while !matches!(theirs.receive(&mut buffer).unwrap(), Receive::Empty) {}
        look(&mut executor);
        assert_eq!(looks, [false, true, false, true]);
    }
}
