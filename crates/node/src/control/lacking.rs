//! Resources that the machine lacked when they were needed: a file, a socket, a thread, a process.
//!
//! A daemon holds its groups without these resources, and would let go of the groups if it ended. So the
//! lack is logged, and obtaining the resource is tried again at every tick.

use super::Control;
use crate::log::{Level, Line};
use crate::runtime;
use std::io;

/// What is lacking, by purpose.
#[derive(Debug, Default)]
pub(super) struct Lacking(Vec<&'static str>);

impl Lacking {
    /// Records a result. Returns a line for the first failure and for the success that ends it.
    fn note(&mut self, what: &'static str, result: io::Result<()>) -> Option<Line> {
        let place = self.0.iter().position(|known| *known == what);
        match (result, place) {
            (Ok(()), None) | (Err(_), Some(_)) => None,
            (Ok(()), Some(place)) => {
                self.0.swap_remove(place);
                Some(Line::new(Level::Info, format!("It is now possible to {what}.")))
            }
            (Err(error), None) => {
                self.0.push(what);
                let text =
                    format!("Cannot {what}: {error}. Heartbeat works without it, and tries again.");
                Some(Line::new(Level::Error, text))
            }
        }
    }
}

impl Control {
    /// Tries again to obtain what is lacking.
    pub(super) fn tend_lacking(&mut self) {
        let results = [
            ("write the pid file", self.pid_file.tend()),
            ("have the directory of sockets", runtime::restore(&self.paths)),
            ("open the control socket", self.server.tend()),
            ("start the thread that stores", self.writer.tend()),
            ("start the thread that supervises", self.supervision.tend()),
            ("start the process that keeps clients running", self.clients.tend()),
            ("start the process that drives fencing devices", self.fencer.tend()),
            ("start the process that runs event scripts", self.hooks.tend()),
        ];
        for (what, result) in results {
            self.record_lacking(what, result);
        }
    }

    /// Logs that there is no room for something, or that there is again.
    pub(super) fn record_lacking(&mut self, what: &'static str, result: io::Result<()>) {
        if let Some(line) = self.lacking.note(what, result) {
            self.log.write(&line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failing_operation_is_reported_once_and_its_recovery_once() {
        let mut lacking = Lacking::default();
        let full = || Err(io::ErrorKind::StorageFull.into());
        assert_eq!(lacking.note("write", Ok(())), None);
        let told = lacking.note("write", full()).unwrap();
        assert_eq!(told.level, Level::Error);
        assert_eq!(lacking.note("write", full()), None);
        assert!(lacking.note("read", full()).is_some());
        assert_eq!(lacking.note("write", Ok(())).unwrap().text, "It is now possible to write.");
        assert_eq!(lacking.note("write", Ok(())), None);
    }
}
