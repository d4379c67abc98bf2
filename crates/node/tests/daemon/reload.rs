//! Reloads that fail.

use super::{Node, has_address};
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use systole_core::GROUPS_MAX;
use systole_sys::process::kill;
use systole_sys::signals::Signal;

const RELOAD: &str = r#"{"request":"reload"}"#;

#[test]
fn reload_with_fifo_as_haresources_is_refused_without_blocking() {
    let node = Node::new();
    node.start();
    node.wait_for("the group", || node.phase().as_deref() == Some("active"));
    fs::remove_file(node.path("config/haresources")).unwrap();
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    let fifo = node.path("config/haresources");
    rustix::fs::mkfifoat(rustix::fs::CWD, fifo, mode).unwrap();
    let answer = node.ask(RELOAD).unwrap();
    assert_eq!(answer["response"], "invalid", "{answer}");
    assert_eq!(node.phase().as_deref(), Some("active"));
    assert_eq!(node.code(&["-k"]), 0);
    assert!(!has_address());
}

#[test]
fn reload_refused_by_core_retires_no_line() {
    let node = Node::new();
    let line = fs::read_to_string(node.path("config/haresources")).unwrap();
    let name = line.split(' ').next().unwrap().to_owned();
    // One more than half: the old and the new groups together are too many.
    let lines = |network: u8| {
        (0..=GROUPS_MAX / 2).fold(String::new(), |mut text, host| {
            writeln!(text, "{name} 127.{network}.0.{host}/32/lo").unwrap();
            text
        })
    };
    node.write("config/haresources", &lines(20));
    node.start();
    node.wait_for("every group", || {
        let status = node.status().unwrap();
        status["groups"].as_array().unwrap().iter().all(|group| group["phase"] == "active")
    });
    let before = fs::read(node.path("state/systole.retired")).unwrap_or_default();
    assert!(before.is_empty());
    node.write("config/haresources", &lines(30));
    let mut answer = node.ask(RELOAD).unwrap();
    node.wait_for("a refusal of the core", || {
        // The order is refused while the daemon is starting.
        let is_over = answer["reason"] != "not_ready" && answer["reason"] != "busy";
        if !is_over {
            answer = node.ask(RELOAD).unwrap();
        }
        is_over
    });
    assert_eq!(answer["reason"], "too_many_groups", "{answer}");
    assert_eq!(fs::read(node.path("state/systole.retired")).unwrap(), before);
}

