//! What a node keeps across restarts: its generation, its uuid, the owners of groups, and the journal.

mod generation;
mod holds;
pub(crate) mod journal;
mod kept;
mod retired;
#[cfg(test)]
pub(crate) mod tests;
mod unfinished;
mod uuid;
mod writer;

pub use generation::Generation;
pub(crate) use writer::{Owned, StateWriter, Told};

pub use journal::Journal;

use crate::trusted;
use rustix::fs::OFlags;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use systole_config::{GenerationMethod, UuidSource};
use systole_core::{
    GROUPS_MAX, GroupKey, Mac, NODES_MAX, NodeId, PeerRecord, ServiceAddresses, Settings, Uuid,
};

/// Maximum number of bytes read of a file of this directory: names are below 256 bytes, and groups are few.
const FILE_MAX: u64 = GROUPS_MAX as u64 * 320;

/// Mode of the directory if it is created.
const MODE: u32 = 0o750;

/// Every file of this directory. A new version is written beside the old one and then renamed.
const FILES: [&str; 9] = [
    GENERATION,
    UUID,
    TERMS,
    PEERS,
    holds::NAME,
    kept::NAME,
    retired::NAME,
    systole_ipc::journal::NAME,
    systole_ipc::journal::OLD,
];

/// The suffix of a file's name while the file is written.
const FRESH: &str = ".new";

const GENERATION: &str = "hb_generation";
const UUID: &str = "hb_uuid";
const TERMS: &str = "systole.terms";
const PEERS: &str = "systole.peers";
/// Begins a line with the addresses of a node in that file.
const AT: &str = "at ";

