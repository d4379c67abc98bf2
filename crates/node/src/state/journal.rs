//! The journal: why everything moved, one JSON object a line.

mod evidence;
mod fencing;
mod file;
mod hold;
mod read;
mod repeats;
#[cfg(test)]
mod tests;
mod wish;

pub use evidence::{HandOverStage, JobEnd, LastBeat, PingCounts};
pub use file::Journal;
pub(super) use file::Scribe;
pub use read::{Reading, read};
pub use wish::Wish;

use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::time::Duration;
use systole_core::{
    Action, Cause, Event, Failure, Group, GroupId, HandOverEvent, NodeId, Phase, Refusal, Settings,
    Step,
};

pub(super) const NAME: &str = "journal.jsonl";
pub(super) const OLD: &str = "journal.jsonl.1";

/// Size at which the journal becomes the old one, in bytes: some ten thousand entries.
const SIZE_MAX: u64 = 4 << 20;

/// What happened, with the evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Happening {
    /// A group changed its owner or phase.
    Ownership {
        /// The group, by its first resource word.
        group: String,
        /// The owner.
        owner: String,
        /// The number of the ownership.
        term: u64,
        /// How far the owner is.
        phase: Phase,
        /// Why, as a word.
        cause: Cow<'static, str>,
        /// What showed it.
        evidence: String,
    },
    /// An interface that a group needs is not well on this node, or all are well again.
    Reach {
        /// The group.
        group: String,
        /// What is wrong.
        fault: Option<String>,
    },
    /// Addresses were gone and are back; nothing else of the group was touched.
    AddressBack {
        /// The group.
        group: String,
        /// The addresses, as in haresources.
        addresses: String,
        /// Who might have removed them.
        cause: String,
    },
    /// Something that a person should look at, though the group runs; or that is over.
    Alarm {
        /// The group.
        group: String,
        /// What it is.
        text: Option<String>,
    },
    /// A node was silent for its dead time.
    Death {
        /// The node.
        node: String,
        /// What showed it.
        evidence: String,
        /// Since its last beat; absent when it was never heard.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        silence_ms: Option<u64>,
        /// Silence that makes it dead.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit_ms: Option<u64>,
        /// The last message on each link.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        links: Vec<LastBeat>,
    },
    /// A beat came so late that its node was nearly called dead.
    Late {
        /// The node.
        node: String,
        /// Since the beat before.
        milliseconds: u64,
    },
    /// A node said goodbye.
    Departure {
        /// The node.
        node: String,
    },
    /// A node that was dead is back.
    Return {
        /// The node.
        node: String,
        /// What showed it.
        evidence: String,
    },
    /// Groups wait until a silent node is fenced, or wait no more.
    Fencing {
        /// The node.
        node: String,
        /// The step, as a word.
        step: Cow<'static, str>,
        /// The number of the attempt that it concerns.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        attempt: Option<u32>,
        /// What showed it, or what was decided.
        evidence: String,
    },
    /// The keys are being renewed.
    Keys {
        /// The step, as a word.
        step: Cow<'static, str>,
        /// The nodes that were not heard with the new one.
        waiting: Vec<String>,
    },
    /// Something is held, or kept where it is, or is not any more.
    Hold {
        /// The group; everything if absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        group: Option<String>,
        /// The step, as a word.
        step: Cow<'static, str>,
        /// Who ordered it and for how long, or what showed it.
        evidence: String,
    },
    /// Somebody gave an order.
    Order {
        /// The order.
        order: Wish,
        /// The user who gave it.
        uid: u32,
        /// The process that gave it.
        pid: i32,
        /// The user's name, where it is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user: Option<String>,
        /// Who logged in and became that user, where that is somebody else.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        login: Option<String>,
        /// The number of the order in this run; 0 where nobody waits for the answer.
        #[serde(default)]
        ticket: u64,
    },
    /// Somebody who may not give orders tried to.
    Denied {
        /// The user.
        uid: u32,
        /// The process.
        pid: i32,
        /// The user's name, where it is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user: Option<String>,
    },
    /// What came of an order.
    Answer {
        /// The order.
        order: Wish,
        /// Why it was refused; absent when it was done.
        refused: Option<Refusal>,
        /// Why it failed, in words, where that is no refusal.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failed: Option<String>,
        /// The number of the order in this run.
        #[serde(default)]
        ticket: u64,
    },
    /// A planned hand-over reached a stage, or ended.
    HandOver(HandOverStage),
    /// A step of another node's hand-over, or its wish for one, was not followed.
    Refusal {
        /// The node.
        node: String,
        /// The step.
        step: Step,
        /// Why.
        refused: Refusal,
    },
    /// Ping nodes were counted, and something follows.
    Pings(PingCounts),
    /// A resource was started, stopped or looked at here.
    Job(JobEnd),
    /// The executor let go of a group by itself.
    LetGo {
        /// The group.
        group: String,
        /// Why, in words.
        why: String,
    },
    /// The executor is gone, or is there again.
    Executor {
        /// Whether it is there.
        there: bool,
    },
    /// A resource cannot be stopped, and this is done about it.
    StopFailure {
        /// The group.
        group: String,
        /// The resource word.
        resource: String,
        /// `stop_failure` of `ha.cf`, as a word.
        measure: Cow<'static, str>,
    },
    /// The daemon started.
    Start {
        /// Its version.
        version: Cow<'static, str>,
        /// Its generation.
        generation: u64,
    },
    /// The daemon took another configuration.
    Reload {
        /// What has changed, a line each.
        changes: Vec<String>,
        /// Whether it executed itself again for it.
        restarts: bool,
    },
    /// The daemon stops.
    Stop,
    /// This node did not run for a while.
    Pause {
        /// For how long.
        milliseconds: u64,
    },
    /// A resource could not be started, or cannot be stopped.
    Failure {
        /// The group.
        group: String,
        /// The node.
        node: String,
        /// Start or stop.
        action: Action,
        /// The resource word.
        resource: String,
        /// What came of it, in words.
        outcome: String,
    },
}

