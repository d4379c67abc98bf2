//! Two Systole nodes on a network without faults.

use super::*;

/// Two nodes that hear each other after a millisecond, unless they are cut off from each other.
pub(super) struct Pair {
    pub(super) nodes: [Option<Node>; 2],
    pub(super) cut: bool,
    /// Nothing but beats gets through.
    pub(super) beats_only: bool,
    /// A node that is not heard.
    pub(super) mute: Option<NodeId>,
    /// Whether the ping node answers A and B.
    pub(super) answers: [bool; 2],
    pub(super) now: Time,
    /// A node that stands still, and what waits in its socket.
    still: Option<NodeId>,
    socket: Vec<(Outgoing, Option<Beat>)>,
}

impl Pair {
    pub(super) fn new(failback: Failback) -> Self {
        Self::of([Some(Node::new(A, failback, 1)), Some(Node::new(B, failback, 1))])
    }

    pub(super) fn of(nodes: [Option<Node>; 2]) -> Self {
        let (still, socket) = (None, Vec::new());
        Self {
            nodes,
            cut: false,
            beats_only: false,
            mute: None,
            answers: [true; 2],
            now: Time::START,
            still,
            socket,
        }
    }

    pub(super) fn node(&mut self, id: NodeId) -> &mut Node {
        self.nodes[id.index()].as_mut().expect("the node has power")
    }

    /// Cuts the power of a node.
    pub(super) fn end(&mut self, id: NodeId) {
        self.nodes[id.index()] = None;
    }

    /// Lets time pass in steps of a millisecond, until a condition holds or 30 s are over.
    pub(super) fn until(
        &mut self,
        what: &str,
        mut wanted: impl FnMut(&mut Self) -> bool,
    ) -> Duration {
        let start = self.now;
        while !wanted(self) {
            assert!(self.now.since(start) < Duration::from_secs(30), "never: {what}");
            self.step();
        }
        self.now.since(start)
    }

    pub(super) fn pass(&mut self, span: Duration) {
        let end = self.now + span;
        self.until("time passes", |pair| pair.now >= end);
    }

    pub(super) fn step(&mut self) {
        self.now = self.now + Duration::from_millis(1);
        let now = self.now;
        let mut flying = Vec::new();
        let still = self.still;
        for node in self.nodes.iter_mut().flatten().filter(|node| Some(node.id) != still) {
            if self.answers[node.id.index()] {
                node.cluster.handle(now, &Input::PingReply(PingId(0)));
            }
            let sent = std::mem::take(&mut node.sent);
            flying.push((node.id, node.generation, sent));
        }
        for (from, generation, mut sent) in flying {
            sent.retain(|(_, beat)| beat.is_some() || !self.beats_only);
            let other = &mut self.nodes[1 - from.index()];
            let is_cut = self.cut || self.mute == Some(from);
            let Some(other) = other.as_mut().filter(|_| !is_cut) else { continue };
            if Some(other.id) == still {
                self.socket.extend(sent);
                continue;
            }
            let name = if from == A { "alpha" } else { "beta" };
            for (outgoing, beat) in sent {
                let beat = beat.and_then(|beat| versions::read_by(other, &beat));
                other.hear(now, name, generation, &(outgoing, beat));
            }
        }
        for node in self.nodes.iter_mut().flatten().filter(|node| Some(node.id) != still) {
            node.turn(now);
        }
    }

    /// Lets a node stand still for longer than its permit lasts: its executor lets go of everything
    /// when the node continues, before or after the daemon has read its socket.
    pub(super) fn stand_still(&mut self, id: NodeId, span: Duration, executor_first: bool) {
        self.still = Some(id);
        self.pass(span);
        self.still = None;
        let now = self.now;
        let socket = std::mem::take(&mut self.socket);
        let (name, generation) = if id == A { ("beta", 1) } else { ("alpha", 1) };
        let node = self.node(id);
        if executor_first {
            node.let_go(now);
        }
        for message in &socket {
            node.hear(now, name, generation, message);
        }
        node.let_go(now);
    }

    pub(super) fn runs(&self, id: NodeId) -> Vec<GroupId> {
        let runs = self.nodes[id.index()].as_ref().map(|node| node.runs.clone());
        let mut runs = runs.unwrap_or_default();
        runs.sort_unstable();
        runs
    }

