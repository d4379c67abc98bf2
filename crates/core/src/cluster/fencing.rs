//! Making sure that a silent node is dead before anything that it may run is started here, where
//! a fencing device is configured.

use super::Cluster;
use crate::coverage::{Table, visit};
use crate::{
    Event, FenceOutcome, FenceState, Fencing, FencingEvent, GroupId, Message, NodeId, Output,
    Proof, Refusal, Time,
};
use std::time::Duration;

/// How long after the first failure a device is asked again; the wait doubles with each failure.
const RETRY_FIRST: Duration = Duration::from_secs(1);
/// Longest wait for the next attempt.
const RETRY_MAX: Duration = Duration::from_mins(1);

/// What is done about another node.
///
/// ```text
///             a group waits            delay over            done
///  Unneeded ────────────────▶ Delayed ───────────▶ Running ────────▶ Certain
///    ▲  ▲ ▲                      │           failed │  ▲               │  ▲
///    │  │ └─ heard, no group ────┘                  ▼  │ time is up    │  │
///    │  │    waits any more  ◀─────────────────── Failed                │  │
///    │  └───────────────────────── heard since then ───────────────────┘  │
///    └───────────────────────────── confirmed by hand ────────────────────┘
/// ```
///
/// Each device of a node is an attempt of its own: after one that could not do it the next is asked as
/// the first was, if it is still needed. While the process that drives devices has another one to
/// drive nothing waits there: it is asked again later.
///
/// A node that is heard while the device works may be hit in the next moment: the device is not
/// interrupted, since nobody would know how far it came. If it fails, the node lives; if it
/// succeeds, the node is dead unless it is heard again after that.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    /// Nothing waits for it.
    #[default]
    Unneeded,
    /// It has the chance to be faster than we are.
    Delayed { until: Time },
    /// A device works.
    Running,
    /// No device could do it.
    Failed { retry_at: Time },
    /// It does not run: as of then, what it was heard with later counts against it.
    Certain { at: Time, proof: Proof },
}

/// The fencing of another node.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Fence {
    state: State,
    /// When it fell silent without a goodbye, if it is silent.
    died: Option<Time>,
    /// A group would be taken if it was certain to be dead.
    is_wanted: bool,
    /// Since when a group waits.
    since: Time,
    /// The number of the last attempt of this run.
    attempt: u32,
    /// Failures of all devices since a group waits.
    failures: u32,
    /// The run of the node that was known when the device was asked.
    generation: u64,
    /// The device that is asked next, by its place among those of the node.
    device: u8,
}

impl Fence {
    pub(super) const fn deadline(&self) -> Option<Time> {
        match self.state {
            State::Delayed { until } => Some(until),
            State::Failed { retry_at } => Some(retry_at),
            State::Unneeded | State::Running | State::Certain { .. } => None,
        }
    }

    /// Whether the node is silent, and may run something all the same.
    const fn name(&self) -> &'static str {
        match self.state {
            State::Unneeded => "unneeded",
            State::Delayed { .. } => "delayed",
            State::Running => "running",
            State::Failed { .. } => "failed",
            State::Certain { .. } => "certain",
        }
    }

    const fn is_uncertain(&self) -> bool {
        self.died.is_some() && !matches!(self.state, State::Certain { .. })
    }

    /// For the status: how far it is, since when a group waits, and the attempts since then.
    pub(super) const fn progress(&self) -> Option<(FenceState, Time, u32)> {
        let (state, attempts) = match self.state {
            State::Unneeded | State::Certain { .. } => return None,
            State::Delayed { .. } => (FenceState::Delayed, 0),
            State::Running => (FenceState::Running, self.failures.saturating_add(1)),
            State::Failed { .. } => (FenceState::Failed, self.failures),
        };
        Some((state, self.since, attempts))
    }
}

impl FenceOutcome {
    const fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed | Self::Next | Self::Busy => "failed",
        }
    }
}

impl Cluster {
    /// Whether some node is silent of which it is not certain that it is dead: then nothing is
    /// started here. A node that we do not hear may hear us, and may have taken what we let go.
    pub(super) fn is_anyone_uncertain(&self) -> bool {
        self.fences.iter().any(Fence::is_uncertain)
    }

    /// Whether a node is silent, and may run something all the same.
    pub(super) fn is_uncertain(&self, node: NodeId) -> bool {
        self.fences[node.index()].is_uncertain()
    }

    /// What makes sure that a silent node is dead.
    pub(super) fn proof_of_death(&self, node: NodeId) -> Proof {
        match self.fences[node.index()].state {
            State::Certain { proof, .. } => proof,
            State::Unneeded | State::Delayed { .. } | State::Running | State::Failed { .. } => {
                Proof::Silence
            }
        }
    }

