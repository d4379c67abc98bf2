//! A daemon becomes the program anew that lies where its own lay, with the same process id.
//!
//! Whatever is wrong with that program now, the daemon must not end for it: everything would be let go.

use super::names::{Names, VARIABLE};
use crate::log::{Level, Line, Log, LogSettings};
use crate::options::Options;
use crate::paths::Paths;
use crate::program;
use std::env;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

/// The variable by which a process knows that it has executed itself: its process id.
pub(super) const SUCCESSOR: &str = "SYSTOLE_SUCCESSOR";
/// What we execute ourselves.
const OURS: &str = "/proc/self/exe";
/// Attempts when the kernel can execute nothing at all, for want of memory.
const ATTEMPTS: u32 = 100;
/// Time between two of them.
const GAP: Duration = Duration::from_millis(10);

/// Whether this process has been a daemon before.
pub(super) fn is_successor() -> bool {
    let told = env::var(SUCCESSOR).ok().and_then(|text| text.parse().ok());
    told == Some(std::process::id())
}

/// Executes the program that lies there, or else the one that this process has. Returns only when both
/// fail, again and again.
pub(super) fn execute_again(
    options: &Options,
    paths: &Paths,
    names: &Names,
    settings: &LogSettings,
) -> io::Error {
    let installed = program::path().ok().filter(|path| path.exists());
    for attempt in 0..ATTEMPTS {
        if let Some(program) = &installed {
            let error = program::check_format(program)
                .err()
                .unwrap_or_else(|| command(program, options, paths, names).exec());
            if attempt == 0 {
                let program = program.display();
                let text = format!(
                    "Cannot execute {program}: {error}. The program that runs is executed again."
                );
                // It is written when the log is dropped: nothing of it would be left after the next.
                Log::open(settings, options.foreground).write(&Line::new(Level::Error, text));
            }
        }
        // What was removed or replaced can be executed all the same.
        let error = command(Path::new(OURS), options, paths, names).exec();
        if attempt + 1 == ATTEMPTS {
            return error;
        }
        sleep(GAP);
    }
    io::ErrorKind::Other.into()
}

fn command(program: &Path, options: &Options, paths: &Paths, names: &Names) -> Command {
    let mut command = Command::new(program);
    let arguments: Vec<PathBuf> = paths.arguments();
    command.arg0("heartbeat").arg("-R").args(arguments);
    let flags = [
        (options.foreground, "-f"),
        (options.without_realtime, "-l"),
        (options.without_resources, "-M"),
    ];
    command.args(flags.into_iter().filter(|(is_set, _)| *is_set).map(|(_, flag)| flag));
    command.args((0..options.debug).map(|_| "-d"));
    command.env(VARIABLE, names.value()).env(SUCCESSOR, std::process::id().to_string());
    command
}
