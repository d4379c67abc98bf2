//! Lines of the built-in ipfail, in the words of the program of that name.

use super::{LogRenderer, debug, info};
use crate::log::{Line, Source};
use systole_core::{IpfailEvent, NodeStatus};

impl LogRenderer {
    pub(super) fn ipfail(&self, event: IpfailEvent) -> Vec<Line> {
        let lines = match event {
            IpfailEvent::Asking => vec![
                info("Asking other side for ping node count."),
                debug("Message [num_ping] sent."),
            ],
            IpfailEvent::Asked => vec![debug("Got asked for num_ping.")],
            IpfailEvent::Found(ping) => {
                vec![debug(format!("Found ping node {}!", self.ping(ping)))]
            }
            IpfailEvent::Rising => {
                vec![info("A ping node answers again: waiting until it counts.")]
            }
            IpfailEvent::Balanced => vec![info("Ping node count is balanced.")],
            IpfailEvent::TellingMore => vec![
                info("Telling other node that we have more visible ping nodes."),
                debug("Sending you_are_dead."),
            ],
            IpfailEvent::GivingUpFewer => {
                vec![info("Giving up because we have less visible ping nodes.")]
            }
            IpfailEvent::GivingUpTold => {
                vec![info("Giving up because we were told that we have less ping nodes.")]
            }
            IpfailEvent::GivingUpForeign => {
                vec![info("Giving up foreign resources (auto_failback).")]
            }
            IpfailEvent::Delayed(delay) => {
                vec![info(format!("Delayed giveup in {} seconds.", delay.as_secs()))]
            }
            IpfailEvent::Expired => vec![
                info("giveup() called (timeout worked)"),
                debug("giveup timeout has been destroyed."),
            ],
            IpfailEvent::Aborted => {
                vec![info("Aborted delayed giveup"), debug("giveup timeout has been destroyed.")]
            }
            IpfailEvent::Held => {
                vec![info("Nothing is given up because of a hold.")]
            }
            IpfailEvent::NothingToAbort => vec![info("No giveup timer to abort.")],
            IpfailEvent::AbortSent => vec![debug("Abort message sent.")],
            IpfailEvent::DeadSent => vec![debug("Message [you_are_dead] sent.")],
            IpfailEvent::WeAreDead => vec![info("NS: We are dead. :<")],
            IpfailEvent::WeAreAlive => vec![info("NS: We are still alive!")],
            IpfailEvent::PingNodeUp(ping) => {
                vec![status_update(self.ping(ping), "ping"), info("A ping node just came up.")]
            }
            IpfailEvent::NodeStatus(node, status) => {
                vec![status_update(self.node(node), status.word())]
            }
            IpfailEvent::PingNodeDead(ping) => {
                vec![status_update(self.ping(ping), NodeStatus::Dead.word())]
            }
            IpfailEvent::LinkStatus(node, link, is_up) => {
                let (node, link) = (self.node(node), self.link(link));
                let status = if is_up { "up" } else { "dead" };
                let text =
                    format!("Link Status update: Link {node}/{link} now has status {status}");
                vec![info(text)]
            }
            IpfailEvent::PeerJoined(node) => {
                let node = self.node(node);
                vec![debug(format!("Got join message from another ipfail client. ({node})"))]
            }
            IpfailEvent::PeerUnstable => vec![debug("Other side is unstable.")],
            IpfailEvent::PeerStable => vec![debug("Other side is now stable.")],
        };
        lines.into_iter().map(|line| line.said_by(Source::Ipfail)).collect()
    }
}

fn status_update(node: &str, status: &str) -> Line {
    info(format!("Status update: Node {node} now has status {status}"))
}
