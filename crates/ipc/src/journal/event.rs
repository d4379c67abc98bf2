//! The events of the journal, and the part that each of them plays in the story of a group.

use super::{HandOverStage, JobEnd, LastBeat, PingCounts, Place, Subject, begins};
use crate::order::JournalOrder;
use crate::protocol::Reason;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use systole_core::{Action, AnswerNews, Obstacle, Phase, Refusal, Step};

/// An event, with its evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum JournalEvent {
    /// A group changed its owner or phase.
    Ownership {
        /// The group, by its first resource word.
        group: String,
        /// The owner.
        owner: String,
        /// The term of the ownership.
        term: u64,
        /// How far the owner has got.
        phase: Phase,
        /// Why, as a word.
        cause: Cow<'static, str>,
        /// The evidence.
        evidence: String,
    },
    /// A machine answers for an address of a group that this node would take over, or takes over, or no longer does.
    Guard {
        /// The group.
        group: String,
        /// The Ethernet address of the machine.
        mac: String,
        /// The node that has it; absent if no node is known to have it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        node: Option<String>,
        /// What is new of the machine.
        #[serde(default)]
        news: AnswerNews,
    },
    /// No node runs a group, and this node does not take it over.
    NotTaken {
        /// The group.
        group: String,
        /// What keeps this node from taking it over.
        obstacle: Obstacle,
        /// Why this node would take it over.
        evidence: String,
    },
    /// An interface that a group needs has a fault on this node, or all of them work again.
    Reach {
        /// The group.
        group: String,
        /// The fault; absent when all interfaces work again.
        fault: Option<String>,
    },
    /// Addresses were removed and were put back; nothing else of the group was touched.
    AddressBack {
        /// The group.
        group: String,
        /// The addresses, as in haresources.
        addresses: String,
        /// Who may have removed them.
        cause: String,
    },
    /// A condition that an administrator should look at although the group runs, or the end of one.
    Alarm {
        /// The group.
        group: String,
        /// The condition in words; absent when it is over.
        text: Option<String>,
        /// Whether it concerns lines of haresources that differ between the nodes.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        lines: bool,
    },
    /// A node was silent for its dead time.
    Death {
        /// The node.
        node: String,
        /// The evidence.
        evidence: String,
        /// Time since its last beat in milliseconds; absent if it was never heard.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        silence_ms: Option<u64>,
        /// The silence in milliseconds after which it counts as dead.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit_ms: Option<u64>,
        /// The last message on each link.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        links: Vec<LastBeat>,
    },
    /// A beat came so late that its node nearly counted as dead.
    Late {
        /// The node.
        node: String,
        /// Time since the previous beat.
        milliseconds: u64,
    },
    /// A node announced that it leaves.
    Departure {
        /// The node.
        node: String,
    },
    /// A node that was dead is back.
    Return {
        /// The node.
        node: String,
        /// The evidence.
        evidence: String,
    },
    /// Groups wait until a silent node is fenced, or no longer wait.
    Fencing {
        /// The node.
        node: String,
        /// The step, as a word.
        step: Cow<'static, str>,
        /// The number of the fencing attempt, if the step concerns one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        attempt: Option<u32>,
        /// The evidence, or the decision.
        evidence: String,
    },
    /// The keys are being renewed.
    Keys {
        /// The step, as a word.
        step: Cow<'static, str>,
        /// The nodes that have not yet been heard with the new key.
        waiting: Vec<String>,
    },
    /// Something is held or kept where it is, or no longer is.
    Hold {
        /// The group; absent when everything is held.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        group: Option<String>,
        /// The step, as a word.
        step: Cow<'static, str>,
        /// Who ordered the hold and for how long, or the evidence.
        evidence: String,
    },
    /// A user gave an order.
    Order {
        /// The order.
        order: JournalOrder,
        /// The user who gave it.
        uid: u32,
        /// The process that gave it.
        pid: i32,
        /// The user's name, where it is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user: Option<String>,
        /// The user who logged in and became that user, if they differ.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        login: Option<String>,
        /// The number of the order in this run; 0 if nothing waits for the answer.
        #[serde(default)]
        ticket: u64,
    },
    /// A user who may not give orders tried to.
    Denied {
        /// The user.
        uid: u32,
        /// The process.
        pid: i32,
        /// The user's name, where it is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user: Option<String>,
    },
    /// The result of an order.
    Answer {
        /// The order.
        order: JournalOrder,
        /// Why it was refused; absent when it was carried out.
        refused: Option<Reason>,
        /// Why it failed, in words, if it was not refused.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failed: Option<String>,
        /// The number of the order in this run.
        #[serde(default)]
        ticket: u64,
    },
    /// A planned hand-over reached a stage, or ended.
    HandOver(HandOverStage),
    /// This node refused another node's request for a hand-over, or a step of its hand-over.
    Refusal {
        /// The node.
        node: String,
        /// The step.
        step: Step,
        /// Why.
        refused: Refusal,
    },
    /// Ping nodes were counted, with a consequence.
    Pings(PingCounts),
    /// A resource was started, stopped or checked on this node.
    Job(JobEnd),
    /// The executor let go of a group on its own initiative.
    LetGo {
        /// The group.
        group: String,
        /// Why, in words.
        why: String,
    },
    /// The executor is gone, or is back.
    Executor {
        /// Whether the executor is there.
        there: bool,
    },
    /// A resource cannot be stopped, and a measure is taken.
    StopFailure {
        /// The group.
        group: String,
        /// The resource word.
        resource: String,
        /// The measure, as the word of `stop_failure` in `ha.cf`.
        measure: Cow<'static, str>,
    },
    /// The daemon started.
    Start {
        /// Its version.
        version: Cow<'static, str>,
        /// Its generation.
        generation: u64,
    },
    /// The daemon applied another configuration.
    Reload {
        /// The changes, one per line.
        changes: Vec<String>,
        /// Whether the daemon executes itself again to apply them.
        restarts: bool,
    },
    /// The daemon stops.
    Stop,
    /// This node did not run for some time.
    Pause {
        /// The length of the pause.
        milliseconds: u64,
    },
    /// A check of a running resource failed or could not be made, or found the resource well again.
    Check {
        /// The group.
        group: String,
        /// The resource word.
        resource: String,
        /// What follows, as a word.
        follows: Cow<'static, str>,
        /// What came of the check, in words; empty if the resource is well.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        outcome: String,
        /// How many checks have failed in a row, or how many restarts count, and how many may.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        count: Option<(u8, u8)>,
    },
    /// A resource runs on this node although its group does not, or no longer does.
    Foreign {
        /// The group.
        group: String,
        /// The resource word.
        resource: String,
        /// The owner of the group.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owner: Option<String>,
        /// What has happened, as a word.
        step: Cow<'static, str>,
        /// What came of the stop, in words, if it failed.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        outcome: String,
    },
    /// A resource could not be started, or cannot be stopped.
    Failure {
        /// The group.
        group: String,
        /// The node.
        node: String,
        /// The action, a start or a stop.
        action: Action,
        /// The resource word.
        resource: String,
        /// The outcome, in words.
        outcome: String,
    },
}

