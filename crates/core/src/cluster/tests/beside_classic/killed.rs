//! This node's daemon is killed in the middle of a hand-over, and restarted at once. The C node
//! notices nothing: it says that it is settled, and waits for up to an hour for the end of the
//! hand-over.

use super::*;
use crate::Action;

impl Beside {
    /// Daemon and executor are killed; the next ones find what runs and what was stored.
    pub(super) fn kill(&mut self) {
        self.kill_leaving(true);
    }

    /// The same; `is_whole` says whether groups run as a whole or in part.
    fn kill_leaving(&mut self, is_whole: bool) {
        let before = &self.node;
        let listed = before.runs.iter().map(|group| (*group, 2)).collect();
        let terms = before.stored_terms.clone();
        let peers = before.stored.into_iter().collect();
        let generation = before.generation + 1;
        let settings = before.cluster.settings().clone();
        let mut node = Node::with(settings.clone(), generation);
        node.stored_terms.clone_from(&terms);
        let boot = Boot { terms, peers, listed, ..boot(generation) };
        node.cluster = Cluster::new(settings, boot);
        let holds: Vec<_> = before.runs.clone();
        self.node = node;
        self.now = Time::START;
        self.node.greet(Time::START, &holds, is_whole);
    }

    /// The daemon takes part again; the C node says that it is settled and holds this set.
    pub(super) fn comes_back_beside(&mut self, hold: GroupSet) {
        self.status(NodeStatus::Active);
        self.say(Message::ReplyNodes { nodes: "alpha beta".into(), deleted: "".into() });
        self.resource(hold, true, Occasion::Report);
        self.pass(Duration::from_millis(300));
    }

    pub(super) fn has_said(&mut self, message: &Message) -> bool {
        self.sent().contains(message)
    }

    /// This node, which had only its own set, has given this set away, and the peer is starting it.
    fn having_given(hold: GroupSet) -> Self {
        let mut beside = Self::joint_with(Failback::Off);
        let now = beside.now;
        beside.node.order(now, Order::Standby(hold));
        beside.node.turn(now);
        assert!(beside.has_said(&ask(hold, Step::Me)));
        beside.say(ask(hold, Step::Other));
        beside.pass(Duration::from_millis(100));
        assert!(beside.has_said(&ask(hold, Step::Done)) && beside.node.runs.is_empty());
        beside
    }

    /// This node, which had only its own set, is giving this set away, and has not stopped it.
    fn giving(hold: GroupSet) -> Self {
        let mut beside = Self::joint_with(Failback::Off);
        let now = beside.now;
        beside.node.order(now, Order::Standby(hold));
        beside.node.turn(now);
        beside.node.holds_jobs = true;
        beside.say(ask(hold, Step::Other));
        assert!(beside.node.held.iter().any(|job| job.action == Action::Stop), "it lets go");
        beside
    }

    /// The peer has begun to let go of its set for this node.
    pub(super) fn being_given() -> Self {
        let mut beside = Self::joint_with(Failback::Off);
        beside.say(ask(GroupSet::Local, Step::Me));
        beside.resource(GroupSet::None, false, Occasion::Standby);
        beside
    }

    /// The peer has given its set to this node.
    pub(super) fn having_all() -> Self {
        let mut beside = Self::being_given();
        beside.say(ask(GroupSet::Local, Step::Done));
        beside.pass(Duration::from_secs(1));
        beside.resource(GroupSet::None, true, Occasion::Report);
        beside.pass(Duration::from_secs(1));
        assert_eq!(beside.node.runs, [FIRST, SECOND]);
        beside
    }

    /// This node took the peer's group while the peer was silent, has conceded it since, and cannot
    /// stop it.
    pub(super) fn conceded_and_stuck() -> Self {
        let mut beside = Self::joint_with(Failback::Off);
        beside.silence(Duration::from_secs(1));
        assert_eq!(beside.node.runs, [FIRST, SECOND]);
        beside.node.stuck = Some(SECOND);
        beside.status(NodeStatus::Active);
        beside.pass(Duration::from_secs(4));
        beside.resource(GroupSet::Local, true, Occasion::Report);
        beside.pass(Duration::from_secs(30));
        assert_eq!(beside.node.cluster.groups[SECOND].row.owner(), Some(B));
        assert!(beside.node.cluster.groups[SECOND].runner.is_stuck());
        beside
    }

    /// This node stands still, for longer than a permit but not long enough to be dead.
    pub(super) fn stands_still(&mut self) {
        self.now = self.now + DEADTIME.saturating_sub(KEEPALIVE / 2);
    }

    /// The peer is at work, and says that it is settled and holds this set when asked; this node
    /// runs only `runs` meanwhile.
    pub(super) fn is_at_work(&mut self, seconds: u64, hold: GroupSet, runs: &[GroupId]) {
        for second in 0..seconds {
            self.pass(Duration::from_secs(1));
            if self.sent().contains(&Message::Starting) {
                self.resource(hold, true, Occasion::Report);
            }
            assert_eq!(self.node.runs, runs, "after {second} s");
        }
    }
}

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

