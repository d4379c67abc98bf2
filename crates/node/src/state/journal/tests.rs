use super::*;
use crate::state::State;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use systole_core::{
    Action, Group, GroupKey, Obstacle, Outcome, Phase, Proof, Refusal, Resource, ResourceKind, Step,
};
use systole_ipc::journal::{Entry, read};

const DOCUMENT: &str = include_str!("../../../../../docs/journal.md");
const NOW: Duration = Duration::ZERO;

fn settings() -> Settings {
    let kind = ResourceKind::Agent { name: "nginx".into(), arguments: Vec::new() };
    Settings {
        links: vec!["eth0".into()],
        ping_nodes: vec!["gateway".into()],
        groups: vec![Group {
            key: GroupKey(7),
            preferred: NodeId(0),
            resources: vec![Resource { word: "nginx".into(), kind }],
            is_retired: false,
        }],
        ..Settings::new(NodeId(1), ["web1", "web2"])
    }
}

/// Every cause. The match fails to compile when there is another one.
fn causes() -> Vec<Cause> {
    let (giver, taker) = (NodeId(0), NodeId(1));
    let dead = |proof| Cause::OwnerDead { owner: giver, silence: NOW, proof };
    let all = vec![
        Cause::Unowned,
        dead(Proof::Silence),
        dead(Proof::Fenced),
        dead(Proof::Confirmed),
        Cause::OwnerLeft(giver),
        Cause::OwnerUnheard(giver),
        Cause::OwnerFailed(giver),
        Cause::OwnerInDoubt(giver),
        Cause::ExecutorLost,
        Cause::HandOver { giver, taker },
        Cause::Listed,
        Cause::Adopted,
        Cause::Unsure,
        Cause::Claimed(giver),
        Cause::Outranked(giver),
        Cause::Reclaimed(giver),
        Cause::Stopping,
        Cause::StartFailed,
        Cause::CheckFailed,
        Cause::LetGo,
        Cause::StopFailed,
        Cause::Retry,
        Cause::Reload,
    ];
    for cause in &all {
        match cause {
            Cause::Unowned
            | Cause::OwnerDead { owner: _, silence: _, proof: _ }
            | Cause::OwnerLeft(_)
            | Cause::OwnerUnheard(_)
            | Cause::OwnerFailed(_)
            | Cause::OwnerInDoubt(_)
            | Cause::ExecutorLost
            | Cause::HandOver { giver: _, taker: _ }
            | Cause::Listed
            | Cause::Adopted
            | Cause::Unsure
            | Cause::Claimed(_)
            | Cause::Outranked(_)
            | Cause::Reclaimed(_)
            | Cause::Stopping
            | Cause::StartFailed
            | Cause::CheckFailed
            | Cause::LetGo
            | Cause::StopFailed
            | Cause::Retry
            | Cause::Reload => {}
        }
    }
    all
}

#[test]
fn every_cause_has_documented_word_and_distinct_evidence() {
    let settings = settings();
    let (mut words, mut proofs) = (BTreeSet::new(), BTreeSet::new());
    for cause in causes() {
        let (owner, phase) = (NodeId(1), Phase::Starting);
        let event = Event::Ownership { group: GroupId(0), owner, term: 1, phase, cause };
        let Some(JournalEvent::Ownership { cause: word, evidence, .. }) =
            of_event(&settings, &event)
        else {
            panic!("{cause:?} is kept")
        };
        assert!(DOCUMENT.contains(&format!("`{word}`")), "{word}");
        words.insert(word.into_owned());
        assert!(!evidence.is_empty() && proofs.insert(evidence), "{cause:?}");
    }
    // One of the causes has three proofs.
    assert_eq!((words.len(), proofs.len()), (21, 23));
}

#[test]
fn documented_journal_lines_round_trip_to_the_letter() {
    let mut events = BTreeSet::new();
    let lines = DOCUMENT.lines().filter(|line| line.starts_with('{'));
    for (number, line) in (1..).zip(lines) {
        let entry: Entry = serde_json::from_str(line).expect(line);
        assert_eq!(serde_json::to_string(&entry).unwrap(), line);
        assert_eq!(entry.number, number);
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        for field in value.as_object().unwrap().keys() {
            assert!(DOCUMENT.contains(&format!("`{field}`")), "{field} is in no table");
        }
        events.insert(value["event"].as_str().unwrap().to_owned());
    }
    let rows = DOCUMENT.split("## Events").nth(1).unwrap().split("| word of |").next().unwrap();
    let rows = rows.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    assert_eq!(events, rows.map(str::to_owned).collect());
}

#[test]
fn obstacle_is_documented_unless_hidden() {
    let is_hidden = |word: &str| matches!(word, "busy" | "owned" | "handed_over" | "retired");
    for obstacle in Obstacle::ALL {
        let word = serde_json::to_value(obstacle).unwrap();
        let word = word.as_str().unwrap();
        assert_eq!(DOCUMENT.contains(&format!("\n| `{word}` |")), !is_hidden(word), "{word}");
    }
}

#[test]
fn journal_lines_of_earlier_version_are_read() {
    for line in [
        r#"{"time":"2026-11-24T10:00:00Z","event":"death","node":"web1","evidence":"silence"}"#,
        r#"{"time":"2026-11-24T10:00:00Z","event":"order","order":"stop","uid":0,"pid":7}"#,
        r#"{"time":"2026-11-24T10:00:00Z","event":"answer","order":"stop","refused":null}"#,
    ] {
        let entry: Entry = serde_json::from_str(line).expect(line);
        assert_eq!((entry.from.as_str(), entry.run, entry.number), ("", 0, 0));
    }
}

