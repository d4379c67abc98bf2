//! `hb why`, where no daemon runs.

use std::fs;
use std::io;
use std::process::{Command, Output};

/// Returns what `hb why` says about a journal.
fn why(journal: &str, arguments: &[&str]) -> io::Result<Output> {
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("journal.jsonl"), journal)?;
    let mut hb = Command::new(env!("CARGO_BIN_EXE_hb"));
    hb.arg("--run-dir").arg(folder.path()).arg("--state-dir").arg(folder.path());
    hb.arg("why").args(arguments).output()
}

#[test]
fn why_counts_unreadable_journal_lines_with_and_without_readable_lines() {
    let readable = r#"{"time":"2026-11-27T17:03:30Z","from":"web1","run":1,"number":1,"event":"ownership","group":"nginx","owner":"web1","term":1,"phase":"active","cause":"unowned","evidence":"no other node has it"}"#;
    let counted = "hb: 2 lines of the journal cannot be read\n";
    let none = why("rubbish\n{\"time\":\n", &[]).expect("hb runs");
    let told = String::from_utf8_lossy(&none.stderr);
    assert!(told.starts_with(counted) && told.contains("mentions no group yet"), "{told}");
    assert_eq!((none.status.code(), none.stdout), (Some(1), Vec::new()));
    let some = why(&format!("rubbish\n{readable}\n{{\"time\":\n"), &[]).expect("hb runs");
    assert_eq!(String::from_utf8_lossy(&some.stderr), counted);
    assert!(String::from_utf8_lossy(&some.stdout).contains("nginx ran on web1"), "{some:?}");
    assert_eq!(some.status.code(), Some(0));
}

#[test]
fn why_finds_group_by_beginning_of_its_name_unless_it_is_ambiguous_or_an_address() {
    let entry = |group: &str| {
        format!(
            r#"{{"time":"2026-11-27T17:03:30Z","from":"web1","run":1,"number":1,"event":"ownership","group":"{group}","owner":"web1","term":1,"phase":"active","cause":"unowned","evidence":"no other node has it"}}"#
        )
    };
    let groups = ["OCF::Dummy::a", "OCF::Dummy::a (retired)", "OCF::Other", "10.0.0.10"];
    let journal = groups.map(entry).join("\n");
    for (word, found) in [
        ("OCF::Dummy", Some("OCF::Dummy::a ran on web1")),
        ("OCF", None),
        ("10.0.0.1", None),
        ("10.0.0.10", Some("10.0.0.10 ran on web1")),
    ] {
        let told = why(&journal, &[word]).expect("hb runs");
        let text = String::from_utf8_lossy(&told.stdout);
        assert_eq!(told.status.success(), found.is_some(), "{word}: {told:?}");
        assert!(found.is_none_or(|found| text.contains(found)), "{word}: {text}");
    }
}
