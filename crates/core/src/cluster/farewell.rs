//! The graceful stop: release everything, say goodbye, be sure that it was heard.

use super::Cluster;
use crate::{Cause, Event, Hold, Message, NodeStatus, Occasion, Output, Time};
use std::time::Duration;

/// How long to wait for the goodbye to be acknowledged.
const GOODBYE_WAIT: Duration = Duration::from_secs(2);

/// A graceful stop under way.
///
/// ```text
///               all groups stopped, `shutdone` sent        acknowledged, or 2 s
///   Releasing ─────────────────────────────────────▶ Said ──────────────────────▶ Over
/// ```
#[derive(Debug)]
pub(super) enum Farewell {
    Releasing,
    Said { sequence: u64, until: Time },
    Over,
}

impl Farewell {
    pub(super) const fn deadline(&self) -> Option<Time> {
        match self {
            Self::Said { until, .. } => Some(*until),
            Self::Releasing | Self::Over => None,
        }
    }
}

impl Cluster {
    /// Begins the graceful stop, if it has not begun.
    pub(super) fn say_goodbye(&mut self) {
        if self.farewell.is_some() {
            return;
        }
        if !self.is_settled() {
            self.report(Event::StopDelayed);
        }
        self.end_hand_over(Err(crate::Refusal::NotReady));
        self.farewell = Some(Farewell::Releasing);
        self.report(Event::StopBegins);
        let resource = Message::Resource {
            hold: Hold::None,
            full: true,
            stable: Some(false),
            occasion: Occasion::Shutdown,
        };
        self.classic_leaves();
        self.send(resource, None);
        for group in self.settings.group_ids() {
            self.release(group, Cause::Stopping);
        }
        self.speak_soon();
    }

    pub(super) fn elapse_farewell(&mut self) {
        let over = match self.farewell {
            None | Some(Farewell::Over) => return,
            Some(Farewell::Releasing) => {
                if self.runners.iter().all(crate::group::Runner::is_idle) {
                    self.report(Event::Relinquished);
                    let sequence = self.history.next();
                    self.send(Message::Shutdone, None);
                    let until = self.now + GOODBYE_WAIT;
                    self.farewell = Some(Farewell::Said { sequence, until });
                }
                return;
            }
            Some(Farewell::Said { sequence, until }) => {
                let listening = |node| {
                    let peer = self.peer(node);
                    peer.is_alive() && peer.status != NodeStatus::Dead && !peer.has_left
                };
                let mut waiting = self.others().filter(|node| listening(*node));
                self.now >= until || !waiting.any(|node| self.peer(node).acknowledged < sequence)
            }
        };
        if over {
            self.farewell = Some(Farewell::Over);
            self.store_peers();
            self.outbox.push_back(Output::End);
        }
    }
}
