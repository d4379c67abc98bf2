//! Plays a scenario on a pair, step by step, and judges it.

use crate::control::{Control, Owners, Step};
use crate::lines::{complaint, complaints};
use crate::pair::{Kind, Pair, SECOND_ADDRESS};
use crate::watch::Watch;
use crate::{Outcome, verdict};
use std::net::IpAddr;
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};
use systole_lab::{ClusterConfig, Lab, LabError, Node, Stall};

/// The longest wait for the owners at the end of a step; the timers of the C daemon are 10 s.
const LIMIT: Duration = Duration::from_mins(1);
/// The longest wait for silence in the logs.
const CALM_LIMIT: Duration = Duration::from_secs(20);
/// The time between two checks of the logs and addresses.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// If this machine stands still for this long, no daemon can be blamed for what it does.
const STALL_MAX: Duration = Duration::from_millis(400);
/// Logged by the C daemon when one of its own scripts was slow to write a message into its FIFO: the daemon
/// has read only the first line, and lost the rest. The order is not carried out.
const TORN_COMMAND: &str = "ERROR: msg2string: Message with zero fields";
/// How often a scenario is played on a machine that stands still.
const TRIES: u32 = 3;
/// How often the control is played at one renewal.
const CONTROL_RUNS: u32 = 3;

/// Each node has its own group.
pub(crate) const OWN: Owners = [Some(Node::Web1), Some(Node::Web2)];
/// web1 has both groups.
pub(crate) const ALL_ON_WEB1: Owners = [Some(Node::Web1); 2];
/// web2 has both groups.
pub(crate) const ALL_ON_WEB2: Owners = [Some(Node::Web2); 2];

/// A scenario: what happens to a pair.
pub(crate) type Scenario = fn(&mut Run<'_>) -> Outcome;

/// A scenario while it is played.
#[derive(Debug)]
pub(crate) struct Run<'a> {
    pub(crate) lab: &'a Lab,
    pair: Pair,
    watch: &'a Watch,
    steps: Vec<Step>,
    /// Moments at which Systole took what the other node had, although it could know.
    intrusions: Vec<(Node, String)>,
    /// How far the logs were read.
    read: [usize; 2],
    stall: Duration,
}

impl Run<'_> {
    /// Starts both daemons at once; each node takes its own group.
    pub(crate) fn start_together(&mut self) -> Outcome {
        self.step("start together", OWN, start_both)
    }

    /// Lets Systole take what a C node would take: a group of a node that is not heard, although its machine answers
    /// for the address. To be called before the daemons are started.
    pub(crate) fn switch_guard_off(&self) -> Outcome {
        for node in Node::ALL.into_iter().filter(|node| self.kind(*node) == Kind::Systole) {
            let text = self.lab.read_file(node, "etc/ha.d/ha.cf") + "guard off\n";
            self.lab.write_file(node, "etc/ha.d/ha.cf", &text)?;
        }
        Ok(())
    }

    /// A step in which some nodes do not hear the other node for a dead time, and therefore take what the
    /// other node has.
    pub(crate) fn step_unheard(
        &mut self,
        excused: &[Node],
        name: &str,
        owners: Owners,
        act: impl FnOnce(&Lab) -> Result<(), LabError>,
    ) -> Outcome {
        let known = self.intrusions.len();
        let result = self.step(name, owners, act);
        let mut place = 0..;
        self.intrusions.retain(|(node, _)| {
            place.next().is_some_and(|place| place < known) || !excused.contains(node)
        });
        result
    }

    /// Does something to the pair and waits for the expected owners, and until neither node logs anything
    /// more.
    pub(crate) fn step(
        &mut self,
        name: &str,
        owners: Owners,
        act: impl FnOnce(&Lab) -> Result<(), LabError>,
    ) -> Outcome {
        let start = Instant::now();
        let acted = act(self.lab);
        let waited = acted.and_then(|()| {
            let what = format!("`{name}`: the groups on {owners:?}");
            let waited = self.lab.wait_for(&what, LIMIT, || self.owners() == owners);
            println!("{name}: {:.1?}", start.elapsed());
            self.wait_for_calm();
            if waited.is_err() || self.owners() == owners {
                return waited;
            }
            // The groups were on these owners on the way to others, and will be again.
            let waited = self.lab.wait_for(&what, LIMIT, || self.owners() == owners);
            self.wait_for_calm();
            waited
        });
        let step = self.close(name, start);
        self.steps.push(step);
        waited.map(|_| ()).map_err(Into::into)
    }

    /// Returns the nodes that have the addresses of the groups.
    pub(crate) fn owners(&self) -> Owners {
        self.addresses().map(|address| match self.lab.owners(address)[..] {
            [owner] => Some(owner),
            _ => None,
        })
    }

    fn addresses(&self) -> [IpAddr; 2] {
        addresses(self.lab.config())
    }

    /// Waits until no script has run and neither log has grown for as long as a dead time: by then, a node
    /// that left has also been declared dead.
    fn wait_for_calm(&self) {
        let calm = self.lab.config().deadtime + Duration::from_millis(700);
        let start = Instant::now();
        let (mut length, mut since) = (0, Instant::now());
        loop {
            let is_busy = self.lab.is_at_work() && start.elapsed() < LIMIT;
            let said = Node::ALL.map(|node| words(&self.lab.log(node))).iter().sum();
            if said != length || is_busy {
                (length, since) = (said, Instant::now());
            }
            if since.elapsed() >= calm || !is_busy && start.elapsed() >= CALM_LIMIT {
                return;
            }
            sleep(LOOK_EVERY);
        }
    }

    /// Returns what was observed since the last step.
    fn close(&mut self, name: &str, start: Instant) -> Step {
        let seen = self.watch.take();
        self.stall = self.stall.max(seen.stall);
        for node in seen.second_owners.iter().flatten() {
            if self.kind(*node) == Kind::Systole {
                let words = format!("{name}: {node} took an address that was in use\n");
                self.intrusions.push((*node, words));
            }
        }
        let answered_twice = !self.lab.probe().duplicates(start).is_empty();
        let mut said = Node::ALL.map(|_| crate::lines::Complaints::new());
        for (index, node) in Node::ALL.into_iter().enumerate() {
            let log = self.lab.log(node);
            said[index] = complaints(log.get(self.read[index]..).unwrap_or_default());
            self.read[index] = log.len();
        }
        Step {
            name: name.to_owned(),
            owners: self.owners(),
            doubled: answered_twice || !seen.second_owners.is_empty(),
            complaints: said,
        }
    }

    /// Returns the implementation that a node runs.
    pub(crate) fn kind(&self, node: Node) -> Kind {
        self.pair.kind(node)
    }
}

