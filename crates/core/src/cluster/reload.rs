//! Other settings for a running node: what did not change is not touched.
//!
//! A group is identified by a digest of its line, so that a changed line means an old group and a
//! new one. The old group is *retired*: it is stopped where it runs, never taken again, and known
//! as long as it matters. Ids of groups never change. See [`retired`] for when a retired group
//! matters, and [`unknown_lines`] for lines of other nodes.

mod retired;
mod unknown_lines;

use super::Cluster;
use super::classic::ClassicInput;
use super::groups::{EchoBarrier, GroupState};
use super::ping;
use super::rows::Row;
use crate::{
    Cause, Failback, GROUPS_MAX, Group, GroupId, GroupSet, NodeId, Output, ReloadRefusal, Settings,
    Time,
};
pub(super) use unknown_lines::Differs;

/// Retired groups beyond this number are forgotten at a reload unless they matter.
pub(super) const REMEMBERED_MAX: usize = 32;

/// The groups of other settings.
struct Arrangement {
    /// The groups of the files, in their order.
    configured: Vec<GroupId>,
    /// The configured and retired groups that were not known before.
    new: Vec<GroupId>,
    /// For each configured group whose line is new: what it replaces.
    predecessors: Vec<(GroupId, Predecessor)>,
}

/// The group that a new line replaces.
#[derive(Debug, Clone, Copy)]
struct Predecessor {
    row: Row,
    /// The barrier after which the others know that this node can run the old group, if it runs
    /// here: a node that knows waits for this node before it takes the new group.
    known: Option<EchoBarrier>,
    /// The new line needs something that the old line does not.
    adds: bool,
}

impl Arrangement {
    fn predecessor(&self, group: GroupId) -> Option<Predecessor> {
        let mut all = self.predecessors.iter();
        all.find(|(other, _)| *other == group).map(|(_, predecessor)| *predecessor)
    }
}

impl Cluster {
    /// Applies other settings at this moment. Groups, times, ping nodes and policies may differ,
    /// everything else must be the same. Groups that are given up but still matter are added to the
    /// settings as retired.
    ///
    /// The new settings number groups by their places in the file. A group whose line existed
    /// before keeps its id, whatever its place: [`settings`](Self::settings) has the ids of the
    /// others.
    ///
    /// # Errors
    ///
    /// [`ReloadRefusal::Busy`] during a hand-over or while outputs are waiting, [`ReloadRefusal::NotReady`]
    /// while this node stops, [`ReloadRefusal::UnknownLine`] where the files differ in what would be
    /// added to a running line, [`ReloadRefusal::Fixed`] if something differs that cannot change, and
    /// [`ReloadRefusal::TooManyGroups`]. In all these cases nothing has changed.
    pub fn reconfigure(&mut self, now: Time, mut settings: Settings) -> Result<(), ReloadRefusal> {
        self.record_time(now);
        self.refuse_settings(&settings)?;
        let arrangement = self.arrange(&mut settings)?;
        if self.takes_beside_unknown(&settings, &arrangement) {
            return Err(ReloadRefusal::UnknownLine);
        }
        self.record_times(&settings);
        let before = std::mem::replace(&mut self.settings, settings);
        self.rearrange(&arrangement, &before);
        for group in self.settings.group_ids() {
            let predecessor = arrangement.predecessor(group);
            let is_new = arrangement.new.contains(&group);
            let was_retired = !is_new && before.groups[group.index()].is_retired;
            let is_retired = self.settings.groups[group.index()].is_retired;
            match (was_retired, is_retired) {
                _ if is_new => self.add(group, predecessor),
                (false, true) => self.retire(group),
                (true, false) => self.reinstate(group, predecessor),
                (true, true) | (false, false) => {}
            }
        }
        self.record_policies(&before);
        self.configure_monitoring();
        self.report_other_lines();
        self.outbox.push_back(Output::Store);
        self.transmitter.next_beat = self.transmitter.next_beat.min(self.now + self.keepalive());
        // An answer from before may be older than the new times allow.
        self.forgive_pings();
        self.beat_soon();
        Ok(())
    }

    fn refuse_settings(&self, settings: &Settings) -> Result<(), ReloadRefusal> {
        let is_legacy = |settings: &Settings| settings.failback == Failback::Legacy;
        let ours = &self.settings;
        let is_same = ours.nodes == settings.nodes
            && ours.node_order == settings.node_order
            && ours.me == settings.me
            && ours.links == settings.links
            && ours.rexmit_delay == settings.rexmit_delay
            && ours.fencing == settings.fencing
            && is_legacy(ours) == is_legacy(settings);
        if self.shutdown.has_begun() {
            Err(ReloadRefusal::NotReady)
        } else if self.hand_over.runs() || !self.outbox.is_empty() {
            Err(ReloadRefusal::Busy)
        } else if is_same {
            Ok(())
        } else {
            Err(ReloadRefusal::Fixed)
        }
    }

