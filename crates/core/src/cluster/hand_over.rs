//! The planned hand-over of groups from one node to another.

#[cfg(test)]
mod at_stage;
mod checks;
mod interruption;
mod orders;
mod progress;
mod reporting;
mod resume;
mod steps;

use super::Cluster;
use crate::peer::Kind;
use crate::{GroupId, HandOverReason, JobId, Message, NodeId, Scope, Step, Ticket, Time};
use std::time::Duration;

/// How long one node waits for a message of the other.
const REPLY_WAIT: Duration = Duration::from_secs(10);
/// How long a C node that gives may take to begin after this node's promise. A giver waits 10 s for
/// the promise. A C node that refuses the order of its own administrator has sent the request all
/// the same, and never begins.
const BEGIN_WAIT: Duration = Duration::from_secs(15);
/// How long a C node may take to release or acquire, during which nothing of it can be seen.
const WORK_WAIT: Duration = Duration::from_hours(1);

/// A hand-over in progress.
///
/// ```text
///  giver:  Asked ──"other"──▶ Releasing ──all stopped, "done"──▶ Given ──"done"──▶ Told
///          Told ──the taker's table as of its "done"──▶ (over)
///  taker:  Invited ──"me"──▶ Checking ──everything is here, "other"──▶ Promised
///          Promised ──"done"──▶ Acquiring ──all settled, "done"──▶ (over)
/// ```
///
/// A taker that was not asked by a person on its own node begins with Checking. Nothing is let go
/// before the taker has said "other"; until then each side may refuse, and a Systole node says so.
/// The hand-over also ends early when the other node does not answer, dies, leaves or restarts,
/// when this node stops, or was away before anything moved (`interruption.rs`), and when no
/// progress is seen for 10 s. The remaining node then decides as if there had been no hand-over.
#[derive(Debug)]
pub(super) struct HandOver {
    /// What moves, from the giver's view.
    scope: Scope,
    giver: NodeId,
    taker: NodeId,
    stage: Stage,
    until: Time,
    motive: HandOverReason,
    /// A person requested it: the groups that move stay where they go.
    by_order: bool,
    ticket: Option<Ticket>,
    /// When the hand-over began, and when it reached its stage.
    since: (Time, Time),
    /// The other node's last sequence when the hand-over began: older messages belong to another
    /// hand-over.
    began_at: u64,
    /// The last sequence of this node at that time: the sequence of its request, if it made one.
    asked_by: u64,
    /// The sequence of the "done" of a C node that gives, while earlier messages of it are missing.
    done_by: Option<u64>,
    /// The sequence of the message by which a C node that gives has said that it lets go.
    lets_go_by: Option<u64>,
    /// A C node that gives may have said "done" while no daemon was running here: at the end of the
    /// wait the "done" counts as said.
    may_be_done: bool,
    /// The other node is a C node.
    beside_classic: bool,
    /// The checks whose outcome a taker waits for.
    checks: Vec<JobId>,
    /// The groups that the giver had when it began to let go, or, for a taker, when they were
    /// offered, each with its term then.
    gives: Vec<(GroupId, u64)>,
    /// The groups that the giver owned at that time, whether they ran or not. Groups that it takes
    /// later are not part of the hand-over.
    owned: Vec<GroupId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Asked,
    Releasing,
    /// Everything is let go; this is the sequence of this node's "done".
    Given(u64),
    /// The taker is done. Its table, sent just before under this sequence, says what it has.
    Told(u64),
    Invited,
    Checking,
    Promised,
    Acquiring,
}

impl Stage {
    /// Whether the other node may still refuse a step that this node has sent. Before this node's
    /// "done" nothing has been let go. A refusal of a "done" names it by its sequence: a sequence
    /// is heard only once, so nothing will be taken because of it.
    const fn awaits_answer_to(self, step: Step, number: Option<u64>) -> bool {
        match (step, self) {
            (Step::Me, Self::Asked | Self::Invited) | (Step::Other, Self::Promised) => true,
            (Step::Done, Self::Given(said)) => matches!(number, Some(number) if number == said),
            (Step::Me | Step::Other | Step::Done, _) => false,
        }
    }
}

