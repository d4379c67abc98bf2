//! Puts the control thread's parts together.

use super::dropped::DroppedTable;
use super::lacking::Lacking;
use super::links::Medium;
use super::other_lines::OtherLines;
use super::reading::Reading;
use super::reasons::Reasons;
use super::running::Running;
use super::server::Server;
use super::service_network::ServiceNetwork;
use super::supervision::Supervision;
use super::unsent::UnsentTable;
use super::{Control, NOBODY};
use crate::beat::channel::ControlEnd;
use crate::clients::Clients;
use crate::daemon::host_names::Names;
use crate::daemon::pid_file::PidFile;
use crate::executor_process::ExecutorProcess;
use crate::fencing::Fencer;
use crate::fifo::Fifo;
use crate::hooks::{Events, Hooks};
use crate::log::Log;
use crate::log_lines::LogRenderer;
use crate::state::{State, StateWriter};
use crate::watchdog::Keeper;
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;
use systole_config::Config;
use systole_core::Settings;
use systole_facts::Files;
use systole_ipc::paths::Paths;
use systole_sys::signals::Signals;

/// The daemon's sides of its helper processes.
pub(crate) struct Helpers {
    /// The programs that are kept running.
    pub(crate) clients: Clients,
    /// Drives fencing devices.
    pub(crate) fencer: Fencer,
    /// Runs event scripts.
    pub(crate) hooks: Hooks,
}

/// The parts of which the control thread is made.
pub(crate) struct Parts {
    /// The paths of all files.
    pub(crate) paths: Paths,
    /// The pid file, by which other processes find this one.
    pub(crate) pid_file: PidFile,
    /// The settings of the core.
    pub(crate) settings: Arc<Settings>,
    /// The generation of this daemon.
    pub(crate) generation: u64,
    /// The same number, if it could not be stored on the disk.
    pub(crate) unstored_generation: Option<u64>,
    /// The files that are in force, and their configuration.
    pub(crate) files: Files,
    pub(crate) config: Config,
    /// Whether no group is known (`-M`).
    pub(crate) without_resources: bool,
    /// The debug level for scripts.
    pub(crate) debug: u8,
    /// Whether time-critical threads get real-time priority.
    pub(crate) is_realtime: bool,
    /// Time of the core's start in seconds since 1970.
    pub(crate) unix_time: u64,
    /// The log.
    pub(crate) log: Log,
    /// `log_badpack`.
    pub(crate) names_bad_packets: bool,
    /// The state that is kept across restarts.
    pub(crate) state: State,
    /// The media, in the order of `ha.cf`.
    pub(crate) media: Vec<Medium>,
    /// Starts executors.
    pub(crate) executor: ExecutorProcess,
    /// The daemon's sides of its helper processes.
    pub(crate) helpers: Helpers,
    /// Keeps the watchdog device, if there is one.
    pub(crate) watchdog: Option<Keeper>,
    /// The channel to the beat thread.
    pub(crate) beat: ControlEnd,
    /// The beat thread.
    pub(crate) thread: JoinHandle<Option<io::Result<()>>>,
}

impl Control {
    /// Puts the parts together. What cannot be obtained at once is tried again while the thread works.
    pub(crate) fn new(parts: Parts, signals: Signals) -> Self {
        let server = Server::new(&parts.paths.control_socket());
        let writer = {
            let Parts { state, settings, generation, unstored_generation, .. } = &parts;
            let journal = state.journal(settings.name(settings.me), *generation);
            StateWriter::new(state.clone(), journal, *unstored_generation)
        };
        let fifo = Fifo::new(parts.paths.fifo());
        let supervision = Supervision::new(Arc::clone(&parts.beat.shared), parts.log.side_log());
        let mut control = Self {
            renderer: LogRenderer::new(Arc::clone(&parts.settings), std::process::id()),
            writer,
            paths: parts.paths,
            pid_file: parts.pid_file,
            settings: parts.settings,
            files: parts.files,
            config: parts.config,
            without_resources: parts.without_resources,
            debug: parts.debug,
            is_realtime: parts.is_realtime,
            unix_time: parts.unix_time,
            log: parts.log,
            names_bad_packets: parts.names_bad_packets,
            state: parts.state,
            media: parts.media,
            executor: parts.executor,
            clients: parts.helpers.clients,
            fencer: parts.helpers.fencer,
            hooks: parts.helpers.hooks,
            events: Events::default(),
            fifo,
            watchdog: parts.watchdog,
            beat: parts.beat,
            thread: parts.thread,
            signals,
            server,
            supervision,
            lacking: Lacking::default(),
            watchers: Vec::new(),
            orders: BTreeMap::new(),
            answers: VecDeque::new(),
            details: BTreeMap::new(),
            reasons: Reasons::default(),
            key_renewal: None,
            dropped: DroppedTable::default(),
            unsent: UnsentTable::default(),
            alarms: Vec::new(),
            other_lines: OtherLines::default(),
            service_network: ServiceNetwork::default(),
            next_ticket: NOBODY.0 + 1,
            moment: None,
            reading: Reading::default(),
            is_reload_wanted: false,
            reload: None,
            next_tick: Instant::now(),
            names: Names::default(),
            is_stopping: false,
            is_restarting: false,
            moves_groups: false,
            running: Running::default(),
            ending: None,
        };
        control.tend_lacking();
        control.open_fifo();
        control
    }
}
