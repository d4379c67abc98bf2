//! The control thread, for everything slow: control socket, log, journal, signals, the executor's process.
//!
//! This thread waits for disks and users, and so the beat thread never waits for it.

mod alarms;
mod dropped;
mod error_lines;
mod executor;
mod fence;
mod fifo;
mod hooks;
mod keys;
mod lacking;
pub(crate) mod links;
mod news;
mod other_lines;
mod parts;
mod reading;
mod reasons;
mod reload;
mod requester;
mod requests;
mod reread;
mod restart;
mod running;
mod server;
mod service_network;
mod stop_failure;
mod supervision;
mod unsent;
mod watchdog;

use crate::beat::channel::{Command, ControlEnd};
use crate::clients::Clients;
use crate::daemon::host_names::Names;
use crate::daemon::pid_file::PidFile;
use crate::daemon::recalled::with_cause;
use crate::executor_process::ExecutorProcess;
use crate::fencing::{Answer, Fencer};
use crate::fifo::Fifo;
use crate::hooks::{Events, Hooks};
use crate::log::{Level, Line, Log};
use crate::log_lines::LogRenderer;
use crate::state::{State, StateWriter, Told};
use crate::watchdog::Keeper;
use dropped::DroppedTable;
use lacking::Lacking;
use links::Medium;
use other_lines::OtherLines;
pub(crate) use parts::{Helpers, Parts};
use reading::Reading;
use reasons::Reasons;
use reload::Reload;
use requester::Requester;
use reread::Asker;
use running::Running;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use server::{ClientId, Server};
use service_network::ServiceNetwork;
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use supervision::Supervision;
use systole_config::Config;
use systole_core::{Order, Settings, Ticket};
use systole_facts::Files;
use systole_ipc::journal::JournalEvent;
use systole_ipc::order::DaemonOrder;
use systole_ipc::paths::Paths;
use systole_ipc::protocol::{AlarmReport, KeyRenewal};
use systole_sys::clock;
use systole_sys::signals::{Signal, Signals};
use unsent::UnsentTable;

/// Time between two checks of everything that changes without notification.
const TICK: Duration = Duration::from_millis(500);
/// Maximum number of news that are handled before signals and clients are checked again.
const NEWS_PER_TURN: usize = 256;
/// The ticket of an order for whose answer nothing waits.
const NOBODY: Ticket = Ticket(0);

/// How the daemon ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Everything was released.
    Stopped,
    /// The daemon executes itself again; resources stay as they are.
    Restart,
    /// The beat thread has ended, which must not happen.
    Broken,
}

