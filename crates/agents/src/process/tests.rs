use super::*;
use crate::lingering::Lingering;
use crate::protocol::{Action, Unfinished};
use crate::records::Records;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::time::{Duration, Instant};
use systole_core::GroupKey;
use systole_sys::process::{Spawn, group_exists};

/// Longest wait in these tests.
const LIMIT: Duration = Duration::from_secs(20);

fn start(script: &str) -> Process {
    let directory = tempfile::tempdir().unwrap();
    let records = Records::open(directory.path().into(), "boot".into()).unwrap();
    let run = Unfinished { group: GroupKey(1), action: Action::Start, resources: Vec::new() };
    let record = records.begin(&run).unwrap();
    let mut spawn = Spawn::new("/bin/sh");
    spawn.arguments = vec!["-c".into(), script.into()];
    spawn.environment = vec![("PATH".into(), "/usr/bin:/bin".into())];
    spawn.record = Some(record.file.as_fd());
    let [(out, out_end), (err, err_end)] = Outlet::pair(record.path.as_deref().unwrap()).unwrap();
    spawn.outputs = Some([out_end.as_fd(), err_end.as_fd()]);
    let child = spawn.start().unwrap();
    Process::new(child, record, [out, err])
}

/// Drives a process to its end as the executor does.
fn finish(process: &mut Process) -> Remains {
    let begin = Instant::now();
    loop {
        if let Some(remains) = process.check().unwrap() {
            return remains;
        }
        assert!(begin.elapsed() < LIMIT);
        let fds: Vec<_> = process.descriptors().collect();
        let mut fds: Vec<_> = fds.iter().map(|fd| PollFd::new(fd, PollFlags::IN)).collect();
        let wait = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
        poll(&mut fds, Some(&wait)).unwrap();
    }
}

#[test]
fn process_exit_code_and_both_outputs_are_collected() {
    let remains = finish(&mut start("echo out; echo err >&2; exit 7"));
    assert_eq!(remains.exit, Exit::Code(7));
    assert_eq!((&remains.stdout[..], &remains.stderr[..]), (&b"out\n"[..], &b"err\n"[..]));
    assert!(remains.outlets.iter().all(Option::is_none));
}

#[test]
fn daemon_holding_the_pipes_does_not_delay_the_end_of_its_run() {
    let mut process = start("sleep 60 & echo $!");
    let begin = Instant::now();
    let remains = finish(&mut process);
    assert_eq!(remains.exit, Exit::Code(0));
    assert!(begin.elapsed() < Duration::from_secs(30));
    assert!(remains.outlets.iter().all(Option::is_some));
    let daemon = String::from_utf8(remains.stdout).unwrap().trim().parse().unwrap();
    assert!(systole_sys::process::exists(daemon), "a daemon survives its agent");
    process.signal(Signal::Kill);
}

#[test]
fn lingering_pipes_are_read_until_they_close() {
    let mut process = start("(yes | head -c 1000000) & exit 0");
    let group = process.child.id().pid;
    let remains = finish(&mut process);
    let mut lingering = Lingering::new().unwrap();
    lingering.extend(remains.outlets.into_iter().flatten());
    drop(process);
    // The group ends only when its whole output was read.
    let begin = Instant::now();
    while group_exists(group) {
        assert!(begin.elapsed() < LIMIT);
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn process_ignoring_sigterm_is_killed_with_its_children() {
    let script = "trap '' TERM; sleep 60 & echo $!; wait; wait; sleep 60";
    let mut process = start(script);
    let group = process.child.id().pid;
    let begin = Instant::now();
    // The program writes once it ignores signals.
    while process.stdout.kept.is_empty() {
        assert!(begin.elapsed() < LIMIT);
        assert!(process.check().unwrap().is_none());
    }
    process.signal(Signal::Terminate);
    process.signal(Signal::Kill);
    assert_eq!(finish(&mut process).exit, Exit::Signal(9));
    drop(process);
    let begin = Instant::now();
    while group_exists(group) {
        assert!(begin.elapsed() < LIMIT);
        std::thread::yield_now();
    }
}

#[test]
fn process_heeding_sigterm_exits_with_signal_15() {
    let mut process = start("sleep 60");
    process.signal(Signal::Terminate);
    assert_eq!(finish(&mut process).exit, Exit::Signal(15));
}

#[test]
fn output_of_megabytes_is_cut_and_the_rest_counted() {
    let remains = finish(&mut start("yes | head -c 5000000; exit 0"));
    assert_eq!(remains.exit, Exit::Code(0));
    assert_eq!(remains.stdout.len(), OUTPUT_MAX / 2);
    assert_eq!(remains.dropped, 5_000_000 - OUTPUT_MAX as u64 / 2);
}

#[test]
fn output_line_over_the_maximum_is_split() {
    let mut output = b"one\n\ntwo \n".to_vec();
    output.extend(vec![b'x'; LINE_MAX + 1]);
    let lengths: Vec<_> = lines(&output).map(|line| line.len()).collect();
    assert_eq!(lengths, [3, 3, LINE_MAX, 1]);
}
