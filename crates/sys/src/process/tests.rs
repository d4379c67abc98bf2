use super::denial::deny;
use super::*;
use crate::identity::Identity;
use rustix::process::{Resource, Rlimit};
use std::io::{Read, Seek};
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(10);

fn shell(script: &str) -> Spawn<'static> {
    let mut spawn = Spawn::new("/bin/sh");
    spawn.arguments = vec!["-c".into(), script.into()];
    spawn.environment = vec![("PATH".into(), "/usr/bin:/bin".into())];
    spawn
}

fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < LIMIT, "waited too long until {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn await_end(child: &Child) -> Exit {
    let limit = Timespec::try_from(LIMIT).unwrap();
    assert_eq!(poll(&mut [PollFd::new(child, PollFlags::IN)], Some(&limit)).unwrap(), 1);
    child.exit().unwrap().unwrap()
}

/// Reads until `end` has come, or the pipe is closed.
fn read_until(pipe: &OwnedFd, end: &str) -> String {
    let mut text = String::new();
    wait_for("the pipe says its word", || {
        let mut buffer = [0; 4096];
        match rustix::io::read(pipe, &mut buffer) {
            Ok(0) => true,
            Ok(length) => {
                text.push_str(str::from_utf8(&buffer[..length]).unwrap());
                text.contains(end)
            }
            Err(Errno::AGAIN) => false,
            Err(error) => panic!("{error}"),
        }
    });
    text
}

fn output_of(spawn: &Spawn) -> String {
    let mut child = spawn.start().unwrap();
    let stdout = child.take_stdout().unwrap();
    let text = read_until(&stdout, "\u{0}");
    assert_eq!(await_end(&child), Exit::Code(0));
    text
}

#[test]
fn child_of_a_realtime_parent_starts_with_ordinary_settings() {
    let (text, before) = std::thread::spawn(|| {
        let limits = Limits::remember();
        let before = rustix::process::getrlimit(Resource::Msgqueue);
        let halved = Rlimit { current: before.current.map(|size| size / 2), ..before };
        rustix::process::setrlimit(Resource::Msgqueue, halved).unwrap();
        // SAFETY: ignoring a signal installs no handler.
        unsafe { libc::signal(libc::SIGUSR1, libc::SIG_IGN) };
        let _signals = crate::signals::Signals::take().unwrap();
        crate::realtime::become_realtime(5).unwrap();
        let mut spawn = shell(
            "cat /proc/self/status /proc/self/limits; umask; cat /proc/self/oom_score_adj; \
             cut -d' ' -f5,18,19,41 /proc/$$/stat; echo $$; readlink /proc/self/fd/0; pwd; env",
        );
        spawn.limits = Some(&limits);
        spawn.directory = Some("/usr".into());
        (output_of(&spawn), before)
    })
    .join()
    .unwrap();
    for name in ["SigBlk:", "SigIgn:"] {
        let mask = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        let mask = u64::from_str_radix(mask.trim(), 16).unwrap();
        // The rest are real-time signals; posix_spawn of the C library ignores its own signals among them.
        assert_eq!(mask & 0x7fff_ffff, 0, "{text}");
    }
    let queue = text.lines().find(|line| line.starts_with("Max msgqueue")).unwrap();
    let soft = queue.split_whitespace().nth(3).unwrap();
    assert_eq!(soft.parse().ok(), before.current, "{queue}");
    let rest: Vec<_> = text.lines().skip_while(|line| !line.starts_with("0022")).collect();
    let pid = rest[3];
    // Group, kernel priority (20 is nice 0), nice, policy (0 is SCHED_OTHER).
    let scheduling = format!("{pid} 20 0 0");
    assert_eq!(rest[..6], ["0022", "0", &scheduling, pid, "/dev/null", "/usr"]);
    assert!(rest.contains(&"PATH=/usr/bin:/bin"), "{text}");
    assert!(!rest.iter().any(|line| line.starts_with("CARGO")), "{text}");
}

