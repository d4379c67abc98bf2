//! How much we say: as much as there is to tell, or as a slow line carries where no other way is left.
//!
//! A serial line of 9600 baud carries 960 bytes in a second. What it is told beyond that is lost, and
//! what is lost is told again: a line that is told too much carries nothing in the end. So beats that are
//! due use three quarters of it, and those that bring news come when little waits for the line still.

use super::Cluster;
use crate::link::Link;
use crate::peer::{Kind, Peer};
use crate::{BEAT_TEXT_MAX, LinkId, Time};
use std::time::Duration;

/// Most bytes of a beat beside its text: the other fields of a status, and its signature.
const FRAME_MAX: usize = 440;

impl Cluster {
    /// How many bytes in a second reach every node that reads tables, unless it is as many as we like.
    fn speed(&self) -> Option<u32> {
        if self.settings.slow_links.is_empty() {
            return None;
        }
        let others = self.others().map(|node| self.peer(node));
        let ours = others.filter(|peer| peer.kind != Kind::Classic);
        ours.filter_map(|peer| self.speed_to(peer)).min()
    }

    /// What the fastest link carries that takes messages to a peer, or of all links while none does.
    fn speed_to(&self, peer: &Peer) -> Option<u32> {
        let is_any_up = peer.links.iter().any(Link::is_up);
        let links = (0..).map(LinkId).zip(&peer.links);
        let mut fastest = 1;
        for (link, _) in links.filter(|(_, link)| link.is_up() || !is_any_up) {
            let slow = self.settings.slow_links.iter().find(|(slow, _)| *slow == link);
            fastest = fastest.max(slow?.1);
        }
        Some(fastest)
    }

    /// Room for the text of a beat.
    pub(super) fn text_room(&self) -> usize {
        let Some(speed) = self.speed() else { return BEAT_TEXT_MAX };
        let share = u128::from(speed) * self.keepalive().as_millis() * 3 / 4 / 1000;
        let share = usize::try_from(share).unwrap_or(usize::MAX);
        share.saturating_sub(FRAME_MAX).min(BEAT_TEXT_MAX)
    }

    /// Notes that the beat that was made last was sent.
    pub(super) fn load_line(&mut self) {
        let Some(speed) = self.speed() else { return };
        let bytes = u32::try_from(FRAME_MAX + self.transmitter.beat.text_max()).unwrap_or(u32::MAX);
        let free =
            self.transmitter.line_free.max(self.now) + Duration::from_secs(1) * bytes / speed;
        // However slow it is: it may be another line that is left a moment later.
        self.transmitter.line_free = free.min(self.now + self.keepalive() * 2);
    }

    /// When a beat may be sent that is not due: half of what the line carries between two beats may
    /// wait for it.
    pub(super) fn line_has_room(&self) -> Time {
        let waits = self.transmitter.line_free.since(self.now);
        match self.speed() {
            Some(_) => self.now + waits.saturating_sub(self.keepalive() / 2),
            None => self.now,
        }
    }

    /// How long an answer to what was said last may be under way, if the line says.
    pub(super) fn line_delay(&self) -> Duration {
        self.speed().map_or(Duration::ZERO, |_| self.keepalive() * 2)
    }
}
