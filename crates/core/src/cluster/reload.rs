//! Other settings for a node that runs: what did not change is not touched.
//!
//! A group is known by a digest of its line, so that a changed one is an old group and a new one.
//! The old one is *retired*: it is stopped where it runs, never taken again, and known as long as it
//! matters. See [`retired`] for what that is, and [`strange`] for lines of other nodes.

mod retired;
mod strange;
mod times;

pub(super) use times::Transition;

use super::Cluster;
use super::hold::Stay;
use super::ping;
use crate::group::Runner;
use crate::ownership::Row;
use crate::peer::Peer;
use crate::{
    Cause, Failback, GROUPS_MAX, Group, GroupId, Hold, NodeId, Output, Refusal, Settings, Time,
};

/// Retired groups beyond this many are forgotten at a reload unless they matter.
const REMEMBERED_MAX: usize = 32;

/// Where the groups of the new settings come from.
struct Arrangement {
    /// For each place the one of the same line before.
    origins: Vec<Option<GroupId>>,
    /// For each place whose line was not there before what it replaces.
    predecessors: Vec<Option<Predecessor>>,
}

/// What a new line replaces.
#[derive(Debug, Clone, Copy)]
struct Predecessor {
    row: Row,
    /// Since when others know that we can run it, if it runs here: whoever knows that waits for us
    /// before it takes the other.
    known_from: Option<u64>,
    /// The new line wants something that the old one does not.
    adds: bool,
}

impl Arrangement {
    /// The new place of a group.
    fn place_of(&self, group: GroupId) -> Option<GroupId> {
        let place = self.origins.iter().position(|origin| *origin == Some(group));
        place.map(super::group_id)
    }

    /// The values of groups that stay in their new places, and fresh ones for the others.
    fn rearrange<T>(&self, values: &mut Vec<T>, fresh: impl Fn(usize) -> T) {
        let mut old: Vec<Option<T>> = std::mem::take(values).into_iter().map(Some).collect();
        let mut kept = |origin: GroupId| old.get_mut(origin.index()).and_then(Option::take);
        let places = self.origins.iter().enumerate();
        let new = places
            .map(|(place, origin)| origin.and_then(&mut kept).unwrap_or_else(|| fresh(place)));
        *values = new.collect();
    }

    /// What a node said of groups in their old places, in their new ones.
    fn rearrange_peer(&self, peer: &mut Peer, settings: &Settings) {
        let moved = |groups: &mut Vec<GroupId>| {
            std::mem::take(groups).into_iter().filter_map(|group| self.place_of(group)).collect()
        };
        // Until its next table says otherwise it does not know what is new and was not told by it.
        let is_new = |id: &GroupId| {
            let key = settings.groups[id.index()].key;
            self.origins[id.index()].is_none() && !peer.view.has(key)
        };
        let new: Vec<_> = settings.group_ids().filter(is_new).collect();
        peer.lacks = moved(&mut peer.lacks);
        peer.lacks.extend(new);
        let mut strange = std::mem::take(&mut peer.runs_strange);
        let is_known_to_run = |place: usize| strange.contains(&settings.groups[place].key);
        self.rearrange(&mut peer.runs, is_known_to_run);
        self.rearrange(&mut peer.in_doubt, |_| false);
        strange.retain(|key| settings.groups.iter().all(|group| group.key != *key));
        peer.runs_strange = strange;
        peer.holds_groups = moved(&mut peer.holds_groups);
    }
}

