//! The messages between the daemon and its executor, one per packet, except for reports that are longer
//! than a packet (`parts.rs` of systole-agents).
//!
//! Messages are JSON, except the permit: it is sent with every beat by a thread that must not allocate, and
//! so has a fixed form of [`PERMIT_SIZE`] bytes.

mod report;

pub use report::{Held, LetGoReason, Level, Outcome, Report, Unfinished};

use serde::{Deserialize, Serialize};
use std::time::Duration;
use systole_core::{GroupKey, JobId, Probe, Resource};

/// Version of the messages. An executor and a daemon of different versions do not work together.
pub const VERSION: u32 = 4;
/// Maximum length of a packet in bytes, in either direction.
pub const PACKET_MAX: usize = 1 << 20;
/// Length of a permit packet in bytes.
pub const PERMIT_SIZE: usize = 24;

pub use systole_core::{Action, LIFETIME_MAX, LIFETIME_MIN};

/// The first bytes of a permit packet. JSON never begins with the first of them.
const PERMIT_MAGIC: [u8; 8] = *b"\0permit2";

/// A request from the daemon to the executor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Sets facts for all later runs, replacing those of an earlier request.
    Configure(Configuration),
    /// Renews the permission to act. Sent as [`permit_packet`], never as JSON.
    #[serde(skip)]
    Permit(Permit),
    /// Runs an agent. Answered by exactly one [`Report::Done`].
    Run(Run),
    /// Checks whether everything is present that a start of these resources needs: agents, room to write
    /// the ledger, and for addresses an interface that is up. Does not touch the resources. Answered by one
    /// [`Report::Done`].
    Check {
        /// Identifies the check in the answer.
        job: JobId,
        /// The name of the group in the log.
        group_name: String,
        /// The resources of the group.
        resources: Vec<Resource>,
    },
    /// Ends a run early. Its [`Report::Done`] says [`Outcome::Cancelled`], unless the run ended first.
    Cancel {
        /// The run.
        job: JobId,
    },
    /// Lets go of everything now, as if the permit had expired. Answered by [`Report::LettingGo`], and by
    /// [`Report::LetGo`] for each group that was let go.
    Release,
    /// Asks the executor to exit.
    Shutdown {
        /// Whether the executor leaves what it holds as it is, for another executor to adopt, and exits as
        /// soon as no agent runs. Otherwise it lets go first.
        keep: bool,
    },
}

/// Facts that hold for every run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Configuration {
    /// This node's name (`HA_CURHOST`).
    pub node: String,
    /// Variables for every script in addition to those that the executor sets itself, e.g. `HA_LOGFILE` and
    /// `HA_keepalive`.
    pub environment: Vec<(String, String)>,
    /// Maximum time in milliseconds for which what is held is kept while the daemon is gone, even if the
    /// permit reaches further. Zero means no such limit.
    #[serde(default)]
    pub restart_grace_ms: u64,
    /// Lifetime in milliseconds of an address that is not renewed. Zero means [`LIFETIME_MIN`].
    #[serde(default)]
    pub lifetime_ms: u64,
    /// The real-time priority of the executor's own thread, whose memory is locked in that case; absent for
    /// ordinary scheduling.
    #[serde(default)]
    pub realtime: Option<u8>,
    /// The groups with addresses, whose interfaces are watched.
    #[serde(default)]
    pub services: Vec<Service>,
}

/// The addresses of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// The group.
    pub group: GroupKey,
    /// Its addresses.
    pub addresses: Vec<Resource>,
}

/// Permission to act until a moment on `CLOCK_BOOTTIME`.
///
/// The moment is absolute, because a permit that waited in a socket while the machine was suspended must
/// not count from the moment at which it is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Permit {
    /// When the permit was made, in nanoseconds on `CLOCK_BOOTTIME`. At this moment the daemon knew that it
    /// owns its groups.
    pub issued: u64,
    /// When the permit ends, likewise.
    pub until: u64,
}

