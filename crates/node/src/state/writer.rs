//! What is kept, written by a thread of its own: a disk that takes nothing stops nothing else.

use super::journal::Scribe;
use super::{Happening, Journal, State, StateError};
use crate::worker::Worker;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;
use systole_core::{GroupKey, HoldRecord, NodeId, PeerRecord, Settings};

/// Most deeds that wait for the disk.
const QUEUE: usize = 2048;
/// Most news that wait for the control thread.
const TOLD: usize = 64;
/// How long the end waits for the disk. What is not stored then is asked of the other nodes.
const FINISH_LIMIT: Duration = Duration::from_secs(5);

/// What is stored of groups.
#[derive(Debug, Default)]
pub(crate) struct Owned {
    /// Who owns what.
    pub(crate) terms: Vec<(GroupKey, NodeId, u64)>,
    /// What is held or was released.
    pub(crate) holds: Vec<HoldRecord>,
    /// Groups that are here because a person wanted it so.
    pub(crate) kept_by_order: Vec<GroupKey>,
}

/// Something to be done with the disk.
#[derive(Debug)]
enum Deed {
    Append {
        line: Vec<u8>,
        /// Entries before it that found no room.
        lost: u64,
    },
    Ownership {
        settings: Box<Settings>,
        owned: Owned,
    },
    Peer {
        settings: Box<Settings>,
        record: PeerRecord,
    },
    /// Try to store the generation of this run again.
    Generation,
}

/// What became of it, where there is something to tell.
#[derive(Debug)]
pub(crate) enum Told {
    /// An entry of the journal could not be written, the first since one that could.
    JournalFailed(io::Error),
    /// The journal is written again; so many entries were lost.
    JournalResumed {
        /// How many.
        lost: u64,
    },
    /// Ownership could not be stored.
    OwnershipFailed(StateError),
    /// What is known of a node could not be stored.
    PeerFailed(StateError),
    /// The generation of this run is on the disk at last.
    GenerationStored,
    /// The disk takes nothing: something found no room to wait for it, the first since it could.
    Full,
}

/// The way to the thread that writes what is kept. When it is dropped, what waits is written, unless
/// the disk takes too long.
#[derive(Debug)]
pub(crate) struct StateWriter {
    scribe: Scribe,
    /// Absent after the end.
    worker: Option<Worker<Deed>>,
    told: Receiver<Told>,
    /// Entries of the journal that found no room.
    lost: u64,
    /// Whether the generation of this run is not on the disk.
    owes_generation: Arc<AtomicBool>,
    /// Something found no room since the last that did.
    is_full: bool,
    tells_full: bool,
}

impl StateWriter {
    /// Writes as soon as its thread is [started](Self::tend). A generation that could not be stored is
    /// tried again with everything that is stored, and at every [`tick`](Self::tick).
    pub(crate) fn new(state: State, journal: Journal, mut unstored: Option<u64>) -> Self {
        let Journal { scribe, mut file } = journal;
        let (tell, told) = sync_channel(TOLD);
        let mut lost = 0;
        let owes_generation = Arc::new(AtomicBool::new(unstored.is_some()));
        let owes = Arc::clone(&owes_generation);
        let worker = Worker::new("state", QUEUE, move |deed| {
            let news = do_deed(&state, deed, &mut lost, |line| file.append(line));
            let late = unstored.take_if(|number| state.store_generation(*number).is_ok());
            owes.store(unstored.is_some(), Ordering::Relaxed);
            for news in news.into_iter().chain(late.map(|_| Told::GenerationStored)) {
                // Who does not listen is hearing the same already, or ending.
                let _ = tell.try_send(news);
            }
        });
        let worker = Some(worker);
        let (lost, is_full, tells_full) = (0, false, false);
        Self { scribe, worker, told, lost, owes_generation, is_full, tells_full }
    }

    /// Starts the thread, unless it works already.
    ///
    /// # Errors
    ///
    /// When no thread can be had; it can be tried again.
    pub(crate) fn tend(&mut self) -> io::Result<()> {
        self.worker.as_mut().map_or(Ok(()), Worker::tend)
    }

    /// Tries again what is owed to the disk. To be called about once a second; while one attempt
    /// hangs there is no other.
    pub(crate) fn tick(&mut self) {
        if self.owes_generation.swap(false, Ordering::Relaxed) && !self.hand(Deed::Generation) {
            self.owes_generation.store(true, Ordering::Relaxed);
        }
    }

    /// Keeps in the journal what happened that long ago, unless it repeats what stands there.
    pub(crate) fn note(&mut self, happening: Happening, age: Duration) {
        let Some(line) = self.scribe.line(happening, age) else { return };
        let lost = std::mem::take(&mut self.lost);
        if !self.hand(Deed::Append { line, lost }) {
            self.lost = lost + 1;
        }
    }

    /// Stores who owns what, and what is held.
    pub(crate) fn store(&mut self, settings: &Settings, owned: Owned) -> bool {
        let settings = Box::new(settings.clone());
        self.hand(Deed::Ownership { settings, owned })
    }

    /// Stores what is known of a node.
    pub(crate) fn store_peer(&mut self, settings: &Settings, record: PeerRecord) -> bool {
        self.hand(Deed::Peer { settings: Box::new(settings.clone()), record })
    }

    /// What there is to tell since the last call.
    pub(crate) fn told(&mut self) -> Vec<Told> {
        let full = std::mem::take(&mut self.tells_full).then_some(Told::Full);
        self.told.try_iter().chain(full).collect()
    }

