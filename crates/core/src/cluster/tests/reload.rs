//! Two nodes whose files change one after the other, or only one of them.

use super::pair::Pair;
use super::*;
use crate::{GROUPS_MAX, Inability, Phase};

/// A line: its preferred node and its words. The first word is its name.
pub(super) type Line = (NodeId, &'static [&'static str]);

pub(super) const OLD: [Line; 2] = [(A, &["first"]), (B, &["second"])];
/// The first line has changed, and needs the same resource.
pub(super) const CHANGED: [Line; 2] = [(A, &["first", "extra"]), (B, &["second"])];
pub(super) const REMOVED: [Line; 1] = [(B, &["second"])];
pub(super) const ADDED: [Line; 3] = [(A, &["first"]), (B, &["second"]), (B, &["third"])];

pub(super) fn groups(lines: &[Line]) -> Vec<Group> {
    let group = |(preferred, words): &Line| Group {
        key: GroupKey::of(words.iter().copied()),
        preferred: *preferred,
        resources: words.iter().map(|word| agent(word)).collect(),
        is_retired: false,
    };
    lines.iter().map(group).collect()
}

pub(super) fn with_groups(id: NodeId, failback: Failback, lines: &[Line]) -> Settings {
    Settings { groups: groups(lines), ..settings(id, failback) }
}

impl Node {
    pub(super) fn reload(&mut self, settings: Settings) -> Result<(), ReloadRefusal> {
        self.cluster.reconfigure(self.now, settings)
    }

    /// The id of the line with these words.
    pub(super) fn id_of(&self, words: &[&str]) -> GroupId {
        let has_words = |group: &Group| group.resources.iter().map(|it| &it.word).eq(words);
        let mut groups = self.cluster.settings().known_groups();
        groups.find(|(_, group)| has_words(group)).expect("a line with these words").0
    }

    /// The group that is known although its line is no longer listed.
    fn retired(&self) -> GroupId {
        let mut groups = self.cluster.settings().known_groups();
        groups.find(|(_, group)| group.is_retired).expect("one line is no longer listed").0
    }

    /// The words of everything that runs here or may run here.
    pub(super) fn running(&self) -> Vec<Vec<&str>> {
        let groups = &self.cluster.settings().groups;
        let words = |group: &GroupId| {
            groups[group.index()].resources.iter().map(|it| it.word.as_str()).collect()
        };
        let mut running: Vec<Vec<&str>> = self.runs.iter().map(words).collect();
        running.sort_unstable();
        running
    }
}

impl Pair {
    pub(super) fn change(&mut self, id: NodeId, failback: Failback, lines: &[Line]) {
        let now = self.now;
        let node = self.node(id);
        node.reload(with_groups(id, failback, lines)).expect("nothing speaks against it");
        node.turn(now);
    }

    /// Lets time pass; at no moment does a resource run on both nodes.
    pub(super) fn watch(
        &mut self,
        what: &str,
        mut wanted: impl FnMut(&mut Self) -> bool,
    ) -> Duration {
        self.until(what, |pair| {
            let [Some(a), Some(b)] = &pair.nodes else { return wanted(pair) };
            let there: Vec<&str> = b.running().concat();
            let both = a.running().concat().into_iter().find(|word| there.contains(word));
            assert_eq!(both, None, "runs on both nodes");
            wanted(pair)
        })
    }

    pub(super) fn rest(&mut self, seconds: u64) {
        let end = self.now + Duration::from_secs(seconds);
        self.watch("time passes", |pair| pair.now >= end);
    }

    /// Starts a node, which hears the other node at once.
    pub(super) fn start(&mut self, node: Node) {
        let id = node.id;
        self.until("the other one speaks", |pair| !pair.node(NodeId(1 - id.0)).sent.is_empty());
        self.nodes[id.index()] = Some(node);
        self.step();
    }

    pub(super) fn run(&mut self, id: NodeId, words: &[&str]) -> bool {
        self.node(id).running().iter().any(|running| running == words)
    }
}

