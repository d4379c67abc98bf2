//! Events of the core in the words of heartbeat, so that administrators and their monitoring find the lines
//! that they know.

mod check;
mod fencing;
mod hand_over;
mod hold;
mod ipfail;
mod keys;
pub(crate) mod media;
mod network;
mod ownership;
#[cfg(test)]
mod tests;

use crate::log::{Level, Line};
use std::sync::Arc;
use systole_core::{Event, GroupId, LinkId, NodeId, PingId, Settings};

/// Turns events into log lines.
#[derive(Debug)]
pub struct LogRenderer {
    settings: Arc<Settings>,
    pid: u32,
}

impl LogRenderer {
    /// Creates a renderer with the names of `settings`; `pid` is the daemon's.
    #[must_use]
    pub fn new(settings: Arc<Settings>, pid: u32) -> Self {
        Self { settings, pid }
    }

    /// Returns the lines for an event, in their order. `reason` says why a job failed, in the words of the
    /// agent or the executor, if known.
    #[must_use]
    #[expect(clippy::too_many_lines, reason = "one row for each event")]
    pub fn lines(&self, event: &Event, reason: Option<&str>) -> Vec<Line> {
        match event {
            Event::LocalStatus(status) => vec![network::local_status(*status)],
            Event::CommunicationUp => vec![info("Comm_now_up(): updating status to active")],
            Event::PeerStatus(node, status) => vec![self.peer_status(*node, *status)],
            Event::PeerDead(node, _) => vec![network::dead(self.node(*node))],
            Event::PeerRestarted(node) => vec![network::restarted(self.node(*node))],
            Event::PeerReturned(node) => network::returned(self.node(*node)),
            Event::LateBeat { node, interval, deadly } => {
                vec![self.late(*node, *interval, *deadly)]
            }
            Event::LinkUp(node, link) => vec![self.link_is(*node, *link, "up")],
            Event::LinkDead(node, link) => vec![self.link_is(*node, *link, "dead")],
            Event::PingAlive(ping) => network::ping_alive(self.ping(*ping)),
            Event::PingDead(ping) => network::ping_dead(self.ping(*ping)),
            Event::Paused(gap) => vec![network::paused(*gap)],
            Event::Replay { node, generation, current, count } => {
                vec![network::replay(self.node(*node), *generation, *current, *count)]
            }
            Event::PacketsLost { node, count, last, sequence } => {
                vec![network::lost(self.node(*node), *count, *last, *sequence)]
            }
            Event::PacketsGivenUp(_) => vec![network::given_up()],
            Event::PacketsComplete(node) => vec![network::complete(self.node(*node))],
            Event::PacketLostForGood(node, sequence) => {
                vec![network::irretrievable(self.node(*node), *sequence)]
            }
            Event::CannotResend(node, sequence) => {
                vec![network::too_old(self.node(*node), *sequence)]
            }
            Event::NeverSent { node: _, sequence, sent } => {
                vec![network::never_sent(*sequence, *sent)]
            }
            Event::AckBeyond { node: _, sequence, sent } => {
                vec![network::ack_beyond(*sequence, *sent)]
            }
            Event::Unreadable(node, field) => vec![network::unreadable(self.node(*node), field)],
            Event::FlowControlOff => {
                vec![info("flow control disabled due to different version heartbeat")]
            }
            Event::UuidChanged(node, uuid) => {
                vec![info(format!("node {} changed its uuid to {uuid}", self.node(*node)))]
            }
            Event::NodeListRefused(node, nodes) => vec![self.refused_nodes(*node, nodes)],
            Event::HistoryFilling(count) => vec![network::filling(*count)],
            Event::NodeListsDiffer(node) => vec![self.differs(*node, "The node list")],
            Event::GroupsDiffer(node) => vec![self.differs(*node, "The file haresources")],
            Event::PeerHadNothing(node) => vec![ownership::had_nothing(self.node(*node))],
            Event::NotFenced(_) => ownership::not_fenced(),
            Event::Fencing(node, step) => fencing::lines(self.node(*node), *step),
            Event::TakeoverBegins(node) => vec![ownership::takeover_begins(self.node(*node))],
            Event::TakeoverDone(node) => ownership::takeover_done(self.node(*node)),
            Event::PeerLeft(node) => vec![ownership::left(self.node(*node))],
            Event::InitialAcquisition => vec![ownership::initial()],
            Event::RemoteStable(_) => vec![info("remote resource transition completed.")],
            Event::LocalStable => vec![info("local resource transition completed.")],
            Event::LocalAcquired(had_own) => vec![self.local_acquired(*had_own)],
            Event::Ownership { group, owner, term, phase, cause } => {
                self.ownership(*group, *owner, *term, *phase, cause)
            }
            Event::StartFailed { group, resource, outcome: _ } => {
                self.start_failed(*group, *resource)
            }
            Event::CheckFailed { group, resource, outcome, words, follows } => {
                vec![self.check_failed(*group, *resource, (*outcome, *words), *follows)]
            }
            Event::CheckRecovered { group, resource } => {
                vec![self.check_recovered(*group, *resource)]
            }
            Event::Foreign { group, resource, owner, step } => {
                vec![self.foreign(*group, *resource, *owner, *step)]
            }
            Event::AddressAnswers { group, mac, node, news } => {
                vec![self.address_answers(*group, (*mac, *node), *news)]
            }
            Event::StopRetried { group, resource, outcome: _ } => {
                vec![self.stop_retried(*group, *resource)]
            }
            Event::StopDoubtful { group, resource } => self.stop_doubtful(*group, *resource),
            Event::LeftRunning(group) => vec![self.left_running(*group)],
            Event::StopFailed { group, resource, outcome } => {
                vec![self.stop_failed(*group, *resource, *outcome, reason)]
            }
            Event::PeerFailed { node, group, failure } => {
                vec![self.peer_failed(*node, *group, failure)]
            }
            Event::Hold(step) => vec![self.hold(*step)],
            Event::NotTaken { group, obstacle, cause } => {
                vec![self.not_taken(*group, *obstacle, cause)]
            }
            Event::HandOver(step) => self.hand_over(*step),
            // Strangers are logged with their address (`control/dropped.rs`), and other lines in the words of the
            // status (`control/other_lines.rs`). The other events are for the journal only: the known lines are
            // logged along with them.
            Event::Stranger(_)
            | Event::OtherLines
            | Event::JobEnded { .. }
            | Event::HandOverProgress(_)
            | Event::PingsCounted(_) => Vec::new(),
            Event::Ipfail(said) => self.ipfail(*said),
            Event::StopBegins => self.stop_begins(),
            Event::StopInDoubt(group) => self.stop_in_doubt(*group),
            Event::StopDelayed => {
                vec![warning("Shutdown delayed until current resource activity finishes.")]
            }
            Event::Relinquished => vec![info("All HA resources relinquished.")],
        }
    }

