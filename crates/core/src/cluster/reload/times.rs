//! Times that change while others still count with those of before.

use crate::cluster::Cluster;
use crate::mutation::Mutation;
use crate::peer::Kind;
use crate::{Settings, Time};
use std::time::Duration;

/// A change of times that is not yet known everywhere.
///
/// Who falls silent must have let go before the others call it dead. So until all count with the
/// new time, and what was permitted under the old one has run out, the longer dead time is told, and
/// the shorter one is kept with beats that are as fast as it needs.
#[derive(Debug, Clone, Copy)]
pub(in crate::cluster) struct Transition {
    told: Duration,
    kept: Duration,
    keepalive: Duration,
    /// What was permitted before has run out.
    until: Time,
    /// The first sequence that told the new time.
    from: u64,
}

impl Cluster {
    pub(super) fn note_times(&mut self, settings: &Settings) {
        if self.transition.is_none() && settings.deadtime == self.settings.deadtime {
            return;
        }
        self.transition = Some(Transition {
            told: self.told_deadtime().max(settings.deadtime),
            kept: self.kept_deadtime().min(settings.deadtime),
            keepalive: self.keepalive().min(settings.keepalive),
            until: self.now + self.permit(),
            from: self.history.next(),
        });
    }

    /// The dead time that we tell the others.
    pub(in crate::cluster) fn told_deadtime(&self) -> Duration {
        self.transition.map_or(self.settings.deadtime, |transition| transition.told)
    }

    /// The dead time that we ourselves keep to.
    pub(in crate::cluster) fn kept_deadtime(&self) -> Duration {
        self.transition.map_or(self.settings.deadtime, |transition| transition.kept)
    }

    /// The time between two beats of ours.
    pub(in crate::cluster) fn keepalive(&self) -> Duration {
        let transition = self.transition.filter(|_| !self.errs(Mutation::ForgetFormerTimes));
        transition.map_or(self.settings.keepalive, |transition| transition.keepalive)
    }

    /// Ends a change of times once all know of it. Who has heard nothing of us for so long
    /// has called us dead.
    pub(in crate::cluster) fn elapse_transition(&mut self) {
        let Some(Transition { told, until, from, .. }) = self.transition else { return };
        let is_known = self.others().all(|node| {
            let peer = self.peer(node);
            let heard = match peer.kind {
                Kind::Systole => peer.echoed,
                Kind::Classic | Kind::Unknown => peer.acknowledged,
            };
            !peer.is_alive() || heard >= from
        });
        if self.now >= until && (is_known || self.now >= until + told) {
            self.transition = None;
        }
    }
}
