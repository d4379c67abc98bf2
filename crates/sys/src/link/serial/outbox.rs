//! Messages on their way to a slow line.
//!
//! Whole messages wait in their order, and none is handed to the kernel before the line should be
//! done with the one before: what the kernel has cannot be overtaken, and it would take 4 s of a
//! 9600 baud line. Where too much waits, the newest beat overtakes it, and replaces older ones.
//!
//! ```text
//!          a message, the line is free         the kernel is full
//!   idle ──────────────────────────────▶ busy ────────────────────▶ stuck
//!    ▲  ▲            written              │  ▲      room             │ │
//!    │  └─────────────────────────────────┘  └──────────────────────┘ │
//!    └──────────────────────────────────────────────────────────────── ┘
//!                                 abandoned
//! ```

use rustix::io::Errno;
use std::collections::VecDeque;
use std::io;
use std::time::Duration;

/// Nanoseconds in a second.
const SECOND: u64 = 1_000_000_000;
/// Bits on the wire for a byte: a start bit and a stop bit go with it.
const BITS_PER_BYTE: u64 = 10;
/// Most bytes that wait on the fastest line, but for a beat that overtakes them. On a slower one it
/// is what the line carries while two beats would lose their patience.
const WAITING_MAX: usize = 16 << 10;
/// Most messages that wait.
const MESSAGES_MAX: usize = 128;
/// A message of this length is taken on every line.
const SHORT: usize = 2048;
/// What ends a line that was torn, so that the next message begins one.
const REPAIR: &[u8] = b"\n";

/// What waits, what is being written, and when the line is free.
#[derive(Debug)]
pub(super) struct Outbox {
    byte_time: u64,
    patience: u64,
    message_max: usize,
    waiting_max: usize,
    current: Vec<u8>,
    written: usize,
    /// The beat that overtakes what waits.
    beat: Vec<u8>,
    waiting: VecDeque<u8>,
    messages: VecDeque<Waiting>,
    free_at: u64,
    stuck_since: Option<u64>,
    is_torn: bool,
}

/// A message that waits.
#[derive(Debug, Clone, Copy)]
struct Waiting {
    length: usize,
    is_beat: bool,
}

impl Outbox {
    /// Nothing waits for a line of this speed, in bits per second. No beat shall wait for longer
    /// than `patience`.
    pub(super) fn new(baud: u32, patience: Duration) -> Self {
        let byte_time = BITS_PER_BYTE * SECOND / u64::from(baud.max(1));
        let patience = u64::try_from(patience.as_nanos()).unwrap_or(u64::MAX);
        let share = usize::try_from(patience / byte_time).unwrap_or(usize::MAX);
        Self {
            byte_time,
            patience,
            message_max: share.clamp(SHORT, WAITING_MAX),
            waiting_max: share.saturating_mul(2).clamp(2 * SHORT, WAITING_MAX),
            current: Vec::with_capacity(SHORT),
            written: 0,
            beat: Vec::with_capacity(SHORT),
            waiting: VecDeque::with_capacity(WAITING_MAX),
            messages: VecDeque::with_capacity(MESSAGES_MAX),
            free_at: 0,
            stuck_since: None,
            is_torn: false,
        }
    }

    /// Takes the newest beat.
    ///
    /// # Errors
    ///
    /// `ENOBUFS` when older ones were still waiting in a line that is too slow, and are lost.
    pub(super) fn put_beat(&mut self, message: &[u8]) -> io::Result<()> {
        if self.wait() <= self.patience && self.beat.is_empty() && self.has_room(message.len()) {
            self.push(message, true);
            return Ok(());
        }
        let has_lost = self.drop_beats();
        self.beat.extend_from_slice(message);
        if has_lost { Err(Errno::NOBUFS.into()) } else { Ok(()) }
    }

    /// Whether so much waits that nothing should be added without need.
    pub(super) fn is_slow(&self) -> bool {
        self.wait() > self.patience / 2
    }

