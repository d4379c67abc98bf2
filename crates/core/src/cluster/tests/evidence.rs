//! What is reported for the journal: the evidence of decisions, and how long their steps took.

use super::pair::Pair;
use super::*;
use crate::{
    HandOverProgress, HandOverReason, Inability, LastBeat, Mark, Phase, PingVerdict, ProgressStage,
    Silence,
};

/// How long the slow jobs of a test take.
const SLOW: Duration = Duration::from_millis(300);
/// The time that may lie between the beginning of a job and the beginning of the time that the test
/// counts.
const EARLY: Duration = Duration::from_millis(20);

/// The stages of hand-overs that a node reported, in order.
fn plans(node: &Node) -> Vec<HandOverProgress> {
    node.progress()
}

fn stages(node: &Node) -> Vec<ProgressStage> {
    plans(node).iter().map(|plan| plan.stage).collect()
}

fn verdicts(node: &Node) -> Vec<(u32, Option<u32>, Vec<PingId>, PingVerdict)> {
    let counts = |event: &Event| {
        let Event::PingsCounted(counts) = event else { return None };
        Some((counts.ours, counts.theirs, counts.lost.clone(), counts.verdict))
    };
    node.said.iter().filter_map(counts).collect()
}

fn forget_what_was_said(pair: &mut Pair) {
    for node in pair.nodes.iter_mut().flatten() {
        node.said.clear();
    }
}

#[test]
fn dead_peer_is_reported_with_silence_of_each_link() {
    let links = || vec!["eth0".to_owned(), "ttyS0".to_owned()];
    let mut node = Node::with(Settings { links: links(), ..settings(B, Failback::On) }, 1);
    let mut pair = Pair::settled(Failback::On);
    let is_whole = |beat: &Beat| Mark::of(beat) == beat.table;
    let mut kept = pair.node(A).kept.iter().rev();
    let beat = kept.find(|(_, beat)| beat.as_ref().is_some_and(is_whole));
    let beat = beat.expect("it told everything").clone();
    node.hear(at(100), "alpha", 1, &beat);
    node.turn(at(100));
    let mut now = 100;
    let silence = loop {
        now += 1;
        node.turn(at(now));
        let dead = |event: &&Event| matches!(event, Event::PeerDead(A, _));
        if let Some(Event::PeerDead(_, silence)) = node.said.iter().find(dead) {
            break silence.clone();
        }
    };
    let ago = DEADTIME;
    let links = vec![
        LastBeat { link: LinkId(0), ago: Some(ago), was_up: true },
        LastBeat { link: LinkId(1), ago: None, was_up: false },
    ];
    assert_eq!(*silence, Silence { lasted: Some(ago), limit: DEADTIME, links });
}

#[test]
fn hand_over_reports_stages_and_durations_on_both_nodes() {
    let mut pair = Pair::settled(Failback::Off);
    forget_what_was_said(&mut pair);
    pair.node(A).holds_jobs = true;
    let now = pair.now;
    pair.node(A).order(now, Order::Standby(GroupSet::Local));
    pair.pass(SLOW);
    let now = pair.now;
    pair.node(A).finish_jobs(now);
    pair.until("it moved", |pair| pair.node(A).answers == [Ok(())]);
    let all =
        [ProgressStage::Asked, ProgressStage::Agreed, ProgressStage::Released, ProgressStage::Done];
    for (id, motive) in [(A, HandOverReason::Order(Ticket(1))), (B, HandOverReason::Node)] {
        let told = plans(pair.node(id));
        assert_eq!(stages(pair.node(id)), all, "{id:?}");
        for plan in &told {
            let scope = Scope::Set(GroupSet::Local);
            assert_eq!((plan.giver, plan.taker, plan.scope, plan.motive), (A, B, scope, motive));
        }
        let released = told[2].took;
        assert!(released + EARLY >= SLOW, "{id:?}: {released:?}");
        assert!(told[0].took.is_zero() && told[1].took < SLOW / 2, "{told:?}");
        assert_eq!(told[3].total, told.iter().map(|plan| plan.took).sum());
    }
    // The events are in the order in which things happened.
    let place = |of: fn(&Event) -> bool| pair.nodes[0].as_ref()?.said.iter().position(of);
    let agreed = place(
        |event| matches!(event, Event::HandOverProgress(plan) if plan.stage == ProgressStage::Agreed),
    );
    let stops = place(|event| matches!(event, Event::Ownership { phase: Phase::Stopping, .. }));
    let stopped = place(|event| matches!(event, Event::JobEnded { .. }));
    let released = place(
        |event| matches!(event, Event::HandOverProgress(plan) if plan.stage == ProgressStage::Released),
    );
    assert!(agreed < stops && stops < stopped && stopped < released);
    let Some(Event::JobEnded { job, outcome, took }) =
        &pair.node(A).said.iter().find(|event| matches!(event, Event::JobEnded { .. }))
    else {
        panic!("the stop was told");
    };
    assert_eq!((job.group, job.first, job.count, job.action), (FIRST, 0, 1, Action::Stop));
    assert_eq!(*outcome, Outcome::Success);
    assert!(*took + EARLY >= SLOW && *took <= SLOW + EARLY);
}

