//! The string that a Systole node adds to its status.
//!
//! ```text
//! beat   = "2;" capabilities ";" session ";" nodes ";" flags ";" table ";" echoes ";" claims [ ";" extras ]
//! flags  = [ "r" ] [ "l" ]                                   ready, leaving
//! table  = epoch "." rows "." digest                         of all claims, not of those in here
//! echo   = node "." session "." sequence "." [ behind ] "." *lag    separated by ","
//! lag    = link 2HEXDIG
//! claim  = group "." owner "." term "." phase [ "*" ] [ "!" ] [ "~" failure ]   separated by ","
//! ```
//!
//! In an echo the session is written in eleven digits of base 64. `behind` is how far the last beat whose
//! whole table is known is behind the sequence; a lag says the same of the last beat that a link brought.
//!
//! In a claim `*` says that something of the group still runs at the sender, `!` that the sender cannot run
//! the group, and a failure says what failed there:
//!
//! ```text
//! failure = ( "+" / "-" ) resource ( "x" code / "t" / "m" )
//!           start / stop            exit code, timed out, missing
//! extra   = "p" pings               separated by ","
//!         / "s" more                by how much the generation has grown because the daemon executed itself
//!         / "h" order               everything is held, or was released
//!         / "g" claim "." order     the group of that claim, by its index, is held or was released
//!         / "m" claim "." count "." level "." left [ "!" ]
//!         / "a" 8HEXDIG / 32HEXDIG where the sender can be reached on the service network
//!         / "b" 12HEXDIG               an Ethernet address of the sender there
//!         / "t" claim "." words     why it failed ([`words`])
//! order   = count "." node "." left [ "~" ]
//! ```
//!
//! `left` is in milliseconds; `~` says that the hold was released, `!` that the group has moved once more
//! since it has been kept where it is.
//!
//! All other numbers are hexadecimal. An extra with an unknown letter is ignored. A reader that meets another
//! version, or anything that it cannot read, treats the whole field as absent and the sender as a node
//! without it. The previous version is also read, and written for nodes that use it ([`former`]); a later
//! version will have to do the same.

mod echoes;
mod former;
mod holds;
mod running;
mod words;

use crate::error::EncodeError;
use crate::number;
use holds::FREEZES_MAX;
use std::net::IpAddr;
use systole_core::{
    Action, Beat, Claim, Failure, GROUPS_MAX, GroupKey, Mac, Mark, NODES_MAX, NodeId, Outcome,
    Phase, ServiceAddresses, TableForm, Words,
};

const VERSION: &[u8] = b"2";
const READY: u8 = b'r';
const LEAVING: u8 = b'l';
const UNABLE: u8 = b'!';
const FAILURE: u8 = b'~';
const PINGS: u8 = b'p';
const GROWN: u8 = b's';
const SERVICE: u8 = b'a';
const ETHERNET: u8 = b'b';
const RUNS: u8 = b'*';
const HELD: u8 = b'h';
const GROUP_HELD: u8 = b'g';
const MOVED: u8 = b'm';
const WORDS: u8 = b't';
/// The sections after the version, the extras included.
const SECTIONS: usize = 8;

/// Appends the text of a beat.
pub(crate) fn push(out: &mut Vec<u8>, beat: &Beat) -> Result<(), EncodeError> {
    if beat.echoes.len() > NODES_MAX || beat.claims.len() > GROUPS_MAX {
        return Err(EncodeError::BeatTooLarge);
    }
    if beat.holds.len() > FREEZES_MAX || beat.moves.len() > GROUPS_MAX {
        return Err(EncodeError::BeatTooLarge);
    }
    let is_marked = beat.form == TableForm::Marked;
    out.extend_from_slice(if is_marked { VERSION } else { former::VERSION });
    let nodes = if beat.form == TableForm::Silent { former::NO_NODES } else { beat.nodes };
    for number in [u64::from(beat.capabilities), beat.session, u64::from(nodes)] {
        out.push(b';');
        number::push_hex(out, number);
    }
    out.push(b';');
    if beat.ready {
        out.push(READY);
    }
    if beat.leaving {
        out.push(LEAVING);
    }
    out.push(b';');
    if is_marked {
        push_table(out, beat.table);
        out.push(b';');
        for (at, echo) in beat.echoes.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            echoes::push(out, echo)?;
        }
    } else {
        former::push_echoes(out, &beat.echoes)?;
    }
    out.push(b';');
    for (at, claim) in beat.claims.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        push_claim(out, claim, is_marked)?;
    }
    push_extras(out, beat)
}

fn push_table(out: &mut Vec<u8>, table: Mark) {
    number::push_hex(out, table.epoch.into());
    for number in [table.rows.into(), table.digest] {
        out.push(b'.');
        number::push_hex(out, number);
    }
}

fn read_table(text: &[u8]) -> Option<Mark> {
    let mut parts = text.split(|&byte| byte == b'.');
    let table = Mark {
        epoch: u32::try_from(number::hex(parts.next()?)?).ok()?,
        rows: u16::try_from(number::hex(parts.next()?)?).ok()?,
        digest: number::hex(parts.next()?)?,
    };
    parts.next().is_none().then_some(table)
}

