//! One node of the cluster: the whole core behind four methods.

mod carrier;
mod classic;
mod declined;
mod detection;
mod executor_absence;
mod facts;
mod failback;
mod failing;
mod fencing;
mod foreign;
mod gate;
mod groups;
mod guard;
mod hand_over;
mod hold;
mod hold_down;
mod identity;
mod ipfail;
mod jobs;
mod ledger;
mod liveness;
mod messages;
mod monitoring;
mod orders;
mod other_list;
mod pause;
mod peer_store;
mod peer_table;
mod ping;
mod placement;
mod reload;
mod report;
mod rows;
mod self_messages;
mod serial_pacing;
mod service_network;
mod shutdown;
mod table_sync;
mod transmit;
mod versions;

use crate::history::History;
use crate::mutation::Mutation;
use crate::peer::Peer;
use crate::{
    Boot, Event, GROUPS_MAX, GroupId, Input, JobId, Message, NodeId, NodeStatus, Output, PingId,
    Random, Settings, Time,
};
use classic::Classic;
use declined::Offers;
use detection::Times;
use executor_absence::ExecutorPresence;
use fencing::Fence;
pub use gate::Obstacle;
use groups::{EchoBarrier, Groups};
use hand_over::HandOver;
use hold::Holds;
pub use hold::{HOLD_DEFAULT, HOLD_MAX};
use ipfail::Ipfail;
use pause::Pause;
use ping::PingNode;
use placement::Placement;
pub use report::{
    CheckReport, FailureReport, FenceReport, FenceState, GroupReport, GuardReport, HoldReport,
    Inability, LinkReport, NodeReport, OlderReport, PingReport, ResourceReport, ResourceState,
    Retirement, Snapshot, StayReport,
};
use shutdown::Shutdown;
use std::collections::VecDeque;
use std::time::Duration;
use transmit::Transmitter;

/// Shortest time between two reports of something that an outsider can cause.
const TELL_GAP: Duration = Duration::from_secs(1);
/// How many times one turn looks for due work: the result of one pass may be due at once.
const PASSES_MAX: u32 = 4;
/// Capacity for the outputs of one turn: more than one turn ever makes.
const OUTBOX_CAPACITY: usize = 256 + GROUPS_MAX;

/// Membership and ownership as one node sees them, without clock, socket, file or thread.
///
/// Drive it in this order at every wake-up:
/// 1. read *all* sockets, [`handle`](Self::handle) every input, then call [`elapse`](Self::elapse);
/// 2. call [`poll`](Self::poll) until it returns `None`, and carry out the outputs in that order;
/// 3. sleep until [`deadline`](Self::deadline) or the next input.
///
/// `now` must never run backwards. Calling too often is harmless.
#[derive(Debug)]
pub struct Cluster {
    settings: Settings,
    boot: Boot,
    random: Random,
    now: Time,
    status: NodeStatus,
    /// When the status last changed.
    status_since: Time,
    /// One per node; the entry of this node is unused, because a node never hears itself.
    peers: Vec<Peer>,
    /// When a message from an unknown node was last reported.
    stranger_reported: Option<Time>,
    pings: Vec<PingNode>,
    transmitter: Transmitter,
    history: History,
    groups: Groups,
    next_job: JobId,
    executor: ExecutorPresence,
    pause: Pause,
    hand_over: HandOver,
    offers: Offers,
    placement: Placement,
    ipfail: Ipfail,
    classic: Classic,
    shutdown: Shutdown,
    /// One per node; the entry of this node is unused.
    fences: Vec<Fence>,
    holds: Holds,
    times: Times,
    /// Whether the last input was a message for event scripts.
    calls_script: bool,
    outbox: VecDeque<Output>,
    #[cfg(feature = "test-hooks")]
    mutation: Option<Mutation>,
}

