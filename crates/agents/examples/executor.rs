//! An executor in a directory of its own, which the tests kill and restart.
//!
//! Usage: `executor DIRECTORY IDLE_MS`. The directory has the layout that the tests create.

use std::path::PathBuf;
use std::time::Duration;
use systole_agents::executor::{ExecutorError, Options, run};
use systole_agents::lookup::Directories;

fn main() -> Result<(), ExecutorError> {
    let mut arguments = std::env::args().skip(1);
    let directory = PathBuf::from(arguments.next().expect("a directory"));
    let idle = arguments.next().and_then(|word| word.parse().ok()).expect("milliseconds");
    run(Options {
        socket: directory.join("executor.sock"),
        ledger: directory.join("executor.json"),
        records: directory.join("runs"),
        directories: Directories {
            configuration: directory.join("ha.d"),
            init: directory.join("init.d"),
            units: Vec::new(),
            ..Directories::default()
        },
        grace: Duration::from_secs(2),
        idle: Duration::from_millis(idle),
        limits: None,
    })
}
