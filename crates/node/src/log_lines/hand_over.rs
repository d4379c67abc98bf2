//! Lines about the steps of a hand-over. A set is named from the giver's point of view, except where this
//! node acquires it.

use super::{LogRenderer, error, info, warning};
use crate::log::{Line, Repeating};
use std::time::Duration;
use systole_core::{HandOverEvent, NodeId, Refusal, Scope, Step};
use systole_ipc::texts;

impl LogRenderer {
    pub(super) fn hand_over(&self, event: HandOverEvent) -> Vec<Line> {
        let line = match event {
            HandOverEvent::Wanted(node, scope) => {
                info(format!("{} wants to go standby [{}]", self.node(node), self.scope(scope)))
            }
            HandOverEvent::Granted(node, scope) => {
                let (node, scope) = (self.node(node), self.scope(scope));
                info(format!("standby: {node} can take our {scope} resources"))
            }
            HandOverEvent::Releasing(scope) => {
                info(format!("give up {} HA resources (standby).", self.scope(scope)))
            }
            HandOverEvent::Released(scope) => return self.released(scope),
            HandOverEvent::Acquiring(node, scope) => return self.acquiring(node, scope),
            HandOverEvent::Acquired(scope) => {
                let scope = self.scope(scope);
                info(format!("{scope} HA resource acquisition completed (standby)."))
            }
            HandOverEvent::Taken(scope) => {
                info(format!("Standby resource acquisition done [{}].", self.scope(scope)))
            }
            HandOverEvent::Given(scope) => {
                let scope = self.scope(scope);
                info(format!("Other node completed standby takeover of {scope} resources."))
            }
            HandOverEvent::NoReply => {
                warning("No reply to standby request.  Standby request cancelled.")
            }
            HandOverEvent::Refused { node, step, why, left } => {
                self.refused(node, step, why, left).repeating(Repeating::RefusedStep)
            }
            HandOverEvent::Declined(node, why) => {
                let line = warning(format!(
                    "standby: {} refused: {}.",
                    self.node(node),
                    texts::refusal(why)
                ));
                line.repeating(Repeating::RefusedStep)
            }
            HandOverEvent::Cancelled => info("Cancelling pending standby operation"),
        };
        vec![line]
    }

    fn refused(&self, node: NodeId, step: Step, why: Refusal, left: Duration) -> Line {
        let (node, word, left) = (self.node(node), step.word(), left.as_secs());
        let message = format!("standby message [{word}] from {node} ignored.");
        match (why, step) {
            (Refusal::Busy, Step::Me) => {
                let left = format!("[{left} seconds left]");
                warning(format!("Standby in progress- new request from {node} ignored {left}"))
            }
            (Refusal::Busy, Step::Other | Step::Done) => {
                error(format!("Ignored standby message '{word}' from {node} in state 0"))
            }
            (Refusal::LocalInFlux, _) => warning(format!("{message}  local resources in flux.")),
            (Refusal::RemoteInFlux, _) => warning(format!("{message}  Other side is in flux.")),
            (Refusal::Legacy, _) => info("Standby mode only implemented when nice_failback on"),
            (
                Refusal::NoPeer
                | Refusal::NoReply
                | Refusal::CannotStop
                | Refusal::PeerDied
                | Refusal::Failed
                | Refusal::NotReady
                | Refusal::CannotLook
                | Refusal::AgentMissing
                | Refusal::NoInterface
                | Refusal::FewerPings
                | Refusal::Differs
                | Refusal::SeveralOwners
                | Refusal::Unable
                | Refusal::NotHere
                | Refusal::SetsOnly
                | Refusal::Guarded
                | Refusal::Withdrawn,
                _,
            ) => warning(format!("{message}  Reason: {}.", texts::refusal(why))),
        }
    }

    fn released(&self, scope: Scope) -> Vec<Line> {
        let scope = self.scope(scope);
        vec![
            info(format!("{scope} HA resource release completed (standby).")),
            info(format!("Local standby process completed [{scope}].")),
        ]
    }

    /// The second line names the set from this node's own point of view.
    fn acquiring(&self, giver: NodeId, scope: Scope) -> Vec<Line> {
        let (giver, ours) = (self.node(giver), self.scope(scope.mirrored()));
        vec![
            info(format!("standby: acquire [{}] resources from {giver}", self.scope(scope))),
            info(format!("acquire {ours} HA resources (standby).")),
        ]
    }

    fn scope(&self, scope: Scope) -> String {
        texts::scope(scope, &self.settings)
    }
}
