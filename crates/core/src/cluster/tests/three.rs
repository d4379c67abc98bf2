//! Three nodes: what goes home, who is asked, and who is believed when two do not hear each other.

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

/// Three nodes that hear each other a millisecond later.
pub(super) struct Three {
    pub(super) nodes: [Option<Node>; 3],
    pub(super) now: Time,
    /// A and B do not hear each other.
    cut: bool,
    /// Nodes that see no ping node.
    blind: Vec<NodeId>,
}

impl Three {
    pub(super) fn of(nodes: [Option<Node>; 3]) -> Self {
        Self { nodes, now: Time::START, cut: false, blind: Vec::new() }
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
            let is_cut = |id: NodeId| self.cut && from != C && id != C;
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
}

#[test]
fn only_the_groups_of_the_node_that_returns_go_home_and_none_that_is_held() {
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

/// A person at A orders what C runs; B comes first among the others, and has nothing of it.
#[test]
fn a_takeover_of_three_asks_the_node_that_has_the_group() {
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

/// How often what runs where changes while A and B do not hear each other, and for how long a group runs
/// at two nodes.
fn play_cut(preferred: [NodeId; 2]) -> (usize, Duration) {
    let node = |id| {
        let mut settings = of_three(id);
        settings.failback = Failback::Off;
        settings.groups[0].preferred = preferred[0];
        settings.groups[1].preferred = preferred[1];
        Some(Node::with(settings, 1))
    };
    let mut three = Three::of([node(A), node(B), node(C)]);
    three.until("all runs", |three| {
        three.nodes.iter().flatten().map(|node| node.runs.len()).sum::<usize>() == 2
    });
    three.pass(Duration::from_secs(2));
    let mut double = Duration::ZERO;
    let mut moves = 0;
    let mut before = (three.runs(A), three.runs(B), three.runs(C));
    three.cut = true;
    for _ in 0..20_000 {
        three.step();
        let (a, b, c) = (three.runs(A), three.runs(B), three.runs(C));
        let at_two =
            |group: &GroupId| [&a, &b, &c].iter().filter(|runs| runs.contains(group)).count() > 1;
        double += Duration::from_millis(u64::from([FIRST, SECOND].iter().any(at_two)));
        let has = (a, b, c);
        if has != before {
            moves += 1;
        }
        before = has;
    }
    (moves, double)
}

/// The way between A and B is cut; both hear C, which hears both and says so. Nobody moves anything.
#[test]
fn a_cut_between_two_of_three_moves_nothing() {
    let (moves, double) = play_cut([A, A]);
    assert!(moves <= 2 && double < Duration::from_secs(1), "{moves} {double:?}");
}

#[test]
fn a_cut_between_two_of_three_moves_nothing_else() {
    let (moves, double) = play_cut([A, B]);
    assert!(moves <= 2 && double < Duration::from_secs(1), "{moves} {double:?}");
}

/// A and B do not hear each other, and C hears both and says so: neither is fenced.
#[test]
fn a_cut_between_two_of_three_fences_nobody() {
    let node = |id| {
        let mut settings = of_three(id);
        settings.failback = Failback::Off;
        settings.groups[0].preferred = A;
        settings.groups[1].preferred = B;
        settings.fencing = Some(crate::FencingPolicy { delay: Duration::from_secs(5) });
        Some(Node::with(settings, 1))
    };
    let mut three = Three::of([node(A), node(B), node(C)]);
    three.until("all runs", |three| three.runs(A).len() + three.runs(B).len() == 2);
    three.pass(Duration::from_secs(2));
    three.cut = true;
    for _ in 0..10_000 {
        three.step();
    }
    let fences: Vec<_> = three.nodes.iter().flatten().map(|node| node.fences.clone()).collect();
    assert!(fences.iter().all(Vec::is_empty), "{fences:?}");
}

/// A and B have lost their network, C has not. What runs at A goes to C, and stays there.
#[test]
fn ipfail_of_three_nodes_finds_the_one_that_sees_the_network() {
    let node = |id| {
        let mut settings = of_three(id);
        settings.ipfail = true;
        settings.failback = Failback::Off;
        settings.groups[0].preferred = A;
        settings.groups[1].preferred = A;
        Some(Node::with(settings, 1))
    };
    let mut three = Three::of([node(A), node(B), node(C)]);
    three.until("A has all", |three| three.runs(A) == [FIRST, SECOND]);
    three.pass(Duration::from_secs(2));
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

/// C hears both, and stands still for longer than a permit and shorter than a dead time: it is dead for nobody.
#[test]
fn a_witness_that_stood_still_for_a_moment_moves_nothing() {
    for preferred in [[A, B], [A, A]] {
        let node = |id| {
            let mut settings = of_three(id);
            settings.failback = Failback::Off;
            settings.groups[0].preferred = preferred[0];
            settings.groups[1].preferred = preferred[1];
            Some(Node::with(settings, 1))
        };
        let mut three = Three::of([node(A), node(B), node(C)]);
        three.until("all runs", |three| three.runs(A).len() + three.runs(B).len() == 2);
        three.pass(Duration::from_secs(2));
        three.cut = true;
        three.pass(Duration::from_secs(3));
        let before = (three.runs(A), three.runs(B), three.runs(C));
        // It has just beaten.
        three.until("C beats", |three| three.nodes[2].as_ref().is_some_and(|c| !c.sent.is_empty()));
        three.step();
        let mut still = three.nodes[2].take().expect("it has power");
        let mut socket = Vec::new();
        for _ in 0..470 {
            for node in three.nodes.iter().flatten() {
                socket.extend(node.sent.iter().map(|sent| (node.id, sent.clone())));
            }
            three.step();
        }
        assert!(
            three.nodes.iter().flatten().all(|node| !node.counts_dead(C)),
            "nobody has missed it"
        );
        for (from, sent) in &socket {
            still.hear(three.now, NAMES[from.index()], 1, sent);
        }
        three.nodes[2] = Some(still);
        for _ in 0..5_000 {
            three.step();
            let has = (three.runs(A), three.runs(B), three.runs(C));
            assert_eq!(has, before, "{preferred:?}");
        }
    }
}

/// A and C have lost their network, B has not.
#[test]
fn ipfail_of_three_nodes_finds_the_one_that_sees_the_network_wherever_it_is() {
    let node = |id| {
        let mut settings = of_three(id);
        settings.ipfail = true;
        settings.failback = Failback::Off;
        settings.groups[0].preferred = A;
        settings.groups[1].preferred = A;
        Some(Node::with(settings, 1))
    };
    let mut three = Three::of([node(A), node(B), node(C)]);
    three.until("A has all", |three| three.runs(A) == [FIRST, SECOND]);
    three.pass(Duration::from_secs(2));
    three.blind = vec![A, C];
    for _ in 0..60_000 {
        three.step();
    }
    assert_eq!(three.runs(B).len(), 2, "A {:?} C {:?}", three.runs(A), three.runs(C));
}

/// The same with a device: neither of the two that do not hear each other is fenced.
#[test]
fn a_witness_that_stood_still_for_a_moment_has_nobody_fenced() {
    let node = |id| {
        let mut settings = of_three(id);
        settings.failback = Failback::Off;
        settings.groups[0].preferred = A;
        settings.groups[1].preferred = B;
        settings.fencing = Some(crate::FencingPolicy { delay: Duration::from_secs(5) });
        Some(Node::with(settings, 1))
    };
    let mut three = Three::of([node(A), node(B), node(C)]);
    three.until("all runs", |three| three.runs(A).len() + three.runs(B).len() == 2);
    three.pass(Duration::from_secs(2));
    three.cut = true;
    three.pass(Duration::from_secs(3));
    three.until("C beats", |three| three.nodes[2].as_ref().is_some_and(|c| !c.sent.is_empty()));
    three.step();
    let mut still = three.nodes[2].take().expect("it has power");
    let mut socket = Vec::new();
    for _ in 0..470 {
        for node in three.nodes.iter().flatten() {
            socket.extend(node.sent.iter().map(|sent| (node.id, sent.clone())));
        }
        three.step();
    }
    for (from, sent) in &socket {
        still.hear(three.now, NAMES[from.index()], 1, sent);
    }
    three.nodes[2] = Some(still);
    three.pass(Duration::from_secs(5));
    let fences: Vec<_> = three.nodes.iter().flatten().map(|node| node.fences.clone()).collect();
    assert!(fences.iter().all(Vec::is_empty), "{fences:?}");
}

/// C, which hears both and says so, executes itself anew, at any moment between two beats of the others.
#[test]
fn a_witness_whose_daemon_is_started_anew_moves_nothing() {
    let mut moved = Vec::new();
    for offset in (0..200).step_by(20) {
        let node = |id| {
            let mut settings = of_three(id);
            settings.failback = Failback::Off;
            settings.groups[0].preferred = A;
            settings.groups[1].preferred = B;
            Some(Node::with(settings, 1))
        };
        let mut three = Three::of([node(A), node(B), node(C)]);
        three.until("all runs", |three| three.runs(A) == [FIRST] && three.runs(B) == [SECOND]);
        three.pass(Duration::from_secs(2));
        three.cut = true;
        three.pass(Duration::from_secs(3) + Duration::from_millis(offset));
        assert_eq!((three.runs(A), three.runs(B)), (vec![FIRST], vec![SECOND]));
        let before = three.nodes[2].as_ref().expect("it has power");
        let terms = before.cluster.terms().collect();
        let settings =
            Settings { initdead: Duration::from_mins(2), ..before.cluster.settings().clone() };
        let mut anew = Node::with(settings.clone(), 2);
        anew.cluster = Cluster::new(settings, Boot { terms, started: 1, ..boot(2) });
        anew.cluster.handle(Time::START, &Input::ExecutorReady(Vec::new()));
        three.nodes[2] = Some(anew);
        for _ in 0..5_000 {
            three.step();
            if (three.runs(A), three.runs(B), three.runs(C)) != (vec![FIRST], vec![SECOND], vec![])
            {
                moved.push((offset, three.now, three.runs(A), three.runs(B), three.runs(C)));
                break;
            }
        }
    }
    assert!(moved.is_empty(), "{moved:?}");
}
