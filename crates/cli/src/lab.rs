//! `hb lab`: the demonstration.

use crate::arguments::LabOptions;
use crate::{complain, exit};
use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Duration;
use systole_lab::{ClusterConfig, Daemon, Failback, Helper, LabError, story};

/// The hidden subcommand that runs the laboratory's own programs.
const HELPER: &str = "lab-helper";
/// The daemon's program, in the directory of this one.
const DAEMON: &str = "heartbeat";

/// Runs one of the laboratory's own programs.
pub(crate) fn help(arguments: Vec<OsString>) -> ExitCode {
    systole_lab::helper_main(arguments)
}

/// Shows the failover of two servers.
pub(crate) fn run(options: &LabOptions) -> u8 {
    let daemon = match daemon(options) {
        Ok(daemon) => daemon,
        Err(text) => {
            complain(&text);
            return exit::USAGE;
        }
    };
    match show(options, &daemon) {
        Ok(()) => exit::OK,
        Err(error) => {
            complain(&error.to_string());
            if matches!(error, LabError::NotRoot) { exit::PERMISSION } else { exit::REFUSED }
        }
    }
}

fn daemon(options: &LabOptions) -> Result<Daemon, String> {
    let beside = || Some(std::env::current_exe().ok()?.with_file_name(DAEMON));
    let daemon = if options.classic {
        Daemon::Classic
    } else {
        let binary = options.daemon.clone().or_else(beside).unwrap_or_default();
        let binary = std::path::absolute(&binary).unwrap_or(binary);
        Daemon::Systole { binary }
    };
    if daemon.is_installed() {
        return Ok(daemon);
    }
    Err(match daemon {
        Daemon::Classic => "heartbeat 3.0.6 is missing: install the package heartbeat".to_owned(),
        Daemon::Systole { binary } => {
            let path = binary.display();
            format!("{path} is missing: build it (cargo build), or give its path with --daemon")
        }
    })
}

fn show(options: &LabOptions, daemon: &Daemon) -> Result<(), LabError> {
    let usual = ClusterConfig::default();
    let keepalive = Duration::from_millis(options.keepalive);
    let deadtime = Duration::from_millis(options.deadtime);
    let config = ClusterConfig {
        keepalive,
        deadtime,
        warntime: (deadtime + keepalive) / 2,
        initdead: usual.initdead.max(2 * deadtime),
        failback: if options.no_failback { Failback::Off } else { Failback::On },
        ..usual
    };
    story::demonstrate(config, [daemon.clone(), daemon.clone()], Helper::this_program(HELPER)?)
}