fn push_extras(out: &mut Vec<u8>, beat: &Beat) -> Result<(), EncodeError> {
    let mut separator = b';';
    let mut begin = |out: &mut Vec<u8>, letter| {
        out.extend_from_slice(&[separator, letter]);
        separator = b',';
    };
    if let Some(pings) = beat.pings {
        begin(out, PINGS);
        number::push_hex(out, u64::from(pings));
    }
    if beat.grown > 0 {
        begin(out, GROWN);
        number::push_hex(out, beat.grown.into());
    }
    for address in beat.service.ips() {
        begin(out, SERVICE);
        match address {
            IpAddr::V4(address) => number::push_hex_bytes(out, &address.octets()),
            IpAddr::V6(address) => number::push_hex_bytes(out, &address.octets()),
        }
    }
    for mac in beat.service.macs() {
        begin(out, ETHERNET);
        number::push_hex_bytes(out, &mac.0);
    }
    if beat.form != TableForm::Marked && beat.claims.iter().any(|claim| claim.runs_here) {
        begin(out, former::RUNNING);
        running::push(out, &beat.claims);
    }
    for hold in &beat.holds {
        begin(out, if hold.claim.is_some() { GROUP_HELD } else { HELD });
        holds::push_freeze(out, hold)?;
    }
    for moves in &beat.moves {
        begin(out, MOVED);
        holds::push_moves(out, moves)?;
    }
    // The previous version reads a whole table, and the mark of a whole table covers no words.
    let is_marked = beat.form == TableForm::Marked;
    for (claim, words) in words::all(&beat.claims).filter(|_| is_marked) {
        begin(out, WORDS);
        words::push(out, claim, words)?;
    }
    Ok(())
}

fn push_claim(out: &mut Vec<u8>, claim: &Claim, is_marked: bool) -> Result<(), EncodeError> {
    if claim.owner.index() >= NODES_MAX {
        return Err(EncodeError::BeatTooLarge);
    }
    number::push_hex(out, u64::from(claim.group.0));
    out.push(b'.');
    number::push_hex(out, u64::from(claim.owner.0));
    out.push(b'.');
    number::push_hex(out, claim.term);
    out.push(b'.');
    out.push(match claim.phase {
        Phase::Stopped => b'0',
        Phase::Starting => b'1',
        Phase::Active => b'2',
        Phase::Stopping => b'3',
        Phase::Failed => b'4',
        Phase::Blocked => b'5',
    });
    if claim.runs_here && is_marked {
        out.push(RUNS);
    }
    if claim.unable {
        out.push(UNABLE);
    }
    if let Some(failure) = &claim.failure {
        out.push(FAILURE);
        push_failure(out, failure);
    }
    Ok(())
}

fn push_failure(out: &mut Vec<u8>, failure: &Failure) {
    out.push(match failure.action {
        Action::Start => b'+',
        Action::Stop | Action::Status | Action::Monitor => b'-',
    });
    number::push_hex(out, u64::from(failure.resource));
    match failure.outcome {
        Outcome::TimedOut => out.push(b't'),
        Outcome::Missing => out.push(b'm'),
        Outcome::NotAsked => out.push(b'n'),
        Outcome::Failed(code) => {
            out.push(b'x');
            // No exit code is higher.
            number::push_hex(out, u64::from(u8::try_from(code).unwrap_or(u8::MAX)));
        }
        // None of these is a failure.
        Outcome::Success | Outcome::Running | Outcome::NotRunning | Outcome::Cancelled => {
            out.extend_from_slice(b"x0");
        }
    }
}

fn read_failure(text: &[u8]) -> Option<Failure> {
    let (action, text) = match text {
        [b'+', rest @ ..] => (Action::Start, rest),
        [b'-', rest @ ..] => (Action::Stop, rest),
        _ => return None,
    };
    let (resource, outcome) = match text {
        [resource @ .., b't'] => (resource, Outcome::TimedOut),
        [resource @ .., b'm'] => (resource, Outcome::Missing),
        [resource @ .., b'n'] => (resource, Outcome::NotAsked),
        _ => {
            let at = text.iter().position(|byte| *byte == b'x')?;
            let code = u8::try_from(number::hex(&text[at + 1..])?).ok()?;
            (&text[..at], Outcome::Failed(code.into()))
        }
    };
    let resource = u8::try_from(number::hex(resource)?).ok()?;
    Some(Failure { action, resource, outcome, words: Words::NONE })
}

/// Reads a beat into `out` and returns whether the text could be read; if not, the content of `out` is
/// meaningless.
pub(crate) fn read(text: &[u8], out: &mut Beat) -> bool {
    read_sections(text, out).is_some()
}