    /// Gives the groups of the files their ids, and adds the groups that are given up: those that
    /// matter, and the latest of the others, because another node may still be given a file that
    /// this node has already replaced.
    fn arrange(&self, settings: &mut Settings) -> Result<Arrangement, ReloadRefusal> {
        let lines = std::mem::take(&mut settings.groups);
        let mut groups = self.settings.groups.clone();
        let mut arrangement =
            Arrangement { configured: Vec::new(), new: Vec::new(), predecessors: Vec::new() };
        for line in &lines {
            let has_line = |id: &GroupId| self.settings.groups[id.index()].key == line.key;
            let is_free = |id: &GroupId| !arrangement.configured.contains(id);
            let known = self.settings.group_ids().filter(has_line).find(is_free);
            let id = match known {
                Some(id) => id,
                None => self.place_for(line, &groups, &arrangement)?,
            };
            if known.is_none() {
                arrangement.new.push(id);
            }
            if !known.is_some_and(|id| self.is_configured(id))
                && let Some(predecessor) = self.predecessor(line, &lines)
            {
                arrangement.predecessors.push((id, predecessor));
            }
            arrangement.configured.push(id);
            match groups.get_mut(id.index()) {
                Some(group) => *group = line.clone(),
                None => groups.push(line.clone()),
            }
        }
        let mut order = arrangement.configured.clone();
        let mut room = REMEMBERED_MAX.min(GROUPS_MAX.saturating_sub(order.len()));
        for (id, group) in self.settings.known_groups() {
            let is_gone = lines.iter().all(|line| line.key != group.key);
            let runs = !self.groups[id].runner.is_idle() || self.groups[id].in_doubt;
            let matters = runs || self.may_be_elsewhere(id);
            groups[id.index()].is_retired |= !order.contains(&id);
            if is_gone && (matters || room > 0) {
                room = room.saturating_sub(1);
                order.push(id);
            }
        }
        if order.len() > GROUPS_MAX {
            return Err(ReloadRefusal::TooManyGroups);
        }
        // A daemon that is started without groups (`-M`) keeps what ha.cf says of them.
        settings.group_failback.retain_mut(|(place, _)| {
            let id = arrangement.configured.get(place.index());
            id.map(|id| *place = *id).is_some()
        });
        settings.monitors.retain_mut(|(place, ..)| {
            let id = arrangement.configured.get(place.index());
            id.map(|id| *place = *id).is_some()
        });
        settings.probes.retain_mut(|(place, ..)| {
            let id = arrangement.configured.get(place.index());
            id.map(|id| *place = *id).is_some()
        });
        settings.groups = groups;
        settings.group_order = Some(order.into());
        Ok(arrangement)
    }

    /// The id for a line that is not known: the id that it had before it was forgotten, else a new
    /// one.
    fn place_for(
        &self,
        line: &Group,
        groups: &[Group],
        arrangement: &Arrangement,
    ) -> Result<GroupId, ReloadRefusal> {
        let is_known = |id: GroupId| self.settings.group_ids().any(|other| other == id);
        let ids = (0..).map(GroupId).zip(groups);
        let mut former = ids.filter(|(_, group)| group.key == line.key).map(|(id, _)| id);
        let former = former.find(|id| !is_known(*id) && !arrangement.configured.contains(id));
        let next = || u16::try_from(groups.len()).ok().map(GroupId);
        former.or_else(next).ok_or(ReloadRefusal::TooManyGroups)
    }

    /// Whether a line would continue here with more than its old line had, while another node lacks
    /// the line and runs a line that is not known here and may need the same.
    fn takes_beside_unknown(&self, settings: &Settings, arrangement: &Arrangement) -> bool {
        let me = self.settings.me;
        let is_known =
            |key: &crate::GroupKey| settings.known_groups().any(|(_, it)| it.key == *key);
        let grows =
            |it: &Predecessor| it.adds && it.row.owner() == Some(me) && it.row.phase().holds();
        let mut growing = arrangement.predecessors.iter().filter(|(_, it)| grows(it));
        growing.any(|(id, _)| {
            let key = settings.groups[id.index()].key;
            self.others().map(|node| self.peer(node)).any(|peer| {
                let is_unknown = !peer.runs_unknown.iter().all(is_known);
                peer.is_alive() && is_unknown && !peer.view.has(key)
            })
        })
    }

