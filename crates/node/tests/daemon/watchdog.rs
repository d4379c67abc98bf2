//! A file in place of the watchdog device.

use super::*;
use systole_sys::process::kill;
use systole_sys::signals::Signal;

impl Node {
    /// Adds a line for the stand-in, and creates the file.
    fn give_watchdog(&self) {
        self.write("watchdog", "");
        self.name_watchdog();
    }

    fn name_watchdog(&self) {
        let before = fs::read_to_string(self.path("config/ha.cf")).unwrap();
        let line = format!("watchdog {}\n", self.path("watchdog").display());
        self.write("config/ha.cf", &(before + &line));
    }

    /// Returns what was written to the file.
    fn watchdog(&self) -> String {
        fs::read_to_string(self.path("watchdog")).unwrap()
    }

    fn wait_until_kept(&self) {
        let before = self.watchdog().len();
        self.wait_for("two more writes to the watchdog", || self.watchdog().len() >= before + 2);
    }
}

#[test]
fn watchdog_is_kept_through_reload_and_released_at_stop() {
    let node = Node::new();
    node.give_watchdog();
    node.start();
    node.wait_until_kept();
    let ha_cf = fs::read_to_string(node.path("config/ha.cf")).unwrap();
    // This is a change that no running daemon can apply, so the daemon executes itself again.
    node.write("config/ha.cf", &format!("{ha_cf}debug 1\n"));
    assert_eq!(node.code(&["-r"]), 0);
    let opened = "Using watchdog device";
    node.wait_for("it is opened again", || node.log().matches(opened).count() == 2);
    node.wait_until_kept();
    assert!(!node.watchdog().contains('V'), "its clock has run all the time");
    assert_eq!(node.code(&["-k"]), 0);
    let written = node.watchdog();
    assert_eq!(written.find('V'), Some(written.len() - 1), "{written}");
}

#[test]
fn watchdog_is_not_fed_while_executor_is_stalled() {
    let node = Node::new();
    node.give_watchdog();
    node.start();
    node.wait_until_kept();
    // The executor is killed because it stands still. No other one can follow, because its directory is a
    // file.
    let folder = node.path("run/heartbeat/executor/executor.runs");
    fs::remove_dir_all(&folder).unwrap();
    fs::write(&folder, "").unwrap();
    kill(node.executor().unwrap(), Signal::Stop).unwrap();
    let before = node.watchdog().len();
    node.wait_for("a word about it", || {
        node.log().contains("is not being fed: the executor is stalled.")
    });
    // One write may have been in progress. Without the stop there would have been two or three.
    assert!(node.watchdog().len() <= before + 1, "{} {before}", node.watchdog());
    fs::remove_file(&folder).unwrap();
    node.wait_for("a word about the end", || node.log().contains("is being fed again."));
    node.wait_until_kept();
    // A crash releases nothing.
    kill(node.pid().unwrap(), Signal::Kill).unwrap();
    assert!(!node.watchdog().contains('V'));
}

#[test]
fn watchdog_removed_from_file_is_released() {
    let node = Node::new();
    let plain = fs::read_to_string(node.path("config/ha.cf")).unwrap();
    node.give_watchdog();
    node.start();
    node.wait_until_kept();
    node.write("config/ha.cf", &plain);
    assert_eq!(node.code(&["-r"]), 0);
    node.wait_for("its release", || node.watchdog().ends_with('V'));
    node.wait_for("an answer", || node.status().is_some());
    assert_eq!(node.watchdog().matches('V').count(), 1);
    assert_eq!(node.code(&["-k"]), 0);
}

#[test]
fn missing_watchdog_is_logged_as_error_and_daemon_runs() {
    let node = Node::new();
    node.name_watchdog();
    node.start();
    node.wait_for("the group", || node.phase().as_deref() == Some("active"));
    assert!(node.log().contains("ERROR: Cannot open watchdog device: "), "{}", node.log());
    assert_eq!(node.code(&["-k"]), 0);
}
