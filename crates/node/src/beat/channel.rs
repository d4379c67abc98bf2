//! What the control thread and the beat thread tell each other: bounded, and without a lock.

#[cfg(test)]
mod tests;

use super::error_counters::ErrorCounters;
use super::executor::Executor;
use super::keys::KeyStep;
use super::pings::Pings;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use systole_agents::protocol::{Configuration, Level};
use systole_config::AgentTimeouts;
use systole_core::{
    Event, FenceOutcome, GroupId, GroupKey, HoldRecord, JobId, NodeId, Order, PeerRecord, Refusal,
    Settings, Snapshot, Ticket,
};
use systole_sys::eventfd::Wake;
use systole_sys::link::Link;
use systole_sys::process::ProcessId;
use systole_wire::Keys;

/// Commands that may wait for the beat thread; there are at most a few at a time.
const COMMANDS: usize = 64;
/// News that may wait for the control thread, which may hang for seconds on a disk.
const NEWS: usize = 4096;
/// News that must not be lost and wait for room.
const QUEUED: usize = 256;

/// What the control thread wants of the beat thread.
#[derive(Debug)]
pub(crate) enum Command {
    /// An order, already authorised.
    Order {
        /// Whom to answer.
        ticket: Ticket,
        /// What is wanted.
        order: Order,
    },
    /// What came of an attempt to fence a node.
    Fenced {
        /// The node.
        node: NodeId,
        /// The number of the attempt.
        attempt: u32,
        /// What came of it.
        outcome: FenceOutcome,
    },
    /// A copy of the state.
    Snapshot,
    /// An executor is there.
    Executor(Box<Executor>),
    /// Other keys, in the place of those in use.
    Keys(Box<Keys>),
    /// Other settings.
    Reconfigure(Box<Reconfiguration>),
    /// A medium, opened late or anew.
    Link {
        /// Which, by its place in `ha.cf`.
        index: usize,
        /// The medium.
        link: Box<Link>,
    },
}

/// What a running daemon takes of a changed configuration.
#[derive(Debug)]
pub(crate) struct Reconfiguration {
    /// For the core.
    pub(crate) settings: Settings,
    /// How long agents may take.
    pub(crate) timeouts: AgentTimeouts,
    /// For the executor.
    pub(crate) executor: Configuration,
    /// The ping nodes, if they are others.
    pub(crate) pings: Option<Pings>,
}

/// What the beat thread has to tell.
#[derive(Debug)]
pub(crate) enum News {
    /// Something happened.
    Event {
        /// When, in nanoseconds on `CLOCK_BOOTTIME`.
        at: u64,
        /// What.
        event: Event,
    },
    /// The executor has let go of a group by itself, which the core is told, too.
    LetGo {
        /// The group.
        group: GroupId,
        /// Why, in words.
        why: String,
    },
    /// A line of the executor or one of its agents.
    Line {
        /// How grave it is.
        level: Level,
        /// Who says it.
        tag: String,
        /// The line.
        text: String,
    },
    /// Why a job failed, in the words of who ran it.
    Reason {
        /// The job. The core tells what it was.
        job: JobId,
        /// The words.
        text: String,
    },
    /// Addresses of a group were gone and are back.
    AddressBack {
        /// The group.
        group: GroupId,
        /// The addresses, as in haresources.
        addresses: String,
        /// Who might have removed them, in words.
        cause: String,
    },
    /// Something that a person should look at, or that is over.
    Alarm {
        /// The group.
        group: GroupId,
        /// What it is, in words.
        text: Option<String>,
    },
    /// The interfaces that a group needs are not well, or are well again.
    Carrier {
        /// The group.
        group: GroupId,
        /// What is wrong.
        fault: Option<String>,
    },
    /// Ownership, or what is held, has changed, and is to be stored.
    Store {
        /// The ownerships.
        terms: Vec<(GroupKey, NodeId, u64)>,
        /// What is held or was released.
        holds: Vec<HoldRecord>,
        /// Groups that are here because a person wanted it so.
        kept_by_order: Vec<GroupKey>,
    },
    /// What is known of another node has changed, and is to be stored.
    StorePeer(PeerRecord),
    /// The answer to an order.
    Answer {
        /// Whose.
        ticket: Ticket,
        /// Done, or why not.
        result: Result<(), Refusal>,
    },
    /// A resource could not be stopped.
    StopFailed {
        /// The group.
        group: GroupId,
        /// The resource, by its place in the group.
        resource: usize,
    },
    /// A device of a node shall reset it.
    Fence {
        /// The node.
        node: NodeId,
        /// The number of the attempt.
        attempt: u32,
        /// The device, by its place.
        device: u8,
    },
    /// The keys are being renewed.
    Keys {
        /// What happened.
        step: KeyStep,
        /// The nodes that were not heard with the new one.
        waiting: Vec<NodeId>,
    },
    /// The executor is gone: another one is needed.
    ExecutorGone {
        /// The process that is still there, but stands still.
        hung: Option<ProcessId>,
    },
    /// A medium's interface is gone.
    LinkLost {
        /// Which, by its place in `ha.cf`.
        index: usize,
        /// What is left of it, to be closed where that may take time.
        link: Box<Link>,
        /// Why, by its number in errno(3).
        error: i32,
    },
    /// Other settings are taken, or they are not.
    Reconfigured(Result<Arc<Settings>, Refusal>),
    /// The copy of the state.
    Snapshot(Box<Snapshot>),
    /// What went wrong in the last second.
    Errors(Box<ErrorCounters>),
}

