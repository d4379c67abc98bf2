//! What a Systole peer adds to its beats: its table of groups, and what it has heard from this
//! node.

use super::Cluster;
use super::rows::{Meeting, Merged};
use crate::beat::Told;
use crate::mutation::Mutation;
use crate::peer::Kind;
use crate::{
    Beat, Cause, Claim, Echo, Event, GroupId, GroupKey, NodeId, Output, Phase, TableForm, Time,
};

impl Cluster {
    /// Whether a beat was sent to this run of this node: it echoes this node's session.
    pub(super) fn is_answer(&self, beat: &Beat) -> bool {
        self.own_echo(beat).is_some()
    }

    /// Reads what a Systole peer adds to its status. It counts only if nothing newer of the peer's
    /// table was heard, because messages overtake each other.
    pub(super) fn handle_beat(&mut self, from: NodeId, sequence: u64, beat: Option<&Beat>) {
        let Some(beat) = beat else {
            let peer = self.peer_mut(from);
            if peer.kind != Kind::Classic {
                // A C node will never report in a table what still runs there.
                peer.runs.fill(false);
                peer.runs_unknown.clear();
                peer.doubts_unknown = false;
            }
            peer.kind = Kind::Classic;
            peer.is_settled = true;
            self.report_other_lines();
            return self.verify_classic(from);
        };
        let nodes = self.transmitter.beat.nodes;
        let is_answer = self.is_answer(beat);
        let peer = self.peer_mut(from);
        peer.kind = Kind::Systole;
        if sequence <= peer.told_at {
            return;
        }
        peer.told_at = sequence;
        self.handle_form(from, beat);
        let peer = self.peer_mut(from);
        let is_started = peer.session != beat.session;
        if is_started {
            peer.forget_table();
        }
        peer.session = beat.session;
        peer.is_leaving = beat.leaving;
        let sees_others = std::mem::replace(&mut peer.pings, beat.pings) != beat.pings;
        peer.is_ready = false;
        if is_started {
            self.tell_service_addresses_again();
        }
        if beat.form == TableForm::Silent {
            return;
        }
        let knew = self.peer_mut(from).nodes.replace(beat.nodes);
        if beat.nodes != nodes {
            return self.handle_other_list(from, beat, knew);
        }
        self.handle_echo(from, beat);
        if is_answer {
            self.handle_service_addresses(from, beat);
        }
        self.handle_hold_of_all(from, beat, is_answer);
        let (now, peer) = (self.now, self.peer_mut(from));
        let is_first = peer.view.whole_at() == 0;
        if peer.view.hear(now, beat) {
            if is_answer {
                peer.view.record_whole(sequence);
            }
            peer.is_settled |= is_answer;
            peer.is_ready = is_answer && beat.ready;
            self.agree(from, beat);
            let peer = self.peer_mut(from);
            peer.asked = 0;
            peer.runs_unknown.clear();
            self.handle_table(from, is_answer, is_first);
        } else {
            self.handle_rows(from, beat, is_answer);
            self.ask(from);
        }
        self.handle_unknown_lines(from);
        self.report_other_lines();
        // With several nodes, another node may be the best connected from now on.
        if sees_others && self.settings.nodes.len() > 2 {
            self.tell_ping_count();
        }
    }

    /// Records what a peer has heard from this node. That alone does not show what the peer decided
    /// because of it.
    fn handle_echo(&mut self, from: NodeId, beat: &Beat) {
        let Some(echo) = self.own_echo(beat) else { return };
        for (link, lag) in echo.lags.iter() {
            let Some(sequence) = echo.sequence.checked_sub(lag.into()) else { continue };
            let Some(sent) = self.transmitter.sent_at(sequence) else { continue };
            let peer = &mut self.peers[from.index()];
            peer.heard_us = peer.heard_us.max(Some(sent));
            if let Some(link) = peer.links.get_mut(link.index()) {
                link.echoed(sent);
            }
        }
        self.handle_known(from, &echo);
    }

    /// A peer has heard what it echoes, and this node has its whole table, which shows what the
    /// peer decided because of it.
    fn agree(&mut self, from: NodeId, beat: &Beat) {
        let Some(echo) = self.own_echo(beat) else { return };
        let peer = self.peer_mut(from);
        peer.echoed = peer.echoed.max(echo.sequence);
        peer.agreed = peer.agreed.max(echo.known);
        self.pause.heard_echo(from, echo.sequence);
    }

    fn own_echo(&self, beat: &Beat) -> Option<Echo> {
        let (me, session) = (self.settings.me, self.boot.session);
        let mut echoes = beat.echoes.iter();
        echoes.find(|echo| echo.node == me && echo.session == session).copied()
    }

