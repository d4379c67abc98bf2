//! A set that is handed over: each group of it goes on its own.

use super::pair::Pair;
use super::*;

/// How long the healthy group of a set has no owner while the stop of another group of that set
/// does not end.
#[test]
fn group_of_set_moves_without_waiting_for_failing_stop_of_another_group() {
    let mut pair = Pair::settled(Failback::Off);
    let now = pair.now;
    pair.node(B).order(now, Order::Standby(GroupSet::All));
    pair.until("all at A", |pair| pair.runs(A) == [FIRST, SECOND]);
    pair.pass(Duration::from_secs(1));
    pair.node(A).stuck = Some(SECOND);
    let now = pair.now;
    pair.node(A).order(now, Order::Standby(GroupSet::All));
    let mut down = Duration::ZERO;
    for _ in 0..60_000 {
        pair.step();
        if !pair.runs(A).contains(&FIRST) && !pair.runs(B).contains(&FIRST) {
            down += Duration::from_millis(1);
        }
    }
    assert!(down < Duration::from_secs(2), "{down:?}");
}

/// A healthy set goes home automatically; one of its agents works but is slow.
#[test]
fn quick_group_at_failback_does_not_wait_for_slow_group() {
    let of = |id, generation| {
        let mut settings = settings(id, Failback::On);
        settings.groups[1].preferred = A;
        Some(Node::with(settings, generation))
    };
    let mut pair = Pair::of([of(A, 1), of(B, 1)]);
    pair.until("all at A", |pair| pair.runs(A) == [FIRST, SECOND]);
    pair.pass(Duration::from_secs(1));
    pair.end(A);
    pair.until("all at B", |pair| pair.runs(B) == [FIRST, SECOND]);
    pair.pass(Duration::from_secs(1));
    pair.node(B).holds_jobs = true;
    pair.nodes[0] = of(A, 2);
    pair.until("both stops are asked for", |pair| pair.node(B).held.len() == 2);
    let jobs = std::mem::take(&mut pair.node(B).held);
    pair.node(B).holds_jobs = false;
    let now = pair.now;
    // The first job ends at once, the second after a minute.
    let (quick, slow) = (jobs[0], jobs[1]);
    pair.node(B).run(now, quick);
    let mut down = Duration::ZERO;
    for _ in 0..60_000 {
        pair.step();
        if !pair.runs(A).contains(&quick.group) && !pair.runs(B).contains(&quick.group) {
            down += Duration::from_millis(1);
        }
    }
    let now = pair.now;
    pair.node(B).run(now, slow);
    assert!(down < Duration::from_secs(2), "{down:?}");
}

/// A person gives everything away; the agent of one group can never be asked to stop.
#[test]
fn standby_with_stop_that_cannot_be_asked_ends_as_cannot_stop() {
    let mut pair = Pair::settled(Failback::Off);
    let now = pair.now;
    pair.node(B).order(now, Order::Standby(GroupSet::All));
    pair.until("all at A", |pair| pair.runs(A) == [FIRST, SECOND]);
    pair.pass(Duration::from_secs(1));
    pair.node(A).holds_jobs = true;
    let now = pair.now;
    pair.node(A).order(now, Order::Standby(GroupSet::All));
    let mut down = Duration::ZERO;
    for _ in 0..600_000 {
        pair.step();
        let now = pair.now;
        for job in std::mem::take(&mut pair.node(A).held) {
            let node = pair.node(A);
            if job.group == SECOND {
                let outcome = Outcome::NotAsked;
                node.cluster.handle(now, &Input::JobDone { job: job.id, outcome });
            } else {
                node.holds_jobs = false;
                node.run(now, job);
                node.holds_jobs = true;
            }
        }
        if !pair.runs(A).contains(&FIRST) && !pair.runs(B).contains(&FIRST) {
            down += Duration::from_millis(1);
        }
    }
    assert!(down < Duration::from_secs(2), "{down:?}");
    assert_eq!(pair.node(A).answers, [refused(Refusal::CannotStop)]);
}
