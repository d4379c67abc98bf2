//! The node that takes from a C node is killed.

use super::*;

/// This node's daemon is started beside a C node that has everything and gives back this node's own
/// set, which takes its time.
#[test]
fn killed_taker_that_never_owned_group_waits_for_done_of_c_node() {
    let mut beside = Beside::new(Failback::On);
    beside.comes_back_beside(GroupSet::All);
    beside.pass(Duration::from_secs(1));
    beside.say(ask(GroupSet::Foreign, Step::Me));
    assert!(beside.has_said(&ask(GroupSet::Foreign, Step::Other)));
    beside.resource(GroupSet::Local, false, Occasion::Standby);
    beside.kill();
    beside.comes_back_beside(GroupSet::Local);
    beside.is_at_work(20, GroupSet::Local, &[]);
    beside.say(ask(GroupSet::Foreign, Step::Done));
    beside.pass(Duration::from_secs(1));
    assert_eq!(beside.node.runs, [FIRST]);
}

/// The peer gives this node its set, and lets go of it while this node's daemon restarts.
#[test]
fn killed_taker_takes_group_at_done_of_c_node_or_after_30_s() {
    for says_so in [Some(true), Some(false), None] {
        let mut beside = Beside::being_given();
        beside.kill();
        if says_so == Some(true) {
            beside.status(NodeStatus::Active);
            beside.say(ask(GroupSet::Local, Step::Done));
        }
        beside.comes_back_beside(GroupSet::None);
        if says_so == Some(false) {
            beside.pass(Duration::from_secs(20));
            assert_eq!(beside.node.runs, [FIRST], "the peer is at work");
            beside.say(ask(GroupSet::Local, Step::Done));
            beside.pass(Duration::from_secs(1));
        }
        if says_so.is_none() {
            beside.pass(Duration::from_secs(29));
            assert_eq!(beside.node.runs, [FIRST], "it may be at work");
            beside.pass(Duration::from_secs(2));
        }
        assert_eq!(beside.node.runs, [FIRST, SECOND], "{says_so:?}");
        assert!(beside.has_said(&ask(GroupSet::Local, Step::Done)), "the peer waits: {says_so:?}");
        assert!(!beside.node.hands_over());
    }
}

/// The peer has let go, and the start on this node is in progress when the daemon is killed.
#[test]
fn killed_taker_completes_start_and_says_done() {
    let mut beside = Beside::being_given();
    beside.node.holds_jobs = true;
    beside.say(ask(GroupSet::Local, Step::Done));
    assert!(beside.node.held.iter().any(|job| job.group == SECOND));
    beside.kill();
    beside.comes_back_beside(GroupSet::None);
    assert_eq!(beside.node.runs, [FIRST, SECOND]);
    assert!(beside.has_said(&ask(GroupSet::Local, Step::Done)), "the peer waits");
}

/// The peer has declared this node dead meanwhile and has everything, or was restarted.
#[test]
fn killed_taker_drops_hand_over_that_c_node_has_ended() {
    for is_anew in [false, true] {
        let mut beside = Beside::being_given();
        beside.kill();
        if is_anew {
            (beside.generation, beside.sequence) = (2, 0);
        }
        beside.comes_back_beside(if is_anew { GroupSet::Local } else { GroupSet::All });
        beside.pass(Duration::from_mins(1));
        assert!(!beside.has_said(&ask(GroupSet::Local, Step::Done)), "{is_anew}");
        assert!(!beside.node.runs.contains(&SECOND), "{is_anew}");
        assert_eq!(beside.node.stored.and_then(|record| record.unfinished), None, "{is_anew}");
    }
}

/// The peer lets go while this node's daemon restarts. Then the link from this node is cut, and the
/// peer declares this node dead, takes its set again, and says so.
#[test]
fn killed_taker_does_not_take_group_that_c_node_has_acquired_again() {
    for hold in [GroupSet::Local, GroupSet::All] {
        let mut beside = Beside::being_given();
        beside.kill();
        beside.comes_back_beside(GroupSet::None);
        beside.pass(Duration::from_secs(10));
        beside.resource(hold, true, Occasion::Acquired);
        for second in 11..60 {
            beside.pass(Duration::from_secs(1));
            let has_it = beside.node.runs.contains(&SECOND);
            assert!(!has_it, "both have the second after {second} s: {hold:?}");
        }
    }
}

/// The peer takes a minute to let go of its set, and this node, which is not killed, stands still
/// for a moment meanwhile: every message that was sent then is heard.
#[test]
fn taker_after_pause_does_not_take_group_before_c_node_says_done() {
    for has_paused in [false, true] {
        let mut beside = Beside::being_given();
        if has_paused {
            beside.stands_still();
        }
        beside.is_at_work(60, GroupSet::None, &[FIRST]);
        beside.say(ask(GroupSet::Local, Step::Done));
        beside.pass(Duration::from_secs(1));
        assert_eq!(beside.node.runs, [FIRST, SECOND], "{has_paused}");
    }
}

/// The peer gives this node its set; this node's daemon is killed, and meanwhile the peer takes the
/// set again.
#[test]
fn hand_over_resumed_by_killed_taker_ends_when_c_node_has_group_again() {
    let mut beside = Beside::being_given();
    beside.kill();
    beside.comes_back_beside(GroupSet::None);
    assert!(beside.node.hands_over(), "gone on with");
    beside.pass(Duration::from_secs(1));
    beside.resource(GroupSet::Local, true, Occasion::Report);
    beside.pass(Duration::from_secs(5));
    assert!(!beside.node.hands_over());
    let row = beside.node.row(SECOND);
    let now = beside.now;
    beside.node.answers.clear();
    beside.node.order(now, Order::Standby(GroupSet::Local));
    beside.node.turn(now);
    assert!(beside.has_said(&ask(GroupSet::Local, Step::Me)), "{row:?} {:?}", beside.node.answers);
}
