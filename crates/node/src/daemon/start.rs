//! From three files to a running daemon, and back.
//!
//! ```text
//!   files ─▶ findings ─▶ background ─▶ pid file ─▶ executor ─▶ core ─▶ beat thread
//!                │                                                        │
//!          exit 4 or 6                      exit 0, or the next one ◀── control
//! ```

use super::inherited::Inherited;
use super::names::{Names, VARIABLE};
use super::recalled::{boot, recalled};
use super::{complain, findings, leftover, media, wiring};
use crate::beat::channel::{Shared, channel};
use crate::beat::executor::Executor;
use crate::beat::pings::Pings;
use crate::beat::{self, Beat};
use crate::capabilities;
use crate::clients::Clients;
use crate::configuration::Files;
use crate::control::{self, Control, Ending};
use crate::executor_process::ExecutorProcess;
use crate::fencing::Fencer;
use crate::log::{Level, Line, Log, LogSettings};
use crate::options::{Options, exit};
use crate::paths::Paths;
use crate::program;
use crate::state::{Happening, State};
use crate::trusted;
use crate::watchdog::Keeper;
use std::io::{self, IsTerminal as _};
use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use systole_config::Config;
use systole_core::{Cluster, Settings};
use systole_sys::identity::{self, Capability, keep_capabilities};
use systole_sys::link::LinkSpec;
use systole_sys::signals::Signals;
use systole_sys::{clock, daemonize, realtime};
use systole_wire::Encoder;

/// Stack of the beat thread in bytes: all of it is locked, so it is small.
const BEAT_STACK: usize = 512 << 10;
/// Mode of the folder of sockets, as heartbeat makes it.
const RUNTIME_MODE: u32 = 0o750;
/// Mode of the executor's own folder.
const EXECUTOR_MODE: u32 = 0o700;
/// What the beat thread keeps of root: to open links again, and to get locked memory.
const BEAT_RIGHTS: [Capability; 3] =
    [Capability::RawSockets, Capability::LowPorts, Capability::LockMemory];

/// How a daemon comes to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// By a command.
    Fresh,
    /// By a daemon that executed itself again. The process is its own.
    Successor,
}

/// What was found out before anything was changed.
struct Plan {
    files: Files,
    config: Config,
    settings: Settings,
    names: Names,
    links: Vec<LinkSpec>,
    log: Log,
    log_settings: LogSettings,
    way: Way,
    debug: u8,
}

/// Starts a daemon and runs it to its end; in the background, tells the code of the parent.
pub(super) fn start(options: &Options, paths: &Paths, way: Way) -> io::Result<u8> {
    let mut plan = match plan(options, paths, way) {
        Ok(plan) => plan,
        Err(code) => return Ok(code),
    };
    if !options.foreground && way == Way::Fresh {
        daemonize::daemonize()?;
        plan.log.renew_pid();
    }
    let settings = plan.log_settings.clone();
    let result = run(options, paths, plan);
    if let Err(error) = &result {
        // In the background standard error leads nowhere.
        let mut report = Log::open(&settings, options.foreground);
        report.write(&Line::new(Level::Critical, format!("Heartbeat ends: {error}")));
    }
    result
}

