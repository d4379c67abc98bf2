//! The graceful stop: release everything, say goodbye, be sure that it was heard.

use super::Cluster;
use crate::peer::Kind;
use crate::rarely::Rarely;
use crate::{
    Cause, Event, Failback, GroupId, GroupSet, Message, NodeId, NodeStatus, Occasion, Output, Step,
    Time,
};
use std::time::Duration;

/// How long to wait for the goodbye to be acknowledged.
const GOODBYE_WAIT: Duration = Duration::from_secs(2);
/// How long a classic peer may take to start what was ours. When we fall silent before, it calls
/// us dead and forgets what it was doing.
const CLASSIC_WAIT: Duration = Duration::from_secs(5);

/// A graceful stop under way.
///
/// ```text
///               all groups stopped, `shutdone` sent        acknowledged, or 2 s
///   Releasing ─────────────────────────────────────▶ Said ──────────────────────▶ Over
///                                    beside a classic peer: its takeover is done, or 5 s
/// ```
#[derive(Debug)]
pub(super) enum Shutdown {
    Releasing { waits: Rarely },
    Said { sequence: u64, until: Time, awaits_takeover: bool },
    Over,
}

impl Shutdown {
    pub(super) const fn deadline(&self) -> Option<Time> {
        match self {
            Self::Said { until, .. } => Some(*until),
            Self::Releasing { .. } | Self::Over => None,
        }
    }
}

impl Cluster {
    /// Begins the graceful stop, if it has not begun.
    pub(super) fn begin_shutdown(&mut self) {
        self.visit_shutdown("stop");
        if self.shutdown.is_some() {
            return;
        }
        if !self.is_settled() {
            self.report(Event::StopDelayed);
        }
        self.visit_hand_over("own stop");
        self.end_hand_over(Err(crate::Refusal::NotReady));
        self.shutdown = Some(Shutdown::Releasing { waits: Rarely::default() });
        self.report(Event::StopBegins);
        let resource = Message::Resource {
            hold: GroupSet::None,
            full: true,
            stable: Some(false),
            occasion: Occasion::Shutdown,
        };
        self.classic_leaves();
        self.send(resource, None);
        for group in self.settings.group_ids() {
            self.release(group, Cause::Stopping);
        }
        self.beat_soon();
    }

    pub(super) fn elapse_shutdown(&mut self) {
        let over = match self.shutdown {
            None | Some(Shutdown::Over) => return,
            Some(Shutdown::Releasing { .. }) => {
                let all_idle = self.groups.iter().all(|group| group.runner.is_idle());
                let doubt = self.settings.group_ids().find(|group| self.groups[*group].in_doubt);
                if let Some(group) = doubt.filter(|_| all_idle) {
                    self.tell_doubt(group);
                }
                let is_idle = all_idle && doubt.is_none();
                self.visit_shutdown(if is_idle { "all stopped" } else { "still stopping" });
                if is_idle {
                    self.report(Event::Relinquished);
                    let sequence = self.history.next();
                    self.send(Message::Shutdone, None);
                    let awaits_takeover = self.awaits_takeover();
                    let wait = if awaits_takeover { CLASSIC_WAIT } else { GOODBYE_WAIT };
                    let until = self.now + wait;
                    self.shutdown = Some(Shutdown::Said { sequence, until, awaits_takeover });
                }
                return;
            }
            Some(Shutdown::Said { sequence, until, awaits_takeover }) => {
                let listening = |node| {
                    let peer = self.peer(node);
                    peer.is_alive() && peer.status != NodeStatus::Dead && !peer.has_left
                };
                let mut waiting = self.others().filter(|node| listening(*node));
                let unheard = waiting.any(|node| self.peer(node).acknowledged < sequence);
                let is_late = self.now >= until;
                let is_heard = !(unheard || awaits_takeover);
                self.visit_shutdown(match (is_late, is_heard) {
                    (_, true) => "heard by all",
                    (true, false) => "time up",
                    (false, false) => "unheard",
                });
                is_late || is_heard
            }
        };
        if over {
            self.shutdown = Some(Shutdown::Over);
            self.store_peers();
            self.outbox.push_back(Output::End);
        }
    }

    /// The stop waits for an executor: told once, then ever more rarely.
    fn tell_doubt(&mut self, group: GroupId) {
        let now = self.now;
        if let Some(Shutdown::Releasing { waits }) = &mut self.shutdown
            && waits.note(now).is_some()
        {
            self.report(Event::StopInDoubt(group));
        }
    }

    /// Whether a classic peer takes over now. Without negotiation it does not tell when it is done.
    fn awaits_takeover(&self) -> bool {
        self.settings.failback != Failback::Legacy && self.classic_peer().is_some()
    }

    /// A classic peer that says "done" has what was ours.
    pub(super) fn record_taken_over(&mut self, from: NodeId, step: Step) {
        self.visit_shutdown("step");
        let is_over = step == Step::Done && self.peer(from).kind == Kind::Classic;
        if let Some(Shutdown::Said { awaits_takeover, .. }) = &mut self.shutdown {
            *awaits_takeover &= !is_over;
        }
    }
}
