use super::*;
use crate::{AddressSpec, ResourceKind};
use std::net::{IpAddr, Ipv4Addr};

mod failing;
mod giving_way;
mod restarting;

fn address(last: u8) -> Resource {
    let address = IpAddr::V4(Ipv4Addr::new(192, 0, 2, last));
    let spec = AddressSpec { address, prefix: None, interface: None, broadcast: None };
    Resource { word: address.to_string(), kind: ResourceKind::Address(spec) }
}

fn agent(name: &str) -> Resource {
    let kind = ResourceKind::Agent { name: name.to_owned(), arguments: Vec::new() };
    Resource { word: name.to_owned(), kind }
}

/// Two addresses, then two agents.
fn runner() -> (Runner, JobId) {
    let resources = [address(1), address(2), agent("one"), agent("two")];
    (Runner::new(GroupId(0), &resources), JobId(0))
}

/// Ends the next job with this outcome. Returns the job and the progress.
fn end(
    runner: &mut Runner,
    next: &mut JobId,
    outcome: Outcome,
) -> ((Action, usize, usize), Progress) {
    let job = runner.poll(Time::START, next).expect("a job is due");
    assert_eq!(runner.poll(Time::START, next), None, "one job at a time");
    let progress = runner.done(Time::START, job.id, outcome);
    ((job.action, job.first, job.count), progress)
}

#[test]
fn resources_start_left_to_right_and_stop_right_to_left() {
    use Action::{Start, Stop};
    let (mut runner, mut next) = runner();
    runner.start();
    let mut step = |runner: &mut Runner, outcome| end(runner, &mut next, outcome);
    assert_eq!(step(&mut runner, Outcome::Success), ((Start, 0, 2), Progress::None));
    assert_eq!(step(&mut runner, Outcome::Success), ((Start, 2, 1), Progress::None));
    assert_eq!(step(&mut runner, Outcome::Success), ((Start, 3, 1), Progress::Started));
    assert!(runner.is_active());
    runner.stop();
    assert_eq!(step(&mut runner, Outcome::Success), ((Stop, 3, 1), Progress::None));
    assert_eq!(step(&mut runner, Outcome::Success), ((Stop, 2, 1), Progress::None));
    let stopped = Progress::Stopped { failed: false };
    assert_eq!(step(&mut runner, Outcome::Success), ((Stop, 0, 2), stopped));
    assert!(runner.is_idle());
}

#[test]
fn stop_during_start_waits_for_running_agent() {
    let (mut runner, mut next) = runner();
    runner.start();
    let job = runner.poll(Time::START, &mut next).expect("a job is due");
    runner.stop();
    assert_eq!(runner.poll(Time::START, &mut next), None);
    assert_eq!(runner.done(Time::START, job.id, Outcome::Success), Progress::None);
    assert_eq!(end(&mut runner, &mut next, Outcome::Success).0, (Action::Stop, 3, 1));
}

#[test]
fn job_ending_after_let_go_changes_nothing() {
    let (mut runner, mut next) = runner();
    runner.start();
    let job = runner.poll(Time::START, &mut next).expect("a job is due");
    runner.let_go();
    assert_eq!(runner.done(Time::START, job.id, Outcome::Success), Progress::None);
    assert_eq!(end(&mut runner, &mut next, Outcome::Success).0, (Action::Stop, 3, 1));
}

#[test]
fn empty_group_starts_and_stops_at_once() {
    let mut runner = Runner::new(GroupId(0), &[]);
    runner.start();
    assert!(runner.is_active());
    runner.stop();
    assert!(runner.is_idle());
}

/// Stops a running group whose last resource cannot be stopped.
fn stuck() -> (Runner, JobId, Time) {
    let (mut runner, mut next) = runner();
    let mut now = Time::START;
    runner.adopt();
    runner.stop();
    while !runner.is_stuck() {
        let job = runner.poll(now, &mut next).expect("a job is due");
        assert_eq!(job.first, 3, "nothing left of it is stopped");
        let outcome =
            if job.action == Action::Stop { Outcome::Failed(1) } else { Outcome::Running };
        let progress = runner.done(now, job.id, outcome);
        assert_ne!(progress, Progress::Stopped { failed: false });
        now = runner.deadline().unwrap_or(now);
    }
    (runner, next, now)
}

#[test]
fn stuck_group_rests_until_stopped_again() {
    let (mut runner, mut next, now) = stuck();
    assert!(runner.is_settled() && !runner.is_idle());
    assert_eq!((runner.poll(now, &mut next), runner.deadline()), (None, None));
    runner.start();
    assert_eq!(runner.poll(now, &mut next), None, "only what is idle is started");
    runner.stop();
    assert_eq!(end(&mut runner, &mut next, Outcome::Success).0, (Action::Stop, 3, 1));
    assert_eq!(end(&mut runner, &mut next, Outcome::Success).0, (Action::Stop, 2, 1));
    let stopped = Progress::Stopped { failed: false };
    assert_eq!(end(&mut runner, &mut next, Outcome::Success).1, stopped);
}

