//! What really runs on a machine, whatever anybody believes of it, and what is wrong with it.

mod sickness;

pub(crate) use sickness::{Act, Ailment, Manner};

use sickness::Sickness;
use std::time::Duration;
use systole_core::{Group, GroupId, Random, ResourceKind, Settings, Time};

/// Longest run of an agent that is well, and so the longest start or stop of one resource.
pub(crate) const AGENT_MAX: Duration = Duration::from_millis(300);
/// How long an agent that hangs is waited for, before it is told to end.
pub(crate) const AGENT_TIMEOUT: Duration = Duration::from_secs(3);
/// How long an agent is waited for where agents may take their time.
pub(crate) const PATIENT_TIMEOUT: Duration = Duration::from_mins(20);
/// How long an agent takes that is slow, as a rule and at most.
pub(crate) const SLOW: Duration = Duration::from_secs(40);
pub(crate) const SLOW_MAX: Duration = Duration::from_mins(10);
/// How long a stop is tried for: eleven that hang until they are killed, five seconds after they were
/// told to end, looks that hang, a second between them.
pub(crate) const RETRIES: Duration = Duration::from_secs(130);

/// What agents do for a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Work {
    Nothing,
    /// One stops, or is asked, or is about to.
    Other,
    /// The executor was asked to start something, and has not answered.
    Starts,
}

/// One group's resources on one machine.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts of a group")]
struct Service {
    /// Whether each resource runs, or may run because it is being started or stopped.
    running: Vec<bool>,
    /// What is wrong with each resource on this machine.
    sick: Vec<Option<Sickness>>,
    /// A stop failed or hangs, and none of the whole group has succeeded since.
    is_unstoppable: bool,
    /// A program of it was killed and does not end: nothing more can be asked of its agent.
    is_stuck: bool,
    /// Whether a look at it shows that it lacks something.
    lacks: bool,
    /// Its daemon gives way to another node: addresses go before the rest.
    yields: bool,
    work: Work,
    /// Since when something of it runs, and when nothing did any more the time before.
    since: Option<Time>,
    ceased: Option<Time>,
}

/// Everything that runs on one machine, by the places of the world's groups.
#[derive(Debug)]
pub(crate) struct Services {
    list: Vec<Service>,
    /// No executor is there that could stop anything, or it stands still.
    is_out_of_reach: bool,
    /// Since when one is there.
    in_reach_since: Time,
    /// The lifetime of addresses cannot be renewed until then.
    unrenewable_until: Time,
}

impl Services {
    pub(crate) fn new(settings: &Settings, random: &mut Random, broken_per_mille: u64) -> Self {
        let mut services = Self {
            list: Vec::new(),
            is_out_of_reach: true,
            in_reach_since: Time::START,
            unrenewable_until: Time::START,
        };
        for group in &settings.groups {
            services.add(group);
            let service = services.list.last_mut();
            for sick in service.into_iter().flat_map(|service| &mut service.sick) {
                *sick = random.chance(broken_per_mille).then(|| Sickness::of_birth(random));
            }
        }
        let is_sick = |service: &&mut Service| service.sick.iter().any(Option::is_some);
        for service in services.list.iter_mut().filter(is_sick) {
            service.lacks = random.chance(500);
        }
        services
    }

    /// Notes whether an executor is there that can stop something.
    pub(crate) fn reach(&mut self, now: Time, is_in_reach: bool) {
        if self.is_out_of_reach && is_in_reach {
            self.in_reach_since = now;
        }
        self.is_out_of_reach = !is_in_reach;
    }

    /// Since when an executor is there that can stop something, or was.
    pub(crate) const fn in_reach_since(&self) -> Time {
        self.in_reach_since
    }

    /// Whether no executor is there that could stop anything.
    pub(crate) const fn is_out_of_reach(&self) -> bool {
        self.is_out_of_reach
    }

    /// The lifetime of addresses cannot be renewed until then.
    pub(crate) fn refuse_renewals(&mut self, until: Time) {
        self.unrenewable_until = until;
    }

    /// Whether the lifetime of addresses cannot be renewed.
    pub(crate) fn is_unrenewable(&self, now: Time) -> bool {
        now < self.unrenewable_until
    }

