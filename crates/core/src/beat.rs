//! What a Systole node adds to each of its beats: its view of every group.

mod size;
mod told;

use crate::{Failure, GroupKey, LINKS_MAX, LinkId, NodeId, ServiceAddresses};
use serde::{Deserialize, Serialize};
pub use size::{BEAT_TEXT_MAX, NAME_USUAL};
pub(crate) use size::{ROW_MAX, WORDS_MAX};
pub use told::Mark;
pub(crate) use told::Told;

/// The phase of an ownership, as its owner reports it.
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

    /// What the owner reports to the others. An owner without an executor cannot report a group as
    /// active, because nothing renews its addresses.
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

/// The ownership of a group: the row of a node's table for one group.
///
/// The term grows by one at each change of owner. Of two claims the one with the higher term
/// prevails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// The group.
    pub group: GroupKey,
    /// The owner, or the last owner if the phase is [`Phase::Stopped`].
    pub owner: NodeId,
    /// The number of the ownership.
    pub term: u64,
    /// How far the owner has come.
    pub phase: Phase,
    /// Whether the *sender* of this table cannot run the group.
    pub unable: bool,
    /// What failed at the sender and was not repaired since.
    pub failure: Option<Failure>,
    /// Whether something of the group may still run at the *sender*, whichever node owns it: no
    /// other node may start it.
    pub runs_here: bool,
}

impl Claim {
    /// Whether, by this row, nothing runs at the sender although something may still run there: the
    /// sender has lost its executor.
    pub(crate) fn is_in_doubt(&self, sender: NodeId) -> bool {
        self.runs_here && self.owner == sender && self.phase == Phase::Failed && self.unable
    }
}

/// What the sender last heard from a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Echo {
    /// The node that was heard.
    pub node: NodeId,
    /// The session of the heard node that the sequences belong to.
    pub session: u64,
    /// The highest sequence heard.
    pub sequence: u64,
    /// The highest sequence of a beat after which the sender had the whole table of that node, as
    /// described by that beat; 0 if it never had.
    pub known: u64,
    /// How far each medium of the sender lags.
    pub lags: Lags,
}

impl Echo {
    /// An echo of one sequence over one medium, with no table known.
    #[must_use]
    pub const fn of(node: NodeId, link: LinkId, session: u64, sequence: u64) -> Self {
        let mut lags = Lags::NONE;
        lags.0[link.0 as usize % LINKS_MAX] = 0;
        Self { node, session, sequence, known: 0, lags }
    }

    /// Records one more sequence, heard over one medium.
    pub fn note(&mut self, link: LinkId, sequence: u64) {
        let more = sequence.saturating_sub(self.sequence);
        self.sequence += more;
        for lag in self.lags.0.iter_mut().filter(|lag| **lag != Lags::SILENT) {
            *lag = u8::try_from(u64::from(*lag).saturating_add(more)).unwrap_or(Lags::SILENT);
        }
        self.lags.note(link, self.sequence - sequence);
    }

    /// Forgets what was heard after the last beat at which the whole table was known.
    pub(crate) fn keep_known(&mut self) {
        let later = self.sequence - self.known.min(self.sequence);
        self.sequence -= later;
        for lag in self.lags.0.iter_mut().filter(|lag| **lag != Lags::SILENT) {
            *lag = u8::try_from(u64::from(*lag).saturating_sub(later)).unwrap_or(Lags::SILENT);
        }
    }
}

/// How many sequences each medium is behind the medium that delivered the highest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lags([u8; LINKS_MAX]);

impl Lags {
    /// No medium is listed.
    pub const NONE: Self = Self([Self::SILENT; LINKS_MAX]);
    /// Marks a medium that is not listed, because it is this far behind or has delivered nothing.
    const SILENT: u8 = u8::MAX;

    /// Records how far a medium is behind, unless that is too far to be of interest.
    pub fn note(&mut self, link: LinkId, lag: u64) {
        if let (Ok(lag), Some(place)) = (u8::try_from(lag), self.0.get_mut(link.index())) {
            *place = lag;
        }
    }