impl JournalEvent {
    /// Returns the subject of the event, its place in the story of that subject, and whether the event may
    /// repeat without end, so that one entry is enough for some time.
    #[must_use]
    pub fn story(&self) -> (Subject<'_>, Place, bool) {
        use Place::{Beginning, Conclusion, Middle};
        use Subject::{Aside, Every, Group, Ordered, Set};
        match self {
            Self::Ownership { group, .. }
            | Self::Failure { group, .. }
            | Self::Reach { group, .. }
            | Self::AddressBack { group, .. }
            | Self::Alarm { group, .. }
            | Self::LetGo { group, .. }
            | Self::StopFailure { group, .. }
            | Self::Check { group, .. }
            | Self::Foreign { group, .. }
            | Self::Guard { group, .. } => (Group(group), Middle, false),
            Self::NotTaken { group, .. } => (Group(group), Middle, true),
            Self::Job(job) => (Group(&job.group), Middle, false),
            Self::HandOver(stage) => {
                let place = if begins(&stage.stage) { Beginning } else { Conclusion };
                let subject = match (&stage.group, stage.set) {
                    (Some(group), _) => Group(group),
                    (None, Some(set)) => Set(set, &stage.giver),
                    (None, None) => Every,
                };
                (subject, place, stage.ticket.is_none())
            }
            Self::Hold { group, .. } => (group.as_deref().map_or(Every, Group), Middle, false),
            Self::Death { .. } | Self::Departure { .. } => (Every, Beginning, false),
            Self::Late { .. } | Self::Refusal { .. } | Self::Pings(_) => (Every, Middle, true),
            Self::Order { order, .. } => (Ordered(order.group()), Beginning, false),
            Self::Answer { order, .. } => (Ordered(order.group()), Conclusion, false),
            Self::Denied { .. } => (Aside, Middle, true),
            Self::Keys { .. } => (Aside, Middle, false),
            Self::Return { .. }
            | Self::Fencing { .. }
            | Self::Executor { .. }
            | Self::Start { .. }
            | Self::Reload { .. }
            | Self::Stop
            | Self::Pause { .. } => (Every, Middle, false),
        }
    }

    /// Returns what two events have in common when one merely repeats the other, or `None` for events that
    /// do not repeat without end.
    #[must_use]
    pub fn essence(&self) -> Option<Self> {
        let (_, _, may_repeat) = self.story();
        let mut essence = self.clone();
        if let Self::HandOver(stage) = &mut essence {
            (stage.took_ms, stage.total_ms) = (0, 0);
        } else if let Self::Denied { pid, .. } = &mut essence {
            *pid = 0;
        } else if let Self::NotTaken { evidence, .. } = &mut essence {
            evidence.clear();
        } else if let Self::Late { milliseconds, .. } = &mut essence {
            *milliseconds = 0;
        }
        may_repeat.then_some(essence)
    }
}
