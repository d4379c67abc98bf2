//! Interfaces that are missing while a daemon executes itself again.

use super::{Node, has_address};
use std::fs;
use std::process::Command;

fn ip(words: &[&str]) {
    assert!(Command::new("ip").args(words).status().unwrap().success(), "{words:?}");
}

#[test]
fn restart_without_the_only_interface_keeps_processes_and_group() {
    let node = Node::new();
    ip(&["link", "add", "v0", "type", "veth", "peer", "name", "v1"]);
    ip(&["address", "add", "192.0.2.1/24", "dev", "v0"]);
    ip(&["link", "set", "v0", "up"]);
    ip(&["link", "set", "v1", "up"]);
    let ha_cf = fs::read_to_string(node.path("config/ha.cf")).unwrap();
    node.write("config/ha.cf", &ha_cf.replace("ucast lo 127.0.0.9", "ucast v0 192.0.2.9"));
    node.start();
    node.wait_for("the group", || node.phase().as_deref() == Some("active"));
    let before = (node.pid(), node.executor());
    ip(&["link", "del", "v0"]);
    assert_eq!(node.ask(r#"{"request":"restart"}"#).unwrap()["response"], "done");
    node.wait_for("the new daemon says that nobody is heard", || {
        assert!(has_address(), "{}", node.log());
        node.log()
            .contains("No medium could be opened: no node can be heard until an interface is back.")
    });
    node.wait_for("the group", || {
        assert!(has_address(), "{}", node.log());
        node.phase().as_deref() == Some("active")
    });
    assert_eq!((node.pid(), node.executor()), before, "both processes are still there");
    assert_eq!(node.code(&["-k"]), 0);
    assert!(!has_address());
}