    /// Takes up a group that is new in the world, and well.
    pub(crate) fn add(&mut self, group: &Group) {
        let count = group.resources.len();
        self.list.push(Service {
            running: vec![false; count],
            sick: vec![None; count],
            is_unstoppable: false,
            is_stuck: false,
            lacks: false,
            yields: false,
            work: Work::Nothing,
            since: None,
            ceased: None,
        });
    }

    fn of(&self, group: GroupId) -> &Service {
        &self.list[group.index()]
    }

    /// Whether anything of the group runs, or may.
    pub(crate) fn runs(&self, group: GroupId) -> bool {
        let service = self.of(group);
        service.work == Work::Starts || service.running.contains(&true)
    }

    /// Whether an address of the group is there.
    pub(crate) fn has_address(&self, world: &Settings, group: GroupId) -> bool {
        let resources = world.groups[group.index()].resources.iter();
        let mut there = resources.zip(&self.of(group).running).filter(|(_, is_there)| **is_there);
        there.any(|(it, _)| matches!(it.kind, ResourceKind::Address(_)))
    }

    /// Whether all of the group runs.
    pub(crate) fn runs_whole(&self, group: GroupId) -> bool {
        let running = &self.of(group).running;
        !running.is_empty() && !running.contains(&false)
    }

    /// Whether a resource of the group runs, or may.
    pub(crate) fn is_running(&self, group: GroupId, place: usize) -> bool {
        self.of(group).running[place]
    }

    /// Whether each resource of the group runs, or may.
    pub(crate) fn running(&self, group: GroupId) -> &[bool] {
        &self.of(group).running
    }

    /// A resource runs now, or does not.
    pub(crate) fn set_running(&mut self, group: GroupId, place: usize, runs: bool) {
        self.list[group.index()].running[place] = runs;
    }

    /// Notes when each group began to run, and when it ceased.
    pub(crate) fn note(&mut self, now: Time) {
        for service in &mut self.list {
            let runs = service.work == Work::Starts || service.running.contains(&true);
            match service.since {
                None if runs => service.since = Some(now),
                Some(_) if !runs => {
                    service.ceased = Some(now);
                    service.since = None;
                }
                None | Some(_) => {}
            }
        }
    }

    /// A daemon has had something of a group started, whatever became of it.
    pub(crate) fn record_start(&mut self, group: GroupId, now: Time) {
        self.list[group.index()].ceased = Some(now);
    }

    /// Since when something of a group runs.
    pub(crate) fn runs_since(&self, group: GroupId) -> Option<Time> {
        self.of(group).since.filter(|_| self.runs(group))
    }

    /// Whether something of a group has run at or after a moment.
    pub(crate) fn ran_since(&self, group: GroupId, moment: Time) -> bool {
        let ceased = self.of(group).ceased;
        self.runs(group) || ceased.is_some_and(|ceased| ceased >= moment)
    }

    /// Whether an agent of a group starts, stops or is asked.
    pub(crate) fn is_at_work(&self, group: GroupId) -> bool {
        self.of(group).work != Work::Nothing
    }

    /// From now on no agent works or hangs, and none is asked to.
    pub(crate) fn rest(&mut self) {
        for service in &mut self.list {
            service.work = Work::Nothing;
            service.is_stuck = false;
        }
    }

    /// An agent of a group works, or is about to.
    pub(crate) fn work(&mut self, group: GroupId, work: Work) {
        let service = &mut self.list[group.index()];
        service.work = service.work.max(work);
    }

    /// Lets a resource of a group fall ill.
    pub(crate) fn infect(
        &mut self,
        (group, resource): (GroupId, usize),
        (ailment, manner): (Ailment, Manner),
        until: Option<Time>,
    ) {
        let service = &mut self.list[group.index()];
        let place = resource % service.sick.len().max(1);
        if let Some(sick) = service.sick.get_mut(place) {
            *sick = Some(Sickness { ailment, manner, until });
        }
    }

    /// Its daemon gives way to another node that runs the group, or starts the group anew.
    pub(crate) fn record_yields(&mut self, group: GroupId, yields: bool) {
        self.list[group.index()].yields = yields;
    }

