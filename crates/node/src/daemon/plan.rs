//! The plan of a daemon, read from its files and checked before anything is changed.

use super::host_names::Names;
use super::{complain, findings, print, wiring};
use crate::log::{Level, Line, Log, LogSettings};
use crate::options::{self, Options, exit};
use std::io::{self, IsTerminal as _};
use systole_config::Config;
use systole_core::Settings;
use systole_facts::Files;
use systole_ipc::paths::Paths;
use systole_sys::identity;
use systole_sys::link::LinkSpec;

/// The way in which a daemon is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// By a command.
    Fresh,
    /// By a daemon that executed itself again. The process stays the same.
    Successor,
}

/// The result of reading and checking the files.
pub(super) struct Plan {
    pub(super) files: Files,
    pub(super) config: Config,
    pub(super) settings: Settings,
    pub(super) names: Names,
    pub(super) links: Vec<LinkSpec>,
    pub(super) log: Log,
    pub(super) log_settings: LogSettings,
    pub(super) way: Way,
    pub(super) debug: u8,
}

/// Reads and checks the files, and reports what is wrong with them. Changes nothing.
///
/// # Errors
///
/// The exit code, when the daemon cannot start with these files.
pub(super) fn plan(options: &Options, paths: &Paths, way: Way) -> Result<Plan, u8> {
    let files = Files::read(&paths.configuration);
    let loaded = files.check(&paths.configuration);
    if !loaded.findings.is_empty() {
        complain(&findings::report(&loaded.findings, &files, io::stderr().is_terminal()));
    }
    let mut said = findings::lines(&loaded.findings, &files);
    let code = loaded.exit_code();
    let Some(config) = loaded.config else {
        let mut log = Log::on_stderr(&identity::node_name());
        for text in [
            "Heartbeat not started: configuration error.",
            "Configuration error, heartbeat not started.",
        ] {
            said.push(Line::new(Level::Error, text));
        }
        for line in &said {
            log.write(line);
        }
        return Err(code.unwrap_or(exit::CONFIGURATION));
    };
    if options.prints_configuration {
        print(&options::effective(&config));
    }
    let names = match way {
        Way::Fresh => Names::default(),
        Way::Successor => Names::inherited(),
    };
    let links = wiring::links(&config, &names).map_err(|error| {
        complain(&format!("ERROR: {error}\n"));
        exit::CONFIGURATION
    })?;
    let mut settings = config.settings();
    if options.without_resources {
        settings.groups.clear();
        settings.ipfail = false;
    }
    let debug = config.logging.debug.saturating_add(options.debug);
    let log_settings =
        LogSettings { debug, ..LogSettings::new(&config.logging, &config.node_name) };
    let mut log = Log::open(&log_settings, options.foreground);
    die_of_panics(log_settings.clone());
    for line in &said {
        log.write(line);
    }
    log.write(&Line::new(Level::Info, "**************************"));
    let text = "Configuration validated. Starting heartbeat 3.0.6";
    log.write(&Line::new(Level::Info, text));
    Ok(Plan { files, config, settings, names, links, log, log_settings, way, debug })
}

/// Makes a panic end the whole process. A thread that panicked must not leave the others running: half a
/// daemon would hold its groups without beating, or beat without being able to stop.
fn die_of_panics(settings: LogSettings) {
    std::panic::set_hook(Box::new(move |panic| {
        let text = format!("Heartbeat aborts: {panic}");
        Log::open(&settings, true).write(&Line::new(Level::Critical, text));
        std::process::abort();
    }));
}