impl HandOver {
    /// The name of its stage for the count of transitions.
    pub(super) const fn name(&self) -> &'static str {
        match self.stage {
            Stage::Asked => "asked",
            Stage::Releasing => "releasing",
            Stage::Given(_) => "given",
            Stage::Told(_) => "told",
            Stage::Invited => "invited",
            Stage::Checking => "checking",
            Stage::Promised => "promised",
            Stage::Acquiring => "acquiring",
        }
    }

    pub(super) const fn deadline(&self) -> Time {
        self.until
    }

    /// The giver, the taker, and what moves, from the giver's view.
    pub(super) const fn parts(&self) -> (NodeId, NodeId, Scope) {
        (self.giver, self.taker, self.scope)
    }

    /// The node that is not `me`.
    fn partner(&self, me: NodeId) -> NodeId {
        if self.giver == me { self.taker } else { self.giver }
    }

    /// Whether a group was part of the hand-over when it began.
    fn gives(&self, group: GroupId) -> bool {
        self.gives.iter().any(|(other, _)| *other == group)
    }

    /// Whether groups may have moved because of it.
    const fn has_begun(&self) -> bool {
        match self.stage {
            Stage::Asked | Stage::Invited | Stage::Checking => false,
            Stage::Promised => !self.beside_classic || self.lets_go_by.is_some(),
            Stage::Releasing | Stage::Given(_) | Stage::Told(_) | Stage::Acquiring => true,
        }
    }

    /// Whether `node` is the giver or the taker.
    fn is_with(&self, node: NodeId) -> bool {
        self.giver == node || self.taker == node
    }
}

/// Who wants this node to give groups away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asker {
    /// A person who waits for the answer.
    Person(Ticket),
    /// Another node, by an order of its own.
    Node,
    /// This node, because a group prefers another node.
    Home,
    /// This node, because a group's interface lost its carrier.
    Carrier,
    /// The built-in ipfail. On a C node ipfail asks through the client API, which shows on the
    /// wire.
    Ipfail,
    /// The built-in ipfail, because both nodes again see equally many ping nodes and the groups
    /// prefer the other node.
    IpfailHome,
    /// This node, because it could not start a group of a C node.
    Failed,
}

impl Cluster {
    /// Whether a group is part of a running hand-over and must not move otherwise: the giver still
    /// owns it. Not part of the hand-over are groups that another node had or has taken since, and
    /// groups that a giver takes meanwhile.
    pub(super) fn is_handed_over(&self, group: GroupId) -> bool {
        self.hand_over.as_ref().is_some_and(|running| {
            let is_givers = self.groups[group].row.owner == Some(running.giver);
            let is_told = running.giver == self.settings.me || !running.beside_classic;
            let is_new = is_told && !running.owned.contains(&group);
            let is_meant = self.is_in_scope(group, running.giver, running.scope);
            running.stage != Stage::Asked && is_meant && is_givers && !is_new
        })
    }

    /// Whether a running hand-over moves a group, or has moved it.
    pub(super) fn is_moved(&self, group: GroupId) -> bool {
        let running = self.hand_over.as_ref().filter(|running| running.stage != Stage::Asked);
        self.is_handed_over(group) || running.is_some_and(|running| running.gives(group))
    }

    /// Whether this node is giving a group away.
    pub(super) fn is_given_away(&self, group: GroupId) -> bool {
        let giver = self.hand_over.as_ref().map(|running| running.giver);
        giver == Some(self.settings.me) && self.is_handed_over(group)
    }

    /// What this node has asked another node to take, as long as that node has not answered.
    pub(super) fn pending_offer(&self) -> Option<(NodeId, Scope, HandOverReason)> {
        let running = self.hand_over.as_ref().filter(|running| running.stage == Stage::Asked)?;
        Some((running.taker, running.scope, running.motive))
    }

    /// Whether a hand-over is in progress that may have moved groups.
    pub(super) fn moves_groups(&self) -> bool {
        self.hand_over.as_ref().is_some_and(HandOver::has_begun)
    }

    /// Whether a person requested the hand-over in progress.
    pub(super) fn is_handed_over_by_order(&self) -> bool {
        self.hand_over.as_ref().is_some_and(|running| running.by_order)
    }

    fn is_in_scope(&self, group: GroupId, giver: NodeId, scope: Scope) -> bool {
        match scope {
            Scope::Set(hold) if self.preferred(group) == giver => hold.has_local(),
            Scope::Set(hold) => hold.has_foreign(),
            Scope::Group(one) => one == group,
        }
    }

    /// The groups that a scope names from the giver's view.
    pub(super) fn groups_of(&self, giver: NodeId, scope: Scope) -> Vec<GroupId> {
        let all = self.settings.group_ids();
        all.filter(|group| self.is_in_scope(*group, giver, scope)).collect()
    }

    /// The groups of a scope that the giver has.
    pub(super) fn groups_at(&self, giver: NodeId, scope: Scope) -> Vec<GroupId> {
        let mut groups = self.groups_of(giver, scope);
        groups.retain(|group| {
            let row = &self.groups[*group].row;
            row.owner == Some(giver) && row.phase.holds()
        });
        groups
    }

    /// The groups of a scope that the giver owns, whether they run or not.
    fn groups_owned_by(&self, giver: NodeId, scope: Scope) -> Vec<GroupId> {
        let mut groups = self.groups_of(giver, scope);
        groups.retain(|group| self.groups[*group].row.owner == Some(giver));
        groups
    }

