//! What a report of the executor means to the daemon. The daemon and the simulator handle the same list.

use crate::protocol::{Held, LetGoReason, Level, Report, VERSION};
use crate::translation::{Greeting, differences, group_of, holdings, is_of_core, outcome_of};
use systole_core::{Cluster, GroupId, GroupKey, Input, JobId, Resource, Words};

/// One thing that follows from a report. Those of a report are handled one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meaning {
    /// The executor has another version, and counts as gone.
    OtherVersion,
    /// The core is given this input.
    Core(Input<'static>),
    /// What the executor holds of a group that no file lists is stopped.
    CleanUp(Held),
    /// People are told this.
    Tell(ExecutorNews),
}

/// What people are told of an executor, through log, journal and status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExecutorNews {
    /// The executor has let go of a group on its own initiative, which the core is told too.
    LetGo {
        /// The group.
        group: GroupId,
        /// Why, in words.
        why: String,
    },
    /// A line for the log.
    Line {
        /// The severity.
        level: Level,
        /// The agent or part that writes it.
        tag: String,
        /// The line.
        text: String,
    },
    /// Why a start or stop failed.
    Reason {
        /// The job.
        job: JobId,
        /// The reason, in words.
        text: String,
    },
    /// Addresses of a group were removed and are back.
    AddressBack {
        /// The group.
        group: GroupId,
        /// The addresses, as in haresources.
        addresses: String,
        /// Who may have removed them, in words.
        cause: String,
    },
    /// A condition that an administrator should look at, or the end of one.
    Alarm {
        /// The group.
        group: GroupId,
        /// The condition, in words; absent when it is over.
        text: Option<String>,
    },
    /// The interfaces that a group needs have a fault, or work again.
    Carrier {
        /// The group.
        group: GroupId,
        /// The fault, in words; absent when all interfaces work again.
        fault: Option<String>,
    },
}

/// Returns what a report means to a daemon with this core.
#[must_use]
pub fn of_report(cluster: &Cluster, report: Report) -> Vec<Meaning> {
    let known = |group: GroupKey| group_of(cluster.settings(), group);
    let one = |meaning: Option<Meaning>| meaning.into_iter().collect();
    match report {
        Report::Hello { version, .. } if version != VERSION => vec![Meaning::OtherVersion],
        Report::Hello { groups: held, unfinished, .. } => {
            of_greeting(cluster, &Greeting { held, unfinished })
        }
        Report::Done { job, outcome } if is_of_core(job) => {
            let mut meanings = Vec::new();
            let text = outcome.text();
            if !text.is_empty() {
                let words = Words::new(text);
                meanings.push(Meaning::Core(Input::JobSaid { job, words }));
                // The report of a check has its words.
                if !cluster.is_check(job) {
                    meanings
                        .push(Meaning::Tell(ExecutorNews::Reason { job, text: text.to_owned() }));
                }
            }
            let outcome = outcome_of(&outcome);
            meanings.push(Meaning::Core(Input::JobDone { job, outcome }));
            meanings
        }
        // This was a stop of a group that is in no file. The executor's own lines report about it.
        Report::Done { .. } | Report::Announced { .. } => Vec::new(),
        Report::Log { level, tag, text } => {
            vec![Meaning::Tell(ExecutorNews::Line { level, tag, text })]
        }
        Report::Carrier { group, fault } => {
            let group = known(group);
            // A new executor also reports working interfaces; the core knew of no fault.
            let is_news = |group: &GroupId| fault.is_some() || cluster.lacks_carrier(*group);
            let Some(group) = group.filter(is_news) else { return Vec::new() };
            let is_there = fault.is_none();
            let input = Input::Carrier { group, is_there };
            vec![Meaning::Core(input), Meaning::Tell(ExecutorNews::Carrier { group, fault })]
        }
        Report::ProcessEnded { group, word, is_crash } => one(known(group).and_then(|group| {
            let resources = &cluster.settings().groups[group.index()].resources;
            let resource = resources.iter().position(|resource| resource.word == word)?;
            Some(Meaning::Core(Input::ProcessEnded { group, resource, is_crash }))
        })),
        Report::AddressLost { group, resources, why } => {
            let why = format!("{} is gone: {why}", words(&resources));
            let_go(cluster, &[group], &why)
        }
        Report::AddressBack { group, resources, why: cause } => one(known(group).map(|group| {
            let addresses = words(&resources);
            Meaning::Tell(ExecutorNews::AddressBack { group, addresses, cause })
        })),
        Report::Alarm { group, text } => {
            one(known(group).map(|group| Meaning::Tell(ExecutorNews::Alarm { group, text })))
        }
        Report::LettingGo { reason, groups } => {
            let why = match reason {
                LetGoReason::PermitExpired => "its permit was not renewed in time",
                LetGoReason::Ordered => "it was told to",
            };
            let_go(cluster, &groups, why)
        }
        // The executor has already reported the groups that it was about to let go.
        Report::LetGo { failed, .. } => {
            let failed: Vec<_> = failed.iter().map(|held| held.group).collect();
            let_go(cluster, &failed, "a part of it could not be stopped")
        }
    }
}

/// Returns what the greeting of an executor means to a daemon with this core. Unexpected resources are stopped.
#[must_use]
pub fn of_greeting(cluster: &Cluster, greeting: &Greeting) -> Vec<Meaning> {
    let settings = cluster.settings();
    let unknown = greeting.held.iter().filter(|held| group_of(settings, held.group).is_none());
    let mut meanings: Vec<_> = unknown.cloned().map(Meaning::CleanUp).collect();
    // At the daemon's own start only the contents of the ledger are expected, and the core knows them.
    if !cluster.awaits_greeting() {
        let why = "it holds something else of it than this node expected";
        for group in differences(settings, |group| cluster.own_phase(group), greeting) {
            meanings.extend(let_go_of(group, why));
        }
    }
    meanings.push(Meaning::Core(Input::ExecutorReady(holdings(settings, greeting))));
    meanings
}

/// Makes the core stop what is left of these groups, which is how the core learns their state.
fn let_go(cluster: &Cluster, groups: &[GroupKey], why: &str) -> Vec<Meaning> {
    let known = groups.iter().filter_map(|group| group_of(cluster.settings(), *group));
    known.flat_map(|group| let_go_of(group, why)).collect()
}

fn let_go_of(group: GroupId, why: &str) -> [Meaning; 2] {
    [
        Meaning::Tell(ExecutorNews::LetGo { group, why: why.to_owned() }),
        Meaning::Core(Input::LetGo(group)),
    ]
}

/// Returns resources as they are written in haresources.
fn words(resources: &[Resource]) -> String {
    let words: Vec<_> = resources.iter().map(|resource| resource.word.as_str()).collect();
    words.join(", ")
}