    /// The listed media, with how far they are behind.
    pub fn iter(&self) -> impl Iterator<Item = (LinkId, u8)> + '_ {
        let all = (0..).map(LinkId).zip(self.0);
        all.filter(|(_, lag)| *lag != Self::SILENT)
    }
}

/// The last order to hold or to release, of everything or of one group, as the sender knows it.
///
/// A hold counts for as long as it could last, and a release for as long as the hold that it ended;
/// after that only the number is sent. Of two orders the one with the higher number prevails, then
/// the one of the lower node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HoldNotice {
    /// The group, by the index of its claim in the same beat; everything if absent.
    pub claim: Option<u16>,
    /// The number of the order.
    pub count: u32,
    /// The node that received the order.
    pub by: NodeId,
    /// Whether the order ends a hold.
    pub is_release: bool,
    /// How much longer the order counts, in milliseconds; 0 when it is over.
    pub left: u64,
}

/// A group that has recently moved automatically, as the sender knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moves {
    /// The group, by the index of its claim in the same beat.
    pub claim: u16,
    /// How many times it has moved automatically, as far back as any node knows.
    pub count: u32,
    /// How many times in a row it was kept where it was.
    pub level: u8,
    /// Whether it has moved once more while being kept, to a node where it works better.
    pub has_fled: bool,
    /// How much longer it is kept where it is, in milliseconds; 0 when it is not.
    pub left: u64,
}

/// How a beat describes the sender's table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TableForm {
    /// By a mark of all rows, and some rows.
    #[default]
    Marked,
    /// By every row, for a node of the previous version, which reads no marks.
    Whole,
    /// Not at all: the sender does not know yet which of the two forms the others can read.
    Silent,
}

/// What a Systole node adds to each `status` message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Beat {
    /// How the beat describes the sender's table.
    pub form: TableForm,
    /// What the sender can do, as bits. Unknown bits are ignored.
    pub capabilities: u32,
    /// Random number of this run of the sender's daemon.
    pub session: u64,
    /// How far the sender's generation is above the generation with which its daemon was started,
    /// if the daemon has executed itself since, at most [`Beat::GROWN_MAX`]; 0 if it has not, or if
    /// that is unknown.
    pub grown: u32,
    /// Digest of the sender's node list; tables of nodes with a different list are not read.
    pub nodes: u32,
    /// The sender has completed its communication and takes part in decisions.
    pub ready: bool,
    /// The sender is stopping: it takes nothing.
    pub leaving: bool,
    /// How many ping nodes answer the sender, once it knows.
    pub pings: Option<u16>,
    /// Where the sender can be reached on the service network.
    pub service: ServiceAddresses,
    /// What the sender last heard from each node.
    pub echoes: Vec<Echo>,
    /// Describes the sender's whole table.
    pub table: Mark,
    /// The sender's view of groups: those that changed, and others that some node may lack.
    pub claims: Vec<Claim>,
    /// Holds of everything and of these groups, and holds that were released before their end.
    pub holds: Vec<HoldNotice>,
    /// Which of these groups have recently moved automatically.
    pub moves: Vec<Moves>,
}

impl Beat {
    /// The capability to read marks.
    pub const READS_MARKS: u32 = 1;
    /// The capability to read the words of failures, which affect the mark.
    pub const READS_WORDS: u32 = 2;
    /// Generations follow the clock in seconds, so this is eight years. More bytes do not fit.
    pub const GROWN_MAX: u32 = (1 << 28) - 1;

    /// The rows of the sender's table that the beat carries.
    pub(crate) fn told(&self) -> impl Iterator<Item = Told> + '_ {
        (0..).zip(&self.claims).map(|(place, claim)| Told {
            claim: *claim,
            hold: self.holds.iter().find(|hold| hold.claim == Some(place)).copied(),
            moves: self.moves.iter().find(|moves| moves.claim == place).copied(),
        })
    }

    /// Adds a row of the table.
    pub(crate) fn tell(&mut self, told: &Told) {
        let claim = u16::try_from(self.claims.len()).unwrap_or(u16::MAX);
        self.claims.push(told.claim);
        self.holds.extend(told.hold.map(|hold| HoldNotice { claim: Some(claim), ..hold }));
        self.moves.extend(told.moves.map(|moves| Moves { claim, ..moves }));
    }
}
