//! Three nodes: what goes home, which node is asked, and which is believed when two do not hear
//! each other.

use super::*;

pub(super) const C: NodeId = NodeId(2);

pub(super) fn of_three(id: NodeId) -> Settings {
    let mut settings = settings(id, Failback::On);
    settings.nodes.push("gamma".to_owned());
    settings.node_order.push(C);
    settings.ipfail = false;
    settings.groups[0].preferred = B;
    settings.groups[1].preferred = C;
    settings
}

/// Three nodes that hear each other after a millisecond.
pub(super) struct Three {
    pub(super) nodes: [Option<Node>; 3],
    pub(super) now: Time,
    /// A and B do not hear each other.
    pub(super) cut: bool,
    /// A node that neither hears the others nor is heard by them.
    pub(super) away: Option<NodeId>,
    /// Nodes that see no ping node.
    blind: Vec<NodeId>,
}

impl Three {
    pub(super) fn of(nodes: [Option<Node>; 3]) -> Self {
        Self { nodes, now: Time::START, cut: false, away: None, blind: Vec::new() }
    }

    pub(super) fn step(&mut self) {
        self.now = self.now + Duration::from_millis(1);
        let now = self.now;
        let mut said = Vec::new();
        for node in self.nodes.iter_mut().flatten() {
            if !self.blind.contains(&node.id) {
                node.cluster.handle(now, &Input::PingReply(PingId(0)));
            }
            said.push((node.id, node.generation, std::mem::take(&mut node.sent)));
        }
        for (from, generation, sent) in said {
            let (cut, away) = (self.cut && from != C, self.away);
            let is_cut =
                |id: NodeId| cut && id != C || away.is_some_and(|it| it == id || it == from);
            let others = self.nodes.iter_mut().flatten();
            for node in others.filter(|node| node.id != from && !is_cut(node.id)) {
                for message in &sent {
                    node.hear(now, NAMES[from.index()], generation, message);
                }
            }
        }
        for node in self.nodes.iter_mut().flatten() {
            node.turn(now);
        }
    }

    pub(super) fn until(&mut self, what: &str, wanted: impl Fn(&Self) -> bool) {
        let end = self.now + Duration::from_secs(30);
        while !wanted(self) {
            assert!(self.now < end, "never: {what}");
            self.step();
        }
    }

    pub(super) fn pass(&mut self, span: Duration) {
        let end = self.now + span;
        self.until("time passes", |three| three.now >= end);
    }

    pub(super) fn runs(&self, id: NodeId) -> Vec<GroupId> {
        self.nodes[id.index()].as_ref().map(|node| node.runs.clone()).unwrap_or_default()
    }

    /// Both groups run on these preferred nodes, and have settled there; nothing goes home
    /// automatically.
    pub(super) fn at_homes(homes: [NodeId; 2], change: impl Fn(&mut Settings)) -> Self {
        let mut three = Self::of([A, B, C].map(|id| {
            let mut settings = of_three(id);
            settings.failback = Failback::Off;
            settings.groups[0].preferred = homes[0];
            settings.groups[1].preferred = homes[1];
            change(&mut settings);
            Some(Node::with(settings, 1))
        }));
        three.until("all runs", |three| {
            three.nodes.iter().flatten().map(|node| node.runs.len()).sum::<usize>() == 2
        });
        three.pass(Duration::from_secs(2));
        three
    }

    /// The groups that run on each node.
    pub(super) fn all_run(&self) -> [Vec<GroupId>; 3] {
        [A, B, C].map(|id| self.runs(id))
    }
}

#[test]
fn failback_moves_only_groups_of_returning_node_and_no_held_group() {
    for is_held in [false, true] {
        let nodes = [A, B, C].map(|id| Some(Node::with(of_three(id), 1)));
        let mut three = Three::of(nodes);
        three.until("all at home", |three| three.runs(B) == [FIRST] && three.runs(C) == [SECOND]);
        three.pass(Duration::from_secs(1));
        three.nodes[1] = None;
        three.nodes[2] = None;
        three.until("the last one has all", |three| three.runs(A).len() == 2);
        if is_held {
            let now = three.now;
            let hold = Order::Hold(Some(SECOND), Duration::from_hours(1));
            three.nodes[0].as_mut().expect("it has power").order(now, hold);
        }
        three.nodes[1] = Some(Node::with(of_three(B), 2));
        three.until("what is at home there goes", |three| three.runs(B) == [FIRST]);
        three.pass(Duration::from_secs(3));
        assert_eq!((three.runs(A), three.runs(B)), (vec![SECOND], vec![FIRST]));
        three.nodes[2] = Some(Node::with(of_three(C), 2));
        three.pass(Duration::from_secs(6));
        let at_home = if is_held { A } else { C };
        assert_eq!(three.runs(at_home), [SECOND], "{is_held}");
    }
}

