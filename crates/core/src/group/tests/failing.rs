//! Agents that fail, are missing, or cannot be asked.

use super::*;

#[test]
fn start_failing_stops_whole_group() {
    let (mut runner, mut next) = runner();
    runner.start();
    end(&mut runner, &mut next, Outcome::Success);
    let (_, progress) = end(&mut runner, &mut next, Outcome::Failed(1));
    assert_eq!(progress, Progress::StartFailed { resource: 2, outcome: Outcome::Failed(1) });
    assert_eq!(end(&mut runner, &mut next, Outcome::Success).0, (Action::Stop, 3, 1));
    assert_eq!(end(&mut runner, &mut next, Outcome::Success).0, (Action::Stop, 2, 1));
    let (_, progress) = end(&mut runner, &mut next, Outcome::Success);
    assert_eq!(progress, Progress::Stopped { failed: true });
}

#[test]
fn agent_missing_fails_start_and_does_not_delay_stop() {
    let mut runner = Runner::new(GroupId(0), &[agent("none")]);
    let mut next = JobId(0);
    runner.start();
    let (_, progress) = end(&mut runner, &mut next, Outcome::Missing);
    assert_eq!(progress, Progress::StartFailed { resource: 0, outcome: Outcome::Missing });
    let (_, progress) = end(&mut runner, &mut next, Outcome::Missing);
    assert_eq!(progress, Progress::Stopped { failed: true });
}

#[test]
fn stop_failing_is_retried_ten_times_and_then_checked_by_status() {
    for (outcome, end_state) in [
        (Outcome::NotRunning, Progress::StopDoubtful { resource: 0, failed: false }),
        (Outcome::Running, Progress::StopFailed { resource: 0, outcome: Outcome::TimedOut }),
        (Outcome::TimedOut, Progress::StopFailed { resource: 0, outcome: Outcome::TimedOut }),
    ] {
        let mut runner = Runner::new(GroupId(0), &[agent("stubborn")]);
        let (mut next, mut now) = (JobId(0), Time::START);
        runner.adopt();
        runner.stop();
        for _ in 0..=STOP_RETRIES {
            let job = runner.poll(now, &mut next).expect("a stop is due");
            assert_eq!(job.action, Action::Stop);
            let progress = runner.done(now, job.id, Outcome::TimedOut);
            assert!(matches!(progress, Progress::StopRetried { resource: 0, .. }));
            if let Some(deadline) = runner.deadline() {
                assert_eq!(runner.poll(now, &mut next), None, "waits before the retry");
                now = deadline;
            }
        }
        let job = runner.poll(now, &mut next).expect("a status is due");
        assert_eq!(job.action, Action::Status);
        assert_eq!(runner.done(now, job.id, outcome), end_state);
        assert!(runner.is_settled());
    }
}

#[test]
fn start_that_cannot_be_asked_fails_after_growing_delays() {
    let (mut runner, _) = runner();
    runner.start();
    let (waits, progress) = ask_in_vain(&mut runner, 4);
    assert_eq!((waits, progress), (vec![1, 2, 4, 8], Progress::None));
    let (_, mut next) = self::runner();
    let now = Time::START + 60 * RETRY_DELAY;
    let job = runner.poll(now, &mut next).expect("a start is due");
    let progress = runner.done(now, job.id, Outcome::NotAsked);
    let expected = Progress::StartFailed { resource: 0, outcome: Outcome::NotAsked };
    assert_eq!(progress, expected);
}

#[test]
fn resource_never_asked_to_start_is_not_stopped() {
    let mut first = Runner::new(GroupId(0), &[agent("one"), agent("two")]);
    first.start();
    let (_, progress) = ask_in_vain(&mut first, 5);
    assert!(matches!(progress, Progress::StartFailed { resource: 0, .. }));
    assert!(first.is_idle());
    let (mut later, mut next) = runner();
    later.start();
    assert_eq!(end(&mut later, &mut next, Outcome::Success).0, (Action::Start, 0, 2));
    ask_in_vain(&mut later, 5);
    assert_eq!(end(&mut later, &mut next, Outcome::Success).0, (Action::Stop, 0, 2));
    assert!(later.is_idle());
}

/// The kernel may have added one of the two addresses before it had no room, or both, and its
/// answer was lost.
#[test]
fn addresses_that_cannot_be_asked_to_start_are_removed_before_group_is_idle() {
    let (mut runner, mut next) = runner();
    runner.start();
    ask_in_vain(&mut runner, 5);
    assert!(!runner.is_idle());
    assert_eq!(end(&mut runner, &mut next, Outcome::Success).0, (Action::Stop, 0, 2));
    assert!(runner.is_idle());
}

#[test]
fn resource_started_by_lost_executor_is_stopped_though_start_is_not_asked() {
    let (mut runner, mut next) = runner();
    runner.start();
    runner.lose_job();
    ask_in_vain(&mut runner, 5);
    assert_eq!(end(&mut runner, &mut next, Outcome::Success).0.0, Action::Stop);
}

#[test]
fn stop_that_cannot_be_asked_is_retried_and_does_not_count_as_failed() {
    let (mut runner, _) = runner();
    runner.adopt();
    runner.stop();
    let (waits, progress) = ask_in_vain(&mut runner, 20);
    assert_eq!((&waits[..7], progress), (&[1, 2, 4, 8, 16, 32, 32][..], Progress::None));
    assert!(!runner.is_stuck(), "nothing was tried that could have failed");
}
