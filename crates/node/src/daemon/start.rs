//! From the three files to a running daemon, and back.
//!
//! ```text
//!   files ─▶ findings ─▶ background ─▶ pid file ─▶ executor ─▶ core ─▶ beat thread
//!                │                                                        │
//!          exit 4 or 6                      exit 0, or the next one ◀── control
//! ```

use super::beating::start_beating;
use super::host_names::Names;
use super::inherited::Inherited;
use super::only::{self, Only};
use super::parts::{helpers, obtain, open_pings, open_watchdog};
use super::pid_file::{self, PidFile};
use super::plan::{Plan, Way, plan};
use super::recalled::{boot, recalled, with_cause};
use super::retry::retry;
use super::succession::{Estate, execute_again};
use super::{already_running, leftover, media, wiring};
use crate::beat::channel::channel;
use crate::beat::load::Load;
use crate::beat::{self, BeatLoop};
use crate::control::{self, Control, Ending};
use crate::executor_process::ExecutorProcess;
use crate::log::{Level, Line, Log, LogSettings};
use crate::options::{Options, exit};
use crate::runtime;
use crate::state::State;
use std::io;
use std::sync::Arc;
use systole_core::Cluster;
use systole_facts::capabilities;
use systole_ipc::journal::JournalEvent;
use systole_ipc::paths::Paths;
use systole_sys::daemonize::ProcessLock;
use systole_sys::signals::Signals;
use systole_sys::{clock, daemonize, realtime};
use systole_wire::Encoder;

/// Starts a daemon and runs it to its end. In the background, returns the exit code of the parent.
pub(super) fn start(options: &Options, paths: &Paths, way: Way) -> io::Result<u8> {
    let plan = match plan(options, paths, way) {
        Ok(plan) => plan,
        Err(code) => return Ok(code),
    };
    let settings = plan.log_settings.clone();
    let result = go_on(options, paths, plan, &settings);
    if let Err(error) = &result {
        // In the background, standard error leads nowhere.
        let mut report = Log::open(&settings, options.foreground);
        report.write(&Line::new(Level::Critical, format!("Heartbeat ends: {error}")));
    }
    result
}

/// Becomes the only daemon of its directories, in the background if requested, and runs.
fn go_on(
    options: &Options,
    paths: &Paths,
    mut plan: Plan,
    settings: &LogSettings,
) -> io::Result<u8> {
    tell_taken(&mut plan.log, runtime::take(paths)?);
    let lock = match plan.way {
        Way::Successor => only::remain_only(paths, &mut plan.log),
        Way::Fresh => match only::become_only(paths, &mut plan.log)? {
            Only::Us(lock) => lock,
            Only::Other(Some(pid)) => return Ok(already_running(pid)),
            Only::Other(None) => {
                let path = paths.lock();
                let text =
                    "another heartbeat starts, or ends, or runs without a pid file: it holds";
                return Err(io::Error::other(format!("{text} {}", path.display())));
            }
        },
    };
    if !options.foreground && plan.way == Way::Fresh {
        daemonize::daemonize()?;
        plan.log.renew_pid();
    }
    run(options, paths, plan, (settings, lock.as_ref()))
}

/// Runs the daemon.
fn run(
    options: &Options,
    paths: &Paths,
    mut plan: Plan,
    heritage: (&LogSettings, Option<&ProcessLock>),
) -> io::Result<u8> {
    let mut pid_file = PidFile::new(paths);
    // If there is no space for it, the daemon works without it; this is logged below, and tried again.
    let _ = pid_file.tend();
    // This precedes the first thread, so that every thread has the signals blocked.
    let signals = Signals::take()?;
    plan.log.start();
    let is_realtime = plan.config.process.realtime && !options.without_realtime;
    if is_realtime && let Err(error) = realtime::write_oom_score(realtime::OOM_NEVER) {
        warn(&mut plan.log, "lower the OOM score, to be spared when memory runs out", &error);
    }
    for text in capabilities::complaints(is_realtime) {
        plan.log.write(&Line::new(Level::Warning, text));
    }
    let result = run_threads(options, paths, plan, (signals, pid_file), is_realtime);
    if !matches!(result, Ok((Ending::Restart, _))) {
        pid_file::remove(paths);
    }
    match result? {
        (Ending::Stopped, _) => Ok(exit::OK),
        (Ending::Broken, _) => Ok(exit::REFUSED),
        (Ending::Restart, estate) => Err(execute_again(options, paths, &estate, heritage)),
    }
}