    /// Both nodes have started, with settings that differ from the usual ones, and each runs its
    /// own group.
    pub(super) fn settled_with(change: impl Fn(&mut Settings)) -> Self {
        let mut pair = Self::of([A, B].map(|id| {
            let mut settings = settings(id, Failback::Off);
            change(&mut settings);
            Some(Node::with(settings, 1))
        }));
        pair.until("each runs its own", |pair| pair.runs(A) == [FIRST] && pair.runs(B) == [SECOND]);
        pair.pass(Duration::from_secs(1));
        pair
    }

    pub(super) fn settled(failback: Failback) -> Self {
        let mut pair = Self::new(failback);
        pair.until("each runs its own", |pair| pair.runs(A) == [FIRST] && pair.runs(B) == [SECOND]);
        pair.pass(Duration::from_secs(1));
        pair
    }
}

#[test]
fn joint_start_settles_within_a_second() {
    let mut pair = Pair::new(Failback::On);
    let took =
        pair.until("each runs its own", |pair| pair.runs(A) == [FIRST] && pair.runs(B) == [SECOND]);
    assert!(took < Duration::from_secs(1), "{took:?}");
    pair.pass(Duration::from_secs(1));
    for id in [A, B] {
        assert!(pair.node(id).has_said(&Event::InitialAcquisition));
        assert!(pair.node(id).has_said(&Event::LocalAcquired(true)));
    }
}

#[test]
fn lone_node_takes_all_groups_after_initdead() {
    let mut pair = Pair::new(Failback::On);
    pair.nodes[1] = None;
    let took = pair.until("all runs", |pair| pair.runs(A) == [FIRST, SECOND]);
    assert!(took >= INITDEAD && took < INITDEAD + Duration::from_millis(10), "{took:?}");
    assert!(pair.node(A).has_said(&Event::TakeoverBegins(B)));
}

#[test]
fn groups_of_dead_node_are_taken_at_deadtime_and_given_back_on_return() {
    let mut pair = Pair::settled(Failback::On);
    pair.nodes[0] = None;
    let took = pair.until("taken", |pair| pair.runs(B) == [FIRST, SECOND]);
    assert!(took <= DEADTIME + Duration::from_millis(5), "{took:?}");
    assert!(pair.node(B).said.iter().any(|event| matches!(event, Event::PeerDead(A, _))));
    pair.nodes[0] = Some(Node::new(A, Failback::On, 2));
    pair.now = pair.now + Duration::from_millis(1);
    pair.until("given back", |pair| pair.runs(A) == [FIRST] && pair.runs(B) == [SECOND]);
}

#[test]
fn group_without_failback_stays_when_preferred_node_returns() {
    let mut pair = Pair::settled(Failback::Off);
    pair.nodes[0] = None;
    pair.until("taken", |pair| pair.runs(B) == [FIRST, SECOND]);
    pair.nodes[0] = Some(Node::new(A, Failback::Off, 2));
    pair.pass(Duration::from_secs(5));
    assert_eq!(pair.runs(A), []);
    assert_eq!(pair.runs(B), [FIRST, SECOND]);
}

#[test]
fn partition_healed_leaves_one_owner_per_group_within_a_second() {
    let mut pair = Pair::settled(Failback::Off);
    pair.cut = true;
    pair.until("both own all", |pair| pair.runs(A).len() == 2 && pair.runs(B).len() == 2);
    pair.cut = false;
    let took = pair.until("one owner each", |pair| pair.runs(A).len() + pair.runs(B).len() == 2);
    assert!(took <= Duration::from_secs(1), "{took:?}");
    assert!(pair.node(A).has_said(&Event::PeerReturned(B)));
    let winners = (pair.runs(A), pair.runs(B));
    pair.pass(Duration::from_secs(5));
    assert_eq!((pair.runs(A), pair.runs(B)), winners);
}

/// The winner's first beat after it hears the loser is lost.
#[test]
fn partition_healed_leaves_one_owner_although_first_answer_is_lost() {
    let mut pair = Pair::settled(Failback::Off);
    pair.cut = true;
    pair.until("both own all", |pair| pair.runs(A).len() == 2 && pair.runs(B).len() == 2);
    pair.cut = false;
    pair.until("each hears the other", |pair| {
        let mut hears = |node, other| pair.node(node).cluster.hears(other);
        hears(A, B) && hears(B, A)
    });
    pair.cut = true;
    pair.pass(Duration::from_millis(20));
    pair.cut = false;
    let took = pair.until("one owner each", |pair| pair.runs(A).len() + pair.runs(B).len() == 2);
    assert!(took <= KEEPALIVE / 2, "{took:?}");
}

