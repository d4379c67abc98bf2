//! The messages between the control thread and the beat thread: bounded, and without a lock.

#[cfg(test)]
mod tests;

use super::error_counters::ErrorCounters;
use super::executor::Executor;
use super::guard::Reach;
use super::keys::KeyStep;
use super::pings::Pings;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use systole_agents::meaning::ExecutorNews;
use systole_agents::protocol::Configuration;
use systole_config::AgentTimeouts;
use systole_core::{
    Custom, Event, FenceOutcome, GroupId, GroupKey, HoldRecord, NodeId, Order, OrderRefusal,
    PeerRecord, ReloadRefusal, Settings, Snapshot, Ticket,
};
use systole_sys::clock;
use systole_sys::eventfd::Wake;
use systole_sys::link::Link;
use systole_sys::process::ProcessId;
use systole_wire::Keys;

/// Maximum number of commands that wait for the beat thread. There are only a few at a time.
const COMMANDS: usize = 64;
/// Maximum number of news that wait for the control thread, which may hang for seconds on a disk.
const NEWS: usize = 4096;
/// Maximum number of news that must not be lost and wait for room.
const QUEUED: usize = 256;

/// A command of the control thread to the beat thread.
#[derive(Debug)]
pub(crate) enum Command {
    /// An order that is already authorised.
    Order {
        /// The ticket of the client that gets the answer.
        ticket: Ticket,
        /// The order.
        order: Order,
    },
    /// The result of an attempt to fence a node.
    Fenced {
        /// The node.
        node: NodeId,
        /// The number of the attempt.
        attempt: u32,
        /// The result.
        outcome: FenceOutcome,
    },
    /// Send a message of an administrator.
    Say {
        /// The message.
        message: Box<Custom>,
        /// The addressee; absent means every node.
        dest: Option<NodeId>,
    },
    /// Send a copy of the state.
    Snapshot,
    /// Use this executor, which is now available.
    Executor(Box<Executor>),
    /// Use these keys in place of the present ones.
    Keys(Box<Keys>),
    /// Apply other settings.
    Reconfigure(Box<Reconfiguration>),
    /// Where this node can be reached on the service network.
    Reach(Box<Reach>),
    /// Use this medium, which was opened late or again.
    Link {
        /// The index of the medium in `ha.cf`.
        index: usize,
        /// The medium.
        link: Box<Link>,
    },
}

/// The parts of a changed configuration that a running daemon applies.
#[derive(Debug)]
pub(crate) struct Reconfiguration {
    /// The settings for the core.
    pub(crate) settings: Settings,
    /// The time limits for agents.
    pub(crate) timeouts: AgentTimeouts,
    /// The configuration for the executor.
    pub(crate) executor: Configuration,
    /// The ping nodes, if they have changed.
    pub(crate) pings: Option<Pings>,
}

/// A piece of news from the beat thread.
#[derive(Debug)]
pub(crate) enum News {
    /// An event of the core.
    Event(Event),
    /// A message for event scripts was heard: its fields, as scripts are given them.
    Offered(Vec<(String, String)>),
    /// What the executor has reported.
    Executor(ExecutorNews),
    /// Ownership, or what is held, has changed and must be stored.
    Store {
        /// The ownerships.
        terms: Vec<(GroupKey, NodeId, u64)>,
        /// The holds, and the releases.
        holds: Vec<HoldRecord>,
        /// Groups that are here because of an order.
        kept_by_order: Vec<GroupKey>,
    },
    /// What is known about another node has changed and must be stored.
    StorePeer(PeerRecord),
    /// The answer to an order.
    Answer {
        /// The ticket of the order.
        ticket: Ticket,
        /// Done, or the reason why not.
        result: Result<(), OrderRefusal>,
    },
    /// A resource could not be stopped.
    StopFailed {
        /// The group.
        group: GroupId,
        /// The index of the resource in the group.
        resource: usize,
    },
    /// A device of a node must reset the node.
    Fence {
        /// The node.
        node: NodeId,
        /// The number of the attempt.
        attempt: u32,
        /// The index of the device.
        device: u8,
    },
    /// The keys are being renewed.
    Keys {
        /// The step.
        step: KeyStep,
        /// The nodes that have not yet been heard with the new key.
        waiting: Vec<NodeId>,
    },
    /// The executor is gone, so another one is needed.
    ExecutorGone {
        /// The executor's process, if it still exists but stands still.
        hung: Option<ProcessId>,
    },
    /// A medium's interface is gone.
    LinkLost {
        /// The index of the medium in `ha.cf`.
        index: usize,
        /// The lost medium, to be closed where that may take time.
        link: Box<Link>,
        /// The cause, as a number of errno(3).
        error: i32,
    },
    /// Other settings were applied, or refused.
    Reconfigured(Result<Arc<Settings>, ReloadRefusal>),
    /// A copy of the state.
    Snapshot(Box<Snapshot>),
    /// The errors of the last second.
    Errors(Box<ErrorCounters>),
}