    /// What a new line replaces: the group of the same name, or else a group that shares a
    /// resource.
    fn predecessor(&self, line: &Group, lines: &[Group]) -> Option<Predecessor> {
        let is_gone = |id: &GroupId| {
            let key = self.settings.groups[id.index()].key;
            lines.iter().all(|other| other.key != key)
        };
        let old = |id: &GroupId| &self.settings.groups[id.index()];
        let all = || self.settings.group_ids().filter(is_gone);
        let same = all().find(|id| !old(id).is_retired && old(id).name() == line.name());
        let sharing = || all().find(|id| old(id).shares_with(line));
        let found = same.or_else(sharing)?;
        let state = &self.groups[found];
        let is_ours = state.row.owner() == Some(self.settings.me);
        let known = (is_ours && state.runner.is_active()).then_some(state.able);
        let before = &old(&found).resources;
        let adds = line.resources.iter().any(|resource| !before.contains(resource));
        Some(Predecessor { row: state.row, known, adds })
    }

    /// Makes room for new groups and ping nodes, and forgets what is left of others.
    fn rearrange(&mut self, arrangement: &Arrangement, before: &Settings) {
        let is_listed = |id: GroupId| self.settings.group_ids().any(|other| other == id);
        let lost: Vec<GroupId> = before.group_ids().filter(|id| !is_listed(*id)).collect();
        let mut has_lost_rows = false;
        let able = self.next_barrier();
        for id in lost.iter().chain(&arrangement.new).copied() {
            let group = &self.settings.groups[id.index()];
            self.groups.put(id, GroupState::new(id, group, self.now, able));
            for peer in &mut self.peers {
                peer.forget_group(id);
            }
            has_lost_rows |= self.transmitter.sync.forget_row(id);
        }
        for peer in &mut self.peers {
            for id in &arrangement.new {
                peer.add_group(*id, self.settings.groups[id.index()].key);
            }
            let is_known = |key| self.settings.known_groups().any(|(_, group)| group.key == key);
            peer.runs_unknown.retain(|key| !is_known(*key));
        }
        self.transmitter.sync.rearranged(&self.settings, has_lost_rows);
        self.offers.forget();
        self.pings = ping::rearrange(std::mem::take(&mut self.pings), before, &self.settings);
        self.groups.overlaps = self.find_overlaps();
    }

    pub(super) fn find_overlaps(&self) -> Vec<(GroupId, GroupId)> {
        let groups = || self.settings.known_groups();
        let retired = || groups().filter(|(_, group)| group.is_retired);
        let configured = groups().filter(|(_, group)| !group.is_retired);
        let pairs = configured.flat_map(|one| retired().map(move |two| (one, two)));
        let shared = pairs.filter(|((_, one), (_, two))| one.shares_with(two));
        shared.map(|((one, _), (two, _))| (one, two)).collect()
    }

    /// Adds a new group. It follows the group that it replaces; beside a C node, it follows its
    /// set.
    fn add(&mut self, group: GroupId, predecessor: Option<Predecessor>) {
        self.groups[group].has_grown = predecessor.is_some_and(|it| it.adds);
        if let Some(Predecessor { row, known, adds: _ }) = predecessor
            && row.owner() == Some(self.settings.me)
            && row.phase().holds()
        {
            self.entrust(group, row.term(), row.is_borrowed());
            if let Some(barrier) = known {
                self.groups[group].able = barrier;
            }
        }
        self.tell_classic(ClassicInput::GroupAdded(group));
        if self.groups[group].row.phase().holds() {
            self.owned(group, Cause::Reload);
        }
    }

    fn record_policies(&mut self, before: &Settings) {
        match (before.ipfail, self.settings.ipfail) {
            (false, true) if self.takes_part() => self.join_ipfail(),
            (true, false) => self.ipfail = super::Ipfail::default(),
            (false | true, _) => {}
        }
        for peer in self.peers.iter_mut().filter(|peer| peer.last_status.is_none()) {
            peer.dead_after = self.settings.deadtime;
        }
        self.offers.failback_after = self.now;
    }

    /// Whether this node has a retired group of a set, seen from this node: a group that other
    /// nodes still have in their files and this node does not.
    pub(super) fn reserves_some_of(&self, hold: GroupSet) -> bool {
        let me = self.settings.me;
        self.retired().any(|group| {
            let row = &self.groups[group].row;
            let is_local = self.preferred(group) == me;
            let is_meant = if is_local { hold.has_local() } else { hold.has_foreign() };
            is_meant && row.owner() == Some(me) && row.phase().holds()
        })
    }

    /// The group with this key.
    pub(super) fn group_with_key(&self, key: crate::GroupKey) -> Option<GroupId> {
        self.settings.group_ids().find(|id| self.settings.groups[id.index()].key == key)
    }

    /// Whether a group exists and is listed in haresources.
    pub(super) fn is_configured(&self, group: GroupId) -> bool {
        self.settings.groups.get(group.index()).is_some_and(|group| !group.is_retired)
    }

    /// Whether a node is dead, so that it is certain that it no longer runs anything.
    pub(super) fn is_gone(&self, node: NodeId) -> bool {
        let peer = self.peer(node);
        !peer.is_alive() && peer.is_settled
    }
}