/// The group whose story an entry belongs to: a line that was replaced is not what replaced it, though
/// both have one name.
fn story_of(group: &Group) -> String {
    if group.is_retired { format!("{}{RETIRED}", group.name()) } else { group.name().to_owned() }
}

/// What stands behind the name of a group whose line was replaced.
pub const RETIRED: &str = " (retired)";

fn name_of(settings: &Settings, group: GroupId) -> String {
    settings.groups.get(group.index()).map_or("?", Group::name).to_owned()
}

/// A happening and its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When, as RFC 3339 writes it, in UTC.
    pub time: String,
    /// The node that tells it.
    #[serde(default)]
    pub from: String,
    /// The generation of the daemon that tells it.
    #[serde(default)]
    pub run: u64,
    /// The number of the entry in that run, from 1 on. What is missing was lost.
    #[serde(default)]
    pub number: u64,
    /// What.
    #[serde(flatten)]
    pub happening: Happening,
}

impl Happening {
    /// What the journal keeps of an event of the core; most events are for the log alone.
    #[must_use]
    #[expect(clippy::too_many_lines, reason = "one row for each event")]
    pub fn of_event(settings: &Settings, event: &Event) -> Option<Self> {
        let name = |node: &NodeId| settings.name(*node).to_owned();
        match event {
            Event::Ownership { group, owner, term, phase, cause } => Some(Self::Ownership {
                group: story_of(settings.groups.get(group.index())?),
                owner: name(owner),
                term: *term,
                phase: *phase,
                cause: cause_word(cause).into(),
                evidence: cause.evidence(settings),
            }),
            Event::PeerDead(node, silence) => Some(evidence::death(settings, name(node), silence)),
            Event::LateBeat { node, interval, deadly: true } => {
                Some(Self::Late { node: name(node), milliseconds: milliseconds(*interval) })
            }
            Event::JobEnded { job, outcome, took } => {
                JobEnd::of(settings, *job, *outcome, *took).map(Self::Job)
            }
            Event::Planned(plan) => Some(Self::HandOver(HandOverStage::of(settings, plan))),
            Event::PingsCounted(counts) => Some(Self::Pings(PingCounts::of(settings, counts))),
            Event::HandOver(HandOverEvent::Refused { node, step, why, left: _ }) => {
                Some(Self::Refusal { node: name(node), step: *step, refused: *why })
            }
            Event::PeerLeft(node) => Some(Self::Departure { node: name(node) }),
            Event::PeerReturned(node) => Some(Self::Return {
                node: name(node),
                evidence: "beats of the same generation".into(),
            }),
            Event::PeerRestarted(node) => Some(Self::Return {
                node: name(node),
                evidence: "a message of a higher generation".into(),
            }),
            Event::StartFailed { group, resource, outcome } => Self::failure(
                settings,
                settings.me,
                *group,
                Action::Start,
                *resource,
                outcome.to_string(),
            ),
            Event::StopFailed { group, resource, outcome } => Self::failure(
                settings,
                settings.me,
                *group,
                Action::Stop,
                *resource,
                outcome.to_string(),
            ),
            Event::PeerFailed { node, group, failure } => {
                let Failure { action, resource, outcome: _, words: _ } = *failure;
                let place = usize::from(resource);
                let resources = &settings.groups.get(group.index())?.resources;
                let outcome = failure.describe(resources.get(place));
                Self::failure(settings, *node, *group, action, place, outcome)
            }
            Event::Fencing(node, step) => Some(fencing::happening(name(node), *step)),
            Event::Hold(step) => Some(hold::happening(settings, *step)),
            Event::StopBegins => Some(Self::Stop),
            Event::Paused(gap) => Some(Self::Pause { milliseconds: milliseconds(*gap) }),
            Event::LocalStatus(_)
            | Event::CommunicationUp
            | Event::PeerStatus(..)
            | Event::LateBeat { deadly: false, .. }
            | Event::LinkUp(..)
            | Event::LinkDead(..)
            | Event::PingAlive(_)
            | Event::PingDead(_)
            | Event::Stranger(_)
            | Event::Replay { .. }
            | Event::PacketsLost { .. }
            | Event::PacketsGivenUp(_)
            | Event::PacketsComplete(_)
            | Event::PacketLostForGood(..)
            | Event::CannotResend(..)
            | Event::NeverSent { .. }
            | Event::Unreadable(..)
            | Event::FlowControlOff
            | Event::UuidChanged(..)
            | Event::NodeListRefused(..)
            | Event::AckBeyond { .. }
            | Event::HistoryFilling(_)
            | Event::NodeListsDiffer(_)
            | Event::GroupsDiffer(_)
            | Event::PeerHadNothing(_)
            | Event::NotFenced(_)
            | Event::TakeoverBegins(_)
            | Event::TakeoverDone(_)
            | Event::InitialAcquisition
            | Event::RemoteStable(_)
            | Event::LocalStable
            | Event::LocalAcquired(_)
            | Event::StopRetried { .. }
            | Event::StopDoubtful { .. }
            | Event::LeftRunning(_)
            | Event::HandOver(
                HandOverEvent::Wanted(..)
                | HandOverEvent::Granted(..)
                | HandOverEvent::Releasing(_)
                | HandOverEvent::Released(_)
                | HandOverEvent::Acquiring(..)
                | HandOverEvent::Acquired(_)
                | HandOverEvent::Taken(_)
                | HandOverEvent::Given(_)
                | HandOverEvent::NoReply
                | HandOverEvent::Declined(..)
                | HandOverEvent::Cancelled,
            )
            | Event::Ipfail(_)
            | Event::StopDelayed
            | Event::StopInDoubt(_)
            | Event::Relinquished => None,
        }
    }
}

