//! A log and a disk that accept nothing.

use super::*;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::process::Child;

/// The interval of the service manager's watchdog. Signs of life come twice as often.
const WATCHDOG: Duration = Duration::from_secs(1);

/// A daemon in the foreground, started as by systemd, whose log is a pipe that is not read.
struct Mute {
    child: Child,
    _reading: OwnedFd,
    writing: OwnedFd,
    manager: UnixDatagram,
}

impl Mute {
    fn start(node: &Node) -> Self {
        let manager = UnixDatagram::bind(node.path("notify")).unwrap();
        manager.set_read_timeout(Some(PATIENCE)).unwrap();
        let (reading, writing) = rustix::pipe::pipe().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_heartbeat"));
        for (option, folder) in
            [("--config-dir", "config"), ("--state-dir", "state"), ("--run-dir", "run")]
        {
            command.arg(option).arg(node.path(folder));
        }
        command
            .arg("-f")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(writing.try_clone().unwrap());
        command.env("NOTIFY_SOCKET", node.path("notify"));
        command.env("WATCHDOG_USEC", WATCHDOG.as_micros().to_string());
        Self { child: command.spawn().unwrap(), _reading: reading, writing, manager }
    }

    /// From now on, writing a line blocks forever.
    fn fill(&self) {
        // The flag belongs to the pipe, and so concerns the daemon too: it is set for no longer than
        // needed.
        rustix::io::ioctl_fionbio(&self.writing, true).unwrap();
        for size in [4096, 1] {
            while rustix::io::write(&self.writing, &[b' '; 4096][..size]).is_ok() {}
        }
        rustix::io::ioctl_fionbio(&self.writing, false).unwrap();
    }

    /// Waits for a message to the manager.
    fn await_word(&self, word: &str) {
        let mut buffer = [0; 256];
        loop {
            let length = self.manager.recv(&mut buffer).expect(word);
            if String::from_utf8_lossy(&buffer[..length]).contains(word) {
                return;
            }
        }
    }
}

#[test]
fn blocked_log_stops_neither_answers_nor_signs_of_life() {
    let node = Node::new();
    let ha_cf = fs::read_to_string(node.path("config/ha.cf")).unwrap();
    let without_log = ha_cf.lines().filter(|line| !line.starts_with("logfile"));
    node.write("config/ha.cf", &without_log.map(|line| format!("{line}\n")).collect::<String>());
    let mut mute = Mute::start(&node);
    mute.await_word("READY=1");
    mute.fill();
    node.wait_for("the group", || node.phase().as_deref() == Some("active"));
    for _ in 0..5 {
        mute.await_word("WATCHDOG=1");
    }
    assert!(has_address());
    assert_eq!(node.code(&["-k"]), 0);
    assert!(mute.child.wait().unwrap().success());
    assert!(!has_address());
}

#[test]
fn signs_of_life_continue_after_executor_is_replaced() {
    let node = Node::new();
    let mute = Mute::start(&node);
    node.wait_for("the group", || node.phase().as_deref() == Some("active"));
    let executor = node.executor().unwrap();
    systole_sys::process::kill(executor, systole_sys::signals::Signal::Stop).unwrap();
    node.wait_for("another one", || node.log().contains("The executor is running again."));
    // Messages that were already on the way come first.
    for _ in 0..5 {
        mute.await_word("WATCHDOG=1");
    }
    assert_eq!(node.code(&["-k"]), 0);
}

#[test]
fn fifo_as_log_file_is_refused_and_daemon_starts() {
    let node = Node::new();
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mkfifoat(rustix::fs::CWD, node.path("log"), mode).unwrap();
    let ha_cf = fs::read_to_string(node.path("config/ha.cf")).unwrap();
    let debugfile = format!("debugfile {}\n", node.path("debug").display());
    node.write("config/ha.cf", &(debugfile + &ha_cf));
    // Opening it would wait forever for a reader.
    let path = node.path("log");
    assert_eq!(node.call(&[]).status.code(), Some(0));
    let said = || fs::read_to_string(node.path("debug")).unwrap_or_default();
    let limit = Instant::now() + PATIENCE;
    while !said().contains("it is a FIFO") || node.status().is_none() {
        assert!(Instant::now() < limit, "{}", said());
        std::thread::sleep(LOOK_EVERY);
    }
    assert!(said().contains(&format!("Cannot open logfile {}: it is a FIFO", path.display())));
    // `log()` would read the file.
    fs::remove_file(&path).unwrap();
    assert_eq!(node.code(&["-k"]), 0);
}

#[test]
fn failure_of_background_start_is_logged() {
    let node = Node::new();
    fs::remove_dir(node.path("state")).unwrap();
    node.write("state", "no directory");
    assert_eq!(node.code(&[]), 0, "the parent has ended before");
    node.wait_for("the reason", || node.log().contains("Heartbeat ends: "));
}
