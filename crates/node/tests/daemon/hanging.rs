//! Reloads and restarts whose files or hosts cannot be read, because nothing answers.

use super::dead::{DeadStorage, own_mounts, silence_name_servers};
use super::{Node, PATIENCE, has_address};
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};
use systole_sys::process::{ProcessId, kill};
use systole_sys::signals::Signal;

const RELOAD: &str = r#"{"request":"reload"}"#;
const RESTART: &str = r#"{"request":"restart"}"#;

/// Waits until an order is refused because the daemon is reading, at this step.
fn await_step(node: &Node, request: &str, step: &str) {
    let text = format!("the files are being read already ({step})");
    node.wait_for(&text, || {
        let answer = node.ask(request).unwrap();
        assert_eq!(answer["reason"], "busy", "{answer}");
        answer["text"] == text.as_str()
    });
}

/// Kills the executor and waits for the next one. The address must be there all the time.
fn replace_executor(node: &Node) {
    let first = node.executor().unwrap();
    kill(first, Signal::Kill).unwrap();
    node.wait_for("another executor", || {
        assert!(has_address(), "{}", node.log());
        let status = node.status().unwrap();
        node.executor().is_some_and(|pid| pid != first) && status["executor"] == true
    });
}

/// Ends the daemon while it reads.
fn terminate(node: &Node) {
    let daemon = ProcessId::of(node.pid().unwrap()).unwrap();
    kill(daemon.pid, Signal::Terminate).unwrap();
    node.wait_for("the end", || !daemon.is_running());
    assert!(!has_address());
    assert!(node.log().contains("Heartbeat shutdown complete."), "{}", node.log());
}

#[test]
fn silent_name_server_delays_only_reload_and_restart() {
    let node = Node::new();
    own_mounts();
    let _silent = silence_name_servers(&node);
    node.start();
    node.wait_for("the group", || node.phase().as_deref() == Some("active"));
    let ha_cf = fs::read_to_string(node.path("config/ha.cf")).unwrap();
    node.write("config/ha.cf", &ha_cf.replace("127.0.0.9", "web2.invalid"));
    kill(node.pid().unwrap(), Signal::Hangup).unwrap();
    for request in [RELOAD, RESTART] {
        await_step(&node, request, "looking up web2.invalid");
    }
    replace_executor(&node);
    // An order that has nothing to do with the files is accepted.
    let answer = node.ask(r#"{"request":"order","order":{"standby":"all"}}"#).unwrap();
    assert_ne!(answer["reason"], "busy", "{answer}");
    kill(node.pid().unwrap(), Signal::Hangup).unwrap();
    node.wait_for("a word about the other signal", || {
        node.log().contains("Reload again afterwards")
    });
    terminate(&node);
}

#[test]
fn file_on_dead_storage_does_not_prevent_daemon_stop() {
    let node = Node::new();
    own_mounts();
    let place = node.path("dead");
    fs::create_dir(&place).unwrap();
    let _dead = DeadStorage::mount(&place);
    node.start();
    node.wait_for("the group", || node.phase().as_deref() == Some("active"));
    let file = node.path("config/haresources");
    fs::remove_file(&file).unwrap();
    symlink(place.join("haresources"), &file).unwrap();
    let mut waiting = UnixStream::connect(node.path("run/heartbeat/control.sock")).unwrap();
    waiting.set_read_timeout(Some(PATIENCE)).unwrap();
    writeln!(waiting, "{RESTART}").unwrap();
    await_step(&node, RELOAD, &format!("reading {}", file.display()));
    replace_executor(&node);
    terminate(&node);
    let mut answer = String::new();
    BufReader::new(waiting).read_line(&mut answer).unwrap();
    assert!(answer.contains("the daemon is being stopped"), "{answer}");
}

#[test]
fn reload_signal_during_hanging_read_is_obeyed_afterwards() {
    let node = Node::new();
    own_mounts();
    let place = node.path("dead");
    fs::create_dir(&place).unwrap();
    let dead = DeadStorage::mount(&place);
    node.start();
    node.wait_for("the group", || node.phase().as_deref() == Some("active"));
    let file = node.path("config/haresources");
    let line = fs::read_to_string(&file).unwrap();
    fs::remove_file(&file).unwrap();
    symlink(place.join("haresources"), &file).unwrap();
    for _ in 0..2 {
        kill(node.pid().unwrap(), Signal::Hangup).unwrap();
        await_step(&node, RESTART, &format!("reading {}", file.display()));
    }
    node.wait_for("a word", || node.log().contains("Reload again afterwards"));
    let limit = Instant::now() + Duration::from_secs(90);
    while !node.log().contains("the files could not be read in time") {
        assert!(Instant::now() < limit, "{}", node.log());
        std::thread::sleep(Duration::from_millis(100));
    }
    fs::remove_file(&file).unwrap();
    node.write("config/haresources", &line);
    drop(dead);
    node.wait_for("the other reload", || node.log().contains("Configuration unchanged."));
    terminate(&node);
}

#[test]
fn agent_on_dead_storage_does_not_prevent_daemon_stop() {
    let node = Node::new();
    own_mounts();
    let place = node.path("dead");
    fs::create_dir(&place).unwrap();
    let _dead = DeadStorage::mount(&place);
    node.start();
    node.wait_for("the group", || node.phase().as_deref() == Some("active"));
    let line = fs::read_to_string(node.path("config/haresources")).unwrap();
    fs::create_dir_all(node.path("config/resource.d")).unwrap();
    symlink(place.join("agent"), node.path("config/resource.d/agent")).unwrap();
    node.write("config/haresources", &format!("{} agent\n", line.trim_end()));
    kill(node.pid().unwrap(), Signal::Hangup).unwrap();
    await_step(&node, RESTART, "looking for the agent agent");
    replace_executor(&node);
    terminate(&node);
}

#[test]
fn stalled_control_thread_is_reported_and_address_is_kept() {
    let node = Node::new();
    own_mounts();
    node.start();
    node.wait_for("the group", || node.phase().as_deref() == Some("active"));
    // The name of the user who gives an order is read from this file.
    let dead = DeadStorage::mount(Path::new("/etc/passwd"));
    let mut waiting = UnixStream::connect(node.path("run/heartbeat/control.sock")).unwrap();
    waiting.set_read_timeout(Some(PATIENCE)).unwrap();
    writeln!(waiting, "{RELOAD}").unwrap();
    node.wait_for("a word about it", || {
        node.log().contains("CRIT: The control thread has been stalled")
    });
    assert!(has_address());
    drop(dead);
    let mut answer = String::new();
    BufReader::new(waiting).read_line(&mut answer).unwrap();
    assert!(answer.contains("reloaded"), "{answer}");
    node.wait_for("the end of it", || node.log().contains("WARN: The control thread continues"));
    terminate(&node);
}
