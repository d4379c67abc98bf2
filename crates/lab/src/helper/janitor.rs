//! Cleans up after a lab, however the lab ended.

use crate::cgroup;
use rustix::termios::{OptionalActions, Termios, isatty, tcgetattr, tcsetattr};
use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long processes of the lab may still write into the directory after the lab's end.
const PATIENCE: Duration = Duration::from_secs(10);
/// Leaves the alternate screen, shows the cursor.
const NORMAL_SCREEN: &[u8] = b"\x1b[?1049l\x1b[?25h";

/// Waits for the end of its input, which is the end of the lab, then removes the lab's directory, and
/// restores the terminal if the lab had no time to do so.
pub(super) fn run(arguments: &[String]) -> io::Result<()> {
    let [folder] = arguments else {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "expected one folder"));
    };
    let folder = Path::new(folder);
    let terminal = remember_terminal();
    // A session of its own: Ctrl-C and a closed terminal do not end it, and job control does not stop it when
    // it restores the terminal.
    rustix::process::setsid()?;
    while io::stdin().read(&mut [0; 64])? > 0 {}
    if let Some(before) = terminal {
        restore_terminal(&before);
    }
    let end = Instant::now() + PATIENCE;
    remove_groups(folder);
    while let Err(error) = fs::remove_dir_all(folder) {
        if error.kind() == io::ErrorKind::NotFound {
            break;
        }
        if Instant::now() > end {
            return Err(error);
        }
        sleep(Duration::from_millis(10));
    }
    Ok(())
}

/// Removes the control groups of the lab's nodes, which are named after its directory. Their processes may
/// take a moment to end.
fn remove_groups(folder: &Path) {
    let Some(name) = folder.file_name().and_then(|name| name.to_str()) else { return };
    let end = Instant::now() + PATIENCE;
    while !cgroup::remove(name) && Instant::now() < end {
        sleep(Duration::from_millis(10));
    }
}

/// Returns the settings of the terminal on standard error, if it is a terminal.
fn remember_terminal() -> Option<Termios> {
    let stderr = io::stderr();
    isatty(&stderr).then(|| tcgetattr(&stderr).ok()).flatten()
}

/// Restores the terminal if it is still in raw mode.
fn restore_terminal(before: &Termios) {
    let stderr = io::stderr();
    let Ok(now) = tcgetattr(&stderr) else { return };
    if now.local_modes != before.local_modes
        && tcsetattr(&stderr, OptionalActions::Now, before).is_ok()
    {
        let _ = stderr.lock().write_all(NORMAL_SCREEN);
    }
}
