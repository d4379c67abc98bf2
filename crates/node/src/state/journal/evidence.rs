//! What the journal keeps of the evidence of decisions, and of how long their steps took.

use super::{Happening, milliseconds, name_of};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::time::Duration;
use systole_core::{
    Action, Hold, Job, LinkId, Motive, Outcome, PingId, PingVerdict, Plan, PlanStage, Refusal,
    ResourceKind, Scope, Settings, Silence,
};

/// The last message of a dead node on a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastBeat {
    /// Our medium.
    pub link: String,
    /// How long it was ago; absent when there was none.
    pub silence_ms: Option<u64>,
    /// Whether the link was up then.
    pub up: bool,
}

/// The end of a job: of an agent, or of a row of addresses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobEnd {
    /// The group.
    pub group: String,
    /// What was done.
    pub action: Action,
    /// The resource words.
    pub resources: Vec<String>,
    /// Whether they are addresses.
    pub addresses: bool,
    /// What came of it.
    pub outcome: Outcome,
    /// Why it failed, in the words of who ran it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Since it was asked for.
    pub took_ms: u64,
}

/// A stage of a planned hand-over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandOverStage {
    /// The stage, as a word.
    pub stage: Cow<'static, str>,
    /// Who gives.
    pub giver: String,
    /// Who takes.
    pub taker: String,
    /// The group that moves, if it is one alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The set that moves otherwise, from the giver's view.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set: Option<Hold>,
    /// Who wants it, as a word.
    pub motive: Cow<'static, str>,
    /// The number of the order, where it is one that was given to this node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<u64>,
    /// Why it ended early.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<Refusal>,
    /// Since the stage before.
    pub took_ms: u64,
    /// Since the hand-over began.
    pub total_ms: u64,
}

/// The ping nodes that two nodes see, and what follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PingCounts {
    /// The other node.
    pub node: String,
    /// How many answer this node.
    pub ours: u32,
    /// How many answer the other one, as far as it told.
    pub theirs: Option<u32>,
    /// Those that do not answer this node.
    pub lost: Vec<String>,
    /// What follows, as a word.
    pub decision: Cow<'static, str>,
}

/// The death of a node.
pub(super) fn death(settings: &Settings, node: String, silence: &Silence) -> Happening {
    let link = |link: LinkId| settings.links.get(link.index()).map_or("?", String::as_str);
    let links = silence.links.iter().map(|last| LastBeat {
        link: link(last.link).to_owned(),
        silence_ms: last.ago.map(milliseconds),
        up: last.was_up,
    });
    Happening::Death {
        node,
        evidence: "no beat within its dead time".into(),
        silence_ms: silence.lasted.map(milliseconds),
        limit_ms: Some(milliseconds(silence.limit)),
        links: links.collect(),
    }
}

impl JobEnd {
    /// A job with the names of `settings`, if they have its group.
    pub(super) fn of(
        settings: &Settings,
        job: Job,
        outcome: Outcome,
        took: Duration,
    ) -> Option<Self> {
        let group = settings.groups.get(job.group.index())?;
        let resources = group.resources.iter().skip(job.first).take(job.count);
        let addresses = resources.clone().all(|it| matches!(it.kind, ResourceKind::Address(_)));
        Some(Self {
            group: group.name().to_owned(),
            action: job.action,
            resources: resources.map(|resource| resource.word.clone()).collect(),
            addresses,
            outcome,
            reason: None,
            took_ms: milliseconds(took),
        })
    }
}

impl HandOverStage {
    /// A stage with the names of `settings`.
    pub(super) fn of(settings: &Settings, plan: &Plan) -> Self {
        let (group, set) = match plan.scope {
            Scope::Group(group) => (Some(name_of(settings, group)), None),
            Scope::Set(hold) => (None, Some(hold)),
        };
        let (stage, refused) = stage(plan.stage);
        let (motive, ticket) = motive(plan.motive);
        Self {
            stage: stage.into(),
            giver: settings.name(plan.giver).to_owned(),
            taker: settings.name(plan.taker).to_owned(),
            group,
            set,
            motive: motive.into(),
            ticket,
            refused,
            took_ms: milliseconds(plan.took),
            total_ms: milliseconds(plan.total),
        }
    }
}

impl PingCounts {
    /// Counts with the names of `settings`.
    pub(super) fn of(settings: &Settings, counts: &systole_core::PingCounts) -> Self {
        let name = |ping: &PingId| settings.ping_nodes.get(ping.index()).cloned();
        Self {
            node: settings.name(counts.node).to_owned(),
            ours: counts.ours,
            theirs: counts.theirs,
            lost: counts.lost.iter().filter_map(name).collect(),
            decision: decision(counts.verdict).into(),
        }
    }
}

const fn stage(stage: PlanStage) -> (&'static str, Option<Refusal>) {
    match stage {
        PlanStage::Wanted => ("wanted", None),
        PlanStage::Asked => ("asked", None),
        PlanStage::Agreed => ("agreed", None),
        PlanStage::Released => ("released", None),
        PlanStage::Done => ("done", None),
        PlanStage::Ended(why) => ("ended", Some(why)),
        PlanStage::Unasked(why) => ("unasked", Some(why)),
    }
}

const fn motive(motive: Motive) -> (&'static str, Option<u64>) {
    match motive {
        Motive::Order(ticket) => ("order", Some(ticket.0)),
        Motive::Node => ("node", None),
        Motive::Home => ("failback", None),
        Motive::Carrier => ("carrier", None),
        Motive::Ipfail => ("ipfail", None),
        Motive::Failed => ("failed", None),
    }
}

const fn decision(verdict: PingVerdict) -> &'static str {
    match verdict {
        PingVerdict::GivesUp => "gives_up",
        PingVerdict::ToldToGiveUp => "told_to_give_up",
        PingVerdict::TellsMore => "tells_more",
        PingVerdict::Waits => "waits",
        PingVerdict::Stays => "stays",
        PingVerdict::GoesHome => "goes_home",
        PingVerdict::Refuses => "refuses",
        PingVerdict::IsRefused => "is_refused",
    }
}