#[test]
fn standby_order_gives_all_groups_to_peer_and_is_not_undone_by_failback() {
    let mut pair = Pair::settled(Failback::On);
    let now = pair.now;
    pair.node(A).order(now, Order::Standby(GroupSet::All));
    pair.until("handed over", |pair| pair.runs(B) == [FIRST, SECOND]);
    pair.until("answered", |pair| pair.node(A).answers == [Ok(())]);
    assert!(
        pair.node(A)
            .has_said(&Event::HandOver(HandOverEvent::Wanted(A, Scope::Set(GroupSet::All))))
    );
    assert!(
        pair.node(B).has_said(&Event::HandOver(HandOverEvent::Taken(Scope::Set(GroupSet::All))))
    );
    pair.pass(Duration::from_secs(5));
    assert_eq!(pair.runs(A), [], "an order is not undone by failback");
}

#[test]
fn takeover_order_fetches_groups_from_peer() {
    let mut pair = Pair::settled(Failback::Off);
    let now = pair.now;
    pair.node(A).order(now, Order::Takeover(GroupSet::Foreign));
    pair.until("fetched", |pair| pair.runs(A) == [FIRST, SECOND]);
    pair.until("answered", |pair| pair.node(A).answers == [Ok(())]);
}

#[test]
fn hand_over_failing_at_taker_is_taken_back() {
    let mut pair = Pair::settled(Failback::Off);
    pair.node(B).fails = Some(FIRST);
    let now = pair.now;
    pair.node(A).order(now, Order::Standby(GroupSet::Local));
    pair.until("answered", |pair| pair.node(A).answers == [refused(Refusal::Failed)]);
    pair.until("taken back", |pair| pair.runs(A) == [FIRST]);
    pair.pass(Duration::from_secs(5));
    assert_eq!(pair.runs(A), [FIRST], "never ping-pong");
}

#[test]
fn standby_when_busy_or_not_ready_or_without_peer_is_refused_with_reason() {
    let mut pair = Pair::settled(Failback::On);
    let now = pair.now;
    pair.node(A).order(now, Order::Standby(GroupSet::All));
    pair.node(A).order(now, Order::Standby(GroupSet::All));
    pair.step();
    assert_eq!(pair.node(A).answers, [refused(Refusal::Busy)]);
    let mut alone = Pair::new(Failback::On);
    alone.node(A).order(at(0), Order::Standby(GroupSet::All));
    alone.step();
    assert_eq!(alone.node(A).answers, [refused(Refusal::NotReady)]);
    alone.nodes[1] = None;
    alone.until("alone", |pair| pair.runs(A).len() == 2);
    let now = alone.now;
    alone.node(A).order(now, Order::Standby(GroupSet::All));
    alone.step();
    assert_eq!(alone.node(A).answers.last(), Some(&refused(Refusal::NoPeer)));
}

#[test]
fn graceful_stop_sends_goodbye_and_lets_peer_take_over_at_once() {
    let mut pair = Pair::settled(Failback::On);
    let now = pair.now;
    pair.node(A).order(now, Order::Stop);
    let took = pair.until("taken", |pair| pair.runs(B) == [FIRST, SECOND]);
    assert!(took <= Duration::from_millis(20), "{took:?}");
    let took = pair.until("ended", |pair| pair.node(A).has_ended);
    assert!(took <= Duration::from_millis(20), "the goodbye is acknowledged: {took:?}");
    assert!(pair.node(B).has_said(&Event::PeerLeft(A)));
    pair.nodes[0] = None;
    pair.until("silent", |pair| pair.node(B).has_said(&Event::PeerHadNothing(A)));
}

#[test]
fn daemon_restarting_adopts_running_groups() {
    let mut pair = Pair::settled(Failback::On);
    let runs = pair.runs(A);
    let mut restarted = Node::new(A, Failback::On, 2);
    let listed = runs.iter().map(|group| (*group, 1)).collect();
    restarted.cluster = Cluster::new(settings(A, Failback::On), Boot { listed, ..boot(2) });
    restarted.greet(Time::START, &runs, true);
    restarted.runs.clone_from(&runs);
    pair.nodes[0] = Some(restarted);
    pair.pass(Duration::from_secs(3));
    assert_eq!((pair.runs(A), pair.runs(B)), (vec![FIRST], vec![SECOND]));
    let moved = |event: &Event| matches!(event, Event::Ownership { owner: B, group: FIRST, .. });
    assert!(!pair.node(B).said.iter().any(moved), "the peer never took it");
}

