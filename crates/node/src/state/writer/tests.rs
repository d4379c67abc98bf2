//! The thread that writes, with disks that accept nothing for a while.

use super::*;
use crate::state::tests::settings;

#[test]
fn journal_failure_is_reported_once_and_lost_entries_when_resumed() {
    let folder = tempfile::tempdir().unwrap();
    let state = State::open(folder.path()).unwrap().0;
    let mut lost = 0;
    let mut append = |works: bool, before| {
        let deed = Deed::Append { line: b"{}\n".to_vec(), lost: before };
        let told = do_deed(&state, deed, (&mut lost, &mut Debts::default()), |_| {
            if works { Ok(()) } else { Err(io::ErrorKind::StorageFull.into()) }
        });
        told.into_iter().next()
    };
    assert!(append(true, 0).is_none());
    assert!(matches!(append(false, 0), Some(Told::JournalFailed(_))));
    assert!(append(false, 3).is_none());
    assert!(matches!(append(true, 1), Some(Told::JournalResumed { lost: 6 })));
    assert!(append(true, 0).is_none());
    assert!(matches!(append(true, 2), Some(Told::JournalResumed { lost: 2 })));
}

#[test]
fn terms_not_stored_do_not_prevent_storing_holds() {
    let folder = tempfile::tempdir().unwrap();
    let state = State::open(folder.path()).unwrap().0;
    std::fs::create_dir(folder.path().join("systole.terms")).unwrap();
    let settings = Arc::new(settings());
    let left = Duration::from_hours(1);
    let hold = HoldRecord { group: None, count: 7, by: NodeId(0), is_release: false, left };
    let (terms, holds) = (vec![(GroupKey(7), NodeId(0), 3)], vec![hold]);
    let owned = Owned { terms, holds, kept_by_order: vec![GroupKey(7)] };
    let deed = Deed::Ownership { settings: settings.clone(), owned };
    let mut debts = Debts::default();
    let mut told = do_deed(&state, deed, (&mut 0, &mut debts), |_| Ok(()));
    assert!(matches!(told.remove(0), Told::OwnershipFailed(_)));
    assert!(debts.ownership.is_some(), "it is owed");
    assert_eq!(state.holds(&settings).unwrap().len(), 1);
    assert_eq!(state.kept_by_order().unwrap(), [GroupKey(7)]);
}

#[test]
fn state_writer_finishes_queued_writes_before_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let state = State::open(folder.path()).unwrap().0;
    let journal = state.journal("web1", 1);
    let settings = Arc::new(settings());
    let mut writer = StateWriter::new(state.clone(), journal, None);
    writer.tend().unwrap();
    for term in 1..=100 {
        writer.note(JournalEvent::Stop, Duration::ZERO);
        let terms = vec![(GroupKey(7), NodeId(0), term)];
        assert!(writer.store(&settings, Owned { terms, ..Owned::default() }));
    }
    drop(writer);
    assert_eq!(state.terms(&settings).unwrap(), [(GroupKey(7), NodeId(0), 100)]);
    let text = std::fs::read_to_string(folder.path().join("journal.jsonl")).unwrap();
    assert_eq!(text.lines().count(), 100);
}

#[test]
fn state_without_room_on_disk_is_stored_later_in_latest_form() {
    let folder = tempfile::tempdir().unwrap();
    let state = State::open(folder.path()).unwrap().0;
    let obstacles = ["systole.terms.new", "systole.peers.new"].map(|it| folder.path().join(it));
    for obstacle in &obstacles {
        std::fs::create_dir(obstacle).unwrap();
    }
    let settings = Arc::new(settings());
    let mut writer = StateWriter::new(state.clone(), state.journal("web1", 1), None);
    writer.tend().unwrap();
    for term in 1..=2 {
        let terms = vec![(GroupKey(7), NodeId(0), term)];
        writer.store(&settings, Owned { terms, ..Owned::default() });
        let record = PeerRecord::of(NodeId(1), 9, term);
        writer.store_peer(&settings, record);
    }
    let mut told = Vec::new();
    let mut await_told = |writer: &mut StateWriter, count: usize| {
        let until = std::time::Instant::now() + Duration::from_secs(20);
        while told.len() < count && std::time::Instant::now() < until {
            writer.tick();
            std::thread::yield_now();
            told.extend(writer.told());
        }
        std::mem::take(&mut told)
    };
    let failed = await_told(&mut writer, 2);
    assert!(matches!(failed[..], [Told::OwnershipFailed(_), Told::PeerFailed(_)]), "{failed:?}");
    for obstacle in &obstacles {
        std::fs::remove_dir(obstacle).unwrap();
    }
    let stored = await_told(&mut writer, 2);
    let both = |told: &Told| matches!(told, Told::OwnershipStored | Told::PeerStored);
    assert!(stored.len() == 2 && stored.iter().all(both), "{stored:?}");
    // The second task of each kind may still wait for its turn.
    drop(writer);
    assert_eq!(state.terms(&settings).unwrap(), [(GroupKey(7), NodeId(0), 2)]);
    assert_eq!(state.peers(&settings).unwrap()[0].sequence, 2);
}

#[test]
fn state_without_room_in_queue_is_stored_later_in_latest_form() {
    let folder = tempfile::tempdir().unwrap();
    let state = State::open(folder.path()).unwrap().0;
    let settings = Arc::new(settings());
    // Nothing is taken from the queue before the thread is started.
    let mut writer = StateWriter::new(state.clone(), state.journal("web1", 1), None);
    let owned = |term| {
        let terms = vec![(GroupKey(7), NodeId(0), term)];
        Owned { terms, ..Owned::default() }
    };
    let mut term = 1;
    while writer.store(&settings, owned(term)) {
        term += 1;
    }
    assert!(!writer.store(&settings, owned(term + 1)));
    let record = PeerRecord::of(NodeId(1), 9, 3);
    assert!(!writer.store_peer(&settings, record));
    writer.tend().unwrap();
    let until = std::time::Instant::now() + Duration::from_secs(20);
    let is_stored = || {
        let terms = state.terms(&settings).unwrap();
        terms == [(GroupKey(7), NodeId(0), term + 1)] && state.peers(&settings).unwrap().len() == 1
    };
    while !is_stored() && std::time::Instant::now() < until {
        writer.tick();
        std::thread::yield_now();
    }
    assert!(is_stored());
}

#[test]
fn generation_without_room_on_disk_is_stored_later_once() {
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
