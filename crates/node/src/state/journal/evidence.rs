//! The evidence of decisions and the durations of their steps, as the journal keeps them.

use super::{milliseconds, name_of};
use std::time::Duration;
use systole_core::{
    HandOverProgress, HandOverReason, Job, LinkId, Outcome, PingId, PingVerdict, ProgressStage,
    Refusal, Resource, Scope, Settings, Silence,
};
use systole_ipc::journal::{HandOverStage, JobEnd, JournalEvent, LastBeat, PingCounts};

/// Returns the death of a node.
pub(super) fn death(settings: &Settings, node: String, silence: &Silence) -> JournalEvent {
    let link = |link: LinkId| settings.links.get(link.index()).map_or("?", String::as_str);
    let links = silence.links.iter().map(|last| LastBeat {
        link: link(last.link).to_owned(),
        silence_ms: last.ago.map(milliseconds),
        up: last.was_up,
    });
    JournalEvent::Death {
        node,
        evidence: "no beat within its dead time".into(),
        silence_ms: silence.lasted.map(milliseconds),
        limit_ms: Some(milliseconds(silence.limit)),
        links: links.collect(),
    }
}

/// Returns the end of a job with the names of `settings`, if these have its group.
pub(super) fn job_end(
    settings: &Settings,
    job: Job,
    outcome: Outcome,
    took: Duration,
) -> Option<JobEnd> {
    let group = settings.groups.get(job.group.index())?;
    let resources = group.resources.iter().skip(job.first).take(job.count);
    let addresses = resources.clone().all(Resource::is_address);
    Some(JobEnd {
        group: group.name().to_owned(),
        action: job.action,
        resources: resources.map(|resource| resource.word.clone()).collect(),
        addresses,
        outcome,
        reason: None,
        took_ms: milliseconds(took),
    })
}

/// Returns a stage of a hand-over with the names of `settings`.
pub(super) fn stage_of(settings: &Settings, plan: &HandOverProgress) -> HandOverStage {
    let (group, set) = match plan.scope {
        Scope::Group(group) => (Some(name_of(settings, group)), None),
        Scope::Set(hold) => (None, Some(hold)),
    };
    let (stage, refused) = stage(plan.stage);
    let (motive, ticket) = motive(plan.motive);
    HandOverStage {
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

/// Returns the numbers of ping nodes with the names of `settings`.
pub(super) fn counts_of(settings: &Settings, counts: &systole_core::PingCounts) -> PingCounts {
    let name = |ping: &PingId| settings.ping_nodes.get(ping.index()).cloned();
    PingCounts {
        node: settings.name(counts.node).to_owned(),
        ours: counts.ours,
        theirs: counts.theirs,
        lost: counts.lost.iter().filter_map(name).collect(),
        decision: decision(counts.verdict).into(),
    }
}

const fn stage(stage: ProgressStage) -> (&'static str, Option<Refusal>) {
    match stage {
        ProgressStage::Wanted => ("wanted", None),
        ProgressStage::Asked => ("asked", None),
        ProgressStage::Agreed => ("agreed", None),
        ProgressStage::Released => ("released", None),
        ProgressStage::Done => ("done", None),
        ProgressStage::Ended(why) => ("ended", Some(why)),
        ProgressStage::Unasked(why) => ("unasked", Some(why)),
    }
}

const fn motive(motive: HandOverReason) -> (&'static str, Option<u64>) {
    match motive {
        HandOverReason::Order(ticket) => ("order", Some(ticket.0)),
        HandOverReason::Node => ("node", None),
        HandOverReason::Home => ("failback", None),
        HandOverReason::Carrier => ("carrier", None),
        HandOverReason::Ipfail => ("ipfail", None),
        HandOverReason::Failed => ("failed", None),
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