#[test]
fn child_with_an_identity_runs_as_the_given_user() {
    let identity = Identity { user: 65534, group: 65533, groups: vec![65533, 1234] };
    let mut spawn = shell(
        "id -u; id -g; id -G; touch /root/systole-must-not-exist 2>/dev/null || echo refused",
    );
    spawn.identity = Some(&identity);
    assert_eq!(output_of(&spawn), "65534\n65533\n65533 1234\nrefused\n");
}

#[test]
fn child_exit_and_signal_are_told_apart_and_readable_until_reaped() {
    let child = shell("exit 7").start().unwrap();
    assert_eq!(await_end(&child), Exit::Code(7));
    assert_eq!(child.exit().unwrap(), Some(Exit::Code(7)));
    let id = child.id();
    assert!(exists(id.pid), "its number must stay taken");
    assert!(!id.is_running());
    assert_eq!(child.reap().unwrap(), Some(Exit::Code(7)));

    let child = shell("kill -9 $$").start().unwrap();
    assert_eq!(await_end(&child), Exit::Signal(9));
}

#[test]
fn program_absent_or_not_executable_fails_to_start() {
    let kind = |program: &str| Spawn::new(program).start().unwrap_err().kind();
    assert_eq!(kind("/no/such/program"), io::ErrorKind::NotFound);
    assert_eq!(kind("/etc/passwd"), io::ErrorKind::PermissionDenied);
}

#[test]
fn process_group_ignoring_sigterm_is_killed_whole() {
    let mut child =
        shell("trap '' TERM; sh -c 'sleep 1000' & echo $!; wait; wait").start().unwrap();
    let stdout = child.take_stdout().unwrap();
    let inner: i32 = read_until(&stdout, "\n").trim().parse().unwrap();
    let inner = ProcessId::of(inner).unwrap();
    // The shell gets the signal and stays; `trap ''` is inherited by what it started.
    child.kill_group(Signal::Terminate).unwrap();
    assert_eq!(child.exit().unwrap(), None);
    assert!(inner.is_running());
    child.kill_group(Signal::Kill).unwrap();
    assert_eq!(await_end(&child), Exit::Signal(9));
    wait_for("the inner process is gone", || !inner.is_running());
    let group = child.id().pid;
    drop(child);
    wait_for("the group is gone", || !group_exists(group));
    kill_group(group, Signal::Kill).unwrap();
}

#[test]
fn process_numbers_meaning_every_process_are_refused() {
    for group in [-1, 0, 1] {
        let kind = kill_group(group, Signal::Continue).unwrap_err().kind();
        assert_eq!(kind, io::ErrorKind::InvalidInput);
        assert!(!group_exists(group));
    }
    for pid in [-1, 0] {
        assert_eq!(kill(pid, Signal::Continue).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        assert!(!exists(pid));
    }
}

#[test]
fn process_id_with_another_start_time_is_another_process() {
    let own = ProcessId::of(std::process::id().cast_signed()).unwrap();
    assert!(own.is_running());
    assert!(own.open().unwrap().is_some());
    let other = ProcessId { start: own.start + 1, ..own };
    assert!(!other.is_running());
    assert!(other.open().unwrap().is_none());
}

#[test]
fn process_that_cannot_be_opened_does_not_count_as_ended() {
    let child = shell("sleep 1000").start().unwrap();
    let id = child.id();
    let watch = id.open().unwrap().unwrap();
    assert!(!has_ended(watch.as_fd()));
    child.kill_group(Signal::Kill).unwrap();
    await_end(&child);
    assert!(has_ended(watch.as_fd()));
    assert!(id.open().unwrap().is_none());
    let own = ProcessId::of(std::process::id().cast_signed()).unwrap();
    assert!(!has_ended(own.open().unwrap().unwrap().as_fd()));
    let denied = std::thread::spawn(move || {
        deny(libc::SYS_openat, libc::EMFILE);
        own.open().map(|fd| fd.is_some())
    });
    let error = denied.join().unwrap().unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::EMFILE));
}

