//! What the user of a C heartbeat may have prepared in its directories.

use super::*;
use std::os::unix::fs::chown;
use std::process::Child;

/// An arbitrary user.
const MALLORY: u32 = 12_345;

/// A shell of that user in a directory of the daemon.
fn mallory(node: &Node, directory: &str, script: &str) -> Command {
    let mut shell = Command::new("setpriv");
    shell.args(["--reuid", "12345", "--regid", "12345", "--clear-groups", "sh", "-ec", script]);
    shell.current_dir(node.path(directory));
    shell
}

#[test]
fn links_and_files_of_another_user_are_neither_followed_nor_believed() {
    let node = Node::new();
    fs::set_permissions(node.path("."), fs::Permissions::from_mode(0o755)).unwrap();
    fs::create_dir(node.path("run/heartbeat")).unwrap();
    for directory in ["run/heartbeat", "state"] {
        chown(node.path(directory), Some(MALLORY), None).unwrap();
        fs::set_permissions(node.path(directory), fs::Permissions::from_mode(0o755)).unwrap();
    }
    for victim in ["shadow", "crontab"] {
        node.write(victim, "untouched");
    }
    let state = "ln -s ../shadow journal.jsonl; ln -s ../shadow systole.terms.new; \
                 echo 99999999999 >hb_generation; ln -s ../crontab hb_generation.new; \
                 mkfifo systole.peers";
    assert!(mallory(&node, "state", state).status().unwrap().success());
    let run = "ln -s ../../crontab control.sock; mkdir -m 777 executor; \
               ln -s ../../../crontab executor/executor.json";
    assert!(mallory(&node, "run/heartbeat", run).status().unwrap().success());
    node.start();
    node.wait_for("the group", || node.phase().as_deref() == Some("active"));
    for victim in ["shadow", "crontab"] {
        assert_eq!(fs::read_to_string(node.path(victim)).unwrap(), "untouched", "{victim}");
    }
    for (directory, mode) in [("run/heartbeat", 0o755), ("run/heartbeat/executor", 0o700)] {
        let data = fs::metadata(node.path(directory)).unwrap();
        assert_eq!((data.uid(), data.mode() & 0o777), (0, mode), "{directory}");
    }
    let generation = fs::read_to_string(node.path("state/hb_generation")).unwrap();
    assert!(generation.trim().parse::<u64>().unwrap() < 99_999_999_999, "{generation}");
    assert_eq!(node.log().matches("Took over ").count(), 2, "{}", node.log());
    assert!(node.log().contains("journal.jsonl: it belongs to user 12345"), "{}", node.log());
    assert_eq!(node.code(&["-k"]), 0);
    node.start();
    assert_eq!(node.log().matches("Took over ").count(), 2, "once: {}", node.log());
    assert_eq!(node.code(&["-k"]), 0);
}

/// Ends the process when it is dropped.
struct Ends(Child);

