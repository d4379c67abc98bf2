//! Times that change while other nodes still reckon with the former times.

use super::Cluster;
use super::groups::EchoBarrier;
use crate::mutation::Mutation;
use crate::peer::Kind;
use crate::{Detection, Settings, Time};
use std::time::Duration;

/// A change of times that is not yet known everywhere.
///
/// A node that falls silent must have let go before the others declare it dead. So until all nodes
/// reckon with the new times, and every permit under the former times has run out,
/// [`Detection::until_known`] holds.
#[derive(Debug, Clone, Copy)]
struct TimesChange {
    /// When the permits under the former times have run out.
    until: Time,
    /// Passed once the others have heard the new times.
    known: EchoBarrier,
}

/// The times that this node keeps and announces.
#[derive(Debug)]
pub(super) struct Times {
    /// The times that hold now.
    detection: Detection,
    /// Set while peers still reckon with the times before a change of them.
    change: Option<TimesChange>,
}

impl Times {
    /// The times of a configuration with which a node starts.
    pub(super) fn new(settings: &Settings) -> Self {
        Self { detection: Detection::of(settings), change: None }
    }
}

impl Cluster {
    pub(super) fn record_times(&mut self, settings: &Settings) {
        let next = Detection::of(settings);
        if self.times.change.is_none() && settings.deadtime == self.settings.deadtime {
            self.times.detection = next;
            return;
        }
        let until = self.now + self.detection().permit();
        self.times.detection = self.detection().until_known(next);
        self.times.change = Some(TimesChange { until, known: self.next_barrier() });
    }

    /// The times that hold now.
    pub(super) fn detection(&self) -> Detection {
        if self.is_mutated(Mutation::ForgetFormerTimes) {
            return self.times.detection.with_keepalive(self.settings.keepalive);
        }
        self.times.detection
    }

    /// The time between two beats of this node.
    pub(super) fn keepalive(&self) -> Duration {
        self.detection().keepalive()
    }

    /// Ends a change of times once all nodes know about it. A node that has not heard this node for
    /// so long has declared it dead.
    pub(super) fn elapse_times_change(&mut self) {
        let Some(TimesChange { until, known }) = self.times.change else { return };
        let is_known = self.others().all(|node| {
            let peer = self.peer(node);
            let heard = match peer.kind {
                Kind::Systole => peer.echoed,
                Kind::Classic | Kind::Unknown => peer.acknowledged,
            };
            !peer.is_alive() || known.is_reached(heard)
        });
        let announced = self.times.detection.announced_deadtime();
        if self.now >= until && (is_known || self.now >= until + announced) {
            self.times.change = None;
            self.times.detection = Detection::of(&self.settings);
        }
    }
}