/// This node gives its own set away. What it has not stopped yet is stopped by the next daemon,
/// which says so.
#[test]
fn killed_giver_stops_remaining_groups_and_says_done() {
    let mut beside = Beside::giving(GroupSet::Local);
    beside.kill();
    beside.comes_back_beside(GroupSet::Local);
    assert_eq!(beside.node.runs, [], "it lets go of the rest");
    assert!(beside.has_said(&ask(GroupSet::Local, Step::Done)), "the peer may take it");
    beside.resource(GroupSet::All, true, Occasion::Report);
    beside.say(ask(GroupSet::Local, Step::Done));
    beside.pass(Duration::from_secs(2));
    assert!(!beside.node.cluster.hand_over.runs());
    assert_eq!(beside.node.stored.and_then(|record| record.unfinished), None);
    assert_eq!(beside.node.cluster.groups[FIRST].row.owner(), Some(B));
}

/// The same, but a part of the group is already stopped: it is not started again for the hand-over.
#[test]
fn killed_giver_with_group_half_stopped_goes_on_stopping() {
    let mut beside = Beside::giving(GroupSet::Local);
    beside.kill_leaving(false);
    beside.node.holds_jobs = true;
    beside.comes_back_beside(GroupSet::Local);
    beside.pass(Duration::from_secs(1));
    let actions: Vec<_> = beside.node.held.iter().map(|job| job.action).collect();
    assert_eq!(actions, [Action::Stop]);
    let now = beside.now;
    beside.node.finish_jobs(now);
    beside.pass(Duration::from_secs(1));
    let sent = beside.sent();
    let done =
        sent.iter().position(|it| *it == ask(GroupSet::Local, Step::Done)).expect("it is done");
    let has_own = |it: &&Message| matches!(it, Message::Resource { hold, .. } if hold.has_local());
    assert_eq!(sent[done..].iter().find(has_own), None, "the peer may be starting it");
}

/// This node gives two groups away, and has stopped one of them when its daemon is killed.
#[test]
fn killed_giver_does_not_start_its_stopped_group_again() {
    let mut beside = Beside::having_all();
    beside.node.holds_jobs = true;
    let now = beside.now;
    beside.node.order(now, Order::Standby(GroupSet::All));
    beside.node.turn(now);
    beside.say(ask(GroupSet::All, Step::Other));
    let is_first = |job: &crate::Job| job.group == FIRST;
    let at = beside.node.held.iter().position(is_first).expect("it is being stopped");
    let job = beside.node.held.swap_remove(at);
    beside.node.holds_jobs = false;
    beside.node.run(now, job);
    beside.node.holds_jobs = true;
    beside.pass(Duration::from_millis(300));
    assert_eq!(beside.node.runs, [SECOND]);
    beside.kill_leaving(false);
    beside.node.holds_jobs = true;
    beside.comes_back_beside(GroupSet::None);
    beside.node.holds_jobs = false;
    let now = beside.now;
    beside.node.finish_jobs(now);
    beside.pass(Duration::from_millis(300));
    assert!(beside.has_said(&ask(GroupSet::All, Step::Done)));
    // The peer answers this node's report that it has settled.
    beside.resource(GroupSet::None, true, Occasion::Report);
    beside.is_at_work(20, GroupSet::None, &[]);
    beside.resource(GroupSet::All, true, Occasion::Report);
    beside.say(ask(GroupSet::All, Step::Done));
    beside.is_at_work(20, GroupSet::All, &[]);
}

