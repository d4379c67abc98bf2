//! The first process of a machine of the lab.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{WaitOptions, wait};
use std::io::{self, Read as _, Write as _};
use std::process::{Command, Stdio};

/// How often ended processes are reaped.
///
/// A daemon's own `stop` waits for its pid to disappear, so this time is short.
const REAP_EVERY: Timespec = Timespec { tv_sec: 0, tv_nsec: 10_000_000 };

/// Prints `ready`, starts the echo responder for the given addresses, and then reaps orphans until its input
/// ends: the input is a pipe whose other end only the lab holds, so the machine cannot outlive the lab,
/// however the lab ends.
pub(super) fn run(addresses: &[String]) -> io::Result<()> {
    if !addresses.is_empty() {
        // The machine's mounts show this executable under a fixed path.
        let own = std::env::args_os().skip(1).take_while(|word| word != "init");
        Command::new(super::INSIDE)
            .args(own)
            .arg("echo")
            .args(addresses)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()?;
    }
    writeln!(io::stdout(), "ready")?;
    io::stdout().flush()?;
    loop {
        let stdin = io::stdin();
        let mut fds = [PollFd::new(&stdin, PollFlags::IN)];
        match poll(&mut fds, Some(&REAP_EVERY)) {
            Ok(0) | Err(Errno::INTR) => {}
            Ok(_) => {
                if stdin.lock().read(&mut [0; 64])? == 0 {
                    return Ok(());
                }
            }
            Err(error) => return Err(error.into()),
        }
        while let Ok(Some(_)) = wait(WaitOptions::NOHANG) {}
    }
}
