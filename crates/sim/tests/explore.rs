//! Every interleaving of small scopes; `SYSTOLE_SCOPE=large` explores larger ones (`just soak`).

use std::time::Duration;
use systole_sim::Scope;

/// Nothing happens, for long enough that a dead node is noticed and its groups are started.
const QUIET: Scope = Scope {
    groups: 1,
    failback: true,
    horizon: Duration::from_secs(4),
    crashes: 0,
    losses: 0,
    delays: 0,
    orders: 0,
    failures: 0,
    executor_crashes: 0,
    unplugs: 0,
    pauses: 0,
    cuts: 0,
    restarts: 0,
};

/// Explores scopes, and prints them and the number of their states.
#[expect(clippy::print_stdout, reason = "a run is played for its numbers")]
fn explore(scopes: &[Scope]) {
    for scope in scopes {
        match scope.explore() {
            Ok(explored) => println!("{scope:?}\n    {explored:?}"),
            Err(counterexample) => panic!("{counterexample}"),
        }
    }
}

/// Explores scopes that are too large for every test run.
#[expect(clippy::disallowed_methods, reason = "a soak tells how much it wants")]
fn explore_large(scopes: &[Scope]) {
    if std::env::var("SYSTOLE_SCOPE").is_ok_and(|scope| scope == "large") {
        explore(scopes);
    }
}

#[test]
fn group_after_crash_has_one_owner() {
    explore(&[Scope { crashes: 1, ..QUIET }, Scope { crashes: 1, failback: false, ..QUIET }]);
    let longer = Scope { horizon: Duration::from_secs(6), ..QUIET };
    explore_large(&[Scope { crashes: 1, ..longer }, Scope { crashes: 2, ..QUIET }]);
}

#[test]
fn group_after_lost_and_late_datagrams_has_one_owner() {
    explore(&[Scope { losses: 1, delays: 1, ..QUIET }]);
    explore_large(&[Scope { losses: 2, ..QUIET }, Scope { crashes: 1, losses: 1, ..QUIET }]);
}

#[test]
fn group_after_order_has_one_owner() {
    let shorter = Scope { horizon: Duration::from_millis(500), ..QUIET };
    explore(&[Scope { orders: 1, failback: false, ..shorter }]);
    explore_large(&[Scope { orders: 1, horizon: Duration::from_secs(2), ..QUIET }]);
    explore_large(&[
        Scope { orders: 1, failures: 1, ..shorter },
        Scope { orders: 1, crashes: 1, ..shorter },
        Scope { orders: 2, ..shorter },
    ]);
}

#[test]
fn two_groups_after_crash_or_order_have_one_owner_each() {
    let two = Scope { groups: 2, horizon: Duration::from_secs(2), ..QUIET };
    explore(&[Scope { crashes: 1, ..two }]);
    explore_large(&[Scope { orders: 1, ..two }]);
    explore_large(&[Scope { orders: 1, losses: 1, ..two }, Scope { orders: 1, crashes: 1, ..two }]);
}

#[test]
fn group_after_executor_crash_has_one_owner() {
    let shorter = Scope { horizon: Duration::from_millis(500), failback: false, ..QUIET };
    explore(&[
        Scope { executor_crashes: 1, ..QUIET },
        Scope { executor_crashes: 1, orders: 1, ..shorter },
    ]);
    explore_large(&[Scope { executor_crashes: 1, crashes: 1, failback: false, ..QUIET }]);
}

#[test]
fn group_after_carrier_loss_has_one_owner() {
    let shorter = Scope { horizon: Duration::from_millis(500), failback: false, ..QUIET };
    explore(&[Scope { unplugs: 1, ..shorter }]);
    explore_large(&[Scope { unplugs: 1, horizon: Duration::from_secs(2), ..QUIET }]);
}

#[test]
fn group_after_pause_has_one_owner() {
    explore(&[Scope { pauses: 1, ..QUIET }]);
    let shorter = Scope { horizon: Duration::from_secs(3), failback: false, ..QUIET };
    explore_large(&[Scope { pauses: 1, orders: 1, ..shorter }]);
}

#[test]
fn group_after_failed_job_has_one_owner() {
    let shorter = Scope { horizon: Duration::from_millis(500), failback: false, ..QUIET };
    explore(&[Scope { orders: 1, failures: 1, ..shorter }]);
    explore_large(&[Scope { crashes: 1, failures: 1, failback: false, ..QUIET }]);
    explore_large(&[Scope { crashes: 1, failures: 1, ..QUIET }]);
}

#[test]
fn group_after_link_cut_has_one_owner() {
    let cut = Scope { cuts: 1, failback: false, ..QUIET };
    explore(&[cut]);
    explore_large(&[Scope { failback: true, ..cut }, Scope { crashes: 1, ..cut }]);
}

#[test]
fn group_after_daemon_restart_has_one_owner() {
    let shorter = Scope { horizon: Duration::from_millis(500), failback: false, ..QUIET };
    explore(&[Scope { restarts: 1, ..QUIET }, Scope { restarts: 2, ..shorter }]);
    explore_large(&[
        Scope { restarts: 1, orders: 1, ..shorter },
        Scope { restarts: 1, cuts: 1, failback: false, ..QUIET },
    ]);
}