fn read_sections(text: &[u8], out: &mut Beat) -> Option<()> {
    let mut sections = text.splitn(SECTIONS + 1, |&byte| byte == b';');
    let is_marked = match sections.next()? {
        VERSION => true,
        former::VERSION => false,
        _ => return None,
    };
    out.capabilities = u32::try_from(number::hex(sections.next()?)?).ok()?;
    out.session = number::hex(sections.next()?)?;
    out.nodes = u32::try_from(number::hex(sections.next()?)?).ok()?;
    (out.ready, out.leaving) = match sections.next()? {
        [] => (false, false),
        [READY] => (true, false),
        [LEAVING] => (false, true),
        [READY, LEAVING] => (true, true),
        _ => return None,
    };
    out.echoes.clear();
    if is_marked {
        out.table = read_table(sections.next()?)?;
        read_items(sections.next()?, |item| {
            let echo = echoes::read(item).filter(|_| out.echoes.len() < NODES_MAX)?;
            out.echoes.push(echo);
            Some(())
        })?;
    } else {
        former::read_echoes(sections.next()?, &mut out.echoes)?;
    }
    out.claims.clear();
    read_items(sections.next()?, |item| {
        let claim = read_claim(item, is_marked).filter(|_| out.claims.len() < GROUPS_MAX)?;
        out.claims.push(claim);
        Some(())
    })?;
    out.pings = None;
    out.grown = 0;
    out.service = ServiceAddresses::NONE;
    out.holds.clear();
    out.moves.clear();
    match sections.next() {
        None => {}
        Some([]) => return None,
        Some(extras) => read_items(extras, |item| read_extra(item, is_marked, out))?,
    }
    if is_marked {
        out.form = TableForm::Marked;
    } else {
        former::conclude(out);
    }
    sections.next().is_none().then_some(())
}

fn read_extra(item: &[u8], is_marked: bool, out: &mut Beat) -> Option<()> {
    match item {
        [former::RUNNING, digits @ ..] if !is_marked => running::read(digits, out)?,
        [PINGS, number @ ..] => out.pings = Some(u16::try_from(number::hex(number)?).ok()?),
        [GROWN, number @ ..] => out.grown = u32::try_from(number::hex(number)?).ok()?,
        [SERVICE, address @ ..] => {
            // The addresses of a node that has more than there is room for are good for as many.
            let _ = out.service.add(read_address(address)?);
        }
        [ETHERNET, mac @ ..] => {
            let mut bytes = [0; 6];
            let mac = number::hex_bytes(mac, &mut bytes)?.try_into().ok()?;
            let _ = out.service.add_mac(Mac(mac));
        }
        [HELD, order @ ..] => holds::read_freeze(order, None, out)?,
        [GROUP_HELD, rest @ ..] => {
            let (claim, order) = holds::read_place(rest)?;
            holds::read_freeze(order, Some(claim), out)?;
        }
        [MOVED, rest @ ..] => holds::read_moves(rest, out)?,
        [WORDS, rest @ ..] if is_marked => words::read(rest, out)?,
        [letter, ..] if letter.is_ascii_lowercase() => {}
        _ => return None,
    }
    Some(())
}

fn read_items(section: &[u8], take: impl FnMut(&[u8]) -> Option<()>) -> Option<()> {
    if section.is_empty() {
        return Some(());
    }
    section.split(|&byte| byte == b',').try_for_each(take)
}

fn read_claim(item: &[u8], is_marked: bool) -> Option<Claim> {
    let mut halves = item.splitn(2, |&byte| byte == FAILURE);
    let item = halves.next()?;
    let failure = match halves.next() {
        Some(text) => Some(read_failure(text)?),
        None => None,
    };
    let (item, unable) = match item {
        [front @ .., UNABLE] => (front, true),
        _ => (item, false),
    };
    let (item, runs_here) = match item {
        [front @ .., RUNS] if is_marked => (front, true),
        _ => (item, false),
    };
    let mut parts = item.split(|&byte| byte == b'.');
    let claim = Claim {
        group: GroupKey(u32::try_from(number::hex(parts.next()?)?).ok()?),
        owner: NodeId(below(parts.next()?, NODES_MAX)?),
        term: number::hex(parts.next()?)?,
        phase: match parts.next()? {
            b"0" => Phase::Stopped,
            b"1" => Phase::Starting,
            b"2" => Phase::Active,
            b"3" => Phase::Stopping,
            b"4" => Phase::Failed,
            b"5" => Phase::Blocked,
            _ => return None,
        },
        unable,
        failure,
        runs_here,
    };
    parts.next().is_none().then_some(claim)
}

fn read_address(digits: &[u8]) -> Option<IpAddr> {
    let mut bytes = [0; 16];
    let bytes = number::hex_bytes(digits, &mut bytes)?;
    let v4 = || <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from);
    v4().or_else(|| <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from))
}

/// Reads a number that is an index into a table of `rows` rows.
fn below(text: &[u8], rows: usize) -> Option<u8> {
    let place = u8::try_from(number::hex(text)?).ok()?;
    (usize::from(place) < rows).then_some(place)
}

#[cfg(test)]
mod tests;
