//! The bytes of this node's last sequenced messages, which can be sent again unchanged.

use systole_core::{HISTORY_MAX, Settings};
use systole_wire::Form;

/// Bytes for a beat without echoes and claims, which needs half of this.
const ROOM: usize = 768;
/// Bytes for an echo or a claim in a beat, which are written twice when signed inside.
const ROOM_PER_ITEM: usize = 56;

/// A ring of messages, by sequence. The memory of a message is reused for the message that replaces it, so
/// that keeping a beat allocates no memory.
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
    /// Creates an empty ring, with room for the beats of these settings in every form that is used.
    pub(super) fn new(settings: &Settings, speaks: impl Fn(Form) -> bool) -> Self {
        let room = room(settings);
        let buffer = |form| Vec::with_capacity(if speaks(form) { room } else { 0 });
        let slot =
            || Slot { sequence: 0, framed: buffer(Form::Framed), classic: buffer(Form::Classic) };
        Self { slots: std::iter::repeat_with(slot).take(HISTORY_MAX).collect() }
    }

    /// Makes room for the beats of other settings in slots that already have some.
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

    /// Keeps a message as it is sent in one form.
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

    /// Returns a message as it was sent in one form; empty if it was not.
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
    ROOM + (echoes + settings.group_ids().count()) * ROOM_PER_ITEM
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEXT: u64 = HISTORY_MAX as u64;

    #[test]
    fn sent_message_is_found_until_its_slot_is_reused() {
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