/// What both threads can see without asking each other.
#[derive(Debug)]
pub(crate) struct Shared {
    /// Wakes the beat thread.
    pub(crate) beat: Wake,
    /// Wakes the control thread.
    pub(crate) control: Wake,
    /// Turns of the beat thread, as proof that it is alive.
    pub(crate) turns: AtomicU64,
    /// Checks that found the executor at work, as proof that it is alive.
    pub(crate) executor_turns: AtomicU64,
    /// Turns of the control thread, as proof that it waits for nothing but its poll.
    pub(crate) control_turns: AtomicU64,
    /// Everything is released and reported: the daemon may end.
    pub(crate) is_over: AtomicBool,
}

/// The control thread's end.
#[derive(Debug)]
pub(crate) struct ControlEnd {
    commands: SyncSender<Command>,
    news: Receiver<(u64, News)>,
    pub(crate) shared: Arc<Shared>,
}

/// The beat thread's end.
#[derive(Debug)]
pub(crate) struct BeatEnd {
    commands: Receiver<Command>,
    news: SyncSender<(u64, News)>,
    queued: VecDeque<(u64, News)>,
    /// When the present turn began, in nanoseconds on `CLOCK_BOOTTIME`.
    turn: u64,
    lost: u64,
    pub(crate) shared: Arc<Shared>,
}

/// Creates two connected ends.
///
/// # Errors
///
/// When no descriptors are left.
pub(crate) fn channel() -> std::io::Result<(ControlEnd, BeatEnd)> {
    let shared = Arc::new(Shared {
        beat: Wake::new()?,
        control: Wake::new()?,
        turns: AtomicU64::new(0),
        control_turns: AtomicU64::new(0),
        executor_turns: AtomicU64::new(0),
        is_over: AtomicBool::new(false),
    });
    let (commands, for_beat) = sync_channel(COMMANDS);
    let (for_control, news) = sync_channel(NEWS);
    let beat = BeatEnd {
        commands: for_beat,
        news: for_control,
        queued: VecDeque::with_capacity(QUEUED),
        turn: clock::boot_time(),
        lost: 0,
        shared: Arc::clone(&shared),
    };
    Ok((ControlEnd { commands, news, shared }, beat))
}

impl ControlEnd {
    /// Queues a command. Returns the command when too many wait.
    pub(crate) fn command(&self, command: Command) -> Result<(), Command> {
        let result = self.commands.try_send(command).map_err(|error| match error {
            TrySendError::Full(command) | TrySendError::Disconnected(command) => command,
        });
        self.shared.beat.raise();
        result
    }

    /// Returns the next piece of news, if there is one, and the moment of the turn that it is about, in
    /// nanoseconds on `CLOCK_BOOTTIME`.
    pub(crate) fn news(&self) -> Option<(u64, News)> {
        self.news.try_recv().ok()
    }

    /// Whether the beat thread has reported that everything is over.
    pub(crate) fn is_over(&self) -> bool {
        self.shared.is_over.load(Ordering::Acquire)
    }
}

impl BeatEnd {
    /// Records that a turn begins at this moment on `CLOCK_BOOTTIME`, in nanoseconds.
    pub(crate) const fn begin_turn(&mut self, at: u64) {
        self.turn = at;
    }

    /// Returns the next command, if there is one and there is room for the news that it may cause.
    pub(crate) fn command(&self) -> Option<Command> {
        if self.queued.len() < QUEUED / 2 { self.commands.try_recv().ok() } else { None }
    }

    /// Sends news that may be lost when the control thread hangs, because beats never wait for it. The news
    /// does not overtake news that waits for room: news of a group must not arrive before the settings that
    /// name the group.
    pub(crate) fn send_lossy(&mut self, news: News) {
        self.flush();
        if !self.queued.is_empty() || self.news.try_send((self.turn, news)).is_err() {
            self.lost += 1;
        }
        self.shared.control.raise();
    }

    /// Sends news that waits for room instead of being lost.
    pub(crate) fn send_queued(&mut self, news: News) {
        let is_store = |news: &News| matches!(news, News::Store { .. });
        if is_store(&news)
            && let Some(waiting) = self.queued.iter_mut().find(|(_, waiting)| is_store(waiting))
        {
            // Only the latest news of this kind counts, and it names groups by their keys.
            *waiting = (self.turn, news);
        } else if self.queued.len() < QUEUED {
            self.queued.push_back((self.turn, news));
        } else {
            self.lost += 1;
        }
        self.flush();
    }

    /// Tries again to send news that must not be lost.
    pub(crate) fn flush(&mut self) {
        while let Some(news) = self.queued.pop_front() {
            match self.news.try_send(news) {
                Ok(()) => self.shared.control.raise(),
                Err(TrySendError::Full(news) | TrySendError::Disconnected(news)) => {
                    self.queued.push_front(news);
                    return;
                }
            }
        }
    }

    /// Returns the number of news that were lost since the last call.
    pub(crate) fn take_lost(&mut self) -> u64 {
        std::mem::take(&mut self.lost)
    }

    /// Records that a turn is finished.
    pub(crate) fn record_turn(&self) {
        self.shared.turns.fetch_add(1, Ordering::Relaxed);
    }

    /// Records that the executor makes progress.
    pub(crate) fn record_executor_turn(&self) {
        self.shared.executor_turns.fetch_add(1, Ordering::Relaxed);
    }

    /// Records that everything is over.
    pub(crate) fn end(&self) {
        self.shared.is_over.store(true, Ordering::Release);
        self.shared.control.raise();
    }
}
