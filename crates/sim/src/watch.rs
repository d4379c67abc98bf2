//! What the laws need to know about a machine's past, recorded outside its core.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;
use systole_core::{
    AfterCheck, Cause, Cluster, Event, GroupKey, HandOverProgress, NodeId, Outcome, Phase,
    ProgressStage, Time,
};

/// How long heard beats are remembered; the newest beat of a node is kept longer.
const REMEMBERED: Duration = Duration::from_secs(10);

/// An ownership as it was reported or stored: group, owner, term.
type Told = (GroupKey, NodeId, u64);

/// Why a node does what it does with a group.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reason {
    group: GroupKey,
    /// Whether another node has the group, or has a better claim.
    is_loss: bool,
    pub(crate) cause: Cause,
    /// When the oldest beat was sent that may have been the cause.
    pub(crate) heard: Option<Time>,
    /// Whether the daemon had no executor, and so did not know what still ran.
    pub(crate) was_helpless: bool,
}

/// An observer of one daemon.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    /// When the daemon's loop last ran.
    turned: Time,
    /// When the daemon continued after a pause, and the nodes that it heard before and has not heard since.
    pause: Option<(Time, Vec<NodeId>)>,
    /// The beats that were heard: the sender, when it sent the beat, and when the daemon heard it.
    beats: VecDeque<(NodeId, Time, Time)>,
    /// The owners of groups, as far as the daemon learned them at its start or has reported them since.
    ownership: BTreeMap<GroupKey, (NodeId, u64)>,
    /// What the daemon reported in this turn, by the place of the group.
    news: Vec<(usize, NodeId, u64)>,
    /// Why each group is as it is, or why this node lost it.
    reasons: Vec<Reason>,
    /// When the oldest beat was sent that this turn knows about.
    oldest: Option<Time>,
    /// The hand-over that was last agreed on.
    plan: Option<HandOverProgress>,
    /// Whether the daemon was told to stop.
    stops: bool,
    /// When groups were given up because no executor was there.
    given_up: Vec<(GroupKey, Time)>,
    /// Groups whose last start failed because an agent could not be asked.
    unasked: Vec<GroupKey>,
    /// Whether a service that does not work has had its group leave.
    has_left: bool,
    /// Groups that are being stopped, for a reason that was good when it began.
    stopping: Vec<GroupKey>,
}

impl Watch {
    /// Makes the observer of a daemon that starts, and finds this on its disk.
    pub(crate) fn new(now: Time, stored: &[Told]) -> Self {
        let stored = stored.iter().copied().filter(|(_, _, term)| *term > 0);
        let ownership = stored.map(|(key, owner, term)| (key, (owner, term))).collect();
        Self { turned: now, ownership, ..Self::default() }
    }

    /// Records that the loop ran.
    pub(crate) fn turned(&mut self, now: Time) {
        self.turned = now;
        self.oldest = None;
    }

    /// Returns when the loop last ran.
    pub(crate) const fn turned_at(&self) -> Time {
        self.turned
    }

    /// Records that the machine continues after a pause that was so long that it must listen first.
    pub(crate) fn resumed(&mut self, now: Time, cluster: &Cluster) {
        let others = cluster.settings().node_ids();
        let heard = others.filter(|node| is_heard(cluster, *node)).collect();
        self.pause = Some((now, heard));
    }

    /// Records a beat of `from` that was sent at that moment.
    pub(crate) fn heard(&mut self, now: Time, from: NodeId, sent: Time) {
        self.beats.push_back((from, sent, now));
        while let Some((node, _, at)) = self.beats.front()
            && now.since(*at) > REMEMBERED
            && self.beats.iter().skip(1).any(|(other, ..)| other == node)
        {
            self.beats.pop_front();
        }
        if let Some((since, unheard)) = &mut self.pause
            && sent >= *since
        {
            unheard.retain(|node| *node != from);
        }
    }

    /// Returns when a node sent the newest of its beats that the daemon had heard by a moment.
    pub(crate) fn newest_of(&self, node: NodeId, moment: Time) -> Option<Time> {
        let known = self.beats.iter().filter(|(from, _, at)| *from == node && *at <= moment);
        known.map(|(_, sent, _)| *sent).max()
    }

    /// Records that something reached the daemon that was sent at that moment, by whatever run of its sender.
    pub(crate) fn reached(&mut self, sent: Time) {
        self.oldest = Some(self.oldest.map_or(sent, |oldest| oldest.min(sent)));
    }

    /// Returns a node that was heard before the last pause, has not been heard since, and is not considered
    /// dead.
    pub(crate) fn unheard(&self, cluster: &Cluster) -> Option<NodeId> {
        let (_, unheard) = self.pause.as_ref()?;
        unheard.iter().copied().find(|node| is_heard(cluster, *node))
    }

