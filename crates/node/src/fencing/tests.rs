use super::process::{fence, is_gone, is_want_of_room};
use super::*;
use rustix::io::Errno;
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

fn drive(tool: Tool, limit: Duration) -> (Answer, Vec<String>) {
    let request = Request { node: "web1".to_owned(), attempt: 7, tool, limit };
    let mut lines = Vec::new();
    let answer = fence(&request, &Limits::remember(), |report| match report {
        Report::Line { text, .. } => lines.push(text.clone()),
        Report::Outcome(_) => panic!("an outcome is the answer"),
    });
    assert_eq!((answer.node.as_str(), answer.attempt), ("web1", 7));
    (answer, lines)
}

#[test]
fn fence_device_result_is_reported_and_its_secrets_concealed() {
    let folder = tempfile::tempdir().unwrap();
    let bad = script(folder.path(), "bad", "echo no route >&2; exit 1");
    let (answer, lines) = drive(bad, Duration::from_mins(1));
    assert_eq!(
        (answer.outcome, answer.detail.as_str()),
        (FenceOutcome::Failed, "[bad]: exit code 1")
    );
    let expected = [
        "Resetting node web1 with [bad]",
        "[bad] says: no route",
        "Device [bad] did not reset web1: exit code 1",
    ];
    assert_eq!(lines, expected);
    let good = script(folder.path(), "good", "cat");
    let (answer, lines) = drive(good, Duration::from_mins(1));
    assert_eq!(answer.outcome, FenceOutcome::Done);
    assert!(answer.detail.starts_with("[good], after "), "{}", answer.detail);
    let expected = [
        "Resetting node web1 with [good]",
        "[good] says: action=reboot",
        "[good] says: password=***",
    ];
    assert_eq!(lines, expected);
}

/// With two devices for one node, the failure of the first one is reported as `FenceOutcome::Next`.
#[test]
fn failed_fence_attempt_tells_whether_next_device_remains() {
    let answer =
        |outcome| Answer { node: "web1".to_owned(), attempt: 7, outcome, detail: String::new() };
    for (has_next, outcome, right) in [
        (true, FenceOutcome::Failed, FenceOutcome::Next),
        (false, FenceOutcome::Failed, FenceOutcome::Failed),
        (true, FenceOutcome::Done, FenceOutcome::Done),
    ] {
        let running = Some(Running { node: "web1".to_owned(), attempt: 7, has_next });
        let mut fencer = Fencer::new(None, Vec::new());
        fencer.running = running;
        assert!(fencer.is_busy());
        assert_eq!(fencer.finish(answer(outcome)).outcome, right);
        assert!(!fencer.is_busy());
    }
}

/// Unread requests must not hide that nothing waits for the answer.
#[test]
fn daemon_gone_is_noticed_despite_unread_requests() {
    let (daemon, process) = Connection::pair().unwrap();
    let process = process.as_fd().try_clone_to_owned().unwrap();
    assert!(!is_gone(&process));
    daemon.send(b"a request").unwrap();
    assert!(!is_gone(&process));
    drop(daemon);
    assert!(is_gone(&process));
}

#[test]
fn fence_device_missing_or_hanging_is_reported_failed() {
    let folder = tempfile::tempdir().unwrap();
    let mut missing = script(folder.path(), "missing", "");
    missing.program = "/nonexistent/agent".to_owned();
    let hanging = script(folder.path(), "hanging", "sleep 600");
    let (answer, _) = drive(missing, Duration::from_millis(300));
    assert_eq!(answer.outcome, FenceOutcome::Failed);
    assert!(answer.detail.contains("cannot start /nonexistent/agent"), "{}", answer.detail);
    let (answer, _) = drive(hanging, Duration::from_millis(300));
    assert_eq!(answer.outcome, FenceOutcome::Failed);
    assert_eq!(answer.detail, "[hanging]: it took longer than 0 s");
}

#[test]
fn want_of_room_is_distinguished_from_errors_of_fence_program() {
    let error = |errno: Errno| io::Error::from_raw_os_error(errno.raw_os_error());
    for errno in [Errno::AGAIN, Errno::NOMEM, Errno::MFILE, Errno::NFILE] {
        assert!(is_want_of_room(&error(errno)), "{errno}");
    }
    for errno in [Errno::NOENT, Errno::ACCESS, Errno::NOEXEC, Errno::TXTBSY, Errno::IO] {
        assert!(!is_want_of_room(&error(errno)), "{errno}");
    }
    assert!(!is_want_of_room(&io::Error::other("something")));
}

/// This simulates a program in an uninterruptible sleep: it has another process group, so that no signal
/// reaches it.
#[test]
fn fence_device_surviving_kill_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let text = "exec perl -e 'my $p = fork; if (!$p) { setpgrp(0, 0); sleep 40; exit } \
                select(undef, undef, undef, 0.1); setpgrp(0, $p) or die; sleep 40'";
    let stuck = script(folder.path(), "stuck", text);
    let start = std::time::Instant::now();
    let (answer, _) = drive(stuck, Duration::from_secs(1));
    assert_eq!(answer.outcome, FenceOutcome::Failed);
    assert_eq!(answer.detail, "[stuck]: it took longer than 1 s and does not end");
    assert!(start.elapsed() < Duration::from_secs(30), "it was waited for");
}

#[test]
fn stonith_plugin_and_fence_agent_are_called_by_their_conventions() {
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
fn debian_fence_agent_resets_its_device() {
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
    let (answer, lines) = drive(tool.clone(), Duration::from_mins(1));
    assert_eq!(answer.outcome, FenceOutcome::Done, "{lines:?}");
    assert_eq!(std::fs::read_to_string(&device).unwrap(), "on", "{lines:?}");
    let broken = Tool { input: "action=bogus\n".to_owned(), ..tool };
    let (answer, lines) = drive(broken, Duration::from_mins(1));
    assert_eq!(answer.outcome, FenceOutcome::Failed, "{lines:?}");
}
