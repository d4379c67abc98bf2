use super::*;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use systole_agents::protocol::{self, Report};
use systole_sys::seqpacket::Listener;

#[test]
fn executor_retry_gap_starts_at_zero_and_grows_to_bound() {
    let gaps: Vec<_> = (0..7).map(|failures| retry_gap(failures).as_millis()).collect();
    assert_eq!(gaps, [0, 100, 200, 400, 800, 1000, 1000]);
    assert_eq!(retry_gap(u32::MAX), RETRY_GAP_MAX);
}

/// Creates an executor process, in directories of its own, whose executors never listen.
fn deaf(folder: &Path) -> ExecutorProcess {
    let program = folder.join("deaf");
    fs::write(&program, "#!/bin/sh\nexec sleep 30\n").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
    let paths = Paths { run: folder.to_owned(), ..Paths::default() };
    fs::create_dir_all(paths.executor_socket().parent().unwrap()).unwrap();
    let mut process = ExecutorProcess::new(paths, Configuration::default());
    process.program = program;
    process
}

fn end(mut process: ExecutorProcess) {
    if let Some(child) = &mut process.child {
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

#[test]
fn executor_not_listening_yet_blocks_no_tending() {
    let folder = tempfile::tempdir().unwrap();
    let mut process = deaf(folder.path());
    process.lost();
    let begin = Instant::now();
    for _ in 0..10 {
        assert!(process.tend().unwrap().is_none());
        sleep(process.idle_for().expect("it looks again"));
    }
    assert!(begin.elapsed() < LISTEN_LIMIT / 2, "{:?}", begin.elapsed());
    let _listener = Listener::bind(&process.paths.executor_socket()).unwrap();
    sleep(process.idle_for().expect("it looks again"));
    assert!(process.tend().unwrap().is_some());
    assert_eq!(process.idle_for(), None);
    end(process);
}

#[test]
fn executor_ending_at_once_is_reported_with_its_words() {
    let folder = tempfile::tempdir().unwrap();
    let mut process = deaf(folder.path());
    let body = "#!/bin/sh\necho 'heartbeat executor: no room' >&2\nexit 6\n";
    fs::write(&process.program, body).unwrap();
    fs::remove_dir_all(process.paths.runtime()).unwrap();
    process.lost();
    let begin = Instant::now();
    let error = loop {
        match process.tend() {
            Err(error) => break error,
            Ok(executor) => assert!(executor.is_none()),
        }
        assert!(begin.elapsed() < LISTEN_LIMIT, "it has ended");
        sleep(process.idle_for().expect("it looks again"));
    };
    assert_eq!(error.to_string(), "it ended as soon as it was started: no room");
    assert!(process.paths.executor().is_dir(), "its directory was made again");
}

#[test]
fn executor_ending_during_connection_does_not_fail_start() {
    let folder = tempfile::tempdir().unwrap();
    let mut process = deaf(folder.path());
    let socket = process.paths.executor_socket();
    let ending = Listener::bind(&socket).unwrap();
    let others = std::thread::spawn(move || {
        let accept = |listener: &Listener| loop {
            if let Some(connection) = listener.accept().unwrap() {
                break connection;
            }
            sleep(CONNECT_GAP);
        };
        drop(accept(&ending));
        drop(ending);
        let listener = Listener::bind(&socket).unwrap();
        let connection = accept(&listener);
        let (version, groups, unfinished) = (protocol::VERSION, Vec::new(), Vec::new());
        let hello = Report::Hello { version, groups, unfinished };
        connection.send(&hello.encode().unwrap()).unwrap();
        connection
    });
    let executor = process.obtain(Duration::from_secs(10)).unwrap();
    assert!(executor.greeting.is_some());
    drop(others.join().unwrap());
    end(process);
}

#[test]
fn executor_lost_but_alive_is_connected_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut process = deaf(folder.path());
    let _listener = Listener::bind(&process.paths.executor_socket()).unwrap();
    for _ in 0..2 {
        process.lost();
        sleep(process.idle_for().expect("it looks again"));
        assert!(process.tend().unwrap().is_some());
    }
    end(process);
}

#[test]
fn return_of_executor_is_reported_once_after_a_reported_loss() {
    let mut process = ExecutorProcess::new(Paths::default(), Configuration::default());
    assert!(!process.take_told(), "no loss was reported");
    process.record_told();
    process.failures = 5;
    assert!(!process.is_worth_telling(), "this attempt alone would not be reported");
    assert!(process.take_told());
    assert!(!process.take_told());
}