#[test]
fn stuck_group_can_release_addresses_left_of_stuck_resource() {
    let (mut runner, mut next, _) = stuck();
    runner.release_addresses();
    assert!(runner.is_stuck() && !runner.is_settled());
    // An agent between the addresses stays as it is.
    let (job, progress) = end(&mut runner, &mut next, Outcome::Success);
    assert_eq!((job, progress), ((Action::Stop, 0, 2), Progress::None));
    assert!(runner.is_stuck() && runner.is_settled());
    assert_eq!(runner.poll(Time::START, &mut next), None);
}

#[test]
fn job_cancelled_is_asked_for_again_after_retry_delay() {
    let (mut runner, mut next) = runner();
    runner.start();
    let (job, progress) = end(&mut runner, &mut next, Outcome::Cancelled);
    assert_eq!((job, progress), ((Action::Start, 0, 2), Progress::None));
    assert_eq!(runner.poll(Time::START, &mut next), None);
    assert_eq!(runner.deadline(), Some(Time::START + RETRY_DELAY));
    let job = runner.poll(Time::START + RETRY_DELAY, &mut next).expect("a start is due");
    assert_eq!((job.action, job.first), (Action::Start, 0));
    runner.done(Time::START, job.id, Outcome::Cancelled);
    runner.stop();
    assert_eq!(end(&mut runner, &mut next, Outcome::Cancelled).0, (Action::Stop, 3, 1));
    let later = Time::START + RETRY_DELAY;
    let job = runner.poll(later, &mut next).expect("the stop is asked for again");
    assert_eq!((job.action, job.first), (Action::Stop, 3));
}

/// Asks repeatedly in vain. Returns how long the wait was each time, and the last progress.
fn ask_in_vain(runner: &mut Runner, times: usize) -> (Vec<u64>, Progress) {
    let (mut next, mut now) = (JobId(0), Time::START);
    let (mut waits, mut progress) = (Vec::new(), Progress::None);
    for _ in 0..times {
        let job = runner.poll(now, &mut next).expect("a job is due");
        progress = runner.done(now, job.id, Outcome::NotAsked);
        let due = runner.deadline().unwrap_or(now);
        waits.push(due.since(now).as_secs());
        now = due;
    }
    (waits, progress)
}

#[test]
fn group_let_go_while_stopping_continues_to_stop() {
    let (mut runner, mut next) = runner();
    runner.adopt();
    runner.stop();
    end(&mut runner, &mut next, Outcome::Success);
    runner.let_go();
    assert_eq!(end(&mut runner, &mut next, Outcome::Success).0, (Action::Stop, 2, 1));
    let job = runner.poll(Time::START, &mut next).expect("a stop is due");
    runner.let_go();
    let progress = runner.done(Time::START, job.id, Outcome::Success);
    assert_eq!(progress, Progress::Stopped { failed: false });
}

/// A group of an address and an agent in a given state, with its job if one runs in that state.
fn runner_in(state: &str) -> (Runner, JobId) {
    let mut runner = Runner::new(GroupId(0), &[address(1), agent("one")]);
    let (mut next, mut now) = (JobId(0), Time::START);
    let mut end = |runner: &mut Runner, outcome| {
        let job = runner.poll(now, &mut next).expect("a job is due");
        runner.done(now, job.id, outcome);
        now = runner.deadline().unwrap_or(now);
    };
    match state {
        "idle" => {}
        "starting" | "starting, to stop" => runner.start(),
        "active" => runner.adopt(),
        "restarting" => {
            runner.adopt();
            runner.restart(1);
        }
        "stopping" | "looking" | "stuck" | "releasing" => {
            runner.adopt();
            runner.stop();
        }
        other => panic!("no state is called {other}"),
    }
    if matches!(state, "looking" | "stuck" | "releasing") {
        (0..=STOP_RETRIES).for_each(|_| end(&mut runner, Outcome::Failed(1)));
    }
    if matches!(state, "stuck" | "releasing") {
        end(&mut runner, Outcome::Running);
    }
    if state == "releasing" {
        runner.release_addresses();
    }
    runner.poll(now, &mut next);
    if state == "starting, to stop" {
        runner.stop();
    }
    assert_eq!(runner.state_name(), state);
    (runner, next)
}

