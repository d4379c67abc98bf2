//! The questions of checks that the executor asks itself.

use super::*;
use systole_agents::protocol::Run;
use systole_core::{JobId, Probe, ProcessName};

fn program(file: &str, arguments: &[&str]) -> Probe {
    let arguments = arguments.iter().map(|word| (*word).to_owned()).collect();
    Probe::Exec { program: file.to_owned(), arguments }
}

fn request(job: u64, probe: Probe, asks_agent: bool) -> Request {
    Request::Run(Run {
        job: JobId(job),
        group: GroupKey(1),
        group_name: "web".into(),
        term: 3,
        action: Action::Monitor,
        resources: vec![agent("web")],
        timeout_ms: 10_000,
        environment: Vec::new(),
        is_restart: false,
        probes: vec![probe],
        is_without_agent: !asks_agent,
    })
}

/// Checks the service "web" with a question, and without its agent if that is not asked.
fn check(daemon: &mut bench::Daemon, job: u64, probe: Probe, asks_agent: bool) -> Outcome {
    daemon.send(&request(job, probe, asks_agent));
    daemon.done(JobId(job))
}

#[test]
fn check_without_agent_asks_its_questions_alone() {
    let bench = bench();
    bench.service("web");
    let (mut daemon, _) = bench.greeted();
    let well = || program("/bin/sh", &["-c", "exit 0"]);
    assert_eq!(check(&mut daemon, 900, well(), false), Outcome::Running);
    assert_eq!(bench.read("verbs"), "", "its agent was not asked");
    // The script says that it is stopped.
    assert_eq!(check(&mut daemon, 901, well(), true), Outcome::NotRunning);
    assert_eq!(bench.read("verbs"), "web status\n");
    let failed = check(&mut daemon, 902, program("/bin/sh", &["-c", "echo full; exit 4"]), false);
    let text = "exec /bin/sh: it exits with 4: full".to_owned();
    assert_eq!(failed, Outcome::Failed { code: 0, text });
    let unasked = check(&mut daemon, 903, program("/none/such", &[]), false);
    assert!(matches!(unasked, Outcome::NotAsked { .. }), "{unasked:?}");
}

#[test]
fn program_of_check_has_environment_of_agents_and_ends_after_its_executor() {
    let mut bench = bench();
    bench.service("web");
    let (daemon, _) = bench.greeted();
    let words = "echo $HA_CURHOST >$1/variables; trap '' TERM; echo $$ >$1/pid; sleep 31415";
    let place = bench.path("").display().to_string();
    let configuration = Configuration { node: "web1".into(), ..Configuration::default() };
    daemon.send(&Request::Configure(configuration));
    daemon.send(&request(900, program("/bin/sh", &["-c", words, "sh", &place]), false));
    let process = until("it runs", || bench.process("pid"));
    assert_eq!(bench.read("variables"), "web1\n");
    bench.kill();
    bench.start(PATIENT);
    until("the next executor has ended it", || (!process.is_running()).then_some(()));
}

#[test]
fn process_of_pid_file_is_watched_when_its_check_finds_it() {
    let bench = bench();
    bench.service("web");
    let (mut daemon, _) = bench.greeted();
    assert_eq!(daemon.run(1, Action::Start, &[agent("web")]), Outcome::Success);
    let mut process = std::process::Command::new("sleep").arg("31415").spawn().unwrap();
    std::fs::write(bench.path("web.pid"), process.id().to_string()).unwrap();
    let file = ProcessName::PidFile(bench.path("web.pid").display().to_string());
    assert_eq!(check(&mut daemon, 900, Probe::Process(file), false), Outcome::Running);
    process.kill().unwrap();
    process.wait().unwrap();
    daemon.find(|report| matches!(report, Report::ProcessEnded { word, .. } if word == "web"));
}