impl Cluster {
    /// Creates a node that has just started, at [`Time::START`].
    #[must_use]
    pub fn new(mut settings: Settings, boot: Boot) -> Self {
        settings.retire(&boot.retired);
        let mut random = Random::new(boot.seed);
        let peers = settings.nodes.iter().map(|_| Peer::new(&settings, &mut random)).collect();
        let mut cluster = Self {
            peers,
            pings: settings.ping_nodes.iter().map(|_| PingNode::default()).collect(),
            status_since: Time::START,
            stranger_reported: None,
            transmitter: Transmitter::new(&settings, &boot),
            history: History::new(),
            groups: Groups::new(&settings),
            next_job: JobId::default(),
            executor: ExecutorPresence::NEW,
            pause: Pause::default(),
            hand_over: HandOver::default(),
            offers: Offers::NEW,
            placement: Placement::NEW,
            ipfail: Ipfail::default(),
            classic: Classic::new(),
            shutdown: Shutdown::default(),
            fences: vec![Fence::default(); settings.nodes.len()],
            holds: Holds::default(),
            times: Times::new(&settings),
            calls_script: false,
            outbox: VecDeque::with_capacity(OUTBOX_CAPACITY),
            #[cfg(feature = "test-hooks")]
            mutation: None,
            now: Time::START,
            status: NodeStatus::Init,
            random,
            settings,
            boot,
        };
        cluster.groups.overlaps = cluster.find_overlaps();
        cluster.configure_monitoring();
        cluster.recall();
        cluster
    }

    /// Processes one input.
    pub fn handle(&mut self, now: Time, input: &Input<'_>) {
        self.record_time(now);
        self.calls_script = false;
        match input {
            Input::Heard(heard) => self.receive(heard),
            Input::PingReply(ping) => self.ping_replied(*ping),
            Input::JobSaid { job, words } => {
                self.groups.iter_mut().for_each(|group| group.said(*job, *words));
            }
            Input::JobDone { job, outcome } => self.job_done(*job, *outcome),
            Input::ExecutorReady(held) => self.executor_ready(held),
            Input::ExecutorGone => self.executor_gone(),
            Input::LetGo(group) => self.let_go(*group),
            Input::Answered { group, mac } => self.handle_answer(*group, *mac),
            Input::NotAsked(group) => self.handle_not_asked(*group),
            Input::ServiceAddresses(own) => self.record_service_addresses(*own),
            Input::ProcessEnded { group, resource, is_crash } => {
                self.handle_process_end(*group, *resource, *is_crash);
            }
            Input::Carrier { group, is_there } => self.carrier_changed(*group, *is_there),
            Input::Order { ticket, order } => self.handle_order(*ticket, *order),
            Input::Say { message, dest } => {
                self.send(Message::Custom(Box::new((*message).clone())), *dest);
            }
            Input::Fenced { node, attempt, outcome } => self.fenced(*node, *attempt, *outcome),
        }
    }

    /// Lets time pass and decides. Everything due by now is done, so that the next
    /// [`deadline`](Self::deadline) is in the future: a shell that sleeps until then never spins.
    pub fn elapse(&mut self, now: Time) {
        self.record_time(now);
        for _ in 0..PASSES_MAX {
            self.decide();
            if self.deadline() > self.now {
                return;
            }
        }
        debug_assert!(
            self.is_mutated(Mutation::NeverRest),
            "nothing that is due may be left: {self:?}"
        );
    }

    fn decide(&mut self) {
        self.start_beating();
        self.elapse_links();
        self.elapse_pings();
        self.elapse_peers();
        self.elapse_communication();
        self.elapse_hand_over();
        self.elapse_hold();
        self.elapse_ipfail();
        self.elapse_classic();
        self.elapse_requests();
        self.elapse_unasked();
        self.elapse_absence();
        self.renew_permit();
        self.elapse_guard();
        self.place();
        self.elapse_monitoring();
        self.elapse_foreign();
        self.elapse_memory();
        self.elapse_shutdown();
        self.elapse_transmitter();
    }

    /// Returns the next thing to do, or `None` when everything is done.
    #[must_use]
    pub fn poll(&mut self) -> Option<Output> {
        self.outbox.pop_front()
    }