impl Cluster {
    /// Takes other settings at this moment: groups, times, ping nodes and policies may differ, everything else
    /// must be the same. Groups that are given up but still matter are added to them as retired.
    ///
    /// Every group may have another number afterwards: all outputs must have been polled before, and
    /// [`settings`](Self::settings) tells the numbers that hold from now on.
    ///
    /// # Errors
    ///
    /// [`Refusal::Busy`] during a hand-over or with outputs that wait, [`Refusal::NotReady`] while this
    /// node stops, [`Refusal::UnknownLine`] where the files differ in what would be added to a running line, [`Refusal::Differs`] when something differs that cannot change, and
    /// [`Refusal::TooManyGroups`]. Nothing has changed then.
    pub fn reconfigure(&mut self, now: Time, mut settings: Settings) -> Result<(), Refusal> {
        self.note_time(now);
        self.refuse_settings(&settings)?;
        let given_up = self.given_up(&settings);
        settings.groups.extend(given_up);
        if settings.groups.len() > GROUPS_MAX {
            return Err(Refusal::TooManyGroups);
        }
        let arrangement = self.arrange(&settings);
        if self.takes_beside_unknown(&settings, &arrangement) {
            return Err(Refusal::UnknownLine);
        }
        self.note_times(&settings);
        let before = std::mem::replace(&mut self.settings, settings);
        self.rearrange(&arrangement, &before);
        self.overlaps = self.find_overlaps();
        for group in self.settings.group_ids() {
            let origin = arrangement.origins[group.index()];
            let was_retired = origin.map(|origin| before.groups[origin.index()].is_retired);
            let is_retired = self.settings.groups[group.index()].is_retired;
            match (was_retired, is_retired) {
                (Some(false), true) => self.retire(group),
                (Some(true), false) => {
                    self.reinstate(group, arrangement.predecessors[group.index()]);
                }
                (None, _) => self.add(group, arrangement.predecessors[group.index()]),
                (Some(true), true) | (Some(false), false) => {}
            }
        }
        self.note_policies(&before);
        self.outbox.push_back(Output::Store);
        self.voice.next_beat = self.voice.next_beat.min(self.now + self.keepalive());
        // A beat of before may be older than what is patient from now on.
        self.forgive_pings();
        self.speak_soon();
        Ok(())
    }

    fn refuse_settings(&self, settings: &Settings) -> Result<(), Refusal> {
        let is_legacy = |settings: &Settings| settings.failback == Failback::Legacy;
        let ours = &self.settings;
        let is_same = ours.nodes == settings.nodes
            && ours.node_order == settings.node_order
            && ours.me == settings.me
            && ours.links == settings.links
            && ours.rexmit_delay == settings.rexmit_delay
            && ours.fencing == settings.fencing
            && is_legacy(ours) == is_legacy(settings);
        if self.farewell.is_some() {
            Err(Refusal::NotReady)
        } else if self.hand_over.is_some() || !self.outbox.is_empty() {
            Err(Refusal::Busy)
        } else if is_same {
            Ok(())
        } else {
            Err(Refusal::Differs)
        }
    }

    /// The groups that are in the settings no more: those that matter, and the latest of the others,
    /// because another node may still be given a file that this one has left behind.
    fn given_up(&self, settings: &Settings) -> Vec<Group> {
        let is_gone = |group: &Group| !settings.groups.iter().any(|other| other.key == group.key);
        let mut room = REMEMBERED_MAX.min(GROUPS_MAX.saturating_sub(settings.groups.len()));
        let mut given_up = Vec::new();
        for (id, group) in self.settings.group_ids().zip(&self.settings.groups) {
            let runs = !self.runners[id.index()].is_idle() || self.in_doubt[id.index()];
            let matters = runs || self.may_be_elsewhere(id);
            if is_gone(group) && (matters || room > 0) {
                room = room.saturating_sub(1);
                given_up.push(Group { is_retired: true, ..group.clone() });
            }
        }
        given_up
    }

    /// Whether a line would go on here with more than its old one had, while another node lacks it and
    /// runs a line that is not known here: that may want the same.
    fn takes_beside_unknown(&self, settings: &Settings, arrangement: &Arrangement) -> bool {
        let me = self.settings.me;
        let places = settings.groups.iter().zip(&arrangement.predecessors);
        let mut growing = places.filter(|(_, predecessor)| {
            let is_ours = |it: &Predecessor| it.row.owner == Some(me) && it.row.phase.holds();
            predecessor.is_some_and(|it| it.adds && is_ours(&it))
        });
        let is_known =
            |key: &crate::GroupKey| settings.groups.iter().any(|group| group.key == *key);
        growing.any(|(group, _)| {
            self.others().map(|node| self.peer(node)).any(|peer| {
                let is_unknown = !peer.runs_strange.iter().all(is_known);
                peer.is_alive() && is_unknown && !peer.view.has(group.key)
            })
        })
    }