/// A person at A orders a takeover of what C runs; B comes first among the others, and has nothing
/// of it.
#[test]
fn takeover_order_among_three_nodes_asks_owner_of_group() {
    let node = |id| {
        let mut settings = of_three(id);
        settings.failback = Failback::Off;
        Some(Node::with(settings, 1))
    };
    let mut three = Three::of([node(A), node(B), node(C)]);
    three.until("all runs", |three| three.runs(B) == [FIRST] && three.runs(C) == [SECOND]);
    three.pass(Duration::from_secs(2));
    let now = three.now;
    three.nodes[0].as_mut().unwrap().order(now, Order::TakeoverGroup(SECOND));
    three.pass(Duration::from_secs(15));
    let answers = three.nodes[0].as_ref().unwrap().answers.clone();
    assert_eq!(three.runs(A), [SECOND], "{answers:?}");
}

/// A and B have lost their network, C has not. What runs on A goes to C, and stays there.
#[test]
fn ipfail_moves_groups_to_third_node_when_only_third_sees_ping_node() {
    let mut three = Three::at_homes([A, A], |settings| settings.ipfail = true);
    let mut moves = 0;
    let mut before = three.runs(A);
    three.blind = vec![A, B];
    for _ in 0..60_000 {
        three.step();
        let has = three.runs(A);
        moves += usize::from(has != before);
        before = has;
    }
    assert_eq!(three.runs(C).len(), 2, "changes at A: {moves}");
}

/// A and C have lost their network, B has not.
#[test]
fn ipfail_moves_groups_to_second_node_when_only_second_sees_ping_node() {
    let mut three = Three::at_homes([A, A], |settings| settings.ipfail = true);
    three.blind = vec![A, C];
    for _ in 0..60_000 {
        three.step();
    }
    assert_eq!(three.runs(B).len(), 2, "A {:?} C {:?}", three.runs(A), three.runs(C));
}

/// A gives B what it has; meanwhile C, which is about to end, lets go of groups that A never had.
#[test]
fn group_of_stopped_third_node_is_not_counted_as_handed_over() {
    let mut three = Three::at_homes([A, C], |_| {});
    let now = three.now;
    let a = three.nodes[0].as_mut().expect("it has power");
    a.holds_jobs = true;
    a.order(now, Order::Standby(GroupSet::All));
    three.until("A stops it", |three| three.nodes[0].as_ref().is_some_and(|a| !a.held.is_empty()));
    let now = three.now;
    three.nodes[2].as_mut().expect("it has power").order(now, Order::Stop);
    three.until("C has ended", |three| three.nodes[2].as_ref().is_some_and(|c| c.has_ended));
    three.nodes[2] = None;
    assert!(three.runs(B).is_empty());
    let now = three.now;
    three.nodes[0].as_mut().expect("it has power").finish_jobs(now);
    three.until("both run", |three| {
        let all = three.all_run().concat();
        assert!(all.len() < 3, "{:?}", three.all_run());
        all.len() == 2
    });
    let told = &three.nodes[1].as_ref().expect("it has power").said;
    let is_gift = |event: &&Event| {
        matches!(event, Event::Ownership { owner: B, cause: Cause::HandOver { .. }, group, .. }
            if *group != FIRST)
    };
    assert_eq!(told.iter().filter(is_gift).count(), 0);
    three.pass(Duration::from_secs(3));
    assert_eq!(three.all_run().concat().len(), 2);
}

/// B has groups with two preferred nodes, or two nodes have one group each: a set means different
/// groups on each of the nodes.
#[test]
fn takeover_of_set_with_several_owners_is_refused_and_moves_no_group() {
    for (homes, order) in
        [([A, C], GroupSet::Local), ([B, C], GroupSet::All), ([B, C], GroupSet::Foreign)]
    {
        let mut three = Three::at_homes(homes, |_| {});
        if homes[0] == A {
            for group in [FIRST, SECOND] {
                let now = three.now;
                let b = three.nodes[1].as_mut().expect("it has power");
                b.order(now, Order::TakeoverGroup(group));
                three.pass(Duration::from_secs(2));
            }
            assert_eq!(three.runs(B), [FIRST, SECOND]);
        }
        let before = three.all_run();
        let now = three.now;
        let a = three.nodes[0].as_mut().expect("it has power");
        a.order(now, Order::Takeover(order));
        three.pass(Duration::from_secs(3));
        let answers = three.nodes[0].as_ref().expect("it has power").answers.clone();
        assert_eq!(answers, [refused(Refusal::SeveralOwners)], "{homes:?} {order:?}");
        assert_eq!(three.all_run(), before);
    }
    let mut three = Three::at_homes([B, B], |_| {});
    let now = three.now;
    three.nodes[0].as_mut().expect("it has power").order(now, Order::Takeover(GroupSet::All));
    three.until("A has all of it", |three| three.runs(A).len() == 2);
}