#[test]
fn journal_entries_name_node_and_run_and_are_numbered() {
    let directory = tempfile::tempdir().unwrap();
    let state = State::open(directory.path()).unwrap().0;
    for run in [7, 9] {
        let mut journal = state.journal("web2", run);
        journal.write(JournalEvent::Stop, NOW).unwrap();
        journal.write(JournalEvent::Stop, Duration::from_secs(3)).unwrap();
    }
    let entries = read(directory.path()).unwrap().entries;
    let heads = entries.iter().map(|entry| (entry.from.as_str(), entry.run, entry.number));
    let expected = [("web2", 7, 1), ("web2", 7, 2), ("web2", 9, 1), ("web2", 9, 2)];
    assert_eq!(heads.collect::<Vec<_>>(), expected);
    let [first, second] = [0, 1].map(|at| entries[at].time.parse::<jiff::Timestamp>().unwrap());
    assert!(first.duration_since(second) > jiff::SignedDuration::from_secs(2), "it was earlier");
}

#[test]
fn journal_entry_times_never_go_backwards_within_turn() {
    let directory = tempfile::tempdir().unwrap();
    let mut journal = State::open(directory.path()).unwrap().0.journal("web2", 7);
    for age in [NOW, Duration::from_millis(1), Duration::from_micros(1)] {
        journal.write(JournalEvent::Stop, age).unwrap();
    }
    let entries = read(directory.path()).unwrap().entries;
    let times: Vec<_> = entries.iter().map(|entry| entry.time.parse::<jiff::Timestamp>()).collect();
    assert!(times.is_sorted_by_key(|time| time.as_ref().ok()), "{times:?}");
}

#[test]
fn repeated_refusal_is_journaled_once_until_ownership_changes() {
    let directory = tempfile::tempdir().unwrap();
    let mut journal = State::open(directory.path()).unwrap().0.journal("web2", 7);
    let refusal =
        JournalEvent::Refusal { node: "web1".into(), step: Step::Me, refused: Refusal::Busy };
    for _ in 0..100 {
        journal.write(refusal.clone(), NOW).unwrap();
        journal.write(JournalEvent::Denied { uid: 5, pid: 6, user: None }, NOW).unwrap();
    }
    let (group, resource) = ("nginx".to_owned(), "nginx".to_owned());
    let stop = JournalEvent::StopFailure { group, resource, measure: "block".into() };
    journal.write(stop.clone(), NOW).unwrap();
    journal.write(stop, NOW).unwrap();
    let cause = Cause::Unowned;
    let (owner, phase) = (NodeId(1), Phase::Active);
    let event = Event::Ownership { group: GroupId(0), owner, term: 1, phase, cause };
    journal.write(of_event(&settings(), &event).unwrap(), NOW).unwrap();
    journal.write(refusal, NOW).unwrap();
    let numbers = read(directory.path()).unwrap().entries;
    let numbers: Vec<u64> = numbers.iter().map(|entry| entry.number).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6]);
}

#[test]
fn full_disk_loses_journal_entries_and_leaves_gap_in_numbers() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal.jsonl");
    let mut journal = State::open(directory.path()).unwrap().0.journal("web2", 7);
    journal.write(JournalEvent::Stop, NOW).unwrap();
    // A line that was cut off when the disk was full is ended before the next entry.
    let whole = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    symlink("/dev/full", &path).unwrap();
    let mut journal = State::open(directory.path()).unwrap().0.journal("web2", 8);
    for _ in 1..4 {
        assert!(journal.write(JournalEvent::Stop, NOW).is_err());
    }
    fs::remove_file(&path).unwrap();
    fs::write(&path, [&whole[..], &whole[..20]].concat()).unwrap();
    journal.write(JournalEvent::Stop, NOW).unwrap();
    let reading = read(directory.path()).unwrap();
    let numbers: Vec<u64> = reading.entries.iter().map(|entry| entry.number).collect();
    assert_eq!((numbers, reading.unreadable), (vec![1, 4], 1));
}

#[test]
fn journal_garbage_is_counted_and_directory_in_its_place_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal.jsonl");
    let nested = "[".repeat(100_000);
    let garbage = ["\0\u{1}\n{}\n".as_bytes(), &[0xff; 5000], b"\n", nested.as_bytes()].concat();
    fs::write(&path, garbage).unwrap();
    let mut journal = State::open(directory.path()).unwrap().0.journal("web2", 7);
    journal.write(JournalEvent::Stop, NOW).unwrap();
    let reading = read(directory.path()).unwrap();
    assert_eq!((reading.entries.len(), reading.unreadable), (1, 4));
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let mut journal = State::open(directory.path()).unwrap().0.journal("web2", 8);
    assert!(journal.write(JournalEvent::Stop, NOW).is_err());
    assert!(read(directory.path()).is_err());
}

#[test]
fn peer_failure_is_journaled_with_its_words() {
    let words = systole_core::Words::new("port 80 is taken\n");
    let (node, group, outcome) = (NodeId(0), GroupId(0), Outcome::Failed(7));
    let failure = Failure { action: Action::Start, resource: 0, outcome, words };
    let event = Event::PeerFailed { node, group, failure };
    let kept = of_event(&settings(), &event);
    let right = JournalEvent::Failure {
        group: "nginx".into(),
        node: "web1".into(),
        action: Action::Start,
        resource: "nginx".into(),
        outcome: "port 80 is taken (exit code 7)".into(),
    };
    assert_eq!(kept, Some(right));
}
