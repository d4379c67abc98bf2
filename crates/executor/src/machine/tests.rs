//! The machine alone, with a test bench that answers as the shell does unless told otherwise.
#![expect(clippy::wildcard_enum_match_arm, reason = "a test looks for one output among many")]

mod addresses;
mod checks;
mod conflicts;
mod daemons;
mod letting_go;
mod runs;
mod trouble;
mod unasked;

use super::*;
use crate::protocol::{Action, Outcome, Run};
use crate::{AgentName, Input, NotBegun, Presence, Signal};
use std::net::Ipv4Addr;
use systole_core::{AddressSpec, JobId, ResourceKind};

const WEB: GroupKey = GroupKey(1);
const DB: GroupKey = GroupKey(2);
const SECOND: Duration = Duration::from_secs(1);

/// A machine, the time, and its outputs.
struct Bench {
    machine: Machine,
    now: Time,
    /// The outputs that no test has taken yet.
    said: Vec<Output>,
    next_job: u64,
    /// The error with which writes of the ledger are answered, if any.
    ledger: Option<String>,
    /// What a successor would find in the written ledger.
    written: Option<Start>,
}

fn agent(name: &str) -> Resource {
    let kind = ResourceKind::Agent { name: name.into(), arguments: Vec::new() };
    Resource { word: name.into(), kind }
}

fn address(last: u8) -> Resource {
    let address = IpAddr::V4(Ipv4Addr::new(192, 0, 2, last));
    let spec = AddressSpec { address, prefix: None, interface: None, broadcast: None };
    Resource { word: address.to_string(), kind: ResourceKind::Address(spec) }
}

fn held(group: GroupKey, resources: &[Resource]) -> Held {
    Held { group, group_name: "web".into(), term: 3, resources: resources.to_vec() }
}

fn start() -> Start {
    Start { grace: 5 * SECOND, idle: 5 * SECOND, parallel: 4, ..Start::default() }
}

impl Bench {
    fn of(start: Start) -> Self {
        let now = Time::START + 1000 * SECOND;
        let machine = Machine::new(now, start);
        let mut bench =
            Self { machine, now, said: Vec::new(), next_job: 0, ledger: None, written: None };
        bench.listen();
        bench
    }

    /// Creates a bench with a daemon that has a permit and was greeted, and with nothing held.
    fn new() -> Self {
        let mut bench = Self::of(start());
        bench.tell(Input::Connected);
        bench.permit(600 * SECOND);
        bench.said.clear();
        bench
    }

    /// Takes the machine's outputs. The ledger is written at once.
    fn listen(&mut self) {
        while let Some(output) = self.machine.poll() {
            if let Output::WriteLedger { number, groups, doubtful } = &output {
                let (number, error) = (*number, self.ledger.clone());
                if error.is_none() {
                    let (ledger, doubtful) = (groups.clone(), doubtful.clone());
                    self.written = Some(Start { ledger, doubtful, ..start() });
                }
                self.machine.handle(self.now, Input::LedgerWritten { number, error });
            }
            self.said.push(output);
        }
    }

    fn tell(&mut self, input: Input) {
        self.machine.handle(self.now, input);
        self.listen();
    }

    fn ask(&mut self, request: Request) {
        self.tell(Input::Request(request));
    }

    /// Kills both processes. Returns the next executor, with a permit, and the resources that it reports as
    /// held.
    fn successor(&mut self) -> (Self, Vec<Resource>) {
        let mut next = Self::of(self.written.take().expect("a ledger"));
        next.tell(Input::Connected);
        next.permit(600 * SECOND);
        let resources = next.hello().0.into_iter().flat_map(|group| group.resources).collect();
        (next, resources)
    }

    /// Creates a bench that has a service, and lets go of it because its permit has expired.
    fn letting_go() -> Self {
        let mut bench = Self::of(start());
        bench.tell(Input::Connected);
        bench.permit(3 * SECOND);
        bench.started_agent(WEB, "a");
        bench.tell(Input::Disconnected);
        bench.pass(3 * SECOND);
        bench
    }

    fn permit(&mut self, valid_for: Duration) {
        let permit =
            Permit { issued: self.now.as_nanos(), until: (self.now + valid_for).as_nanos() };
        self.ask(Request::Permit(permit));
    }

    /// Lets time pass, stopping whenever the machine has something to do.
    fn pass(&mut self, span: Duration) {
        let end = self.now + span;
        for _ in 0..10_000 {
            let due = self.machine.deadline().filter(|due| *due <= end);
            let Some(due) = due else {
                self.now = end;
                self.machine.elapse(end);
                return self.listen();
            };
            assert!(due >= self.now, "a deadline in the past");
            self.now = due;
            self.machine.elapse(due);
            self.listen();
            let next = self.machine.deadline();
            assert!(next.is_none_or(|next| next > due), "a deadline that stays");
        }
        panic!("it spins");
    }

    fn run(&mut self, group: GroupKey, action: Action, resources: &[Resource]) -> JobId {
        self.run_within(group, action, resources, 60_000)
    }

