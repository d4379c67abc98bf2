//! The steps of a hand-over. A set is named from the giver's view, but where we acquire it.

use super::{Words, error, info, warning};
use crate::log::{Line, Repeating};
use std::time::Duration;
use systole_core::{HandOverEvent, Hold, NodeId, Refusal, Step};

impl Words {
    pub(super) fn hand_over(&self, event: HandOverEvent) -> Vec<Line> {
        let line = match event {
            HandOverEvent::Wanted(node, hold) => {
                info(format!("{} wants to go standby [{}]", self.node(node), hold.word()))
            }
            HandOverEvent::Granted(node, hold) => {
                let (node, hold) = (self.node(node), hold.word());
                info(format!("standby: {node} can take our {hold} resources"))
            }
            HandOverEvent::Releasing(hold) => {
                info(format!("give up {} HA resources (standby).", hold.word()))
            }
            HandOverEvent::Released(hold) => return released(hold),
            HandOverEvent::Acquiring(node, hold) => return acquiring(self.node(node), hold),
            HandOverEvent::Acquired(hold) => {
                info(format!("{} HA resource acquisition completed (standby).", hold.word()))
            }
            HandOverEvent::Taken(hold) => {
                info(format!("Standby resource acquisition done [{}].", hold.word()))
            }
            HandOverEvent::Given(hold) => {
                let hold = hold.word();
                info(format!("Other node completed standby takeover of {hold} resources."))
            }
            HandOverEvent::NoReply => {
                warning("No reply to standby request.  Standby request cancelled.")
            }
            HandOverEvent::Refused { node, step, why, left } => {
                self.refused(node, step, why, left).repeating(Repeating::RefusedStep)
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
                | Refusal::PeerDied
                | Refusal::Failed
                | Refusal::PeerAlive
                | Refusal::NotReady
                | Refusal::NothingFailed,
                _,
            ) => warning(format!("{message}  Reason: {why}.")),
        }
    }
}

fn released(hold: Hold) -> Vec<Line> {
    let hold = hold.word();
    vec![
        info(format!("{hold} HA resource release completed (standby).")),
        info(format!("Local standby process completed [{hold}].")),
    ]
}

/// The second line names the set from our own view.
fn acquiring(giver: &str, hold: Hold) -> Vec<Line> {
    vec![
        info(format!("standby: acquire [{}] resources from {giver}", hold.word())),
        info(format!("acquire {} HA resources (standby).", hold.mirrored().word())),
    ]
}