    fn stop_begins(&self) -> Vec<Line> {
        vec![
            info(format!("Heartbeat shutdown in progress. ({})", self.pid)),
            info("Giving up all HA resources."),
        ]
    }

    /// Returns the last line of a graceful stop.
    #[must_use]
    pub fn stopped(&self) -> Line {
        let node = self.node(self.settings.me);
        Line::new(Level::Info, format!("{node} Heartbeat shutdown complete."))
    }

    fn node(&self, node: NodeId) -> &str {
        self.settings.nodes.get(node.index()).map_or("?", String::as_str)
    }

    fn link(&self, link: LinkId) -> &str {
        self.settings.links.get(link.index()).map_or("?", String::as_str)
    }

    fn ping(&self, ping: PingId) -> &str {
        self.settings.ping_nodes.get(ping.index()).map_or("?", String::as_str)
    }

    /// The name by which administrators know a group: its first resource word.
    fn key(&self, group: GroupId) -> &str {
        self.settings.groups.get(group.index()).map_or("?", systole_core::Group::name)
    }

    /// A group as its line in `haresources` reads, preferred node first.
    fn group(&self, group: GroupId) -> String {
        let Some(group) = self.settings.groups.get(group.index()) else { return "?".into() };
        let words = group.resources.iter().map(|resource| resource.word.as_str());
        let words: Vec<&str> = std::iter::once(self.node(group.preferred)).chain(words).collect();
        words.join(" ")
    }

    fn resource(&self, group: GroupId, resource: usize) -> &str {
        let group = self.settings.groups.get(group.index());
        let resource = group.and_then(|group| group.resources.get(resource));
        resource.map_or("?", |resource| &resource.word)
    }
}

fn info(text: impl Into<String>) -> Line {
    Line::new(Level::Info, text)
}

fn warning(text: impl Into<String>) -> Line {
    Line::new(Level::Warning, text)
}

fn error(text: impl Into<String>) -> Line {
    Line::new(Level::Error, text)
}

fn critical(text: impl Into<String>) -> Line {
    Line::new(Level::Critical, text)
}

fn debug(text: impl Into<String>) -> Line {
    Line::new(Level::Debug, text)
}
