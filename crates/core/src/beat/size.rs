//! How long the text of a beat gets at most, so that what does not fit waits for the next one.
//!
//! `systole-wire`, which writes it, checks that nothing is longer.

use super::{Beat, Claim, Echo, Freeze, Moves, Told};

/// Most bytes of the text of a beat: with the other fields of a status of a node whose name has
/// [`NAME_USUAL`] bytes, and its signature, it fits into a datagram that no Ethernet fragments.
pub const BEAT_TEXT_MAX: usize = 760;
/// Most bytes of a host name on Linux.
pub const NAME_USUAL: usize = 64;

/// Most bytes of a row of the table: room that is kept for one in every beat.
pub(crate) const ROW_MAX: usize = 100;

impl Claim {
    /// Most bytes of its text, separators included.
    fn text_max(&self) -> usize {
        const FAILURE: usize = "~+ffxff".len();
        let failure = if self.failure.is_some() { FAILURE } else { 0 };
        digits(self.group.0.into()) + ".f.".len() + digits(self.term) + ".5*!,".len() + failure
    }
}

impl Freeze {
    /// Most bytes of its text, separators included.
    pub(crate) fn text_max(&self) -> usize {
        ",gff.".len() + digits(self.count.into()) + ".f.".len() + digits(self.left) + "~".len()
    }
}

impl Moves {
    /// Most bytes of its text, separators included.
    fn text_max(&self) -> usize {
        ",mff.".len() + digits(self.count.into()) + ".ff.".len() + digits(self.left) + "!".len()
    }
}

impl Echo {
    /// Most bytes of its text, separators included, with its media or without.
    pub(crate) fn text_max(&self, with_lags: bool) -> usize {
        const FIXED: usize = "f.0123456789a...,".len();
        const LAG: usize = "0fe".len();
        let behind = digits(self.sequence.saturating_sub(self.known));
        let lags = if with_lags { LAG * self.lags.iter().count() } else { 0 };
        FIXED + digits(self.sequence) + behind + lags
    }
}

impl Told {
    /// Most bytes of its text, separators included.
    pub(crate) fn text_max(&self) -> usize {
        let freeze = self.freeze.map_or(0, |freeze| freeze.text_max());
        let moves = self.moves.map_or(0, |moves| moves.text_max());
        self.claim.text_max() + freeze + moves
    }
}

impl Beat {
    /// Most bytes of its text.
    #[must_use]
    pub fn text_max(&self) -> usize {
        let echoes = self.echoes.iter().map(|echo| echo.text_max(true));
        let claims = self.claims.iter().map(Claim::text_max);
        let freezes = self.freezes.iter().filter(|freeze| freeze.claim.is_some());
        let stays = freezes.map(Freeze::text_max).chain(self.moves.iter().map(Moves::text_max));
        self.head_max() + echoes.chain(claims).chain(stays).sum::<usize>()
    }

    /// Most bytes of the text of everything but echoes and the table's rows.
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
        let freezes = self.freezes.iter().filter(|freeze| freeze.claim.is_none());
        let freezes: usize = freezes.map(Freeze::text_max).sum();
        FIXED + numbers.into_iter().map(digits).sum::<usize>() + freezes
    }
}

/// How many hexadecimal digits a number has.
const fn digits(number: u64) -> usize {
    match number.checked_ilog2() {
        Some(bits) => bits as usize / 4 + 1,
        None => 1,
    }
}
