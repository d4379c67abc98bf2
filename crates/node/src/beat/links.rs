//! All media of this node.

use super::trouble::Trouble;
use std::io;
use std::os::fd::BorrowedFd;
use std::time::Duration;
use systole_core::Time;
use systole_sys::link::{self, Link};
use systole_wire::Form;

/// Time between two attempts to bind a link to its interface anew.
const REOPEN_GAP: Duration = Duration::from_secs(1);

/// The number of an error that has none of its own.
const NO_NUMBER: i32 = 0;

/// `ENODEV` of errno(3): the interface is gone.
const ENODEV: i32 = rustix::io::Errno::NODEV.raw_os_error();
/// `ENXIO` of errno(3): the interface that the socket is bound to is gone.
const ENXIO: i32 = rustix::io::Errno::NXIO.raw_os_error();

/// The media, in the order of `ha.cf`. One that could not be opened has an empty place.
#[derive(Debug)]
pub(super) struct Links {
    links: Vec<Option<Link>>,
    reopen_after: Time,
}

impl Links {
    pub(super) const fn new(links: Vec<Option<Link>>) -> Self {
        Self { links, reopen_after: Time::START }
    }

    /// Takes newly opened media in place of the old ones.
    pub(super) fn replace(&mut self, links: Vec<Option<Link>>) {
        self.links = links;
    }

    pub(super) fn len(&self) -> usize {
        self.links.len()
    }

    /// Whether some link wants messages in this form.
    pub(super) fn speak(&self, form: Form) -> bool {
        self.links.iter().flatten().any(|link| form_of(link) == form)
    }

    /// Sends a message on every link of this form.
    pub(super) fn send(&mut self, now: Time, form: Form, message: &[u8], trouble: &mut Trouble) {
        let may_reopen = now >= self.reopen_after;
        for (index, link) in self.links.iter_mut().enumerate() {
            let Some(link) = link.as_mut().filter(|link| form_of(link) == form) else { continue };
            let Err(error) = link.send(message) else { continue };
            let number = error.raw_os_error().unwrap_or(NO_NUMBER);
            trouble.note_unsent(index, number);
            if may_reopen && matches!(number, ENODEV | ENXIO) {
                self.reopen_after = now + REOPEN_GAP;
                // What fails now is tried again in a second; the link stays as it is.
                let _ = link.reopen();
            }
        }
    }

    /// Reads the next message of a link.
    pub(super) fn receive(&mut self, index: usize, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        match self.links.get_mut(index) {
            Some(Some(link)) => link.receive(buffer),
            Some(None) | None => Ok(None),
        }
    }

    /// The descriptors to wait for.
    pub(super) fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.links.iter().flatten().filter_map(Link::fd)
    }
}

fn form_of(link: &Link) -> Form {
    match link.form() {
        link::Form::Datagram => Form::Framed,
        link::Form::Text => Form::Classic,
    }
}
