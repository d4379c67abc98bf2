//! Groups keep their ids at a reload.

use super::reload::{Line, with_groups};
use super::*;
use crate::Phase;

const X: Line = (A, &["x"]);
const Y: Line = (A, &["y"]);
const Z: Line = (A, &["z"]);

const THIRD: GroupId = GroupId(2);
/// How many groups that are no longer listed a node remembers.
const REMEMBERED_MAX: usize = 32;

/// A node that is alone and runs these lines.
fn alone(lines: &[Line]) -> Node {
    let mut node = Node::with(with_groups(A, Failback::Off, lines), 1);
    pass(&mut node, INITDEAD * 2);
    assert_eq!(node.runs, order(&node));
    node
}

fn pass(node: &mut Node, span: Duration) {
    let end = node.now + span;
    while node.now < end {
        let next = node.now + Duration::from_millis(20);
        node.turn(next);
    }
}

fn reload(node: &mut Node, lines: &[Line]) {
    node.reload(with_groups(A, Failback::Off, lines)).expect("nothing speaks against it");
    let now = node.now;
    node.turn(now);
}

fn order(node: &Node) -> Vec<GroupId> {
    node.cluster.settings().group_ids().collect()
}

#[test]
fn reload_reordering_lines_keeps_group_ids_and_shows_new_order() {
    let mut node = alone(&[X, Y]);
    let before = [FIRST, SECOND].map(|id| node.cluster.group_report(id, &Wording::FACTS));
    reload(&mut node, &[Z, Y, X]);
    assert_eq!(order(&node), [THIRD, SECOND, FIRST]);
    assert_eq!([FIRST, SECOND].map(|id| node.cluster.group_report(id, &Wording::FACTS)), before);
    let names: Vec<String> = node.snapshot().groups.into_iter().map(|group| group.name).collect();
    assert_eq!(names, ["z", "y", "x"]);
    assert_eq!(node.runs, [FIRST, SECOND, THIRD]);
}

#[test]
fn line_returning_after_being_forgotten_has_former_id_and_is_tried_anew() {
    let mut node = alone(&[X, Y]);
    node.fails = Some(FIRST);
    reload(&mut node, &[Y]);
    assert_eq!(order(&node), [SECOND, FIRST], "it is remembered, as retired");
    // So many other groups are remembered since then that there is no room for it.
    for number in 0..2 * REMEMBERED_MAX {
        let word: &'static str = format!("other{number}").leak();
        let words: &'static [&'static str] = vec![word].leak();
        reload(&mut node, &[Y, (A, words)]);
    }
    assert!(!order(&node).contains(&FIRST));
    assert!(order(&node).len() <= REMEMBERED_MAX + 2);
    reload(&mut node, &[X, Y]);
    assert_eq!(order(&node)[..2], [FIRST, SECOND]);
    assert_eq!(
        node.cluster.group_report(FIRST, &Wording::FACTS).phase,
        Phase::Failed,
        "it is tried anew"
    );
    assert_eq!(node.failed_starts(), 1);
}

#[test]
fn group_failback_follows_line_moved_by_reload() {
    let mut node = alone(&[X, Y]);
    let own = |place: u16| vec![(GroupId(place), Failback::Manual)];
    let with = |lines: &[Line], group_failback| Settings {
        group_failback,
        ..with_groups(A, Failback::On, lines)
    };
    node.reload(with(&[Y, X], own(0))).expect("nothing speaks against it");
    assert_eq!(node.cluster.settings().failback_of(SECOND), Failback::Manual);
    assert_eq!(node.cluster.settings().failback_of(FIRST), Failback::On);
}

#[test]
fn reload_to_no_groups_accepts_and_drops_group_failback() {
    let mut node = alone(&[X, Y]);
    let group_failback = vec![(FIRST, Failback::Manual)];
    let empty = Settings { group_failback, ..with_groups(A, Failback::On, &[]) };
    assert_eq!(node.reload(empty), Ok(()));
    assert_eq!(node.cluster.settings().group_failback, []);
}

#[test]
fn job_ending_after_reload_reorders_lines_completes_its_group() {
    let mut node = alone(&[X, Y]);
    node.holds_jobs = true;
    reload(&mut node, &[Z, X, Y]);
    assert_eq!(node.cluster.group_report(THIRD, &Wording::FACTS).phase, Phase::Starting);
    reload(&mut node, &[Y, X, Z]);
    let now = node.now;
    node.finish_jobs(now);
    assert_eq!(node.cluster.group_report(THIRD, &Wording::FACTS).phase, Phase::Active);
    assert_eq!(node.runs, [FIRST, SECOND, THIRD]);
}
