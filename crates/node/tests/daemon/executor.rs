//! What happens to the executor and its addresses while the daemon works.

use super::{Node, has_address};
use std::fs;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::time::{Duration, Instant};
use systole_sys::process::{ProcessId, kill};
use systole_sys::signals::Signal;

#[test]
fn stalled_executor_is_replaced_before_its_address_expires() {
    let node = Node::new();
    node.start();
    node.wait_for("the group", || node.phase().as_deref() == Some("active"));
    let term = node.status().unwrap()["groups"][0]["term"].clone();
    let first = node.executor().unwrap();
    kill(first, Signal::Stop).unwrap();
    node.wait_for("another executor", || {
        assert!(has_address(), "{}", node.log());
        let is_there = node.status().unwrap()["executor"] == true;
        is_there && node.executor().is_some_and(|pid| pid != first)
    });
    // This is longer than the lifetime that the first executor gave the address.
    let begin = Instant::now();
    node.wait_for("a lifetime", || {
        assert!(has_address(), "{}", node.log());
        begin.elapsed() > Duration::from_secs(4)
    });
    let group = node.status().unwrap()["groups"][0].clone();
    assert_eq!((&group["phase"], &group["term"]), (&"active".into(), &term));
    assert!(node.log().contains("The executor is stalled."), "{}", node.log());
    assert_eq!(node.code(&["-k"]), 0);
    assert!(!has_address());
}

#[test]
fn removed_run_directory_is_recreated_and_executor_replaceable() {
    let node = Node::new();
    node.start();
    node.wait_for("the group", || node.phase().as_deref() == Some("active"));
    let first = node.executor().unwrap();
    fs::remove_dir_all(node.path("run/heartbeat")).unwrap();
    node.wait_for("the control socket", || node.status().is_some());
    let socket = node.path("run/heartbeat/executor/executor.sock");
    node.wait_for("the executor's socket", || socket.exists());
    assert_eq!(node.executor(), Some(first));
    kill(first, Signal::Kill).unwrap();
    node.wait_for("another executor", || {
        let is_there = node.status().is_some_and(|status| status["executor"] == true);
        is_there && node.executor().is_some_and(|pid| pid != first)
    });
    node.wait_for("the group", || node.phase().as_deref() == Some("active") && has_address());
    assert_eq!(node.ask(r#"{"request":"restart"}"#).unwrap()["response"], "done");
}

#[test]
fn executor_killed_repeatedly_is_reported_gone_and_back_equally_often() {
    const KILLS: usize = 5;
    let node = Node::new();
    node.start();
    node.wait_for("the group", || node.phase().as_deref() == Some("active"));
    let count = |line: &str| node.log().matches(line).count();
    for kills in 1..=KILLS {
        let victim = node.executor().unwrap();
        kill(victim, Signal::Kill).unwrap();
        node.wait_for("another executor", || {
            let is_there = node.status().is_some_and(|status| status["executor"] == true);
            is_there && node.executor().is_some_and(|pid| pid != victim)
        });
        node.wait_for("the group", || node.phase().as_deref() == Some("active"));
        // Each loss that follows on a short life is told less often than the one before.
        let told = (count("The executor is gone."), count("The executor is running again."));
        assert!(told.0 == told.1 && told.0 <= kills, "{told:?}: {}", node.log());
    }
}

/// Returns the executors of a node.
fn executors(node: &Node) -> Vec<i32> {
    let is_executor = |pid: &i32| {
        let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&words).contains("--role\0executor")
    };
    node.processes().into_iter().filter(is_executor).collect()
}

#[test]
fn executor_is_found_after_daemon_kill_without_run_directory() {
    let node = Node::new();
    node.start();
    node.wait_for("the group", || node.phase().as_deref() == Some("active"));
    let (executor, daemon) = (node.executor().unwrap(), node.pid().unwrap());
    kill(daemon, Signal::Stop).unwrap();
    fs::remove_dir_all(node.path("run/heartbeat")).unwrap();
    let daemon = ProcessId::of(daemon).unwrap();
    kill(daemon.pid, Signal::Kill).unwrap();
    node.wait_for("its end", || !daemon.is_running());
    node.start();
    node.wait_for("the executor", || {
        assert!(has_address(), "{}", node.log());
        node.status().is_some_and(|status| status["executor"] == true)
    });
    node.wait_for("the group", || node.phase().as_deref() == Some("active"));
    assert_eq!(node.executor(), Some(executor));
    node.wait_for("the end of a second one", || executors(&node) == [executor]);
    node.wait_for("the executor's socket", || {
        node.path("run/heartbeat/executor/executor.sock").exists()
    });
    assert_eq!(node.code(&["-k"]), 0);
    assert!(!has_address());
}

#[test]
fn address_removed_repeatedly_is_restored_without_calling_agents() {
    let node = Node::new();
    let scripts = node.path("config/resource.d");
    fs::create_dir(&scripts).unwrap();
    let calls = node.path("calls");
    let state = node.path("running");
    let (calls_of, state_of) = (calls.display(), state.display());
    let script = format!(
        "#!/bin/sh\necho $1 >> {calls_of}\ncase $1 in\nstart) touch {state_of} ;;\nstop) rm -f {state_of} \
         ;;\nstatus) [ -e {state_of} ] && echo running || echo stopped ;;\nesac\n"
    );
    fs::write(scripts.join("web"), script).unwrap();
    fs::set_permissions(scripts.join("web"), fs::Permissions::from_mode(0o755)).unwrap();
    let groups = fs::read_to_string(node.path("config/haresources")).unwrap();
    node.write("config/haresources", &format!("{} web\n", groups.trim_end()));
    node.start();
    node.wait_for("the group", || node.phase().as_deref() == Some("active"));
    let before = fs::read_to_string(&calls).unwrap();
    let address: IpAddr = "127.8.8.8".parse().unwrap();
    let is_there = || {
        let interfaces = systole_sys::address::interfaces().unwrap();
        interfaces.iter().flat_map(|it| &it.addresses).any(|found| found.ip == address)
    };
    let mut longest = Duration::ZERO;
    for _ in 0..20 {
        let removal = ["address", "del", "127.8.8.8/32", "dev", "lo"];
        assert!(Command::new("ip").args(removal).status().unwrap().success());
        // The time begins after the removal, and after `ip` has ended.
        let begin = Instant::now();
        while !is_there() {
            assert!(begin.elapsed() < Duration::from_secs(10), "{}", node.log());
        }
        longest = longest.max(begin.elapsed());
    }
    println!("back after {longest:?} at the latest");
    node.wait_for("the log", || {
        node.log().matches("was missing and was added again").count() == 20
    });
    let alarm = node.status().unwrap()["alarms"][0].clone();
    assert_eq!(alarm["group"], "127.8.8.8/32/lo");
    assert!(alarm["text"].as_str().unwrap().contains("is removed again and again"), "{alarm}");
    assert!(node.log().contains("is removed again and again"), "{}", node.log());
    assert_eq!(node.phase().as_deref(), Some("active"));
    assert_eq!(fs::read_to_string(&calls).unwrap(), before, "no agent was called");
}
