//! Lines that another node runs and that are not known here: they may need the same resource.
//!
//! Groups that are missing in that node's file are not started meanwhile. A waiting group is
//! reported as a group that this node cannot run: another node with the same line runs it, no node
//! gives it to this node, and when the wait is over the others know about it before anything
//! starts. A group that runs by a former line and continues by a new line waits for no node: it
//! takes nothing that was not here already, and a reload that would take more is refused.

use crate::cluster::rows::bit;
use crate::cluster::{Cluster, Retirement};
use crate::{Event, GroupId, NodeId};

/// How the files of other nodes differ in a line, as the status says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::cluster) struct Differs {
    /// Nodes that lack the line, as bits.
    lacking: u32,
    /// The owner only keeps the group free.
    is_kept_free: bool,
    /// The group waits because of a line that is not known here.
    waits: bool,
    /// The line has left this node's file, and another node has the group.
    is_elsewhere: bool,
}

impl Cluster {
    /// Updates which groups wait for a line that is not known here.
    pub(in crate::cluster) fn update_unknown_lines(&mut self) {
        for group in self.settings.group_ids() {
            let waits = self.is_configured(group)
                && self.groups[group].runner.is_idle()
                && self.may_run_by_another_line(group);
            let stay = &mut self.groups[group];
            let has_waited = std::mem::replace(&mut stay.waits_for_unknown_line, waits);
            if has_waited && !waits {
                // The others were told that this node cannot run the group, and may be about to
                // take it.
                self.groups[group].able = self.next_barrier();
            }
            if has_waited != waits {
                self.beat_soon();
            }
        }
    }

    /// Reports when other lines than before differ from those of another node.
    pub(in crate::cluster) fn report_other_lines(&mut self) {
        let mut is_news = false;
        for group in self.settings.group_ids() {
            let lacking = self.others().filter(|node| self.lacks_line(group, *node));
            let differs = Differs {
                lacking: lacking.fold(0, |nodes, node| nodes | bit(node)),
                is_kept_free: self.is_kept_free(group),
                waits: self.waits_for_unknown_line(group),
                is_elsewhere: !self.is_configured(group)
                    && self.retirement(group) == Retirement::Elsewhere,
            };
            is_news |= std::mem::replace(&mut self.groups[group].differs, differs) != differs;
        }
        for node in self.others() {
            let has = self.has_other_lines(node);
            is_news |= std::mem::replace(&mut self.peer_mut(node).has_other_lines, has) != has;
        }
        if is_news {
            self.report(Event::OtherLines);
        }
    }

    /// Whether a node that is heard could run, or runs, lines that are not known here.
    pub(in crate::cluster) fn has_other_lines(&self, node: NodeId) -> bool {
        let peer = self.peer(node);
        peer.is_alive() && (peer.strange != 0 || !peer.runs_unknown.is_empty())
    }

    /// Whether a group waits because another node runs a line that is not known here.
    pub(in crate::cluster) fn waits_for_unknown_line(&self, group: GroupId) -> bool {
        self.groups.get(group).is_some_and(|state| state.waits_for_unknown_line)
    }

    /// Whether a group cannot be started here yet because of lines: for that reason, or because
    /// another node claims an old line on account of a third node, which may still have it.
    pub(in crate::cluster) fn waits_for_lines(&self, group: GroupId) -> bool {
        self.waits_for_unknown_line(group) || self.is_claimed_by_an_old_line(group)
    }

    /// Whether something that a group needs may run elsewhere, by a line that is not known here.
    pub(in crate::cluster) fn may_run_by_another_line(&self, group: GroupId) -> bool {
        self.meets_unknown_line(group) && !self.replaces_what_was_here(group)
    }

    /// Whether a node that is heard runs a line that is not known here, and lacks the line of a
    /// group. Another node with the same lines as this node waits for that too.
    pub(in crate::cluster) fn is_waited_for_elsewhere(&self, group: GroupId) -> bool {
        self.others().map(|node| self.peer(node)).any(|peer| {
            peer.is_alive() && !peer.runs_unknown.is_empty() && peer.lacks.contains(&group)
        })
    }

    /// Whether a node that is heard lacks the line of a group, and runs a line that this node does
    /// not know, or may be about to.
    fn meets_unknown_line(&self, group: GroupId) -> bool {
        self.others().any(|node| {
            let peer = self.peer(node);
            let is_possible = !peer.runs_unknown.is_empty() || self.is_undecided(node);
            peer.is_alive() && is_possible && peer.lacks.contains(&group)
        })
    }

    /// If two nodes are about to start such lines at the same moment, the node that comes first
    /// among the nodes starts. The other node waits until the first takes part, knows this node's
    /// lines, and has since reported what it has done.
    fn is_undecided(&self, node: NodeId) -> bool {
        let peer = self.peer(node);
        let has_decided = peer.is_ready && peer.agreed >= peer.unknown_known;
        let is_first = node < self.settings.me && !peer.is_leaving;
        is_first && peer.strange != 0 && !has_decided
    }

    /// Whether a group continues what this node had until the line changed, and nothing else.
    fn replaces_what_was_here(&self, group: GroupId) -> bool {
        let is_ours = self.groups[group].row.is_entrusted() && self.is_ours(group);
        is_ours && !self.groups[group].has_grown
    }
}