    fn run_within(
        &mut self,
        group: GroupKey,
        action: Action,
        resources: &[Resource],
        timeout_ms: u64,
    ) -> JobId {
        let job = JobId(self.next_job);
        self.next_job += 1;
        self.ask(Request::Run(Run {
            job,
            group,
            group_name: "web".into(),
            term: 3,
            action,
            resources: resources.to_vec(),
            timeout_ms,
            environment: Vec::new(),
            is_restart: false,
            probes: Vec::new(),
            is_without_agent: false,
        }));
        job
    }

    /// Takes out the outputs of a kind since the last call.
    fn take<T>(&mut self, of_kind: impl Fn(&Output) -> Option<T>) -> Vec<T> {
        let found = self.said.iter().filter_map(&of_kind).collect();
        self.said.retain(|output| of_kind(output).is_none());
        found
    }

    /// Returns the programs that must begin.
    fn begins(&mut self) -> Vec<(RunId, Action)> {
        self.take(|output| match output {
            Output::Begin { run, action, .. } => Some((*run, *action)),
            _ => None,
        })
    }

    fn begin(&mut self) -> (RunId, Action) {
        let begins = self.begins();
        assert_eq!(begins.len(), 1, "{begins:?}");
        begins[0]
    }

    /// Starts the one program that must begin.
    fn begun(&mut self) -> (RunId, Action) {
        let (run, action) = self.begin();
        self.tell(Input::Begun { run, agent: AgentName::default() });
        (run, action)
    }

    /// Starts and ends the one program that must begin.
    fn play(&mut self, outcome: Outcome) -> Action {
        let (run, action) = self.begun();
        self.tell(Input::Ended { run, outcome });
        action
    }

    /// Answers every change of addresses.
    fn change(&mut self, outcome: &Outcome) -> Vec<(Action, Vec<Resource>)> {
        let changes = self.take(|output| match output {
            Output::Change { run, action, resources, .. } => {
                Some((*run, *action, resources.clone()))
            }
            _ => None,
        });
        let mut done = Vec::new();
        for (run, action, resources) in changes {
            let announced = if action == Action::Start { resources.len() } else { 0 };
            self.tell(Input::Changed { run, outcome: outcome.clone(), announced });
            done.push((action, resources));
        }
        done
    }

    fn started(&mut self, group: GroupKey, addresses: &[Resource]) {
        self.run(group, Action::Start, addresses);
        assert_eq!(self.change(&Outcome::Success).len(), 1);
        self.said.clear();
    }

    fn started_agent(&mut self, group: GroupKey, name: &str) {
        self.run(group, Action::Start, &[agent(name)]);
        assert_eq!(self.play(Outcome::Running), Action::Status);
        self.said.clear();
    }

    /// Takes out the renewal that was requested, if any.
    fn asked(&mut self) -> Option<Vec<Resource>> {
        let asked = self.take(|output| match output {
            Output::Renew { resources, .. } => Some(resources.clone()),
            _ => None,
        });
        assert!(asked.len() < 2, "two renewals at a time");
        asked.into_iter().next()
    }

    /// Answers the renewal that was requested: all addresses are present except these.
    fn renewed_but(&mut self, absent: &[Resource]) {
        let asked = self.asked().expect("a renewal");
        let found = asked.into_iter().map(|resource| {
            let is_absent = absent.contains(&resource);
            (resource, if is_absent { Presence::Absent } else { Presence::Here })
        });
        let found = found.collect();
        self.tell(Input::Renewed(found));
    }

    fn reports(&mut self) -> Vec<Report> {
        self.take(|output| match output {
            Output::Report(report) => Some(report.clone()),
            _ => None,
        })
    }

    fn signals(&mut self) -> Vec<(RunId, Signal)> {
        self.take(|output| match output {
            Output::Signal { run, signal } => Some((*run, *signal)),
            _ => None,
        })
    }

    /// Returns the outcomes that were reported, by job.
    fn done(&mut self) -> Vec<(JobId, Outcome)> {
        self.take(|output| match output {
            Output::Report(Report::Done { job, outcome }) => Some((*job, outcome.clone())),
            _ => None,
        })
    }

    fn logs(&mut self) -> Vec<String> {
        self.take(|output| match output {
            Output::Log { text, .. } => Some(text.clone()),
            _ => None,
        })
    }

    fn hello(&mut self) -> (Vec<Held>, Vec<Unfinished>) {
        let mut hellos = self.take(|output| match output {
            Output::Report(Report::Hello { groups, unfinished, .. }) => {
                Some((groups.clone(), unfinished.clone()))
            }
            _ => None,
        });
        assert_eq!(hellos.len(), 1, "{hellos:?}");
        hellos.remove(0)
    }

    fn has_exited(&self) -> bool {
        self.said.contains(&Output::Exit)
    }
}

fn failed(code: i32) -> Outcome {
    Outcome::Failed { code, text: String::new() }
}
