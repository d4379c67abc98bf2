//! The bytes of our last sequenced messages, to be sent again as they were.

use systole_core::{HISTORY_MAX, Settings};
use systole_wire::Form;

/// Room for a beat without echoes and claims; it needs half of it.
const ROOM: usize = 768;
/// Room for an echo or a claim in a beat, which are written twice when signed inside.
const ROOM_PER_ITEM: usize = 56;

/// A ring of messages, by sequence. The room of a message is used again for the one that takes
/// its place, so that keeping a beat needs no memory.
#[derive(Debug)]
pub(super) struct SentMessages {
    slots: Vec<Slot>,
}

#[derive(Debug, Default)]
struct Slot {
    sequence: u64,
    framed: Vec<u8>,
    classic: Vec<u8>,
}

impl Slot {
    const fn bytes(&mut self, form: Form) -> &mut Vec<u8> {
        match form {
            Form::Framed => &mut self.framed,
            Form::Classic => &mut self.classic,
        }
    }
}

impl SentMessages {
    /// An empty ring, with room for the beats of these settings in every form that is spoken.
    pub(super) fn new(settings: &Settings, speaks: impl Fn(Form) -> bool) -> Self {
        let room = room(settings);
        let buffer = |form| Vec::with_capacity(if speaks(form) { room } else { 0 });
        let slot =
            || Slot { sequence: 0, framed: buffer(Form::Framed), classic: buffer(Form::Classic) };
        Self { slots: std::iter::repeat_with(slot).take(HISTORY_MAX).collect() }
    }

    /// Makes room for the beats of other settings where there is some already.
    pub(super) fn make_room(&mut self, settings: &Settings) {
        let room = room(settings);
        for slot in &mut self.slots {
            for buffer in [&mut slot.framed, &mut slot.classic] {
                if buffer.capacity() > 0 {
                    buffer.reserve(room.saturating_sub(buffer.len()));
                }
            }
        }
    }

    /// Keeps a message as it goes out in one form.
    pub(super) fn keep(&mut self, sequence: u64, form: Form, bytes: &[u8]) {
        let slot = self.slot(sequence);
        if slot.sequence != sequence {
            slot.sequence = sequence;
            slot.framed.clear();
            slot.classic.clear();
        }
        let room = slot.bytes(form);
        room.clear();
        room.extend_from_slice(bytes);
    }

    /// A message as it went out in one form; empty if it did not.
    pub(super) fn get(&mut self, sequence: u64, form: Form) -> &[u8] {
        let slot = self.slot(sequence);
        if slot.sequence == sequence { slot.bytes(form) } else { &[] }
    }

    fn slot(&mut self, sequence: u64) -> &mut Slot {
        let place = usize::try_from(sequence % HISTORY_MAX as u64).unwrap_or(0);
        &mut self.slots[place]
    }
}

fn room(settings: &Settings) -> usize {
    let echoes = settings.nodes.len() * settings.links.len();
    ROOM + (echoes + settings.groups.len()) * ROOM_PER_ITEM
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEXT: u64 = HISTORY_MAX as u64;

    #[test]
    fn a_message_is_there_until_another_takes_its_place() {
        let mut sent = SentMessages { slots: (0..HISTORY_MAX).map(|_| Slot::default()).collect() };
        sent.keep(7, Form::Framed, b"framed");
        sent.keep(7, Form::Classic, b"classic");
        sent.keep(8, Form::Classic, b"other");
        for (sequence, form, right) in [
            (7, Form::Framed, &b"framed"[..]),
            (7, Form::Classic, b"classic"),
            (8, Form::Framed, b""),
            (8, Form::Classic, b"other"),
            (9, Form::Framed, b""),
            (7 + NEXT, Form::Framed, b""),
        ] {
            assert_eq!(sent.get(sequence, form), right, "{sequence} {form:?}");
        }
        sent.keep(7 + NEXT, Form::Framed, b"new");
        assert_eq!(sent.get(7 + NEXT, Form::Framed), b"new");
        assert_eq!(sent.get(7 + NEXT, Form::Classic), b"", "nothing of the one before is left");
        assert_eq!(sent.get(7, Form::Framed), b"");
    }
}
