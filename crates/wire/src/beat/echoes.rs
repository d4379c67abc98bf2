//! Echoes: the last beat that the sender heard from a node.

use super::below;
use crate::error::EncodeError;
use crate::number;
use systole_core::{Echo, LINKS_MAX, Lags, LinkId, NODES_MAX, NodeId};

/// The digits of a link and of how far it is behind.
const LAG_DIGITS: usize = 3;

pub(super) fn push(out: &mut Vec<u8>, echo: &Echo) -> Result<(), EncodeError> {
    let behind = echo.sequence.checked_sub(echo.known);
    let (true, Some(behind)) = (echo.node.index() < NODES_MAX, behind) else {
        return Err(EncodeError::BeatTooLarge);
    };
    number::push_hex(out, u64::from(echo.node.0));
    out.push(b'.');
    number::push_dense(out, echo.session);
    out.push(b'.');
    number::push_hex(out, echo.sequence);
    out.push(b'.');
    if echo.known > 0 {
        number::push_hex(out, behind);
    }
    out.push(b'.');
    for (link, lag) in echo.lags.iter() {
        number::push_hex(out, u64::from(link.0));
        number::push_hex_bytes(out, &[lag]);
    }
    Ok(())
}

pub(super) fn read(item: &[u8]) -> Option<Echo> {
    let mut parts = item.split(|&byte| byte == b'.');
    let node = NodeId(below(parts.next()?, NODES_MAX)?);
    let session = number::dense(parts.next()?)?;
    let sequence = number::hex(parts.next()?)?;
    let known = match parts.next()? {
        [] => 0,
        behind => sequence.checked_sub(number::hex(behind)?).filter(|known| *known > 0)?,
    };
    let lags = read_lags(parts.next()?)?;
    parts.next().is_none().then_some(Echo { node, session, sequence, known, lags })
}

fn read_lags(text: &[u8]) -> Option<Lags> {
    let (items, rest) = text.as_chunks::<LAG_DIGITS>();
    if !rest.is_empty() || items.len() > LINKS_MAX {
        return None;
    }
    let mut lags = Lags::NONE;
    for [link, lag @ ..] in items {
        let link = below(&[*link], LINKS_MAX)?;
        lags.note(LinkId(link), number::hex(lag)?);
    }
    Some(lags)
}