/// The state of the control thread.
#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
pub(crate) struct Control {
    /// The paths of all files.
    paths: Paths,
    /// The pid file, by which other processes find this one.
    pid_file: PidFile,
    /// The settings of the core.
    settings: Arc<Settings>,
    /// The files that are in force, and their configuration.
    files: Files,
    config: Config,
    /// Whether no group is known (`-M`).
    without_resources: bool,
    /// The debug level for scripts.
    debug: u8,
    /// Whether time-critical threads get real-time priority.
    is_realtime: bool,
    /// Time of the core's start in seconds since 1970.
    unix_time: u64,
    /// The log.
    log: Log,
    /// `log_badpack`.
    names_bad_packets: bool,
    /// The state that is kept across restarts.
    state: State,
    /// The media, in the order of `ha.cf`.
    media: Vec<Medium>,
    /// Starts executors.
    executor: ExecutorProcess,
    /// The programs that are kept running.
    clients: Clients,
    /// Drives fencing devices.
    fencer: Fencer,
    /// Runs event scripts.
    hooks: Hooks,
    /// Turns events into calls of event scripts.
    events: Events,
    /// The FIFO into which scripts write messages.
    fifo: Fifo,
    /// Keeps the watchdog device, if there is one.
    watchdog: Option<Keeper>,
    /// The channel to the beat thread.
    beat: ControlEnd,
    /// The beat thread.
    thread: JoinHandle<Option<io::Result<()>>>,
    renderer: LogRenderer,
    writer: StateWriter,
    signals: Signals,
    server: Server,
    /// Sends signs of life to the service manager until it is dropped.
    supervision: Supervision,
    /// What could not be obtained yet.
    lacking: Lacking,
    /// The clients that wait for a copy of the state.
    watchers: Vec<ClientId>,
    /// The clients that wait for the end of an order. Nobody waits for that of an order from the FIFO.
    orders: BTreeMap<Ticket, (Option<ClientId>, Order)>,
    /// The answers of devices, until the beat thread takes them.
    answers: VecDeque<Answer>,
    /// What devices said about attempts whose end the core has not reported yet.
    details: BTreeMap<(String, u32), String>,
    /// Why jobs failed on this node, in words.
    reasons: Reasons,
    /// The renewal of the keys, while it is in progress.
    key_renewal: Option<KeyRenewal>,
    /// The sources of dropped datagrams.
    dropped: DroppedTable,
    /// The media that do not take messages.
    unsent: UnsentTable,
    /// Conditions that an administrator should look at.
    alarms: Vec<AlarmReport>,
    /// The lines of haresources that differ between the nodes.
    other_lines: OtherLines,
    service_network: ServiceNetwork,
    next_ticket: u64,
    /// The moment that the news is about that is being handled, in nanoseconds on `CLOCK_BOOTTIME`.
    moment: Option<u64>,
    /// The reading of the files that is in progress.
    reading: Reading<Asker>,
    /// Whether the files must be read once more afterwards.
    is_reload_wanted: bool,
    /// The other settings that the beat thread has been given.
    reload: Option<Reload>,
    next_tick: Instant,
    /// The resolved host names that a successor needs.
    names: Names,
    /// The core was ordered to release everything and end, which takes as long as agents do.
    is_stopping: bool,
    /// The daemon executes itself again as soon as the programs that it keeps running have ended.
    is_restarting: bool,
    /// A hand-over with another Systole node is moving groups. One with a C node is continued by a
    /// successor.
    moves_groups: bool,
    /// What runs on this node.
    running: Running,
    ending: Option<Ending>,
}

impl Control {
    /// Works until the daemon is to end, and returns how it ends.
    ///
    /// # Errors
    ///
    /// When waiting fails.
    pub(crate) fn run(&mut self) -> io::Result<Ending> {
        Supervision::ready();
        loop {
            self.beat.shared.control_turns.fetch_add(1, Ordering::Relaxed);
            self.wait()?;
            self.read_signals()?;
            self.read_clients();
            self.read_fifo();
            self.read_news();
            self.tend_reading();
            self.tend_executor();
            self.tend_programs();
            self.tend_fencer();
            self.tend_hooks();
            self.tick();
            if let Some(ending) = self.ending {
                return Ok(ending);
            }
        }
    }

    /// Writes a line to the daemon's log.
    pub(crate) fn say(&mut self, level: Level, text: impl Into<String>) {
        self.log.write(&Line::new(level, text));
    }

    /// Writes the last line of a graceful stop.
    pub(crate) fn say_stopped(&mut self) {
        let line = self.renderer.stopped();
        self.log.write(&line);
    }

    /// Ends the programs that the daemon keeps running. Takes as long as they take.
    pub(crate) fn stop_programs(&mut self) {
        for line in self.clients.stop() {
            self.log.write(&line);
        }
        self.hooks.end();
    }

    /// Records in the journal what has just happened, or happened in the turn of the beat thread whose news
    /// is being handled.
    pub(crate) fn note(&mut self, event: JournalEvent) {
        let at = self.moment.unwrap_or_else(clock::boot_time);
        self.note_at(event, at);
    }

    /// Records in the journal what happened at this moment, in nanoseconds on `CLOCK_BOOTTIME`.
    pub(crate) fn note_at(&mut self, event: JournalEvent, at: u64) {
        let age = clock::boot_time().saturating_sub(at);
        self.writer.note(event, Duration::from_nanos(age));
    }

