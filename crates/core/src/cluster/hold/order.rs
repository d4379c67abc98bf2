//! An order to hold or to release: the state machine, without cluster.

use crate::{GroupKey, HoldNotice, HoldRecord, NodeId, Time};
use std::time::Duration;

/// Longest time that something can be held.
pub const HOLD_MAX: Duration = Duration::from_hours(24);
/// The last order to hold or to release that is known here, of everything or of one group.
///
/// ```text
/// Over, released ──hold──▶ in force
/// in force, Over ──release──▶ released
/// in force, released ──the time of the hold is up──▶ Over
/// ```
///
/// The number of the order is remembered and sent after it is over, so that a beat that was under
/// way does not start the hold again, and a node that restarts gives its next order a higher
/// number.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::cluster) struct HoldOrder {
    count: u32,
    by: Option<NodeId>,
    is_release: bool,
    /// Until when the order counts.
    until: Option<Time>,
}

impl HoldOrder {
    /// The node that ordered the hold in force, and until when it lasts.
    pub(in crate::cluster) fn in_force(&self) -> Option<(NodeId, Time)> {
        self.by.zip(self.until).filter(|_| !self.is_release)
    }

    pub(in crate::cluster) const fn deadline(&self) -> Option<Time> {
        self.until
    }

    /// The notice of the order for a beat.
    pub(in crate::cluster) fn told(&self, now: Time, claim: Option<u16>) -> Option<HoldNotice> {
        let by = self.by?;
        let left = self.until.map_or(Duration::ZERO, |until| until.since(now));
        let left = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
        let (count, is_release) = (self.count, self.is_release);
        Some(HoldNotice { claim, count, by, is_release, left })
    }

    /// The record of the order, to be stored.
    pub(super) fn record(&self, now: Time, group: Option<GroupKey>) -> Option<HoldRecord> {
        let left = self.until.map_or(Duration::ZERO, |until| until.since(now));
        let (count, is_release) = (self.count, self.is_release);
        self.by.map(|by| HoldRecord { group, count, by, is_release, left })
    }

    /// Restores an order that was stored.
    pub(super) fn recall(&mut self, now: Time, record: &HoldRecord) {
        let HoldRecord { count, by, is_release, left, .. } = *record;
        let until = (!left.is_zero()).then(|| now + left.min(HOLD_MAX));
        *self = Self { count, by: Some(by), is_release, until };
    }

    /// Records an order given to this node.
    pub(super) fn order(&mut self, me: NodeId, until: Time, is_release: bool) {
        let count = self.count.saturating_add(1);
        *self = Self { count, by: Some(me), is_release, until: Some(until) };
    }

    /// Takes over an order that another node reports, if it is newer and not over. Returns whether
    /// it is.
    pub(super) fn merge(&mut self, now: Time, told: &HoldNotice, me: NodeId) -> bool {
        if told.left == 0 {
            self.learn_number(told, me);
            return false;
        }
        let is_higher = told.count > self.count;
        let wins = told.count == self.count && self.by.is_some_and(|by| told.by < by);
        if is_higher || wins {
            let left = Duration::from_millis(told.left).min(HOLD_MAX);
            let (count, by, is_release) = (told.count, Some(told.by), told.is_release);
            *self = Self { count, by, is_release, until: Some(now + left) };
        }
        is_higher || wins
    }

    /// An expired order ends nothing: an order that this node received without knowing that number
    /// gets a higher number.
    fn learn_number(&mut self, told: &HoldNotice, me: NodeId) {
        if self.until.is_none() && told.count > self.count {
            (self.count, self.by) = (told.count, Some(told.by));
        } else if self.until.is_some() && self.by == Some(me) && told.count >= self.count {
            self.count = told.count.saturating_add(1);
        }
    }

    /// Lets time pass. Returns whether a hold ended just now.
    pub(super) fn expire(&mut self, now: Time) -> bool {
        let is_over = self.until.is_some_and(|until| now >= until);
        let was_in_force = is_over && self.in_force().is_some();
        if is_over {
            self.until = None;
        }
        was_in_force
    }
}
