//! One run of an agent's program: its output and its end.

use crate::outlet::Outlet;
use crate::records::Record;
use std::os::fd::{AsFd, BorrowedFd};
use systole_sys::process::{Child, Exit, ProcessId};
use systole_sys::signals::Signal;

/// Maximum output of one run that is kept, in bytes.
const OUTPUT_MAX: usize = 64 << 10;
/// Longest line of output in the log, in bytes.
const LINE_MAX: usize = 1 << 10;

/// A running program.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    /// The program was asked to end.
    was_signalled: bool,
    stdout: Pipe,
    stderr: Pipe,
    // This field is last because fields are dropped in order: the record must go after the process.
    _record: Record,
}

/// The remains of a program that has ended.
#[derive(Debug)]
pub(crate) struct Remains {
    /// How it ended.
    pub(crate) exit: Exit,
    /// Its standard output, up to the limit.
    pub(crate) stdout: Vec<u8>,
    /// Its standard error, up to the limit.
    pub(crate) stderr: Vec<u8>,
    /// Number of bytes of output that were not kept.
    pub(crate) dropped: u64,
    /// The outputs that a process started by the program still holds open.
    pub(crate) outlets: [Option<Outlet>; 2],
}

impl Process {
    /// Supervises a child, with its standard output and standard error.
    pub(crate) fn new(child: Child, record: Record, [stdout, stderr]: [Outlet; 2]) -> Self {
        let (stdout, stderr) = (Pipe::new(stdout), Pipe::new(stderr));
        Self { child, was_signalled: false, stdout, stderr, _record: record }
    }

    /// Which process it is.
    pub(crate) fn id(&self) -> ProcessId {
        self.child.id()
    }

    /// The descriptors that wake up the executor for this program.
    pub(crate) fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let pipes =
            [&self.stdout, &self.stderr].into_iter().filter_map(|pipe| pipe.outlet.as_ref());
        pipes.map(AsFd::as_fd).chain([self.child.as_fd()])
    }

    /// Asks the program and all its children to end.
    pub(crate) fn signal(&mut self, signal: Signal) {
        self.was_signalled = true;
        // This fails only for lack of rights over a child; then the agent ends on its own.
        let _ = self.child.kill_group(signal);
    }

    /// Reads what the program wrote, and returns its remains if it has ended.
    ///
    /// The run ends with the program itself. Daemons that it started may keep its outputs open; what these
    /// already contain is read, but their end is not waited for.
    pub(crate) fn check(&mut self) -> std::io::Result<Option<Remains>> {
        // The exit is checked first: then everything that was written before the end is certainly in the
        // pipes.
        let exit = self.child.exit()?;
        self.stdout.drain();
        self.stderr.drain();
        let Some(exit) = exit else { return Ok(None) };
        if self.was_signalled {
            // Its children had the same signal. Its process number is still taken, so no other process is
            // hit.
            self.signal(Signal::Kill);
        }
        Ok(Some(Remains {
            exit,
            dropped: self.stdout.dropped + self.stderr.dropped,
            stdout: std::mem::take(&mut self.stdout.kept),
            stderr: std::mem::take(&mut self.stderr.kept),
            outlets: [self.stdout.outlet.take(), self.stderr.outlet.take()],
        }))
    }
}

/// Splits the output of a program into lines for the log.
pub(crate) fn lines(output: &[u8]) -> impl Iterator<Item = String> {
    let lines = output.split(|byte| *byte == b'\n');
    lines.flat_map(|line| line.chunks(LINE_MAX)).filter_map(|line| {
        let text = String::from_utf8_lossy(line);
        let text = text.trim_end();
        (!text.is_empty()).then(|| text.to_owned())
    })
}

/// An output, with the beginning of what came through it.
#[derive(Debug)]
struct Pipe {
    outlet: Option<Outlet>,
    kept: Vec<u8>,
    dropped: u64,
}

impl Pipe {
    const fn new(outlet: Outlet) -> Self {
        Self { outlet: Some(outlet), kept: Vec::new(), dropped: 0 }
    }

    fn drain(&mut self) {
        let Some(outlet) = &self.outlet else { return };
        let is_open = outlet.drain(|bytes| {
            let room = (OUTPUT_MAX / 2).saturating_sub(self.kept.len()).min(bytes.len());
            self.kept.extend_from_slice(&bytes[..room]);
            self.dropped += (bytes.len() - room) as u64;
        });
        if !is_open {
            outlet.remove();
            self.outlet = None;
        }
    }
}

#[cfg(test)]
mod tests;
