//! Tracks which nodes have the new keys, and decides which key signs the messages of this node meanwhile.
//!
//! ```text
//!             every node was heard with the new key          a grace later
//!   renewing ─────────────────────────────────────▶ settling ─────────────▶ over
//!     │   ▲                                            │
//!     │   └────────────────────────────────────────────┘
//!     │                a node restarted
//!     └──────────▶ expired, after an hour
//! ```
//!
//! Nothing is negotiated. A node that has only the old keys understands messages signed with the old key, and
//! its own signature shows when it has the new one.

use std::time::Duration;
use systole_core::{NODES_MAX, NodeId, Time};

/// The longest time for which old keys are accepted.
const LIMIT: Duration = Duration::from_hours(1);
/// The time between two reminders that a node does not have the new keys.
const REMINDER_GAP: Duration = Duration::from_mins(10);
/// The time between two beats that show the new signature of this node to nodes that may not know the new
/// key: each such beat is a bad packet to nodes that do not know it.
const SHOW_GAP: Duration = Duration::from_secs(5);

/// How another node reacts to the messages of this node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listener {
    /// It is dead, or was never heard.
    Silent,
    /// It learns from the messages that it hears which keys this node has.
    Learns,
    /// It is a C node: it complains about what it cannot verify, and learns nothing from the rest.
    Classic,
}

/// The keys that sign a message; one copy is sent for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signing {
    /// The old sending key.
    pub former: bool,
    /// The new sending key.
    pub current: bool,
}

impl Signing {
    /// The new key alone, as always when no keys are being renewed.
    pub const CURRENT: Self = Self { former: false, current: true };
}

/// The progress of a renewal over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Every node was heard with the new key.
    Complete,
    /// Some node has not yet been heard with the new key.
    Reminder,
    /// The renewal is over: the old keys must be forgotten.
    Over,
    /// The same, but some node was never heard with the new key.
    Expired,
}

/// Nodes, one bit for each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Nodes(u16);

const _: () = assert!(NODES_MAX <= u16::BITS as usize, "every node needs its bit");

impl Nodes {
    fn of(node: NodeId) -> Self {
        Self(1_u16.checked_shl(u32::from(node.0)).unwrap_or(0))
    }

    const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    fn iter(self) -> impl Iterator<Item = NodeId> {
        (0..u16::BITS)
            .zip(0..)
            .filter(move |(bit, _)| self.0 >> bit & 1 == 1)
            .map(|(_, id)| NodeId(id))
    }
}

/// A renewal of the keys, seen from one node. The caller passes the time.
#[derive(Debug)]
pub struct Rotation {
    ends_at: Time,
    grace: Duration,
    others: Nodes,
    renewed: Nodes,
    complete_since: Option<Time>,
    remind_at: Time,
    show_at: Time,
}

impl Rotation {
    /// Begins at `now`. Once every one of the `others` has the new key, the old keys are still accepted for
    /// `grace`, so that the other nodes can also give up the old keys.
    #[must_use]
    pub fn new(now: Time, grace: Duration, others: impl IntoIterator<Item = NodeId>) -> Self {
        let others = others.into_iter().fold(0, |all, node| all | Nodes::of(node).0);
        Self {
            ends_at: now + LIMIT,
            grace,
            others: Nodes(others),
            renewed: Nodes::default(),
            complete_since: None,
            remind_at: now + REMINDER_GAP,
            show_at: now,
        }
    }

    /// Records that a node signs with the new key. Returns whether that is news.
    pub fn record_renewed(&mut self, node: NodeId) -> bool {
        let node = Nodes::of(node);
        let is_news = node.0 & self.others.0 & !self.renewed.0 != 0;
        self.renewed.0 |= node.0;
        is_news
    }

    /// Records that the new sending key is the same as the old one, so that no node has to learn it.
    pub const fn record_same_key(&mut self) {
        self.renewed = self.others;
    }

    /// Records that a node restarted, with whatever keys its file now contains.
    pub fn record_restart(&mut self, node: NodeId) {
        self.renewed = self.renewed.without(Nodes::of(node));
        self.complete_since = None;
    }

    /// Returns the nodes that have not been heard with the new key.
    pub fn waiting(&self) -> impl Iterator<Item = NodeId> {
        self.others.without(self.renewed).iter()
    }

    /// Returns which keys sign the next message: the same as [`Rotation::signing_again`], except that now and
    /// then a beat also shows the new signature to nodes that can learn from it.
    pub fn signing(
        &mut self,
        now: Time,
        is_beat: bool,
        listener: impl Fn(NodeId) -> Listener,
    ) -> Signing {
        let mut signing = self.signing_again(&listener);
        let can_learn = || self.waiting().any(|node| listener(node) == Listener::Learns);
        if !signing.current && is_beat && now >= self.show_at && can_learn() {
            self.show_at = now + SHOW_GAP;
            signing.current = true;
        }
        signing
    }

    /// Returns which keys sign a message that is sent again. The old key signs while some node that listens
    /// may know no other key; the new key signs unless no node that listens is known to have it.
    pub fn signing_again(&self, listener: impl Fn(NodeId) -> Listener) -> Signing {
        let listens = |node| listener(node) != Listener::Silent;
        let former = self.waiting().any(&listens);
        let is_known = self.others.iter().any(|node| self.has_renewed(node) && listens(node));
        Signing { former, current: is_known || !former }
    }

    fn has_renewed(&self, node: NodeId) -> bool {
        self.renewed.0 & Nodes::of(node).0 != 0
    }

