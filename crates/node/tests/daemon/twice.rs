//! Daemons that are started at the same moment.

use super::dead::{own_mounts, run};
use super::{Node, has_address};
use std::fs;
use std::process::Stdio;
use systole_sys::daemonize::ProcessLock;
use systole_sys::process::{ProcessId, kill};
use systole_sys::signals::Signal;

/// Number of attempts.
const ROUNDS: usize = 5;
/// Number of daemons that are started at once.
const STARTS: usize = 4;

/// Returns the daemons of a node. Helper processes have a role.
fn daemons(node: &Node) -> Vec<i32> {
    let is_daemon = |pid: &i32| {
        let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        !String::from_utf8_lossy(&words).contains("--role")
    };
    node.processes().into_iter().filter(is_daemon).collect()
}

#[test]
fn daemons_started_at_once_leave_one_daemon_with_its_pid_file() {
    let node = Node::new();
    for round in 0..ROUNDS {
        let start = || node.command(&[]).stderr(Stdio::null()).spawn().unwrap();
        let started: Vec<_> = std::iter::repeat_with(start).take(STARTS).collect();
        for mut child in started {
            assert_eq!(child.wait().unwrap().code(), Some(0), "round {round}: {}", node.log());
        }
        node.wait_for("the group", || node.phase().as_deref() == Some("active"));
        node.wait_for("one daemon", || daemons(&node).len() == 1);
        assert_eq!(daemons(&node), [node.pid().expect("a pid file")], "round {round}");
        assert_eq!(node.code(&["-s"]), 0, "round {round}");
        assert_eq!(node.code(&["-k"]), 0);
        assert!(!has_address());
        node.wait_for("the end of all", || node.processes().is_empty());
    }
}

#[test]
fn daemon_lock_passes_to_successor_but_to_no_helper() {
    let node = Node::new();
    node.start();
    node.wait_for("the group", || node.phase().as_deref() == Some("active"));
    let lock = node.path("run/heartbeat/lock");
    let is_held = || ProcessLock::take(&lock).unwrap().is_none();
    assert!(is_held());
    let number = |text: &str| text.matches("Heartbeat generation: ").count();
    for restarts in 1..=2 {
        assert_eq!(node.ask(r#"{"request":"restart"}"#).unwrap()["response"], "done");
        node.wait_for("the successor", || {
            assert!(is_held(), "{}", node.log());
            number(&node.log()) == 1 + restarts
        });
        node.wait_for("an answer", || node.status().is_some());
    }
    let daemon = ProcessId::of(node.pid().unwrap()).unwrap();
    kill(daemon.pid, Signal::Kill).unwrap();
    node.wait_for("its end", || !daemon.is_running());
    assert!(node.executor().is_some());
    node.wait_for("the end of the lock", || !is_held());
    node.start();
    assert_eq!(node.code(&["-k"]), 0);
}

#[test]
fn second_daemon_is_refused_on_read_only_run_directory() {
    let node = Node::new();
    own_mounts();
    node.start();
    node.wait_for("the group", || node.phase().as_deref() == Some("active"));
    let first = ProcessId::of(node.pid().unwrap()).unwrap();
    kill(first.pid, Signal::Kill).unwrap();
    node.wait_for("its end", || !first.is_running());
    let place = node.path("run");
    let place = place.to_str().unwrap();
    run("mount", &["--bind", place, place]);
    run("mount", &["-o", "remount,bind,ro", place]);
    node.code(&[]);
    node.wait_for("a daemon", || daemons(&node).len() == 1);
    assert_ne!(node.code(&[]), 0, "{}", node.log());
    assert_eq!(daemons(&node).len(), 1, "{}", node.log());
}

#[test]
fn daemon_without_pid_file_is_found_and_stopped() {
    let node = Node::new();
    node.start();
    node.wait_for("the group", || node.phase().as_deref() == Some("active"));
    fs::remove_file(node.path("run/heartbeat.pid")).unwrap();
    assert_eq!(node.code(&["-s"]), 0, "{}", node.log());
    assert_eq!(node.code(&["-k"]), 0, "{}", node.log());
    assert!(!has_address());
    assert_eq!(daemons(&node), [0; 0], "{}", node.log());
    assert_eq!(node.code(&["-s"]), 3);
}

#[test]
fn daemon_without_pid_file_and_socket_is_not_reported_stopped() {
    let node = Node::new();
    node.start();
    node.wait_for("the group", || node.phase().as_deref() == Some("active"));
    // What is removed is created again, unless something else has taken its place.
    let other = node.path("run/heartbeat/other");
    for name in ["run/heartbeat.pid", "run/heartbeat/control.sock"] {
        fs::write(&other, "").unwrap();
        fs::rename(&other, node.path(name)).unwrap();
    }
    assert_eq!(node.code(&["-k"]), 1, "{}", node.log());
    assert_eq!(daemons(&node).len(), 1);
}