    /// Whether its daemon gives way to another node that runs the group.
    pub(crate) fn yields(&self, group: GroupId) -> bool {
        self.of(group).yields
    }

    /// Whether a look at the group shows that it lacks something.
    pub(crate) fn lacks(&self, group: GroupId) -> bool {
        self.of(group).lacks
    }

    /// Whether a stop of the group failed here, and none has succeeded since.
    pub(crate) fn is_unstoppable(&self, group: GroupId) -> bool {
        self.of(group).is_unstoppable || self.of(group).is_stuck
    }

    /// A program of a group was killed and does not end.
    pub(crate) fn record_stuck(&mut self, group: GroupId) {
        self.list[group.index()].is_stuck = true;
    }

    /// A stop of the group fails or hangs, or has succeeded.
    pub(crate) fn record_stop(&mut self, group: GroupId, succeeds: bool) {
        let service = &mut self.list[group.index()];
        if succeeds {
            service.is_unstoppable &= service.running.contains(&true);
        } else {
            service.is_unstoppable = true;
        }
    }

    /// Whether something here will not stop before it is mended.
    pub(crate) fn is_incurable(&self) -> bool {
        let mut sick = self.list.iter().flat_map(|service| service.sick.iter().flatten());
        sick.any(|sick| {
            let prevents_stop = sick.ailment != Ailment::Start || sick.manner == Manner::Stuck;
            sick.until.is_none() && sick.manner.fails() && prevents_stop
        })
    }

    /// Whether a resource of the group is ill here, or was.
    pub(crate) fn was_sick(&self, group: GroupId) -> bool {
        let mut sick = self.of(group).sick.iter().flatten();
        sick.any(|sick| sick.manner != Manner::Slow)
    }

    /// Whether agents of the group take long here, or did.
    pub(crate) fn is_slow(&self, group: GroupId) -> bool {
        let mut sick = self.of(group).sick.iter().flatten();
        sick.any(|sick| sick.manner == Manner::Slow)
    }

    /// Until when a resource of the group is ill. None is until somebody mends it.
    pub(crate) fn sick_until(&self, group: GroupId, place: usize) -> Option<Time> {
        self.of(group).sick[place].and_then(|sick| sick.until)
    }

    /// Mends every resource: the administrator was here.
    pub(crate) fn mend(&mut self, now: Time) {
        for service in &mut self.list {
            service.lacks = false;
            for sick in service.sick.iter_mut().flatten() {
                sick.until = Some(sick.until.map_or(now, |until| until.min(now)));
            }
        }
    }

    /// What was mended is to be tried again: nothing has to fail any more.
    pub(crate) fn forget_sickness(&mut self) {
        for service in &mut self.list {
            service.sick.fill(None);
        }
    }

    /// How what is done to a resource goes wrong, if it does.
    pub(crate) fn symptom(
        &self,
        now: Time,
        (group, place): (GroupId, usize),
        deed: Act,
    ) -> Option<Manner> {
        let service = self.of(group);
        let sick = service.sick[place].filter(|sick| sick.until.is_none_or(|until| now < until))?;
        match sick.manner {
            Manner::Slow => return Some(Manner::Slow),
            Manner::Lies => return (deed == Act::Ask).then_some(Manner::Lies),
            Manner::Fails | Manner::Hangs | Manner::Stubborn | Manner::Stuck => {}
        }
        let shows = match (sick.ailment, deed) {
            (Ailment::Start, Act::Start) | (Ailment::StopAndStatus, Act::Ask) => true,
            // What does not run is stopped without effort.
            (Ailment::Stop | Ailment::StopAndStatus, Act::Stop) => service.running[place],
            (Ailment::Start, Act::Stop | Act::Ask)
            | (Ailment::Stop, Act::Start | Act::Ask)
            | (Ailment::StopAndStatus, Act::Start) => false,
        };
        shows.then_some(sick.manner)
    }

    /// The machine lost power: nothing runs.
    pub(crate) fn power_off(&mut self) {
        for service in &mut self.list {
            service.running.fill(false);
            service.is_unstoppable = false;
        }
        self.rest();
    }
}
