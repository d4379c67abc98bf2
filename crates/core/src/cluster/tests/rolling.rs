//! Three nodes, one of which has other lines: it was reloaded first, or started with another file.

use super::reload::{Line, with_groups};
use super::three::{C, Three, of_three};
use super::*;

const BEFORE: [Line; 2] = [(A, &["first"]), (B, &["second"])];
/// Both lines have changed, and need the same resources as before.
const AFTER: [Line; 2] = [(A, &["first", "extra"]), (B, &["second", "extra"])];

fn with_lines(id: NodeId, failback: Failback, lines: &[Line]) -> Settings {
    let groups = with_groups(id, failback, lines).groups;
    Settings { failback, groups, ..of_three(id) }
}

fn start(id: NodeId, failback: Failback, lines: &[Line], generation: u64) -> Node {
    Node::with(with_lines(id, failback, lines), generation)
}

impl Three {
    /// The words of everything that runs on a node.
    fn words(&self, id: NodeId) -> Vec<&str> {
        self.nodes[id.index()].as_ref().map(|node| node.running().concat()).unwrap_or_default()
    }

    /// Lets time pass until a condition holds; at no moment does a resource run on two nodes.
    fn watch(&mut self, what: &str, wanted: impl Fn(&Self) -> bool) {
        self.until(what, |three| {
            let mut all = [A, B, C].map(|id| three.words(id)).concat();
            all.retain(|word| *word != "extra");
            let count = all.len();
            all.sort_unstable();
            all.dedup();
            assert_eq!(all.len(), count, "something runs on two nodes: {all:?}");
            wanted(three)
        });
    }

    fn rest(&mut self, seconds: u64) {
        let end = self.now + Duration::from_secs(seconds);
        self.watch("time passes", |three| three.now >= end);
    }

    fn serves(&self, word: &str) -> bool {
        [A, B, C].into_iter().any(|id| self.words(id).contains(&word))
    }

    /// Whether both resources run somewhere.
    fn serves_all(&self) -> bool {
        self.serves("first") && self.serves("second")
    }

    fn reload(&mut self, id: NodeId, failback: Failback, lines: &[Line]) {
        let now = self.now;
        let node = self.nodes[id.index()].as_mut().expect("it has power");
        node.reload(with_lines(id, failback, lines)).expect("nothing speaks against it");
        node.turn(now);
    }

    /// All three nodes run, and then one of them has been reloaded.
    fn with_one_reloaded(first: NodeId) -> Self {
        let mut three = Self::of([A, B, C].map(|id| Some(start(id, Failback::On, &BEFORE, 1))));
        three.watch("all runs at home", |three| {
            three.words(A) == ["first"] && three.words(B) == ["second"]
        });
        three.rest(2);
        three.reload(first, Failback::On, &AFTER);
        three.rest(5);
        assert!(three.serves_all(), "{first:?}");
        three
    }
}

#[test]
fn node_death_with_one_of_three_reloaded_leaves_all_resources_running() {
    for first in [A, B, C] {
        for dead in [A, B, C] {
            let mut three = Three::with_one_reloaded(first);
            three.nodes[dead.index()] = None;
            three.watch("the others have all", Three::serves_all);
            three.rest(5);
            assert!(three.serves_all(), "{first:?} {dead:?}");
        }
    }
}

#[test]
fn standby_order_with_one_of_three_reloaded_leaves_all_resources_running() {
    for first in [A, B, C] {
        for giver in [A, B] {
            let mut three = Three::with_one_reloaded(first);
            let now = three.now;
            let order = Order::Standby(GroupSet::All);
            three.nodes[giver.index()].as_mut().expect("it has power").order(now, order);
            three.rest(20);
            assert!(three.serves_all(), "{first:?} {giver:?}");
        }
    }
}

#[test]
fn node_return_with_one_of_three_reloaded_leaves_all_resources_running() {
    for first in [A, C] {
        let mut three = Three::with_one_reloaded(first);
        three.nodes[B.index()] = None;
        three.watch("the others have all", Three::serves_all);
        for (lines, generation) in [(&BEFORE, 2), (&AFTER, 3)] {
            // The clock of the new node is that of the others, which have been running for a while.
            let initdead = Duration::from_mins(1);
            let settings = Settings { initdead, ..with_lines(B, Failback::On, lines) };
            three.nodes[B.index()] = Some(Node::with(settings, generation));
            three.rest(10);
            assert!(three.serves_all(), "{first:?} {lines:?}");
            three.nodes[B.index()] = None;
            three.rest(5);
        }
    }
}

/// The third node comes a little later, and has either file.
#[test]
fn three_nodes_starting_with_different_lines_run_no_resource_twice() {
    for last in [A, B, C] {
        for other in [A, B, C] {
            let lines = |id| if id == other { &AFTER } else { &BEFORE };
            let node = |id| Some(start(id, Failback::On, lines(id), 1));
            let mut nodes = [A, B, C].map(node);
            nodes[last.index()] = None;
            let mut three = Three::of(nodes);
            for _ in 0..300 {
                three.watch("a step", |_| true);
                three.step();
            }
            three.nodes[last.index()] = node(last);
            three.watch("all runs", Three::serves_all);
            three.rest(10);
            assert!(three.serves_all(), "{last:?} {other:?}");
        }
    }
}

