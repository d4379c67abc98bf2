//! This node's daemon is killed in the middle of a hand-over, and restarted at once. The C node
//! notices nothing: it says that it is settled, and waits for up to an hour for the end of the
//! hand-over.

use super::*;
use crate::Action;

mod taker;

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
        assert_eq!(beside.node.owner(SECOND), Some(B));
        let states = beside.node.group(SECOND).resource_states;
        assert!(states.iter().all(|it| it.state == crate::ResourceState::Blocked), "{states:?}");
        assert!(!states.is_empty());
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
    assert!(!beside.node.hands_over());
    assert_eq!(beside.node.stored.and_then(|record| record.unfinished), None);
    assert_eq!(beside.node.owner(FIRST), Some(B));
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
        assert!(!beside.node.hands_over(), "{is_early}");
        assert_eq!(beside.node.owner(FIRST), Some(B), "{is_early}");
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
    assert!(beside.node.hands_over());
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
    let row = beside.node.row(SECOND);
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