/// Transitions that the simulated worlds do not reach: (state, input) → the state after it.
#[rustfmt::skip]
const RARE: [(&str, &str, &str); 67] = [
    // It is unknown what runs, or nothing does.
    ("idle", "abandon", "idle"),
    ("starting", "abandon", "idle"),
    ("active", "abandon", "idle"),
    ("stopping", "abandon", "idle"),
    ("looking", "abandon", "idle"),
    ("stuck", "abandon", "idle"),
    ("releasing", "abandon", "idle"),
    ("idle", "past job", "idle"),
    ("active", "past job", "active"),
    ("stuck", "past job", "stuck"),
    ("stuck", "let go", "stopping"),
    ("starting", "past job", "starting"),
    ("starting, to stop", "past job", "starting, to stop"),
    ("stopping", "past job", "stopping"),
    ("looking", "past job", "looking"),
    ("releasing", "past job", "releasing"),
    // An agent that answers what it was not asked has not started anything.
    // The executor had no permit.
    ("starting", "cancelled", "starting"),
    ("starting", "missing", "stopping"),
    ("starting", "running", "stopping"),
    ("starting", "not running", "stopping"),
    // Whatever the outcome, the group stops.
    ("starting, to stop", "executor gone", "stopping"),
    ("starting, to stop", "failed", "stopping"),
    ("starting, to stop", "stop", "starting, to stop"),
    ("starting, to stop", "missing", "stopping"),
    ("starting, to stop", "running", "stopping"),
    ("starting, to stop", "not running", "stopping"),
    ("starting, to stop", "let go", "stopping"),
    ("starting, to stop", "not asked", "stopping"),
    // A failure on this node is no answer.
    ("stopping", "cancelled", "stopping"),
    ("starting", "not asked", "starting"),
    ("stopping", "not asked", "stopping"),
    ("looking", "not asked", "looking"),
    // A missing agent has started nothing; an agent that answers something else is asked again.
    ("stopping", "missing", "stopping"),
    ("stopping", "running", "stopping"),
    ("stopping", "not running", "stopping"),
    // The status check after failed stops: only a plain "no" counts.
    ("looking", "stop", "looking"),
    ("looking", "let go", "looking"),
    ("looking", "executor gone", "looking"),
    ("looking", "cancelled", "looking"),
    ("looking", "missing", "stopping"),
    ("looking", "not running", "stopping"),
    ("looking", "success", "stuck"),
    // Addresses are stopped without the resources to their right: an address that stays is lost in
    // time.
    ("releasing", "stop", "releasing"),
    ("releasing", "executor gone", "releasing"),
    ("releasing", "let go", "stopping"),
    ("releasing", "cancelled", "stuck"),
    ("releasing", "missing", "stuck"),
    ("releasing", "failed", "stuck"),
    ("releasing", "running", "stuck"),
    ("releasing", "not running", "stuck"),
    ("releasing", "timed out", "stuck"),
    ("releasing", "not asked", "stuck"),
    // A resource that has failed is stopped, with what is right of it, and starts again.
    ("active", "restart", "restarting"),
    ("active", "give up", "stopping"),
    ("restarting", "abandon", "idle"),
    ("restarting", "past job", "restarting"),
    ("restarting", "stop", "stopping"),
    ("restarting", "let go", "stopping"),
    ("restarting", "executor gone", "restarting"),
    ("restarting", "success", "starting"),
    ("restarting", "missing", "starting"),
    ("restarting", "running", "restarting"),
    ("restarting", "not running", "restarting"),
    ("restarting", "failed", "restarting"),
    ("restarting", "timed out", "restarting"),
    ("restarting", "cancelled", "restarting"),
    ("restarting", "not asked", "restarting"),
];

#[test]
pub(super) fn runner_at_rare_input_reaches_listed_state() {
    for (state, input, after) in RARE {
        let (mut runner, job) = runner_in(state);
        let done = |runner: &mut Runner, outcome| {
            runner.done(Time::START, job, outcome);
        };
        match input {
            "past job" => {
                runner.done(Time::START, JobId(99), Outcome::Success);
            }
            "success" => done(&mut runner, Outcome::Success),
            "running" => done(&mut runner, Outcome::Running),
            "not running" => done(&mut runner, Outcome::NotRunning),
            "failed" => done(&mut runner, Outcome::Failed(1)),
            "timed out" => done(&mut runner, Outcome::TimedOut),
            "missing" => done(&mut runner, Outcome::Missing),
            "cancelled" => done(&mut runner, Outcome::Cancelled),
            "not asked" => done(&mut runner, Outcome::NotAsked),
            "stop" => runner.stop(),
            "restart" => runner.restart(1),
            "give up" => runner.give_up(),
            "let go" => runner.let_go(),
            "executor gone" => runner.lose_job(),
            "abandon" => {
                runner.lose_job();
                runner.abandon();
            }
            other => panic!("no input is called {other}"),
        }
        assert_eq!(runner.state_name(), after, "{input} when {state}");
    }
}
