//! All media of this node.
//!
//! ```text
//!            the interface is gone              opened by the control thread
//!   open ─────────────────────────────▶ lost ────────────────────────────────▶ open
//! ```

use super::channel::{BeatEnd, News};
use super::trouble::Trouble;
use std::io;
use std::os::fd::BorrowedFd;
use systole_core::LinkId;
use systole_sys::link::{self, Link};
use systole_wire::Form;

/// The number of an error that has none of its own.
const NO_NUMBER: i32 = 0;

/// A medium and the link that it is a part of.
#[derive(Debug)]
pub(crate) struct Medium {
    /// Its link: several media on one interface are one link.
    pub(crate) id: LinkId,
    /// The open medium, or nothing while it cannot be opened.
    pub(crate) link: Option<Box<Link>>,
}

/// The media, in the order of `ha.cf`.
#[derive(Debug)]
pub(super) struct Links(Vec<Medium>);

impl Links {
    pub(super) const fn new(media: Vec<Medium>) -> Self {
        Self(media)
    }

    /// Takes an opened medium. Returns what was in its place.
    pub(super) fn replace(&mut self, index: usize, link: Box<Link>) -> Option<Box<Link>> {
        self.0.get_mut(index).and_then(|medium| medium.link.replace(link))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The link that a medium is a part of.
    pub(super) fn id(&self, index: usize) -> LinkId {
        self.0[index].id
    }

    /// Whether some medium wants messages in this form.
    pub(super) fn speak(&self, form: Form) -> bool {
        self.open().any(|link| form_of(link) == form)
    }

    /// Sends a message on every medium of this form. One whose interface is gone is handed to the
    /// control thread, to be opened anew: closing and opening may wait, which this thread must not.
    pub(super) fn send(
        &mut self,
        form: Form,
        message: &[u8],
        trouble: &mut Trouble,
        control: &mut BeatEnd,
    ) {
        for (index, medium) in self.0.iter_mut().enumerate() {
            let of_form = medium.link.as_mut().filter(|link| form_of(link) == form);
            let Some(link) = of_form else { continue };
            let Err(error) = link.send(message) else { continue };
            let number = error.raw_os_error().unwrap_or(NO_NUMBER);
            trouble.note_unsent(index, number);
            if link.is_lost()
                && let Some(link) = medium.link.take()
            {
                control.insist(News::LinkLost { index, link, error: number });
            }
        }
    }

    /// Reads the next message of a medium.
    pub(super) fn receive(&mut self, index: usize, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        let link = self.0.get_mut(index).and_then(|medium| medium.link.as_mut());
        link.map_or(Ok(None), |link| link.receive(buffer))
    }

    /// The descriptors to wait for.
    pub(super) fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.open().filter_map(Link::fd)
    }

    fn open(&self) -> impl Iterator<Item = &Link> {
        self.0.iter().filter_map(|medium| medium.link.as_deref())
    }
}

fn form_of(link: &Link) -> Form {
    match link.form() {
        link::Form::Datagram => Form::Framed,
        link::Form::Text => Form::Classic,
    }
}