fn run_threads(
    options: &Options,
    paths: &Paths,
    mut plan: Plan,
    (signals, pid_file): (Signals, PidFile),
    is_realtime: bool,
) -> io::Result<(Ending, Estate)> {
    let opened = State::open(&paths.state);
    let (state, taken) = opened.map_err(|error| io::Error::other(with_cause(&error)))?;
    tell_taken(&mut plan.log, taken);
    let Some((media, known)) = media::open(&plan.links, &plan.settings, plan.way, &mut plan.log)
    else {
        return Ok((Ending::Broken, Estate::default()));
    };
    tell_left_out(&mut plan.log);
    let facts = wiring::executor(&plan.config, plan.debug, is_realtime);
    let mut process = ExecutorProcess::new(paths.clone(), facts);
    let listed = process.listed().unwrap_or_else(|error| {
        let text = format!("Cannot read what the executor holds until it reports it: {error}");
        plan.log.write(&Line::new(Level::Error, text));
        Vec::new()
    });
    let executor = obtain(&mut process, &mut plan);
    let helpers = helpers(paths, &plan, is_realtime);
    let stored = if options.without_resources {
        Vec::new()
    } else {
        recalled(state.retired(&plan.settings), &mut plan.log)
    };
    let greeting = executor.as_ref().and_then(|executor| executor.greeting.as_ref());
    leftover::retire(&mut plan.settings, &listed, greeting, &stored, &mut plan.log);
    let origin = clock::boot_time();
    let unix_time = clock::unix_time().as_secs();
    let (boot, unstored_generation) =
        boot(&plan.config, &plan.settings, (paths, &state), &listed, unix_time, &mut plan.log)?;
    let (generation, started) = (boot.generation, boot.started);
    let keys = wiring::keys(&plan.config.authentication).map_err(io::Error::other)?;
    let identity = wiring::identity(&plan.config, &plan.settings, boot.uuid, generation);
    let pings = open_pings(&mut plan, &signals, unix_time)?;
    let (control_end, beat_end) = retry("connect the threads", &signals, &mut plan.log, channel)?;
    let load = retry("open the load average", &signals, &mut plan.log, Load::open)?;
    let beat = BeatLoop::new(beat::Parts {
        cluster: Cluster::new(plan.settings.clone(), boot),
        unix_time,
        origin,
        keys,
        encoder: Encoder::new(identity, wiring::style(&plan.config)),
        media,
        addresses: wiring::peer_addresses(&plan.links, &plan.settings),
        pings,
        executor,
        timeouts: plan.config.agent_timeouts,
        control: beat_end,
        load,
    });
    let priority = plan.config.process.priority.unwrap_or(realtime::DEFAULT_PRIORITY);
    let thread = start_beating(beat, is_realtime.then_some(priority), &signals, &mut plan.log)?;
    if is_realtime && let Err(error) = realtime::lock_memory() {
        warn(&mut plan.log, "lock memory", &error);
    }
    let shared = Arc::clone(&control_end.shared);
    let watchdog = open_watchdog(&mut plan, shared, is_realtime.then_some(priority));
    let parts = control::Parts {
        paths: paths.clone(),
        pid_file,
        settings: Arc::new(plan.settings),
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
        helpers,
        watchdog,
        beat: control_end,
        thread,
    };
    let (ending, names) = control(parts, origin, signals, options)?;
    Ok((ending, Estate { names, started }))
}

/// Runs the control thread until the end, and logs the end. The run began at `origin`, in nanoseconds on
/// `CLOCK_BOOTTIME`.
fn control(
    parts: control::Parts,
    origin: u64,
    signals: Signals,
    options: &Options,
) -> io::Result<(Ending, Names)> {
    let generation = parts.generation;
    let mut control = Control::new(parts, signals);
    control.say(Level::Info, format!("Heartbeat generation: {generation}"));
    if options.without_realtime {
        let text = format!("Request to set pid {} to realtime ignored.", std::process::id());
        control.say(Level::Info, text);
    }
    // The beat thread has been running for a while, and what it did comes after the start.
    let start = JournalEvent::Start { version: env!("CARGO_PKG_VERSION").into(), generation };
    control.note_at(start, origin);
    let ending = control.run()?;
    if ending == Ending::Stopped {
        // The watchdog must act on a daemon that ends only in part, so such an end leaves the device running.
        control.release_watchdog();
    }
    control.close_fifo(ending);
    control.stop_programs();
    match ending {
        Ending::Stopped => {
            control.note(JournalEvent::Stop);
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

/// Logs the variables that agents will not have in their environment. Only names, because a value may be a
/// secret.
fn tell_left_out(log: &mut Log) {
    for name in Inherited::ours().left_out {
        let text = format!("{name} is not passed to agents: it is not UTF-8, or too long");
        log.write(&Line::new(Level::Warning, text));
    }
}

pub(super) fn warn(log: &mut Log, what: &str, error: &io::Error) {
    log.write(&Line::new(Level::Warning, format!("Cannot {what}: {error}")));
}

/// Logs what was taken over. This happens once, because the next start finds nothing to take over.
fn tell_taken(log: &mut Log, told: Vec<String>) {
    for text in told {
        log.write(&Line::new(Level::Warning, text));
    }
}