    /// Notes that a group waits until every silent node is certain to be dead, and every node that
    /// cannot tell whether it runs there.
    pub(super) fn want_fences(&mut self, group: GroupId) {
        for node in self.others() {
            if self.is_uncertain(node) || self.is_in_doubt_at(node, group) {
                self.fences[node.index()].is_wanted = true;
            }
        }
    }

    /// Whether a node was fenced, or confirmed dead, and not heard since.
    pub(super) fn is_certainly_dead(&self, node: NodeId) -> bool {
        matches!(self.fences[node.index()].state, State::Certain { .. })
    }

    /// A node fell silent without a goodbye. Returns whether its groups wait for a fence.
    pub(super) fn suspect(&mut self, node: NodeId, had_nothing: bool) -> bool {
        if self.settings.fencing.is_none() {
            return false;
        }
        let now = self.now;
        self.visit_fence(node, "silent");
        let fence = &mut self.fences[node.index()];
        fence.died = Some(now);
        let is_certain = matches!(fence.state, State::Certain { .. });
        if is_certain {
            self.inherit_for_sure(node);
        }
        // Whoever had nothing may have taken in the last moment what nobody has.
        is_certain || !had_nothing || !self.holds_everything()
    }

    fn holds_everything(&self) -> bool {
        let mut groups = self.settings.group_ids();
        groups.all(|group| self.is_ours(group) && self.groups[group].row.phase.holds())
    }

    /// Notes who is heard again, before anything is decided.
    pub(super) fn record_returns(&mut self) {
        for (fence, peer) in self.fences.iter_mut().zip(&self.peers) {
            if peer.is_alive() {
                fence.died = None;
            }
        }
    }

    /// Lets time pass, after it was found out which groups wait.
    pub(super) fn elapse_fencing(&mut self) {
        for node in self.others() {
            let (is_alive, heard) = (self.peer(node).is_alive(), self.peer(node).last_status);
            self.visit_fence_turn(node, is_alive);
            let fence = &mut self.fences[node.index()];
            let is_wanted = std::mem::take(&mut fence.is_wanted);
            match fence.state {
                State::Unneeded if is_wanted => self.begin_to_wait(node),
                State::Delayed { .. } | State::Failed { .. } if !is_wanted => {
                    fence.state = State::Unneeded;
                    self.tell_fencing(node, FencingEvent::Cancelled { is_heard: is_alive });
                    if is_alive {
                        self.classic_meets();
                    }
                }
                State::Delayed { until: at } | State::Failed { retry_at: at } if self.now >= at => {
                    self.ask_device(node);
                }
                State::Certain { at, .. } if is_alive && heard > Some(at) => {
                    fence.state = State::Unneeded;
                }
                State::Unneeded
                | State::Delayed { .. }
                | State::Running
                | State::Failed { .. }
                | State::Certain { .. } => {}
            }
        }
    }

    fn begin_to_wait(&mut self, node: NodeId) {
        let (now, delay) = (self.now, self.fence_delay(node));
        let fence = &mut self.fences[node.index()];
        fence.since = now;
        fence.failures = 0;
        fence.device = 0;
        fence.state = State::Delayed { until: now + delay };
        self.tell_fencing(node, FencingEvent::Wanted { delay });
        if delay.is_zero() {
            self.ask_device(node);
        }
    }

    /// How long the other node may be faster. Where both have something to take from each other,
    /// one of them waits, so that one survives: the one that is preferred by fewer groups, or else
    /// stands later in `ha.cf`. Both know that without asking. A node that has every group has
    /// nothing to take, fences nobody, and need not be waited for.
    fn fence_delay(&self, node: NodeId) -> Duration {
        let has = |group| {
            let row = &self.groups[group].row;
            row.owner == Some(node) && row.phase.holds()
        };
        let would_fence_us = !self.settings.group_ids().all(has);
        let delay = self.settings.fencing.map_or(Duration::ZERO, |policy| policy.delay);
        let comes_second = self.fencing_rank(self.settings.me) > self.fencing_rank(node);
        if would_fence_us && comes_second { delay } else { Duration::ZERO }
    }

    fn fencing_rank(&self, node: NodeId) -> (std::cmp::Reverse<usize>, Option<usize>) {
        let groups = self.settings.known_groups().filter(|(_, group)| group.preferred == node);
        let place = self.settings.node_order.iter().position(|other| *other == node);
        (std::cmp::Reverse(groups.count()), place)
    }

    fn ask_device(&mut self, node: NodeId) {
        let generation = self.peer(node).generation;
        let fence = &mut self.fences[node.index()];
        fence.state = State::Running;
        fence.attempt = fence.attempt.saturating_add(1);
        fence.generation = generation;
        let (attempt, device) = (fence.attempt, fence.device);
        self.tell_fencing(node, FencingEvent::Begins { attempt });
        self.outbox.push_back(Output::Fence { node, attempt, device });
    }

