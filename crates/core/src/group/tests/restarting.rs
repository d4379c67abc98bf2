//! A part of a group restarts, or the whole group is given up.

use super::*;
use crate::ResourceState;

/// Three steps: the middle one has failed.
#[test]
fn restart_stops_failed_resource_and_all_to_its_right_and_starts_them_again() {
    use Action::{Start, Stop};
    use ResourceState::{Restarting, Running};
    let mut runner = Runner::new(GroupId(0), &[address(1), agent("one"), agent("two")]);
    let mut next = JobId(0);
    runner.adopt();
    runner.restart(1);
    let states: Vec<_> = runner.resources().map(|(state, _)| state).collect();
    assert_eq!(states, [Running, Restarting, Restarting]);
    let mut jobs = Vec::new();
    while let Some(job) = runner.poll(Time::START, &mut next) {
        jobs.push((job.action, job.first, job.is_restart));
        runner.done(Time::START, job.id, Outcome::Success);
    }
    // What was just stopped is started without being asked first: its agent may lie, or hang.
    let expected = [(Stop, 2, false), (Stop, 1, false), (Start, 1, true), (Start, 2, true)];
    assert_eq!((jobs, runner.is_active()), (expected.to_vec(), true));
}

#[test]
fn start_after_failed_restart_asks_first() {
    let mut runner = Runner::new(GroupId(0), &[address(1), agent("one")]);
    let mut next = JobId(0);
    runner.adopt();
    runner.restart(1);
    end(&mut runner, &mut next, Outcome::Success);
    assert_eq!(end(&mut runner, &mut next, Outcome::Failed(1)).0, (Action::Start, 1, 1));
    while !runner.is_idle() {
        end(&mut runner, &mut next, Outcome::Success);
    }
    runner.start();
    end(&mut runner, &mut next, Outcome::Success);
    let job = runner.poll(Time::START, &mut next).expect("a start is due");
    assert_eq!((job.action, job.first, job.is_restart), (Action::Start, 1, false));
}

/// Addresses may have expired while no executor was there.
#[test]
fn restart_that_loses_its_executor_starts_again_from_first_resource() {
    let mut runner = Runner::new(GroupId(0), &[address(1), agent("one")]);
    let mut next = JobId(0);
    runner.adopt();
    runner.restart(1);
    runner.poll(Time::START, &mut next).expect("a stop is due");
    runner.lose_job();
    let mut jobs = Vec::new();
    while let Some(job) = runner.poll(Time::START, &mut next) {
        jobs.push((job.action, job.first, job.is_restart));
        runner.done(Time::START, job.id, Outcome::Success);
    }
    let (stop, start) = (Action::Stop, Action::Start);
    assert_eq!(jobs, [(stop, 1, false), (start, 0, false), (start, 1, false)]);
}

/// The whole group is to stop while a part of it restarts.
#[test]
fn stop_during_restart_stops_whole_group() {
    let mut runner = Runner::new(GroupId(0), &[address(1), agent("one")]);
    let mut next = JobId(0);
    runner.adopt();
    runner.restart(1);
    let job = runner.poll(Time::START, &mut next).expect("a stop is due");
    runner.stop();
    runner.done(Time::START, job.id, Outcome::Success);
    assert_eq!(end(&mut runner, &mut next, Outcome::Success).0, (Action::Stop, 0, 1));
    assert!(runner.is_idle());
}

#[test]
fn group_given_up_stops_from_right_to_left_as_failed() {
    let (mut runner, mut next) = (Runner::new(GroupId(0), &[agent("one")]), JobId(0));
    runner.adopt();
    runner.give_up();
    let job = runner.poll(Time::START, &mut next).expect("a stop is due");
    let progress = runner.done(Time::START, job.id, Outcome::Success);
    assert_eq!(progress, Progress::Stopped { failed: true });
}
