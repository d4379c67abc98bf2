//! The end of the main process of a service is reported at once.

use super::*;
use systole_agents::protocol::Run;
use systole_core::JobId;
use systole_sys::process;
use systole_sys::signals::Signal;

/// A service as daemons are: its main process has a session of its own and workers that outlive it. The service
/// cannot start while a worker of an earlier main process runs, as if that still had its port. They fork rarely: until
/// it becomes `sleep`, a child is one more process of the service.
const DAEMON: &str = r#"N=$(basename $0)
case $1 in
start) for P in $(cat $D/$N.workers 2>/dev/null); do [ -e /proc/$P ] && exit 1; done
       setsid $D/shell -c 'echo $$ >$0.main
                         $1 -c "trap : HUP; echo \$\$ >$0.workers; while :; do sleep 5; done" &
                         while :; do sleep 5; done' $D/$N $D/shell >/dev/null 2>&1 &
       while ! [ -s $D/$N.workers ]; do sleep 0.01; done ;;
stop) kill $(cat $D/$N.main) $(cat $D/$N.workers); rm -f $D/$N.main; true ;;
status) [ -e /proc/$(cat $D/$N.main 2>/dev/null || echo none) ] && echo running || echo stopped ;;
esac"#;

/// A shell with a file of its own, so that its processes have a program of their own.
fn prepare(bench: &Bench, names: &[&str]) {
    std::fs::copy("/bin/sh", bench.path("shell")).unwrap();
    for name in names {
        bench.script(name, DAEMON);
    }
}

fn kill(bench: &Bench, file: &str) {
    process::kill(bench.process(file).unwrap().pid, Signal::Kill).unwrap();
}

fn is_end_of(report: &Report, name: &str) -> bool {
    matches!(report, Report::ProcessEnded { word, .. } if word == name)
}

#[test]
fn main_process_that_ends_is_reported_and_its_workers_are_ended_before_next_start() {
    let bench = bench();
    prepare(&bench, &["web"]);
    let (mut daemon, _) = bench.greeted();
    let web = [agent("web")];
    assert_eq!(daemon.run(1, Action::Start, &web), Outcome::Success);
    let worker = bench.process("web.workers").unwrap();
    kill(&bench, "web.main");
    let end = daemon.find(|report| is_end_of(report, "web"));
    assert!(matches!(end, Report::ProcessEnded { is_crash: true, .. }), "{end:?}");
    assert!(worker.is_running());
    // The stop finds no main process and leaves the workers alone.
    bench.script("web", &DAEMON.replace("stop) kill", "stop) true"));
    assert_eq!(daemon.run(1, Action::Stop, &web), Outcome::Success);
    assert_eq!(daemon.run(1, Action::Start, &web), Outcome::Success);
    assert!(!worker.is_running());
    let line = "Ended 1 process that web had left behind";
    assert!(daemon.log().contains(&line), "{:?}", daemon.log());
    bench.script("web", DAEMON);
    assert_eq!(daemon.run(1, Action::Stop, &web), Outcome::Success);
}

#[test]
fn workers_of_frozen_service_are_ended_before_its_restart_and_left_alone_before_other_starts() {
    for is_restart in [true, false] {
        let bench = bench();
        prepare(&bench, &["web"]);
        let (mut daemon, _) = bench.greeted();
        let web = [agent("web")];
        assert_eq!(daemon.run(1, Action::Start, &web), Outcome::Success);
        let worker = bench.process("web.workers").unwrap();
        bench.sh("kill -STOP $(cat $D/web.main $D/web.workers)");
        bench
            .script("web", &DAEMON.replace("stop) kill", "stop) kill -9 $(cat $D/web.main); true"));
        assert_eq!(daemon.run(1, Action::Stop, &web), Outcome::Success);
        assert!(worker.is_running());
        let (job, group, action) = (JobId(900), GroupKey(1), Action::Start);
        daemon.send(&Request::Run(Run {
            job,
            group,
            group_name: "web".into(),
            term: 3,
            action,
            resources: web.to_vec(),
            timeout_ms: 10_000,
            environment: Vec::new(),
            is_restart,
            probes: Vec::new(),
            is_without_agent: false,
        }));
        let failed = Outcome::Failed { code: 1, text: String::new() };
        let expected = if is_restart { Outcome::Success } else { failed };
        assert_eq!((daemon.done(job), worker.is_running()), (expected, !is_restart));
        bench.script("web", DAEMON);
        process::kill(worker.pid, Signal::Kill).unwrap();
        daemon.run(1, Action::Stop, &web);
    }
}

#[test]
fn main_process_that_ends_in_its_stop_is_not_reported() {
    let bench = bench();
    prepare(&bench, &["web", "db"]);
    let (mut daemon, _) = bench.greeted();
    assert_eq!(daemon.run(1, Action::Start, &[agent("web")]), Outcome::Success);
    assert_eq!(daemon.run(2, Action::Start, &[agent("db")]), Outcome::Success);
    assert_eq!(daemon.run(1, Action::Stop, &[agent("web")]), Outcome::Success);
    kill(&bench, "db.main");
    let first = daemon.find(|report| matches!(report, Report::ProcessEnded { .. }));
    assert!(is_end_of(&first, "db"), "{first:?}");
    assert_eq!(daemon.run(2, Action::Stop, &[agent("db")]), Outcome::Success);
}

#[test]
fn successor_of_killed_executor_reports_end_of_main_process() {
    let mut bench = bench();
    prepare(&bench, &["web"]);
    let (mut daemon, _) = bench.greeted();
    assert_eq!(daemon.run(1, Action::Start, &[agent("web")]), Outcome::Success);
    until("the main process is on record", || {
        daemon.permit(Duration::from_mins(1));
        let pid = bench.process("web.main")?.pid.to_string();
        bench.read("executor.mains").contains(&pid).then_some(())
    });
    bench.kill();
    bench.start(PATIENT);
    let (mut successor, _) = bench.greeted();
    kill(&bench, "web.main");
    successor.find(|report| is_end_of(report, "web"));
    assert_eq!(successor.run(1, Action::Stop, &[agent("web")]), Outcome::Success);
    bench.sh("kill $(cat $D/web.workers) 2>/dev/null; true");
}
