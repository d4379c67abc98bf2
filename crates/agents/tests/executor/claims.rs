//! What neighbours hear of an address, and another machine that claims it.

use super::bench;
use crate::bench::{address, until};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};
use systole_agents::protocol::{Action, Outcome, Report};

const HELD: &str = "192.0.2.50";

#[test]
fn address_whose_permit_expired_during_a_standstill_is_not_announced_again() {
    let bench = bench();
    let neighbour = bench.neighbour(HELD.parse().unwrap());
    let mut daemon = bench.connect();
    daemon.permit(Duration::from_millis(1500));
    assert_eq!(daemon.run(1, Action::Start, &[address(HELD)]), Outcome::Success);
    let begin = Instant::now();
    bench.frozen(|| {
        until("an announcement is overdue", || {
            (begin.elapsed() > Duration::from_millis(2500)).then_some(())
        });
        assert!(neighbour.heard() > 0, "the first ones");
    });
    daemon.find(|report| matches!(report, Report::LetGo { .. }));
    assert!(!bench.has_address(HELD));
    assert_eq!(neighbour.heard(), 0, "another node may have it");
}

#[test]
fn claims_of_an_address_that_was_put_back_are_heard() {
    let bench = bench();
    let neighbour = bench.neighbour(HELD.parse().unwrap());
    let (mut daemon, _) = bench.greeted();
    assert_eq!(daemon.run(1, Action::Start, &[address(HELD)]), Outcome::Success);
    bench.frozen(|| {
        // The executor looks where its addresses are before it puts this one back.
        bench.ip_batch(&format!("address del {HELD}/24 dev left\nlink set left mtu 1400\n"));
    });
    daemon.find(|report| matches!(report, Report::AddressBack { .. }));
    scope(|scope| {
        scope.spawn(|| {
            // It is patient with claims soon after the start.
            for _ in 0..60 {
                neighbour.claim();
                sleep(Duration::from_millis(100));
            }
        });
        let alarm = daemon.find(|report| matches!(report, Report::Alarm { .. }));
        let Report::Alarm { text: Some(text), .. } = alarm else { panic!("{alarm:?}") };
        let told = format!("{HELD} on left is also claimed by 02:00:00:00:00:07");
        assert!(text.starts_with(&told), "{text}");
    });
}
