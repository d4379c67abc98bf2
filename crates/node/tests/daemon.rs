//! A real daemon, alone in a network of its own, with directories of its own.

#![expect(clippy::unwrap_used, reason = "what fails in a helper of a test fails the test")]

#[path = "daemon/away.rs"]
mod away;
#[path = "daemon/control_socket.rs"]
mod control_socket;
#[path = "daemon/dead.rs"]
mod dead;
#[path = "daemon/environment.rs"]
mod environment;
#[path = "daemon/executor.rs"]
mod executor;
#[path = "daemon/fencing.rs"]
mod fencing;
#[path = "daemon/hanging.rs"]
mod hanging;
#[path = "daemon/hooks.rs"]
mod hooks;
#[path = "daemon/hostile.rs"]
mod hostile;
#[path = "daemon/journal.rs"]
mod journal;
#[path = "daemon/ocf.rs"]
mod ocf;
#[path = "daemon/reload.rs"]
mod reload;
#[path = "daemon/restart.rs"]
mod restart;
#[path = "daemon/room.rs"]
mod room;
#[path = "daemon/stop.rs"]
mod stop;
#[path = "daemon/storage.rs"]
mod storage;
#[path = "daemon/strangers.rs"]
mod strangers;
#[path = "daemon/twice.rs"]
mod twice;
#[path = "daemon/watchdog.rs"]
mod watchdog;

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::UdpSocket;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};
use systole_core::{Message, NodeStatus, Outgoing, Time, Uuid};
use systole_wire::{Encoder, Form, Identity, Keys, Method, Style};

/// Longest wait for anything. A loaded machine needs a second.
const PATIENCE: Duration = Duration::from_secs(20);
/// Time between two checks.
const LOOK_EVERY: Duration = Duration::from_millis(10);

const HA_CF: &str = "keepalive 50ms\ndeadtime 600ms\nwarntime 400ms\ninitdead 600ms\n\
                     realtime off\nauto_failback on\nucast lo 127.0.0.9\nnode %NAME% other\n";

/// Puts the calling thread, and thus every program that it starts, into a network of its own.
fn enter_network() {
    systole_sys::namespace::make_network().unwrap();
    let up = Command::new("ip").args(["link", "set", "lo", "up"]).status().unwrap();
    assert!(up.success());
}

/// The directories of a daemon. When this is dropped, what still runs is killed.
struct Node {
    folder: tempfile::TempDir,
    /// Variables that the daemon is started with, in addition to the test's own.
    environment: Vec<(String, String)>,
    /// The program that is executed.
    program: PathBuf,
}

impl Node {
    fn new() -> Self {
        enter_network();
        let program = env!("CARGO_BIN_EXE_heartbeat").into();
        let folder = tempfile::tempdir().unwrap();
        let node = Self { folder, environment: Vec::new(), program };
        for folder in ["config", "state", "run"] {
            fs::create_dir(node.path(folder)).unwrap();
        }
        let name = systole_sys::identity::node_name().to_lowercase();
        let log = node.path("log");
        let ha_cf = format!("logfile {}\n{HA_CF}", log.display()).replace("%NAME%", &name);
        node.write("config/ha.cf", &ha_cf);
        node.write("config/haresources", &format!("{name} 127.8.8.8/32/lo\n"));
        node.write("config/authkeys", "auth 1\n1 sha1 secret\n");
        let keys = fs::Permissions::from_mode(0o600);
        fs::set_permissions(node.path("config/authkeys"), keys).unwrap();
        node
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn call(&self, options: &[&str]) -> Output {
        self.command(options).output().unwrap()
    }

    fn command(&self, options: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        for (option, folder) in
            [("--config-dir", "config"), ("--state-dir", "state"), ("--run-dir", "run")]
        {
            command.arg(option).arg(self.path(folder));
        }
        let environment = self.environment.iter().map(|(name, value)| (name, value));
        command.args(options).envs(environment).stdin(Stdio::null());
        command
    }

    fn code(&self, options: &[&str]) -> i32 {
        self.call(options).status.code().unwrap()
    }

    /// Starts the daemon and waits until it answers.
    fn start(&self) {
        let output = self.call(&[]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        self.wait_for("an answer", || self.status().is_some());
    }

    fn pid(&self) -> Option<i32> {
        fs::read_to_string(self.path("run/heartbeat.pid")).ok()?.trim().parse().ok()
    }

    fn status(&self) -> Option<serde_json::Value> {
        self.ask(r#"{"request":"status"}"#)
    }

    fn ask(&self, request: &str) -> Option<serde_json::Value> {
        let mut stream = UnixStream::connect(self.path("run/heartbeat/control.sock")).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        writeln!(stream, "{request}").ok()?;
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).ok()?;
        serde_json::from_str(&line).ok()
    }

    /// Returns the phase of the only group.
    fn phase(&self) -> Option<String> {
        let status = self.status()?;
        Some(status["groups"][0]["phase"].as_str()?.to_owned())
    }

    fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    fn wait_for(&self, what: &str, mut condition: impl FnMut() -> bool) {
        let limit = Instant::now() + PATIENCE;
        while !condition() {
            assert!(Instant::now() < limit, "{what} did not happen; log:\n{}", self.log());
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// Returns the helper processes of this daemon, found by its directory.
    fn processes(&self) -> Vec<i32> {
        let folder = self.folder.path().to_string_lossy().into_owned();
        let entries = fs::read_dir("/proc").unwrap().flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
        pids.filter(|pid| {
            let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&words).contains(&folder)
        })
        .collect()
    }

    fn executor(&self) -> Option<i32> {
        self.processes().into_iter().find(|pid| {
            let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&words).contains("executor")
        })
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        for pid in self.processes() {
            let _ = systole_sys::process::kill(pid, systole_sys::signals::Signal::Kill);
        }
    }
}

fn has_address() -> bool {
    let output = Command::new("ip").args(["address", "show", "dev", "lo"]).output().unwrap();
    String::from_utf8_lossy(&output.stdout).contains("127.8.8.8")
}

#[test]
fn daemon_starts_runs_its_group_and_stops() {
    let node = Node::new();
    assert_eq!(node.code(&["-s"]), 3);
    let idle = node.call(&["-k"]);
    assert_eq!(idle.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&idle.stderr), "INFO: Heartbeat already stopped.\n");
    node.start();
    node.wait_for("the group", || node.phase().as_deref() == Some("active"));
    assert!(has_address());
    let running = node.call(&["-s"]);
    assert_eq!(running.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&running.stdout).starts_with("heartbeat OK [pid "));
    let again = node.call(&[]);
    assert_eq!(again.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&again.stderr).contains("already running"));
    assert_eq!(node.code(&["-R"]), 1);
    assert_eq!(node.code(&["-k"]), 0);
    assert!(!has_address());
    assert_eq!(node.code(&["-s"]), 3);
    assert!(node.log().contains("Heartbeat shutdown complete."), "{}", node.log());
    assert!(!node.path("run/heartbeat/control.sock").exists());
    node.wait_for("the executor's end", || node.processes().is_empty());
}