    /// Reports the results of what was to be stored.
    fn tend_writer(&mut self) {
        for told in self.writer.told() {
            let (level, text) = match told {
                Told::JournalFailed(error) => {
                    (Level::Error, format!("Cannot write the journal: {error}"))
                }
                Told::JournalResumed { lost } => {
                    let text = format!("The journal is written again. {lost} entries were lost.");
                    (Level::Warning, text)
                }
                Told::OwnershipFailed(error) => {
                    (Level::Error, format!("Cannot store ownership: {}", with_cause(&error)))
                }
                Told::OwnershipStored => (Level::Info, "Ownership is stored now.".to_owned()),
                Told::PeerFailed(error) => {
                    (Level::Error, format!("Cannot store a generation: {}", with_cause(&error)))
                }
                Told::PeerStored => {
                    (Level::Info, "What is known of the other nodes is stored now.".to_owned())
                }
                Told::GenerationStored => {
                    (Level::Info, "The generation of this run is stored now.".to_owned())
                }
                Told::Full => {
                    let text = "The disk is too slow: some state is no longer stored.";
                    (Level::Error, text.to_owned())
                }
            };
            self.say(level, text);
        }
    }

    fn wait(&self) -> io::Result<()> {
        let tick = self.next_tick.saturating_duration_since(Instant::now());
        let sleep = self.executor.idle_for().map_or(tick, |idle| idle.min(tick));
        let timeout = Timespec {
            tv_sec: i64::try_from(sleep.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: sleep.subsec_nanos().into(),
        };
        let wake = &self.beat.shared.control;
        let mut fds = vec![
            PollFd::from_borrowed_fd(wake.as_fd(), PollFlags::IN),
            PollFd::new(&self.signals, PollFlags::IN),
        ];
        fds.extend(self.server.descriptors());
        fds.extend(self.clients.descriptors());
        fds.extend(self.fencer.descriptors());
        fds.extend(self.hooks.descriptors());
        fds.extend(self.fifo.descriptors());
        match poll(&mut fds, Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn read_signals(&mut self) -> io::Result<()> {
        while let Some(received) = self.signals.next()? {
            let debug = self.log.debug();
            match received.signal {
                Signal::Terminate => self.stop(received.uid, received.pid),
                Signal::Hangup => self.hang_up(),
                Signal::User1 => self.log.change_debug(debug.saturating_add(1)),
                Signal::User2 => self.log.change_debug(debug.saturating_sub(1)),
                // Children that have ended are reaped by the code that started them.
                Signal::Child
                | Signal::Interrupt
                | Signal::Kill
                | Signal::Stop
                | Signal::Continue => {}
            }
        }
        Ok(())
    }

    fn stop(&mut self, uid: u32, pid: u32) {
        Supervision::stopping();
        let order = Order::Stop;
        let who = Requester::of(uid, pid.cast_signed());
        self.note(who.orders(DaemonOrder::Stop, NOBODY));
        if self.beat.command(Command::Order { ticket: NOBODY, order }).is_err() {
            return self.say(
                Level::Error,
                "The beat thread accepts no orders: send the signal \
                                        again",
            );
        }
        self.is_stopping = true;
        self.end_reading();
        if std::mem::take(&mut self.is_restarting) {
            self.say(Level::Info, "No restart: the daemon is being stopped.");
        }
    }

    fn tend_programs(&mut self) {
        for line in self.clients.read() {
            self.log.write(&line);
        }
        if self.is_restarting && self.ending.is_none() && self.clients.have_ended() {
            self.ending = Some(Ending::Restart);
        }
    }

    fn tick(&mut self) {
        let now = Instant::now();
        if now < self.next_tick {
            return;
        }
        self.next_tick = now + TICK;
        self.log.tick();
        let boot_time = Duration::from_nanos(clock::boot_time());
        self.tell_dropped(boot_time);
        let keepalive = self.settings.keepalive;
        for line in self.unsent.tick(&self.media, keepalive, boot_time) {
            self.log.write(&line);
        }
        self.server.tick();
        self.writer.tick();
        self.tend_writer();
        self.tend_watchdog();
        self.tend_other_lines();
        self.tend_service_network();
        self.tend_lacking();
        self.open_missing_links();
    }
}
