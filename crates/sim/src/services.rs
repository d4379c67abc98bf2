//! What really runs on a machine, whatever the nodes believe about it, and what is wrong with it.

mod sickness;

pub(crate) use sickness::{Act, Ailment, Manner};

use sickness::Sickness;
use std::time::Duration;
use systole_core::{Group, GroupId, Random, ResourceKind, Settings, Time};

/// The longest run of a healthy agent, and therefore the longest start or stop of one resource.
pub(crate) const AGENT_MAX: Duration = Duration::from_millis(300);
/// How long the executor waits for a hanging agent before it tells the agent to end.
pub(crate) const AGENT_TIMEOUT: Duration = Duration::from_secs(3);
/// How long the executor waits for an agent where agents may be slow.
pub(crate) const PATIENT_TIMEOUT: Duration = Duration::from_mins(20);
/// How long a slow agent takes, as a rule (`SLOW`) and at most (`SLOW_MAX`).
pub(crate) const SLOW: Duration = Duration::from_secs(40);
pub(crate) const SLOW_MAX: Duration = Duration::from_mins(10);
/// How long a stop is attempted: eleven attempts that hang until they are killed, five seconds after they
/// were told to end; checks that hang; and a second between attempts.
pub(crate) const RETRIES: Duration = Duration::from_secs(130);

/// What agents do for a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Work {
    Nothing,
    /// An agent stops or checks something, or is about to.
    Other,
    /// The executor was asked to start something, and has not answered.
    Starts,
}

/// The resources of one group on one machine.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts of a group")]
struct Service {
    /// Whether each resource runs, or may run because it is being started or stopped.
    running: Vec<bool>,
    /// Whether each resource has died since it was started, which nobody can know before a check of it.
    dead: Vec<bool>,
    /// What is wrong with each resource on this machine.
    sick: Vec<Option<Sickness>>,
    /// Whether a stop failed or hangs, and no stop of the whole group has succeeded since.
    is_unstoppable: bool,
    /// Whether a program of the group was killed and does not end: its agent cannot be asked for anything
    /// else.
    is_stuck: bool,
    /// Whether a check of the group shows that something is missing.
    lacks: bool,
    /// Whether its daemon gives way to another node, so that addresses are stopped before the rest.
    yields: bool,
    work: Work,
    /// Since when something of it runs, and when the previous run ended.
    since: Option<Time>,
    ceased: Option<Time>,
}

/// Everything that runs on one machine, by the places of the groups in the world.
#[derive(Debug)]
pub(crate) struct Services {
    list: Vec<Service>,
    /// Whether there is no executor that could stop anything, or it is paused.
    is_out_of_reach: bool,
    /// Since when there is an executor.
    in_reach_since: Time,
    /// The lifetime of addresses cannot be renewed until this time.
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

    /// Records whether there is an executor that can stop something.
    pub(crate) fn reach(&mut self, now: Time, is_in_reach: bool) {
        if self.is_out_of_reach && is_in_reach {
            self.in_reach_since = now;
        }
        self.is_out_of_reach = !is_in_reach;
    }

    /// Returns since when there is, or was, an executor that can stop something.
    pub(crate) const fn in_reach_since(&self) -> Time {
        self.in_reach_since
    }

    /// Returns whether there is no executor that could stop anything.
    pub(crate) const fn is_out_of_reach(&self) -> bool {
        self.is_out_of_reach
    }

    /// Refuses the renewal of lifetimes until this time.
    pub(crate) fn refuse_renewals(&mut self, until: Time) {
        self.unrenewable_until = until;
    }

    /// Returns whether the lifetime of addresses cannot be renewed.
    pub(crate) fn is_unrenewable(&self, now: Time) -> bool {
        now < self.unrenewable_until
    }