    /// Records an event of the daemon; its groups have their places in its settings.
    pub(crate) fn told(&mut self, now: Time, event: &Event, cluster: &Cluster) {
        let settings = cluster.settings();
        if let Event::Ownership { group, owner, term, phase, cause } = event {
            self.news.push((group.index(), *owner, *term));
            let key = settings.groups[group.index()].key;
            // A group that stops because it was lost does so whatever term other nodes report for it
            // meanwhile.
            let is_ours = *owner == settings.me && matches!(phase, Phase::Starting | Phase::Active);
            let is_loss = *owner != settings.me || matches!(cause, Cause::Outranked(_));
            if *phase == Phase::Active {
                self.record_stopping(key, false);
            }
            if *cause == Cause::ExecutorLost {
                self.record_given_up(now, key);
            }
            let (cause, heard) = (*cause, self.oldest);
            let was_helpless = !cluster.snapshot(&systole_core::Wording::FACTS).executor;
            self.record_reason(Reason { group: key, is_loss, cause, heard, was_helpless }, is_ours);
        }
        if let Event::LeftRunning(group) = event {
            self.record_given_up(now, settings.groups[group.index()].key);
        }
        if let Event::StartFailed { group, outcome, .. } = event {
            let key = settings.groups[group.index()].key;
            self.unasked.retain(|other| *other != key);
            if *outcome == Outcome::NotAsked {
                self.unasked.push(key);
            }
        }
        if let Event::CheckFailed { follows: AfterCheck::Moves, .. } = event {
            self.has_left = true;
        }
        if let Event::HandOverProgress(plan) = event
            && plan.stage == ProgressStage::Agreed
        {
            self.plan = Some(*plan);
        }
        if let (Event::PeerDead(node, _), Some((_, unheard))) = (event, &mut self.pause) {
            // If the node returns, it does so by a beat that it repeats, perhaps an old one.
            unheard.retain(|other| other != node);
        }
    }

    fn record_given_up(&mut self, now: Time, key: GroupKey) {
        self.given_up.retain(|(other, _)| *other != key);
        self.given_up.push((key, now));
    }

    /// Returns when a group was last given up because no executor was there.
    pub(crate) fn given_up_at(&self, group: GroupKey) -> Option<Time> {
        self.given_up.iter().find(|(other, _)| *other == group).map(|(_, at)| *at)
    }

    /// Returns whether the last start of a group failed because an agent could not be asked.
    pub(crate) fn was_unasked(&self, group: GroupKey) -> bool {
        self.unasked.contains(&group)
    }

    /// Returns whether a service that does not work has had its group leave.
    pub(crate) const fn has_left(&self) -> bool {
        self.has_left
    }

    /// Returns whether a stop of this group is in progress that has already been judged.
    pub(crate) fn is_stopping(&self, group: GroupKey) -> bool {
        self.stopping.contains(&group)
    }

    /// Records that a stop of a group begins or continues, or that the group is started again.
    pub(crate) fn record_stopping(&mut self, group: GroupKey, stops: bool) {
        self.stopping.retain(|other| *other != group);
        if stops {
            self.stopping.push(group);
        }
    }

    /// Records that the daemon is told to stop.
    pub(crate) fn told_to_stop(&mut self) {
        self.stops = true;
    }

    /// Returns whether the daemon was told to stop.
    pub(crate) const fn is_told_to_stop(&self) -> bool {
        self.stops
    }

    /// Records a reason. A node that has lost a group keeps the reason until it has the group again.
    fn record_reason(&mut self, reason: Reason, is_ours: bool) {
        let known = self.reasons.iter_mut().find(|known| known.group == reason.group);
        match known {
            None => self.reasons.push(reason),
            Some(known) if is_ours || !known.is_loss => *known = reason,
            Some(_) => {}
        }
    }

    /// Returns why a group is as it is, or why this node lost it.
    pub(crate) fn reason(&self, group: GroupKey) -> Option<Reason> {
        self.reasons.iter().find(|reason| reason.group == group).copied()
    }

    /// Returns the hand-over that was last agreed on.
    pub(crate) const fn plan(&self) -> Option<&HandOverProgress> {
        self.plan.as_ref()
    }

    /// Returns the owner of a group before this turn, as far as the daemon reported or learned it.
    pub(crate) fn owner(&self, group: GroupKey) -> Option<NodeId> {
        self.ownership.get(&group).map(|(owner, _)| *owner)
    }

    /// EXPLAIN: every change of owner was reported.
    pub(crate) fn explained(&mut self, cluster: &Cluster) -> Result<(), String> {
        for (group, owner, term) in self.news.drain(..) {
            let key = cluster.settings().groups[group].key;
            self.ownership.insert(key, (owner, term));
        }
        let is_told = |(key, owner, term): &Told| self.ownership.get(key) == Some(&(*owner, *term));
        let silent = cluster.terms().find(|row| !is_told(row));
        silent.map_or(Ok(()), |(key, owner, term)| {
            let me = cluster.settings().me;
            Err(format!("{me:?} says nothing of {owner:?} owning {key:?} in term {term}"))
        })
    }
}

fn is_heard(cluster: &Cluster, node: NodeId) -> bool {
    let report =
        &cluster.snapshot_without_groups(&systole_core::Wording::FACTS).nodes[node.index()];
    report.silence_ms.is_some() && report.status != "dead"
}
