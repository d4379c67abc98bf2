//! Finds where one move of a group ends and the next one begins.

use crate::why::entries::{
    Member, concerns, group_of, hand_over_began, is_active, is_beginning, is_conclusion, ownership,
    time,
};
use jiff::SignedDuration;
use systole_ipc::journal::Entry;

/// How long before a move an event of a node counts as related to the move, and how long after a move the
/// end of a hand-over does.
const PRELUDE: SignedDuration = SignedDuration::from_mins(1);

/// Returns the moves of a group, oldest first: each from the moment when the group left the previous owner
/// until it ran on the next one, or to the end of the journal.
pub(super) fn of<'a>(entries: &'a [Entry], group: Member<'_>) -> Vec<Vec<&'a Entry>> {
    let is_own = |place: &usize| group_of(&entries[*place]) == Some(group.name);
    let own: Vec<usize> = (0..entries.len()).filter(is_own).collect();
    let mut moves = Vec::new();
    // Where the entries of a move begin, and up to where conclusions belong to the previous move.
    let (mut begin, mut concluded) = (0, 0);
    for run in split(entries, &own) {
        let Some(last) = run.last() else { continue };
        let end = conclusion(entries, *last, group);
        let is_open = |place: usize| place >= concluded || !is_conclusion(&entries[place]);
        moves.push(told(entries, (begin..end).filter(|place| is_open(*place)), run, group));
        (begin, concluded) = (last + 1, end);
    }
    moves
}

/// Splits the indices of a group's own entries by move. A new move begins with the first entry after the
/// group was active, if the group then gets another owner or another term; the end of the hand-over that made
/// it active is no part of it.
fn split<'a>(entries: &[Entry], own: &'a [usize]) -> Vec<&'a [usize]> {
    let mut moves = Vec::new();
    let mut rest = own;
    while let Some(first) = rest.iter().position(|place| is_active(&entries[*place])) {
        let settled = ownership(&entries[rest[first]]);
        let leaves = |place: &usize| {
            let after = ownership(&entries[*place]);
            after.is_some() && after != settled
        };
        let Some(left) = rest.iter().skip(first).position(leaves) else { break };
        let before = &rest[..first + left];
        let active = before.iter().rposition(|place| is_active(&entries[*place]));
        let active = active.unwrap_or(first);
        let (done, after) = rest.split_at(active + 1 + ends(entries, &rest[active..]));
        moves.push(done);
        rest = after;
    }
    moves.push(rest);
    moves
}

/// Returns how many entries end the hand-over with which the group became active. That entry comes first in
/// `own`, and they follow it.
fn ends(entries: &[Entry], own: &[usize]) -> usize {
    let [active, after @ ..] = own else { return 0 };
    let settled = time(&entries[*active]);
    let is_end = |place: &&usize| {
        let entry = &entries[**place];
        let began = hand_over_began(entry);
        began.is_some() && began <= settled && is_conclusion(entry)
    };
    after.iter().take_while(is_end).count()
}

/// Returns where a move ends whose last own entry has this index: after the end of the hand-over, and after
/// the answer to the order that caused the hand-over.
fn conclusion(entries: &[Entry], last: usize, group: Member<'_>) -> usize {
    let until = time(&entries[last]).map(|time| time + PRELUDE);
    let mut end = last + 1;
    for (place, entry) in entries.iter().enumerate().skip(last + 1) {
        if time(entry) > until || group_of(entry) == Some(group.name) || is_beginning(entry) {
            break;
        }
        if is_conclusion(entry) && concerns(entries, place, group) {
            end = place + 1;
        }
    }
    end
}

/// Returns the entries that are printed for a move: its own entries, events of nodes less than a minute
/// before one of them, and the end of the hand-over.
fn told<'a>(
    entries: &'a [Entry],
    places: impl DoubleEndedIterator<Item = usize>,
    own: &[usize],
    group: Member<'_>,
) -> Vec<&'a Entry> {
    let mut own = own.iter().rev().peekable();
    let mut next = None;
    let mut told = Vec::new();
    for place in places.rev() {
        let entry = &entries[place];
        if own.next_if(|next| **next == place).is_some() {
            next = time(entry);
            told.push(entry);
        } else if concerns(entries, place, group) {
            let is_near = next.is_some_and(|next| time(entry) >= Some(next - PRELUDE));
            let is_behind = next.is_none() && is_conclusion(entry);
            if is_near || is_behind {
                told.push(entry);
            }
        }
    }
    told.reverse();
    told
}