    /// Adds a group that is new in the world, and healthy.
    pub(crate) fn add(&mut self, group: &Group) {
        let count = group.resources.len();
        self.list.push(Service {
            running: vec![false; count],
            dead: vec![false; count],
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

    /// Returns whether anything of the group runs, or may run.
    pub(crate) fn runs(&self, group: GroupId) -> bool {
        let service = self.of(group);
        service.work == Work::Starts || service.running.contains(&true)
    }

    /// Returns whether an address of the group exists.
    pub(crate) fn has_address(&self, world: &Settings, group: GroupId) -> bool {
        let resources = world.groups[group.index()].resources.iter();
        let mut there = resources.zip(&self.of(group).running).filter(|(_, is_there)| **is_there);
        there.any(|(it, _)| matches!(it.kind, ResourceKind::Address(_)))
    }

    /// Returns whether all of the group runs.
    pub(crate) fn runs_whole(&self, group: GroupId) -> bool {
        let running = &self.of(group).running;
        !running.is_empty() && !running.contains(&false)
    }

    /// Returns whether a resource of the group runs, or may run.
    pub(crate) fn is_running(&self, group: GroupId, place: usize) -> bool {
        self.of(group).running[place]
    }

    /// Returns for each resource of the group whether it runs, or may run.
    pub(crate) fn running(&self, group: GroupId) -> &[bool] {
        &self.of(group).running
    }

    /// Records whether a resource runs now.
    pub(crate) fn set_running(&mut self, group: GroupId, place: usize, runs: bool) {
        let service = &mut self.list[group.index()];
        (service.running[place], service.dead[place]) = (runs, false);
    }

    /// A resource dies.
    pub(crate) fn die(&mut self, group: GroupId, place: usize) {
        let service = &mut self.list[group.index()];
        (service.running[place], service.dead[place]) = (false, true);
    }

    /// Returns whether every resource before a place of its group was started, and not stopped since.
    pub(crate) fn is_started_before(&self, group: GroupId, place: usize) -> bool {
        let service = self.of(group);
        let mut before = service.running.iter().zip(&service.dead).take(place);
        before.all(|(runs, is_dead)| *runs || *is_dead)
    }

    /// Records when each group began to run, and when it ended.
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

    /// Records that a daemon has had something of a group started, whatever the result.
    pub(crate) fn record_start(&mut self, group: GroupId, now: Time) {
        self.list[group.index()].ceased = Some(now);
    }

    /// Returns since when something of a group runs.
    pub(crate) fn runs_since(&self, group: GroupId) -> Option<Time> {
        self.of(group).since.filter(|_| self.runs(group))
    }

    /// Returns whether something of a group has run at or after a moment.
    pub(crate) fn ran_since(&self, group: GroupId, moment: Time) -> bool {
        let ceased = self.of(group).ceased;
        self.runs(group) || ceased.is_some_and(|ceased| ceased >= moment)
    }

    /// Returns whether an agent of a group starts, stops or checks something.
    pub(crate) fn is_at_work(&self, group: GroupId) -> bool {
        self.of(group).work != Work::Nothing
    }

    /// From now on no agent works or hangs, and none is asked to work.
    pub(crate) fn rest(&mut self) {
        for service in &mut self.list {
            service.work = Work::Nothing;
            service.is_stuck = false;
        }
    }

    /// Records that an agent of a group works, or is about to.
    pub(crate) fn work(&mut self, group: GroupId, work: Work) {
        let service = &mut self.list[group.index()];
        service.work = service.work.max(work);
    }

    /// Makes a resource of a group sick.
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

    /// Records whether its daemon gives way to another node that runs the group, or starts the group again.
    pub(crate) fn record_yields(&mut self, group: GroupId, yields: bool) {
        self.list[group.index()].yields = yields;
    }

    /// Returns whether its daemon gives way to another node that runs the group.
    pub(crate) fn yields(&self, group: GroupId) -> bool {
        self.of(group).yields
    }

    /// Returns whether a check of the group shows that something is missing.
    pub(crate) fn lacks(&self, group: GroupId) -> bool {
        self.of(group).lacks
    }

    /// Returns whether a stop of the group failed here, and none has succeeded since.
    pub(crate) fn is_unstoppable(&self, group: GroupId) -> bool {
        self.of(group).is_unstoppable || self.of(group).is_stuck
    }

    /// Records that a program of a group was killed and does not end.
    pub(crate) fn record_stuck(&mut self, group: GroupId) {
        self.list[group.index()].is_stuck = true;
    }

    /// Records that a stop of the group fails or hangs, or has succeeded.
    pub(crate) fn record_stop(&mut self, group: GroupId, succeeds: bool) {
        let service = &mut self.list[group.index()];
        if succeeds {
            service.is_unstoppable &= service.running.contains(&true);
        } else {
            service.is_unstoppable = true;
        }
    }

    /// Returns whether something here will not stop before it is repaired.
    pub(crate) fn is_incurable(&self) -> bool {
        let mut sick = self.list.iter().flat_map(|service| service.sick.iter().flatten());
        sick.any(|sick| {
            let prevents_stop = sick.ailment != Ailment::Start || sick.manner == Manner::Stuck;
            sick.until.is_none() && sick.manner.fails() && prevents_stop
        })
    }

    /// Returns whether a resource of the group is sick here, or was.
    pub(crate) fn was_sick(&self, group: GroupId) -> bool {
        let mut sick = self.of(group).sick.iter().flatten();
        sick.any(|sick| sick.manner != Manner::Slow)
    }

    /// Returns whether agents of the group are slow here, or were.
    pub(crate) fn is_slow(&self, group: GroupId) -> bool {
        let mut sick = self.of(group).sick.iter().flatten();
        sick.any(|sick| sick.manner == Manner::Slow)
    }

    /// Returns until when a resource of the group is sick; `None` if it is sick until it is repaired.
    pub(crate) fn sick_until(&self, group: GroupId, place: usize) -> Option<Time> {
        self.of(group).sick[place].and_then(|sick| sick.until)
    }

    /// Repairs every resource: the administrator was here.
    pub(crate) fn mend(&mut self, now: Time) {
        for service in &mut self.list {
            service.lacks = false;
            for sick in service.sick.iter_mut().flatten() {
                sick.until = Some(sick.until.map_or(now, |until| until.min(now)));
            }
        }
    }

    /// Forgets past sickness, because what was repaired is tried again: nothing may fail from now on.
    pub(crate) fn forget_sickness(&mut self) {
        for service in &mut self.list {
            service.sick.fill(None);
        }
    }

    /// Returns how an action on a resource goes wrong, if it does.
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
            // Stopping a resource that does not run always works.
            (Ailment::Stop | Ailment::StopAndStatus, Act::Stop) => service.running[place],
            (Ailment::Start, Act::Stop | Act::Ask)
            | (Ailment::Stop, Act::Start | Act::Ask)
            | (Ailment::StopAndStatus, Act::Start) => false,
        };
        shows.then_some(sick.manner)
    }

    /// The machine loses power: nothing runs.
    pub(crate) fn power_off(&mut self) {
        for service in &mut self.list {
            service.running.fill(false);
            service.is_unstoppable = false;
        }
        self.rest();
    }
}
