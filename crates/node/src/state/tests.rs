use super::*;
use std::time::Duration;
use systole_core::{
    Cause, Event, Group, GroupId, GroupSet, HandOverReason, Order, Phase, Refusal, Resource,
    ResourceKind, Unfinished, UnfinishedStage,
};
use systole_ipc::journal::JournalEvent;
use systole_ipc::order::DaemonOrder;

pub(crate) fn settings() -> Settings {
    let kind = ResourceKind::Agent { name: "nginx".into(), arguments: Vec::new() };
    let group = Group {
        key: GroupKey(7),
        preferred: NodeId(0),
        resources: vec![Resource { word: "nginx".into(), kind }],
        is_retired: false,
    };
    Settings {
        links: vec!["eth0".into()],
        groups: vec![group],
        ..Settings::new(NodeId(1), ["web1", "web2"])
    }
}

/// Returns a state directory, and the path of the file in the runtime directory.
fn places(directory: &tempfile::TempDir) -> (State, PathBuf) {
    let state = State::open(directory.path().join("made/here")).unwrap().0;
    (state, directory.path().join("generation"))
}

#[test]
fn generation_begins_with_clock_and_grows_at_every_start() {
    let directory = tempfile::tempdir().unwrap();
    let (state, copy) = places(&directory);
    let next = |method, time| state.next_generation(&copy, method, time);
    let first = next(GenerationMethod::File, 1000);
    assert_eq!((first.number, first.is_first), (1001, true));
    let path = directory.path().join("made/here/hb_generation");
    assert_eq!(fs::read(&path).unwrap(), b"           1001\n");
    let second = next(GenerationMethod::File, 5);
    assert_eq!((second.number, second.is_first), (1002, false), "the clock was set back");
    second.stored.unwrap();
    assert_eq!(next(GenerationMethod::File, 7000).number, 7000, "it may have started unstored");
    assert_eq!(next(GenerationMethod::Time, 9000).number, 9000);
    assert_eq!(next(GenerationMethod::Time, 9000).number, 9001, "same second");
    assert_eq!(next(GenerationMethod::Time, 8000).number, 9002, "set back");
    for garbage in ["", "abc\n", "-5\n", "0\n"] {
        fs::write(&path, garbage).unwrap();
        assert!(!next(GenerationMethod::File, 2).is_first, "the copy has it");
        fs::write(&path, garbage).unwrap();
        fs::remove_file(&copy).unwrap();
        let next = next(GenerationMethod::File, 20_000);
        assert_eq!((next.number, next.is_first), (20_001, true), "{garbage:?}");
        fs::write(&copy, "9002").unwrap();
    }
}

/// What happens at a start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Disk {
    Works,
    /// The disk accepts nothing.
    Full,
    /// The machine was rebooted: the copy, which is in memory, is lost.
    Rebooted,
    /// The file is lost.
    Lost,
    /// The disk is full at the start, and has space while the daemon runs.
    Emptied,
}

#[test]
fn generation_grows_despite_disk_failure_and_clock_set_back() {
    use Disk::{Emptied, Full, Lost, Rebooted, Works};
    // Each start is given with the seconds of its clock.
    let stories: [&[(Disk, u64)]; 8] = [
        &[(Works, 1000), (Full, 1500), (Works, 1502)],
        &[(Works, 1000), (Full, 1500), (Full, 1500), (Full, 1501), (Works, 1501)],
        &[(Works, 1000), (Full, 1500), (Rebooted, 1560)],
        &[(Full, 1000), (Full, 1000), (Rebooted, 1060), (Works, 1060)],
        &[(Works, 1000), (Full, 1500), (Works, 1400), (Full, 1300), (Works, 1200)],
        &[(Works, 1000), (Works, 1400), (Lost, 1390), (Lost, 1380), (Rebooted, 1500)],
        &[(Works, 1000), (Emptied, 1500), (Works, 1490), (Emptied, 1480), (Rebooted, 1470)],
        &[(Full, 1000), (Emptied, 990), (Rebooted, 980)],
    ];
    for method in [GenerationMethod::File, GenerationMethod::Time] {
        for story in stories {
            let directory = tempfile::tempdir().unwrap();
            let (state, copy) = places(&directory);
            let place = directory.path().join("made/here");
            let obstacle = place.join("hb_generation.new");
            let mut before = 0;
            for (disk, unix_time) in story {
                if matches!(disk, Full | Emptied) {
                    // A directory is in the place where the new file would be written.
                    fs::create_dir(&obstacle).unwrap();
                }
                if *disk == Lost {
                    fs::remove_file(place.join("hb_generation")).unwrap();
                }
                if *disk == Rebooted {
                    let _ = fs::remove_file(&copy);
                }
                let generation = state.next_generation(&copy, method, *unix_time);
                let Generation { number, stored, .. } = generation;
                assert!(number > before, "{method:?} {story:?}: {number} after {before}");
                before = number;
                let fails = matches!(disk, Full | Emptied);
                assert_eq!(matches!(stored, Err(StateError::Write { .. })), fails);
                if fails {
                    fs::remove_dir(&obstacle).unwrap();
                }
                if *disk == Emptied {
                    state.store_generation(number).unwrap();
                }
            }
        }
    }
}