#[test]
fn process_counts_as_dead_only_when_its_last_thread_has_ended() {
    let stat = |state: char, flags: u32, threads: u32| {
        let line = format!(
            "77 (a) {state} 1 77 77 0 -1 {flags} 5 6 7 8 9 10 11 12 20 0 {threads} 0 4711 22 33\n"
        );
        let stat = Stat::parse(line.as_bytes()).unwrap();
        (stat.is_exiting, stat.is_dead)
    };
    assert_eq!(stat('S', 4_194_560, 1), (false, false));
    assert_eq!(stat('D', 4_195_596, 1), (true, false));
    assert_eq!(stat('Z', 4_228_364, 2), (true, false));
    assert_eq!(stat('Z', 4_228_364, 1), (true, true));
    let own = ProcessId::of(std::process::id().cast_signed()).unwrap();
    assert!(own.is_running() && !own.is_exiting());
}

#[test]
fn process_stat_with_a_hostile_name_is_parsed() {
    let line = b"77 (a) R (b\xff) S 1 77 77 0 -1 4 5 6 7 8 9 10 11 12 20 0 1 0 4711 22 33\n";
    let stat = Stat::parse(line).unwrap();
    assert_eq!(stat.id, ProcessId { pid: 77, start: 4711 });
    assert!(!stat.is_dead);
    for cut in 0..line.len() - 10 {
        assert!(Stat::parse(&line[..cut]).is_none(), "{cut}");
    }
}

#[test]
fn run_is_recorded_before_its_program_starts() {
    let path = std::env::temp_dir().join(format!("systole-record-{}", std::process::id()));
    let mut options = std::fs::File::options();
    let options = options.read(true).write(true).create(true).truncate(true);
    let mut file = options.open(&path).unwrap();
    let writer = file.try_clone().unwrap();
    let script = format!("cat {}", path.display());
    let mut spawn = shell(&script);
    spawn.record = Some(writer.as_fd());
    let mut child = spawn.start().unwrap();
    let stdout = child.take_stdout().unwrap();
    let seen_by_the_program = read_until(&stdout, "\n");
    await_end(&child);
    let ProcessId { pid, start } = child.id();
    assert_eq!(seen_by_the_program, format!("{pid} {start}\n"));
    let mut text = String::new();
    file.rewind().unwrap();
    file.read_to_string(&mut text).unwrap();
    assert_eq!(text, seen_by_the_program);
    std::fs::remove_file(&path).unwrap();

    let unwritable = std::fs::File::open("/dev/null").unwrap();
    spawn.record = Some(unwritable.as_fd());
    assert!(spawn.start().is_err(), "an unrecorded run must not start");
}

#[test]
fn spawn_without_a_descriptor_leaves_nothing_running() {
    // The call fails where the child makes it, and where the parent makes it.
    for call in [libc::SYS_pidfd_open, libc::SYS_recvmsg] {
        let name = format!("systole-denied-{}-{call}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let record = std::fs::File::create(&path).unwrap();
        let denied = std::thread::spawn(move || {
            deny(call, libc::EMFILE);
            // Its child stays when only the shell is killed.
            let mut spawn = shell("sleep 1000 & sleep 1000");
            spawn.record = Some(record.as_fd());
            spawn.start().map(|child| child.id())
        });
        let error = denied.join().unwrap().unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EMFILE));
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        // A process that has introduced itself is on record. A killed process of its group may still be
        // ending.
        if let Some((pid, start)) = text.trim().split_once(' ') {
            let id = ProcessId { pid: pid.parse().unwrap(), start: start.parse().unwrap() };
            assert!(!exists(id.pid), "{call}: it still runs");
            wait_for("its group is gone", || !group_exists(id.pid));
        }
    }
}