impl Drop for Ends {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn process_of_another_user_is_not_taken_for_executor() {
    let node = Node::new();
    fs::set_permissions(node.path("."), fs::Permissions::from_mode(0o755)).unwrap();
    fs::create_dir_all(node.path("run/heartbeat/executor")).unwrap();
    for directory in ["run/heartbeat", "run/heartbeat/executor"] {
        chown(node.path(directory), Some(MALLORY), None).unwrap();
    }
    let script = "exec python3 -c 'import socket, time\n\
                  s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)\n\
                  s.bind(\"executor.sock\"); s.listen(8)\n\
                  while True: c = s.accept(); open(\"heard\", \"w\").close()'";
    let mut shell = mallory(&node, "run/heartbeat/executor", script);
    let _impostor = Ends(shell.spawn().unwrap());
    let socket = node.path("run/heartbeat/executor/executor.sock");
    node.wait_for("the impostor", || socket.exists());
    node.start();
    node.wait_for("the group", || node.phase().as_deref() == Some("active"));
    assert!(!node.path("run/heartbeat/executor/heard").exists());
    assert_eq!(fs::metadata(&socket).unwrap().uid(), 0);
    assert_eq!(node.code(&["-k"]), 0);
}

/// The name of the executor's socket that needs no file, for a script.
const ABSTRACT_NAME: &str = "import os, socket, sys, time\n\
    space, root = os.stat('/proc/self/ns/mnt'), os.stat('/')\n\
    name = f'\\0systole/{space.st_ino:x}/{root.st_dev:x}.{root.st_ino:x}:{sys.argv[1]}'\n\
    def new(): return socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)\n";

/// Runs a script of another user that knows the abstract name.
fn at_abstract_name(node: &Node, script: &str) -> Ends {
    fs::set_permissions(node.path("."), fs::Permissions::from_mode(0o755)).unwrap();
    let mut shell = mallory(node, ".", "exec python3 -c \"$SCRIPT\" \"$SOCKET\"");
    shell.env("SCRIPT", format!("{ABSTRACT_NAME}{script}"));
    shell.env("SOCKET", node.path("run/heartbeat/executor/executor.sock"));
    shell.stdout(Stdio::piped());
    let mut child = shell.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");
    Ends(child)
}

#[test]
fn abstract_name_taken_by_another_user_does_not_block_executor() {
    let node = Node::new();
    let script = "s = new(); s.bind(name); s.listen(8); print('ready', flush=True)\n\
                  while True: s.accept()[0].send(b'x')";
    let _impostor = at_abstract_name(&node, script);
    node.start();
    node.wait_for("the group", || node.phase().as_deref() == Some("active"));
    let executor = node.executor();
    assert_eq!(node.ask(r#"{"request":"restart"}"#).unwrap()["response"], "done");
    node.wait_for("the successor", || node.log().matches("Heartbeat generation: ").count() == 2);
    node.wait_for("the group", || node.phase().as_deref() == Some("active"));
    assert_eq!(node.executor(), executor);
    assert_eq!(node.code(&["-k"]), 0);
}

#[test]
fn connection_flood_of_another_user_costs_executor_little_time() {
    let node = Node::new();
    node.start();
    node.wait_for("the group", || node.phase().as_deref() == Some("active"));
    let executor = node.executor().unwrap();
    let script = "print('ready', flush=True)\n\
                  while True:\n\
                  \x20 s = new(); s.setblocking(False)\n\
                  \x20 try: s.connect(name); open('reached', 'w').write('x')\n\
                  \x20 except BlockingIOError: time.sleep(0.001)\n\
                  \x20 except OSError: pass\n";
    fs::write(node.path("reached"), "").unwrap();
    chown(node.path("reached"), Some(MALLORY), None).unwrap();
    let _stranger = at_abstract_name(&node, script);
    // Fields 14 and 15 of proc_pid_stat(5), in hundredths of a second.
    let used = || {
        let stat = fs::read_to_string(format!("/proc/{executor}/stat")).unwrap();
        let fields: Vec<_> = stat.rsplit(") ").next().unwrap().split(' ').collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    };
    let (before, begin) = (used(), Instant::now());
    node.wait_for("two seconds", || begin.elapsed() > Duration::from_secs(2));
    assert_eq!(fs::read_to_string(node.path("reached")).unwrap(), "x", "it finds the name");
    assert!(used() - before < 20, "{} ms in two seconds", (used() - before) * 10);
    assert!(has_address());
    assert_eq!(node.ask(r#"{"request":"restart"}"#).unwrap()["response"], "done");
    node.wait_for("the successor", || node.log().matches("Heartbeat generation: ").count() == 2);
    node.wait_for("the group", || node.phase().as_deref() == Some("active"));
    assert_eq!(node.executor(), Some(executor));
    assert_eq!(node.code(&["-k"]), 0);
}

#[test]
fn systemd_tmpfiles_creates_directories_despite_foreign_owner() {
    if Command::new("systemd-tmpfiles").arg("--version").output().is_err() {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755)).unwrap();
    for folder in ["etc", "run", "var/lib"] {
        fs::create_dir_all(root.path().join(folder)).unwrap();
    }
    fs::write(root.path().join("etc/passwd"), "root:x:0:0::/:/bin/sh\n").unwrap();
    fs::write(root.path().join("etc/group"), "root:x:0:\nhaclient:x:996:\n").unwrap();
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../pkg/tmpfiles.d/heartbeat.conf");
    // The loop runs again over directories as a C heartbeat leaves them.
    for _ in 0..2 {
        let mut command = Command::new("systemd-tmpfiles");
        command.arg("--create").arg(format!("--root={}", root.path().display())).arg(file);
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && !said.contains("unsafe"), "{said}");
        let data = fs::metadata(root.path().join("run/heartbeat")).unwrap();
        assert_eq!((data.uid(), data.gid(), data.mode() & 0o777), (0, 996, 0o750));
        for folder in ["run/heartbeat", "var/lib/heartbeat"] {
            chown(root.path().join(folder), Some(MALLORY), None).unwrap();
        }
    }
}
