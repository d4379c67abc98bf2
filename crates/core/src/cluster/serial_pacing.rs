//! How much this node sends: everything, or as much as a slow line carries where no other link is
//! left.
//!
//! A serial line of 9600 baud carries 960 bytes per second. Whatever is sent beyond that is lost,
//! and whatever is lost is sent again, so an overloaded line carries nothing in the end. Therefore
//! due beats use three quarters of the line, and beats that bring news come when little is still
//! waiting for the line. Lost messages are requested when nothing is waiting, and sent again when
//! little is; where beats alone fill the line, one in the time in which an answer can arrive.
//!
//! The service network is not counted as a link here: it may fail at any time, and the line would be
//! full then of what was sent over both.

use super::Cluster;
use crate::peer::{Kind, Peer};
use crate::{BEAT_TEXT_MAX, LinkId, Message, SERVICE_LINK, Time};
use std::time::Duration;

/// Most bytes of a beat besides its text: the other fields of a status, and its signature.
const FRAME_MAX: usize = 440;
/// Most bytes of a message about sequence numbers.
const REQUEST_MAX: usize = 256;

impl Cluster {
    /// How many bytes per second reach every node that reads tables; `None` if there is no limit.
    fn speed(&self) -> Option<u32> {
        if self.settings.slow_links.is_empty() {
            return None;
        }
        let others = self.others().map(|node| self.peer(node));
        let ours = others.filter(|peer| peer.kind != Kind::Classic);
        ours.filter_map(|peer| self.speed_to(peer)).min()
    }

    /// The bytes per second of the fastest link that carries messages to a peer, or of all links
    /// while no link does.
    fn speed_to(&self, peer: &Peer) -> Option<u32> {
        let is_configured = |link: LinkId| self.settings.links[link.index()] != SERVICE_LINK;
        let links = (0..).map(LinkId).zip(&peer.links);
        let links = links.filter(|(link, _)| is_configured(*link));
        let is_any_up = links.clone().any(|(_, link)| link.is_up());
        let mut fastest = 1;
        for (link, _) in links.filter(|(_, link)| link.is_up() || !is_any_up) {
            let slow = self.settings.slow_links.iter().find(|(slow, _)| *slow == link);
            fastest = fastest.max(slow?.1);
        }
        Some(fastest)
    }

    /// Room for the text of a beat, in bytes.
    pub(super) fn text_room(&self) -> usize {
        let Some(speed) = self.speed() else { return BEAT_TEXT_MAX };
        let share = u128::from(speed) * self.keepalive().as_millis() * 3 / 4 / 1000;
        let share = usize::try_from(share).unwrap_or(usize::MAX);
        share.saturating_sub(FRAME_MAX).min(BEAT_TEXT_MAX)
    }

    /// Records that a message was sent.
    pub(super) fn load_line(&mut self, message: &Message) {
        let is_beat = matches!(message, Message::Status { .. });
        let text = if is_beat { self.transmitter.beat.text_max() } else { 0 };
        self.load_line_with(if message.is_sequenced() { FRAME_MAX + text } else { REQUEST_MAX });
    }

    /// Records that a message was sent again.
    pub(super) fn load_line_again(&mut self) {
        self.load_line_with(FRAME_MAX + self.text_room());
    }

    fn load_line_with(&mut self, bytes: usize) {
        let Some(speed) = self.speed() else { return };
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let free =
            self.transmitter.line_free.max(self.now) + Duration::from_secs(1) * bytes / speed;
        // However slow the line is: a moment later another line may be the one that is left.
        self.transmitter.line_free = free.min(self.now + self.keepalive() * 2);
    }

    /// When a beat may be sent that is not due: up to half of what the line carries between two
    /// beats may be waiting for the line.
    pub(super) fn line_has_room(&self) -> Time {
        let waits = self.transmitter.line_free.since(self.now);
        match self.speed() {
            Some(_) => self.now + waits.saturating_sub(self.keepalive() / 2),
            None => self.now,
        }
    }

    /// When a lost message may be requested.
    pub(super) fn may_request_at(&self) -> Time {
        let idle = self.speed().map_or(self.now, |_| self.transmitter.line_free.max(self.now));
        idle.min(self.transmitter.requested + self.line_delay()).max(self.now)
    }

    /// Whether a lost message may be sent again.
    pub(super) fn may_resend(&self) -> bool {
        let next = self.transmitter.resent + self.line_delay();
        self.line_has_room().min(next) <= self.now
    }

    /// Whether a line limits what is sent.
    pub(super) fn is_slow(&self) -> bool {
        self.speed().is_some()
    }

    /// How long an answer to the last message may be under way, if the line limits that.
    pub(super) fn line_delay(&self) -> Duration {
        self.speed().map_or(Duration::ZERO, |_| self.keepalive() * 2)
    }
}
