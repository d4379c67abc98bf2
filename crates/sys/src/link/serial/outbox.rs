//! Messages that wait for a slow line.
//!
//! Whole messages wait in their order, and no message is handed to the kernel before the line should be done
//! with the previous one: messages in the kernel cannot be overtaken, and the kernel would accept 4 s worth
//! of a 9600 baud line. Where too many messages wait, the newest beat overtakes them, and replaces older
//! beats.
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
/// The number of bits on the wire for a byte, including a start bit and a stop bit.
const BITS_PER_BYTE: u64 = 10;
/// The most bytes that wait on the fastest line, not counting a beat that overtakes them. On a slower line
/// the limit is what the line carries in twice the time that a beat may wait.
const WAITING_MAX: usize = 16 << 10;
/// The most messages that wait.
const MESSAGES_MAX: usize = 128;
/// A message of this length is accepted on every line.
const SHORT: usize = 2048;
/// The bytes that end a torn line, so that the next message begins a new line.
const REPAIR: &[u8] = b"\n";

/// The waiting messages, the current message, and the time at which the line is free.
#[derive(Debug)]
pub(super) struct Outbox {
    byte_time: u64,
    patience: u64,
    message_max: usize,
    waiting_max: usize,
    current: Vec<u8>,
    written: usize,
    /// The beat that overtakes the waiting messages.
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
    /// Makes an empty outbox for a line of this speed, in bits per second. No beat may wait longer than
    /// `patience`.
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

    /// Accepts the newest beat.
    ///
    /// # Errors
    ///
    /// `ENOBUFS` when older beats were still waiting, because the line is too slow, and are lost.
    pub(super) fn put_beat(&mut self, message: &[u8]) -> io::Result<()> {
        if self.wait() <= self.patience && self.beat.is_empty() && self.has_room(message.len()) {
            self.push(message, true);
            return Ok(());
        }
        let has_lost = self.drop_beats();
        self.beat.extend_from_slice(message);
        if has_lost { Err(Errno::NOBUFS.into()) } else { Ok(()) }
    }

    /// Returns whether so much waits that nothing should be added without need.
    pub(super) fn is_slow(&self) -> bool {
        self.wait() > self.patience / 2
    }

    /// Returns how long the line will take for what waits, in nanoseconds.
    fn wait(&self) -> u64 {
        let length = u64::try_from(self.waiting.len()).unwrap_or(u64::MAX);
        length.saturating_mul(self.byte_time)
    }

    /// Removes every waiting beat. Returns whether there was one.
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

    /// Accepts another message.
    ///
    /// # Errors
    ///
    /// `EMSGSIZE` when the line would carry nothing else for too long; `ENOBUFS` when the oldest messages had
    /// to be dropped.
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

    /// Passes to `write` what the line can take at the time `now`, in nanoseconds.
    ///
    /// # Errors
    ///
    /// Those of `write`, except that it is full.
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

    /// Abandons everything that the line did not take.
    pub(super) fn abandon(&mut self) {
        self.current.clear();
        self.written = 0;
        self.beat.clear();
        self.waiting.clear();
        self.messages.clear();
        self.stuck_since = None;
        self.is_torn = true;
    }

    /// Returns until when the outbox waits for a line that takes nothing, if it does.
    pub(super) fn stuck_until(&self) -> Option<u64> {
        let span = u64::try_from(super::STUCK_AFTER.as_nanos()).unwrap_or(u64::MAX);
        self.stuck_since.map(|since| since.saturating_add(span))
    }

    /// Returns when the line is free for what waits, if anything waits.
    pub(super) fn due(&self) -> Option<u64> {
        (!self.is_empty()).then_some(self.free_at)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.written == self.current.len() && self.beat.is_empty() && self.messages.is_empty()
    }
}

#[cfg(test)]
mod tests;
