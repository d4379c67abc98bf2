//! What an observer knows of a node: its status, its events, and what it has sent.

use super::pair::Pair;
use super::*;
use crate::Mark;

impl Node {
    /// The state, with facts in place of words.
    pub(super) fn snapshot(&self) -> Snapshot {
        self.cluster.snapshot(&Wording::FACTS)
    }

    pub(super) fn has_said(&self, event: &Event) -> bool {
        self.said.contains(event)
    }

    /// Whether the node has declared another node dead.
    pub(super) fn counts_dead(&self, other: NodeId) -> bool {
        self.said.iter().any(|event| matches!(event, Event::PeerDead(node, _) if *node == other))
    }

    /// Whether the status shows that this node cannot run a group, and why.
    pub(super) fn has_failed(&self, group: GroupId) -> bool {
        let (group, name) = (self.group(group), NAMES[self.id.index()]);
        let failed = group.failures.iter().any(|failure| failure.node == name);
        failed && group.unable.iter().any(|unable| unable == name)
    }

    /// How often a start failed here.
    pub(super) fn failed_starts(&self) -> usize {
        self.said.iter().filter(|event| matches!(event, Event::StartFailed { .. })).count()
    }

    /// What the status shows of a group.
    pub(super) fn group(&self, group: GroupId) -> GroupReport {
        self.cluster.group_report(group, &Wording::FACTS)
    }

    pub(super) fn owner(&self, group: GroupId) -> Option<NodeId> {
        let owner = self.group(group).owner?;
        self.cluster.settings().node_ids().find(|id| NAMES[id.index()] == owner)
    }

    pub(super) fn term(&self, group: GroupId) -> u64 {
        self.group(group).term
    }

    pub(super) fn phase(&self, group: GroupId) -> Phase {
        self.group(group).phase
    }

    /// The owner, the term and the phase of a group.
    pub(super) fn row(&self, group: GroupId) -> (Option<NodeId>, u64, Phase) {
        (self.owner(group), self.term(group), self.phase(group))
    }

    /// Whether the status shows a hand-over in progress.
    pub(super) fn hands_over(&self) -> bool {
        self.snapshot().hand_over.is_some()
    }

    /// The stages of hand-overs that the node has reported.
    pub(super) fn progress(&self) -> Vec<HandOverProgress> {
        let progress = |event: &Event| {
            let Event::HandOverProgress(progress) = event else { return None };
            Some(*progress)
        };
        self.said.iter().filter_map(progress).collect()
    }

    /// What the status shows of another node.
    pub(super) fn peer(&self, other: NodeId) -> NodeReport {
        self.snapshot().nodes.swap_remove(other.index())
    }

    /// What it has sent and is no longer on its way.
    pub(super) fn arrived(&self) -> &[(Outgoing, Option<Beat>)] {
        let flying = self.sent.iter().filter(|(outgoing, _)| outgoing.sequence.is_some()).count();
        &self.kept[..self.kept.len().saturating_sub(flying)]
    }

    /// The beats that have arrived, each with its sequence, the last one first.
    pub(super) fn beats(&self) -> impl Iterator<Item = (u64, &Beat)> {
        let beats = self.arrived().iter().rev();
        beats.filter_map(|(outgoing, beat)| Some((outgoing.sequence?, beat.as_ref()?)))
    }

    /// What it last said about a group.
    pub(super) fn claim(&self, group: GroupId) -> Claim {
        let key = self.cluster.settings().groups[group.index()].key;
        let claims = |beat: &Beat| beat.claims.iter().find(|claim| claim.group == key).copied();
        self.beats().find_map(|(_, beat)| claims(beat)).expect("it is told")
    }

    /// The dead time that it last announced.
    pub(super) fn announced(&self) -> Option<Duration> {
        let announced = |message: &Message| {
            let Message::Status { deadtime, .. } = message else { return None };
            Some(*deadtime)
        };
        self.kept.iter().rev().find_map(|(outgoing, _)| announced(&outgoing.message))
    }

    /// The sequence of the last message that has one.
    pub(super) fn last_sequence(&self) -> u64 {
        self.kept.last().and_then(|(outgoing, _)| outgoing.sequence).unwrap_or(0)
    }
}

impl Pair {
    /// What a node last said to the others about a group.
    pub(super) fn told_by(&mut self, id: NodeId, group: GroupId) -> Claim {
        self.node(id).claim(group)
    }

    /// What a node last said that it has heard of the other node.
    pub(super) fn echo(&mut self, id: NodeId) -> Option<Echo> {
        let (_, beat) = self.node(id).beats().next()?;
        beat.echoes.first().copied()
    }

    /// Whether a node says that it has the table of the other node as of the last beat that it has
    /// heard.
    pub(super) fn has_table(&mut self, id: NodeId, other: NodeId) -> bool {
        let Some(echo) = self.echo(id) else { return false };
        let mut beats = self.node(other).beats();
        let heard = beats.find(|(sequence, _)| *sequence <= echo.sequence);
        heard.is_some_and(|(sequence, beat)| beat.ready && echo.known >= sequence)
    }

    /// A node sends the other one a beat with this row in place of its row of the same group.
    pub(super) fn claims(&mut self, id: NodeId, claim: Claim) {
        let settings = self.node(id).cluster.settings();
        let groups: Vec<GroupId> = settings.group_ids().collect();
        let (now, generation) = (self.now, self.node(id).generation);
        let others = groups.iter().map(|group| self.node(id).claim(*group));
        let mut claims: Vec<Claim> = others.filter(|it| it.group != claim.group).collect();
        claims.push(claim);
        let (outgoing, beat) =
            self.node(id).kept.iter().rev().find(|sent| sent.1.is_some()).expect("it beats");
        let mut outgoing = outgoing.clone();
        let mut beat = beat.clone().expect("it is a beat");
        let sequence = self.node(id).last_sequence() + 1;
        outgoing.sequence = Some(sequence);
        beat.claims = claims;
        beat.table = Mark { epoch: beat.table.epoch, ..Mark::of(&beat) };
        let name = NAMES[id.index()];
        self.node(NodeId(1 - id.0)).hear(now, name, generation, &(outgoing, Some(beat)));
    }
}
