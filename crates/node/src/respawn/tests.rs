use super::program::{Demand, Kept, SHELL, Start};
use super::supervisor::Supervisor;
use super::*;
use std::os::fd::AsFd;
use std::path::Path;
use std::time::{Duration, Instant};
use systole_sys::process::Limits;
use systole_sys::seqpacket::{Connection, Receive};

/// A busy machine may take this long.
const LIMIT: Duration = Duration::from_secs(20);

fn program(command: impl Into<String>) -> Program {
    Program { failfast: false, user: "root".into(), command: command.into() }
}

/// Lets a program go on until `done`, and returns its lines.
fn drive(kept: &mut Kept, mut done: impl FnMut(&Kept, &[Report]) -> bool) -> (Vec<Report>, Demand) {
    let limits = Limits::remember();
    let environment = &[("HA_x".into(), "y".into())];
    let start = Start { environment, limits: &limits, shell: SHELL };
    let mut reports = Vec::new();
    let limit = Instant::now() + LIMIT;
    loop {
        let demand = kept.elapse(Instant::now(), &start, &mut reports);
        if demand != Demand::Nothing || done(kept, &reports) {
            return (reports, demand);
        }
        assert!(Instant::now() < limit, "{reports:?}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn has(reports: &[Report], text: &str) -> bool {
    reports.iter().any(|report| report.text.contains(text))
}

#[test]
fn program_exiting_with_100_is_not_respawned() {
    let mut kept = Kept::new(program("/bin/sh -c 'exit 100'"), Instant::now());
    let (reports, _) = drive(&mut kept, |kept, _| kept.is_over());
    assert!(has(&reports, "Starting child client \"/bin/sh -c 'exit 100'\" (0,0)"), "{reports:?}");
    assert!(has(&reports, "exited with return code 100."), "{reports:?}");
    assert!(!has(&reports, "Respawning"), "{reports:?}");
}

#[test]
fn failed_program_is_respawned_with_its_environment() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("runs");
    let command = format!("/bin/sh -c 'echo $HA_x >>{}; exit 3'", file.display());
    let mut kept = Kept::new(program(command), Instant::now());
    let runs = |path: &Path| std::fs::read_to_string(path).unwrap_or_default();
    let (reports, _) = drive(&mut kept, |_, _| runs(&file) == "y\ny\n");
    assert!(has(&reports, "exited with return code 3."), "{reports:?}");
    assert!(has(&reports, "Respawning client \"/bin/sh"), "{reports:?}");
}

#[test]
fn failfast_program_failing_demands_reboot() {
    let failfast = Program { failfast: true, ..program("/bin/false") };
    let mut kept = Kept::new(failfast, Instant::now());
    let (reports, demand) = drive(&mut kept, |_, _| false);
    assert_eq!(demand, Demand::Reboot("/bin/false".into()));
    assert!(has(&reports, "exited with return code 1."), "{reports:?}");
}

#[test]
fn program_of_unknown_user_is_not_started() {
    let nobody = Program { user: "no-such-user".into(), ..program("/bin/true") };
    let mut kept = Kept::new(nobody, Instant::now());
    let (reports, _) = drive(&mut kept, |kept, _| kept.is_over());
    assert!(has(&reports, "Cannot start client \"/bin/true\""), "{reports:?}");
}

#[test]
fn failed_program_start_is_retried_with_growing_waits() {
    let limits = Limits::remember();
    let begin = Instant::now();
    let mut kept = Kept::new(program("/bin/sleep 1000"), begin);
    let broken = Start { environment: &[], limits: &limits, shell: "/no/such/shell" };
    let mut reports = Vec::new();
    let mut waits = Vec::new();
    let mut now = begin;
    for _ in 0..8 {
        kept.elapse(now, &broken, &mut reports);
        let due = kept.deadline().expect("it is tried again");
        waits.push((due - now).as_secs());
        now = due;
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
    assert_eq!(reports.len(), 8, "{reports:?}");
    assert!(has(&reports, "Cannot start client \"/bin/sleep 1000\""), "{reports:?}");
    let whole = Start { environment: &[], limits: &limits, shell: SHELL };
    kept.elapse(now, &whole, &mut reports);
    assert!(kept.child().is_some(), "{reports:?}");
    kept.stop(now, &mut reports);
    drive(&mut kept, |kept, _| kept.is_over());
}

#[test]
fn stopped_program_ends_and_is_not_respawned() {
    let mut kept = Kept::new(program("/bin/sleep 1000"), Instant::now());
    drive(&mut kept, |kept, _| kept.child().is_some());
    let mut reports = Vec::new();
    kept.stop(Instant::now(), &mut reports);
    assert!(has(&reports, "killing /bin/sleep 1000 process group"), "{reports:?}");
    let (reports, _) = drive(&mut kept, |kept, _| kept.is_over());
    assert!(has(&reports, "killed by signal 15 [SIGTERM - Termination (ANSI)]."), "{reports:?}");
    assert!(!has(&reports, "Respawning"), "{reports:?}");
}

#[test]
fn program_ignoring_stop_is_killed() {
    let directory = tempfile::tempdir().unwrap();
    let deaf = directory.path().join("deaf");
    let script = format!("trap : TERM; : >{}; while :; do sleep 1; done", deaf.display());
    let command = format!("/bin/sh -c '{script}'");
    let mut kept = Kept::new(program(&command), Instant::now());
    drive(&mut kept, |_, _| deaf.exists());
    let mut reports = Vec::new();
    // The program was told to end long ago.
    let past = Instant::now().checked_sub(program::END_LIMIT).unwrap();
    kept.stop(past, &mut reports);
    let (reports, _) = drive(&mut kept, |kept, _| kept.is_over());
    assert!(has(&reports, "with signal 9"), "{reports:?}");
}

/// Reads reports until the other side hangs up, and makes it stop when all programs were started.
fn reports_until_end(connection: &Connection) -> Vec<Report> {
    let mut is_asked = false;
    let mut reports = Vec::new();
    let mut packet = vec![0; 1 << 16];
    let limit = Instant::now() + LIMIT;
    loop {
        match connection.receive(&mut packet).unwrap() {
            Receive::Packet(length) => {
                reports.push(serde_json::from_slice(&packet[..length]).unwrap());
            }
            Receive::Empty => std::thread::sleep(Duration::from_millis(2)),
            Receive::Closed => return reports,
        }
        assert!(Instant::now() < limit, "{reports:?}");
        let started = reports.iter().filter(|report: &&Report| report.text.contains("(pid "));
        let has_run = started.count() == 3 && has(&reports, "exited with return code 100.");
        if has_run && !std::mem::replace(&mut is_asked, true) {
            connection.send(&serde_json::to_vec(&Request::Stop).unwrap()).unwrap();
        }
    }
}

#[test]
fn supervisor_ends_its_programs_in_reverse_order() {
    let (ours, theirs) = Connection::pair().unwrap();
    let fd = theirs.as_fd().try_clone_to_owned().unwrap();
    drop(theirs);
    let thread = std::thread::spawn(move || Supervisor::new(fd).unwrap().run());
    let ended = "/bin/sh -c 'exit 100'";
    let programs = vec![program("/bin/sleep 1001"), program(ended), program("/bin/sleep 1002")];
    let start = Request::Start { programs, environment: Vec::new() };
    ours.send(&serde_json::to_vec(&start).unwrap()).unwrap();
    let reports = reports_until_end(&ours);
    thread.join().unwrap().unwrap();
    let place = |text: &str| reports.iter().position(|report| report.text.starts_with(text));
    let (first, second) = (place("killing /bin/sleep 1001"), place("killing /bin/sleep 1002"));
    let ended = place("Managed /bin/sleep 1002");
    let idle = place("client [/bin/sh -c 'exit 100'] is not running.");
    assert!(second < ended && ended < idle && idle < first && second.is_some(), "{reports:?}");
}

#[test]
fn supervisor_ends_when_daemon_is_gone() {
    let (ours, theirs) = Connection::pair().unwrap();
    let fd = theirs.as_fd().try_clone_to_owned().unwrap();
    drop((ours, theirs));
    Supervisor::new(fd).unwrap().run().unwrap();
}
