//! The graceful stop: the state machine, without cluster.

use crate::coverage::{Table, visit};
use crate::rarely::Rarely;
use crate::{GroupId, Time};
use std::time::Duration;

/// How long to wait for the goodbye to be acknowledged.
const GOODBYE_WAIT: Duration = Duration::from_secs(2);
/// How long a C node may take to start what was this node's. If this node falls silent before, the
/// C node declares it dead and forgets what it was doing.
const CLASSIC_WAIT: Duration = Duration::from_secs(5);

/// A graceful stop.
///
/// ```text
/// None ──ordered──▶ Releasing ──all groups are stopped, `shutdone` is sent──▶ Said
/// Said ──acknowledged, or 2 s──▶ Over
/// Said ──beside a C node: acknowledged, and its takeover is done, or 5 s──▶ Over
/// ```
#[derive(Debug, Default)]
pub(in crate::cluster) enum Shutdown {
    /// No stop was ordered.
    #[default]
    None,
    /// Groups are being stopped. The reports that something delays the stop become rarer.
    Releasing { waits: Rarely },
    /// The goodbye was sent under this sequence.
    Said { sequence: u64, until: Time, awaits_takeover: bool },
    /// The daemon ends.
    Over,
}

/// What happens to a [`Shutdown`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Input {
    /// The stop is ordered.
    Ordered,
    /// A turn: which group may still run, and whether that cannot be told.
    Turn { runs: bool, in_doubt: Option<GroupId> },
    /// A turn after the goodbye, which every node that listens has acknowledged, or not.
    Acknowledged(bool),
    /// Everything is stopped, and the goodbye is sent under this sequence.
    GoodbyeSent { sequence: u64, awaits_takeover: bool },
    /// A node has sent a step of a hand-over: a C node that is done has what was this node's.
    Step { is_taken_over: bool },
}

/// What a step asks of the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    Nothing,
    /// Release every group.
    Release,
    /// Report that the stop waits, because it cannot be told whether this group runs.
    ReportDoubt(GroupId),
    /// Say goodbye.
    SayGoodbye,
    /// End the daemon.
    End,
}

impl Shutdown {
    /// The latest time at which a turn is due.
    pub(in crate::cluster) const fn deadline(&self) -> Option<Time> {
        match self {
            Self::Said { until, .. } => Some(*until),
            Self::None | Self::Releasing { .. } | Self::Over => None,
        }
    }

    /// Whether a stop was ordered.
    pub(in crate::cluster) const fn has_begun(&self) -> bool {
        !matches!(self, Self::None)
    }

    /// Processes an input. The only place where the state changes.
    pub(super) fn step(&mut self, now: Time, input: Input) -> Effect {
        if let Some(name) = self.name_of(now, input) {
            visit(Table::Shutdown, || (self.name(), name));
        }
        match (&mut *self, input) {
            (Self::None, Input::Ordered) => {
                *self = Self::Releasing { waits: Rarely::default() };
                Effect::Release
            }
            (Self::Releasing { .. }, Input::Turn { runs: false, in_doubt: None }) => {
                Effect::SayGoodbye
            }
            (Self::Releasing { waits }, Input::Turn { runs: false, in_doubt: Some(group) }) => {
                waits.note(now).map_or(Effect::Nothing, |_| Effect::ReportDoubt(group))
            }
            (Self::Releasing { .. }, Input::GoodbyeSent { sequence, awaits_takeover }) => {
                let wait = if awaits_takeover { CLASSIC_WAIT } else { GOODBYE_WAIT };
                *self = Self::Said { sequence, until: now + wait, awaits_takeover };
                Effect::Nothing
            }
            (Self::Said { until, awaits_takeover, .. }, Input::Acknowledged(is_heard))
                if now >= *until || is_heard && !*awaits_takeover =>
            {
                *self = Self::Over;
                Effect::End
            }
            (Self::Said { awaits_takeover, .. }, Input::Step { is_taken_over: true }) => {
                *awaits_takeover = false;
                Effect::Nothing
            }
            (Self::None | Self::Releasing { .. } | Self::Said { .. } | Self::Over, _) => {
                Effect::Nothing
            }
        }
    }

    /// The name of the state for the count of transitions.
    const fn name(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Releasing { .. } => "releasing",
            Self::Said { .. } => "said",
            Self::Over => "over",
        }
    }

    /// The name of an input for that count. Inputs that only this machine itself causes are not
    /// counted.
    fn name_of(&self, now: Time, input: Input) -> Option<&'static str> {
        match (self, input) {
            (_, Input::Ordered) => Some("stop"),
            (_, Input::Step { .. }) => Some("step"),
            (Self::Releasing { .. }, Input::Turn { runs: false, in_doubt: None }) => {
                Some("all stopped")
            }
            (Self::Releasing { .. }, Input::Turn { .. }) => Some("still stopping"),
            (Self::Said { until, awaits_takeover, .. }, Input::Acknowledged(is_heard)) => {
                Some(match (now >= *until, is_heard && !*awaits_takeover) {
                    (_, true) => "heard by all",
                    (true, false) => "time up",
                    (false, false) => "unheard",
                })
            }
            (Self::None | Self::Releasing { .. } | Self::Said { .. } | Self::Over, _) => None,
        }
    }
}
