//! A program that a helper thread runs for its answer, with a limit.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};
use systole_sys::process::{Child, Exit};
use systole_sys::signals::Signal;

/// How long to wait for the end of a program that was killed.
const END_LIMIT: Duration = Duration::from_secs(1);
/// Maximum number of bytes of an answer that are kept.
const ANSWER_MAX: usize = 64 << 10;
/// How long it takes at most to notice that the answer is no longer wanted.
const LOOK: Duration = Duration::from_millis(100);

/// What a program said, and how it ended.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) exit: Exit,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
}

impl Answer {
    /// Its standard output.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// The first line with text of its output, or else of its errors.
    pub(crate) fn first_line(&self) -> String {
        let line = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes);
            text.lines().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned)
        };
        line(&self.stdout).or_else(|| line(&self.stderr)).unwrap_or_default()
    }
}

/// Waits for the end of a program, while `is_wanted`. A program that takes too long is killed with its process
/// group; so is what a program leaves behind that was killed.
///
/// # Errors
///
/// `TimedOut` when its time is over or nobody wants its answer any longer; those of waitid(2).
pub(crate) fn hear(
    mut child: Child,
    end_at: Instant,
    is_wanted: &dyn Fn() -> bool,
) -> io::Result<Answer> {
    let pipes = [child.take_stdout(), child.take_stderr()];
    let mut texts = [Vec::new(), Vec::new()];
    loop {
        // The exit is checked first: then everything that was written before the end is certainly in the
        // pipes.
        let exit = child.exit()?;
        let mut are_open = [false, false];
        for ((pipe, text), is_open) in pipes.iter().zip(&mut texts).zip(&mut are_open) {
            *is_open = pipe.as_ref().is_some_and(|pipe| drain(pipe, text));
        }
        if let Some(exit) = exit {
            let [stdout, stderr] = texts;
            return Ok(Answer { exit, stdout, stderr });
        }
        let left = end_at.saturating_duration_since(Instant::now());
        if left.is_zero() || !is_wanted() {
            end(&child);
            return Err(io::Error::new(io::ErrorKind::TimedOut, "it does not answer"));
        }
        let mut fds = vec![PollFd::new(&child, PollFlags::IN)];
        for (pipe, is_open) in pipes.iter().zip(are_open) {
            fds.extend(pipe.as_ref().filter(|_| is_open).map(|it| PollFd::new(it, PollFlags::IN)));
        }
        wait(&mut fds, left.min(LOOK))?;
    }
}

/// Reads what is available and keeps the beginning. Returns whether more may come.
fn drain(pipe: &OwnedFd, text: &mut Vec<u8>) -> bool {
    /// So that a program that writes without end does not outlive its time.
    const READS_MAX: usize = 64;
    let mut buffer = [0; 4096];
    for _ in 0..READS_MAX {
        match rustix::io::read(pipe, &mut buffer) {
            Ok(0) => return false,
            Ok(length) => {
                let room = ANSWER_MAX.saturating_sub(text.len()).min(length);
                text.extend_from_slice(&buffer[..room]);
            }
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => return true,
            Err(_) => return false,
        }
    }
    true
}

/// Kills a program that takes too long.
fn end(child: &Child) {
    // This fails only for lack of rights over a child.
    let _ = child.kill_group(Signal::Kill);
    let _ = wait(&mut [PollFd::new(&child.as_fd(), PollFlags::IN)], END_LIMIT);
}

fn wait(fds: &mut [PollFd<'_>], limit: Duration) -> io::Result<()> {
    let limit = Timespec::try_from(limit).ok();
    match poll(fds, limit.as_ref()) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use systole_sys::process::Spawn;

    fn start(program: &str, arguments: &[&str]) -> Child {
        let mut spawn = Spawn::new(program);
        spawn.arguments = arguments.iter().map(Into::into).collect();
        spawn.start().unwrap()
    }

    #[test]
    fn answer_longer_than_a_pipe_is_read_to_its_limit() {
        let child = start("/bin/sh", &["-c", "head -c 200000 /dev/zero; echo no >&2; exit 4"]);
        let answer = hear(child, Instant::now() + Duration::from_mins(1), &|| true).unwrap();
        assert_eq!((answer.exit, answer.stdout.len()), (Exit::Code(4), ANSWER_MAX));
        assert_eq!(answer.stderr, b"no\n");
    }

    #[test]
    fn program_whose_answer_is_late_or_unwanted_is_killed() {
        for (limit, is_wanted) in [(Duration::from_millis(50), true), (END_LIMIT * 60, false)] {
            let child = start("/bin/sleep", &["1000"]);
            let id = child.id();
            let error = hear(child, Instant::now() + limit, &|| is_wanted).unwrap_err();
            assert_eq!((error.kind(), id.is_running()), (io::ErrorKind::TimedOut, false));
        }
    }
}
