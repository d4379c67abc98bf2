//! Writes the state in a separate thread, so that a disk that accepts nothing stops nothing else.

use super::journal::Scribe;
use super::{Journal, State, StateError};
use crate::worker::Worker;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;
use systole_core::{GroupKey, HoldRecord, NodeId, PeerRecord, Settings};
use systole_ipc::journal::JournalEvent;

/// Maximum number of writes that wait for the disk.
const QUEUE: usize = 2048;
/// Maximum number of reports that wait for the control thread.
const TOLD: usize = 64;
/// How long the daemon's end waits for the disk. What is not stored by then is learned from the other nodes
/// later.
const FINISH_LIMIT: Duration = Duration::from_secs(5);

/// The stored state of groups.
#[derive(Debug, Default)]
pub(crate) struct Owned {
    /// The owners of groups.
    pub(crate) terms: Vec<(GroupKey, NodeId, u64)>,
    /// The holds, and the releases.
    pub(crate) holds: Vec<HoldRecord>,
    /// Groups that are here because of an order.
    pub(crate) kept_by_order: Vec<GroupKey>,
}

/// A task for the disk.
#[derive(Debug)]
enum Deed {
    Append {
        line: Vec<u8>,
        /// Number of earlier entries for which there was no room.
        lost: u64,
    },
    Ownership {
        settings: Arc<Settings>,
        owned: Owned,
    },
    Peer {
        settings: Arc<Settings>,
        record: PeerRecord,
    },
    /// Try again to store what could not be stored.
    Owed,
}

/// What could not be stored yet, each in its latest state.
#[derive(Debug, Default)]
struct Debts {
    /// The generation of this run.
    generation: Option<u64>,
    ownership: Option<(Arc<Settings>, Owned)>,
    peers: Vec<(Arc<Settings>, PeerRecord)>,
    tells_ownership: bool,
    tells_peers: bool,
}

impl Debts {
    fn is_empty(&self) -> bool {
        self.generation.is_none() && self.ownership.is_none() && self.peers.is_empty()
    }

    /// Records what is known about a node, replacing what was known before.
    fn record_peer(&mut self, settings: Arc<Settings>, record: PeerRecord) {
        self.peers.retain(|(_, known)| known.node != record.node);
        self.peers.push((settings, record));
    }

    /// Stores what can be stored. Returns the first failure of each kind, and its end.
    fn settle(&mut self, state: &State) -> Vec<Told> {
        let mut told = Vec::new();
        if let Some((settings, owned)) = &self.ownership {
            let result = owned.store(state, settings);
            let (failed, stored) = (Told::OwnershipFailed, Told::OwnershipStored);
            told.extend(verdict(result, &mut self.tells_ownership, failed, stored));
            if !self.tells_ownership {
                self.ownership = None;
            }
        }
        let mut result = Ok(());
        let is_new = !self.peers.is_empty();
        self.peers.retain(|(settings, record)| {
            let stored = state.store_peer(settings, *record);
            let is_owed = stored.is_err();
            result = std::mem::replace(&mut result, Ok(())).and(stored);
            is_owed
        });
        if is_new {
            let (failed, stored) = (Told::PeerFailed, Told::PeerStored);
            told.extend(verdict(result, &mut self.tells_peers, failed, stored));
        }
        let generation = self.generation.take_if(|it| state.store_generation(*it).is_ok());
        told.extend(generation.map(|_| Told::GenerationStored));
        told
    }
}

/// Returns the report about an attempt; `fails` says whether the previous one failed.
fn verdict(
    result: Result<(), StateError>,
    fails: &mut bool,
    failed: impl FnOnce(StateError) -> Told,
    stored: Told,
) -> Option<Told> {
    let failed_before = std::mem::replace(fails, result.is_err());
    match result {
        Ok(()) => failed_before.then_some(stored),
        Err(error) => (!failed_before).then(|| failed(error)),
    }
}

impl Owned {
    fn store(&self, state: &State, settings: &Settings) -> Result<(), StateError> {
        let stored = state.store_terms(settings, self.terms.iter().copied());
        // A failure of one is no reason to leave out the others.
        let holds = state.store_holds(settings, &self.holds);
        let kept = state.store_kept_by_order(&self.kept_by_order);
        stored.and(holds).and(kept)
    }
}

/// A report about the writing.
#[derive(Debug)]
pub(crate) enum Told {
    /// An entry of the journal could not be written. This is the first one since an entry that could.
    JournalFailed(io::Error),
    /// The journal is written again, after some entries were lost.
    JournalResumed {
        /// The number of lost entries.
        lost: u64,
    },
    /// Ownership could not be stored.
    OwnershipFailed(StateError),
    /// Ownership is finally on the disk.
    OwnershipStored,
    /// What is known about a node could not be stored.
    PeerFailed(StateError),
    /// What is known about all nodes is finally on the disk.
    PeerStored,
    /// The generation of this run is finally on the disk.
    GenerationStored,
    /// The disk accepts nothing, and there is no room for another task. This is the first one since there
    /// was room.
    Full,
}

/// The channel to the thread that writes the state. When it is dropped, waiting tasks are carried out,
/// unless the disk takes too long.
#[derive(Debug)]
pub(crate) struct StateWriter {
    scribe: Scribe,
    /// Absent after the end.
    worker: Option<Worker<Deed>>,
    told: Receiver<Told>,
    /// Number of journal entries for which there was no room.
    lost: u64,
    /// Whether something could not be stored.
    owes: Arc<AtomicBool>,
    /// The ownership for which the queue had no room.
    ownership: Option<(Arc<Settings>, Owned)>,
    peers: Vec<(Arc<Settings>, PeerRecord)>,
    /// Whether there was no room for the last task.
    is_full: bool,
    tells_full: bool,
}

