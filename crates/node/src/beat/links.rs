//! All media of this node.
//!
//! ```text
//!            the interface is gone              opened by the control thread
//!   open ─────────────────────────────▶ lost ────────────────────────────────▶ open
//! ```

use super::channel::{BeatEnd, News};
use super::error_counters::ErrorCounters;
use rustix::event::PollFlags;
use std::io;
use std::net::IpAddr;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};
use systole_core::LinkId;
use systole_sys::link::{Link, Received, Urgency};
use systole_wire::Form;

/// The number that stands for an error without a number.
const NO_NUMBER: i32 = 0;

/// Longest wait for slow media to send this node's last messages.
const DRAIN_MAX: Duration = Duration::from_secs(2);
/// Time between two checks whether they have been sent.
const DRAIN_STEP: Duration = Duration::from_millis(5);

/// A medium and the link that it belongs to.
#[derive(Debug)]
pub(crate) struct Medium {
    /// The medium's link: several media on one interface are one link.
    pub(crate) id: LinkId,
    /// The form of messages on the medium.
    pub(crate) form: Form,
    /// The open medium; absent while it cannot be opened.
    pub(crate) link: Option<Box<Link>>,
}

/// The media, in the order of `ha.cf`.
#[derive(Debug)]
pub(super) struct Links(Vec<Medium>);

impl Links {
    pub(super) const fn new(media: Vec<Medium>) -> Self {
        Self(media)
    }

    /// Takes an opened medium. Returns the one that was in its place.
    pub(super) fn replace(&mut self, index: usize, link: Box<Link>) -> Option<Box<Link>> {
        self.0.get_mut(index).and_then(|medium| medium.link.replace(link))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns the link that a medium belongs to.
    pub(super) fn id(&self, index: usize) -> LinkId {
        self.0[index].id
    }

    /// Whether any medium uses messages in this form, whether open or not: a node on a medium that opens
    /// late asks for the messages that it has missed.
    pub(super) fn speak(&self, form: Form) -> bool {
        self.0.iter().any(|medium| medium.form == form)
    }

    /// Sets where the medium on the service network sends to.
    pub(super) fn aim(&mut self, targets: impl Iterator<Item = IpAddr>) {
        let mut links = self.0.iter_mut().filter_map(|medium| medium.link.as_mut());
        if let Some(link) = links.find(|link| link.is_service()) {
            link.aim(targets);
        }
    }

    /// Sends a message on every medium of this form.
    pub(super) fn send(
        &mut self,
        (form, urgency): (Form, Urgency),
        message: &[u8],
        trouble: &mut ErrorCounters,
        control: &mut BeatEnd,
    ) {
        for (index, medium) in self.0.iter_mut().enumerate() {
            let Some(link) = medium.link.as_mut().filter(|_| medium.form == form) else { continue };
            if let Err(error) = link.send(message, urgency) {
                trouble.record_unsent(index, number_of(&error));
                medium.let_go(index, &error, control);
            }
        }
    }

    /// Continues to write what waits for slow media.
    pub(super) fn write_on(&mut self, trouble: &mut ErrorCounters, control: &mut BeatEnd) {
        for (index, medium) in self.0.iter_mut().enumerate() {
            let waiting = medium.link.as_mut().filter(|link| link.waiting().is_some());
            if let Some(Err(error)) = waiting.map(|link| link.write_on()) {
                trouble.record_unsent(index, number_of(&error));
                medium.let_go(index, &error, control);
            }
        }
    }

    /// Lets slow media send this node's last messages. The node no longer beats, and so the thread may wait
    /// here.
    pub(super) fn drain(&mut self, trouble: &mut ErrorCounters, control: &mut BeatEnd) {
        let end = Instant::now() + DRAIN_MAX;
        while !self.open().all(Link::is_drained) && Instant::now() < end {
            self.write_on(trouble, control);
            std::thread::sleep(DRAIN_STEP);
        }
    }

    /// Reads the next message of a medium.
    pub(super) fn receive(
        &mut self,
        index: usize,
        buffer: &mut [u8],
        control: &mut BeatEnd,
    ) -> io::Result<Option<Received>> {
        let Some(medium) = self.0.get_mut(index) else { return Ok(None) };
        let result = medium.link.as_mut().map_or(Ok(None), |link| link.receive(buffer));
        if let Err(error) = &result {
            medium.let_go(index, error, control);
        }
        result
    }

    /// The descriptors to wait for, each with what is awaited.
    pub(super) fn descriptors(&self) -> impl Iterator<Item = (BorrowedFd<'_>, PollFlags)> {
        self.open().filter_map(|link| {
            let waits = link.waiting().is_some_and(|waiting| waiting.for_room);
            let output = if waits { PollFlags::OUT } else { PollFlags::empty() };
            link.fd().map(|fd| (fd, PollFlags::IN | output))
        })
    }

    /// When [`write_on`](Self::write_on) is due at the latest, on `CLOCK_BOOTTIME` in nanoseconds.
    pub(super) fn deadline(&self) -> Option<u64> {
        self.open().filter_map(|link| link.waiting().map(|waiting| waiting.until)).min()
    }

    fn open(&self) -> impl Iterator<Item = &Link> {
        self.0.iter().filter_map(|medium| medium.link.as_deref())
    }
}

impl Medium {
    /// Passes a medium whose interface is gone to the control thread, to be opened again: closing and
    /// opening may wait, which this thread must not.
    fn let_go(&mut self, index: usize, error: &io::Error, control: &mut BeatEnd) {
        if let Some(link) = self.link.take_if(|link| link.is_lost()) {
            control.send_queued(News::LinkLost { index, link, error: number_of(error) });
        }
    }
}

fn number_of(error: &io::Error) -> i32 {
    error.raw_os_error().unwrap_or(NO_NUMBER)
}
