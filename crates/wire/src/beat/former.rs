//! The form of the previous version, for nodes that write and read that version.
//!
//! ```text
//! beat   = "1;" capabilities ";" session ";" nodes ";" flags ";" echoes ";" claims [ ";" extras ]
//! echo   = node "." link "." session "." sequence            separated by ","
//! extra  = "r" 1*digit             what still runs at the sender: a bit for each claim
//! ```
//!
//! Everything else is as in the current version. A beat has all claims, so a node that heard the beat has the
//! whole table. A beat without claims, echoes and node list says nothing about a table; a node of the
//! previous version treats its sender as present, but not taking part.

use super::{below, read_items};
use crate::error::EncodeError;
use crate::number;
use systole_core::{Beat, Echo, LINKS_MAX, LinkId, Mark, NODES_MAX, NodeId, TableForm};

pub(super) const VERSION: &[u8] = b"1";
pub(super) const RUNNING: u8 = b'r';
/// The digest of an absent node list.
pub(super) const NO_NODES: u32 = 0;
const ECHOES_MAX: usize = NODES_MAX * LINKS_MAX;

pub(super) fn push_echoes(out: &mut Vec<u8>, echoes: &[Echo]) -> Result<(), EncodeError> {
    let mut is_first = true;
    for echo in echoes {
        for (link, lag) in echo.lags.iter() {
            if !std::mem::take(&mut is_first) {
                out.push(b',');
            }
            let Some(sequence) = echo.sequence.checked_sub(lag.into()) else {
                return Err(EncodeError::BeatTooLarge);
            };
            number::push_hex(out, u64::from(echo.node.0));
            for number in [u64::from(link.0), echo.session, sequence] {
                out.push(b'.');
                number::push_hex(out, number);
            }
        }
    }
    Ok(())
}

pub(super) fn read_echoes(section: &[u8], out: &mut Vec<Echo>) -> Option<()> {
    let mut count = 0;
    read_items(section, |item| {
        let (link, echo) = read_echo(item).filter(|_| count < ECHOES_MAX)?;
        count += 1;
        let is_same = |other: &&mut Echo| (other.node, other.session) == (echo.node, echo.session);
        match out.iter_mut().find(is_same) {
            Some(known) => known.note(link, echo.sequence),
            None => out.push(echo),
        }
        Some(())
    })
}

fn read_echo(item: &[u8]) -> Option<(LinkId, Echo)> {
    let mut parts = item.split(|&byte| byte == b'.');
    let node = NodeId(below(parts.next()?, NODES_MAX)?);
    let link = LinkId(below(parts.next()?, LINKS_MAX)?);
    let session = number::hex(parts.next()?)?;
    let echo = Echo::of(node, link, session, number::hex(parts.next()?)?);
    parts.next().is_none().then_some((link, echo))
}

/// Adds what follows from the form.
pub(super) fn conclude(out: &mut Beat) {
    for echo in &mut out.echoes {
        echo.known = echo.sequence;
    }
    let is_silent = out.nodes == NO_NODES && out.claims.is_empty() && out.echoes.is_empty();
    out.form = if is_silent { TableForm::Silent } else { TableForm::Whole };
    out.table = Mark::default();
    out.table = Mark::of(out);
}
