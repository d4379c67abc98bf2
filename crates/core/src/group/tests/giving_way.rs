//! Addresses are stopped first if another node has the group too.

use super::*;

#[test]
fn giving_way_releases_addresses_before_any_service_stops() {
    use Action::Stop;
    let (mut runner, mut next) = runner();
    runner.adopt();
    runner.give_way();
    let mut step = |runner: &mut Runner, outcome| end(runner, &mut next, outcome).0;
    assert_eq!(step(&mut runner, Outcome::Success), (Stop, 0, 2));
    assert!(runner.may_run() && !runner.is_settled());
    assert_eq!(step(&mut runner, Outcome::Success), (Stop, 3, 1));
    assert_eq!(step(&mut runner, Outcome::Success), (Stop, 2, 1));
    assert_eq!(step(&mut runner, Outcome::Success), (Stop, 0, 2), "and what came back since");
    assert!(runner.is_idle());
}

#[test]
fn giving_way_during_start_or_stop_releases_addresses_next() {
    use Action::{Start, Stop};
    for outcome in [Outcome::Success, Outcome::Failed(1), Outcome::TimedOut, Outcome::NotAsked] {
        for is_starting in [true, false] {
            let (mut runner, mut next) = runner();
            if is_starting {
                runner.start();
                end(&mut runner, &mut next, Outcome::Success);
            } else {
                runner.adopt();
                runner.stop();
            }
            let job = runner.poll(Time::START, &mut next).expect("an agent is asked");
            assert_eq!(job.action, if is_starting { Start } else { Stop });
            runner.give_way();
            runner.done(Time::START, job.id, outcome);
            let first = end(&mut runner, &mut next, Outcome::Success).0;
            assert_eq!(first, (Stop, 0, 2), "{outcome:?}, starting: {is_starting}");
            assert_eq!(end(&mut runner, &mut next, Outcome::Success).0, (Stop, 3, 1));
        }
    }
}

/// A service takes its time to stop when this node hears that another node has the group too.
#[test]
fn giving_way_during_slow_service_stop_releases_addresses_in_parallel() {
    use Action::Stop;
    let resources = [address(1), agent("one"), address(2), agent("two"), agent("three")];
    let (mut runner, mut next) = (Runner::new(GroupId(0), &resources), JobId(0));
    runner.adopt();
    runner.stop();
    let slow = runner.poll(Time::START, &mut next).expect("a service is stopped");
    assert_eq!(runner.poll_aside(Time::START, &mut next), None, "nobody else has it");
    runner.give_way();
    for place in [2, 0] {
        let aside = runner.poll_aside(Time::START, &mut next).expect("addresses go");
        assert_eq!((aside.action, aside.first, aside.count), (Stop, place, 1));
        assert_eq!(runner.poll_aside(Time::START, &mut next), None, "one after the other");
        runner.give_way();
        assert_eq!(runner.aside_done(slow.id), None);
        assert_eq!(runner.aside_done(aside.id).map(|(job, _)| job), Some(aside));
    }
    assert_eq!(runner.poll_aside(Time::START, &mut next), None, "all have gone");
    runner.done(Time::START, slow.id, Outcome::Success);
    for place in [3, 2, 1, 0] {
        assert_eq!(end(&mut runner, &mut next, Outcome::Success).0, (Stop, place, 1));
    }
    assert!(runner.is_idle());
}

/// A late removal must not hit the next start.
#[test]
fn giving_way_at_stop_of_last_service_releases_no_address() {
    let resources = [agent("one"), address(1), agent("two")];
    let (mut runner, mut next) = (Runner::new(GroupId(0), &resources), JobId(0));
    runner.adopt();
    runner.stop();
    for _ in 0..2 {
        end(&mut runner, &mut next, Outcome::Success);
    }
    let last = runner.poll(Time::START, &mut next).expect("the last one is stopped");
    runner.give_way();
    assert_eq!(runner.poll_aside(Time::START, &mut next), None);
    runner.done(Time::START, last.id, Outcome::Success);
    assert!(runner.is_idle());
}

/// The next executor may have found the addresses that were removed, or were to be removed.
#[test]
fn giving_way_survives_executor_loss_and_releases_addresses_first() {
    use Action::Stop;
    for (has_begun, lets_go) in [(false, false), (true, false), (false, true), (true, true)] {
        let (mut runner, mut next) = runner();
        runner.adopt();
        if has_begun {
            runner.stop();
            runner.poll(Time::START, &mut next).expect("a service is stopped");
            runner.give_way();
            runner.poll_aside(Time::START, &mut next).expect("addresses go");
        } else {
            runner.give_way();
        }
        runner.lose_job();
        if lets_go {
            runner.let_go();
        }
        let first = end(&mut runner, &mut next, Outcome::Success).0;
        assert_eq!(first, (Stop, 0, 2), "begun {has_begun}, let go {lets_go}");
        assert_eq!(end(&mut runner, &mut next, Outcome::Success).0, (Stop, 3, 1));
    }
}

/// The stop of the service fails and is to be retried while the executor has not answered for the
/// addresses yet: a poll must do whatever is due, or the shell spins.
#[test]
fn stop_retry_waiting_for_released_addresses_is_not_due() {
    let resources = [address(1), agent("one"), agent("two")];
    let (mut runner, mut next) = (Runner::new(GroupId(0), &resources), JobId(0));
    runner.adopt();
    runner.stop();
    let slow = runner.poll(Time::START, &mut next).expect("a service is stopped");
    runner.give_way();
    let aside = runner.poll_aside(Time::START, &mut next).expect("addresses go");
    runner.done(Time::START, slow.id, Outcome::Failed(1));
    let later = Time::START + Duration::from_mins(1);
    let due = runner.deadline();
    assert_eq!(runner.poll(later, &mut next), None, "{aside:?} goes on");
    assert!(due.is_none_or(|due| due > later), "due at {due:?}, and nothing is done");
}

/// During the status check after failed stops, which finds that the service runs, this node hears
/// that another node has the group.
#[test]
fn giving_way_during_status_check_releases_addresses_of_stuck_group() {
    let (mut runner, mut next) = runner();
    runner.adopt();
    runner.stop();
    let mut now = Time::START;
    let look = loop {
        let job = runner.poll(now, &mut next).expect("an agent is asked");
        if job.action == Action::Status {
            break job;
        }
        runner.done(now, job.id, Outcome::Failed(1));
        now = now + Duration::from_secs(2);
    };
    runner.give_way();
    runner.done(now, look.id, Outcome::Running);
    let next_job = runner.poll(now, &mut next).or_else(|| runner.poll_aside(now, &mut next));
    assert_eq!(
        next_job.map(|job| (job.action, job.first, job.count)),
        Some((Action::Stop, 0, 2)),
        "both have the addresses"
    );
}
