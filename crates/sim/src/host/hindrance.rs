//! What an executor cannot do for a while, although its process runs.

use super::{Host, Surroundings};
use systole_core::{GroupKey, Resource, Time};
use systole_executor::protocol::{Action, Held, Run};
use systole_executor::{AgentName, Finding, Input, LookId, NotBegun, RunId, Signal};

/// What does not work on a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hindrance {
    /// No program can be started: there is no process, descriptor or memory left for it.
    Programs,
    /// The start of a program takes until the end of the hindrance: its disk does not answer.
    Starts,
    /// The ledger cannot be written: the disk is full.
    Ledger,
    /// Writing the ledger takes until the end of the hindrance.
    Writes,
    /// Looking for the files of agents takes until the end of the hindrance: their server does not answer.
    Looks,
    /// The lifetime of addresses cannot be renewed.
    Renewals,
    /// The kernel's reports about addresses are lost.
    News,
}

impl Hindrance {
    /// All hindrances.
    pub(crate) const ALL: [Self; 7] = [
        Self::Programs,
        Self::Starts,
        Self::Ledger,
        Self::Writes,
        Self::Looks,
        Self::Renewals,
        Self::News,
    ];

    /// Returns the name under which faults of this kind are counted.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Programs => "no program can be started",
            Self::Starts => "starts of programs hang",
            Self::Ledger => "the ledger cannot be written",
            Self::Writes => "writing the ledger hangs",
            Self::Looks => "looks at agents hang",
            Self::Renewals => "addresses cannot be renewed",
            Self::News => "the kernel's news are lost",
        }
    }
}

/// Something that an executor waits for.
#[derive(Debug)]
pub(super) enum Late {
    /// A program starts, unless it was told to end before.
    Begin { run: RunId, request: Box<Run>, action: Action, is_killed: bool },
    /// The ledger is written.
    Write { number: u64, groups: Vec<Held>, doubtful: Vec<(GroupKey, Resource)> },
    /// A search for files has its result.
    Look { look: LookId, finding: Finding },
}

/// What does not work, and what waits for it.
#[derive(Debug, Default)]
pub(super) struct Hindrances {
    list: Vec<(Hindrance, Time)>,
    late: Vec<(Time, Late)>,
}

impl Hindrances {
    /// Lets something fail until this time.
    pub(super) fn begin(&mut self, hindrance: Hindrance, until: Time) {
        self.list.retain(|(other, _)| *other != hindrance);
        self.list.push((hindrance, until));
    }

    /// Returns until when something does not work, if it does not work.
    pub(super) fn until(&self, hindrance: Hindrance, now: Time) -> Option<Time> {
        let known = self.list.iter().find(|(other, until)| *other == hindrance && now < *until);
        known.map(|(_, until)| *until)
    }

    /// Lets something wait until this time.
    pub(super) fn wait(&mut self, until: Time, late: Late) {
        self.late.push((until, late));
    }

    /// Returns until when writes of the ledger wait: a later write does not overtake them.
    pub(super) fn writes_until(&self) -> Option<Time> {
        let writes = self.late.iter().filter(|(_, late)| matches!(late, Late::Write { .. }));
        writes.map(|(until, _)| *until).max()
    }

    /// Tells a program to end that does not run yet. Returns whether there was such a program.
    pub(super) fn signal(&mut self, told: RunId, signal: Signal) -> bool {
        let runs = self.late.iter_mut().find_map(|(_, late)| match late {
            Late::Begin { run, is_killed, .. } if *run == told => Some(is_killed),
            Late::Begin { .. } | Late::Write { .. } | Late::Look { .. } => None,
        });
        let Some(is_killed) = runs else { return false };
        *is_killed |= signal == Signal::Kill;
        true
    }

    /// Returns when the first waiting action continues.
    pub(super) fn due(&self) -> Option<Time> {
        self.late.iter().map(|(until, _)| *until).min()
    }

    /// Lets waiting actions continue at this moment at the latest.
    pub(super) fn hurry(&mut self, now: Time) {
        for (until, _) in &mut self.late {
            *until = now.min(*until);
        }
    }

    /// Forgets what waited, because the process is gone.
    pub(super) fn forget(&mut self) {
        self.late.clear();
    }

    fn take_due(&mut self, now: Time) -> Option<Late> {
        let at = self.late.iter().position(|(until, _)| *until <= now)?;
        Some(self.late.remove(at).1)
    }
}

impl Host {
    /// Lets due actions continue, and returns their results.
    pub(super) fn end_late(&mut self, around: &mut Surroundings<'_>) -> Result<Vec<Input>, String> {
        let mut inputs = Vec::new();
        while let Some(late) = self.hindrances.take_due(around.now) {
            inputs.push(match late {
                Late::Begin { run, is_killed: true, .. } => {
                    let why = NotBegun::Error("it was told to end".to_owned());
                    Input::NotBegun { run, why }
                }
                Late::Begin { run, request, action, is_killed: false } => {
                    self.programs.begin(around, run, &request, action)?;
                    Input::Begun { run, agent: AgentName::default() }
                }
                Late::Write { number, groups, doubtful } => {
                    (self.ledger, self.doubtful) = (groups, doubtful);
                    Input::LedgerWritten { number, error: None }
                }
                Late::Look { look, finding } => Input::Looked { look, finding },
            });
        }
        Ok(inputs)
    }
}
