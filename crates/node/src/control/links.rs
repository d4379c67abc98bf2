//! Media whose interface comes late.

use super::Control;
use crate::beat::channel::Command;
use std::path::Path;
use systole_sys::link::{Link, LinkSpec};

impl Control {
    /// A medium whose interface was not there at the start is opened when it has come.
    pub(super) fn open_missing_links(&mut self) {
        let is_there = |spec: &LinkSpec| Path::new("/sys/class/net").join(spec.name()).exists();
        let mut links = self.parts.links.iter();
        if !links.any(|(spec, is_open)| !is_open && is_there(spec)) {
            return;
        }
        let specs: Vec<LinkSpec> = self.parts.links.iter().map(|(spec, _)| spec.clone()).collect();
        let opened: Vec<Option<Link>> =
            Link::open_all(&specs).into_iter().map(Result::ok).collect();
        let better =
            self.parts.links.iter().zip(&opened).any(|((_, was), is)| is.is_some() && !was);
        if !better {
            return;
        }
        let open: Vec<bool> = opened.iter().map(Option::is_some).collect();
        if self.parts.beat.command(Command::Links(opened)).is_ok() {
            for ((_, is_open), now_open) in self.parts.links.iter_mut().zip(open) {
                *is_open = now_open;
            }
        }
    }
}
