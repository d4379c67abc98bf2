//! The parts of a daemon at its start: helper processes, the executor, ping nodes, the watchdog device.

use super::plan::Plan;
use super::retry::retry;
use super::wiring;
use crate::beat::channel::Shared;
use crate::beat::executor::Executor;
use crate::beat::pings::Pings;
use crate::clients::Clients;
use crate::control::Helpers;
use crate::executor_process::ExecutorProcess;
use crate::fencing::Fencer;
use crate::hooks::Hooks;
use crate::log::{Level, Line, Log};
use crate::watchdog::Keeper;
use std::io;
use std::sync::Arc;
use systole_core::Detection;
use systole_ipc::paths::Paths;
use systole_sys::signals::Signals;

/// Starts the helper processes, if possible before memory is locked. Failures are logged, and the control
/// thread tries again.
pub(super) fn helpers(paths: &Paths, plan: &Plan, is_realtime: bool) -> Helpers {
    let mut clients = Clients::new(&plan.config, wiring::environment(&plan.config, plan.debug));
    let mut fencer = Fencer::new(plan.config.fencing.clone(), plan.settings.nodes.clone());
    let facts = wiring::executor(&plan.config, plan.debug, is_realtime);
    let mut hooks = Hooks::new(paths, &facts);
    let _ = (clients.tend(), fencer.tend(), hooks.tend());
    Helpers { clients, fencer, hooks }
}

pub(super) fn open_pings(plan: &mut Plan, signals: &Signals, unix_time: u64) -> io::Result<Pings> {
    let nodes = wiring::ping_nodes(&plan.config, &plan.names).map_err(io::Error::other)?;
    let deadping = plan.settings.deadping;
    let pings = retry("open the sockets for ping nodes", signals, &mut plan.log, || {
        Pings::open(nodes.clone(), unix_time, deadping)
    })?;
    for text in pings.opened() {
        plan.log.write(&Line::new(Level::Info, text));
    }
    Ok(pings)
}

/// Opens the watchdog device, if one is configured. Everything else works without it.
pub(super) fn open_watchdog(
    plan: &mut Plan,
    shared: Arc<Shared>,
    priority: Option<u8>,
) -> Option<Keeper> {
    let path = plan.config.process.watchdog.as_deref()?;
    let (level, text, keeper) = match Keeper::start(path, plan.settings.deadtime, shared, priority)
    {
        Ok(keeper) => (Level::Info, format!("Using watchdog device: {path}"), Some(keeper)),
        Err(error) => (Level::Error, format!("Cannot open watchdog device: {path}: {error}"), None),
    };
    plan.log.write(&Line::new(level, text));
    keeper
}

/// Connects to the executor or starts one. If that fails now, it is tried again while the daemon beats.
pub(super) fn obtain(process: &mut ExecutorProcess, plan: &mut Plan) -> Option<Executor> {
    let obtained = process.obtain(Detection::of(&plan.settings).permit() / 4);
    let executor = match obtained {
        Ok(executor) => Some(executor),
        Err(error) => {
            process.lost();
            let text = format!("Cannot start the executor: {error}. It is tried again.");
            plan.log.write(&Line::new(Level::Error, text));
            None
        }
    };
    tell_unfinished(executor.as_ref(), &mut plan.log);
    executor
}

/// Logs the runs that are still in progress for an earlier daemon: whatever concerns their groups waits for
/// the end of these runs, and until then the groups count as held.
fn tell_unfinished(executor: Option<&Executor>, log: &mut Log) {
    let Some(greeting) = executor.and_then(|executor| executor.greeting.as_ref()) else {
        let text = "The executor does not answer yet: the groups in its ledger count as held \
                    until it does.";
        return log.write(&Line::new(Level::Warning, text));
    };
    for run in &greeting.unfinished {
        let words: Vec<_> = run.resources.iter().map(|resource| resource.word.as_str()).collect();
        let (what, verb) = (words.join(" "), run.action.verb());
        let text = format!("The {verb} of {what} is still in progress; its group waits for it.");
        log.write(&Line::new(Level::Info, text));
    }
}
