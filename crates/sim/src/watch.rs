//! What the laws have to know of a machine's past, noted outside of its core.

use systole_core::{Cluster, Event, GroupKey, NodeId, Time};

/// An ownership as it was told or stored: group, owner, term.
type Told = (GroupKey, NodeId, u64);

/// A witness that stands beside a daemon.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    /// When the daemon's loop ran last.
    turned: Time,
    /// When it went on after a pause, and whom it heard before and has not heard since.
    pause: Option<(Time, Vec<NodeId>)>,
    /// Who owns what, as far as the daemon was told at its start or has told since.
    ownership: Vec<Told>,
    /// What it told in this turn, by the group's place.
    news: Vec<(usize, NodeId, u64)>,
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
    pub(crate) fn heard(&mut self, from: NodeId, sent: Time) {
        if let Some((since, unheard)) = &mut self.pause
            && sent >= *since
        {
            unheard.retain(|node| *node != from);
        }
    }

    /// A node that was heard before the last pause, has not been since, and is not held for dead.
    pub(crate) fn unheard(&self, cluster: &Cluster) -> Option<NodeId> {
        let (_, unheard) = self.pause.as_ref()?;
        unheard.iter().copied().find(|node| is_heard(cluster, *node))
    }

    /// The daemon tells something.
    pub(crate) fn told(&mut self, event: &Event) {
        if let Event::Ownership { group, owner, term, .. } = event {
            self.news.push((group.index(), *owner, *term));
        }
        if let (Event::PeerDead(node, _), Some((_, unheard))) = (event, &mut self.pause) {
            // Should it return, then by a beat that it repeats, perhaps an old one.
            unheard.retain(|other| other != node);
        }
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