    fn hand(&mut self, deed: Deed) -> bool {
        let is_taken = self.worker.as_ref().is_some_and(|worker| worker.hand(deed).is_ok());
        self.tells_full |= !is_taken && !self.is_full;
        self.is_full = !is_taken;
        is_taken
    }
}

impl Drop for StateWriter {
    fn drop(&mut self) {
        if let Some(worker) = self.worker.take() {
            worker.finish(FINISH_LIMIT);
        }
    }
}

/// Does it, and tells what there is to tell. `lost` counts entries since the last that was written.
fn do_deed(
    state: &State,
    deed: Deed,
    lost: &mut u64,
    append: impl FnOnce(&[u8]) -> io::Result<()>,
) -> Option<Told> {
    match deed {
        Deed::Append { line, lost: before } => {
            let is_first = *lost == 0;
            *lost += before;
            match append(&line) {
                Ok(()) => match std::mem::take(lost) {
                    0 => None,
                    lost => Some(Told::JournalResumed { lost }),
                },
                Err(error) => {
                    *lost += 1;
                    is_first.then_some(Told::JournalFailed(error))
                }
            }
        }
        Deed::Ownership { settings, owned: Owned { terms, holds, kept_by_order } } => {
            let stored = state.store_terms(&settings, terms);
            // One that fails is no reason to leave out the others.
            let holds = state.store_holds(&settings, &holds);
            let kept = state.store_kept_by_order(&kept_by_order);
            stored.and(holds).and(kept).err().map(Told::OwnershipFailed)
        }
        Deed::Peer { settings, record } => {
            state.store_peer(&settings, record).err().map(Told::PeerFailed)
        }
        // It is tried after every deed.
        Deed::Generation => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::tests::settings;

    #[test]
    fn a_journal_that_fails_is_told_once_and_what_was_lost_when_it_is_back() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(folder.path()).unwrap().0;
        let mut lost = 0;
        let mut append = |works: bool, before| {
            let deed = Deed::Append { line: b"{}\n".to_vec(), lost: before };
            do_deed(&state, deed, &mut lost, |_| {
                if works { Ok(()) } else { Err(io::ErrorKind::StorageFull.into()) }
            })
        };
        assert!(append(true, 0).is_none());
        assert!(matches!(append(false, 0), Some(Told::JournalFailed(_))));
        assert!(append(false, 3).is_none());
        assert!(matches!(append(true, 1), Some(Told::JournalResumed { lost: 6 })));
        assert!(append(true, 0).is_none());
        assert!(matches!(append(true, 2), Some(Told::JournalResumed { lost: 2 })));
    }

    #[test]
    fn terms_that_cannot_be_stored_leave_out_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(folder.path()).unwrap().0;
        std::fs::create_dir(folder.path().join("systole.terms")).unwrap();
        let settings = Box::new(settings());
        let left = Duration::from_hours(1);
        let hold = HoldRecord { group: None, count: 7, by: NodeId(0), is_release: false, left };
        let (terms, holds) = (vec![(GroupKey(7), NodeId(0), 3)], vec![hold]);
        let owned = Owned { terms, holds, kept_by_order: vec![GroupKey(7)] };
        let deed = Deed::Ownership { settings: settings.clone(), owned };
        let told = do_deed(&state, deed, &mut 0, |_| Ok(()));
        assert!(matches!(told, Some(Told::OwnershipFailed(_))));
        assert_eq!(state.holds(&settings).unwrap().len(), 1);
        assert_eq!(state.kept_by_order().unwrap(), [GroupKey(7)]);
    }

    #[test]
    fn everything_is_written_in_its_order_before_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(folder.path()).unwrap().0;
        let journal = state.journal("web1", 1);
        let settings = settings();
        let mut writer = StateWriter::new(state.clone(), journal, None);
        writer.tend().unwrap();
        for term in 1..=100 {
            writer.note(Happening::Stop, Duration::ZERO);
            let terms = vec![(GroupKey(7), NodeId(0), term)];
            assert!(writer.store(&settings, Owned { terms, ..Owned::default() }));
        }
        drop(writer);
        assert_eq!(state.terms(&settings).unwrap(), [(GroupKey(7), NodeId(0), 100)]);
        let text = std::fs::read_to_string(folder.path().join("journal.jsonl")).unwrap();
        assert_eq!(text.lines().count(), 100);
    }

    #[test]
    fn a_generation_that_had_no_room_is_stored_when_there_is_some() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(folder.path()).unwrap().0;
        let (file, obstacle) =
            (folder.path().join("hb_generation"), folder.path().join("hb_generation.new"));
        std::fs::create_dir(&obstacle).unwrap();
        let journal = state.journal("web1", 1500);
        let mut writer = StateWriter::new(state, journal, Some(1500));
        writer.tend().unwrap();
        writer.tick();
        assert!(!file.exists());
        std::fs::remove_dir(&obstacle).unwrap();
        let until = std::time::Instant::now() + Duration::from_secs(20);
        let mut told = Vec::new();
        while told.is_empty() && std::time::Instant::now() < until {
            writer.tick();
            std::thread::yield_now();
            told.extend(writer.told());
        }
        assert!(matches!(told[..], [Told::GenerationStored]), "{told:?}");
        assert_eq!(std::fs::read_to_string(&file).unwrap().trim(), "1500");
        std::fs::remove_file(&file).unwrap();
        writer.tick();
        drop(writer);
        assert!(!file.exists(), "it is not stored a second time");
    }
}