#[test]
fn daemon_with_bad_files_is_refused_with_findings() {
    let node = Node::new();
    node.write("config/ha.cf", "deadtim 10\n// comment\n");
    let refused = node.call(&[]);
    assert_eq!(refused.status.code(), Some(6));
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("did you mean `deadtime`"), "{said}");
    assert!(said.contains("ERROR: Configuration error, heartbeat not started."), "{said}");
    assert_eq!(node.pid(), None);
    assert_eq!(node.code(&["-x"]), 2);
    assert_eq!(node.code(&["-R"]), 6);
}

#[test]
fn flood_of_bad_datagrams_changes_no_group_and_has_bounded_lines() {
    let node = Node::new();
    node.start();
    node.wait_for("the group", || node.phase().as_deref() == Some("active"));
    let before = node.status().unwrap();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let until = Instant::now() + Duration::from_secs(3);
    let mut sent = 0_u32;
    while Instant::now() < until {
        let text = format!("###\n14:(0)t=status,{sent}:%%%\n33:1 0123456789abcdef,");
        socket.send_to(text.as_bytes(), "127.0.0.1:694").unwrap();
        sent += 1;
    }
    node.wait_for("a line about them", || node.log().contains("bad packet(s) dropped"));
    let after = node.status().unwrap();
    for field in ["owner", "term", "phase"] {
        assert_eq!(before["groups"][0][field], after["groups"][0][field]);
    }
    assert!(sent > 1000);
    let lines = node.log().lines().filter(|line| line.contains("bad packet(s)")).count();
    assert!(lines <= 10, "{lines} lines in 3 s");
    assert_eq!(node.code(&["-k"]), 0);
}

#[test]
fn killed_executor_is_replaced_and_group_is_kept() {
    let node = Node::new();
    node.start();
    node.wait_for("the group", || node.phase().as_deref() == Some("active"));
    let term = node.status().unwrap()["groups"][0]["term"].clone();
    let first = node.executor().unwrap();
    systole_sys::process::kill(first, systole_sys::signals::Signal::Kill).unwrap();
    node.wait_for("another executor", || {
        let status = node.status().unwrap();
        node.executor().is_some_and(|pid| pid != first) && status["executor"] == true
    });
    assert!(has_address());
    let group = node.status().unwrap()["groups"][0].clone();
    assert_eq!((&group["phase"], &group["term"]), (&"active".into(), &term));
    assert_eq!(node.code(&["-k"]), 0);
    assert!(!has_address());
}