/// What both threads see without asking each other.
#[derive(Debug)]
pub(crate) struct Shared {
    /// Wakes the beat thread.
    pub(crate) beat: Wake,
    /// Wakes the control thread.
    pub(crate) control: Wake,
    /// Turns of the beat thread: proof that it lives.
    pub(crate) turns: AtomicU64,
    /// Looks that found the executor at work: proof that it lives.
    pub(crate) executor_turns: AtomicU64,
    /// Turns of the control thread: proof that it waits for nothing but its poll.
    pub(crate) control_turns: AtomicU64,
    /// Everything is released and said: the daemon may end.
    pub(crate) is_over: AtomicBool,
}

/// The control thread's end.
#[derive(Debug)]
pub(crate) struct ControlEnd {
    commands: SyncSender<Command>,
    news: Receiver<News>,
    pub(crate) shared: Arc<Shared>,
}

/// The beat thread's end.
#[derive(Debug)]
pub(crate) struct BeatEnd {
    commands: Receiver<Command>,
    news: SyncSender<News>,
    queued: VecDeque<News>,
    lost: u64,
    pub(crate) shared: Arc<Shared>,
}

/// Two ends that are connected.
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
        lost: 0,
        shared: Arc::clone(&shared),
    };
    Ok((ControlEnd { commands, news, shared }, beat))
}

impl ControlEnd {
    /// Hands a command over; gives it back when too many wait.
    pub(crate) fn command(&self, command: Command) -> Result<(), Command> {
        let result = self.commands.try_send(command).map_err(|error| match error {
            TrySendError::Full(command) | TrySendError::Disconnected(command) => command,
        });
        self.shared.beat.raise();
        result
    }

    /// The next piece of news, if there is one.
    pub(crate) fn news(&self) -> Option<News> {
        self.news.try_recv().ok()
    }

    /// Whether the beat thread has said that everything is over.
    pub(crate) fn is_over(&self) -> bool {
        self.shared.is_over.load(Ordering::Acquire)
    }
}

impl BeatEnd {
    /// The next command, if there is one, and room for what it leads to.
    pub(crate) fn command(&self) -> Option<Command> {
        if self.queued.len() < QUEUED / 2 { self.commands.try_recv().ok() } else { None }
    }

    /// Tells something that may be lost when the control thread hangs: beats never wait for it. It
    /// does not overtake what waits for room: news of a group must not come before the settings that name it.
    pub(crate) fn send_lossy(&mut self, news: News) {
        self.flush();
        if !self.queued.is_empty() || self.news.try_send(news).is_err() {
            self.lost += 1;
        }
        self.shared.control.raise();
    }

    /// Tells something that waits for room rather than being lost.
    pub(crate) fn send_queued(&mut self, news: News) {
        let is_store = |news: &News| matches!(news, News::Store { .. });
        if is_store(&news)
            && let Some(waiting) = self.queued.iter_mut().find(|waiting| is_store(waiting))
        {
            // Only the latest counts, and it names groups by their keys.
            *waiting = news;
        } else if self.queued.len() < QUEUED {
            self.queued.push_back(news);
        } else {
            self.lost += 1;
        }
        self.flush();
    }

    /// Tries again to hand over what must not be lost.
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

    /// How many pieces of news were lost since the last call.
    pub(crate) fn take_lost(&mut self) -> u64 {
        std::mem::take(&mut self.lost)
    }

    /// Says that one more turn is done.
    pub(crate) fn record_turn(&self) {
        self.shared.turns.fetch_add(1, Ordering::Relaxed);
    }

    /// Says that the executor makes progress.
    pub(crate) fn record_executor_turn(&self) {
        self.shared.executor_turns.fetch_add(1, Ordering::Relaxed);
    }

    /// Says that everything is over.
    pub(crate) fn end(&self) {
        self.shared.is_over.store(true, Ordering::Release);
        self.shared.control.raise();
    }
}