/// C has another file, B lost its carrier, and A is asked to give B the line that both know.
#[test]
fn taker_without_carrier_is_refused_as_such_despite_lines_of_third_node() {
    let lines = |id| if id == C { &AFTER } else { &BEFORE };
    let mut three = Three::of([A, B, C].map(|id| Some(start(id, Failback::Off, lines(id), 1))));
    three.watch("all runs", Three::serves_all);
    three.rest(3);
    assert!(three.words(A).contains(&"first"), "{:?}", three.words(A));
    let now = three.now;
    let b = three.nodes[B.index()].as_mut().expect("it has power");
    b.cluster.handle(now, &Input::Carrier { group: FIRST, is_there: false });
    three.rest(2);
    let now = three.now;
    let a = three.nodes[A.index()].as_mut().expect("it has power");
    a.order(now, Order::StandbyGroup(FIRST));
    three.rest(2);
    let a = three.nodes[A.index()].as_ref().expect("it has power");
    assert_eq!(a.answers, [refused(Refusal::NoInterface)]);
}

/// B stops a line that C has won, and neither has an executor any longer: C has let go of the line
/// in doubt, and B's addresses are still there.
#[test]
fn conflicting_line_does_not_start_while_stop_hangs_and_owner_is_in_doubt() {
    const LINE: [Line; 1] = [(B, &["first"])];
    const OTHER: [Line; 1] = [(A, &["first", "extra"])];
    let mut three = Three::of([
        None,
        Some(start(B, Failback::Off, &LINE, 1)),
        Some(start(C, Failback::Off, &LINE, 1)),
    ]);
    three.watch("B runs it", |three| three.words(B) == ["first"]);
    let initdead = Duration::from_mins(2);
    let settings = Settings { initdead, ..with_lines(A, Failback::Off, &OTHER) };
    three.nodes[A.index()] = Some(Node::with(settings, 1));
    three.rest(3);
    // C runs it too, as after a partition, and prevails. What B has to stop hangs.
    let (b, c) = (B.index(), C.index());
    three.away = Some(C);
    three.until("C runs it too", |three| three.words(C) == ["first"]);
    three.pass(Duration::from_secs(1));
    for node in [b, c] {
        three.nodes[node].as_mut().expect("power").holds_jobs = true;
    }
    three.away = None;
    three.pass(Duration::from_secs(2));
    let held = &three.nodes[b].as_ref().expect("power").held;
    let jobs: Vec<_> = held.iter().map(|job| (job.group, job.action)).collect();
    assert_eq!(jobs, [(FIRST, Action::Stop)]);
    let now = three.now;
    let node = three.nodes[c].as_mut().expect("power");
    node.cluster.handle(now, &Input::ExecutorGone);
    node.held.clear();
    node.runs.clear();
    let is_over =
        |three: &Three| three.nodes[c].as_ref().is_some_and(|c| c.phase(FIRST) == Phase::Failed);
    let mut count = 0;
    // B's executor dies shortly before C gives up.
    while !is_over(&three) {
        three.rest(1);
        count += 1;
        if count == 4 {
            let now = three.now;
            three.nodes[b].as_mut().expect("power").cluster.handle(now, &Input::ExecutorGone);
        }
        assert!(count < 30);
    }
    let left = Event::LeftRunning(FIRST);
    assert!(three.nodes[b].as_ref().is_some_and(|b| !b.has_said(&left)), "B has not given up yet");
    three.rest(1);
}

/// A and B have the new file, C does not: B has what A had, and claims the old line on account of
/// C.
#[test]
fn resources_stay_running_at_hand_over_while_third_node_has_old_line() {
    for gives_by_order in [false, true] {
        let failback = if gives_by_order { Failback::Off } else { Failback::On };
        let mut three = Three::of([A, B, C].map(|id| Some(start(id, failback, &BEFORE, 1))));
        three.watch("all runs at home", |three| three.words(A) == ["first"]);
        three.rest(2);
        three.reload(A, failback, &AFTER);
        three.rest(2);
        three.nodes[A.index()] = None;
        three.watch("the others have all", Three::serves_all);
        three.reload(B, failback, &AFTER);
        three.rest(5);
        let initdead = Duration::from_mins(2);
        let settings = Settings { initdead, ..with_lines(A, failback, &AFTER) };
        three.nodes[A.index()] = Some(Node::with(settings, 2));
        three.rest(10);
        assert!(three.serves_all(), "A is back");
        if gives_by_order {
            let now = three.now;
            let b = three.nodes[B.index()].as_mut().expect("it has power");
            b.order(now, Order::Standby(GroupSet::All));
            three.rest(10);
            assert!(three.serves_all(), "B was told to give");
        }
        three.reload(C, failback, &AFTER);
        three.rest(10);
        assert!(three.serves_all(), "all have the new file");
    }
}
