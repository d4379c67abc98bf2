//! A and B do not hear each other; C hears both, and reports to each about the other.

use super::three::{C, Three};
use super::*;

impl Three {
    /// C, which has just beaten, stands still for longer than a permit and shorter than a dead
    /// time.
    fn c_stands_still(&mut self) {
        self.until("C beats", |three| three.nodes[2].as_ref().is_some_and(|c| !c.sent.is_empty()));
        self.step();
        let mut still = self.nodes[2].take().expect("it has power");
        let mut socket = Vec::new();
        for _ in 0..470 {
            for node in self.nodes.iter().flatten() {
                socket.extend(node.sent.iter().map(|sent| (node.id, sent.clone())));
            }
            self.step();
        }
        let misses = |node: &Node| node.counts_dead(C);
        assert!(!self.nodes.iter().flatten().any(misses), "nobody has missed it");
        for (from, sent) in &socket {
            still.hear(self.now, NAMES[from.index()], 1, sent);
        }
        self.nodes[2] = Some(still);
    }

    fn nobody_is_fenced(&self) {
        let fences = self.nodes.iter().flatten().map(|node| node.fences.clone());
        let fences: Vec<_> = fences.collect();
        assert!(fences.iter().all(Vec::is_empty), "{fences:?}");
    }
}

fn has_device(settings: &mut Settings) {
    settings.fencing = Some(crate::FencingPolicy { delay: Duration::from_secs(5) });
}

/// Two nodes that do not hear each other both keep what they have, whichever nodes they are.
#[test]
fn partition_between_two_of_three_nodes_moves_no_group() {
    for homes in [[A, A], [A, B]] {
        let mut three = Three::at_homes(homes, |_| {});
        let before = three.all_run();
        three.cut = true;
        for _ in 0..20_000 {
            three.step();
            assert_eq!(three.all_run(), before, "{homes:?}");
        }
    }
}

#[test]
fn partition_between_two_of_three_nodes_fences_no_node() {
    let mut three = Three::at_homes([A, B], has_device);
    three.cut = true;
    three.pass(Duration::from_secs(10));
    three.nobody_is_fenced();
}

#[test]
fn witness_pausing_briefly_moves_no_group() {
    for homes in [[A, B], [A, A]] {
        let mut three = Three::at_homes(homes, |_| {});
        three.cut = true;
        three.pass(Duration::from_secs(3));
        let before = three.all_run();
        three.c_stands_still();
        for _ in 0..5_000 {
            three.step();
            assert_eq!(three.all_run(), before, "{homes:?}");
        }
    }
}

#[test]
fn witness_pausing_briefly_causes_no_fence() {
    let mut three = Three::at_homes([A, B], has_device);
    three.cut = true;
    three.pass(Duration::from_secs(3));
    three.c_stands_still();
    three.pass(Duration::from_secs(5));
    three.nobody_is_fenced();
}

/// C executes itself again, at any moment between two beats of the others.
#[test]
fn witness_restarting_daemon_moves_no_group() {
    for offset in (0..200).step_by(20) {
        let mut three = Three::at_homes([A, B], |_| {});
        let before = three.all_run();
        three.cut = true;
        three.pass(Duration::from_secs(3) + Duration::from_millis(offset));
        let c = three.nodes[2].as_ref().expect("it has power");
        let terms = c.cluster.terms().collect();
        let settings =
            Settings { initdead: Duration::from_mins(2), ..c.cluster.settings().clone() };
        let mut anew = Node::with(settings.clone(), 2);
        anew.cluster = Cluster::new(settings, Boot { terms, started: 1, ..boot(2) });
        anew.cluster.handle(Time::START, &Input::ExecutorReady(Vec::new()));
        three.nodes[2] = Some(anew);
        for _ in 0..5_000 {
            three.step();
            assert_eq!(three.all_run(), before, "{offset} ms");
        }
    }
}