#[test]
fn uuid_is_random_and_persistent() {
    let directory = tempfile::tempdir().unwrap();
    let state = State::open(directory.path()).unwrap().0;
    let (uuid, fresh) = state.uuid(UuidSource::File, "web1").unwrap();
    assert!(fresh);
    assert_eq!((uuid.0[6] >> 4, uuid.0[8] >> 6), (4, 2));
    assert_eq!(state.uuid(UuidSource::File, "web1").unwrap(), (uuid, false));
    assert_eq!(fs::read(directory.path().join("hb_uuid")).unwrap(), uuid.0);
    fs::write(directory.path().join("hb_uuid"), "short").unwrap();
    assert!(state.uuid(UuidSource::File, "web1").unwrap().1);
}

#[test]
fn uuid_of_node_name_equals_uuid_of_heartbeat() {
    let directory = tempfile::tempdir().unwrap();
    let state = State::open(directory.path()).unwrap().0;
    let uuid = |name| state.uuid(UuidSource::NodeName, name).unwrap().0.to_string();
    assert_eq!(uuid("beta"), "bf4514df-59e5-20af-3817-c93be31e6e01");
    assert_eq!(uuid("alpha"), "cc301fda-9190-a843-de51-a987ec340ccc");
}

#[test]
fn terms_are_recalled_as_stored() {
    let directory = tempfile::tempdir().unwrap();
    let state = State::open(directory.path()).unwrap().0;
    let settings = settings();
    assert_eq!(state.terms(&settings).unwrap(), []);
    let terms = [(GroupKey(0xdead_beef), NodeId(0), 17), (GroupKey(7), NodeId(1), u64::MAX)];
    state.store_terms(&settings, terms).unwrap();
    assert_eq!(state.terms(&settings).unwrap(), terms);
    let path = directory.path().join("systole.terms");
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text, "deadbeef web1 17\n00000007 web2 18446744073709551615\n");
    fs::write(&path, "junk\n00000007 web9 1\n00000007 web1 x\n00000007 web1 5 6\n7 web1 5\n")
        .unwrap();
    assert_eq!(state.terms(&settings).unwrap(), [(GroupKey(7), NodeId(0), 5)]);
    fs::write(&path, [0xff; 40]).unwrap();
    assert_eq!(state.terms(&settings).unwrap(), []);
}

#[test]
fn peers_are_recalled_as_stored() {
    let directory = tempfile::tempdir().unwrap();
    let state = State::open(directory.path()).unwrap().0;
    let settings = settings();
    assert_eq!(state.peers(&settings).unwrap(), []);
    let record = PeerRecord::of(NodeId(0), 1_795_345_895, u64::MAX);
    state.store_peer(&settings, PeerRecord { sequence: 5, ..record }).unwrap();
    state.store_peer(&settings, record).unwrap();
    assert_eq!(state.peers(&settings).unwrap(), [record]);
    let path = directory.path().join("systole.peers");
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text, "web1 1795345895 18446744073709551615\n");
    let junk = "junk\nweb9 1 1\nweb1 x 1\nweb1 5\nweb1 5 -1\nweb1 5 6 7\nweb1 5 6\n";
    fs::write(&path, junk).unwrap();
    assert_eq!(
        state.peers(&settings).unwrap(),
        [PeerRecord { generation: 5, sequence: 6, ..record }]
    );
    fs::write(&path, [0xff; 40]).unwrap();
    assert_eq!(state.peers(&settings).unwrap(), []);
    let unfinished = Unfinished {
        hold: GroupSet::Foreign,
        stage: UnfinishedStage::Promised,
        motive: HandOverReason::Home,
    };
    let gives = PeerRecord { unfinished: Some(unfinished), ..record };
    state.store_peer(&settings, gives).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text, "web1 1795345895 18446744073709551615 promised foreign failback\n");
    assert_eq!(state.peers(&settings).unwrap(), [gives]);
    let service = ["192.0.2.7", "2001:db8::7"].map(|text| text.parse().unwrap());
    let reachable = PeerRecord { service: service.into_iter().collect(), ..gives };
    state.store_peer(&settings, reachable).unwrap();
    assert_eq!(state.peers(&settings).unwrap(), [reachable]);
    state.store_peer(&settings, record).unwrap();
    assert_eq!(state.peers(&settings).unwrap(), [record]);
    state.store_peer(&settings, PeerRecord { generation: 0, ..record }).unwrap();
    assert_eq!(state.peers(&settings).unwrap(), [], "a forgotten one leaves no line");
}

