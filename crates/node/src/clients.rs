//! The daemon's side of the programs that it keeps running.

use crate::log::Line;
use rustix::event::PollFd;
use std::io;
use systole_config::Config;

/// The programs of `respawn` and `failfast`.
#[derive(Debug)]
pub(crate) struct Clients;

impl Clients {
    pub(crate) fn prepare(_: &Config, _: Vec<(String, String)>) -> io::Result<Self> {
        Ok(Self)
    }
    pub(crate) fn start(&mut self) {}
    pub(crate) fn read(&mut self) -> Vec<Line> {
        Vec::new()
    }
    pub(crate) fn stop(&mut self) -> Vec<Line> {
        Vec::new()
    }
    pub(crate) fn descriptors(&self) -> impl Iterator<Item = PollFd<'_>> {
        std::iter::empty()
    }
}

pub(crate) fn run() -> io::Result<()> {
    Ok(())
}
