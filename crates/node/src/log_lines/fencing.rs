//! Lines about waiting for a silent node to be fenced. The process that drives the devices logs which
//! device resets it.

use super::{error, info, warning};
use crate::log::Line;
use systole_core::FencingEvent;

pub(super) fn lines(node: &str, step: FencingEvent) -> Vec<Line> {
    match step {
        FencingEvent::Wanted { delay } if delay.is_zero() => {
            vec![info(format!("Resources of {node} are not taken before it is fenced."))]
        }
        FencingEvent::Wanted { delay } => {
            let wait = delay.as_millis();
            let text = format!(
                "Resources of {node} are not taken before it is fenced; it has {wait} ms to fence \
                 this node first."
            );
            vec![info(text)]
        }
        FencingEvent::Begins { attempt: _ } => Vec::new(),
        FencingEvent::Done { attempt: _, is_heard } => {
            let mut lines = vec![info(format!("node {node} now reset."))];
            if is_heard {
                let text = format!("{node} was heard while it was fenced.");
                lines.push(warning(text));
            }
            lines
        }
        FencingEvent::Failed { attempt: _, retry, is_heard } => {
            let mut lines = vec![error(format!("Host {node} not reset!"))];
            lines.push(match retry {
                Some(_) => error(format!("STONITH of {node} failed.  Retrying...")),
                None => warning(format!("{node} is heard again, and is not fenced again.")),
            });
            // The next device is asked at once.
            if retry.is_some_and(|wait| !wait.is_zero()) {
                let first = if is_heard {
                    format!(
                        "{node} is heard, and cannot tell what still runs there. Repair its \
                         executor, or switch the node off"
                    )
                } else {
                    format!("Check whether {node} is off")
                };
                lines.push(warning(format!("{first}; when it is off: hb confirm-dead {node}")));
            }
            lines
        }
        FencingEvent::Cancelled { is_heard: true } => {
            vec![info(format!("{node} is heard again, and is not fenced."))]
        }
        FencingEvent::Cancelled { is_heard: false } => {
            vec![info(format!("Fencing of {node} is no longer needed."))]
        }
        FencingEvent::Confirmed => vec![warning(format!("{node} was confirmed dead by hand."))],
    }
}
