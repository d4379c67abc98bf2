//! What goes into the machine and what comes out: plain data.

use crate::protocol::{Action, Held, Level, Outcome, Report, Request, Run, Service};
use std::net::IpAddr;
use std::time::Duration;
use systole_core::{GroupKey, Resource};

/// Names one run of a program, or one change of addresses, between machine and shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(pub u64);

/// Names one look at the files of agents, between machine and shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LookId(pub u64);

/// Something that happened outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A daemon has connected. There is one at a time.
    Connected,
    /// The daemon is gone.
    Disconnected,
    /// The daemon wants something.
    Request(Request),
    /// The program of a run was started.
    Begun {
        /// The run.
        run: RunId,
        /// Who it is, for the log.
        agent: AgentName,
    },
    /// The program of a run was not started, and will not be.
    NotBegun {
        /// The run.
        run: RunId,
        /// Why not.
        why: NotBegun,
    },
    /// The program of a run has ended.
    Ended {
        /// The run.
        run: RunId,
        /// What it says, as its kind of agent means it. How it was ended the machine knows.
        outcome: Outcome,
    },
    /// Addresses were changed or looked for, as [`Output::Change`] asked.
    Changed {
        /// Which change.
        run: RunId,
        /// What came of it.
        outcome: Outcome,
        /// How many were announced to the neighbours.
        announced: usize,
    },
    /// What came of [`Output::Renew`]: every address that was asked for, with what was found.
    Renewed(Vec<(Resource, Presence)>),
    /// Nothing could be renewed, or looked for.
    NotRenewed(String),
    /// The kernel tells that an address was removed.
    AddressGone {
        /// The address.
        address: IpAddr,
        /// Who might have done it, in words; absent when the kernel did it by itself.
        by: Option<String>,
    },
    /// Addresses may have been removed: the kernel's news were lost.
    AddressesUnknown,
    /// What is wrong with the interfaces of the watched services, each one told.
    Interfaces(Vec<(GroupKey, Option<String>)>),
    /// What came of [`Output::Look`].
    Looked {
        /// Which look.
        look: LookId,
        /// What was found.
        finding: Finding,
    },
    /// Somebody has removed the ledger.
    LedgerGone,
    /// The ledger was written, or could not be.
    LedgerWritten {
        /// Its number, as [`Output::WriteLedger`] gave it.
        number: u64,
        /// Why it could not be, in words.
        error: Option<String>,
    },
}

/// The names of an agent in the log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AgentName {
    /// What is said before it starts or stops something, e.g. `Running /etc/init.d/web  start`.
    pub line: String,
    /// Who it is when it fails, e.g. `/etc/init.d/web`.
    pub name: String,
}

/// Why a program was not started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotBegun {
    /// There is no agent of this name.
    Missing,
    /// Something failed on our side: a fork, a file, a limit. Says nothing of the agent.
    Error(String),
}

/// What a look found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// Everything that a start needs.
    Complete,
    /// No agent of this name.
    Missing(String),
    /// Something that is wrong with the interface of an address, in words.
    Fault(String),
    /// Nothing: it could not be looked. In words.
    Unknown(String),
}

/// What the kernel knows of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// It is there, and lives on.
    Here,
    /// It is not there.
    Absent,
}

/// How a run is asked to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM to the program and everything that it started.
    Terminate,
    /// SIGKILL, likewise. A program that is only about to start must not start any more.
    Kill,
}

/// Something the shell must do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Tell the daemon. Comes only while one is connected, [`Report::Hello`] first.
    Report(Report),
    /// Tell the daemon's log, if a daemon is connected.
    Log {
        /// Who says it, e.g. `ResourceManager`.
        agent: String,
        /// The instance of it, e.g. `default`.
        instance: String,
        /// How grave it is.
        level: Level,
        /// The line.
        text: String,
    },
    /// Find the agent of a run and start its program. Answered by one [`Input::Begun`] and one
    /// [`Input::Ended`] after it, or by one [`Input::NotBegun`].
    Begin {
        /// Names it in the answers.
        run: RunId,
        /// What the daemon asked for; its resource is one agent.
        request: Box<Run>,
        /// What the program does now: a start asks for the status first.
        action: Action,
    },
    /// Let the program of a run end.
    Signal {
        /// The run: one that was begun, or one that an earlier executor left.
        run: RunId,
        /// How.
        signal: Signal,
    },
    /// Add, remove or look for addresses, in one batch. Answered by one [`Input::Changed`].
    Change {
        /// Names it in the answer.
        run: RunId,
        /// What to do. What is started is announced.
        action: Action,
        /// The addresses.
        resources: Vec<Resource>,
        /// How long they live without being renewed.
        lifetime: Duration,
    },
    /// Let the lifetimes of these addresses begin anew, adding nothing. Answered by one
    /// [`Input::Renewed`] or [`Input::NotRenewed`]; there is one at a time.
    Renew {
        /// The addresses.
        resources: Vec<Resource>,
        /// How long they live without being renewed.
        lifetime: Duration,
    },
    /// Watch the interfaces of these services. Answered by an [`Input::Interfaces`] at once, and
    /// whenever an interface changes.
    WatchInterfaces(Vec<Service>),
    /// Look for the agents of these resources and the interfaces of their addresses. Answered by
    /// one [`Input::Looked`].
    Look {
        /// Names it in the answer.
        look: LookId,
        /// The resources.
        resources: Vec<Resource>,
    },
    /// Write down what is held, in place of what was written before. Answered by one
    /// [`Input::LedgerWritten`].
    WriteLedger {
        /// Grows with every write.
        number: u64,
        /// What is held.
        groups: Vec<Held>,
        /// What of it may run and may not: its start has not succeeded, or its stop has failed.
        doubtful: Vec<(GroupKey, Resource)>,
    },
    /// The executor is not needed any more.
    Exit,
}
