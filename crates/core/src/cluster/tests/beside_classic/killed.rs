//! Our daemon is killed in the middle of a hand-over, and started anew at once. The classic node notices
//! nothing: it says that it is settled, and waits for up to an hour for the end of the hand-over.

use super::*;
use crate::Action;

fn ask(hold: Hold, step: Step) -> Message {
    Message::AskResources { hold, step, ipfail: false, by_order: false }
}

impl Beside {
    /// Daemon and executor are killed; the next ones find what runs, and what was stored.
    fn kill(&mut self) {
        let before = &self.node;
        let listed = before.runs.iter().map(|group| (*group, 2)).collect();
        let (terms, peers) =
            (before.cluster.terms().collect(), before.stored.into_iter().collect());
        let generation = before.generation + 1;
        let settings = before.cluster.settings().clone();
        let mut node = Node::with(settings.clone(), generation);
        let boot = Boot { terms, peers, listed, ..boot(generation) };
        node.cluster = Cluster::new(settings, boot);
        let holds: Vec<_> = before.runs.clone();
        self.node = node;
        self.now = Time::START;
        self.node.greet(Time::START, &holds, true);
    }

    /// The daemon takes part again; the classic node says that it is settled and holds this.
    fn comes_back_beside(&mut self, hold: Hold) {
        self.status(NodeStatus::Active);
        self.say(Message::ReplyNodes { nodes: "alpha beta".into(), deleted: "".into() });
        self.resource(hold, true, Occasion::Report);
        self.pass(Duration::from_millis(300));
    }

    fn has_said(&mut self, message: &Message) -> bool {
        self.sent().contains(message)
    }
}

/// We give our own set away; what we have not stopped yet is stopped by the next daemon, which says so.
#[test]
fn a_giver_that_is_killed_lets_go_of_the_rest_and_says_so() {
    let mut beside = Beside::joint_with(Failback::Off);
    let now = beside.now;
    beside.node.holds_jobs = true;
    beside.node.order(now, Order::Standby(Hold::Local));
    beside.node.finish_jobs(now);
    beside.node.holds_jobs = true;
    beside.say(ask(Hold::Local, Step::Other));
    assert!(beside.node.held.iter().any(|job| job.action == Action::Stop), "it lets go");
    beside.kill();
    beside.comes_back_beside(Hold::Local);
    assert_eq!(beside.node.runs, [], "it lets go of the rest");
    assert!(beside.has_said(&ask(Hold::Local, Step::Done)), "the peer may take it");
    beside.resource(Hold::All, true, Occasion::Report);
    beside.say(ask(Hold::Local, Step::Done));
    beside.pass(Duration::from_secs(2));
    assert!(beside.node.cluster.hand_over.is_none());
    assert_eq!(beside.node.stored.and_then(|record| record.unfinished), None);
    assert_eq!(beside.node.cluster.ownership.row(FIRST).owner, Some(B));
}

/// We have given our own set away, and the peer is starting it, which it does not tell.
#[test]
fn what_a_peer_is_starting_is_not_started_by_a_daemon_that_was_killed() {
    for is_early in [false, true] {
        let mut beside = Beside::joint_with(Failback::Off);
        let now = beside.now;
        beside.node.order(now, Order::Standby(Hold::Local));
        beside.say(ask(Hold::Local, Step::Other));
        beside.pass(Duration::from_millis(100));
        assert!(beside.has_said(&ask(Hold::Local, Step::Done)) && beside.node.runs.is_empty());
        beside.kill();
        if is_early {
            // Its last word comes before this node takes part.
            beside.status(NodeStatus::Active);
            beside.say(ask(Hold::Local, Step::Done));
        }
        beside.comes_back_beside(if is_early { Hold::All } else { Hold::Local });
        beside.pass(Duration::from_mins(10));
        assert_eq!(beside.node.runs, [], "the peer is at work: {is_early}");
        if !is_early {
            beside.resource(Hold::All, true, Occasion::Report);
            beside.say(ask(Hold::Local, Step::Done));
        }
        beside.pass(Duration::from_secs(2));
        assert!(beside.node.cluster.hand_over.is_none(), "{is_early}");
        assert_eq!(beside.node.cluster.ownership.row(FIRST).owner, Some(B), "{is_early}");
    }
}

/// The peer gives us its set, and lets go of it while our daemon is started anew.
#[test]
fn what_a_peer_lets_go_of_is_taken_when_it_says_so_or_half_a_minute_later() {
    for says_so in [Some(true), Some(false), None] {
        let mut beside = Beside::joint_with(Failback::Off);
        beside.say(ask(Hold::Local, Step::Me));
        beside.resource(Hold::None, false, Occasion::Standby);
        beside.kill();
        if says_so == Some(true) {
            beside.status(NodeStatus::Active);
            beside.say(ask(Hold::Local, Step::Done));
        }
        beside.comes_back_beside(Hold::None);
        if says_so == Some(false) {
            beside.pass(Duration::from_secs(20));
            assert_eq!(beside.node.runs, [FIRST], "the peer is at work");
            beside.say(ask(Hold::Local, Step::Done));
            beside.pass(Duration::from_secs(1));
        }
        if says_so.is_none() {
            beside.pass(Duration::from_secs(29));
            assert_eq!(beside.node.runs, [FIRST], "it may be at work");
            beside.pass(Duration::from_secs(2));
        }
        assert_eq!(beside.node.runs, [FIRST, SECOND], "{says_so:?}");
        assert!(beside.has_said(&ask(Hold::Local, Step::Done)), "the peer waits: {says_so:?}");
        assert!(beside.node.cluster.hand_over.is_none());
    }
}

/// The peer has let go, and our start goes on when the daemon is killed.
#[test]
fn a_taker_that_is_killed_ends_its_start_and_says_so() {
    let mut beside = Beside::joint_with(Failback::Off);
    beside.say(ask(Hold::Local, Step::Me));
    beside.resource(Hold::None, false, Occasion::Standby);
    beside.node.holds_jobs = true;
    beside.say(ask(Hold::Local, Step::Done));
    assert!(beside.node.held.iter().any(|job| job.group == SECOND));
    beside.kill();
    beside.comes_back_beside(Hold::None);
    assert_eq!(beside.node.runs, [FIRST, SECOND]);
    assert!(beside.has_said(&ask(Hold::Local, Step::Done)), "the peer waits");
}

/// The peer has called us dead meanwhile and has everything, or was started anew.
#[test]
fn a_hand_over_that_a_peer_has_ended_is_not_gone_on_with() {
    for is_anew in [false, true] {
        let mut beside = Beside::joint_with(Failback::Off);
        beside.say(ask(Hold::Local, Step::Me));
        beside.resource(Hold::None, false, Occasion::Standby);
        beside.kill();
        if is_anew {
            (beside.generation, beside.sequence) = (2, 0);
        }
        beside.comes_back_beside(if is_anew { Hold::Local } else { Hold::All });
        beside.pass(Duration::from_mins(1));
        assert!(!beside.has_said(&ask(Hold::Local, Step::Done)), "{is_anew}");
        assert!(!beside.node.runs.contains(&SECOND), "{is_anew}");
        assert_eq!(beside.node.stored.and_then(|record| record.unfinished), None, "{is_anew}");
    }
}
