//! Going to the background, seen from outside.
//!
//! Runs without the usual harness, which runs tests on threads: only a process with one thread may fork.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

const NAME: &str = "parent_exits_and_the_child_is_on_its_own";

/// The variable that names the file to which the background process writes what it sees.
const REPORT: &str = "SYSTOLE_TEST_REPORT";

fn main() -> ExitCode {
    if let Some(report) = std::env::var_os(REPORT) {
        go_to_the_background(&report.into());
        return ExitCode::SUCCESS;
    }
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let has = |word: &str| arguments.iter().any(|argument| argument == word);
    if has("--list") {
        // cargo-nextest requires this of a test without the usual harness.
        let list = if has("--ignored") { String::new() } else { format!("{NAME}: test\n") };
        std::io::stdout().write_all(list.as_bytes()).expect("the list can be written");
        return ExitCode::SUCCESS;
    }
    parent_exits_and_the_child_is_on_its_own();
    ExitCode::SUCCESS
}

fn go_to_the_background(report: &PathBuf) {
    let parent = std::process::id();
    systole_sys::daemonize::daemonize().expect("there is one thread");
    let own = rustix::process::getpid();
    let is_leader = rustix::process::getsid(None) == Ok(own);
    let is_child = own.as_raw_nonzero().get().cast_unsigned() != parent;
    let places = [0, 1, 2].map(|fd| std::fs::read_link(format!("/proc/self/fd/{fd}")).ok());
    let is_quiet = places.iter().all(|place| place.as_deref() == Some("/dev/null".as_ref()));
    let seen = format!("leader {is_leader}, child {is_child}, quiet {is_quiet}\n");
    std::fs::write(report, seen).expect("the report can be written");
}

fn parent_exits_and_the_child_is_on_its_own() {
    let report = std::env::temp_dir().join(format!("systole-background-{}", std::process::id()));
    let program = std::env::current_exe().expect("we know our own program");
    let status = Command::new(program).env(REPORT, &report).stdout(Stdio::piped()).status();
    assert!(status.is_ok_and(|status| status.success()), "the parent must exit with 0");
    let start = Instant::now();
    let seen = loop {
        match std::fs::read_to_string(&report) {
            Ok(text) if text.ends_with('\n') => break text,
            _ => assert!(start.elapsed() < Duration::from_secs(10), "no report came"),
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    std::fs::remove_file(&report).expect("the report can be removed");
    assert_eq!(seen, "leader true, child true, quiet true\n");
}
