use super::process::fence;
use super::*;
use std::path::Path;
use systole_config::{FENCE_AGENTS, FenceDevice, Secret, StonithParameters};
use systole_sys::process::Limits;

fn script(folder: &Path, name: &str, text: &str) -> Tool {
    use std::os::unix::fs::PermissionsExt as _;
    let path = folder.join(name);
    std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
    Tool {
        name: name.to_owned(),
        program: path.to_str().unwrap().to_owned(),
        arguments: Vec::new(),
        input: "action=reboot\npassword=geheim\n".to_owned(),
        hidden: vec!["geheim".to_owned()],
    }
}

fn try_all(tools: Vec<Tool>, limit: Duration) -> (Answer, Vec<String>) {
    let request = Request { node: "web1".to_owned(), attempt: 7, tools, limit };
    let mut lines = Vec::new();
    let answer = fence(&request, &Limits::remember(), |report| match report {
        Report::Line { text, .. } => lines.push(text.clone()),
        Report::Outcome(_) => panic!("an outcome is the answer"),
    });
    assert_eq!((answer.node.as_str(), answer.attempt), ("web1", 7));
    (answer, lines)
}

#[test]
fn devices_are_tried_in_turn_until_one_succeeds() {
    let folder = tempfile::tempdir().unwrap();
    let bad = script(folder.path(), "bad", "echo no route >&2; exit 1");
    let good = script(folder.path(), "good", "cat");
    let unused = script(folder.path(), "unused", "exit 0");
    let (answer, lines) = try_all(vec![bad, good, unused], Duration::from_mins(1));
    assert_eq!(answer.outcome, FenceOutcome::Done);
    assert!(answer.detail.starts_with("[good], after "), "{}", answer.detail);
    let expected = [
        "Resetting node web1 with [bad]",
        "[bad] says: no route",
        "Device [bad] did not reset web1: exit code 1",
        "Resetting node web1 with [good]",
        "[good] says: action=reboot",
        "[good] says: password=***",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn what_fails_hangs_or_is_missing_is_no_success() {
    let folder = tempfile::tempdir().unwrap();
    let mut missing = script(folder.path(), "missing", "");
    missing.program = "/nonexistent/agent".to_owned();
    let hanging = script(folder.path(), "hanging", "sleep 600");
    let (answer, _) = try_all(vec![missing, hanging], Duration::from_millis(300));
    assert_eq!(answer.outcome, FenceOutcome::Failed);
    assert!(answer.detail.contains("cannot start /nonexistent/agent"), "{}", answer.detail);
    assert!(answer.detail.ends_with("[hanging]: it took longer than 0 s"), "{}", answer.detail);
    assert_eq!(try_all(Vec::new(), Duration::from_secs(1)).0.outcome, FenceOutcome::Failed);
}

#[test]
fn plug_ins_and_agents_are_called_as_their_makers_say() {
    let nodes = ["web1".to_owned(), "web2".to_owned()];
    let words = StonithParameters::Words(Secret("web1 10.0.0.9 admin geheim".to_owned()));
    let plugin = FenceDevice::Stonith { device: "external/ipmi".to_owned(), parameters: words };
    let tool = Tool::of(&plugin, "web1", &nodes);
    assert_eq!(tool.program, "/usr/sbin/stonith");
    let arguments = ["-t", "external/ipmi", "-F", "/dev/stdin", "-T", "reset", "web1"];
    assert_eq!(tool.arguments, arguments);
    assert_eq!(tool.input, "web1 10.0.0.9 admin geheim\n");
    assert_eq!(tool.conceal("web1: geheim refused"), "web1: *** refused");
    let parameters = StonithParameters::File("/etc/ha.d/device".to_owned());
    let plugin = FenceDevice::Stonith { device: "null".to_owned(), parameters };
    assert_eq!(Tool::of(&plugin, "web1", &nodes).arguments[3], "/etc/ha.d/device");
    let options = [("ip", "10.0.0.9"), ("password", "geheim")];
    let options = options.map(|(name, value)| (name.to_owned(), Secret(value.to_owned())));
    let agent = FenceDevice::Agent {
        node: "web1".to_owned(),
        agent: "fence_ipmilan".to_owned(),
        options: options.into(),
    };
    let tool = Tool::of(&agent, "web1", &nodes);
    assert_eq!(tool.program, "/usr/sbin/fence_ipmilan");
    assert_eq!(tool.input, "action=reboot\nip=10.0.0.9\npassword=geheim\n");
    assert_eq!(tool.conceal("10.0.0.9: geheim?"), "10.0.0.9: ***?");
    assert!(!format!("{tool:?}").contains("geheim"));
}

/// Debian's package `fence-agents` has an agent whose device is a file.
#[test]
fn an_agent_of_debian_resets_its_device() {
    if !Path::new(FENCE_AGENTS).join("fence_dummy").exists() {
        return eprintln!("skipped: it needs the package fence-agents");
    }
    let folder = tempfile::tempdir().unwrap();
    let device = folder.path().join("device");
    std::fs::write(&device, "off").unwrap();
    let options = [("type", "file"), ("status_file", device.to_str().unwrap())];
    let options = options.map(|(name, value)| (name.to_owned(), Secret(value.to_owned())));
    let agent = FenceDevice::Agent {
        node: "web1".to_owned(),
        agent: "fence_dummy".to_owned(),
        options: options.into(),
    };
    let tool = Tool::of(&agent, "web1", &["web1".to_owned(), "web2".to_owned()]);
    let (answer, lines) = try_all(vec![tool.clone()], Duration::from_mins(1));
    assert_eq!(answer.outcome, FenceOutcome::Done, "{lines:?}");
    assert_eq!(std::fs::read_to_string(&device).unwrap(), "on", "{lines:?}");
    let broken = Tool { input: "action=bogus\n".to_owned(), ..tool };
    let (answer, lines) = try_all(vec![broken], Duration::from_mins(1));
    assert_eq!(answer.outcome, FenceOutcome::Failed, "{lines:?}");
}