    /// Takes over the whole table of a peer: the peer has the groups in it, and no others.
    fn handle_table(&mut self, from: NodeId, is_answer: bool, is_first: bool) {
        let now = self.now;
        let mut differ = false;
        self.peer_mut(from).lacks.clear();
        self.peer_mut(from).holds_groups.clear();
        for group in self.settings.group_ids() {
            let key = self.settings.groups[group.index()].key;
            let peer = self.peer_mut(from);
            if let Some(told) = peer.view.get(now, key) {
                if is_answer && peer.view.holds(key) {
                    peer.holds_groups.push(group);
                }
                self.handle_row(from, group, &told, is_answer);
            } else {
                peer.lacks.push(group);
                peer.runs[group.index()] = false;
                peer.in_doubt[group.index()] = false;
                differ |= self.is_configured(group);
                self.record_ability(group, from, false);
                if is_answer {
                    self.forgotten_by(from, group);
                }
            }
        }
        // A line that has left the peer's file too is no difference.
        let is_strange = |key: GroupKey| self.group_with_key(key).is_none();
        let view = &self.peer(from).view;
        let has_others = || view.able().chain(view.running(from)).any(is_strange);
        if is_first && is_answer && (differ || has_others()) {
            self.report(Event::GroupsDiffer(from));
        }
    }

    /// Takes over some rows of the table of a peer of which this node does not have the other rows.
    fn handle_rows(&mut self, from: NodeId, beat: &Beat, is_answer: bool) {
        for told in beat.told() {
            if let Some(group) = self.group_with_key(told.claim.group) {
                self.handle_row(from, group, &told, is_answer);
            }
        }
    }

    fn handle_row(&mut self, from: NodeId, group: GroupId, told: &Told, is_answer: bool) {
        if is_answer {
            // A recording holds nothing.
            if let Some(hold) = &told.hold {
                self.handle_hold(Some(group), hold);
            }
            if let Some(moves) = &told.moves {
                self.handle_moves(group, moves);
            }
        }
        if is_answer || self.is_mutated(Mutation::BelieveRecordings) {
            self.handle_claim(from, group, &told.claim);
        } else {
            self.handle_unproven(from, group, &told.claim);
        }
    }

    pub(super) fn handle_claim(&mut self, from: NodeId, group: GroupId, claim: &Claim) {
        if claim.owner.index() >= self.settings.nodes.len() {
            return;
        }
        let me = self.settings.me;
        let before = self.groups[group].row;
        self.handle_failure(from, group, claim);
        self.handle_doubt(from, group, claim);
        let meeting = self.meeting(from, group);
        match self.merge_claim(&meeting, group, claim) {
            Merged::Same => {}
            Merged::Reclaimed => {
                let before = self.groups[group].cause;
                // The phase of a group that is being stopped has its own cause.
                let is_stopping = self.groups[group].row.phase() == Phase::Stopping;
                let cause = if is_stopping { before } else { Cause::Reclaimed(from) };
                self.owned(group, cause);
                self.outbox.push_back(Output::Store);
                self.tell_to_yield(from);
            }
            Merged::Outranks => self.tell_to_yield(from),
            Merged::Changed => {
                let row = self.groups[group].row;
                if row.owner() == Some(me) && before.owner() != Some(me) {
                    // This node had forgotten one of its own terms: it says at once that nothing
                    // runs.
                    self.beat_soon();
                }
                let stays_ours = row.owner() == Some(me) && before.owner() == Some(me);
                let cause = match row.phase() {
                    // The peer knew more about this node than this node did: what this node does
                    // with the group has its own cause.
                    _ if stays_ours => self.groups[group].cause,
                    Phase::Failed => self.cause_of_failed(from, group),
                    Phase::Stopped => Cause::OwnerLeft(from),
                    Phase::Starting | Phase::Active | Phase::Stopping | Phase::Blocked => {
                        Cause::Claimed(from)
                    }
                };
                self.owned(group, cause);
            }
            Merged::Outranked => {
                // A group that was given away is claimed by the taker, and nothing of it is lost.
                let is_idle = self.groups[group].runner.is_idle();
                let cause = if is_idle { Cause::Claimed(from) } else { Cause::Outranked(from) };
                self.owned(group, cause);
                // A node that restarts while it stops the group must not take it for its own.
                self.outbox.push_back(Output::Store);
                if !self.is_mutated(Mutation::KeepWhenOutranked) {
                    self.give_way_to_owner(group);
                }
            }
        }
    }