#[test]
fn hand_over_reports_its_motive() {
    let mut pair = Pair::settled(Failback::On);
    forget_what_was_said(&mut pair);
    let now = pair.now;
    pair.node(B).order(now, Order::TakeoverGroup(FIRST));
    pair.until("it moved", |pair| pair.node(B).answers == [Ok(())]);
    let first = plans(pair.node(B)).into_iter().next().expect("a wish");
    assert_eq!(
        (first.stage, first.motive),
        (ProgressStage::Wanted, HandOverReason::Order(Ticket(1)))
    );
    let motives: Vec<_> = plans(pair.node(A)).into_iter().map(|plan| plan.motive).collect();
    assert!(motives.starts_with(&[HandOverReason::Node; 3]), "{motives:?}");

    // Taken because the owner was dead, and handed back by failback.
    let mut pair = Pair::settled(Failback::On);
    pair.nodes[0] = None;
    pair.until("taken", |pair| pair.runs(B) == [FIRST, SECOND]);
    pair.nodes[0] = Some(Node::new(A, Failback::On, 2));
    pair.until("given back", |pair| pair.runs(A) == [FIRST] && pair.runs(B) == [SECOND]);
    pair.pass(Duration::from_secs(1));
    assert!(plans(pair.node(B)).iter().all(|plan| plan.motive == HandOverReason::Home));
    assert_eq!(stages(pair.node(B)).last(), Some(&ProgressStage::Done));
}

#[test]
fn ipfail_hand_over_and_refusal_report_ping_counts() {
    let mut pair = Pair::settled(Failback::Off);
    forget_what_was_said(&mut pair);
    pair.answers = [false, true];
    pair.until("all moved", |pair| pair.runs(A).is_empty());
    pair.pass(Duration::from_secs(1));
    let lost = vec![PingId(0)];
    let told = verdicts(pair.node(A));
    assert!(told.contains(&(0, Some(1), lost.clone(), PingVerdict::ToldToGiveUp)), "{told:?}");
    assert!(verdicts(pair.node(B)).contains(&(1, Some(0), vec![], PingVerdict::TellsMore)));
    assert!(plans(pair.node(A)).iter().all(|plan| plan.motive == HandOverReason::Ipfail));
    assert_eq!(stages(pair.node(A)).last(), Some(&ProgressStage::Done));

    let mut pair = Pair::settled_with(|settings| settings.ipfail = false);
    pair.answers[B.index()] = false;
    pair.pass(DEADTIME * 2);
    let now = pair.now;
    pair.node(A).order(now, Order::Standby(GroupSet::Local));
    pair.until("refused", |pair| pair.node(A).answers == [refused(Refusal::FewerPings)]);
    assert_eq!(verdicts(pair.node(A)), [(1, Some(0), vec![], PingVerdict::IsRefused)]);
    assert_eq!(verdicts(pair.node(B)), [(0, Some(1), lost, PingVerdict::Refuses)]);
    let ended = ProgressStage::Ended(Refusal::FewerPings);
    assert_eq!(stages(pair.node(A)), [ProgressStage::Asked, ended]);
}

#[test]
fn hand_over_that_cannot_be_asked_for_is_reported() {
    let mut pair = Pair::settled(Failback::Off);
    let now = pair.now;
    pair.node(B).order(now, Order::Standby(GroupSet::All));
    pair.until("A has all", |pair| pair.runs(A) == [FIRST, SECOND]);
    pair.pass(Duration::from_secs(1));
    forget_what_was_said(&mut pair);
    let now = pair.now;
    let node = pair.node(A);
    node.holds_jobs = true;
    node.runs.retain(|group| *group != SECOND);
    node.cluster.handle(now, &Input::LetGo(SECOND));
    node.cluster.handle(now, &Input::Carrier { group: FIRST, is_there: false });
    pair.step();
    let told: Vec<_> = plans(pair.node(A)).iter().map(|it| (it.stage, it.motive)).collect();
    let unasked = ProgressStage::Unasked(Refusal::LocalInFlux);
    assert_eq!(told, [(unasked, HandOverReason::Carrier)]);
}

