//! What a node of Systole adds to each of its beats: its view of every group.

mod size;
mod told;

use crate::{Failure, GroupKey, LINKS_MAX, LinkId, NodeId};
use serde::{Deserialize, Serialize};
pub use size::{BEAT_TEXT_MAX, NAME_USUAL};
pub(crate) use size::{ROW_MAX, WORDS_MAX};
pub use told::Mark;
pub(crate) use told::Told;

/// The phase of an ownership, as its owner says it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// The owner has let go: every resource of the group is stopped there.
    #[default]
    Stopped,
    /// The owner is starting the group.
    Starting,
    /// The group runs.
    Active,
    /// The owner is stopping the group.
    Stopping,
    /// The group could not be started there and is stopped.
    Failed,
    /// A resource of the group cannot be stopped there.
    Blocked,
}

impl Phase {
    /// Whether some resource of the group may be running at the owner.
    #[must_use]
    pub const fn holds(self) -> bool {
        matches!(self, Self::Starting | Self::Active | Self::Stopping | Self::Blocked)
    }

    /// What the owner tells the others. One that has no executor cannot say that a group is active:
    /// nobody renews its addresses.
    pub(crate) const fn told(self, lacks_executor: bool) -> Self {
        match self {
            Self::Active if lacks_executor => Self::Starting,
            Self::Active
            | Self::Starting
            | Self::Stopping
            | Self::Stopped
            | Self::Failed
            | Self::Blocked => self,
        }
    }
}

/// Who owns a group: the row of a node's table for one group.
///
/// The term grows by one at each change of owner. Of two claims the one with the higher term
/// holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// The group.
    pub group: GroupKey,
    /// The owner, or the last one when the phase is [`Phase::Stopped`].
    pub owner: NodeId,
    /// The number of the ownership.
    pub term: u64,
    /// How far the owner is.
    pub phase: Phase,
    /// Whether the *sender* of this table cannot run the group.
    pub unable: bool,
    /// What failed at the sender and was not mended since.
    pub failure: Option<Failure>,
    /// Whether something of the group may still run at the *sender*, whoever owns it: nobody else
    /// may start it.
    pub runs_here: bool,
}

impl Claim {
    /// Whether nothing runs at the sender by this row, and something may run there all the same: it has
    /// lost its executor.
    pub(crate) fn is_in_doubt(&self, sender: NodeId) -> bool {
        self.runs_here && self.owner == sender && self.phase == Phase::Failed && self.unable
    }
}

/// What the sender heard last of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Echo {
    /// The node that was heard.
    pub node: NodeId,
    /// The session of the heard node that the sequences belong to.
    pub session: u64,
    /// The highest sequence.
    pub sequence: u64,
    /// The highest sequence of a beat after which the sender had the whole table of that node, as
    /// the beat describes it; 0 if it never had.
    pub known: u64,
    /// What each medium of the sender brought.
    pub lags: Lags,
}

impl Echo {
    /// An echo of one sequence over one medium, without its table.
    #[must_use]
    pub const fn of(node: NodeId, link: LinkId, session: u64, sequence: u64) -> Self {
        let mut lags = Lags::NONE;
        lags.0[link.0 as usize % LINKS_MAX] = 0;
        Self { node, session, sequence, known: 0, lags }
    }

    /// Notes one more sequence, heard over one medium.
    pub fn note(&mut self, link: LinkId, sequence: u64) {
        let more = sequence.saturating_sub(self.sequence);
        self.sequence += more;
        for lag in self.lags.0.iter_mut().filter(|lag| **lag != Lags::SILENT) {
            *lag = u8::try_from(u64::from(*lag).saturating_add(more)).unwrap_or(Lags::SILENT);
        }
        self.lags.note(link, self.sequence - sequence);
    }

    /// Forgets what was heard after the last beat of which the whole table is known.
    pub(crate) fn keep_known(&mut self) {
        let later = self.sequence - self.known.min(self.sequence);
        self.sequence -= later;
        for lag in self.lags.0.iter_mut().filter(|lag| **lag != Lags::SILENT) {
            *lag = u8::try_from(u64::from(*lag).saturating_sub(later)).unwrap_or(Lags::SILENT);
        }
    }
}

/// By how many sequences each medium is behind the one that brought the highest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lags([u8; LINKS_MAX]);

impl Lags {
    /// No medium is told of.
    pub const NONE: Self = Self([Self::SILENT; LINKS_MAX]);
    /// A medium that is behind this far, or has brought nothing, is not told of.
    const SILENT: u8 = u8::MAX;

