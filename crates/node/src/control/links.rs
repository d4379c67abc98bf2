//! Media whose interface appears late, or disappears and comes back.

use super::Control;
use crate::beat::channel::Command;
use crate::log::Level;
use crate::log_lines::media;
use std::io;
use std::path::Path;
use systole_sys::link::{Link, LinkSpec};

/// A medium as the control thread knows it.
#[derive(Debug)]
pub(crate) struct Medium {
    /// The medium's specification.
    pub(crate) spec: LinkSpec,
    /// Whether the beat thread has the medium.
    pub(crate) is_open: bool,
    /// Whether other media on the same device and port rely on its receiver.
    pub(crate) listens: bool,
}

impl Control {
    /// Handles a medium that the beat thread can no longer use.
    pub(super) fn link_lost(&mut self, index: usize, link: Box<Link>, error: i32) {
        // Closing a serial line may wait until the line has taken what is left.
        drop(link);
        let Some(medium) = self.media.get_mut(index) else { return };
        (medium.is_open, medium.listens) = (false, false);
        self.unsent.forget(index);
        let text = media::lost(&medium.spec, io::Error::from_raw_os_error(error));
        self.say(Level::Error, text);
    }

    /// Opens media that were missing at the start, or were lost, and are available now.
    pub(super) fn open_missing_links(&mut self) {
        for index in 0..self.media.len() {
            let Medium { spec, is_open, .. } = &self.media[index];
            if *is_open || !is_there(spec) {
                continue;
            }
            let listening = self.media.iter().filter(|medium| medium.listens);
            let result = Link::open_beside(spec, listening.map(|medium| &medium.spec));
            // A medium that cannot be opened now is tried again at the next tick.
            let Ok(link) = result else { continue };
            let (listens, text) = (link.listens(), media::opened(spec));
            let link = Box::new(link);
            if self.beat.command(Command::Link { index, link }).is_ok() {
                let medium = &mut self.media[index];
                (medium.is_open, medium.listens) = (true, listens);
                self.say(Level::Info, text);
            }
        }
    }
}

fn is_there(spec: &LinkSpec) -> bool {
    match spec {
        LinkSpec::Unicast { device, .. }
        | LinkSpec::Broadcast { device, .. }
        | LinkSpec::Multicast { device, .. }
        | LinkSpec::Unicast6 { device, .. }
        | LinkSpec::Multicast6 { device, .. } => Path::new("/sys/class/net").join(device).exists(),
        LinkSpec::Serial { tty, .. } => Path::new(tty).exists(),
        LinkSpec::Service { .. } => true,
    }
}