    /// Advances the time.
    pub fn elapse(&mut self, now: Time) -> Option<Progress> {
        if self.waiting().next().is_none() {
            let Some(since) = self.complete_since else {
                self.complete_since = Some(now);
                return Some(Progress::Complete);
            };
            return (now >= since + self.grace).then_some(Progress::Over);
        }
        if now >= self.ends_at {
            return Some(Progress::Expired);
        }
        if now >= self.remind_at {
            self.remind_at = now + REMINDER_GAP;
            return Some(Progress::Reminder);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WEB2: NodeId = NodeId(1);
    const WEB3: NodeId = NodeId(2);
    const GRACE: Duration = Duration::from_secs(10);

    fn at(seconds: u64) -> Time {
        Time::START + Duration::from_secs(seconds)
    }

    fn begun(others: &[NodeId]) -> Rotation {
        Rotation::new(at(0), GRACE, others.iter().copied())
    }

    const fn signing(former: bool, current: bool) -> Signing {
        Signing { former, current }
    }

    #[test]
    fn rotation_chooses_signing_keys_by_listeners_and_renewed_nodes() {
        let (silent, learns, classic) = (Listener::Silent, Listener::Learns, Listener::Classic);
        // What kind of listener web2 and web3 are, which of them have the new key, what signs a message other
        // than a beat, and what signs the first beat.
        let both = signing(true, true);
        let old = signing(true, false);
        let new = Signing::CURRENT;
        let rows: [([Listener; 2], &[NodeId], Signing, Signing); 10] = [
            ([silent, silent], &[], new, new),
            ([learns, silent], &[], old, both),
            ([classic, silent], &[], old, old),
            ([learns, silent], &[WEB2], new, new),
            ([classic, silent], &[WEB2], new, new),
            ([silent, learns], &[WEB2], old, both),
            ([learns, learns], &[WEB2], both, both),
            ([classic, learns], &[WEB2], both, both),
            ([learns, classic], &[WEB2], both, both),
            ([learns, learns], &[WEB2, WEB3], new, new),
        ];
        for (listeners, renewed, other, beat) in rows {
            let mut rotation = begun(&[WEB2, WEB3]);
            for node in renewed {
                assert!(rotation.record_renewed(*node) && !rotation.record_renewed(*node));
            }
            let listener = |node: NodeId| listeners[node.index() - 1];
            let row = format!("{listeners:?} {renewed:?}");
            assert_eq!(rotation.signing(at(1), false, listener), other, "{row}");
            assert_eq!(rotation.signing(at(1), true, listener), beat, "{row}");
            assert_eq!(rotation.signing(at(5), true, listener), other, "shown lately: {row}");
            assert_eq!(rotation.signing(at(6), true, listener), beat, "{row}");
        }
    }

    /// Returns how a renewal proceeds, by the second.
    fn course(
        rotation: &mut Rotation,
        seconds: std::ops::RangeInclusive<u64>,
    ) -> Vec<(u64, Progress)> {
        seconds.filter_map(|second| Some((second, rotation.elapse(at(second))?))).collect()
    }

    #[test]
    fn rotation_is_over_a_grace_after_last_node_has_new_key() {
        let mut rotation = begun(&[WEB2, WEB3]);
        assert!(rotation.record_renewed(WEB2));
        assert!(rotation.waiting().eq([WEB3]));
        assert_eq!(course(&mut rotation, 0..=20), []);
        assert!(rotation.record_renewed(WEB3));
        assert!(!rotation.record_renewed(NodeId(0)), "this node is none of the others");
        let right = [(21, Progress::Complete), (31, Progress::Over)];
        assert_eq!(course(&mut rotation, 21..=31), right);
    }

    #[test]
    fn rotation_with_unchanged_key_waits_for_no_node() {
        let mut rotation = begun(&[WEB2, WEB3]);
        rotation.record_same_key();
        assert_eq!(rotation.signing(at(0), true, |_| Listener::Learns), Signing::CURRENT);
        let right = [(0, Progress::Complete), (10, Progress::Over)];
        assert_eq!(course(&mut rotation, 0..=10), right);
        let right = [(0, Progress::Complete), (10, Progress::Over)];
        assert_eq!(course(&mut begun(&[]), 0..=10), right, "and there may be nobody");
    }

    #[test]
    fn node_restarting_during_rotation_must_show_new_key_again() {
        let mut rotation = begun(&[WEB2]);
        rotation.record_renewed(WEB2);
        assert_eq!(rotation.elapse(at(1)), Some(Progress::Complete));
        rotation.record_restart(WEB2);
        assert!(rotation.signing(at(2), false, |_| Listener::Learns).former);
        assert_eq!(rotation.elapse(at(20)), None);
        assert!(rotation.record_renewed(WEB2));
        let right = [(21, Progress::Complete), (31, Progress::Over)];
        assert_eq!(course(&mut rotation, 21..=31), right);
    }

    #[test]
    fn rotation_with_missing_node_reminds_and_expires_after_an_hour() {
        let mut rotation = begun(&[WEB2, WEB3]);
        rotation.record_renewed(WEB2);
        let mut right: Vec<_> = (1..=5).map(|n| (n * 600, Progress::Reminder)).collect();
        right.push((3600, Progress::Expired));
        assert_eq!(course(&mut rotation, 0..=3600), right);
        assert!(rotation.waiting().eq([WEB3]));
    }
}