    /// A device has answered.
    pub(super) fn fenced(&mut self, node: NodeId, attempt: u32, outcome: FenceOutcome) {
        let now = self.now;
        let Some(fence) = self.fences.get_mut(node.index()) else { return };
        let is_past = fence.state != State::Running || fence.attempt != attempt;
        let (fence, input) = (*fence, outcome.name());
        visit(Table::Fence, || (fence.name(), if is_past { "past answer" } else { input }));
        if is_past {
            return;
        }
        let fence = &mut self.fences[node.index()];
        let is_heard = self.peers[node.index()].is_alive();
        // One that is heard lives, and is left alone, unless it cannot tell what it runs.
        let is_over = is_heard && !self.peers[node.index()].in_doubt.contains(&true);
        // A device may answer long after it has switched: a run that began since then lives.
        let is_of_the_past = self.peers[node.index()].generation != fence.generation;
        match outcome {
            FenceOutcome::Done if is_of_the_past => {
                fence.state =
                    if is_over { State::Unneeded } else { State::Failed { retry_at: now } };
                let retry = (!is_over).then_some(Duration::ZERO);
                self.tell_fencing(node, FencingEvent::Failed { attempt, retry, is_heard });
            }
            FenceOutcome::Done => {
                fence.state = State::Certain { at: now, proof: Proof::Fenced };
                self.tell_fencing(node, FencingEvent::Done { attempt, is_heard });
                if !is_heard {
                    self.inherit_for_sure(node);
                }
            }
            FenceOutcome::Next => {
                // Nothing is done by itself: whether the next one is asked is decided as for the first.
                fence.device = fence.device.saturating_add(1);
                fence.state =
                    if is_over { State::Unneeded } else { State::Failed { retry_at: now } };
                let retry = (!is_over).then_some(Duration::ZERO);
                self.tell_fencing(node, FencingEvent::Failed { attempt, retry, is_heard });
            }
            FenceOutcome::Busy => {
                let until = now + RETRY_FIRST;
                fence.state = if is_over { State::Unneeded } else { State::Delayed { until } };
            }
            FenceOutcome::Failed => {
                fence.device = 0;
                let doubled = RETRY_FIRST.saturating_mul(1 << fence.failures.min(16));
                let wait = doubled.min(RETRY_MAX);
                fence.failures = fence.failures.saturating_add(1);
                fence.state =
                    if is_over { State::Unneeded } else { State::Failed { retry_at: now + wait } };
                let retry = (!is_over).then_some(wait);
                self.tell_fencing(node, FencingEvent::Failed { attempt, retry, is_heard });
                let name = self.settings.name(node).into();
                self.send(Message::Stonith { node: name, result: Fencing::Failed }, None);
            }
        }
    }

    /// The administrator has seen that a node is off.
    pub(super) fn confirm_dead(&mut self, node: NodeId) -> Result<(), Refusal> {
        if self.settings.fencing.is_none() {
            return Err(Refusal::NoFencing);
        }
        if self.peer(node).is_alive() {
            return Err(Refusal::NotDead);
        }
        let at = self.now;
        self.visit_fence(node, "confirmed");
        let fence = &mut self.fences[node.index()];
        let was_certain = matches!(fence.state, State::Certain { .. });
        fence.state = State::Certain { at, proof: Proof::Confirmed };
        let is_dead = fence.died.is_some();
        self.tell_fencing(node, FencingEvent::Confirmed);
        if is_dead && !was_certain {
            self.inherit_for_sure(node);
        }
        Ok(())
    }

    /// A silent node is dead for sure: everything will be ours.
    fn inherit_for_sure(&mut self, node: NodeId) {
        if self.shutdown.is_none() {
            self.classic_inherits(node, Fencing::Done);
            self.begin_takeover(node);
        }
    }

    fn visit_fence(&self, node: NodeId, input: &'static str) {
        visit(Table::Fence, || (self.fences[node.index()].name(), input));
    }

    fn visit_fence_turn(&self, node: NodeId, is_alive: bool) {
        let fence = &self.fences[node.index()];
        let is_due = fence.deadline().is_some_and(|deadline| self.now >= deadline);
        let input = match (fence.is_wanted, is_alive, is_due) {
            (false, true, _) => "heard",
            (false, false, _) => "not wanted",
            (true, _, true) => "time up",
            (true, _, false) => "wanted",
        };
        if self.settings.fencing.is_some() {
            self.visit_fence(node, input);
        }
    }

    fn tell_fencing(&mut self, node: NodeId, event: FencingEvent) {
        self.report(Event::Fencing(node, event));
    }
}
