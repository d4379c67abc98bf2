//! The planned hand-over of groups from one node to another.

mod checks;
mod input;
mod interruption;
mod machine;
mod orders;
mod progress;
#[cfg(test)]
mod rare_turns;
mod reporting;
mod resume;
mod running;
mod steps;

use super::Cluster;
use crate::peer::Kind;
use crate::{GroupId, HandOverReason, Message, NodeId, Scope, Step, Ticket};
use input::{Fact, Input};
pub(super) use machine::HandOver;
use running::Beginning;
pub(super) use running::{Running, Stage};

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
        self.hand_over.running().is_some_and(|running| {
            let is_givers = self.groups[group].row.owner() == Some(running.giver);
            let is_told = running.giver == self.settings.me || !running.beside_classic;
            let is_new = is_told && !running.owned.contains(&group);
            let is_meant = self.is_in_scope(group, running.giver, running.scope);
            running.stage != Stage::Asked && is_meant && is_givers && !is_new
        })
    }

    /// Whether a running hand-over moves a group, or has moved it.
    pub(super) fn is_moved(&self, group: GroupId) -> bool {
        let running = self.hand_over.running().filter(|running| running.stage != Stage::Asked);
        self.is_handed_over(group) || running.is_some_and(|running| running.gives(group))
    }

    /// Whether this node is giving a group away.
    pub(super) fn is_given_away(&self, group: GroupId) -> bool {
        let giver = self.hand_over.running().map(|running| running.giver);
        giver == Some(self.settings.me) && self.is_handed_over(group)
    }

    /// What this node has asked another node to take, as long as that node has not answered.
    pub(super) fn pending_offer(&self) -> Option<(NodeId, Scope, HandOverReason)> {
        let running = self.hand_over.running().filter(|running| running.stage == Stage::Asked)?;
        Some((running.taker, running.scope, running.motive))
    }

    /// Whether a hand-over is in progress that may have moved groups.
    pub(super) fn moves_groups(&self) -> bool {
        self.hand_over.running().is_some_and(Running::has_begun)
    }

    /// Whether a person requested the hand-over in progress.
    pub(super) fn is_handed_over_by_order(&self) -> bool {
        self.hand_over.running().is_some_and(|running| running.by_order)
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
            row.owner() == Some(giver) && row.phase().holds()
        });
        groups
    }

    /// The groups of a scope that the giver owns, whether they run or not.
    fn groups_owned_by(&self, giver: NodeId, scope: Scope) -> Vec<GroupId> {
        let mut groups = self.groups_of(giver, scope);
        groups.retain(|group| self.groups[*group].row.owner() == Some(giver));
        groups
    }

    /// Takes a group out of the hand-over, because the giver takes it or takes it back.
    pub(super) fn keep_what_is_taken(&mut self, group: GroupId) {
        let me = self.settings.me;
        if self.hand_over.running().is_some_and(|running| running.giver == me) {
            self.learn(Fact::Keeps(group));
        }
    }

    /// Adds a group to the hand-over: a C node starts it with the rest of its set, although it did
    /// not run here.
    pub(super) fn gives_too(&mut self, group: GroupId) {
        let term = self.groups[group].row.term();
        self.learn(Fact::GivesToo(group, term));
    }

    /// Groups with their present terms.
    fn with_terms(&self, groups: Vec<GroupId>) -> Vec<(GroupId, u64)> {
        let term = |group: GroupId| (group, self.groups[group].row.term());
        groups.into_iter().map(term).collect()
    }

    /// A hand-over that begins now, of nothing yet.
    fn beginning(
        &self,
        (giver, taker): (NodeId, NodeId),
        scope: Scope,
        stage: Stage,
        motive: HandOverReason,
    ) -> Beginning {
        let partner = if giver == self.settings.me { taker } else { giver };
        Beginning {
            scope,
            giver,
            taker,
            stage,
            motive,
            by_order: matches!(motive, HandOverReason::Order(_) | HandOverReason::Node),
            beside_classic: self.peer(partner).kind == Kind::Classic,
            began_at: self.peer(partner).receiver.last(),
            asked_by: self.history.next() - 1,
            gives: Vec::new(),
            owned: Vec::new(),
        }
    }

    fn begin_hand_over(&mut self, beginning: Beginning) {
        self.step_hand_over(Input::Begin(Box::new(beginning)));
    }

    /// This node is told to stop, which ends its hand-over.
    pub(super) fn end_hand_over_to_stop(&mut self) {
        self.step_hand_over(Input::OwnStop);
    }

    /// The executor is not coming back. What this node was to give may still run: the node that
    /// takes it must know that, and fence this node first.
    pub(super) fn end_giving_without_executor(&mut self) {
        if self.hand_over.running().is_some_and(|running| running.giver == self.settings.me) {
            self.step_hand_over(Input::CannotStop);
        }
    }

    /// A C node that gives says that it lets go now. A delayed message may belong to an earlier
    /// hand-over.
    pub(super) fn classic_lets_go(&mut self, giver: NodeId, number: u64) {
        self.learn(Fact::LetsGo { giver, number });
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
