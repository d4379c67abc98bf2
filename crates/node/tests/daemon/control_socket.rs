//! What a reload and the control socket do to a running daemon.

use super::*;

#[test]
fn reload_keeps_process_and_group() {
    let node = Node::new();
    node.start();
    node.wait_for("the group", || node.phase().as_deref() == Some("active"));
    let pid = node.pid();
    let unchanged = node.call(&["-r"]);
    assert_eq!(unchanged.status.code(), Some(0), "{unchanged:?}");
    node.wait_for("a word", || node.log().contains("Configuration unchanged."));
    let text = fs::read_to_string(node.path("config/ha.cf")).unwrap();
    node.write("config/ha.cf", &format!("{text}bogus\n"));
    let refused = node.call(&["-r"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("NOT restarted"));
    node.write("config/ha.cf", &text.replace("deadtime 600ms", "deadtime 550ms"));
    assert_eq!(node.code(&["-r"]), 0);
    node.wait_for("the new time", || {
        let status = node.status();
        status.is_some_and(|status| status["nodes"][0]["deadtime_ms"] == 550)
    });
    assert_eq!(node.pid(), pid);
    node.wait_for("the group", || node.phase().as_deref() == Some("active"));
    assert!(has_address());
    assert_eq!(node.code(&["-k"]), 0);
    node.wait_for("the end", || node.processes().is_empty());
}

#[test]
fn control_socket_is_for_root_and_its_group_and_orders_are_journaled() {
    let node = Node::new();
    node.start();
    let data = fs::metadata(node.path("run/heartbeat/control.sock")).unwrap();
    assert_eq!((data.mode() & 0o777, data.uid()), (0o660, 0));
    if let Ok(group) = systole_sys::identity::group_id("haclient") {
        assert_eq!(data.gid(), group);
    }
    let refused = node.ask(r#"{"request":"order","order":{"standby":"all"}}"#).unwrap();
    assert_eq!(refused["response"], "refused");
    let parameters = node.ask(r#"{"request":"parameters"}"#).unwrap();
    assert_eq!(parameters["response"], "parameters");
    assert_eq!(parameters["values"]["deadtime"], "600ms", "{parameters}");
    assert_eq!(parameters["manages_resources"], true);
    assert!(parameters["values"].get("auth").is_none(), "keys are no parameters");
    let nonsense = node.ask("nonsense").unwrap();
    assert_eq!(nonsense["response"], "failed");
    assert_eq!(node.code(&["-k"]), 0);
    let journal = fs::read_to_string(node.path("state/journal.jsonl")).unwrap();
    assert!(journal.contains(r#""event":"order""#), "{journal}");
    assert!(journal.contains(r#""uid":0"#), "{journal}");
}