/// Starts both daemons at the same time.
pub(crate) fn start_both(lab: &Lab) -> Result<(), LabError> {
    scope(|threads| {
        let other = threads.spawn(|| lab.start_daemon(Node::Web2));
        lab.start_daemon(Node::Web1)?;
        other.join().expect("starting a daemon does not panic")
    })
}

/// Counts the lines of a log that say something about the cluster.
fn words(log: &str) -> usize {
    let is_slowness = |line: &&str| line.contains("WARN: ") && complaint(line).is_none();
    log.lines().filter(|line| !is_slowness(line)).count()
}

fn addresses(config: &ClusterConfig) -> [IpAddr; 2] {
    [config.address, SECOND_ADDRESS.parse().expect("an address")]
}

/// The result of a run.
struct Played {
    steps: Vec<Step>,
    stall: Duration,
    logs: [String; 2],
    /// What Systole decided, and why; empty for a C node.
    journals: [String; 2],
    result: Outcome,
    intrusions: String,
}

impl Played {
    /// Returns whether the run says nothing about the daemons.
    fn is_accident(&self) -> bool {
        let tears = |log: &String| log.contains(TORN_COMMAND);
        self.stall >= STALL_MAX || self.logs.iter().any(tears)
    }
}

/// Plays a scenario once; returns `None` where a lab cannot be built.
fn play(config: &ClusterConfig, pair: Pair, scenario: Scenario) -> Result<Option<Played>, String> {
    let daemons = match pair.daemons() {
        Ok(daemons) => daemons,
        Err(why) => {
            println!("skipped: {why}");
            return Ok(None);
        }
    };
    let lab = match Lab::pair(config.clone(), daemons) {
        Ok(lab) => lab,
        Err(LabError::NotRoot) => {
            println!("skipped: the lab needs root");
            return Ok(None);
        }
        Err(error) => return Err(error.to_string()),
    };
    let watch = Watch::new(addresses(config).to_vec());
    let machine = Stall::watch();
    let (steps, stall, result, intrusions) = scope(|threads| {
        threads.spawn(|| watch.run(&lab));
        let (read, stall) = ([0; 2], Duration::ZERO);
        let (steps, intrusions) = (Vec::new(), Vec::new());
        let mut run = Run { lab: &lab, pair, watch: &watch, steps, intrusions, read, stall };
        let result = scenario(&mut run);
        watch.end();
        let Run { steps, intrusions, stall, .. } = run;
        (steps, stall.max(machine.longest()), result, intrusions)
    });
    let logs = Node::ALL.map(|node| lab.log(node));
    let journal = "var/lib/heartbeat/journal.jsonl";
    let journals = Node::ALL.map(|node| lab.read_file(node, journal));
    let intrusions = intrusions.into_iter().map(|(_, words)| words).collect();
    Ok(Some(Played { steps, stall, logs, journals, result, intrusions }))
}

/// Plays a scenario and compares it with the control.
pub(crate) fn judge(name: &str, config: &ClusterConfig, pair: Pair, scenario: Scenario) -> Outcome {
    let control = Control::read(name)?;
    for remaining in (0..TRIES).rev() {
        let Some(played) = play(config, pair, scenario)? else { return Ok(()) };
        let wrong = match &played.result {
            Ok(()) => verdict::compare(&control, &played.steps, pair) + &played.intrusions,
            Err(error) => format!("{error}\n"),
        };
        println!("{wrong}the machine stood still for at most {:?}", played.stall);
        for (node, log) in Node::ALL.into_iter().zip(&played.logs) {
            println!("--- log of {node}, {:?}\n{log}", pair.kind(node));
        }
        for (node, journal) in Node::ALL.into_iter().zip(&played.journals) {
            println!("--- journal of {node}\n{journal}");
        }
        if wrong.is_empty() {
            return Ok(());
        }
        if !played.is_accident() || remaining == 0 {
            return Err(wrong.into());
        }
        println!("=== nothing can be said of that: once more");
    }
    Ok(())
}

/// Plays a scenario on two C nodes some times, and adds what was observed to the control.
pub(crate) fn renew(name: &str, config: &ClusterConfig, scenario: Scenario) -> Outcome {
    let mut control = Control::read(name).unwrap_or_default();
    for _ in 0..CONTROL_RUNS {
        let Some(played) = play(config, Pair::CLASSIC, scenario)? else { return Ok(()) };
        if let Err(error) = played.result {
            for (node, log) in Node::ALL.into_iter().zip(&played.logs) {
                println!("--- log of {node}\n{log}");
            }
            return Err(error);
        }
        control.add(&played.steps);
        control.write(name)?;
    }
    Ok(())
}