#[test]
fn group_lost_by_executor_restarts_on_same_node() {
    let mut pair = Pair::settled(Failback::On);
    pair.node(A).runs.clear();
    let now = pair.now;
    pair.node(A).cluster.handle(now, &Input::LetGo(FIRST));
    pair.until("it runs again", |pair| pair.runs(A) == [FIRST]);
    assert_eq!(pair.runs(B), [SECOND]);
}

#[test]
fn permit_is_withheld_after_pause_before_peer_is_heard() {
    let mut pair = Pair::settled(Failback::Off);
    let wake = pair.now + Duration::from_secs(3);
    let node = pair.node(A);
    node.sent.clear();
    node.cluster.elapse(wake);
    let outputs: Vec<Output> = std::iter::from_fn(|| node.cluster.poll()).collect();
    assert!(outputs.iter().any(|output| matches!(output, Output::Report(Event::Paused(_)))));
    assert!(!outputs.iter().any(|output| matches!(output, Output::Permit(_))));
}

#[test]
fn takeover_after_pause_is_preceded_by_permit() {
    let mut pair = Pair::settled(Failback::Off);
    let mut now = pair.now + Duration::from_secs(3);
    let node = pair.node(A);
    let mut outputs = Vec::new();
    for _ in 0..100 {
        node.cluster.elapse(now);
        outputs.extend(std::iter::from_fn(|| node.cluster.poll()));
        now = now + Duration::from_millis(100);
    }
    let permit = outputs.iter().position(|output| matches!(output, Output::Permit(_)));
    let is_start = |job: &crate::Job| job.action == Action::Start && job.group == SECOND;
    let start =
        outputs.iter().position(|output| matches!(output, Output::Run(job) if is_start(job)));
    assert!(
        permit.zip(start).is_some_and(|(permit, start)| permit < start),
        "{permit:?} {start:?}"
    );
}

#[test]
fn message_from_stranger_or_old_generation_is_reported_and_ignored() {
    let mut pair = Pair::settled(Failback::On);
    let now = pair.now;
    let status =
        Message::Status { status: NodeStatus::Active, deadtime: DEADTIME, flow_control: true };
    let outgoing =
        Outgoing { message: status, dest: None, dest_uuid: None, sequence: Some(999), made: now };
    let sent = (outgoing, None);
    pair.node(A).hear(now, "mallory", 1, &sent);
    pair.node(A).hear(now, "beta", 0, &sent);
    pair.step();
    assert!(pair.node(A).has_said(&Event::Stranger("mallory".into())));
    let replay = Event::Replay { node: B, generation: 0, current: 1, count: 1 };
    assert!(pair.node(A).has_said(&replay));
    pair.pass(Duration::from_secs(1));
    assert_eq!((pair.runs(A), pair.runs(B)), (vec![FIRST], vec![SECOND]));
}

#[test]
fn snapshot_shows_owners_links_and_reasons() {
    let mut pair = Pair::settled(Failback::On);
    let snapshot = pair.node(A).snapshot();
    assert_eq!(snapshot.node, "alpha");
    assert!(snapshot.stable && snapshot.executor && !snapshot.stopping);
    assert_eq!(snapshot.nodes[1].daemon, "systole");
    assert!(snapshot.nodes[1].links[0].up);
    assert_eq!(snapshot.groups[0].owner.as_deref(), Some("alpha"));
    assert_eq!(snapshot.groups[0].reason, format!("{:?}", Cause::Unowned));
    assert!(snapshot.ping_nodes[0].up);
}

#[test]
fn snapshot_shows_remaining_wait_for_node_at_start() {
    let mut pair = Pair::new(Failback::On);
    pair.nodes[1] = None;
    pair.pass(Duration::from_millis(200));
    let awaited = |pair: &mut Pair| pair.node(A).snapshot().nodes[B.index()].awaited_ms;
    let left = awaited(&mut pair).expect("it is waited for");
    let initdead = u64::try_from(INITDEAD.as_millis()).expect("it is short");
    assert!(left > 0 && left < initdead, "{left}");
    pair.until("alone", |pair| pair.runs(A).len() == 2);
    assert_eq!(awaited(&mut pair), None);
}