#[test]
fn takeover_reports_owner_unheard_or_left_as_cause() {
    let first = settings(B, Failback::Off).groups[0].key;
    let mut node = Node::new(B, Failback::Off, 2);
    let boot = Boot { terms: vec![(first, A, 5)], ..boot(2) };
    node.cluster = Cluster::new(settings(B, Failback::Off), boot);
    node.cluster.handle(Time::START, &Input::ExecutorReady(Vec::new()));
    let mut pair = Pair::of([None, Some(node)]);
    pair.until("it is alone", |pair| pair.runs(B) == [FIRST, SECOND]);
    let cause = |node: &Node| {
        node.said.iter().find_map(|event| {
            let Event::Ownership { group: FIRST, owner: B, cause, .. } = event else { return None };
            Some(*cause)
        })
    };
    assert_eq!(cause(pair.node(B)), Some(Cause::OwnerUnheard(A)));
    // If the owner was heard, the cause is known.
    let mut pair = Pair::settled(Failback::Off);
    let now = pair.now;
    pair.node(A).order(now, Order::Stop);
    pair.until("taken", |pair| pair.runs(B) == [FIRST, SECOND]);
    assert_eq!(cause(pair.node(B)), Some(Cause::OwnerLeft(A)));
}

#[test]
fn group_running_since_before_node_start_is_reported_as_at_least() {
    let mut pair = Pair::settled(Failback::Off);
    let least =
        |pair: &mut Pair, group: GroupId| pair.node(B).snapshot().groups[group.index()].at_least;
    let now = pair.now;
    pair.node(A).order(now, Order::StandbyGroup(FIRST));
    pair.until("answered", |pair| pair.node(A).answers == [Ok(())]);
    pair.pass(Duration::from_secs(1));
    let now = pair.now;
    pair.node(B).order(now, Order::StandbyGroup(FIRST));
    pair.until("answered", |pair| pair.node(B).answers == [Ok(())]);
    pair.pass(Duration::from_secs(1));
    assert!(!least(&mut pair, FIRST), "it was seen to move there");
    pair.end(B);
    pair.until("taken", |pair| pair.runs(A) == [FIRST, SECOND]);
    pair.nodes[1] = Some(Node::new(B, Failback::Off, 2));
    pair.pass(Duration::from_secs(3));
    assert!(least(&mut pair, FIRST) && least(&mut pair, SECOND), "B was not there to see it");
    assert!(!pair.node(A).snapshot().groups[SECOND.index()].at_least);
}

#[test]
fn node_unable_to_run_group_is_reported_with_reason() {
    let because = |pair: &mut Pair, id: NodeId| {
        let report = pair.node(id).snapshot().groups.swap_remove(FIRST.index());
        (report.unable, report.unable_because)
    };
    let of = |name: &str, why| (vec![name.to_owned()], vec![why]);
    let mut pair = Pair::settled(Failback::Off);
    let now = pair.now;
    let lost = Input::Carrier { group: FIRST, is_there: false };
    pair.node(B).cluster.handle(now, &lost);
    pair.pass(Duration::from_secs(1));
    assert_eq!(because(&mut pair, B), of("beta", Inability::Interface));
    assert_eq!(because(&mut pair, A), of("beta", Inability::Told));
    let mut pair = Pair::settled(Failback::Off);
    pair.node(B).fails = Some(FIRST);
    let now = pair.now;
    pair.node(A).order(now, Order::Standby(GroupSet::Local));
    pair.until("answered", |pair| !pair.node(A).answers.is_empty());
    pair.pass(Duration::from_secs(1));
    for id in [A, B] {
        assert_eq!(because(&mut pair, id), of("beta", Inability::Failed));
    }
    let mut pair = Pair::settled(Failback::Off);
    pair.change(B, Failback::Off, &[(B, &["second"])]);
    pair.pass(Duration::from_secs(1));
    assert_eq!(because(&mut pair, A), of("beta", Inability::OtherLine));
}

#[test]
fn loser_of_partition_reports_its_groups_still_stopping() {
    let mut pair = Pair::settled(Failback::Off);
    pair.cut = true;
    pair.until("both own all", |pair| pair.runs(A).len() == 2 && pair.runs(B).len() == 2);
    for id in [A, B] {
        pair.node(id).holds_jobs = true;
    }
    pair.cut = false;
    let stops = |pair: &mut Pair, id: NodeId| {
        let groups = pair.node(id).snapshot().groups;
        groups.iter().filter(|group| group.stopping_here).count()
    };
    pair.pass(Duration::from_secs(1));
    assert_eq!(stops(&mut pair, A) + stops(&mut pair, B), 2, "each group has one winner");
    for id in [A, B] {
        let now = pair.now;
        pair.node(id).finish_jobs(now);
    }
    pair.pass(Duration::from_secs(1));
    assert_eq!(stops(&mut pair, A) + stops(&mut pair, B), 0);
}