    fn arrange(&self, settings: &Settings) -> Arrangement {
        let mut origins: Vec<Option<GroupId>> = Vec::new();
        for group in &settings.groups {
            let origin = self.group_with_key(group.key);
            let is_taken = origin.is_some() && origins.contains(&origin);
            origins.push(origin.filter(|_| !is_taken));
        }
        let groups = settings.groups.iter().zip(&origins);
        let predecessors = groups.map(|(group, origin)| match origin {
            Some(origin) if self.is_configured(*origin) => None,
            Some(_) | None => self.predecessor(group, settings),
        });
        Arrangement { predecessors: predecessors.collect(), origins }
    }

    /// What a new group replaces: the group of the same name, or else one that shares something.
    fn predecessor(&self, group: &Group, settings: &Settings) -> Option<Predecessor> {
        let is_gone = |id: &GroupId| {
            let key = self.settings.groups[id.index()].key;
            settings.groups.iter().all(|other| other.key != key || other.is_retired)
        };
        let old = |id: &GroupId| &self.settings.groups[id.index()];
        let all = || self.settings.group_ids().filter(is_gone);
        let same = all().find(|id| !old(id).is_retired && old(id).name() == group.name());
        let sharing = || all().find(|id| old(id).shares_with(group));
        let found = same.or_else(sharing)?;
        let row = *self.ownership.row(found);
        let is_ours = row.owner == Some(self.settings.me);
        let is_known = is_ours && self.runners[found.index()].is_active();
        let known_from = is_known.then_some(self.able_from[found.index()]);
        let before = &old(&found).resources;
        let adds = group.resources.iter().any(|resource| !before.contains(resource));
        Some(Predecessor { row, known_from, adds })
    }

    /// Moves everything that is kept by group or ping node to its new place. What a node knows is
    /// listed in full here, so that nothing new can be forgotten.
    fn rearrange(&mut self, arrangement: &Arrangement, before: &Settings) {
        let next = self.history.next();
        let Self {
            settings,
            peers,
            pings,
            carriers,
            ownership,
            runners,
            able_from,
            ask_again,
            guarded_from,
            changes,
            requested,
            listed,
            in_doubt,
            stays,
            wishes,
            voice,
            now,
            // Of no group, and of no ping node.
            boot: _,
            random: _,
            status: _,
            status_since: _,
            stranger_told: _,
            history: _,
            next_job: _,
            has_executor: _,
            absence: _,
            unverified: _,
            owes_permit: _,
            verifies_from: _,
            failback_after: _,
            takeover_from: _,
            is_initial: _,
            was_stable: _,
            ipfail: _,
            classic: _,
            farewell: _,
            fences: _,
            freeze: _,
            frozen_from: _,
            transition: _,
            // A reload is refused while there are any.
            hand_over: _,
            outbox: _,
            // Found anew.
            overlaps: _,
            #[cfg(feature = "test-hooks")]
                mutation: _,
        } = self;
        let place_of = |group: GroupId| arrangement.place_of(group);
        for peer in peers.iter_mut() {
            arrangement.rearrange_peer(peer, settings);
        }
        carriers.rearrange(place_of);
        wishes.rearrange();
        ownership.rearrange(&arrangement.origins);
        let fresh =
            |place: usize| Runner::new(super::group_id(place), &settings.groups[place].resources);
        arrangement.rearrange(runners, fresh);
        let numbered = std::mem::take(runners).into_iter().enumerate();
        *runners =
            numbered.map(|(place, runner)| runner.renumber(super::group_id(place))).collect();
        let mut told = before.group_ids().filter(|group| voice.telling.was_told(*group));
        let has_lost_rows = told.any(|group| place_of(group).is_none());
        arrangement.rearrange(&mut voice.telling.rows, |_| super::telling::Row::default());
        voice.telling.rearranged(settings, has_lost_rows);
        arrangement.rearrange(able_from, |_| next);
        arrangement.rearrange(ask_again, |_| None);
        arrangement.rearrange(guarded_from, |_| 0);
        arrangement.rearrange(in_doubt, |_| false);
        arrangement.rearrange(stays, |_| Stay::default());
        arrangement.rearrange(changes, |_| (*now, Cause::Unowned));
        *requested = std::mem::take(requested)
            .into_iter()
            .filter_map(|(group, node)| Some((place_of(group)?, node)))
            .collect();
        *listed = listed.take().map(|all| all.into_iter().filter_map(place_of).collect());
        *pings = ping::rearrange(std::mem::take(pings), before, settings);
    }

