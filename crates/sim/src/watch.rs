//! What the laws have to know of a machine's past, noted outside of its core.

use std::collections::VecDeque;
use std::time::Duration;
use systole_core::{
    Cause, Cluster, Event, GroupKey, HandOverProgress, NodeId, Outcome, Phase, ProgressStage, Time,
};

/// How long beats that a daemon has heard are remembered; the newest of a node longer.
const REMEMBERED: Duration = Duration::from_secs(10);

/// An ownership as it was told or stored: group, owner, term.
type Told = (GroupKey, NodeId, u64);

/// Why a node does with a group what it does.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reason {
    group: GroupKey,
    /// Another node has it, or has a better claim.
    is_loss: bool,
    pub(crate) cause: Cause,
    /// When the oldest beat was sent that can have been the cause.
    pub(crate) heard: Option<Time>,
    /// The daemon had no executor, and so did not know what still ran.
    pub(crate) was_helpless: bool,
}

/// A witness that stands beside a daemon.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    /// When the daemon's loop ran last.
    turned: Time,
    /// When it went on after a pause, and whom it heard before and has not heard since.
    pause: Option<(Time, Vec<NodeId>)>,
    /// Who was heard: the sender, when it sent, and when the daemon heard it.
    beats: VecDeque<(NodeId, Time, Time)>,
    /// Who owns what, as far as the daemon was told at its start or has told since.
    ownership: Vec<Told>,
    /// What it told in this turn, by the group's place.
    news: Vec<(usize, NodeId, u64)>,
    /// Why each group is as it is, or why this node lost it.
    reasons: Vec<Reason>,
    /// When the oldest beat was sent that this turn knows of.
    oldest: Option<Time>,
    /// The hand-over that was agreed on last.
    plan: Option<HandOverProgress>,
    /// Somebody told the daemon to stop.
    stops: bool,
    /// When groups were given up because no executor was there.
    given_up: Vec<(GroupKey, Time)>,
    /// Groups whose last start failed because an agent could not be asked.
    unasked: Vec<GroupKey>,
    /// Groups that are being stopped, for a reason that was good when it began.
    stopping: Vec<GroupKey>,
}

impl Watch {
    /// A daemon starts, and finds this on its disk.
    pub(crate) fn new(now: Time, stored: &[Told]) -> Self {
        let ownership = stored.iter().copied().filter(|(_, _, term)| *term > 0).collect();
        Self { turned: now, ownership, ..Self::default() }
    }

    /// The loop ran.
    pub(crate) fn turned(&mut self, now: Time) {
        self.turned = now;
        self.oldest = None;
    }

    /// When the loop ran last.
    pub(crate) const fn turned_at(&self) -> Time {
        self.turned
    }

    /// The machine goes on, and stood still for so long that it has to listen first.
    pub(crate) fn resumed(&mut self, now: Time, cluster: &Cluster) {
        let others = cluster.settings().node_ids();
        let heard = others.filter(|node| is_heard(cluster, *node)).collect();
        self.pause = Some((now, heard));
    }

    /// A beat of `from` arrived that was sent at that moment.
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

    /// When a node sent the newest of its beats that the daemon had heard by a moment.
    pub(crate) fn newest_of(&self, node: NodeId, moment: Time) -> Option<Time> {
        let known = self.beats.iter().filter(|(from, _, at)| *from == node && *at <= moment);
        known.map(|(_, sent, _)| *sent).max()
    }

    /// Something reached the daemon that was sent at that moment, by whatever run of its sender.
    pub(crate) fn reached(&mut self, sent: Time) {
        self.oldest = Some(self.oldest.map_or(sent, |oldest| oldest.min(sent)));
    }

    /// A node that was heard before the last pause, has not been since, and is not held for dead.
    pub(crate) fn unheard(&self, cluster: &Cluster) -> Option<NodeId> {
        let (_, unheard) = self.pause.as_ref()?;
        unheard.iter().copied().find(|node| is_heard(cluster, *node))
    }

