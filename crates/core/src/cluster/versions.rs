//! Beside a node of the previous version, which sends its whole table in every beat, expects the
//! same from the others, and mistakes a node whose beat it cannot read for a C node.
//!
//! ```text
//!            a node is heard              a node of the previous version is known
//!   Silent ─────────────────────▶ Marked ◀─────────────────────────────────────▶ Whole
//!                                             no such node is known any more
//! ```
//!
//! The first beats of a daemon send nothing of its table, in a form that both versions read, until
//! it has heard another node. As long as a node of the previous version is known, this node sends
//! everything in the form of that version, however long that is; each node says in every beat
//! whether it reads marks.
//!
//! Likewise the words of failures are sent only while every known node says that it reads them:
//! they change the mark, and a node that does not read them ignores them.

use super::Cluster;
use crate::peer::{Kind, Peer};
use crate::{Beat, NodeId, TableForm};

impl Cluster {
    /// Plays another version of this program, which no input can make of this one.
    #[cfg(test)]
    pub(crate) const fn play_version(&mut self, is_former: bool, capabilities: u32) {
        self.transmitter.is_former = is_former;
        self.transmitter.beat.capabilities = capabilities;
    }

    /// The form in which this node's table is sent now.
    pub(super) fn form(&self) -> TableForm {
        #[cfg(test)]
        if self.transmitter.is_former {
            return TableForm::Whole;
        }
        let peers = || self.others().map(|node| self.peer(node));
        let known = || peers().filter(|peer| peer.kind != Kind::Classic && peer.form.is_some());
        // A node that sends everything has heard another node that this node may not have heard
        // yet.
        let is_told_whole = |peer: &Peer| peer.is_alive() && peer.form == Some(TableForm::Whole);
        let waits = peers().any(|peer| peer.form.is_none() && !peer.is_settled);
        if known().next().is_none() {
            TableForm::Silent
        } else if known().any(|peer| !peer.reads_marks) || waits && known().any(is_told_whole) {
            TableForm::Whole
        } else {
            TableForm::Marked
        }
    }

    /// Whether the words of failures are sent: a node that does not read them would never have this
    /// node's whole table.
    pub(super) fn tells_words(&self) -> bool {
        let peers = self.others().map(|node| self.peer(node));
        let mut known = peers.filter(|peer| peer.kind != Kind::Classic && peer.form.is_some());
        self.form() == TableForm::Marked && known.all(|peer| peer.reads_words)
    }

    /// Records what a peer can read, as it says.
    pub(super) fn handle_form(&mut self, from: NodeId, beat: &Beat) {
        let before = self.form();
        let peer = self.peer_mut(from);
        peer.form = Some(beat.form);
        peer.reads_marks =
            beat.form == TableForm::Marked || beat.capabilities & Beat::READS_MARKS != 0;
        peer.reads_words = beat.capabilities & Beat::READS_WORDS != 0;
        if self.form() != before {
            self.beat_soon();
        }
    }

    /// Adds every row, whatever its size. A node that reads this form has the whole table whenever
    /// it has heard this node, so this node echoes only what it knows just as completely.
    pub(super) fn tell_all(&mut self, beat: &mut Beat) {
        for echo in &mut beat.echoes {
            let peer = self.peer(echo.node);
            if peer.form == Some(TableForm::Whole) {
                echo.known = echo.known.max(peer.told_at.min(echo.sequence));
            }
            echo.keep_known();
        }
        beat.echoes.retain(|echo| echo.known > 0);
        let mut picked = std::mem::take(&mut self.transmitter.sync.picked);
        picked.clear();
        for group in self.settings.group_ids().filter(|group| self.tells(*group)) {
            beat.tell(&self.told(group));
            picked.push(group);
        }
        self.record_told(&picked, 0);
        self.transmitter.sync.picked = picked;
    }
}