/// Reads and checks the files, and says what is wrong with them.
fn plan(options: &Options, paths: &Paths, way: Way) -> Result<Plan, u8> {
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
        super::print(&crate::options::effective(&config));
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

/// A thread that panicked must not leave the others behind: half a daemon would hold its groups
/// without beating, or beat without being able to stop.
fn die_of_panics(settings: LogSettings) {
    std::panic::set_hook(Box::new(move |panic| {
        let text = format!("Heartbeat aborts: {panic}");
        Log::open(&settings, true).write(&Line::new(Level::Critical, text));
        std::process::abort();
    }));
}

/// Is the daemon.
fn run(options: &Options, paths: &Paths, mut plan: Plan) -> io::Result<u8> {
    take_runtime(paths, &mut plan.log)?;
    daemonize::write_pid_file(&paths.pid_file(), std::process::id())?;
    // Before the first thread, so that every one has the signals blocked.
    let signals = Signals::take()?;
    plan.log.start();
    let is_realtime = plan.config.process.realtime && !options.without_realtime;
    if is_realtime && let Err(error) = realtime::write_oom_score(realtime::OOM_NEVER) {
        warn(&mut plan.log, "lower the OOM score, to be spared when memory runs out", &error);
    }
    for text in capabilities::complaints(is_realtime) {
        plan.log.write(&Line::new(Level::Warning, text));
    }
    let result = run_threads(options, paths, plan, signals, is_realtime);
    if !matches!(result, Ok((Ending::Restart, _))) {
        // heartbeat leaves it behind, so that `-s` tells 1 after every clean stop.
        let _ = std::fs::remove_file(paths.pid_file());
    }
    match result? {
        (Ending::Stopped, _) => Ok(exit::OK),
        (Ending::Broken, _) => Ok(exit::REFUSED),
        (Ending::Restart, names) => Err(execute_again(options, paths, &names)),
    }
}

fn run_threads(
    options: &Options,
    paths: &Paths,
    mut plan: Plan,
    signals: Signals,
    is_realtime: bool,
) -> io::Result<(Ending, Names)> {
    let (state, taken) = State::open(&paths.state).map_err(io::Error::other)?;
    tell_taken(&mut plan.log, taken);
    let Some((media, known)) = media::open(&plan.links, &plan.settings, plan.way, &mut plan.log)
    else {
        return Ok((Ending::Broken, Names::default()));
    };
    tell_left_out(&mut plan.log);
    let facts = wiring::executor(&plan.config, plan.debug, is_realtime);
    let mut process = ExecutorProcess::new(paths.clone(), facts);
    let listed = process.listed();
    let times = &plan.config.times;
    let executor = process.obtain(times.deadtime.saturating_sub(times.keepalive) / 4)?;
    tell_unfinished(&executor, &mut plan.log);
    let clients = Clients::prepare(&plan.config, wiring::environment(&plan.config, plan.debug))?;
    let fencer = Fencer::prepare(plan.config.fencing.clone(), plan.settings.nodes.clone())?;
    let stored = if options.without_resources {
        Vec::new()
    } else {
        recalled(state.retired(&plan.settings), &mut plan.log)
    };
    let greeting = executor.greeting.as_ref();
    leftover::retire(&mut plan.settings, &listed, greeting, &stored, &mut plan.log);
    let origin = clock::boot_time();
    let unix_time = clock::unix_time().as_secs();
    let (boot, unstored_generation) =
        boot(&plan.config, &plan.settings, (paths, &state), &listed, unix_time, &mut plan.log)?;
    let generation = boot.generation;
    let keys = wiring::keys(&plan.config.authentication).map_err(io::Error::other)?;
    let identity = wiring::identity(&plan.config, &plan.settings, boot.uuid, generation);
    let pings = wiring::ping_nodes(&plan.config, &plan.names).map_err(io::Error::other)?;
    let pings = Pings::open(pings, unix_time, plan.settings.deadping)?;
    for text in pings.opened() {
        plan.log.write(&Line::new(Level::Info, text));
    }
    let (control_end, beat_end) = channel()?;
    let beat = Beat::new(beat::Parts {
        cluster: Cluster::new(plan.settings.clone(), boot),
        unix_time,
        origin,
        keys,
        encoder: Encoder::new(identity, wiring::style(&plan.config)),
        media,
        addresses: wiring::peer_addresses(&plan.links, &plan.settings),
        pings,
        executor: Some(executor),
        timeouts: plan.config.agent_timeouts,
        control: beat_end,
    })?;
    let priority = plan.config.process.priority.unwrap_or(realtime::DEFAULT_PRIORITY);
    let thread = start_beating(beat, is_realtime.then_some(priority), &mut plan.log)?;
    if is_realtime && let Err(error) = realtime::lock_memory() {
        warn(&mut plan.log, "lock memory", &error);
    }
    let shared = Arc::clone(&control_end.shared);
    let watchdog = open_watchdog(&mut plan, shared, is_realtime.then_some(priority));
    let parts = control::Parts {
        paths: paths.clone(),
        settings: plan.settings,
        generation,
        unstored_generation,
        files: plan.files,
        names_bad_packets: plan.config.logging.bad_packets,
        config: plan.config,
        without_resources: options.without_resources,
        debug: plan.debug,
        is_realtime,
        unix_time,
        log: plan.log,
        state,
        media: known,
        executor: process,
        clients,
        fencer,
        watchdog,
        beat: control_end,
        thread,
    };
    control(parts, signals, options)
}

/// Opens the watchdog device, if one is configured; without it everything else works.
fn open_watchdog(plan: &mut Plan, shared: Arc<Shared>, priority: Option<u8>) -> Option<Keeper> {
    let path = plan.config.process.watchdog.as_deref()?;
    let (level, text, keeper) = match Keeper::start(path, plan.settings.deadtime, shared, priority)
    {
        Ok(keeper) => (Level::Info, format!("Using watchdog device: {path}"), Some(keeper)),
        Err(error) => (Level::Error, format!("Cannot open watchdog device: {path}: {error}"), None),
    };
    plan.log.write(&Line::new(level, text));
    keeper
}

/// Works until the end, and says it.
fn control(
    parts: control::Parts,
    signals: Signals,
    options: &Options,
) -> io::Result<(Ending, Names)> {
    let generation = parts.generation;
    let mut control = Control::new(parts, signals)?;
    control.say(Level::Info, format!("Heartbeat generation: {generation}"));
    if options.without_realtime {
        let text = format!("Request to set pid {} to realtime ignored.", std::process::id());
        control.say(Level::Info, text);
    }
    control.note(Happening::Start { version: env!("CARGO_PKG_VERSION").into(), generation });
    let ending = control.run()?;
    if ending == Ending::Stopped {
        // Half a daemon that ends is what the device is there for; that one lets it run.
        control.release_watchdog();
    }
    control.stop_programs();
    match ending {
        Ending::Stopped => {
            control.note(Happening::Stop);
            control.say_stopped();
        }
        Ending::Restart => {
            control.say(Level::Info, "Restarting heartbeat.");
            control.say(Level::Info, "Performing heartbeat restart exec.");
            control.leave_watchdog();
        }
        Ending::Broken => {
            control.say(Level::Critical, "The beat thread has ended. Heartbeat ends.");
        }
    }
    Ok((ending, control.take_names()))
}

/// Says what goes on for an earlier daemon: whatever concerns these groups waits for it, and until then
/// they are held.
fn tell_unfinished(executor: &Executor, log: &mut Log) {
    let Some(greeting) = &executor.greeting else {
        let text = "The executor does not answer yet: what it has on record is held until it does.";
        return log.write(&Line::new(Level::Warning, text));
    };
    for run in &greeting.unfinished {
        let words: Vec<_> = run.resources.iter().map(|resource| resource.word.as_str()).collect();
        let (what, verb) = (words.join(" "), run.action.verb());
        let text =
            format!("The {verb} of {what} goes on. Its group is held, and waits for its end.");
        log.write(&Line::new(Level::Info, text));
    }
}

/// Names what agents will not find in their environment. Names alone: a value may be a secret.
fn tell_left_out(log: &mut Log) {
    for name in Inherited::ours().left_out {
        let text = format!("{name} is not passed to agents: it is no text, or there is too much");
        log.write(&Line::new(Level::Warning, text));
    }
}

fn warn(log: &mut Log, what: &str, error: &io::Error) {
    log.write(&Line::new(Level::Warning, format!("Cannot {what}: {error}")));
}

/// The folders of sockets: root's, and the executor's for root alone. A C heartbeat left the first one
/// to its user.
fn take_runtime(paths: &Paths, log: &mut Log) -> io::Result<()> {
    let group = identity::group_id("haclient").ok();
    let ours = ["control.sock", "executor", "generation", "generation.new"];
    let mut told = trusted::take(&paths.runtime(), (RUNTIME_MODE, group), &ours)?;
    let of_executor = ["executor.sock", "executor.json", "executor.new", "executor.runs"];
    told.extend(trusted::take(&paths.executor(), (EXECUTOR_MODE, None), &of_executor)?);
    tell_taken(log, told);
    Ok(())
}

/// Says what was taken over, once: the next start finds nothing any more.
fn tell_taken(log: &mut Log, told: Vec<String>) {
    for text in told {
        log.write(&Line::new(Level::Warning, text));
    }
}

/// Starts the beat thread and hears what it could get for itself.
fn start_beating(
    beat: Beat,
    priority: Option<u8>,
    log: &mut Log,
) -> io::Result<JoinHandle<io::Result<()>>> {
    let (tell, told) = mpsc::sync_channel(1);
    let thread = thread::Builder::new().name("beat".to_owned()).stack_size(BEAT_STACK);
    let thread = thread.spawn(move || {
        let realtime = priority.map_or(Ok(()), realtime::become_realtime);
        let rights = keep_capabilities(&BEAT_RIGHTS);
        // The control thread waits for it, and is gone only when everything is.
        let _ = tell.send((realtime, rights));
        beat.run()
    })?;
    if let Ok((realtime, rights)) = told.recv() {
        if let Err(error) = realtime {
            warn(log, "set realtime priority", &error);
        }
        if let Err(error) = rights {
            warn(log, "give up rights", &error);
        }
    }
    Ok(thread)
}

/// Becomes the program anew that lies where ours lay, with the same process id. Returns only when
/// that fails.
fn execute_again(options: &Options, paths: &Paths, names: &Names) -> io::Error {
    // What was removed and not replaced can be executed all the same.
    let program = program::path().ok().filter(|path| path.exists());
    let program = program.unwrap_or_else(|| "/proc/self/exe".into());
    let mut command = Command::new(program);
    command.arg0("heartbeat").arg("-R").args(paths.arguments());
    let flags = [
        (options.foreground, "-f"),
        (options.without_realtime, "-l"),
        (options.without_resources, "-M"),
    ];
    command.args(flags.into_iter().filter(|(is_set, _)| *is_set).map(|(_, flag)| flag));
    command.args((0..options.debug).map(|_| "-d"));
    command.env(VARIABLE, names.value());
    command.exec()
}