#[test]
fn journal_names_cause_and_evidence() {
    let directory = tempfile::tempdir().unwrap();
    let mut journal = State::open(directory.path()).unwrap().0.journal("web2", 7);
    let settings = settings();
    let cause = Cause::OwnerDead {
        owner: NodeId(0),
        silence: Duration::from_millis(30_010),
        proof: systole_core::Proof::Silence,
    };
    let event = Event::Ownership {
        group: GroupId(0),
        owner: NodeId(1),
        term: 4,
        phase: Phase::Starting,
        cause,
    };
    let now = Duration::ZERO;
    journal.write(journal::of_event(&settings, &event).unwrap(), now).unwrap();
    let order = crate::order::with_names(Order::ForgetPeer(NodeId(0)), &settings);
    let user = Some("root".to_owned());
    let order = JournalEvent::Order { order, uid: 0, pid: 12, user, login: None, ticket: 4 };
    journal.write(order, now).unwrap();
    let refused = Some(Refusal::NoPeer.into());
    let answer =
        JournalEvent::Answer { order: DaemonOrder::Stop.into(), refused, failed: None, ticket: 4 };
    journal.write(answer, now).unwrap();
    let text = fs::read_to_string(directory.path().join("journal.jsonl")).unwrap();
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["event"], "ownership");
    assert_eq!(lines[0]["group"], "nginx");
    assert_eq!(lines[0]["owner"], "web2");
    assert_eq!(lines[0]["cause"], "owner_dead");
    assert_eq!(lines[0]["evidence"], "web1 was silent for 30010 ms");
    assert!(lines[0]["time"].as_str().unwrap().ends_with('Z'));
    assert_eq!(lines[1]["uid"], 0);
    assert_eq!(lines[1]["order"]["forget_peer"], "web1");
    assert_eq!(lines[2]["refused"], "no_peer");
    assert_eq!(journal::of_event(&settings, &Event::CommunicationUp), None);
}

#[test]
fn journal_keeps_one_old_file() {
    let directory = tempfile::tempdir().unwrap();
    let state = State::open(directory.path()).unwrap().0;
    for _ in 0..3 {
        // A new journal continues where the previous one stopped.
        let mut journal = state.journal("web2", 7).bounded(1000);
        for _ in 0..20 {
            journal.write(JournalEvent::Stop, Duration::ZERO).unwrap();
        }
    }
    let size = |name| fs::metadata(directory.path().join(name)).unwrap().len();
    assert!(size("journal.jsonl") <= 1000 && size("journal.jsonl.1") <= 1000);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2);
}

#[test]
fn state_files_of_another_user_are_removed_at_open() {
    use std::os::unix::fs::chown;
    const MALLORY: Option<u32> = Some(12_345);
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let names = ["hb_generation", "hb_uuid", "journal.jsonl", "journal.jsonl.1"];
    let ours = ["terms", "peers", "holds", "kept", "retired"].map(|it| format!("systole.{it}"));
    let files: Vec<_> = names.into_iter().map(str::to_owned).chain(ours).collect();
    let files = files.iter().flat_map(|name| [name.clone(), format!("{name}.new")]);
    let files: Vec<_> = files.map(|name| directory.path().join(name)).collect();
    for file in &files {
        fs::write(file, "lies").unwrap();
        chown(file, MALLORY, None).unwrap();
    }
    chown(directory.path(), MALLORY, None).unwrap();
    State::open(directory.path()).unwrap();
    for file in files {
        assert!(!file.exists(), "{}", file.display());
    }
}
