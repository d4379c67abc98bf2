//! The programs of agents: how long they take, and what they do.

use super::Surroundings;
use crate::services::{AGENT_MAX, Act, Manner, SLOW, SLOW_MAX};
use std::time::Duration;
use systole_core::{GroupId, GroupKey, Resource, Time};
use systole_executor::protocol::{Action, Outcome, Run, Unfinished};
use systole_executor::{Input, RunId, Signal};

/// How long an agent that is asked for the state of its resource takes at most.
const ASK_MAX: Duration = Duration::from_millis(20);
/// How long an agent that is told to end takes at most.
const END_MAX: Duration = Duration::from_millis(20);
/// The exit code of a program that a signal has ended.
const TERMINATED: i32 = 143;
/// How many of a thousand slow agents take the longest time.
const SLOWEST_PER_MILLE: u64 = 50;
/// How many of a thousand failed or ended starts leave running what they have started.
const LEFTOVERS_PER_MILLE: u64 = 500;

/// A program that runs.
#[derive(Debug)]
struct Program {
    run: RunId,
    group: GroupKey,
    resource: Resource,
    /// The purpose of the run, as in its record, and what the program does now.
    purpose: Action,
    action: Action,
    manner: Option<Manner>,
    /// When the program ends; `None` if it does not end unless it is told to.
    ends: Option<Time>,
    is_told_to_end: bool,
    is_killed: bool,
}

/// The programs that run on one machine; they outlive the executor that began them.
#[derive(Debug, Default)]
pub(super) struct Programs {
    list: Vec<Program>,
}

impl Programs {
    /// Returns when the first program ends.
    pub(super) fn due(&self) -> Option<Time> {
        self.list.iter().filter_map(|program| program.ends).min()
    }

    /// Returns the programs that change something, or may: all but checks.
    fn working(&self) -> impl Iterator<Item = &Program> {
        self.list.iter().filter(|program| program.purpose != Action::Monitor)
    }

    /// Returns whether a program works that ends without being told to.
    pub(super) fn is_working(&self) -> bool {
        self.working().any(|program| program.ends.is_some())
    }

    /// Returns the groups for which programs work.
    pub(super) fn groups(&self) -> impl Iterator<Item = GroupKey> {
        self.working().map(|program| program.group)
    }

    /// Returns the groups of programs that were killed and do not end.
    pub(super) fn stuck(&self) -> impl Iterator<Item = GroupKey> {
        self.working().filter(|program| program.is_killed).map(|program| program.group)
    }

    /// Returns what an executor that starts finds of the programs. They are its first runs.
    pub(super) fn adopt(&mut self) -> Vec<Unfinished> {
        for (run, program) in (0..).zip(&mut self.list) {
            program.run = RunId(run);
        }
        let unfinished = self.list.iter().map(|program| Unfinished {
            group: program.group,
            action: program.purpose,
            resources: vec![program.resource.clone()],
        });
        unfinished.collect()
    }

    /// Begins a program, if the order of its group allows it.
    pub(super) fn begin(
        &mut self,
        around: &mut Surroundings<'_>,
        run: RunId,
        request: &Run,
        action: Action,
    ) -> Result<(), String> {
        let group = request.group;
        // A group that is let go is stopped as far as possible: even while a program does not end.
        let is_beside = |other: &Program| {
            other.is_killed && action == Action::Stop && other.resource != request.resources[0]
        };
        // A check runs beside everything.
        let is_check = action == Action::Monitor;
        let is_refused = |other: &&Program| other.group == group && !is_check && !is_beside(other);
        let refused = self.working().find(is_refused);
        if let Some(other) = refused {
            return Err(format!("{request:?} begins while {other:?} of its group runs"));
        }
        let resource = request.resources[0].clone();
        let mut manner = None;
        if let Some((place, at)) = place_of(around, group, &resource) {
            check_order(around, (place, at), request, action)?;
            manner = around.services.symptom(around.now, (place, at), act(action));
            match action {
                Action::Start => around.services.set_running(place, at, true),
                Action::Stop if manner.is_some_and(Manner::fails) => {
                    around.services.record_stop(place, false);
                }
                Action::Stop | Action::Status | Action::Monitor => {}
            }
        }
        let longest = match action {
            Action::Start | Action::Stop => AGENT_MAX,
            Action::Status | Action::Monitor => ASK_MAX,
        };
        let ends = match manner {
            Some(Manner::Hangs | Manner::Stubborn | Manner::Stuck) => None,
            Some(Manner::Slow) if around.random.chance(SLOWEST_PER_MILLE) => {
                Some(soon(around, SLOW_MAX))
            }
            Some(Manner::Slow) => Some(soon(around, SLOW)),
            Some(Manner::Fails | Manner::Lies) | None => Some(soon(around, longest)),
        };
        self.list.push(Program {
            run,
            group,
            resource,
            purpose: request.action,
            action,
            manner,
            ends,
            is_told_to_end: false,
            is_killed: false,
        });
        Ok(())
    }