    /// Notes how far a medium is behind, unless that is too far to be of interest.
    pub fn note(&mut self, link: LinkId, lag: u64) {
        if let (Ok(lag), Some(place)) = (u8::try_from(lag), self.0.get_mut(link.index())) {
            *place = lag;
        }
    }

    /// The media that are told of, with how far they are behind.
    pub fn iter(&self) -> impl Iterator<Item = (LinkId, u8)> + '_ {
        let all = (0..).map(LinkId).zip(self.0);
        all.filter(|(_, lag)| *lag != Self::SILENT)
    }
}

/// The last order to hold or to release, of everything or of one group, as the sender knows it.
///
/// It counts as long as what was ordered could last, and a release as long as the hold that it
/// ended; after that its number is told alone. Of two the one with the higher number holds, then
/// that of the lower node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HoldNotice {
    /// The group, by the place of its claim in the same beat; everything if absent.
    pub claim: Option<u16>,
    /// The number of the order.
    pub count: u32,
    /// The node that it was given to.
    pub by: NodeId,
    /// It ends what was held.
    pub is_release: bool,
    /// How much longer it counts, in milliseconds; 0 when it is over.
    pub left: u64,
}

/// A group that has moved by itself of late, as the sender knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moves {
    /// The group, by the place of its claim in the same beat.
    pub claim: u16,
    /// How often it has moved by itself, as far back as anybody knows.
    pub count: u32,
    /// How often in a row it was kept where it was.
    pub level: u8,
    /// It has gone once more since it is kept, to where it works better.
    pub has_fled: bool,
    /// How much longer it is kept where it is, in milliseconds; 0 when it is not.
    pub left: u64,
}

/// How a beat tells of the sender's table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TableForm {
    /// A mark of all, and some rows.
    #[default]
    Marked,
    /// Every row, for a node of the version before, which reads no marks.
    Whole,
    /// Nothing: the sender has yet to hear which of both can be read.
    Silent,
}

/// What a node of Systole adds to each `status` message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Beat {
    /// How it tells of the sender's table.
    pub form: TableForm,
    /// What the sender can do, as bits. Unknown bits are ignored.
    pub capabilities: u32,
    /// Random number of this run of the sender's daemon.
    pub session: u64,
    /// How far the sender's generation is above the one with which its daemon was started, if it has
    /// executed itself since, and [`Beat::GROWN_MAX`] at most; 0 if it has not, or does not know.
    pub grown: u32,
    /// Digest of the sender's node list; tables of another list are not read.
    pub nodes: u32,
    /// The sender has completed its communication and takes part in decisions.
    pub ready: bool,
    /// The sender is stopping: it takes nothing.
    pub leaving: bool,
    /// How many ping nodes answer the sender, once it knows.
    pub pings: Option<u16>,
    /// What the sender heard last of whom.
    pub echoes: Vec<Echo>,
    /// Describes the sender's whole table.
    pub table: Mark,
    /// The sender's view of groups: of those that changed, and of others that somebody may lack.
    pub claims: Vec<Claim>,
    /// What is held of everything and of these groups, and what was released before it would have
    /// ended.
    pub holds: Vec<HoldNotice>,
    /// Which of these groups have moved by themselves of late.
    pub moves: Vec<Moves>,
}

impl Beat {
    /// The capability to read marks.
    pub const READS_MARKS: u32 = 1;
    /// The capability to read the words of failures, which change the mark.
    pub const READS_WORDS: u32 = 2;
    /// Generations follow the clock, in seconds: these are eight years. More bytes do not fit.
    pub const GROWN_MAX: u32 = (1 << 28) - 1;

    /// The rows of the sender's table that the beat carries.
    pub(crate) fn told(&self) -> impl Iterator<Item = Told> + '_ {
        (0..).zip(&self.claims).map(|(place, claim)| Told {
            claim: *claim,
            hold: self.holds.iter().find(|hold| hold.claim == Some(place)).copied(),
            moves: self.moves.iter().find(|moves| moves.claim == place).copied(),
        })
    }

    /// Puts a row of the table in.
    pub(crate) fn tell(&mut self, told: &Told) {
        let claim = u16::try_from(self.claims.len()).unwrap_or(u16::MAX);
        self.claims.push(told.claim);
        self.holds.extend(told.hold.map(|hold| HoldNotice { claim: Some(claim), ..hold }));
        self.moves.extend(told.moves.map(|moves| Moves { claim, ..moves }));
    }
}
