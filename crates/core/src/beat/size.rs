//! The maximum length of the text of a beat, so that rows that do not fit wait for the next beat.
//!
//! `systole-wire`, which writes the text, checks that no text is longer.

use super::{Beat, Claim, Echo, HoldNotice, Moves, Told};
use crate::{Failure, Words};

/// Most bytes of the text of a beat: with the other fields of a status of a node whose name has
/// [`NAME_USUAL`] bytes, and its signature, it fits into a datagram that no Ethernet fragments.
pub const BEAT_TEXT_MAX: usize = 750;
/// Most bytes of a host name on Linux.
pub const NAME_USUAL: usize = 64;

/// Most bytes of a row of the table without words: every beat reserves room for one such row.
pub(crate) const ROW_MAX: usize = 100;
/// Most bytes that the words of a failure add to a row: every other beat reserves this room.
pub(crate) const WORDS_MAX: usize = ",tff.".len() + Words::TEXT_MAX;

impl Claim {
    /// Most bytes of the claim's text, separators included.
    fn text_max(&self) -> usize {
        let failure = self.failure.map_or(0, |failure| failure.text_max());
        digits(self.group.0.into()) + ".f.".len() + digits(self.term) + ".5*!,".len() + failure
    }
}

impl Failure {
    /// Most bytes of the failure's text, with its words in an extra of their own.
    fn text_max(&self) -> usize {
        let words = match self.words.text_len() {
            0 => 0,
            length => ",tff.".len() + length,
        };
        "~+ffxff".len() + words
    }
}

impl HoldNotice {
    /// Most bytes of the notice's text, separators included.
    pub(crate) fn text_max(&self) -> usize {
        ",gff.".len() + digits(self.count.into()) + ".f.".len() + digits(self.left) + "~".len()
    }
}

impl Moves {
    /// Most bytes of the text, separators included.
    fn text_max(&self) -> usize {
        ",mff.".len() + digits(self.count.into()) + ".ff.".len() + digits(self.left) + "!".len()
    }
}

impl Echo {
    /// Most bytes of the echo's text, separators included, with its media or without.
    pub(crate) fn text_max(&self, with_lags: bool) -> usize {
        const FIXED: usize = "f.0123456789a...,".len();
        const LAG: usize = "0fe".len();
        let behind = digits(self.sequence.saturating_sub(self.known));
        let lags = if with_lags { LAG * self.lags.iter().count() } else { 0 };
        FIXED + digits(self.sequence) + behind + lags
    }
}

impl Told {
    /// Most bytes of the row's text, separators included.
    pub(crate) fn text_max(&self) -> usize {
        let hold = self.hold.map_or(0, |hold| hold.text_max());
        let moves = self.moves.map_or(0, |moves| moves.text_max());
        self.claim.text_max() + hold + moves
    }
}

impl Beat {
    /// Most bytes of the beat's text.
    #[must_use]
    pub fn text_max(&self) -> usize {
        let echoes = self.echoes.iter().map(|echo| echo.text_max(true));
        let claims = self.claims.iter().map(Claim::text_max);
        let holds = self.holds.iter().filter(|hold| hold.claim.is_some());
        let stays = holds.map(HoldNotice::text_max).chain(self.moves.iter().map(Moves::text_max));
        self.head_max() + echoes.chain(claims).chain(stays).sum::<usize>()
    }

    /// Most bytes of the text of everything but the echoes and the table's rows.
    pub(crate) fn head_max(&self) -> usize {
        const FIXED: usize = "2;;;;rl;..;;;;,p".len();
        let numbers = [
            self.capabilities.into(),
            self.session,
            self.nodes.into(),
            self.table.epoch.into(),
            self.table.rows.into(),
            self.table.digest,
            self.pings.unwrap_or_default().into(),
        ];
        let holds = self.holds.iter().filter(|hold| hold.claim.is_none());
        let holds: usize = holds.map(HoldNotice::text_max).sum();
        let grown = if self.grown > 0 { 2 + digits(self.grown.into()) } else { 0 };
        let ips = self.service.ips().map(|ip| if ip.is_ipv4() { ",a01234567".len() } else { 34 });
        let macs = self.service.macs().map(|_| ",b0123456789ab".len());
        let service: usize = ips.chain(macs).sum();
        FIXED + grown + service + numbers.into_iter().map(digits).sum::<usize>() + holds
    }
}

/// How many hexadecimal digits a number has.
const fn digits(number: u64) -> usize {
    match number.checked_ilog2() {
        Some(bits) => bits as usize / 4 + 1,
        None => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Action, GroupKey, HOLD_MAX, NodeId, Outcome, Phase};

    #[test]
    fn largest_row_fits_reserved_space() {
        let words = Words::new(&",".repeat(99));
        assert!(words.text_len() > Words::TEXT_MAX - 3);
        let failure = Failure::new(Action::Stop, usize::MAX, Outcome::Failed(i32::MAX), words);
        let claim = Claim {
            group: GroupKey(u32::MAX),
            owner: NodeId(15),
            term: u64::MAX,
            phase: Phase::Blocked,
            unable: true,
            failure: Some(failure),
            runs_here: true,
        };
        let (by, left) = (NodeId(15), u64::try_from(HOLD_MAX.as_millis()).unwrap());
        let hold = HoldNotice { claim: Some(255), count: u32::MAX, by, is_release: true, left };
        let moves = Moves { claim: 255, count: u32::MAX, level: u8::MAX, has_fled: true, left };
        let told = Told { claim, hold: Some(hold), moves: Some(moves) };
        assert!(told.text_max() <= ROW_MAX + WORDS_MAX, "{}", told.text_max());
    }
}