/// One run of an agent, or of the address agent for a batch of addresses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Identifies the run in the answer.
    pub job: JobId,
    /// The group. Runs of one group happen one after the other; those of different groups at the same time.
    pub group: GroupKey,
    /// The name of the group in the log.
    pub group_name: String,
    /// The term of the ownership under which the run happens; kept for the next daemon.
    pub term: u64,
    /// The action.
    pub action: Action,
    /// Exactly one agent, or one or more addresses, which are handled in one batch.
    pub resources: Vec<Resource>,
    /// Time in milliseconds after which the run is ended. Zero means no limit.
    pub timeout_ms: u64,
    /// Variables for this run only.
    pub environment: Vec<(String, String)>,
    /// The daemon has just had the resource stopped: a start does not ask first whether it runs.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_restart: bool,
    /// What the executor asks itself before it runs the agent; only for a monitor.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub probes: Vec<Probe>,
    /// Nothing but those questions is asked: the agent is not run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_without_agent: bool,
}

/// The reason why a packet is not a message.
#[derive(Debug, thiserror::Error)]
pub enum ProtocolError {
    /// The packet is longer than [`PACKET_MAX`].
    #[error("packet of {size} bytes is longer than {PACKET_MAX}")]
    Long {
        /// Its length in bytes.
        size: usize,
    },
    /// The packet is neither a permit nor a message in JSON.
    #[error("packet is not a message")]
    Malformed(#[from] serde_json::Error),
}

/// Makes the packet that renews the executor's permit until `now` plus `valid_for`, without touching the
/// heap. `now` is in nanoseconds on `CLOCK_BOOTTIME`.
#[must_use]
pub fn permit_packet(now: u64, valid_for: Duration) -> [u8; PERMIT_SIZE] {
    let span = u64::try_from(valid_for.as_nanos()).unwrap_or(u64::MAX);
    Permit { issued: now, until: now.saturating_add(span) }.packet()
}

impl Permit {
    /// Encodes the permit as a packet.
    #[must_use]
    pub fn packet(self) -> [u8; PERMIT_SIZE] {
        let mut packet = [0; PERMIT_SIZE];
        let (magic, times) = packet.split_at_mut(PERMIT_MAGIC.len());
        let (issued, until) = times.split_at_mut(size_of::<u64>());
        magic.copy_from_slice(&PERMIT_MAGIC);
        issued.copy_from_slice(&self.issued.to_be_bytes());
        until.copy_from_slice(&self.until.to_be_bytes());
        packet
    }

    /// Reads the bytes after the magic word.
    fn read(times: &[u8]) -> Option<Self> {
        let (issued, until) = times.split_first_chunk()?;
        let until = until.try_into().ok()?;
        Some(Self { issued: u64::from_be_bytes(*issued), until: u64::from_be_bytes(until) })
    }
}

impl Request {
    /// Encodes the request as a packet.
    ///
    /// # Errors
    ///
    /// When the packet would be longer than [`PACKET_MAX`].
    pub fn encode(&self) -> Result<Vec<u8>, ProtocolError> {
        match self {
            Self::Permit(permit) => Ok(permit.packet().to_vec()),
            Self::Configure(_)
            | Self::Run(_)
            | Self::Check { .. }
            | Self::Cancel { .. }
            | Self::Release
            | Self::Shutdown { .. } => encode(self),
        }
    }

    /// Decodes a packet.
    ///
    /// # Errors
    ///
    /// When the packet is too long or is not a request.
    pub fn decode(packet: &[u8]) -> Result<Self, ProtocolError> {
        if let Some(permit) = packet.strip_prefix(&PERMIT_MAGIC).and_then(Permit::read) {
            return Ok(Self::Permit(permit));
        }
        decode(packet)
    }
}

fn encode(message: &impl Serialize) -> Result<Vec<u8>, ProtocolError> {
    let packet = serde_json::to_vec(message)?;
    check_length(&packet)?;
    Ok(packet)
}

fn decode<'a, T: Deserialize<'a>>(packet: &'a [u8]) -> Result<T, ProtocolError> {
    check_length(packet)?;
    Ok(serde_json::from_slice(packet)?)
}

fn check_length(packet: &[u8]) -> Result<(), ProtocolError> {
    let size = packet.len();
    if size > PACKET_MAX {
        return Err(ProtocolError::Long { size });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