    /// Takes a group out of the hand-over, because the giver takes it or takes it back.
    pub(super) fn keep_what_is_taken(&mut self, group: GroupId) {
        let me = self.settings.me;
        if let Some(running) = self.hand_over.as_mut().filter(|running| running.giver == me) {
            running.owned.retain(|owned| *owned != group);
        }
    }

    /// Adds a group to the hand-over: a C node starts it with the rest of its set, although it did
    /// not run here.
    pub(super) fn gives_too(&mut self, group: GroupId) {
        let term = self.groups[group].row.term;
        if let Some(running) = self.hand_over.as_mut().filter(|running| !running.gives(group)) {
            running.gives.push((group, term));
        }
    }

    /// Groups with their present terms.
    fn with_terms(&self, groups: Vec<GroupId>) -> Vec<(GroupId, u64)> {
        let term = |group: GroupId| (group, self.groups[group].row.term);
        groups.into_iter().map(term).collect()
    }

    fn begin_hand_over(
        &mut self,
        (giver, taker): (NodeId, NodeId),
        scope: Scope,
        stage: Stage,
        motive: HandOverReason,
    ) {
        let until = self.now + REPLY_WAIT;
        let partner = if giver == self.settings.me { taker } else { giver };
        let began_at = self.peer(partner).receiver.last();
        let (ticket, since) = (motive.ticket(), (self.now, self.now));
        let by_order = matches!(motive, HandOverReason::Order(_) | HandOverReason::Node);
        self.hand_over = Some(HandOver {
            scope,
            giver,
            taker,
            stage,
            until,
            motive,
            by_order,
            ticket,
            since,
            began_at,
            asked_by: self.history.next() - 1,
            done_by: None,
            lets_go_by: None,
            may_be_done: false,
            beside_classic: self.peer(partner).kind == Kind::Classic,
            checks: Vec::new(),
            gives: Vec::new(),
            owned: Vec::new(),
        });
        self.tell_stage();
    }

    fn advance_hand_over(&mut self, stage: Stage) {
        let me = self.settings.me;
        let Some(running) = &mut self.hand_over else { return };
        let partner = &self.peers[running.partner(me).index()];
        let is_promise = stage == Stage::Promised;
        let wait = match partner.kind {
            Kind::Classic if is_promise => BEGIN_WAIT,
            // The work that goes on at this node can be seen.
            Kind::Classic if stage == Stage::Releasing => REPLY_WAIT,
            Kind::Classic => WORK_WAIT,
            Kind::Systole | Kind::Unknown => REPLY_WAIT,
        };
        running.stage = stage;
        running.until = self.now + wait;
        self.tell_stage();
        self.store_unfinished();
    }

    /// Has the progress of a hand-over with a C node stored.
    fn store_unfinished(&mut self) {
        let running = self.hand_over.as_ref().filter(|running| running.beside_classic);
        if let Some(partner) = running.map(|running| running.partner(self.settings.me)) {
            self.store_peer(partner);
        }
    }

    /// A C node that gives says that it lets go now. A delayed message may belong to an earlier
    /// hand-over.
    pub(super) fn classic_lets_go(&mut self, giver: NodeId, number: u64) {
        let is_meant = |it: &HandOver| it.giver == giver && number > it.began_at;
        if self.hand_over.as_ref().is_some_and(is_meant) {
            self.giver_has_begun(number);
        }
    }

    /// A C node that gives lets go, which may take as long as its agents need.
    fn giver_has_begun(&mut self, number: u64) {
        let until = self.now + WORK_WAIT;
        if let Some(running) = self.hand_over.as_mut().filter(|it| it.stage == Stage::Promised) {
            running.until = until;
            running.lets_go_by = Some(number);
        }
    }

    fn send_step(&mut self, peer: NodeId, scope: Scope, step: Step) {
        self.send_planned(peer, scope, step, (false, false));
    }

    /// Sends a step. The first step also says whether ipfail or a person requested the hand-over.
    fn send_planned(
        &mut self,
        peer: NodeId,
        scope: Scope,
        step: Step,
        (ipfail, by_order): (bool, bool),
    ) {
        // A C node does not know that field.
        let by_order = by_order && self.peer(peer).kind == Kind::Systole;
        match scope {
            Scope::Set(hold) => {
                let dest = self.partner(peer);
                self.send(Message::AskResources { hold, step, ipfail, by_order }, dest);
            }
            Scope::Group(group) => {
                let group = self.settings.groups[group.index()].key;
                self.send(Message::GroupStep { group, step, by_order }, Some(peer));
            }
        }
    }

    /// The addressee of a step: absent with only two nodes, as in the classic protocol.
    fn partner(&self, peer: NodeId) -> Option<NodeId> {
        (self.settings.nodes.len() > 2).then_some(peer)
    }
}