    /// The peer claims a group that another node has: the next beat says so, and is repeated until
    /// the peer has heard it, because two nodes may run the group until then.
    fn tell_to_yield(&mut self, from: NodeId) {
        let (now, next) = (self.now, self.history.next());
        let peer = self.peer_mut(from);
        if !peer.has_yet_to_hear_that_it_yields(now) {
            peer.yields = Some((next, now));
        }
        self.beat_soon();
    }

    /// Records the lines that are not known here, or not known yet: those that still run there, and
    /// whether those that it could run have changed. For a line that the peer has not repeated
    /// since this node has only a part of its table, the last report is believed.
    pub(super) fn handle_unknown_lines(&mut self, from: NodeId) {
        let mut strange = std::mem::take(&mut self.peer_mut(from).runs_unknown);
        let view = &self.peer(from).view;
        strange.retain(|group| !view.has(*group));
        let is_strange = |group: &GroupKey| self.group_with_key(*group).is_none();
        strange.extend(view.running(from).filter(is_strange));
        let doubts_unknown = view.in_doubt(from).any(|group| is_strange(&group));
        let digest = |digest: u64, group: GroupKey| {
            digest.wrapping_mul(31).wrapping_add(u64::from(group.0)).wrapping_add(1)
        };
        let able = view.able().filter(is_strange).fold(0, digest);
        let next = self.history.next();
        let peer = self.peer_mut(from);
        peer.runs_unknown = strange;
        peer.doubts_unknown = doubts_unknown;
        if peer.strange != able {
            (peer.strange, peer.unknown_known) = (able, next);
            self.beat_soon();
        }
    }

    /// A node that does not answer this node may be a recording, or does not know this node yet: it
    /// changes no row, and so neither stops nor frees anything, nor makes any node the last owner.
    /// That something runs there is believed as long as it is heard: nothing is started beside it.
    fn handle_unproven(&mut self, from: NodeId, group: GroupId, claim: &Claim) {
        let holds = claim.owner == from && claim.phase.holds();
        self.peer_mut(from).runs[group.index()] |= claim.runs_here || holds;
    }

    /// Whether a node has recently shown that it hears this node, and whether it has not for so
    /// long that it may take this node for dead. A node that was only just heard again has had no
    /// time to show it.
    fn hearing(&self, node: NodeId) -> (bool, bool) {
        let peer = self.peer(node);
        let patience = peer.dead_after / 2;
        let is_long_ago = |at: Time| self.now.since(at) >= patience;
        let hears_us = peer.heard_us.is_some_and(|at| !is_long_ago(at));
        (hears_us, !hears_us && is_long_ago(peer.heard_since))
    }

    fn meeting(&self, from: NodeId, group: GroupId) -> Meeting {
        let heard = self.others().filter(|node| self.peer(*node).is_alive());
        let (hears_us, is_deaf) = self.hearing(from);
        Meeting {
            me: self.settings.me,
            from,
            preferred: self.preferred(group),
            runs_here: self.runs_here(group),
            unable: self.is_unable(group),
            is_helpless: !self.has_executor(),
            hears_us,
            is_deaf,
            heard: heard.fold(0, |heard, node| heard | super::rows::bit(node)),
            by_term_alone: self.is_mutated(Mutation::LetMemoryOutrank),
        }
    }

    /// Whether a node that is heard says that another node has a group. It says so only as long as
    /// it hears that other node: a node that is silent only here is not dead.
    pub(super) fn is_vouched_for(&self, owner: NodeId, group: GroupId) -> bool {
        let key = self.settings.groups[group.index()].key;
        self.others().filter(|node| *node != owner).any(|node| {
            let peer = self.peer(node);
            let told = peer.view.get(self.now, key).filter(|_| peer.is_alive() && peer.answers);
            told.is_some_and(|told| told.claim.owner == owner && told.claim.phase.holds())
        })
    }

    /// Whether a node that is heard runs a group, or may run it because what it runs is not known
    /// here.
    pub(super) fn may_run_elsewhere(&self, group: GroupId) -> bool {
        let errs = self.is_mutated(Mutation::StartBesideTheLoser)
            || self.is_mutated(Mutation::StartOnIntent);
        let hides = !errs && self.others().any(|node| self.peer(node).hides_something());
        hides || self.runs_elsewhere(group)
    }

    /// Whether a node that is heard says that something of a group still runs there, whichever node
    /// owns the group. A goodbye, or a giver's "done", says the contrary.
    pub(super) fn runs_elsewhere(&self, group: GroupId) -> bool {
        let says_so = |node: NodeId| {
            let peer = self.peer(node);
            peer.is_alive() && peer.runs[group.index()]
        };
        // Two mistakes that only this check would catch.
        let errs = self.is_mutated(Mutation::StartBesideTheLoser)
            || self.is_mutated(Mutation::StartOnIntent);
        !errs && self.others().any(says_so)
    }
}