#[test]
fn daemon_started_after_kill_runs_its_group_again() {
    let node = Node::new();
    node.start();
    node.wait_for("the group", || node.phase().as_deref() == Some("active"));
    let pid = node.pid().unwrap();
    systole_sys::process::kill(pid, systole_sys::signals::Signal::Kill).unwrap();
    let id = systole_sys::process::ProcessId::of(pid);
    node.wait_for("its end", || id.is_none_or(|id| !id.is_running()));
    node.start();
    node.wait_for("the group", || node.phase().as_deref() == Some("active"));
    assert!(has_address());
    assert_eq!(node.code(&["-k"]), 0);
}

#[test]
fn pid_file_naming_stranger_is_ignored_and_stranger_is_left_alone() {
    let node = Node::new();
    let mut stranger = Command::new("sleep").arg("600").stdin(Stdio::null()).spawn().unwrap();
    fs::create_dir_all(node.path("run")).unwrap();
    node.write("run/heartbeat.pid", &format!("{:>10}\n", stranger.id()));
    assert_eq!(node.code(&["-s"]), 1, "stopped, and a pid file is left behind");
    let idle = node.call(&["-k"]);
    assert_eq!(String::from_utf8_lossy(&idle.stderr), "INFO: Heartbeat already stopped.\n");
    node.start();
    assert!(node.pid().is_some_and(|pid| pid != stranger.id().cast_signed()));
    node.wait_for("the group", || node.phase().as_deref() == Some("active"));
    assert_eq!(node.code(&["-k"]), 0);
    assert!(stranger.try_wait().unwrap().is_none(), "nobody ends it");
    stranger.kill().unwrap();
    stranger.wait().unwrap();
}

#[test]
fn unreadable_state_files_allow_daemon_start_and_prevent_restart() {
    let node = Node::new();
    for name in ["terms", "peers", "holds", "kept", "retired"] {
        fs::create_dir_all(node.path(&format!("state/systole.{name}"))).unwrap();
    }
    fs::create_dir_all(node.path("state/hb_uuid")).unwrap();
    node.start();
    node.wait_for("the group", || node.phase().as_deref() == Some("active"));
    for name in ["systole.terms", "systole.retired", "hb_uuid"] {
        let line = |line: &str| line.contains("cannot read") && line.contains(name);
        assert!(node.log().lines().any(line), "{name}: {}", node.log());
    }
    let answer = node.ask(r#"{"request":"restart"}"#).unwrap().to_string();
    assert!(answer.contains("systole.terms") && answer.contains("repair or remove"), "{answer}");
    assert_eq!(node.phase().as_deref(), Some("active"));
    assert!(has_address());
    assert_eq!(node.code(&["-k"]), 0);
}

/// Returns a status of the other node, signed with the keys of the test's authkeys.
fn status_of_other(generation: u64, sequence: u64) -> Vec<u8> {
    let nodes = vec!["other".into()];
    let identity =
        Identity { name: "other".into(), uuid: Uuid([2; 16]), generation, ttl: 3, nodes };
    let keys = Keys::new(1, [(1, Method::Sha1, &b"secret"[..])]).unwrap();
    let status = Message::Status {
        status: NodeStatus::Up,
        deadtime: Duration::from_millis(300),
        flow_control: true,
    };
    let sequence = Some(sequence);
    let made = Time::START;
    let outgoing = Outgoing { message: status, dest: None, dest_uuid: None, sequence, made };
    let mut encoder = Encoder::new(identity, Style::default());
    encoder.encode(&outgoing, None, "n/a", 1, &keys, Form::Framed).unwrap().to_vec()
}

#[test]
fn peer_generation_is_remembered_over_restart_until_forgotten() {
    let node = Node::new();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let say = |generation, sequence| {
        socket.send_to(&status_of_other(generation, sequence), "127.0.0.1:694").unwrap();
    };
    let stored = || fs::read_to_string(node.path("state/systole.peers")).unwrap_or_default();
    node.start();
    node.wait_for("the record", || {
        say(1000, 5);
        stored() == "other 1000 0\n"
    });
    assert_eq!(node.code(&["-k"]), 0);
    assert_eq!(stored(), "other 1000 5\n", "the last word is the newest");
    node.start();
    let replay = "attempted replay attack [other]? [gen = 999, curgen = 1000]";
    node.wait_for("a line about the replay", || {
        say(999, 6);
        node.log().contains(replay)
    });
    for (name, response) in [("nobody", "failed"), ("other", "done")] {
        let order = format!(r#"{{"request":"order","order":{{"forget_peer":"{name}"}}}}"#);
        assert_eq!(node.ask(&order).unwrap()["response"], response, "{name}");
    }
    node.wait_for("an empty record", || stored().is_empty());
    node.wait_for("the lower generation", || {
        say(999, 6);
        stored() == "other 999 0\n"
    });
    assert_eq!(node.code(&["-k"]), 0);
    let journal = fs::read_to_string(node.path("state/journal.jsonl")).unwrap();
    assert!(journal.contains(r#""order":{"forget_peer":"other"},"uid":0"#), "{journal}");
}