impl Happening {
    fn failure(
        settings: &Settings,
        node: NodeId,
        group: GroupId,
        action: Action,
        resource: usize,
        outcome: String,
    ) -> Option<Self> {
        let group = settings.groups.get(group.index())?;
        let resource = group.resources.get(resource).map_or("", |resource| &resource.word);
        Some(Self::Failure {
            group: group.name().to_owned(),
            node: settings.name(node).to_owned(),
            action,
            resource: resource.to_owned(),
            outcome,
        })
    }
}

fn cause_word(cause: &Cause) -> &'static str {
    match cause {
        Cause::Unowned => "unowned",
        Cause::OwnerDead { .. } => "owner_dead",
        Cause::OwnerLeft(_) => "owner_left",
        Cause::OwnerUnheard(_) => "owner_unheard",
        Cause::OwnerFailed(_) => "owner_failed",
        Cause::OwnerInDoubt(_) => "owner_in_doubt",
        Cause::ExecutorLost => "executor_lost",
        Cause::HandOver { .. } => "hand_over",
        Cause::Listed => "listed",
        Cause::Adopted => "adopted",
        Cause::Unsure => "unsure",
        Cause::Claimed(_) => "claimed",
        Cause::Outranked(_) => "outranked",
        Cause::Reclaimed(_) => "reclaimed",
        Cause::Stopping => "stopping",
        Cause::StartFailed => "start_failed",
        Cause::LetGo => "let_go",
        Cause::StopFailed => "stop_failed",
        Cause::Retry => "retry",
        Cause::Reload => "reload",
    }
}

fn milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
