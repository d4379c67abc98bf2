//! Lines that another node runs and that are not known here: they may want the same resource.
//!
//! What the file of that node lacks is not started meanwhile. A group that waits for this is told as one
//! that this node cannot run: another node with the same line runs it, nobody gives it to this one, and
//! when the wait is over the others know of it before anything starts. What runs by a line of before, and
//! goes on by a new one, waits for nobody: it takes nothing that was not here already, and a reload that
//! would is refused.

use crate::GroupId;
use crate::NodeId;
use crate::cluster::Cluster;

impl Cluster {
    /// Sees which groups wait for a line that is not known here.
    pub(in crate::cluster) fn update_unknown_lines(&mut self) {
        for group in self.settings.group_ids() {
            let waits = self.is_configured(group)
                && self.groups[group].runner.is_idle()
                && self.may_run_by_another_line(group);
            let stay = &mut self.groups[group];
            let has_waited = std::mem::replace(&mut stay.waits_for_unknown_line, waits);
            if has_waited && !waits {
                // The others were told that we cannot run it, and may be about to.
                self.groups[group].able = self.next_barrier();
            }
            if has_waited != waits {
                self.beat_soon();
            }
        }
    }

    /// Whether a group waits because another node runs a line that is not known here.
    pub(in crate::cluster) fn waits_for_unknown_line(&self, group: GroupId) -> bool {
        self.groups.get(group).is_some_and(|state| state.waits_for_unknown_line)
    }

    /// Whether a group cannot be started here yet because of lines: for that reason, or because another node
    /// claims an old line for the sake of a third one, which may still have it.
    pub(in crate::cluster) fn waits_for_lines(&self, group: GroupId) -> bool {
        self.waits_for_unknown_line(group) || self.is_claimed_by_an_old_line(group)
    }

    /// Whether what a group wants may run elsewhere, by a line that is not known here.
    pub(in crate::cluster) fn may_run_by_another_line(&self, group: GroupId) -> bool {
        self.meets_unknown_line(group) && !self.replaces_what_was_here(group)
    }

    /// Whether a node that is heard runs a line that is not known here, and lacks this one: another node
    /// with the lines of this one waits for that too.
    pub(in crate::cluster) fn is_waited_for_elsewhere(&self, group: GroupId) -> bool {
        self.others().map(|node| self.peer(node)).any(|peer| {
            peer.is_alive() && !peer.runs_unknown.is_empty() && peer.lacks.contains(&group)
        })
    }

    /// Whether a node that is heard does not have the line of a group, and runs one that we do not know or
    /// may be about to.
    fn meets_unknown_line(&self, group: GroupId) -> bool {
        self.others().any(|node| {
            let peer = self.peer(node);
            let is_possible = !peer.runs_unknown.is_empty() || self.is_undecided(node);
            peer.is_alive() && is_possible && peer.lacks.contains(&group)
        })
    }

    /// Of two that are about to start such lines at the same moment the one that comes first among the
    /// nodes does. The other waits until that one takes part, knows our lines, and has told since what it
    /// has done.
    fn is_undecided(&self, node: NodeId) -> bool {
        let peer = self.peer(node);
        let has_decided = peer.is_ready && peer.agreed >= peer.unknown_known;
        let is_first = node < self.settings.me && !peer.is_leaving;
        is_first && peer.strange != 0 && !has_decided
    }

    /// Whether a group goes on with what this node had until the line changed, and with nothing else.
    fn replaces_what_was_here(&self, group: GroupId) -> bool {
        let is_ours = self.groups[group].row.is_entrusted && self.is_ours(group);
        is_ours && !self.groups[group].has_grown
    }
}
