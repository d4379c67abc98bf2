//! A daemon replaces itself by the program at its path, with the same process id.
//!
//! Whatever is wrong with that program, the daemon must not end because of it: everything would be let go.

use super::host_names::{Names, VARIABLE};
use crate::log::{Level, Line, Log, LogSettings};
use crate::options::Options;
use crate::program;
use std::env;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;
use systole_ipc::paths::Paths;
use systole_sys::daemonize::ProcessLock;

/// The variable by which a process knows that it has executed itself: its process id, the descriptor number
/// of the lock or `-`, and the generation with which the first of these daemons was started.
pub(super) const SUCCESSOR: &str = "SYSTOLE_SUCCESSOR";
/// The path of the program that this process executes.
const OURS: &str = "/proc/self/exe";
/// Number of attempts if the kernel can execute nothing at all, for lack of memory.
const ATTEMPTS: u32 = 100;
/// Time between two attempts.
const GAP: Duration = Duration::from_millis(10);

/// What a daemon passes to its successor.
#[derive(Debug, Default)]
pub(super) struct Estate {
    /// The resolved hosts.
    pub(super) names: Names,
    /// The generation with which the first of these daemons was started; 0 if unknown.
    pub(super) started: u64,
}

/// Whether this process has been a daemon before.
pub(super) fn is_successor() -> bool {
    told().is_some()
}

/// The descriptor number of the lock that the predecessor left.
pub(super) fn lock_number() -> Option<i32> {
    told()?.0
}

/// The generation with which the first daemon of this process was started, if a predecessor passed it on.
pub(super) fn started() -> Option<u64> {
    told()?.1
}

fn told() -> Option<(Option<i32>, Option<u64>)> {
    read(&env::var(SUCCESSOR).ok()?, std::process::id())
}

/// Reads a text for the process with this id. An older program wrote less.
fn read(text: &str, pid: u32) -> Option<(Option<i32>, Option<u64>)> {
    let mut words = text.split(' ');
    words.next().filter(|word| word.parse() == Ok(pid))?;
    let lock = words.next().and_then(|word| word.parse().ok());
    Some((lock, words.next().and_then(|word| word.parse().ok()).filter(|started| *started > 0)))
}

/// Writes the text for the program that this process becomes.
fn write(pid: u32, lock: Option<i32>, started: u64) -> String {
    let lock = lock.map_or_else(|| "-".to_owned(), |number| number.to_string());
    format!("{pid} {lock} {started}")
}

/// Executes the program at its path, or else the one that this process has. Returns only when both fail
/// repeatedly.
pub(super) fn execute_again(
    options: &Options,
    paths: &Paths,
    estate: &Estate,
    (settings, lock): (&LogSettings, Option<&ProcessLock>),
) -> io::Error {
    // If the lock cannot be passed on, the successor takes it again.
    let lock = lock.and_then(|lock| lock.hand_over().ok());
    let command = |program: &Path| command(program, options, paths, estate, lock);
    let installed = program::path().ok().filter(|path| path.exists());
    for attempt in 0..ATTEMPTS {
        if let Some(program) = &installed {
            let error =
                program::check_format(program).err().unwrap_or_else(|| command(program).exec());
            if attempt == 0 {
                let program = program.display();
                let text = format!(
                    "Cannot execute {program}: {error}. The running program is executed again."
                );
                // The line is written when the log is dropped, because nothing of it would be left after
                // the next exec.
                Log::open(settings, options.foreground).write(&Line::new(Level::Error, text));
            }
        }
        // A program that was removed or replaced can still be executed through this path.
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
    estate: &Estate,
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
    let told = write(std::process::id(), lock, estate.started);
    command.env(VARIABLE, estate.names.value()).env(SUCCESSOR, told);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn succession_message_is_read_only_by_its_process() {
        for (lock, started) in [(Some(3), 7), (None, 7), (Some(12), u64::MAX)] {
            assert_eq!(read(&write(42, lock, started), 42), Some((lock, Some(started))));
            assert_eq!(read(&write(42, lock, started), 43), None);
        }
        assert_eq!(read(&write(42, Some(3), 0), 42), Some((Some(3), None)), "it is not known");
        assert_eq!(read("42 3", 42), Some((Some(3), None)), "from a program of before");
        assert_eq!(read("42", 42), Some((None, None)));
        assert_eq!(read("", 42), None);
    }
}
