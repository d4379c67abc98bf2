//! Media whose interface comes late, or goes and comes back.

use super::Control;
use crate::beat::channel::Command;
use crate::log::Level;
use crate::log_lines::media;
use std::io;
use std::path::Path;
use systole_sys::link::{Link, LinkSpec};

/// A medium as this thread knows it.
#[derive(Debug)]
pub(crate) struct Medium {
    /// What it is.
    pub(crate) spec: LinkSpec,
    /// Whether the beat thread has it.
    pub(crate) is_open: bool,
    /// Whether others on the same device and port rely on its receiver.
    pub(crate) listens: bool,
}

impl Control {
    /// A medium that the beat thread could not use any more.
    pub(super) fn link_lost(&mut self, index: usize, link: Box<Link>, error: i32) {
        // Closing a serial line may wait for it to take what is left.
        drop(link);
        let Some(medium) = self.parts.media.get_mut(index) else { return };
        (medium.is_open, medium.listens) = (false, false);
        self.unsent.forget(index);
        let text = media::lost(&medium.spec, io::Error::from_raw_os_error(error));
        self.say(Level::Error, text);
    }

    /// Opens what was not there at the start, or was lost, and is there now.
    pub(super) fn open_missing_links(&mut self) {
        for index in 0..self.parts.media.len() {
            let Medium { spec, is_open, .. } = &self.parts.media[index];
            if *is_open || !is_there(spec) {
                continue;
            }
            let listening = self.parts.media.iter().filter(|medium| medium.listens);
            let result = Link::open_beside(spec, listening.map(|medium| &medium.spec));
            // What fails now is tried again at the next tick.
            let Ok(link) = result else { continue };
            let (listens, text) = (link.listens(), media::opened(spec));
            let link = Box::new(link);
            if self.parts.beat.command(Command::Link { index, link }).is_ok() {
                let medium = &mut self.parts.media[index];
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
    }
}