    /// How long the line will take for what waits, in nanoseconds.
    fn wait(&self) -> u64 {
        let length = u64::try_from(self.waiting.len()).unwrap_or(u64::MAX);
        length.saturating_mul(self.byte_time)
    }

    /// Takes out every beat that waits. Returns whether there was one.
    fn drop_beats(&mut self) -> bool {
        let mut has_dropped = !self.beat.is_empty();
        self.beat.clear();
        let Self { waiting, messages, .. } = self;
        let mut start = 0;
        messages.retain(|message| {
            if message.is_beat {
                waiting.drain(start..start + message.length);
                has_dropped = true;
            } else {
                start += message.length;
            }
            !message.is_beat
        });
        has_dropped
    }

    fn has_room(&self, length: usize) -> bool {
        self.waiting.len() + length <= self.waiting_max && self.messages.len() < MESSAGES_MAX
    }

    fn push(&mut self, message: &[u8], is_beat: bool) {
        self.waiting.extend(message);
        self.messages.push_back(Waiting { length: message.len(), is_beat });
    }

    /// Takes another message.
    ///
    /// # Errors
    ///
    /// `EMSGSIZE` when the line would carry nothing else for too long; `ENOBUFS` when the oldest
    /// ones had to go.
    pub(super) fn put(&mut self, message: &[u8]) -> io::Result<()> {
        if message.len() > self.message_max {
            return Err(Errno::MSGSIZE.into());
        }
        let mut has_lost = false;
        while !self.has_room(message.len())
            && let Some(oldest) = self.messages.pop_front()
        {
            self.waiting.drain(..oldest.length);
            has_lost = true;
        }
        self.push(message, false);
        if has_lost { Err(Errno::NOBUFS.into()) } else { Ok(()) }
    }

    /// Hands on to `write` what the line can take at the time `now`, in nanoseconds.
    ///
    /// # Errors
    ///
    /// Those of `write`, but for its being full.
    pub(super) fn advance(
        &mut self,
        now: u64,
        mut write: impl FnMut(&[u8]) -> io::Result<usize>,
    ) -> io::Result<()> {
        while self.written < self.current.len() || (now >= self.free_at && self.load()) {
            match write(&self.current[self.written..]) {
                Ok(count) => {
                    self.written += count;
                    self.stuck_since = None;
                    let count = u64::try_from(count).unwrap_or(u64::MAX);
                    self.free_at = self.free_at.max(now) + count.saturating_mul(self.byte_time);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.stuck_since.get_or_insert(now);
                    return Ok(());
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Makes the next message the current one, if there is one.
    fn load(&mut self) -> bool {
        self.current.clear();
        self.written = 0;
        if self.beat.is_empty() && self.messages.is_empty() {
            return false;
        }
        if std::mem::take(&mut self.is_torn) {
            self.current.extend_from_slice(REPAIR);
        }
        if !self.beat.is_empty() {
            self.current.append(&mut self.beat);
        } else if let Some(message) = self.messages.pop_front() {
            self.current.extend(self.waiting.drain(..message.length));
        }
        true
    }

    /// Gives up what the line did not take.
    pub(super) fn abandon(&mut self) {
        self.current.clear();
        self.written = 0;
        self.beat.clear();
        self.waiting.clear();
        self.messages.clear();
        self.stuck_since = None;
        self.is_torn = true;
    }

    /// Until when it waits for a line that takes nothing, if it does.
    pub(super) fn stuck_until(&self) -> Option<u64> {
        let span = u64::try_from(super::STUCK_AFTER.as_nanos()).unwrap_or(u64::MAX);
        self.stuck_since.map(|since| since.saturating_add(span))
    }

    /// When the line is free for what waits, if anything does.
    pub(super) fn due(&self) -> Option<u64> {
        (!self.is_empty()).then_some(self.free_at)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.written == self.current.len() && self.beat.is_empty() && self.messages.is_empty()
    }
}

#[cfg(test)]
mod tests;
