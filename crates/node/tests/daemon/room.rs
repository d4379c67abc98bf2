//! A machine with no room for a file, a socket or a program when a daemon starts.

use super::{Node, has_address};
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use systole_sys::process::{ProcessId, kill};
use systole_sys::signals::Signal;

/// What a daemon logs when it starts.
const STARTED: &str = "Configuration validated. Starting heartbeat 3.0.6";

fn run(program: &str, words: &[&str]) {
    assert!(Command::new(program).args(words).status().unwrap().success(), "{program} {words:?}");
}

/// Creates a node whose run directory is a small file system of its own.
fn on_a_small_disk() -> Node {
    let node = Node::new();
    systole_sys::namespace::make_mounts().unwrap();
    run("mount", &["--make-rprivate", "/"]);
    let folder = node.path("run");
    run("mount", &["-t", "tmpfs", "-o", "size=256k,mode=755", "tmpfs", folder.to_str().unwrap()]);
    node.start();
    node.wait_for("the group", || node.phase().as_deref() == Some("active"));
    node
}

fn fill(node: &Node) {
    let mut file = fs::File::create(node.path("run/filler")).unwrap();
    while file.write_all(&[b'x'; 4096]).is_ok() {}
    fs::write(node.path("run/one more"), "x").unwrap_err();
}

/// Waits until this number of daemons has started and the group runs. The address must be there all the
/// time.
fn await_start(node: &Node, number: usize) {
    node.wait_for("another daemon", || {
        assert!(has_address(), "{}", node.log());
        node.log().matches(STARTED).count() == number
    });
    node.wait_for("the group", || {
        assert!(has_address(), "{}", node.log());
        node.phase().as_deref() == Some("active")
    });
}

#[test]
fn restart_and_crash_with_full_run_directory_keep_executor() {
    let node = on_a_small_disk();
    let (daemon, executor) = (node.pid(), node.executor());
    fill(&node);
    assert_eq!(node.ask(r#"{"request":"restart"}"#).unwrap()["response"], "done");
    await_start(&node, 2);
    assert_eq!((node.pid(), node.executor()), (daemon, executor), "the processes of before");
    let crashed = ProcessId::of(daemon.unwrap()).unwrap();
    kill(crashed.pid, Signal::Kill).unwrap();
    node.wait_for("its end", || !crashed.is_running());
    node.start();
    await_start(&node, 3);
    assert!(node.pid().is_some_and(|pid| Some(pid) != daemon), "the pid file is the new one's");
    assert_eq!(node.executor(), executor);
    assert_eq!(node.code(&["-k"]), 0);
    assert!(!has_address());
}

#[test]
fn daemon_without_pid_file_and_socket_works_and_creates_both_later() {
    let node = Node::new();
    // Nothing can be created or removed under these names.
    let obstacles = ["run/heartbeat.pid.new", "run/heartbeat/control.sock"].map(|it| node.path(it));
    for obstacle in &obstacles {
        fs::create_dir_all(obstacle).unwrap();
    }
    assert_eq!(node.code(&[]), 0);
    node.wait_for("its work", has_address);
    for words in ["Cannot write the pid file: ", "Cannot open the control socket: "] {
        node.wait_for(words, || node.log().contains(words));
    }
    assert_eq!(node.pid(), None);
    fs::remove_dir(&obstacles[1]).unwrap();
    node.wait_for("an answer", || node.phase().as_deref() == Some("active"));
    // A daemon can have a successor even if no file names the daemon.
    assert_eq!(node.ask(r#"{"request":"restart"}"#).unwrap()["response"], "done");
    await_start(&node, 2);
    fs::remove_dir(&obstacles[0]).unwrap();
    node.wait_for("the pid file", || node.pid().is_some());
    assert_eq!(node.code(&["-k"]), 0);
    assert!(!has_address());
}

#[test]
fn restart_with_broken_program_executes_running_program_again() {
    let mut node = Node::new();
    let program = node.path("heartbeat");
    fs::copy(&node.program, &program).unwrap();
    node.program = program.clone();
    // The client ends only when it is told to, so that the daemon's program can be replaced between the
    // check of it and its execution.
    let told = node.path("told");
    let script = format!(
        "trap 'touch {told}; while [ -e {told} ]; do sleep 0.01; done; exit 0' TERM\n\
         touch {told}.up\nwhile :; do sleep 0.01; done\n",
        told = told.display()
    );
    node.write("client", &format!("#!/bin/sh\n{script}"));
    fs::set_permissions(node.path("client"), fs::Permissions::from_mode(0o755)).unwrap();
    let ha_cf = fs::read_to_string(node.path("config/ha.cf")).unwrap();
    let respawn = format!("respawn root {}\n", node.path("client").display());
    node.write("config/ha.cf", &(ha_cf + &respawn));
    node.start();
    node.wait_for("the group", || node.phase().as_deref() == Some("active"));
    node.wait_for("the client", || node.path("told.up").exists());
    assert_eq!(node.ask(r#"{"request":"restart"}"#).unwrap()["response"], "done");
    node.wait_for("the end of the client", || told.exists());
    fs::remove_file(&program).unwrap();
    fs::write(&program, "no program").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    fs::remove_file(&told).unwrap();
    await_start(&node, 2);
    assert!(node.log().contains("The running program is executed again."), "{}", node.log());
    node.program = env!("CARGO_BIN_EXE_heartbeat").into();
    assert_eq!(node.code(&["-k"]), 0);
    assert!(!has_address());
}