#[test]
fn group_added_by_reload_starts_without_touching_other_groups() {
    let mut pair = Pair::settled(Failback::Off);
    let before = pair.node(A).row(FIRST);
    pair.node(A).said.clear();
    for id in [A, B] {
        pair.change(id, Failback::Off, &ADDED);
    }
    pair.watch("it runs where it should", |pair| pair.run(B, &["third"]));
    pair.rest(2);
    assert_eq!(pair.node(A).row(FIRST), before);
    let moved = |event: &Event| matches!(event, Event::Ownership { group: FIRST | SECOND, .. });
    assert!(!pair.node(A).said.iter().any(moved) && pair.run(A, &["first"]));
    assert!(pair.run(B, &["second"]) && !pair.run(A, &["third"]));
}

#[test]
fn owner_reloading_first_runs_new_line_and_stays_owner() {
    for failback in [Failback::On, Failback::Off] {
        let mut pair = Pair::settled(failback);
        pair.change(A, failback, &CHANGED);
        let took = pair.watch("changed", |pair| pair.run(A, &["first", "extra"]));
        assert!(took < Duration::from_millis(20), "nobody had to be asked: {took:?}");
        pair.rest(5);
        let (owner, _, phase) = pair.node(B).row(FIRST);
        assert_eq!((owner, phase), (Some(A), Phase::Active), "it stays claimed");
        pair.node(A).said.clear();
        pair.change(B, failback, &CHANGED);
        pair.rest(5);
        assert!(pair.run(A, &["first", "extra"]));
        let restarted = |event: &Event| {
            matches!(event, Event::Ownership { group: FIRST, phase: Phase::Starting, .. })
        };
        assert!(!pair.node(A).said.iter().any(restarted));
        for id in [A, B] {
            let node = pair.node(id);
            let last = node.group(node.retired()).retired;
            assert_eq!(last, Some(Retirement::Over));
            assert_eq!(node.cluster.beat().table.rows, 2, "nobody speaks of it any more");
        }
    }
}

/// Only the status knows which lines differ: it is looked at when this is reported.
#[test]
fn line_difference_made_by_peer_reload_is_reported_once_at_begin_and_end() {
    for lines in [&CHANGED[..], &REMOVED[..]] {
        let mut pair = Pair::settled(Failback::Off);
        pair.node(A).said.clear();
        pair.node(B).said.clear();
        let reports = |node: &mut Node| {
            let all = std::mem::take(&mut node.said).into_iter();
            all.filter(|event| *event == Event::OtherLines).count()
        };
        let differs = |pair: &mut Pair| {
            let groups = pair.node(A).snapshot().groups;
            let is_line =
                |it: &Inability| matches!(it, Inability::OtherLine | Inability::UnknownLine);
            groups.iter().any(|group| {
                let is_elsewhere = group.retired == Some(Retirement::Elsewhere);
                group.kept_free || is_elsewhere || group.unable_because.iter().any(is_line)
            })
        };
        pair.change(B, Failback::Off, lines);
        pair.rest(5);
        assert!(differs(&mut pair));
        assert_eq!(reports(pair.node(A)), 1, "{lines:?}");
        pair.change(B, Failback::Off, &OLD);
        pair.rest(5);
        assert!(!differs(&mut pair));
        assert_eq!(reports(pair.node(A)), 1, "{lines:?}");
    }
}

/// A node that still has the old file must never start the line, and must know why.
#[test]
fn line_removed_on_owner_is_shown_as_kept_free_on_peer() {
    let mut pair = Pair::settled(Failback::Off);
    let is_kept = |pair: &mut Pair| {
        let groups = pair.node(B).snapshot().groups;
        groups.into_iter().find(|group| group.name == "first").expect("it is known").kept_free
    };
    assert!(!is_kept(&mut pair), "A runs it");
    pair.change(A, Failback::Off, &REMOVED);
    pair.rest(2);
    assert!(is_kept(&mut pair) && !pair.run(A, &["first"]));
    pair.change(A, Failback::Off, &OLD);
    pair.watch("it is back", |pair| pair.run(A, &["first"]));
    pair.rest(1);
    assert!(!is_kept(&mut pair));
    pair.change(A, Failback::Off, &CHANGED);
    pair.rest(1);
    assert!(!is_kept(&mut pair), "the new line of A runs in its place");
}

