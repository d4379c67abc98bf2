use super::*;
use crate::protocol::{Action, Ended};
use crate::records::Records;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use systole_core::GroupKey;
use systole_sys::clock::boot_time;
use systole_sys::process::{Spawn, group_exists};

/// No wait of these tests takes longer.
const LIMIT: Duration = Duration::from_secs(20);

fn now() -> Time {
    Time::from_nanos(boot_time())
}

fn start(script: &str, limit: Option<Duration>) -> Process {
    let directory = tempfile::tempdir().unwrap();
    let mut records = Records::open(directory.path().into(), "boot".into()).unwrap();
    let run = Ended { group: GroupKey(1), action: Action::Start, resources: Vec::new() };
    let record = records.begin(&run).unwrap();
    let mut spawn = Spawn::new("/bin/sh");
    spawn.arguments = vec!["-c".into(), script.into()];
    spawn.environment = vec![("PATH".into(), "/usr/bin:/bin".into())];
    spawn.record = Some(record.file.as_fd());
    let child = spawn.start().unwrap();
    Process::new(child, record, limit.map(|limit| now() + limit))
}

/// Drives a process to its end as the executor does.
fn finish(process: &mut Process) -> Remains {
    let begin = now();
    loop {
        process.elapse(now());
        if let Some(remains) = process.check().unwrap() {
            return remains;
        }
        assert!(now().since(begin) < LIMIT);
        let fds: Vec<_> = process.descriptors().collect();
        let mut fds: Vec<_> = fds.iter().map(|fd| PollFd::new(fd, PollFlags::IN)).collect();
        let wait = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
        poll(&mut fds, Some(&wait)).unwrap();
    }
}

#[test]
fn exit_and_both_outputs_are_seen() {
    let remains = finish(&mut start("echo out; echo err >&2; exit 7", None));
    assert_eq!((remains.exit, remains.why), (Exit::Code(7), None));
    assert_eq!((&remains.stdout[..], &remains.stderr[..]), (&b"out\n"[..], &b"err\n"[..]));
    assert!(remains.pipes.iter().all(Option::is_none));
}

#[test]
fn a_daemon_that_keeps_the_pipes_does_not_hold_up_the_run() {
    let mut process = start("sleep 60 & echo $!", None);
    let begin = now();
    let remains = finish(&mut process);
    assert_eq!((remains.exit, remains.why), (Exit::Code(0), None));
    assert!(now().since(begin) < Duration::from_secs(30));
    assert!(remains.pipes.iter().all(Option::is_some));
    let daemon = String::from_utf8(remains.stdout).unwrap().trim().parse().unwrap();
    assert!(systole_sys::process::exists(daemon), "a daemon survives its agent");
    process.kill(Signal::Kill);
}

#[test]
fn lingering_pipes_are_read_until_they_close() {
    let mut process = start("(yes | head -c 1000000) & exit 0", None);
    let remains = finish(&mut process);
    let mut lingering = Lingering::default();
    lingering.extend(remains.pipes.into_iter().flatten());
    let begin = now();
    while lingering.descriptors().next().is_some() {
        assert!(now().since(begin) < LIMIT);
        lingering.drain();
    }
}

#[test]
fn one_that_ignores_term_is_killed_with_its_children() {
    let script = "trap '' TERM; sleep 60 & echo $!; wait; wait; sleep 60";
    let mut process = start(script, Some(Duration::from_millis(200)));
    let group = process.child.id().pid;
    let begin = now();
    let remains = finish(&mut process);
    assert_eq!((remains.exit, remains.why), (Exit::Signal(9), Some(Why::TimedOut)));
    assert!(now().since(begin) >= KILL_AFTER);
    drop(process);
    let begin = now();
    while group_exists(group) {
        assert!(now().since(begin) < LIMIT);
        std::thread::yield_now();
    }
}

#[test]
fn a_cancelled_one_that_heeds_term_is_gone_at_once() {
    let mut process = start("sleep 60", None);
    process.end(now(), Why::Cancelled);
    let begin = now();
    let remains = finish(&mut process);
    assert_eq!((remains.exit, remains.why), (Exit::Signal(15), Some(Why::Cancelled)));
    assert!(now().since(begin) < KILL_AFTER);
}

#[test]
fn megabytes_of_output_are_cut() {
    let remains = finish(&mut start("yes | head -c 5000000; exit 0", None));
    assert_eq!(remains.exit, Exit::Code(0));
    assert_eq!(remains.stdout.len(), OUTPUT_MAX / 2);
    assert_eq!(remains.dropped, 5_000_000 - OUTPUT_MAX as u64 / 2);
}

#[test]
fn lines_have_a_bound() {
    let mut output = b"one\n\ntwo \n".to_vec();
    output.extend(vec![b'x'; LINE_MAX + 1]);
    let lengths: Vec<_> = lines(&output).map(|line| line.len()).collect();
    assert_eq!(lengths, [3, 3, LINE_MAX, 1]);
}
