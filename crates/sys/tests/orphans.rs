//! Processes that agents leave behind are reaped. Runs in a separate process, because it changes the parent
//! of everything in the process.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::time::{Duration, Instant};
use systole_sys::process::{self, Exit, ProcessId, Spawn};
use systole_sys::signals::Signal;

const LIMIT: Duration = Duration::from_secs(10);

#[test]
fn subreaper_reaps_orphans_apart_from_its_own_children() {
    process::become_subreaper().unwrap();
    let mut spawn = Spawn::new("/bin/sh");
    spawn.arguments = vec!["-c".into(), "sleep 1000 >/dev/null 2>&1 & echo $!".into()];
    let mut child = spawn.start().unwrap();
    let limit = Timespec::try_from(LIMIT).unwrap();
    assert_eq!(poll(&mut [PollFd::new(&child, PollFlags::IN)], Some(&limit)).unwrap(), 1);
    assert_eq!(child.exit().unwrap(), Some(Exit::Code(0)));

    let mut text = [0; 32];
    let length = rustix::io::read(child.take_stdout().unwrap(), &mut text).unwrap();
    let text = str::from_utf8(&text[..length]).unwrap();
    let orphan = ProcessId::of(text.trim().parse().unwrap()).unwrap();
    let status = std::fs::read_to_string(format!("/proc/{}/status", orphan.pid)).unwrap();
    assert!(status.contains(&format!("PPid:\t{}\n", std::process::id())), "{status}");

    // The child of this process has ended too, and its exit code must still be available.
    assert_eq!(process::children().unwrap(), [orphan]);
    assert_eq!(process::reap_strangers().unwrap(), 0);
    assert_eq!(child.reap().unwrap(), Some(Exit::Code(0)));

    process::kill(orphan.pid, Signal::Kill).unwrap();
    let start = Instant::now();
    while process::reap_strangers().unwrap() == 0 {
        assert!(start.elapsed() < LIMIT, "the orphan was not reaped");
        std::thread::sleep(Duration::from_millis(2));
    }
    assert_eq!(ProcessId::of(orphan.pid), None);
}
