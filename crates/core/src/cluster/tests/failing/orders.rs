//! Orders for groups that failed.

use super::*;

#[test]
fn retry_order_after_repair_starts_failed_group_again() {
    let mut pair = Pair::new(Failback::On);
    pair.node(A).fails = Some(FIRST);
    pair.until("the other runs it", |pair| pair.runs(B) == [FIRST, SECOND]);
    pair.pass(Duration::from_secs(2));
    let now = pair.now;
    pair.node(B).order(now, Order::Retry(None));
    pair.node(A).order(now, Order::Retry(Some(SECOND)));
    pair.pass(Duration::from_secs(2));
    for id in [A, B] {
        assert_eq!(pair.node(id).answers, [Err(OrderRefusal::NothingFailed)]);
    }
    pair.node(A).fails = None;
    let now = pair.now;
    pair.node(A).order(now, Order::Retry(Some(FIRST)));
    pair.until("it goes home", |pair| pair.runs(A) == [FIRST]);
    pair.pass(Duration::from_secs(1));
    assert_eq!(pair.node(A).answers.last(), Some(&Ok(())));
    assert!(pair.node(B).snapshot().groups[0].failures.is_empty());
}

#[test]
fn stop_order_waits_until_blocked_group_is_stopped_by_retry() {
    let mut pair = Pair::settled(Failback::Off);
    pair.node(A).stuck = Some(FIRST);
    let now = pair.now;
    pair.node(A).order(now, Order::Stop);
    pair.until("it is blocked", |pair| pair.node(B).phase(FIRST) == Phase::Blocked);
    pair.pass(Duration::from_secs(5));
    assert!(!pair.node(A).has_ended, "a goodbye would let the other node start it");
    pair.node(A).stuck = None;
    let now = pair.now;
    pair.node(A).order(now, Order::Retry(None));
    pair.until("it ends", |pair| pair.node(A).has_ended);
    pair.until("the other node has all", |pair| pair.runs(B) == [FIRST, SECOND]);
}

/// A voluntary stop of a blocked group whose addresses are just being released.
#[test]
fn retry_order_while_addresses_are_released_is_not_lost() {
    let address = crate::AddressSpec {
        address: std::net::Ipv4Addr::LOCALHOST.into(),
        prefix: None,
        interface: None,
        broadcast: None,
    };
    let kind = ResourceKind::Address(address);
    let resources = vec![Resource { word: "127.0.0.1".to_owned(), kind }, agent("first")];
    let of = |id| {
        let mut settings = settings(id, Failback::Off);
        settings.stop_failure = StopFailure::ReleaseAddress;
        settings.groups[0].resources.clone_from(&resources);
        Some(Node::with(settings, 1))
    };
    let mut pair = Pair::of([of(A), of(B)]);
    pair.until("each runs its own", |pair| pair.runs(A) == [FIRST] && pair.runs(B) == [SECOND]);
    pair.pass(Duration::from_secs(1));
    pair.node(A).holds_jobs = true;
    let now = pair.now;
    pair.node(A).cluster.handle(now, &Input::LetGo(FIRST));
    let mut is_retried = false;
    for _ in 0..60_000 {
        pair.step();
        let now = pair.now;
        for job in std::mem::take(&mut pair.node(A).held) {
            let is_address = job.first == 0;
            if is_address && !is_retried && pair.node(A).phase(FIRST) == Phase::Blocked {
                is_retried = true;
                pair.node(A).order(now, Order::Retry(None));
            }
            // After the retry everything can be stopped.
            let outcome = match job.action {
                Action::Stop if is_address || is_retried => Outcome::Success,
                Action::Stop => Outcome::Failed(1),
                Action::Start | Action::Status | Action::Monitor => Outcome::Running,
            };
            pair.node(A).cluster.handle(now, &Input::JobDone { job: job.id, outcome });
        }
    }
    let phase = pair.node(A).phase(FIRST);
    assert!(is_retried && (phase == Phase::Stopped || pair.runs(B).contains(&FIRST)), "{phase:?}");
}

#[test]
fn takeover_order_starts_failed_group_of_dead_owner() {
    let mut pair = Pair::settled(Failback::Off);
    pair.node(B).fails = Some(FIRST);
    pair.end(A);
    pair.until("B could not", |pair| pair.node(B).phase(FIRST) == Phase::Failed);
    pair.node(B).fails = None;
    pair.pass(Duration::from_secs(1));
    pair.node(B).answers.clear();
    let now = pair.now;
    pair.node(B).order(now, Order::TakeoverGroup(FIRST));
    pair.until("it runs", |pair| pair.runs(B) == [FIRST, SECOND]);
    assert_eq!(pair.node(B).answers, [Ok(())]);
}

#[test]
fn standby_of_group_failed_on_both_nodes_is_refused_as_not_here() {
    let mut pair = Pair::new(Failback::Off);
    for id in [A, B] {
        pair.node(id).fails = Some(FIRST);
    }
    pair.until("both could not", |pair| [A, B].iter().all(|id| pair.node(*id).has_failed(FIRST)));
    pair.pass(Duration::from_secs(1));
    for id in [A, B] {
        let now = pair.now;
        pair.node(id).order(now, Order::StandbyGroup(FIRST));
        pair.step();
        assert_eq!(pair.node(id).answers, [refused(Refusal::NotHere)], "{id:?}");
    }
}

#[test]
fn takeover_of_local_groups_stopping_or_blocked_here_is_refused() {
    let mut pair = Pair::settled(Failback::Off);
    (pair.node(A).stuck, pair.node(A).holds_jobs) = (Some(FIRST), true);
    let now = pair.now;
    pair.node(A).order(now, Order::Standby(GroupSet::Local));
    let is_stop = |job: &crate::Job| job.action == Action::Stop;
    pair.until("it is being stopped", |pair| pair.node(A).held.iter().any(is_stop));
    let now = pair.now;
    pair.node(A).order(now, Order::Takeover(GroupSet::Local));
    pair.step();
    assert_eq!(pair.node(A).answers, [refused(Refusal::LocalInFlux)]);
    let now = pair.now;
    pair.node(A).holds_jobs = false;
    pair.node(A).finish_jobs(now);
    pair.until("it is blocked", |pair| pair.node(A).phase(FIRST) == Phase::Blocked);
    pair.node(A).answers.clear();
    let now = pair.now;
    pair.node(A).order(now, Order::Takeover(GroupSet::Local));
    pair.step();
    assert_eq!(pair.node(A).answers, [refused(Refusal::CannotStop)]);
}

#[test]
fn takeover_refused_keeps_recorded_start_failure() {
    let mut pair = Pair::new(Failback::Off);
    pair.node(A).fails = Some(FIRST);
    pair.until("B runs both", |pair| pair.runs(B) == [FIRST, SECOND]);
    pair.pass(Duration::from_secs(1));
    pair.node(B).holds_jobs = true;
    let now = pair.now;
    pair.node(B).cluster.handle(now, &Input::LetGo(SECOND));
    pair.pass(Duration::from_millis(500));
    let now = pair.now;
    pair.node(A).answers.clear();
    pair.node(A).order(now, Order::TakeoverGroup(FIRST));
    pair.step();
    assert_eq!(pair.node(A).answers, [refused(Refusal::RemoteInFlux)]);
    assert!(pair.node(A).has_failed(FIRST));
}
