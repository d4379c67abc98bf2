//! Event scripts and the FIFO through restarts, a stop, and what others leave in their place.

use super::{LOOK_EVERY, Node};
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};
use systole_sys::process::kill;
use systole_sys::signals::Signal;

impl Node {
    /// Writes an event script.
    fn event_script(&self, name: &str, text: &str) {
        let path = self.path("config/rc.d");
        fs::create_dir_all(&path).unwrap();
        for folder in [self.path("config"), path.clone()] {
            fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
        }
        fs::write(path.join(name), format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(path.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn message(&self, fields: &str) {
        let path = self.path("state/fifo");
        let fifo = fs::OpenOptions::new().write(true).open(path).unwrap();
        std::io::Write::write_all(&mut &fifo, format!(">>>\n{fields}\n<<<\n").as_bytes()).unwrap();
    }

    /// Returns the states of the daemon's children (`proc_pid_stat(5)`).
    fn dead_children(&self) -> usize {
        let pid = self.pid().unwrap();
        let list = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
        let stat = |child: &str| fs::read_to_string(format!("/proc/{child}/stat"));
        let stats = list.split_whitespace().filter_map(|child| stat(child).ok());
        stats.filter(|stat| stat.contains(") Z ")).count()
    }
}

#[test]
fn fifo_and_scripts_work_after_restart_and_reload() {
    let node = Node::new();
    let out = node.path("out");
    node.event_script("note", &format!("echo $HA_text $HA_color >>{}", out.display()));
    node.start();
    node.wait_for("the group", || node.phase().as_deref() == Some("active"));
    let is_written = |text: &str| fs::read_to_string(&out).is_ok_and(|told| told == text);
    node.message("t=note\ntext=first");
    node.wait_for("the script", || is_written("first\n"));

    assert_eq!(node.ask(r#"{"request":"restart"}"#).unwrap()["response"], "done");
    let restarted = || node.log().matches("Heartbeat generation:").count() == 2;
    node.wait_for("the restart", restarted);
    node.wait_for("the group", || node.phase().as_deref() == Some("active"));
    node.message("t=note\ntext=second");
    node.wait_for("the script", || is_written("first\nsecond\n"));
    assert_eq!(node.dead_children(), 0, "the process of the scripts has ended unseen");

    let ha_cf = fs::read_to_string(node.path("config/ha.cf")).unwrap();
    node.write("config/ha.cf", &(ha_cf + "env color=blue\n"));
    let reloaded = node.ask(r#"{"request":"reload","empty":false}"#).unwrap();
    assert_eq!(reloaded["response"], "reloaded", "{reloaded}");
    node.wait_for("the other environment", || {
        node.message("t=note\ntext=third");
        sleep(LOOK_EVERY);
        fs::read_to_string(&out).unwrap().contains("third blue")
    });
    assert!(node.log().contains("Running "), "{}", node.log());
}

#[test]
fn order_in_fifo_is_refused_without_other_node_and_fifo_is_gone_after_stop() {
    let node = Node::new();
    node.start();
    node.wait_for("the group", || node.phase().as_deref() == Some("active"));
    node.message("t=ask_resources\nrsc_hold=all\ninfo=me");
    let refused = "fifo refused: standby [all]: ";
    node.wait_for("the refusal", || node.log().contains(refused));
    node.message("t=status\nst=dead\nsrc=other");
    let told = "fifo refused: status: only daemons send messages of this type";
    node.wait_for("the other refusal", || node.log().contains(told));
    assert_eq!(node.phase().as_deref(), Some("active"));
    assert_eq!(node.code(&["-k"]), 0);
    assert!(!node.path("state/fifo").exists());

    // A script that finds no FIFO makes a file. The order in it is an old one.
    fs::write(node.path("state/fifo"), ">>>\nt=note\n<<<\n").unwrap();
    node.start();
    node.wait_for("the group", || node.phase().as_deref() == Some("active"));
    assert!(node.log().contains("no daemon read what a script wrote there"), "{}", node.log());
    node.message("t=status");
}

#[test]
fn fifo_is_gone_before_stop_waits_for_program_that_does_not_end() {
    let node = Node::new();
    let (up, end) = (node.path("up"), node.path("end"));
    let script = "#!/bin/sh\ntrap '' TERM\ntouch UP\nuntil test -e END; do sleep 0.05; done\n";
    let script = script.replace("UP", up.to_str().unwrap()).replace("END", end.to_str().unwrap());
    node.write("client", &script);
    fs::set_permissions(node.path("client"), fs::Permissions::from_mode(0o755)).unwrap();
    let ha_cf = fs::read_to_string(node.path("config/ha.cf")).unwrap();
    let respawn = format!("respawn root {}\n", node.path("client").display());
    node.write("config/ha.cf", &(ha_cf + &respawn));
    node.start();
    node.wait_for("the group", || node.phase().as_deref() == Some("active"));
    node.wait_for("the program", || up.exists());
    let pid = node.pid().unwrap();
    kill(pid, Signal::Terminate).unwrap();
    node.wait_for("the removal", || !node.path("state/fifo").exists());
    assert!(Path::new(&format!("/proc/{pid}/exe")).exists(), "it waits for the program");
    fs::write(&end, "").unwrap();
    node.wait_for("the end", || node.pid().is_none());
}

#[test]
fn link_in_place_of_fifo_is_not_followed_and_daemon_works() {
    let node = Node::new();
    fs::write(node.path("victim"), "untouched").unwrap();
    symlink(node.path("victim"), node.path("state/fifo")).unwrap();
    node.start();
    node.wait_for("the group", || node.phase().as_deref() == Some("active"));
    let told = "fifo: it is not a FIFO; remove it";
    node.wait_for("the line about it", || node.log().contains(told));
    assert_eq!(node.code(&["-k"]), 0);
    assert_eq!(fs::read_to_string(node.path("victim")).unwrap(), "untouched");
    assert!(node.path("state/fifo").is_symlink(), "what root put there stays");
}

#[test]
fn running_script_does_not_delay_stop() {
    let node = Node::new();
    let up = node.path("up");
    node.event_script("note", &format!("echo $$ >{}; exec sleep 1000", up.display()));
    node.start();
    node.wait_for("the group", || node.phase().as_deref() == Some("active"));
    node.message("t=note");
    node.wait_for("the script", || fs::read_to_string(&up).is_ok_and(|pid| pid.ends_with('\n')));
    let since = Instant::now();
    assert_eq!(node.code(&["-k"]), 0);
    assert!(since.elapsed() < Duration::from_secs(10), "{:?}", since.elapsed());
    let pid: i32 = fs::read_to_string(&up).unwrap().trim().parse().unwrap();
    kill(pid, Signal::Kill).expect("it may finish");
}
