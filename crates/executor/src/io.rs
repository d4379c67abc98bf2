//! The inputs and outputs of the machine, as plain data.

use crate::protocol::{Action, Held, Level, Outcome, Report, Request, Run, Service};
use std::net::IpAddr;
use std::time::Duration;
use systole_core::{GroupKey, Resource};

/// Identifies one run of a program, or one change of addresses, between machine and shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(pub u64);

/// Identifies one check of the files of agents, between machine and shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LookId(pub u64);

/// An event outside the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A daemon has connected. There is one at a time.
    Connected,
    /// The daemon is gone.
    Disconnected,
    /// The daemon has sent a request.
    Request(Request),
    /// The program of a run was started.
    Begun {
        /// The run.
        run: RunId,
        /// The agent's names in the log.
        agent: AgentName,
    },
    /// The program of a run was not started, and will not be.
    NotBegun {
        /// The run.
        run: RunId,
        /// The reason.
        why: NotBegun,
    },
    /// A main process of a resource has ended.
    ProcessEnded {
        /// Its group.
        group: GroupKey,
        /// The resource as it is written in haresources.
        word: String,
        /// Whether the process crashed or was killed; otherwise it may be replaced at the moment.
        is_crash: bool,
    },
    /// The program of a run has ended.
    Ended {
        /// The run.
        run: RunId,
        /// The outcome, as this kind of agent expresses it. The machine itself knows whether it ended the
        /// program.
        outcome: Outcome,
    },
    /// Addresses were changed or looked for, as [`Output::Change`] asked.
    Changed {
        /// The change.
        run: RunId,
        /// Its outcome.
        outcome: Outcome,
        /// The number of addresses that were announced to the neighbours.
        announced: usize,
    },
    /// The answer to [`Output::Renew`]: every address that was asked for, with its presence.
    Renewed(Vec<(Resource, Presence)>),
    /// Nothing could be renewed or looked for. The text says why.
    NotRenewed(String),
    /// The kernel reports that an address was removed.
    AddressGone {
        /// The address.
        address: IpAddr,
        /// Who may have removed it, in words; absent when the kernel did so itself.
        by: Option<String>,
    },
    /// Another machine claims an address that is listened for. Nothing proves that it has it.
    Claimed {
        /// The address.
        address: IpAddr,
        /// The interface on which the claim was heard.
        interface: String,
        /// The Ethernet address of the other machine.
        mac: [u8; 6],
    },
    /// Addresses may have been removed, because notifications of the kernel were lost.
    AddressesUnknown,
    /// The faults of the interfaces of all watched services; absent where all is well.
    Interfaces(Vec<(GroupKey, Option<String>)>),
    /// The answer to [`Output::Look`].
    Looked {
        /// The check.
        look: LookId,
        /// The finding.
        finding: Finding,
    },
    /// The ledger's file was removed.
    LedgerGone,
    /// The ledger was written, or could not be.
    LedgerWritten {
        /// The number of the write, as in [`Output::WriteLedger`].
        number: u64,
        /// Why it could not be written, in words.
        error: Option<String>,
    },
}

/// The names of an agent in the log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AgentName {
    /// The log line before the agent starts or stops something, e.g. `Running /etc/init.d/web  start`.
    pub line: String,
    /// The agent's name when it fails, e.g. `/etc/init.d/web`.
    pub name: String,
}

/// The reason why a program was not started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotBegun {
    /// There is no agent of this name.
    Missing,
    /// Something failed in the executor: a fork, a file, a limit. Says nothing about the agent.
    Error(String),
}

/// The finding of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// Everything that a start needs is present.
    Complete,
    /// There is no agent of this name.
    Missing(String),
    /// An interface of an address has a fault, given in words.
    Fault(String),
    /// The check could not be made. The text says why.
    Unknown(String),
}

/// What the kernel reports about an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// The address is present, and its lifetime was renewed.
    Here,
    /// The address is not present.
    Absent,
}

/// The signal with which a run is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM to the program and everything that it started.
    Terminate,
    /// SIGKILL, likewise. A program that has not started yet must no longer start.
    Kill,
}

/// An instruction for the shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Send a report to the daemon. Occurs only while one is connected, [`Report::Hello`] first.
    Report(Report),
    /// Write to the daemon's log, if a daemon is connected.
    Log {
        /// The agent that writes, e.g. `ResourceManager`.
        agent: String,
        /// The agent's instance, e.g. `default`.
        instance: String,
        /// The severity.
        level: Level,
        /// The line.
        text: String,
    },
    /// Find the agent of a run and start its program. Answered by one [`Input::Begun`] followed by one
    /// [`Input::Ended`], or by one [`Input::NotBegun`].
    Begin {
        /// Identifies the run in the answers.
        run: RunId,
        /// The daemon's request. Its resource is one agent.
        request: Box<Run>,
        /// The action of the program: a start begins with a status.
        action: Action,
    },
    /// Signal the program of a run.
    Signal {
        /// The run: one that was begun, or one that an earlier executor left.
        run: RunId,
        /// The signal.
        signal: Signal,
    },
    /// Add, remove or look for addresses, in one batch. Answered by one [`Input::Changed`].
    Change {
        /// Identifies the change in the answer.
        run: RunId,
        /// The action. Addresses that are started are announced.
        action: Action,
        /// The addresses.
        resources: Vec<Resource>,
        /// How long the addresses live without being renewed.
        lifetime: Duration,
    },
    /// Restart the lifetimes of these addresses without adding any. Answered by one [`Input::Renewed`] or
    /// [`Input::NotRenewed`]; there is one renewal at a time.
    Renew {
        /// The addresses.
        resources: Vec<Resource>,
        /// How long the addresses live without being renewed.
        lifetime: Duration,
    },
    /// Watch the interfaces of these services. Answered by an [`Input::Interfaces`] at once, and again
    /// whenever an interface changes.
    WatchInterfaces(Vec<Service>),
    /// Listen on the interfaces of these addresses for other machines that claim one of them, and no longer
    /// for others. The same address may be named twice. Claims are [`Input::Claimed`]; that nothing can be
    /// listened to is no error.
    WatchClaims(Vec<IpAddr>),
    /// Announce an address that is listened for to its neighbours, once.
    Defend(IpAddr),
    /// Look for the agents of these resources and the interfaces of their addresses. Answered by
    /// one [`Input::Looked`].
    Look {
        /// Identifies the check in the answer.
        look: LookId,
        /// The resources.
        resources: Vec<Resource>,
    },
    /// Write what is held to the ledger's file, replacing its contents. Answered by one
    /// [`Input::LedgerWritten`].
    WriteLedger {
        /// The number of the write, which grows with every write.
        number: u64,
        /// What is held.
        groups: Vec<Held>,
        /// The resources of which it is unknown whether they run: the start has not succeeded, or the stop
        /// has failed.
        doubtful: Vec<(GroupKey, Resource)>,
    },
    /// Exit, because the executor is no longer needed.
    Exit,
}
