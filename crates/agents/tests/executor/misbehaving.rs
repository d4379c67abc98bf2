//! Agents as people write them: each does something that an agent must not do, and harms no other.

use super::{agent, bench};
use crate::bench::{Bench, until};
use std::time::Duration;
use systole_agents::protocol::{Action, Outcome, Report};
use systole_core::GroupKey;

#[test]
fn agent_with_a_false_status_is_believed_at_start_and_still_stopped() {
    let bench = bench();
    let say = |word: &str| {
        format!("echo $1 >> $D/$(basename $0).verbs; [ $1 = status ] && echo {word}; exit 0")
    };
    bench.script("boaster", &say("running"));
    bench.script("denier", &say("stopped"));
    let (mut daemon, _) = bench.greeted();
    for (group, name) in [(1, "boaster"), (2, "denier")] {
        let resource = [agent(name)];
        assert_eq!(daemon.run(group, Action::Start, &resource), Outcome::Success);
        assert_eq!(daemon.run(group, Action::Start, &resource), Outcome::Success);
        assert_eq!(daemon.run(group, Action::Stop, &resource), Outcome::Success);
    }
    // A resource that says that it runs is not started, as with heartbeat 3.0.6; both are stopped.
    let verbs = |name: &str| bench.read(name).split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(verbs("boaster.verbs"), "status status stop");
    assert_eq!(verbs("denier.verbs"), "status start status start stop");
}

#[test]
fn misbehaving_agents_run_at_once_do_not_hold_up_each_other() {
    let bench = bench();
    let only_start = "[ $1 = start ] || exit 0\n";
    let until_over = "while [ ! -e $D/over ]; do sleep 0.05; done";
    let fork = "& echo $! > $D/forker.pid";
    bench.script("forker", &format!("{only_start}({until_over}) {fork}"));
    bench.script("talker", &format!("{only_start}yes $(seq 200) | head -c 5000000"));
    // These are more lines than may wait for a daemon that does not read.
    bench.script("chatterer", &format!("{only_start}yes | head -c 5000000 >&2"));
    // The agent and its child ignore SIGTERM, and the child holds the pipes.
    let child = "sh -c \"echo \\$\\$ > $D/deaf.pid; exec sleep 600\" &";
    let only_stop = "[ $1 = stop ] || exit 0";
    bench.script("deaf", &format!("trap '' TERM\n{only_stop}\n{child} wait; sleep 600"));
    // This agent ends only when it sees that the others have ended.
    bench.script("slow", &format!("{only_start}{until_over}"));
    let (mut daemon, _) = bench.greeted();
    let slow = daemon.ask_within(1, Action::Start, &[agent("slow")], 600_000);
    // Long enough for a busy machine to start the child before the first signal.
    let deaf = daemon.ask_within(2, Action::Stop, &[agent("deaf")], 3_000);
    let forker = daemon.ask(3, Action::Start, &[agent("forker")]);
    let talker = daemon.ask(4, Action::Start, &[agent("talker")]);
    let chatterer = daemon.ask(5, Action::Start, &[agent("chatterer")]);
    assert_eq!(daemon.done(forker), Outcome::Success);
    let survivor = bench.process("forker.pid").expect("a daemon survives its agent");
    assert!(survivor.is_running(), "what holds the pipes is not waited for");
    assert_eq!(daemon.done(talker), Outcome::Success);
    assert_eq!(daemon.done(chatterer), Outcome::Success);
    for end in [" more bytes of output", " lines of agents were lost"] {
        daemon.find(|report| matches!(report, Report::Log { text, .. } if text.ends_with(end)));
    }
    let child = until("the deaf one runs", || bench.process("deaf.pid"));
    assert_eq!(daemon.done(deaf), Outcome::TimedOut);
    until("its child is killed too", || (!child.is_running()).then_some(()));
    // No other run waited for the slow one.
    std::fs::write(bench.path("over"), "").unwrap();
    assert_eq!(daemon.done(slow), Outcome::Success);
}

#[test]
fn service_writing_to_its_pipes_outlives_its_killed_executor() {
    let mut bench = bench();
    // It writes little until there is a reader again: what a killed executor has left unread, on a busy
    // machine, must not fill the FIFO.
    let length = "[ -e $D/much ] && N=4096 || N=16";
    let write = "head -c $N /dev/zero || exit 1; echo >> $D/ticks; sleep 0.01";
    let write = format!("while :; do {length}; {write}; done");
    let start = format!("({write}) & echo $! > $D/pid");
    bench.script("talker", &format!("case $1 in\nstart) {start} ;;\n*) exit 0 ;;\nesac"));
    let (mut daemon, _) = bench.greeted();
    assert_eq!(daemon.run(1, Action::Start, &[agent("talker")]), Outcome::Success);
    let service = until("it runs", || bench.process("pid"));
    let ticks = |bench: &Bench| bench.read("ticks").len();
    until("it writes", || (ticks(&bench) > 20).then_some(()));
    bench.kill();
    let before = ticks(&bench);
    until("it goes on without a reader", || (ticks(&bench) > before + 3).then_some(()));
    bench.start(Duration::from_mins(1));
    let (_daemon, _) = bench.greeted();
    // This is more than a FIFO holds, so it is being read.
    std::fs::write(bench.path("much"), "").unwrap();
    let before = ticks(&bench);
    until("it is read again", || (ticks(&bench) > before + 40).then_some(()));
    assert!(service.is_running());
    systole_sys::process::kill(service.pid, systole_sys::signals::Signal::Kill).unwrap();
}