    /// Tells a program to end.
    pub(super) fn signal(&mut self, around: &mut Surroundings<'_>, run: RunId, signal: Signal) {
        let Some(program) = self.list.iter_mut().find(|program| program.run == run) else { return };
        program.is_killed |= signal == Signal::Kill;
        let end = match (program.manner, signal) {
            (Some(Manner::Stubborn), Signal::Terminate) => return,
            (Some(Manner::Stuck), _) => return program.get_stuck(around),
            (_, Signal::Terminate) => soon(around, END_MAX),
            (_, Signal::Kill) => around.now,
        };
        program.ends = Some(program.ends.map_or(end, |ends| ends.min(end)));
        program.is_told_to_end = true;
    }

    /// Ends hanging programs: what they waited for is there.
    pub(super) fn mend(&mut self, around: &mut Surroundings<'_>) {
        for program in self.list.iter_mut().filter(|program| program.ends.is_none()) {
            let is_over = program.is_told_to_end;
            program.ends = Some(if is_over { around.now } else { soon(around, AGENT_MAX) });
        }
    }

    /// Ends programs that are due, and returns the results.
    pub(super) fn end_due(&mut self, around: &mut Surroundings<'_>) -> Vec<Input> {
        let mut ended = Vec::new();
        let now = around.now;
        while let Some(at) = self.list.iter().position(|it| it.ends.is_some_and(|at| at <= now)) {
            let program = self.list.swap_remove(at);
            ended.push(Input::Ended { run: program.run, outcome: program.end(around) });
        }
        ended
    }
}

impl Program {
    /// Records that a program was told to end, and will not end before what it waits for in the kernel is
    /// there.
    fn get_stuck(&mut self, around: &mut Surroundings<'_>) {
        self.is_told_to_end = true;
        if let Some((group, place)) = place_of(around, self.group, &self.resource) {
            self.ends = around.services.sick_until(group, place).map(|until| until.max(around.now));
            // What the program leaves behind at its end stays until a stop succeeds.
            if self.purpose != Action::Monitor {
                around.services.record_stop(group, false);
            }
        }
    }

    fn end(self, around: &mut Surroundings<'_>) -> Outcome {
        let failed = |code| Outcome::Failed { code, text: String::new() };
        let Some((group, place)) = place_of(around, self.group, &self.resource) else {
            return Outcome::Success;
        };
        let services = &mut *around.services;
        let manner = services.symptom(around.now, (group, place), act(self.action));
        // A check that lies about what does not run starts nothing.
        let is_asked_only = self.action == Action::Monitor && !services.is_running(group, place);
        if manner == Some(Manner::Lies) && is_asked_only {
            let says = around.random.chance(500);
            return if says { Outcome::Running } else { Outcome::NotRunning };
        }
        if manner == Some(Manner::Lies) {
            services.set_running(group, place, around.random.chance(500));
        }
        if self.is_told_to_end || manner.is_some_and(Manner::fails) {
            match self.action {
                Action::Start => {
                    let is_left = around.random.chance(LEFTOVERS_PER_MILLE);
                    services.set_running(group, place, is_left);
                }
                Action::Stop => services.record_stop(group, false),
                Action::Status | Action::Monitor => {}
            }
            return failed(if self.is_told_to_end { TERMINATED } else { 1 });
        }
        match self.action {
            Action::Start => Outcome::Success,
            Action::Stop => {
                services.set_running(group, place, false);
                services.record_stop(group, true);
                Outcome::Success
            }
            Action::Status | Action::Monitor if services.is_running(group, place) => {
                Outcome::Running
            }
            Action::Status | Action::Monitor => Outcome::NotRunning,
        }
    }
}

/// ORDER: what comes before a resource in its group runs before the resource starts, and what comes after it
/// does not run when the resource stops, unless it cannot be stopped.
fn check_order(
    around: &Surroundings<'_>,
    (group, place): (GroupId, usize),
    request: &Run,
    action: Action,
) -> Result<(), String> {
    let running = around.services.running(group);
    if action == Action::Start && !around.services.is_started_before(group, place) {
        return Err(format!("{request:?} starts before its predecessors run: {running:?}"));
    }
    let is_early = action == Action::Stop && running[place + 1..].contains(&true);
    if is_early && !around.services.is_unstoppable(group) {
        return Err(format!("{request:?} stops before its successors: {running:?}"));
    }
    Ok(())
}

fn place_of(
    around: &Surroundings<'_>,
    key: GroupKey,
    resource: &Resource,
) -> Option<(GroupId, usize)> {
    let group = around.place_of(key)?;
    let resources = &around.world.groups[group.index()].resources;
    Some((group, resources.iter().position(|other| other == resource)?))
}

const fn act(action: Action) -> Act {
    match action {
        Action::Start => Act::Start,
        Action::Stop => Act::Stop,
        Action::Status | Action::Monitor => Act::Ask,
    }
}

fn soon(around: &mut Surroundings<'_>, longest: Duration) -> Time {
    let micros = u64::try_from(longest.as_micros()).unwrap_or(1);
    around.now + Duration::from_micros(100 + around.random.below(micros))
}