/// This node has given its own set away, and the peer is starting it without saying so.
#[test]
fn killed_giver_does_not_start_group_that_c_node_is_starting() {
    for is_early in [false, true] {
        let mut beside = Beside::having_given(GroupSet::Local);
        beside.kill();
        if is_early {
            // The peer's last message comes before this node takes part.
            beside.status(NodeStatus::Active);
            beside.say(ask(GroupSet::Local, Step::Done));
        }
        beside.comes_back_beside(if is_early { GroupSet::All } else { GroupSet::Local });
        beside.pass(Duration::from_mins(10));
        assert_eq!(beside.node.runs, [], "the peer is at work: {is_early}");
        if !is_early {
            beside.resource(GroupSet::All, true, Occasion::Report);
            beside.say(ask(GroupSet::Local, Step::Done));
        }
        beside.pass(Duration::from_secs(2));
        assert!(!beside.node.cluster.hand_over.runs(), "{is_early}");
        assert_eq!(beside.node.cluster.groups[FIRST].row.owner(), Some(B), "{is_early}");
    }
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
        assert!(!beside.node.cluster.hand_over.runs());
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

/// The peer takes its time to start what this node has given to it, and this node's daemon is
/// killed twice.
#[test]
fn giver_killed_twice_does_not_start_group_that_c_node_is_starting() {
    let mut beside = Beside::having_given(GroupSet::Local);
    for _ in 0..2 {
        beside.kill();
        beside.comes_back_beside(GroupSet::Local);
        beside.is_at_work(5, GroupSet::Local, &[]);
    }
    beside.is_at_work(120, GroupSet::Local, &[]);
}

/// As above, but killed once: the hand-over ends when the peer says so.
#[test]
fn hand_over_resumed_by_killed_giver_does_not_end_before_c_node_is_done() {
    let mut beside = Beside::having_given(GroupSet::Local);
    beside.kill();
    beside.comes_back_beside(GroupSet::Local);
    beside.pass(Duration::from_secs(5));
    assert!(beside.node.cluster.hand_over.runs());
}

/// The peer takes its time to start what this node has given to it, and this node stands still
/// twice.
#[test]
fn giver_pausing_twice_does_not_start_group_that_c_node_is_starting() {
    for hold in [GroupSet::Local, GroupSet::All] {
        let mut beside = Beside::having_given(hold);
        for _ in 0..2 {
            beside.stands_still();
            beside.is_at_work(15, GroupSet::Local, &[]);
        }
    }
}

/// Like `killed_giver_does_not_start_group_that_c_node_is_starting`, but with `hb_standby`
/// called without an argument: everything goes, of which this node has only its own set.
#[test]
fn killed_giver_of_all_does_not_start_group_that_c_node_is_starting() {
    let mut beside = Beside::having_given(GroupSet::All);
    beside.kill();
    beside.comes_back_beside(GroupSet::Local);
    beside.is_at_work(20, GroupSet::Local, &[]);
}

/// Like `killed_giver_stops_remaining_groups_and_says_done`, but everything goes.
#[test]
fn killed_giver_of_all_stops_remaining_groups_and_says_done() {
    let mut beside = Beside::giving(GroupSet::All);
    beside.kill();
    beside.comes_back_beside(GroupSet::Local);
    beside.pass(Duration::from_secs(20));
    assert_eq!(beside.node.runs, [], "it lets go of the rest");
    assert!(beside.has_said(&ask(GroupSet::All, Step::Done)), "the peer waits for an hour");
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

/// The peer gives its set away. This node does not hear that the peer is done, because the peer has
/// declared this node dead by then and has everything. No daemon is killed.
#[test]
fn group_held_on_both_sides_is_stopped_despite_hand_over_without_done() {
    let mut beside = Beside::being_given();
    beside.pass(Duration::from_secs(5));
    beside.resource(GroupSet::All, true, Occasion::Acquired);
    beside.pass(Duration::from_mins(2));
    assert_eq!(beside.node.runs, [], "both have the first for two minutes");
}

/// The peer gives this node its set; this node's daemon is killed, and meanwhile the peer takes the
/// set again.
#[test]
fn hand_over_resumed_by_killed_taker_ends_when_c_node_has_group_again() {
    let mut beside = Beside::being_given();
    beside.kill();
    beside.comes_back_beside(GroupSet::None);
    assert!(beside.node.cluster.hand_over.runs(), "gone on with");
    beside.pass(Duration::from_secs(1));
    beside.resource(GroupSet::Local, true, Occasion::Report);
    beside.pass(Duration::from_secs(5));
    assert!(!beside.node.cluster.hand_over.runs());
    let row = beside.node.cluster.groups[SECOND].row;
    let now = beside.now;
    beside.node.answers.clear();
    beside.node.order(now, Order::Standby(GroupSet::Local));
    beside.node.turn(now);
    assert!(beside.has_said(&ask(GroupSet::Local, Step::Me)), "{row:?} {:?}", beside.node.answers);
}

/// A group that cannot be stopped here does not belong to the peer: the peer was restarted and has
/// nothing.
#[test]
fn group_that_cannot_be_stopped_is_not_given_to_restarted_c_node() {
    let mut beside = Beside::conceded_and_stuck();
    beside.resource(GroupSet::None, false, Occasion::Shutdown);
    beside.say(Message::Shutdone);
    beside.silence(Duration::from_secs(3));
    beside.starts_anew();
    beside.resource(GroupSet::None, true, Occasion::Report);
    beside.pass(Duration::from_secs(3));
    let row = beside.node.cluster.groups[SECOND].row;
    let sent = beside.sent();
    beside.node.answers.clear();
    let now = beside.now;
    beside.node.order(now, Order::Standby(GroupSet::All));
    beside.node.turn(now);
    eprintln!("{row:?} {sent:?}");
    assert!(beside.has_said(&ask(GroupSet::All, Step::Me)), "{:?}", beside.node.answers);
    beside.say(ask(GroupSet::All, Step::Other));
    beside.pass(Duration::from_secs(5));
    assert!(beside.node.runs.contains(&SECOND), "it runs here");
    assert!(!beside.has_said(&ask(GroupSet::All, Step::Done)), "and the peer starts it");
}
