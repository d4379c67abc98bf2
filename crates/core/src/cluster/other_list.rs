//! A node whose node list differs from the list of this node, so that node numbers mean other nodes
//! there.
//!
//! Nothing that it says about other nodes can be read, so nothing is placed on it or handed to it.
//! What it says about itself can be read: nothing is started beside what runs there, and where both
//! nodes run a group, as after a partition, one of them prevails as always. Its echo of this node's
//! session shows which number this node has there.

use super::Cluster;
use crate::{Beat, Claim, Event, GroupId, NodeId, Phase};

impl Cluster {
    /// Reads a beat of such a node; `knew` is the list that it had before.
    pub(super) fn handle_other_list(&mut self, from: NodeId, beat: &Beat, knew: Option<u32>) {
        let session = self.boot.session;
        let answer = beat.echoes.iter().find(|echo| echo.session == session);
        if let Some(echo) = answer {
            self.pause.heard_echo(from, echo.sequence);
        }
        let us = answer.map(|echo| echo.node);
        let (now, peer) = (self.now, self.peer_mut(from));
        let is_whole = peer.view.hear(now, beat);
        // A node that does not answer this node may be a recording: it neither ends the start of
        // this node nor counts as a node that will take a group.
        peer.is_settled |= us.is_some() && is_whole;
        peer.lacks.clear();
        for group in self.settings.group_ids() {
            let key = self.settings.groups[group.index()].key;
            if let Some(told) = self.peer(from).view.get(now, key) {
                self.handle_of_itself(from, group, &told.claim, us);
            }
        }
        self.handle_unknown_lines(from);
        if knew != Some(beat.nodes) {
            self.report(Event::NodeListsDiffer(from));
        }
    }

    /// Reads from its row of a group what concerns that node itself, which calls this node `us` if
    /// it has heard this node.
    fn handle_of_itself(
        &mut self,
        from: NodeId,
        group: GroupId,
        claim: &Claim,
        us: Option<NodeId>,
    ) {
        let runs = &mut self.peer_mut(from).runs[group.index()];
        let Some(us) = us else {
            *runs |= claim.runs_here;
            return;
        };
        *runs = claim.runs_here;
        if claim.owner == us {
            return;
        }
        let phase = if claim.runs_here { claim.phase } else { Phase::Stopped };
        if phase.holds() || self.groups[group].row.owner() == Some(from) {
            self.handle_claim(from, group, &Claim { owner: from, phase, ..*claim });
        }
    }
}