/// Each node runs a line of its own, and the files merge the two lines, whichever node is reloaded
/// first.
#[test]
fn lines_merged_by_reload_run_in_old_form_until_both_nodes_reload() {
    const BEFORE: [Line; 3] = [(A, &["first"]), (B, &["second"]), (A, &["third"])];
    const AFTER: [Line; 2] = [(A, &["first", "second"]), (A, &["third"])];
    for (early, late) in [(A, B), (B, A)] {
        let mut pair = Pair::settled(Failback::On);
        for id in [A, B] {
            pair.change(id, Failback::On, &BEFORE);
        }
        pair.watch("each runs its own", |pair| pair.run(A, &["third"]));
        pair.rest(2);
        pair.change(early, Failback::On, &AFTER);
        pair.watch("what the one cannot run, the other does", |pair| {
            pair.run(late, &["first"]) && pair.run(late, &["second"])
        });
        pair.rest(2);
        assert!(pair.run(late, &["first"]) && pair.run(late, &["second"]), "it stays");
        // Other groups can be moved meanwhile.
        let groups = &pair.node(A).cluster.settings().groups;
        let third = groups.iter().position(|group| group.name() == "third");
        let third = GroupId(u16::try_from(third.expect("it is in both files")).unwrap());
        let now = pair.now;
        pair.node(A).order(now, Order::StandbyGroup(third));
        pair.watch("it is given", |pair| pair.run(B, &["third"]));
        pair.rest(1);
        pair.change(late, Failback::On, &AFTER);
        pair.watch("the merged line runs at home", |pair| pair.run(A, &["first", "second"]));
        pair.rest(2);
        assert!(!pair.run(B, &["first", "second"]));
    }
}

#[test]
fn peer_reloading_first_waits_for_owner_to_reload() {
    for failback in [Failback::On, Failback::Off] {
        let mut pair = Pair::settled(failback);
        pair.change(B, failback, &CHANGED);
        pair.rest(5);
        assert!(pair.run(A, &["first"]) && pair.runs(B) == [SECOND]);
        pair.change(A, failback, &CHANGED);
        let took = pair.watch("changed", |pair| pair.run(A, &["first", "extra"]));
        assert!(took <= KEEPALIVE + Duration::from_millis(20), "{took:?}");
        pair.rest(5);
        assert!(pair.runs(B) == [SECOND], "a change does not move a group");
    }
}

#[test]
fn owner_keeps_group_when_both_nodes_reload_at_once() {
    let mut pair = Pair::settled(Failback::Off);
    pair.node(B).holds_jobs = true;
    for id in [B, A] {
        pair.change(id, Failback::Off, &CHANGED);
    }
    pair.watch("changed", |pair| pair.run(A, &["first", "extra"]));
    pair.rest(5);
    assert!(pair.run(A, &["first", "extra"]) && pair.run(B, &["second"]));
}

#[test]
fn group_changed_to_prefer_peer_stays_on_owner() {
    let moved: [Line; 2] = [(B, &["first", "extra"]), (B, &["second"])];
    for order in [[A, B], [B, A]] {
        let mut pair = Pair::settled(Failback::Off);
        for id in order {
            pair.change(id, Failback::Off, &moved);
            pair.rest(3);
        }
        assert!(pair.run(A, &["first", "extra"]), "{order:?}");
    }
}

#[test]
fn retired_group_that_cannot_stop_is_blocked_and_delays_new_line() {
    let mut pair = Pair::settled_with(|settings| settings.stop_failure = StopFailure::Block);
    pair.node(A).stuck = Some(FIRST);
    // The retired group comes last, and keeps its failing stop.
    let now = pair.now;
    let node = pair.node(A);
    let block = |lines: &[Line]| Settings {
        stop_failure: StopFailure::Block,
        ..with_groups(A, Failback::Off, lines)
    };
    node.reload(block(&CHANGED)).unwrap();
    let retired = node.retired();
    node.stuck = Some(retired);
    node.turn(now);
    pair.watch("blocked", |pair| pair.node(A).phase(retired) == Phase::Blocked);
    pair.rest(5);
    assert!(!pair.run(A, &["first", "extra"]) && pair.runs(B) == [SECOND]);
    let now = pair.now;
    pair.node(A).stuck = None;
    pair.node(A).order(now, Order::Retry(None));
    pair.watch("changed", |pair| pair.run(A, &["first", "extra"]));
}