/// The reason why something could not be stored or read.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The file could not be read; nothing was changed.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The file could not be written; the previous version is still there.
    #[error("cannot write {path}")]
    Write {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The kernel gave no random bytes; nothing was changed.
    #[error("cannot make a random uuid")]
    Random(#[source] io::Error),
}

/// The state directory.
#[derive(Debug, Clone)]
pub struct State {
    directory: PathBuf,
}

impl State {
    /// Opens the state directory. The directory is created if it is missing, and taken over if another user
    /// can write there. Returns lines to be logged about that.
    ///
    /// # Errors
    ///
    /// When the directory can be neither created nor taken over.
    pub fn open(directory: impl Into<PathBuf>) -> Result<(Self, Vec<String>), StateError> {
        let directory = directory.into();
        let group = systole_sys::identity::group_id("haclient").ok();
        let fresh = FILES.map(|name| format!("{name}{FRESH}"));
        let names = FILES.into_iter().chain(fresh.iter().map(String::as_str)).chain(["fifo"]);
        let names: Vec<_> = names.collect();
        match trusted::take(&directory, (MODE, group), &names) {
            Ok(told) => Ok((Self { directory }, told)),
            Err(source) => Err(StateError::Write { path: directory, source }),
        }
    }

    /// Returns a generation above all earlier ones. `unix_time` is in seconds; `copy` is a file that
    /// survives the daemon but not a reboot.
    ///
    /// The generation is stored before it is returned. If that fails, the copy and the clock ensure that
    /// the next start gets a larger one, and the generation must be stored later.
    #[must_use]
    pub fn next_generation(
        &self,
        copy: &Path,
        method: GenerationMethod,
        unix_time: u64,
    ) -> Generation {
        Generation::next(&self.path(GENERATION), copy, method, unix_time)
    }

    /// Stores the generation of this run, which could not be stored when the run began.
    ///
    /// # Errors
    ///
    /// When it cannot be stored; what was stored before is still there.
    pub fn store_generation(&self, number: u64) -> Result<(), StateError> {
        generation::store(&self.path(GENERATION), number)
    }

    /// Returns this node's uuid, and whether it was newly created.
    ///
    /// # Errors
    ///
    /// When it can neither be read nor be created and stored.
    pub fn uuid(&self, source: UuidSource, node: &str) -> Result<(Uuid, bool), StateError> {
        match source {
            UuidSource::File => uuid::stored(&self.path(UUID)),
            UuidSource::NodeName => Ok((uuid::of_name(node), false)),
        }
    }

    /// Returns a new uuid, which is not stored.
    ///
    /// # Errors
    ///
    /// When the kernel gives no random bytes.
    pub fn new_uuid() -> Result<Uuid, StateError> {
        uuid::fresh()
    }

    /// Checks that everything can be read that a starting daemon needs.
    ///
    /// # Errors
    ///
    /// Names the first file that cannot be read.
    pub fn check(&self, settings: &Settings) -> Result<(), StateError> {
        self.terms(settings)?;
        self.peers(settings)?;
        self.holds(settings)?;
        self.kept_by_order()?;
        self.retired(settings)?;
        read(&self.path(GENERATION))?;
        read(&self.path(UUID)).map(|_| ())
    }

    /// Returns the stored ownerships. Lines that make no sense, and owners that are no longer nodes, are
    /// left out.
    ///
    /// # Errors
    ///
    /// When the file exists but cannot be read.
    pub fn terms(&self, settings: &Settings) -> Result<Vec<(GroupKey, NodeId, u64)>, StateError> {
        let Some(bytes) = read(&self.path(TERMS))? else { return Ok(Vec::new()) };
        let text = String::from_utf8_lossy(&bytes);
        let parsed = text.lines().filter_map(|line| parse_term(settings, line));
        Ok(parsed.take(GROUPS_MAX).collect())
    }

    /// Stores the ownership of every group, as reported by [`systole_core::Cluster::terms`]: one line per
    /// group with its key (hexadecimal), owner and term. Returns when it is on the disk.
    ///
    /// # Errors
    ///
    /// When it cannot be stored; what was stored before is still there.
    pub fn store_terms(
        &self,
        settings: &Settings,
        terms: impl IntoIterator<Item = (GroupKey, NodeId, u64)>,
    ) -> Result<(), StateError> {
        let line = |(key, owner, term): (GroupKey, NodeId, u64)| {
            format!("{:08x} {} {term}\n", key.0, settings.name(owner))
        };
        let text: String = terms.into_iter().map(line).collect();
        replace(&self.path(TERMS), text.as_bytes())
    }

    /// Returns what was stored about the other nodes. Lines that make no sense are left out.
    ///
    /// # Errors
    ///
    /// When the file exists but cannot be read.
    pub fn peers(&self, settings: &Settings) -> Result<Vec<PeerRecord>, StateError> {
        let Some(bytes) = read(&self.path(PEERS))? else { return Ok(Vec::new()) };
        let text = String::from_utf8_lossy(&bytes);
        let parsed = text.lines().filter_map(|line| parse_peer(settings, line));
        let mut records: Vec<PeerRecord> = parsed.take(NODES_MAX).collect();
        for line in text.lines().filter_map(|line| line.strip_prefix(AT)) {
            let (name, addresses) = line.split_once(' ').unwrap_or((line, ""));
            let node = settings.node(name);
            for record in records.iter_mut().filter(|record| Some(record.node) == node) {
                record.service = parse_addresses(addresses);
            }
        }
        Ok(records)
    }

    /// Stores what is known about a node, replacing what was stored about it: one line per node with name,
    /// generation and sequence, both decimal, and, during a hand-over, its stage, its set from the giver's
    /// point of view, and its motive; then, if they are known, one with its addresses on the service
    /// network. Returns when it is on the disk.
    ///
    /// # Errors
    ///
    /// When it cannot be stored; what was stored before is still there.
    pub fn store_peer(&self, settings: &Settings, record: PeerRecord) -> Result<(), StateError> {
        let mut records = self.peers(settings)?;
        records.retain(|other| other.node != record.node);
        records.extend((record.generation > 0).then_some(record));
        let line = |record: &PeerRecord| {
            let PeerRecord { node, generation, sequence, service, unfinished } = record;
            let unfinished = unfinished.map_or(String::new(), unfinished::text);
            let name = settings.name(*node);
            let ips = service.ips().map(|it| format!(" {it}"));
            let macs = service.macs().map(|mac| format!(" {mac}"));
            let addresses: String = ips.chain(macs).collect();
            let line = format!("{name} {generation} {sequence}{unfinished}\n");
            match addresses.as_str() {
                "" => line,
                // An older version does not read this line, and reads the other.
                _ => format!("{line}{AT}{name}{addresses}\n"),
            }
        };
        let text: String = records.iter().map(line).collect();
        replace(&self.path(PEERS), text.as_bytes())
    }

    /// Returns the journal to which a node's daemon of this generation writes.
    #[must_use]
    pub fn journal(&self, node: &str, generation: u64) -> Journal {
        Journal::new(self.directory.clone(), node, generation)
    }

    fn path(&self, name: &str) -> PathBuf {
        debug_assert!(FILES.contains(&name), "{name} is not among the files that are taken over");
        self.directory.join(name)
    }
}

fn parse_term(settings: &Settings, line: &str) -> Option<(GroupKey, NodeId, u64)> {
    let mut words = line.split(' ');
    let key = u32::from_str_radix(words.next()?, 16).ok()?;
    let owner = settings.node(words.next()?)?;
    let term = words.next()?.parse().ok()?;
    words.next().is_none().then_some((GroupKey(key), owner, term))
}

fn parse_peer(settings: &Settings, line: &str) -> Option<PeerRecord> {
    let mut words = line.split(' ');
    let node = settings.node(words.next()?)?;
    let generation = words.next()?.parse().ok()?;
    let sequence = words.next()?.parse().ok()?;
    let unfinished = match words.next() {
        Some(stage) => Some(unfinished::parse([stage, words.next()?, words.next()?])?),
        None => None,
    };
    let record = PeerRecord { unfinished, ..PeerRecord::of(node, generation, sequence) };
    words.next().is_none().then_some(record)
}

/// Reads as many addresses as there is room for. What makes no sense is left out.
fn parse_addresses(words: &str) -> ServiceAddresses {
    let mut service = ServiceAddresses::NONE;
    for word in words.split(' ') {
        if let Ok(mac) = word.parse::<Mac>() {
            let _ = service.add_mac(mac);
        }
        if let Ok(address) = word.parse::<IpAddr>() {
            let _ = service.add(address);
        }
    }
    service
}

/// Returns the contents of a file, or `None` if there is no file.
fn read(path: &Path) -> Result<Option<Vec<u8>>, StateError> {
    read_up_to(path, FILE_MAX)
}

/// Does the same for a file with another size limit. A longer file was not written by this program, and a
/// part of it is not an answer.
fn read_up_to(path: &Path, most: u64) -> Result<Option<Vec<u8>>, StateError> {
    let failed = |source| StateError::Read { path: path.to_owned(), source };
    // Symbolic links are not followed, and FIFOs not waited for.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(flags.bits().cast_signed());
    let file = match options.open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > most {
        return Err(failed(too_long(most)));
    }
    Ok(Some(bytes))
}

fn too_long(most: u64) -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, format!("it is longer than {most} bytes"))
}

/// Replaces a file as a whole: after a crash it has either the old or the new contents.
fn replace(path: &Path, content: &[u8]) -> Result<(), StateError> {
    let failed = |source| StateError::Write { path: path.to_owned(), source };
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(FRESH);
    let fresh = PathBuf::from(fresh);
    let write = || -> io::Result<()> {
        // A crash may have left this file. A new file is created, whatever is there, and no symbolic link
        // is followed.
        match fs::remove_file(&fresh) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(0o600).open(&fresh)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&fresh, path)?;
        // The new name is in the directory, which must be synchronized separately.
        path.parent().map_or(Ok(()), |directory| File::open(directory)?.sync_all())
    };
    write().map_err(failed)
}
