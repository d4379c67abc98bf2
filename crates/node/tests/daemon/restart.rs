//! A restart that waits for the programs of `respawn`.

use super::{Node, has_address};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use systole_sys::process::kill;
use systole_sys::signals::Signal;

#[test]
fn restart_waiting_for_unresponsive_program_still_answers_orders() {
    let node = Node::new();
    let up = node.path("up");
    let script = "#!/bin/sh\ntrap '' TERM\ntouch UP\nwhile :; do sleep 0.05; done\n";
    node.write("client", &script.replace("UP", up.to_str().unwrap()));
    fs::set_permissions(node.path("client"), fs::Permissions::from_mode(0o755)).unwrap();
    let ha_cf = fs::read_to_string(node.path("config/ha.cf")).unwrap();
    let respawn = format!("respawn root {}\n", node.path("client").display());
    node.write("config/ha.cf", &(ha_cf + &respawn));
    node.start();
    node.wait_for("the group", || node.phase().as_deref() == Some("active"));
    node.wait_for("the client", || up.exists());
    assert_eq!(node.ask(r#"{"request":"restart"}"#).unwrap()["response"], "done");
    let first = node.executor().unwrap();
    kill(first, Signal::Kill).unwrap();
    node.wait_for("another executor", || {
        assert!(has_address(), "{}", node.log());
        node.executor().is_some_and(|pid| pid != first)
    });
    node.wait_for("the group", || {
        assert!(has_address(), "{}", node.log());
        node.phase().as_deref() == Some("active")
    });
    for request in ["restart", "reload"] {
        let answer = node.ask(&format!(r#"{{"request":"{request}"}}"#)).unwrap();
        assert_eq!(answer["text"], "the daemon is restarting", "{answer}");
    }
    // A request to stop is not delayed either, and there is no longer a restart.
    kill(node.pid().unwrap(), Signal::Terminate).unwrap();
    node.wait_for("the stop", || !has_address());
    let starts = node.log().matches("Configuration validated.").count();
    assert_eq!(starts, 1, "{}", node.log());
    let told = "No restart: the daemon is being stopped.";
    node.wait_for("the line about it", || node.log().contains(told));
}
