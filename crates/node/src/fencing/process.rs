//! The process that drives fencing devices, one program at a time.

use super::{Answer, Report, Request, Tool};
use crate::log::Level;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};
use std::io::{self, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};
use systole_core::FenceOutcome;
use systole_sys::process::{Child, Exit, Limits, Spawn};
use systole_sys::seqpacket::PACKET_MAX;
use systole_sys::signals::Signal;

/// How long a program may continue after it was asked to end.
const KILL_AFTER: Duration = Duration::from_secs(5);
/// Maximum output in bytes of a program that is kept.
const OUTPUT_MAX: usize = 4 << 10;
/// Maximum number of its lines in the log.
const LINES_MAX: usize = 12;
/// The search path of the programs.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Drives devices until the daemon, on the other side of standard input, is gone.
///
/// # Errors
///
/// When standard input is not such a socket.
pub(crate) fn run() -> io::Result<()> {
    let daemon = rustix::stdio::stdin().try_clone_to_owned()?;
    let limits = Limits::remember();
    let mut packet = vec![0; PACKET_MAX];
    loop {
        match recv(&daemon, &mut packet[..], RecvFlags::empty()) {
            Ok((_, 0)) | Err(Errno::CONNRESET) => return Ok(()),
            // Requests of a daemon that is gone no longer matter.
            Ok(_) if is_gone(&daemon) => return Ok(()),
            Ok((_, length)) => {
                if let Ok(request) = serde_json::from_slice(&packet[..length]) {
                    let answer = fence(&request, &limits, |report| tell(&daemon, report));
                    tell(&daemon, &Report::Outcome(answer));
                }
            }
            Err(Errno::AGAIN) => wait(&[daemon.as_fd()], None)?,
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Whether the daemon has closed its side, even if there is still something to read.
pub(super) fn is_gone(daemon: &OwnedFd) -> bool {
    let mut fds = [PollFd::new(daemon, PollFlags::RDHUP)];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    let gone = PollFlags::HUP | PollFlags::RDHUP | PollFlags::ERR;
    matches!(poll(&mut fds, Some(&now)), Ok(1..)) && fds[0].revents().intersects(gone)
}

/// A daemon that is gone gets no report.
fn tell(daemon: &OwnedFd, report: &Report) {
    if let Ok(packet) = serde_json::to_vec(report) {
        let _ = send(daemon, &packet, SendFlags::NOSIGNAL);
    }
}

/// Has a device reset a node. If there is no room to start its program, the device was asked nothing.
pub(super) fn fence(request: &Request, limits: &Limits, mut tell: impl FnMut(&Report)) -> Answer {
    let Request { node, attempt, tool, limit } = request;
    let (node, attempt, name) = (node.clone(), *attempt, &tool.name);
    let text = format!("Resetting node {node} with [{name}]");
    tell(&Report::Line { level: Level::Info, text });
    let begin = Instant::now();
    let child = match start(tool, limits) {
        // The daemon reports this, and asks again.
        Err(error) if is_want_of_room(&error) => {
            let detail = format!("[{name}] cannot be started yet: {error}");
            return Answer { node, attempt, outcome: FenceOutcome::Busy, detail };
        }
        child => child,
    };
    let (result, output) = match child {
        Ok(child) => watch(child, *limit),
        Err(error) => (Err(format!("cannot start {}: {error}", tool.program)), String::new()),
    };
    for line in output.lines().filter(|line| !line.trim().is_empty()).take(LINES_MAX) {
        let text = format!("[{name}] says: {}", tool.conceal(line.trim_end()));
        tell(&Report::Line { level: Level::Info, text });
    }
    let (outcome, detail) = match result {
        Ok(()) => {
            (FenceOutcome::Done, format!("[{name}], after {} ms", begin.elapsed().as_millis()))
        }
        Err(why) => {
            let text = format!("Device [{name}] did not reset {node}: {why}");
            tell(&Report::Line { level: Level::Error, text });
            (FenceOutcome::Failed, format!("[{name}]: {why}"))
        }
    };
    Answer { node, attempt, outcome, detail }
}

/// Whether an error says nothing about a program, but that this machine has no room for it at present.
pub(super) fn is_want_of_room(error: &io::Error) -> bool {
    let wants = [
        Errno::AGAIN,
        Errno::NOMEM,
        Errno::MFILE,
        Errno::NFILE,
        Errno::NOSPC,
        Errno::NOBUFS,
        Errno::INTR,
    ];
    Errno::from_io_error(error).is_some_and(|errno| wants.contains(&errno))
}

fn start(tool: &Tool, limits: &Limits) -> io::Result<Child> {
    let input = input(&tool.input)?;
    let mut spawn = Spawn::new(&tool.program);
    spawn.arguments = tool.arguments.iter().map(Into::into).collect();
    spawn.environment = vec![("PATH".into(), PATH.into()), ("LC_ALL".into(), "C".into())];
    spawn.directory = Some("/".into());
    spawn.limits = Some(limits);
    spawn.input = Some(input.as_fd());
    spawn.start()
}

/// A pipe that contains a text, with room for more than a line of `ha.cf` holds.
fn input(text: &str) -> io::Result<OwnedFd> {
    let (reader, mut writer) = io::pipe()?;
    writer.write_all(text.as_bytes())?;
    Ok(reader.into())
}

fn watch(mut child: Child, limit: Duration) -> (Result<(), String>, String) {
    let pipes = [child.take_stdout(), child.take_stderr()];
    let mut output = Vec::new();
    let mut end_at = Instant::now() + limit;
    let mut signals = [Signal::Terminate, Signal::Kill].into_iter();
    let mut is_late = false;
    loop {
        let exit = child.exit();
        let mut open: Vec<BorrowedFd<'_>> = vec![child.as_fd()];
        for pipe in pipes.iter().flatten() {
            if drain(pipe, &mut output) {
                open.push(pipe.as_fd());
            }
        }
        let result = match exit {
            Ok(Some(_)) if is_late => Err(format!("it took longer than {} s", limit.as_secs())),
            Ok(Some(Exit::Code(0))) => Ok(()),
            Ok(Some(Exit::Code(code))) => Err(format!("exit code {code}")),
            Ok(Some(Exit::Signal(signal))) => Err(format!("killed by signal {signal}")),
            Err(error) => Err(format!("lost track of it: {error}")),
            Ok(None) => {
                let left = end_at.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    is_late = true;
                    end_at = Instant::now() + KILL_AFTER;
                    let Some(signal) = signals.next() else {
                        // The program waits in the kernel, and ends when the kernel lets it. Another device
                        // must not wait for it.
                        let why =
                            format!("it took longer than {} s and does not end", limit.as_secs());
                        return (Err(why), String::from_utf8_lossy(&output).into_owned());
                    };
                    // This fails only for lack of rights over a child.
                    let _ = child.kill_group(signal);
                } else if wait(&open, Some(left)).is_err() {
                    return (Err("cannot wait for it".to_owned()), String::new());
                }
                continue;
            }
        };
        return (result, String::from_utf8_lossy(&output).into_owned());
    }
}

/// Reads what is available in a pipe and keeps the beginning. Returns whether more may come.
fn drain(pipe: &OwnedFd, output: &mut Vec<u8>) -> bool {
    let mut buffer = [0; 1024];
    loop {
        match rustix::io::read(pipe, &mut buffer) {
            Ok(0) => return false,
            Ok(length) => {
                let room = OUTPUT_MAX.saturating_sub(output.len()).min(length);
                output.extend_from_slice(&buffer[..room]);
            }
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => return true,
            Err(_) => return false,
        }
    }
}

fn wait(fds: &[BorrowedFd<'_>], limit: Option<Duration>) -> io::Result<()> {
    let timeout = limit.map(|limit| Timespec {
        tv_sec: i64::try_from(limit.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: limit.subsec_nanos().into(),
    });
    let mut fds: Vec<PollFd<'_>> =
        fds.iter().map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN)).collect();
    match poll(&mut fds, timeout.as_ref()) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
