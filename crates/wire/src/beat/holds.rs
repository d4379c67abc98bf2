//! What keeps groups where they are: holds, and counts of moves.

use super::below;
use crate::error::EncodeError;
use crate::number;
use systole_core::{Beat, GROUPS_MAX, HoldNotice, Moves, NODES_MAX, NodeId};

const RELEASED: u8 = b'~';
const FLED: u8 = b'!';
/// One hold for everything, and one for each group.
pub(super) const FREEZES_MAX: usize = GROUPS_MAX + 1;

pub(super) fn push_freeze(out: &mut Vec<u8>, hold: &HoldNotice) -> Result<(), EncodeError> {
    if hold.by.index() >= NODES_MAX {
        return Err(EncodeError::BeatTooLarge);
    }
    if let Some(claim) = hold.claim {
        push_place(out, claim)?;
    }
    number::push_hex(out, u64::from(hold.count));
    for number in [u64::from(hold.by.0), hold.left] {
        out.push(b'.');
        number::push_hex(out, number);
    }
    if hold.is_release {
        out.push(RELEASED);
    }
    Ok(())
}

pub(super) fn push_moves(out: &mut Vec<u8>, moves: &Moves) -> Result<(), EncodeError> {
    push_place(out, moves.claim)?;
    number::push_hex(out, u64::from(moves.count));
    for number in [u64::from(moves.level), moves.left] {
        out.push(b'.');
        number::push_hex(out, number);
    }
    if moves.has_fled {
        out.push(FLED);
    }
    Ok(())
}

/// Appends the index of a claim, and the separator after it.
pub(super) fn push_place(out: &mut Vec<u8>, claim: u16) -> Result<(), EncodeError> {
    if usize::from(claim) >= GROUPS_MAX {
        return Err(EncodeError::BeatTooLarge);
    }
    number::push_hex(out, u64::from(claim));
    out.push(b'.');
    Ok(())
}

/// Reads a hold of everything, or of the group of a claim.
pub(super) fn read_freeze(order: &[u8], claim: Option<u16>, out: &mut Beat) -> Option<()> {
    let (order, is_release) = match order {
        [front @ .., RELEASED] => (front, true),
        _ => (order, false),
    };
    let mut parts = order.split(|&byte| byte == b'.');
    let hold = HoldNotice {
        claim,
        count: u32::try_from(number::hex(parts.next()?)?).ok()?,
        by: NodeId(below(parts.next()?, NODES_MAX)?),
        is_release,
        left: number::hex(parts.next()?)?,
    };
    let is_whole = parts.next().is_none() && out.holds.len() < FREEZES_MAX;
    is_whole.then(|| out.holds.push(hold))
}

/// Reads how often a group has moved.
pub(super) fn read_moves(text: &[u8], out: &mut Beat) -> Option<()> {
    let (text, has_fled) = match text {
        [front @ .., FLED] => (front, true),
        _ => (text, false),
    };
    let (claim, text) = read_place(text)?;
    let mut parts = text.split(|&byte| byte == b'.');
    let moves = Moves {
        claim,
        count: u32::try_from(number::hex(parts.next()?)?).ok()?,
        level: u8::try_from(number::hex(parts.next()?)?).ok()?,
        has_fled,
        left: number::hex(parts.next()?)?,
    };
    let is_whole = parts.next().is_none() && out.moves.len() < GROUPS_MAX;
    is_whole.then(|| out.moves.push(moves))
}

/// Reads the index of a claim; returns it with the rest of the text.
pub(super) fn read_place(text: &[u8]) -> Option<(u16, &[u8])> {
    let at = text.iter().position(|byte| *byte == b'.')?;
    let claim = u16::try_from(number::hex(&text[..at])?).ok()?;
    (usize::from(claim) < GROUPS_MAX).then_some((claim, &text[at + 1..]))
}