#[test]
fn service_writing_without_pause_rarely_wakes_the_renewing_thread() {
    let bench = bench();
    // Many times what a FIFO holds, in pieces each of which wakes a process that waits for the FIFO.
    let write =
        "N=0; while [ $N -lt 400 ]; do head -c 32768 /dev/zero; N=$((N+1)); done; touch $D/over";
    bench.script("talker", &format!("case $1 in\nstart) ({write}) & ;;\nesac"));
    let (mut daemon, _) = bench.greeted();
    assert_eq!(daemon.run(1, Action::Start, &[agent("talker")]), Outcome::Success);
    let before = bench.wakes();
    until("it has written all", || bench.path("over").exists().then_some(()));
    let wakes = bench.wakes() - before;
    assert!(wakes < 50, "woken {wakes} times");
}

#[test]
fn unrecordable_start_or_status_is_not_asked_but_a_stop_is_run() {
    let bench = bench();
    bench.service("web");
    let (mut daemon, _) = bench.greeted();
    assert_eq!(daemon.run(1, Action::Start, &[agent("web")]), Outcome::Success);
    let verbs = bench.read("verbs");
    // This simulates a file system that is read-only or gone.
    std::fs::remove_dir_all(bench.path("runs")).unwrap();
    std::fs::write(bench.path("runs"), "").unwrap();
    let outcome = daemon.run(1, Action::Status, &[agent("web")]);
    assert!(matches!(outcome, Outcome::NotAsked { .. }), "{outcome:?}");
    let outcome = daemon.run(2, Action::Start, &[agent("web")]);
    assert!(matches!(outcome, Outcome::NotAsked { .. }), "{outcome:?}");
    assert_eq!(bench.read("verbs"), verbs, "no agent was called");
    assert_eq!(daemon.run(1, Action::Stop, &[agent("web")]), Outcome::Success);
    assert_eq!(bench.read("verbs"), format!("{verbs}web stop\n"));
}

#[test]
fn stop_on_a_full_file_system_still_runs_and_is_recorded() {
    let mut bench = Bench::new();
    bench.sh("mkdir $D/runs && mount -t tmpfs -o size=1M,nr_inodes=100 none $D/runs");
    bench.start(Duration::from_mins(1));
    bench.service("web");
    // A successor ends what is left as soon as it runs, so this one has to outlive its SIGTERM.
    let until_gone = "touch $D/stopping; while [ -e $D/stopping ]; do sleep 0.05; done";
    bench.script("slow", &format!("[ $1 = stop ] || exit 0; trap '' TERM; {until_gone}"));
    let (mut daemon, _) = bench.greeted();
    for (group, name) in [(1, "web"), (2, "slow")] {
        assert_eq!(daemon.run(group, Action::Start, &[agent(name)]), Outcome::Success);
    }
    bench.sh("cd $D/runs; dd if=/dev/zero of=fill bs=4k 2>/dev/null; ! echo more >more");
    bench.sh("cd $D/runs; I=0; while true >inode$I; do I=$((I+1)); done 2>/dev/null; true");
    let outcome = daemon.run(3, Action::Start, &[agent("web")]);
    assert!(matches!(outcome, Outcome::NotAsked { .. }), "{outcome:?}");
    assert_eq!(daemon.run(1, Action::Stop, &[agent("web")]), Outcome::Success);
    daemon.ask(2, Action::Stop, &[agent("slow")]);
    until("it is being stopped", || bench.path("stopping").exists().then_some(()));
    bench.kill();
    bench.start(Duration::from_mins(1));
    let (_daemon, hello) = bench.greeted();
    let Report::Hello { unfinished, .. } = hello else { unreachable!() };
    let told: Vec<_> = unfinished.iter().map(|run| (run.group, run.action)).collect();
    assert_eq!(told, [(GroupKey(2), Action::Stop)], "a successor knows of the stop");
}

#[test]
fn script_without_its_interpreter_fails_with_code_126() {
    let bench = bench();
    bench.script("web", "");
    let path = bench.path("ha.d/resource.d/web");
    std::fs::write(&path, "#!/nonexistent/interpreter\n").unwrap();
    let (mut daemon, _) = bench.greeted();
    let outcome = daemon.run(1, Action::Stop, &[agent("web")]);
    assert!(matches!(outcome, Outcome::Failed { code: 126, .. }), "{outcome:?}");
}
