//! The table of a node, row by row, and its description.

use super::{Beat, Claim, HoldNotice, Moves};
use crate::{Action, Failure, Outcome, Words};

/// Describes the whole table of a node, so that a node that has heard a part of it knows whether it
/// has all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Mark {
    /// Grows when a row is removed: a node that has rows of another epoch forgets them.
    pub epoch: u32,
    /// How many rows there are.
    pub rows: u16,
    /// The sum of the digests of all rows.
    pub digest: u64,
}

impl Mark {
    /// Adds a row.
    pub(crate) const fn add(&mut self, digest: u64) {
        self.rows = self.rows.saturating_add(1);
        self.digest = self.digest.wrapping_add(digest);
    }

    /// Removes a row.
    pub(crate) const fn remove(&mut self, digest: u64) {
        self.rows = self.rows.saturating_sub(1);
        self.digest = self.digest.wrapping_sub(digest);
    }

    /// Returns the mark of a table whose rows are all in one beat.
    #[must_use]
    pub fn of(beat: &Beat) -> Self {
        let mut mark = Self { epoch: beat.table.epoch, ..Self::default() };
        beat.told().for_each(|told| mark.add(told.digest()));
        mark
    }
}

/// A row of a node's table: everything that it says about one group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) claim: Claim,
    pub(crate) hold: Option<HoldNotice>,
    pub(crate) moves: Option<Moves>,
}

impl Told {
    /// A digest of everything except times that run down on their own.
    pub(crate) fn digest(&self) -> u64 {
        let Self {
            claim: Claim { group, owner, term, phase, unable, failure, runs_here },
            hold,
            moves,
        } = *self;
        let mut digest = Digest(u64::from(group.0));
        let small = u64::from(owner.0) << 16
            | (phase as u64) << 8
            | u64::from(runs_here) << 1
            | u64::from(unable);
        digest.mix(small);
        digest.mix(term);
        if let Some(failure) = failure {
            digest.mix(1 << 32 | failure.digest());
            digest.mix_words(&failure.words);
        }
        if let Some(HoldNotice { count, by, is_release, left, claim: _ }) = hold {
            digest.mix(2 << 32 | u64::from(by.0) << 8 | u64::from(is_release));
            digest.mix(u64::from(count) << 1 | u64::from(left > 0));
        }
        if let Some(Moves { count, level, has_fled, claim: _, left: _ }) = moves {
            digest.mix(3 << 32 | u64::from(level) << 8 | u64::from(has_fled));
            digest.mix(u64::from(count));
        }
        digest.0
    }
}

impl Failure {
    /// Everything that its text says, except the words, as one number.
    fn digest(self) -> u64 {
        let Self { action, resource, outcome, words: _ } = self;
        let outcome = match outcome {
            // No program ends with a higher code.
            Outcome::Failed(code) => u64::from(u8::try_from(code).unwrap_or(u8::MAX)),
            Outcome::TimedOut => 1 << 8,
            Outcome::Missing => 2 << 8,
            Outcome::NotAsked => 3 << 8,
            // These outcomes are not failures.
            Outcome::Success | Outcome::Running | Outcome::NotRunning | Outcome::Cancelled => 0,
        };
        outcome << 16 | u64::from(resource) << 8 | u64::from(action == Action::Start)
    }
}

/// Mixes words one after the other (the finalizer of `SplitMix64`), so that the digests of two
/// slightly different rows have nothing in common, and neither have their sums.
struct Digest(u64);

impl Digest {
    const fn mix(&mut self, word: u64) {
        let mut mixed = (self.0 ^ word).wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        self.0 = mixed ^ (mixed >> 31);
    }

    /// Empty words do not change the digest, so a node that does not read words computes the same
    /// digest.
    fn mix_words(&mut self, words: &Words) {
        for (place, part) in (0_u64..).zip(words.as_str().as_bytes().chunks(4)) {
            let part = part.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
            self.mix((4 + place) << 32 | part);
        }
    }
}