#[test]
fn reload_when_busy_or_of_fixed_setting_or_with_too_many_groups_is_refused() {
    let mut pair = Pair::settled(Failback::Off);
    let now = pair.now;
    pair.node(A).order(now, Order::Standby(GroupSet::All));
    pair.node(A).turn(now);
    let changed = || with_groups(A, Failback::Off, &CHANGED);
    assert_eq!(pair.node(A).reload(changed()), Err(ReloadRefusal::Busy));
    pair.until("handed over", |pair| pair.node(A).answers == [Ok(())]);
    pair.rest(1);
    let other = Settings { links: vec!["eth1".to_owned()], ..changed() };
    assert_eq!(pair.node(A).reload(other), Err(ReloadRefusal::Fixed));
    let many: Vec<Group> = (0..GROUPS_MAX)
        .map(|number| Group {
            key: GroupKey::of([number.to_string().as_str()]),
            ..groups(&OLD)[0].clone()
        })
        .collect();
    let many = Settings { groups: many, ..changed() };
    assert_eq!(pair.node(A).reload(many), Err(ReloadRefusal::TooManyGroups));
    assert_eq!(pair.node(A).cluster.settings().groups, groups(&OLD));
}

#[test]
fn set_hand_over_to_peer_with_old_line_is_refused() {
    let mut pair = Pair::settled(Failback::Off);
    pair.change(A, Failback::Off, &CHANGED);
    pair.rest(2);
    let now = pair.now;
    pair.node(A).order(now, Order::Standby(GroupSet::All));
    pair.node(B).order(now, Order::Takeover(GroupSet::All));
    pair.rest(12);
    assert_eq!(pair.node(A).answers, [refused(Refusal::Differs)]);
    assert!(matches!(pair.node(B).answers[..], [Err(_)]));
    assert!(pair.run(A, &["first", "extra"]) && pair.runs(B) == [SECOND]);
    pair.change(B, Failback::Off, &CHANGED);
    pair.rest(2);
    let now = pair.now;
    pair.node(A).order(now, Order::Standby(GroupSet::All));
    pair.watch("handed over", |pair| pair.run(B, &["first", "extra"]));
}

#[test]
fn node_seeing_fewer_ping_nodes_gives_group_away_once_peer_has_new_line() {
    let mut pair = Pair::settled(Failback::Off);
    pair.change(A, Failback::Off, &CHANGED);
    pair.rest(2);
    pair.answers[0] = false;
    pair.rest(10);
    assert!(pair.run(A, &["first", "extra"]));
    pair.change(B, Failback::Off, &CHANGED);
    pair.watch("given up", |pair| pair.run(B, &["first", "extra"]));
}

#[test]
fn reload_of_deadtime_announces_longer_and_keeps_to_shorter_value() {
    for (new, told, kept) in
        [(DEADTIME * 2, DEADTIME * 2, DEADTIME), (DEADTIME / 2, DEADTIME, DEADTIME / 2)]
    {
        let mut pair = Pair::settled(Failback::Off);
        let settings = Settings { deadtime: new, ..with_groups(A, Failback::Off, &OLD) };
        pair.node(A).reload(settings).unwrap();
        let is_at = |pair: &mut Pair, told, kept| {
            let node = pair.node(A);
            node.announced() == Some(told) && node.cluster.patience() + KEEPALIVE == kept
        };
        let early = pair.until("announced", |pair| pair.node(A).announced() == Some(told));
        assert!(early <= KEEPALIVE && is_at(&mut pair, told, kept));
        let took = early + pair.until("known", |pair| is_at(pair, new, new));
        assert!(took + KEEPALIVE >= DEADTIME, "{took:?}");
        pair.rest(1);
        assert_eq!(u128::from(pair.node(B).peer(A).deadtime_ms), new.as_millis());
        assert_eq!((pair.runs(A), pair.runs(B)), (vec![FIRST], vec![SECOND]));
    }
}

#[test]
fn ping_node_known_by_name_keeps_state_across_reload() {
    let mut pair = Pair::settled(Failback::Off);
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let settings = |pings: &[&str]| Settings {
        ping_nodes: names(pings),
        ..with_groups(A, Failback::Off, &OLD)
    };
    pair.node(A).reload(settings(&["router", "gateway"])).unwrap();
    let pings = pair.node(A).snapshot().ping_nodes;
    assert_eq!(pings.iter().map(|ping| ping.up).collect::<Vec<_>>(), [false, true]);
}
