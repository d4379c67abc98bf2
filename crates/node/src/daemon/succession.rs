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
use systole_sys::daemonize::ProcessLock;

/// The variable by which a process knows that it has executed itself: its process id, and the number under
/// which it has the lock.
pub(super) const SUCCESSOR: &str = "SYSTOLE_SUCCESSOR";
/// What we execute ourselves.
const OURS: &str = "/proc/self/exe";
/// Attempts when the kernel can execute nothing at all, for want of memory.
const ATTEMPTS: u32 = 100;
/// Time between two of them.
const GAP: Duration = Duration::from_millis(10);

/// Whether this process has been a daemon before.
pub(super) fn is_successor() -> bool {
    told().0 == Some(std::process::id())
}

/// The number under which the program before has left its lock.
pub(super) fn lock_number() -> Option<i32> {
    told().1.filter(|_| is_successor())
}

fn told() -> (Option<u32>, Option<i32>) {
    let text = env::var(SUCCESSOR).unwrap_or_default();
    let mut words = text.split(' ');
    let pid = words.next().and_then(|word| word.parse().ok());
    (pid, words.next().and_then(|word| word.parse().ok()))
}

/// Executes the program that lies there, or else the one that this process has. Returns only when both
/// fail, again and again.
pub(super) fn execute_again(
    options: &Options,
    paths: &Paths,
    names: &Names,
    (settings, lock): (&LogSettings, Option<&ProcessLock>),
) -> io::Error {
    // Where it cannot be handed over, the successor takes it anew.
    let lock = lock.and_then(|lock| lock.hand_over().ok());
    let command = |program: &Path| command(program, options, paths, names, lock);
    let installed = program::path().ok().filter(|path| path.exists());
    for attempt in 0..ATTEMPTS {
        if let Some(program) = &installed {
            let error =
                program::check_format(program).err().unwrap_or_else(|| command(program).exec());
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
        let error = command(Path::new(OURS)).exec();
        if attempt + 1 == ATTEMPTS {
            return error;
        }
        sleep(GAP);
    }
    io::ErrorKind::Other.into()
}

fn command(
    program: &Path,
    options: &Options,
    paths: &Paths,
    names: &Names,
    lock: Option<i32>,
) -> Command {
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
    let pid = std::process::id();
    let told = lock.map_or_else(|| pid.to_string(), |number| format!("{pid} {number}"));
    command.env(VARIABLE, names.value()).env(SUCCESSOR, told);
    command
}