/// A has lost its network while B, which A would ask, starts something.
#[test]
fn ipfail_asks_busy_taker_of_three_nodes_again_once_jobs_are_done() {
    for is_busy in [false, true] {
        let mut three = Three::at_homes([A, B], |settings| settings.ipfail = true);
        let now = three.now;
        let b = three.nodes[1].as_mut().expect("it has power");
        if is_busy {
            b.holds_jobs = true;
            b.cluster.handle(now, &Input::LetGo(SECOND));
        }
        three.pass(Duration::from_millis(500));
        three.blind = vec![A];
        three.pass(Duration::from_secs(10));
        assert_eq!(three.runs(A).is_empty(), !is_busy);
        let now = three.now;
        three.nodes[1].as_mut().expect("it has power").finish_jobs(now);
        (0..300_000).for_each(|_| three.step());
        let told: Vec<_> = three.nodes[0]
            .as_ref()
            .unwrap()
            .said
            .iter()
            .filter(|event| {
                matches!(event, Event::HandOverProgress(_) | Event::Ipfail(IpfailEvent::Expired))
            })
            .collect();
        assert_eq!(
            three.runs(A),
            [],
            "A sees no network: B {:?} C {:?} {told:?}",
            three.runs(B),
            three.runs(C)
        );
    }
}

/// A was alone, and is still starting what B runs. C hears both, but they do not hear each other.
#[test]
fn witness_makes_one_of_two_claimants_give_group_up() {
    for homes in [[B, C], [A, C]] {
        let mut three = Three::at_homes([B, C], |settings| settings.groups[0].preferred = homes[0]);
        if homes[0] == A {
            let now = three.now;
            three.nodes[1].as_mut().unwrap().order(now, Order::TakeoverGroup(FIRST));
            three.pass(Duration::from_secs(2));
        }
        assert_eq!(three.runs(B), [FIRST]);
        three.cut = true;
        let c = three.nodes[2].take().expect("it has power");
        drop(c);
        three.nodes[0].as_mut().unwrap().holds_jobs = true;
        three.until("A starts it", |three| {
            three.nodes[0].as_ref().is_some_and(|a| a.held.iter().any(|job| job.group == FIRST))
        });
        let mut settings = three.nodes[0].as_ref().unwrap().cluster.settings().clone();
        settings.me = C;
        settings.initdead = Duration::from_mins(10);
        three.nodes[2] = Some(Node::with(settings, 2));
        three.pass(Duration::from_secs(20));
        let is_over =
            |id: NodeId| three.nodes[id.index()].as_ref().unwrap().owner(FIRST) != Some(id);
        let rows = [A, B, C].map(|id| three.nodes[id.index()].as_ref().unwrap().row(FIRST));
        assert!(is_over(A) || is_over(B), "both claim it: {rows:?}");
    }
}

/// A gives B all that it has, and its agent takes its time; meanwhile C dies. Neither waits for the
/// other.
#[test]
fn takeover_from_dead_node_and_running_hand_over_do_not_delay_each_other() {
    let mut three = Three::at_homes([A, C], |_| {});
    let now = three.now;
    let a = three.nodes[0].as_mut().expect("it has power");
    a.holds_jobs = true;
    a.order(now, Order::Standby(GroupSet::All));
    three.until("A stops it", |three| three.nodes[0].as_ref().is_some_and(|a| !a.held.is_empty()));
    // Only that stop takes its time.
    three.nodes[0].as_mut().expect("it has power").holds_jobs = false;
    three.nodes[2] = None;
    three.until("somebody has what C had", |three| {
        [three.runs(A), three.runs(B)].concat().contains(&SECOND)
    });
    let now = three.now;
    three.nodes[0].as_mut().expect("it has power").finish_jobs(now);
    three.until("B has what was given", |three| three.runs(B).contains(&FIRST));
    three.pass(Duration::from_secs(20));
    let a = three.nodes[0].as_ref().expect("it has power");
    assert_eq!(a.answers, [Ok(())], "{:?}", three.all_run());
}

/// B gives C what it has, and its agent takes its time; meanwhile A leaves, and B takes what A had.
#[test]
fn group_taken_by_giver_during_hand_over_ends_with_one_owner() {
    let mut three = Three::at_homes([A, C], |settings| settings.failback = Failback::Off);
    let now = three.now;
    three.nodes[1].as_mut().expect("it has power").order(now, Order::TakeoverGroup(SECOND));
    three.until("B has the second", |three| three.runs(B) == [SECOND]);
    three.pass(Duration::from_secs(1));
    let now = three.now;
    let b = three.nodes[1].as_mut().expect("it has power");
    b.holds_jobs = true;
    let c = three.nodes[2].as_mut().expect("it has power");
    c.order(now, Order::Takeover(GroupSet::Local));
    three.until("B stops it", |three| three.nodes[1].as_ref().is_some_and(|b| !b.held.is_empty()));
    three.nodes[1].as_mut().expect("it has power").holds_jobs = false;
    let now = three.now;
    three.nodes[0].as_mut().expect("it has power").order(now, Order::Stop);
    three.pass(Duration::from_secs(3));
    let now = three.now;
    three.nodes[1].as_mut().expect("it has power").finish_jobs(now);
    for _ in 0..5_000 {
        three.step();
        let all = [A, B, C].map(|id| three.runs(id)).concat();
        assert!(all.iter().filter(|group| **group == FIRST).count() <= 1, "{:?}", three.all_run());
    }
    let all = [three.runs(B), three.runs(C)].concat();
    assert!(all.contains(&FIRST) && all.contains(&SECOND), "{:?}", three.all_run());
}