    pub(super) fn find_overlaps(&self) -> Vec<(GroupId, GroupId)> {
        let groups = || self.settings.group_ids().zip(&self.settings.groups);
        let retired = || groups().filter(|(_, group)| group.is_retired);
        let configured = groups().filter(|(_, group)| !group.is_retired);
        let pairs = configured.flat_map(|one| retired().map(move |two| (one, two)));
        let shared = pairs.filter(|((_, one), (_, two))| one.shares_with(two));
        shared.map(|((one, _), (two, _))| (one, two)).collect()
    }

    /// A group is new here. It follows what it replaces; beside a classic node, its set.
    fn add(&mut self, group: GroupId, predecessor: Option<Predecessor>) {
        self.stays[group.index()].has_grown = predecessor.is_some_and(|it| it.adds);
        if let Some(Predecessor { row, known_from, adds: _ }) = predecessor
            && row.owner == Some(self.settings.me)
            && row.phase.holds()
        {
            let me = self.settings.me;
            self.ownership.entrust(group, me, row.term, row.is_borrowed);
            if let Some(sequence) = known_from {
                self.able_from[group.index()] = sequence;
            }
        }
        self.classic_adds(group);
        if self.ownership.row(group).phase.holds() {
            self.owned(group, Cause::Reload);
        }
    }

    fn note_policies(&mut self, before: &Settings) {
        match (before.ipfail, self.settings.ipfail) {
            (false, true) if self.takes_part() => self.join_ipfail(),
            (true, false) => self.ipfail = super::Ipfail::default(),
            (false | true, _) => {}
        }
        for peer in self.peers.iter_mut().filter(|peer| peer.last_status.is_none()) {
            peer.dead_after = self.settings.deadtime;
        }
        self.failback_after = self.now;
    }

    /// The groups of a set that we have, seen from us, among them what others still have in their
    /// files and we have not.
    pub(super) fn guards_some_of(&self, hold: Hold) -> bool {
        let me = self.settings.me;
        self.retired().any(|group| {
            let row = self.ownership.row(group);
            let is_local = self.preferred(group) == me;
            let is_meant = if is_local { hold.has_local() } else { hold.has_foreign() };
            is_meant && row.owner == Some(me) && row.phase.holds()
        })
    }

    /// The group with this key.
    pub(super) fn group_with_key(&self, key: crate::GroupKey) -> Option<GroupId> {
        self.settings.group_ids().find(|id| self.settings.groups[id.index()].key == key)
    }

    /// Whether a group is there and stands in haresources.
    pub(super) fn is_configured(&self, group: GroupId) -> bool {
        self.settings.groups.get(group.index()).is_some_and(|group| !group.is_retired)
    }

    /// Whether a node is dead, and it is certain that it runs nothing any more.
    pub(super) fn is_gone(&self, node: NodeId) -> bool {
        let peer = self.peer(node);
        !peer.is_alive() && peer.is_settled
    }
}