    /// The daemon tells something; its groups have their places in its settings.
    pub(crate) fn told(&mut self, now: Time, event: &Event, cluster: &Cluster) {
        let settings = cluster.settings();
        if let Event::Ownership { group, owner, term, phase, cause } = event {
            self.news.push((group.index(), *owner, *term));
            let key = settings.groups[group.index()].key;
            // What stops because it was lost does so whatever term others tell of it meanwhile.
            let is_ours = *owner == settings.me && matches!(phase, Phase::Starting | Phase::Active);
            let is_loss = *owner != settings.me || matches!(cause, Cause::Outranked(_));
            if *phase == Phase::Active {
                self.record_stopping(key, false);
            }
            if *cause == Cause::ExecutorLost {
                self.record_given_up(now, key);
            }
            let (cause, heard) = (*cause, self.oldest);
            let was_helpless = !cluster.snapshot().executor;
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
        if let Event::HandOverProgress(plan) = event
            && plan.stage == ProgressStage::Agreed
        {
            self.plan = Some(*plan);
        }
        if let (Event::PeerDead(node, _), Some((_, unheard))) = (event, &mut self.pause) {
            // Should it return, then by a beat that it repeats, perhaps an old one.
            unheard.retain(|other| other != node);
        }
    }

    fn record_given_up(&mut self, now: Time, key: GroupKey) {
        self.given_up.retain(|(other, _)| *other != key);
        self.given_up.push((key, now));
    }

    /// When a group was given up last because no executor was there.
    pub(crate) fn given_up_at(&self, group: GroupKey) -> Option<Time> {
        self.given_up.iter().find(|(other, _)| *other == group).map(|(_, at)| *at)
    }

    /// Whether the last start of a group failed because an agent could not be asked.
    pub(crate) fn was_unasked(&self, group: GroupKey) -> bool {
        self.unasked.contains(&group)
    }

    /// Whether a stop of this group goes on that has been judged.
    pub(crate) fn is_stopping(&self, group: GroupKey) -> bool {
        self.stopping.contains(&group)
    }

    /// A stop of a group begins or goes on, or it is started again.
    pub(crate) fn record_stopping(&mut self, group: GroupKey, stops: bool) {
        self.stopping.retain(|other| *other != group);
        if stops {
            self.stopping.push(group);
        }
    }

    /// Somebody tells the daemon to stop.
    pub(crate) fn told_to_stop(&mut self) {
        self.stops = true;
    }

    /// Whether somebody told the daemon to stop.
    pub(crate) const fn is_told_to_stop(&self) -> bool {
        self.stops
    }

    /// Notes why. A node that has lost a group keeps the reason until it has the group again.
    fn record_reason(&mut self, reason: Reason, is_ours: bool) {
        let known = self.reasons.iter_mut().find(|known| known.group == reason.group);
        match known {
            None => self.reasons.push(reason),
            Some(known) if is_ours || !known.is_loss => *known = reason,
            Some(_) => {}
        }
    }

    /// Why a group is as it is, or why this node lost it.
    pub(crate) fn reason(&self, group: GroupKey) -> Option<Reason> {
        self.reasons.iter().find(|reason| reason.group == group).copied()
    }

    /// The hand-over that was agreed on last.
    pub(crate) const fn plan(&self) -> Option<&HandOverProgress> {
        self.plan.as_ref()
    }

    /// Whose a group was before this turn, as far as the daemon told or was told.
    pub(crate) fn owner(&self, group: GroupKey) -> Option<NodeId> {
        self.ownership.iter().find(|(key, ..)| *key == group).map(|(_, owner, _)| *owner)
    }

    /// EXPLAIN: every change of owner was told.
    pub(crate) fn explained(&mut self, cluster: &Cluster) -> Result<(), String> {
        for (group, owner, term) in self.news.drain(..) {
            let key = cluster.settings().groups[group].key;
            self.ownership.retain(|told| told.0 != key);
            self.ownership.push((key, owner, term));
        }
        let silent = cluster.terms().find(|row| !self.ownership.contains(row));
        silent.map_or(Ok(()), |(key, owner, term)| {
            let me = cluster.settings().me;
            Err(format!("{me:?} says nothing of {owner:?} owning {key:?} in term {term}"))
        })
    }
}

fn is_heard(cluster: &Cluster, node: NodeId) -> bool {
    let report = &cluster.snapshot().nodes[node.index()];
    report.silence_ms.is_some() && report.status != "dead"
}