#[test]
fn reload_with_emptied_haresources_is_refused_unless_confirmed() {
    let node = Node::new();
    node.start();
    node.wait_for("the group", || node.phase().as_deref() == Some("active"));
    node.write("config/haresources", "# nothing\n");
    for order in [RELOAD, r#"{"request":"restart"}"#] {
        let answer = node.ask(order).unwrap();
        assert_eq!(answer["response"], "failed", "{answer}");
        assert!(answer["text"].as_str().unwrap().contains("`hb reload --empty`"), "{answer}");
    }
    kill(node.pid().unwrap(), Signal::Hangup).unwrap();
    node.wait_for("a word", || node.log().matches("haresources no longer has a group").count() > 2);
    assert!(has_address());
    let answer = node.ask(r#"{"request":"reload","empty":true}"#).unwrap();
    assert_eq!(answer["response"], "reloaded", "{answer}");
    node.wait_for("the end of the group", || !has_address());
}

#[test]
fn reload_with_missing_agent_or_interface_keeps_group_running() {
    let node = Node::new();
    let line = fs::read_to_string(node.path("config/haresources")).unwrap();
    node.start();
    node.wait_for("the group", || node.phase().as_deref() == Some("active"));
    node.write("config/haresources", &format!("{} no-such-agent\n", line.trim_end()));
    for order in [RELOAD, r#"{"request":"restart"}"#] {
        let answer = node.ask(order).unwrap();
        assert_eq!(answer["response"], "failed", "{answer}");
        let text = answer["text"].as_str().unwrap();
        assert!(text.contains("there is no agent for `no-such-agent`"), "{text}");
        assert!(has_address());
    }
    node.write("config/haresources", &line.replace("/lo", "/eth47"));
    let answer = node.ask(RELOAD).unwrap();
    let text = answer["text"].as_str().unwrap_or_default();
    assert!(text.contains("there is no interface eth47 for"), "{answer}");
    assert_eq!(node.phase().as_deref(), Some("active"));
    // A group that does not run here is not stopped in vain.
    node.write("config/haresources", &line);
    assert_eq!(node.ask(RELOAD).unwrap()["response"], "reloaded");
}

#[test]
fn reload_by_unprivileged_user_exits_with_code_4() {
    let node = Node::new();
    node.start();
    let program = node.path("heartbeat");
    fs::copy(&node.program, &program).unwrap();
    for place in [node.path(""), node.path("config"), node.path("run"), program.clone()] {
        fs::set_permissions(place, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let stranger = ["--reuid", "12345", "--regid", "12345", "--clear-groups"];
    let mut command = Command::new("setpriv");
    command.args(stranger).arg(&program).arg("-r");
    for (option, folder) in [("--config-dir", "config"), ("--run-dir", "run")] {
        command.arg(option).arg(node.path(folder));
    }
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(4), "{output:?}");
}

#[test]
fn order_failing_on_files_is_answered_in_journal() {
    let node = Node::new();
    node.start();
    node.wait_for("the group", || node.phase().as_deref() == Some("active"));
    let before = fs::read_to_string(node.path("config/ha.cf")).unwrap();
    node.write("config/ha.cf", &format!("{before}no_such_directive on\nkeepalive never\n"));
    assert_eq!(node.ask(RELOAD).unwrap()["response"], "invalid");
    assert_eq!(node.ask(r#"{"request":"restart"}"#).unwrap()["response"], "failed");
    for order in ["reload", "restart"] {
        let wanted = format!(
            r#""event":"answer","order":"{order}","refused":null,"failed":"the files have mistakes, "#
        );
        node.wait_for("the answer", || {
            fs::read_to_string(node.path("state/journal.jsonl")).unwrap().contains(&wanted)
        });
    }
    node.write("config/ha.cf", &before);
    assert_eq!(node.code(&["-k"]), 0);
}

#[test]
fn reload_is_refused_unless_at_least_one_medium_opens() {
    let node = Node::new();
    node.start();
    node.wait_for("the group", || node.phase().as_deref() == Some("active"));
    let before = fs::read_to_string(node.path("config/ha.cf")).unwrap();
    let link = "ucast lo 127.0.0.9\n";
    node.write("config/ha.cf", &before.replace(link, "ucast eth9 127.0.0.9\n"));
    for order in [RELOAD, r#"{"request":"restart"}"#] {
        let answer = node.ask(order).unwrap();
        assert_eq!(answer["response"], "failed", "{answer}");
        let text = answer["text"].as_str().unwrap();
        assert!(text.contains("cannot open ucast eth9: No such device"), "{text}");
        assert!(text.contains("the configuration in force is kept"), "{text}");
    }
    kill(node.pid().unwrap(), Signal::Hangup).unwrap();
    let kept = "Configuration kept: cannot open ucast eth9";
    node.wait_for("a word", || node.log().matches(kept).count() == 2);
    let starts = || node.log().matches("Configuration validated.").count();
    assert_eq!((starts(), node.phase().as_deref()), (1, Some("active")));
    assert!(has_address());
    let both = format!("{link}ucast eth9 127.0.0.9\n");
    node.write("config/ha.cf", &before.replace(link, &both));
    let answer = node.ask(RELOAD).unwrap();
    assert_eq!(answer["response"], "reloaded", "{answer}");
    let changes = answer["changes"].to_string();
    assert!(changes.contains("warning: cannot open ucast eth9: No such device"), "{changes}");
    node.wait_for("the successor", || starts() == 2 && node.phase().as_deref() == Some("active"));
    assert_eq!(node.code(&["-k"]), 0);
}