impl StateWriter {
    /// Creates a writer that writes as soon as its thread is [started](Self::tend). What cannot be stored,
    /// such as a generation that could not be stored when the run began, is tried again with everything
    /// that is stored, and at every [`tick`](Self::tick).
    pub(crate) fn new(state: State, journal: Journal, unstored: Option<u64>) -> Self {
        let Journal { scribe, mut file } = journal;
        let (tell, told) = sync_channel(TOLD);
        let mut lost = 0;
        let mut debts = Debts { generation: unstored, ..Debts::default() };
        let owes = Arc::new(AtomicBool::new(!debts.is_empty()));
        let tells_debts = Arc::clone(&owes);
        let worker = Worker::new("state", QUEUE, move |deed| {
            let news = do_deed(&state, deed, (&mut lost, &mut debts), |line| file.append(line));
            tells_debts.store(!debts.is_empty(), Ordering::Relaxed);
            for news in news {
                // If the receiver does not take it, it has the same report already, or is ending.
                let _ = tell.try_send(news);
            }
        });
        let worker = Some(worker);
        let (lost, is_full, tells_full) = (0, false, false);
        let (ownership, peers) = (None, Vec::new());
        Self { scribe, worker, told, lost, owes, ownership, peers, is_full, tells_full }
    }

    /// Starts the thread, unless it runs already.
    ///
    /// # Errors
    ///
    /// When no thread can be started. The call can be repeated.
    pub(crate) fn tend(&mut self) -> io::Result<()> {
        self.worker.as_mut().map_or(Ok(()), Worker::tend)
    }

    /// Tries again what could not be stored. Call it about once a second. While one attempt hangs there is
    /// no other.
    pub(crate) fn tick(&mut self) {
        if let Some((settings, owned)) = self.ownership.take() {
            self.hand(Deed::Ownership { settings, owned });
        }
        for (settings, record) in std::mem::take(&mut self.peers) {
            self.hand(Deed::Peer { settings, record });
        }
        if self.owes.swap(false, Ordering::Relaxed) && !self.hand(Deed::Owed) {
            self.owes.store(true, Ordering::Relaxed);
        }
    }

    /// Records in the journal an event that happened that long ago, unless it repeats an earlier one.
    pub(crate) fn note(&mut self, event: JournalEvent, age: Duration) {
        let Some(line) = self.scribe.line(event, age) else { return };
        let lost = std::mem::take(&mut self.lost);
        if !self.hand(Deed::Append { line, lost }) {
            self.lost = lost + 1;
        }
    }

    /// Stores the owners of groups, and the holds.
    pub(crate) fn store(&mut self, settings: &Arc<Settings>, owned: Owned) -> bool {
        // It replaces the state that waits.
        self.ownership = None;
        self.hand(Deed::Ownership { settings: Arc::clone(settings), owned })
    }

    /// Stores what is known about a node.
    pub(crate) fn store_peer(&mut self, settings: &Arc<Settings>, record: PeerRecord) -> bool {
        self.peers.retain(|(_, waiting)| waiting.node != record.node);
        self.hand(Deed::Peer { settings: Arc::clone(settings), record })
    }

    /// Waits until everything so far is written, at most for `limit`.
    pub(crate) fn settle(&self, limit: Duration) {
        if let Some(worker) = &self.worker {
            worker.settle(limit);
        }
    }

    /// Returns the reports since the last call.
    pub(crate) fn told(&mut self) -> Vec<Told> {
        let full = std::mem::take(&mut self.tells_full).then_some(Told::Full);
        self.told.try_iter().chain(full).collect()
    }

    /// Queues a task. A task for which there is no room is lost, except one of which only the latest state
    /// is wanted: that state waits here.
    fn hand(&mut self, deed: Deed) -> bool {
        let Some(worker) = &self.worker else { return false };
        let refused = worker.hand(deed).err();
        let is_taken = refused.is_none();
        match refused {
            Some(Deed::Ownership { settings, owned }) => self.ownership = Some((settings, owned)),
            Some(Deed::Peer { settings, record }) => self.peers.push((settings, record)),
            Some(Deed::Append { .. } | Deed::Owed) | None => {}
        }
        self.tells_full |= !is_taken && !self.is_full;
        self.is_full = !is_taken;
        is_taken
    }
}

impl Drop for StateWriter {
    fn drop(&mut self) {
        self.tick();
        if let Some(worker) = self.worker.take() {
            worker.finish(FINISH_LIMIT);
        }
    }
}

/// Carries out a task, and tries again what could not be stored. Returns the reports. `lost` counts the
/// entries since the last one that was written.
fn do_deed(
    state: &State,
    deed: Deed,
    (lost, debts): (&mut u64, &mut Debts),
    append: impl FnOnce(&[u8]) -> io::Result<()>,
) -> Vec<Told> {
    let mut told = Vec::new();
    match deed {
        Deed::Append { line, lost: before } => {
            let is_first = *lost == 0;
            *lost += before;
            told.extend(match append(&line) {
                Ok(()) => match std::mem::take(lost) {
                    0 => None,
                    lost => Some(Told::JournalResumed { lost }),
                },
                Err(error) => {
                    *lost += 1;
                    is_first.then_some(Told::JournalFailed(error))
                }
            });
        }
        Deed::Ownership { settings, owned } => debts.ownership = Some((settings, owned)),
        Deed::Peer { settings, record } => debts.record_peer(settings, record),
        Deed::Owed => {}
    }
    told.extend(debts.settle(state));
    told
}

#[cfg(test)]
mod tests;