    /// The latest time at which [`Cluster::elapse`] must be called.
    #[must_use]
    pub fn deadline(&self) -> Time {
        if self.is_mutated(Mutation::NeverRest) {
            return self.now;
        }
        let links = self.link_deadlines();
        // Without an executor, due jobs cannot run; they wait for an executor instead.
        let runners = self.settings.group_ids().filter(|group| self.may_run_job_of(*group));
        let runners = runners.filter_map(|group| self.groups[group].runner.deadline());
        let others = [
            Some(self.transmitter.next_beat),
            self.hand_over.deadline(),
            self.failback_deadline(),
            self.declined_deadline(),
            self.stay_deadline(),
            self.leaving_deadline(),
            self.absence_deadline(),
            self.ipfail.deadline(),
            self.classic.deadline(),
            self.shutdown.deadline(),
            self.monitoring_deadline(),
            self.foreign_deadline(),
            self.guard_deadline(),
        ];
        let again = self.groups.iter().filter_map(|group| group.ask_again);
        let fences = self.fences.iter().filter_map(Fence::deadline).chain(again);
        let all = links.chain(runners).chain(fences).chain(others.into_iter().flatten());
        all.fold(Time::from_nanos(u64::MAX), Time::min)
    }

    fn recall(&mut self) {
        self.recall_peers();
        self.recall_holds();
        for index in 0..self.boot.terms.len() {
            let (key, owner, term) = self.boot.terms[index];
            let known = owner.index() < self.settings.nodes.len();
            if let Some(group) = self.group_with_key(key).filter(|_| known) {
                self.recall_row(group, owner, term);
            }
        }
        self.recall_ledger();
    }

    fn report(&mut self, event: Event) {
        self.outbox.push_back(Output::Report(event));
    }

    /// Makes a deliberate mistake from now on.
    #[cfg(feature = "test-hooks")]
    pub fn mutate(&mut self, mutation: Mutation) {
        self.mutation = Some(mutation);
    }

    /// Whether this mistake is to be made here.
    #[cfg(feature = "test-hooks")]
    fn is_mutated(&self, mutation: Mutation) -> bool {
        self.mutation == Some(mutation)
    }

    /// Whether this mistake is to be made here: never in a daemon.
    #[cfg(not(feature = "test-hooks"))]
    #[expect(clippy::unused_self, reason = "it asks the node where there are mistakes")]
    const fn is_mutated(&self, _: Mutation) -> bool {
        false
    }

    /// Every other node.
    fn others(&self) -> impl Iterator<Item = NodeId> + use<> {
        let me = self.settings.me;
        self.settings.node_ids().filter(move |node| *node != me)
    }

    fn peer(&self, node: NodeId) -> &Peer {
        &self.peers[node.index()]
    }

    fn peer_mut(&mut self, node: NodeId) -> &mut Peer {
        &mut self.peers[node.index()]
    }

    /// Whether communication is up and this node is not stopping.
    fn takes_part(&self) -> bool {
        self.status == NodeStatus::Active && !self.shutdown.has_begun()
    }

    /// The barrier that is passed by the echo of the next beat.
    fn next_barrier(&self) -> EchoBarrier {
        EchoBarrier::at(self.history.next())
    }

    /// Whether every other node knows what the beat of a barrier said, or can no longer act as if
    /// it did not.
    fn is_known(&self, barrier: EchoBarrier) -> bool {
        self.others().all(|node| barrier.is_passed_by(self.peer(node)))
    }

    /// The others may believe that this node cannot run its groups, or may know nothing about it.
    /// Nothing is taken before they know better.
    fn tell_ability_anew(&mut self) {
        let barrier = self.next_barrier();
        self.groups.iter_mut().for_each(|group| group.able = barrier);
    }

    fn preferred(&self, group: GroupId) -> NodeId {
        self.settings.groups[group.index()].preferred
    }

    fn ping_ids(&self) -> impl Iterator<Item = PingId> + use<> {
        (0..u8::try_from(self.pings.len()).unwrap_or(u8::MAX)).map(PingId)
    }
}

/// Whether something that an outsider can cause at will may be reported now; if so, records the
/// report.
fn may_tell(told: &mut Option<Time>, now: Time) -> bool {
    let may = told.is_none_or(|told| now.since(told) >= TELL_GAP);
    if may {
        *told = Some(now);
    }
    may
}

fn group_id(index: usize) -> GroupId {
    GroupId(u16::try_from(index).unwrap_or(u16::MAX))
}

#[cfg(test)]
mod tests;
