//! A stop that takes long.

use super::{Node, has_address};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use systole_sys::process::kill;
use systole_sys::signals::Signal;

/// Adds a group with an agent that stops as soon as the file `go` exists.
fn with_a_slow_agent(node: &Node) {
    let scripts = node.path("config/resource.d");
    fs::create_dir(&scripts).unwrap();
    let script = format!(
        "#!/bin/sh\ncd {}\ncase $1 in\nstart) touch running ;;\n\
         stop) touch stopping; while [ ! -e go ]; do sleep 0.01; done; rm -f running ;;\n\
         status) [ -e running ] && echo running || echo stopped ;;\nesac\n",
        node.path("").display()
    );
    fs::write(scripts.join("slow"), script).unwrap();
    fs::set_permissions(scripts.join("slow"), fs::Permissions::from_mode(0o755)).unwrap();
    let groups = fs::read_to_string(node.path("config/haresources")).unwrap();
    node.write("config/haresources", &format!("{} slow\n", groups.trim_end()));
}

#[test]
fn restart_and_reload_during_stop_are_refused() {
    let node = Node::new();
    with_a_slow_agent(&node);
    node.start();
    node.wait_for("the group", || node.phase().as_deref() == Some("active"));
    kill(node.pid().unwrap(), Signal::Terminate).unwrap();
    node.wait_for("the stop", || node.path("stopping").exists());
    let text = fs::read_to_string(node.path("config/ha.cf")).unwrap();
    // This is a change that a running daemon cannot apply.
    node.write("config/ha.cf", &text.replace("realtime off", "realtime off\nudpport 4711"));
    for request in ["restart", "reload"] {
        let answer = node.ask(&format!(r#"{{"request":"{request}"}}"#)).unwrap();
        assert_eq!(answer["response"], "refused", "{request}: {answer}");
        assert_eq!(answer["text"], "the daemon is being stopped", "{request}");
    }
    node.write("go", "");
    node.wait_for("the end", || node.processes().is_empty());
    assert!(!has_address());
    assert!(!node.path("running").exists());
    assert!(node.log().contains("Heartbeat shutdown complete."), "{}", node.log());
}
