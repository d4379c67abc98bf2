//! Every interleaving of a small scope: two nodes, few faults, a short time.
//!
//! A [`Scope`] bounds what may happen. Within it, every order of datagrams, ends of jobs, time and faults is
//! played on the cores that the daemon runs. If two ways lead to the same state, the exploration continues
//! from it only once. The state is everything: both cores, executors and disks, what is in transit, and the
//! remaining bounds; states are compared by a hash of 64 bits of their debug form, so that no new field of
//! the core can be forgotten. A core is not copied: a state is reached again by playing the steps that lead
//! to it.
//!
//! SINGLE OWNER and ORDER hold in every state; and from every end everything is repaired and played on
//! fairly, until every group has one owner.

mod play;

use crate::laws::Broken;
use play::Play;
use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;
use systole_core::NodeId;

/// What may happen, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scope {
    /// Number of groups; they prefer the first and the second node in turn.
    pub groups: usize,
    /// Whether groups fail back to their preferred node.
    pub failback: bool,
    /// How long the exploration lasts, starting from two nodes at rest.
    pub horizon: Duration,
    /// How many daemons may be killed and machines switched off; they may be started again at any later
    /// moment.
    pub crashes: u8,
    /// How many datagrams may be lost.
    pub losses: u8,
    /// How many datagrams may arrive later than the next event of time.
    pub delays: u8,
    /// How many orders may be given to stop, to give or to take everything.
    pub orders: u8,
    /// How many jobs may fail.
    pub failures: u8,
    /// How many executors may be killed; another may be there at any later moment.
    pub executor_crashes: u8,
    /// How often the interface of the first group may lose its carrier; the carrier may be back at any later
    /// moment.
    pub unplugs: u8,
    /// How many machines may be paused; they may continue at any later moment.
    pub pauses: u8,
    /// How often the link may be cut; it may be repaired at any later moment.
    pub cuts: u8,
    /// How many daemons may execute themselves again.
    pub restarts: u8,
}

/// One event in a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The oldest datagram to this node arrives.
    Deliver(NodeId),
    /// The oldest datagram to this node is lost.
    Lose(NodeId),
    /// The oldest datagram to this node is delayed: it may arrive at any time, and others overtake it.
    Delay(NodeId),
    /// The oldest delayed datagram to this node arrives.
    DeliverLate(NodeId),
    /// The oldest job of this node succeeds.
    Succeed(NodeId),
    /// The oldest job of this node fails.
    Fail(NodeId),
    /// Time passes until something is due.
    Pass,
    /// The daemon is killed.
    Kill(NodeId),
    /// The machine loses power.
    PowerOff(NodeId),
    /// The machine gets power, and its daemon starts.
    Start(NodeId),
    /// The executor is killed.
    KillExecutor(NodeId),
    /// Another executor is available.
    ExecutorBack(NodeId),
    /// The interface of the first group loses its carrier.
    Unplug(NodeId),
    /// The carrier is back.
    PlugIn(NodeId),
    /// The machine is paused.
    Pause(NodeId),
    /// The machine continues: its daemon reads what waits, and then its executor checks its permit.
    Resume(NodeId),
    /// The machine continues, its executor first.
    ResumeExecutor(NodeId),
    /// The link carries nothing any longer; datagrams in transit are lost.
    Cut,
    /// The link is repaired.
    Heal,
    /// The daemon executes itself again.
    Restart(NodeId),
    /// The administrator orders the daemon to stop.
    Stop(NodeId),
    /// The administrator orders the node to give everything.
    Standby(NodeId),
    /// The administrator orders the node to take everything.
    Takeover(NodeId),
}

/// Statistics of an exploration.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Explored {
    /// The number of different states.
    pub states: u64,
    /// The number of steps between states.
    pub steps: u64,
    /// The number of states at the end of the horizon, from each of which a fair run was played.
    pub ends: u64,
    /// The number of steps of the longest way.
    pub longest: usize,
}

/// A law that was broken, and the steps that led there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counterexample {
    /// The law.
    pub broken: Broken,
    /// The scope.
    pub scope: Scope,
    /// The steps, none of which can be left out.
    pub steps: Vec<Step>,
}

impl fmt::Display for Counterexample {
    /// Prints it in a form that can be pasted as a test.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { broken, scope, steps } = self;
        writeln!(out, "{broken}")?;
        write!(out, "assert_eq!({scope:?}.replay(&{steps:?}), Ok(()));")
    }
}

impl Scope {
    /// Plays everything that may happen.
    ///
    /// # Errors
    ///
    /// The first sequence of steps that breaks a law.
    pub fn explore(self) -> Result<Explored, Counterexample> {
        let mut explored = Explored::default();
        let mut seen = BTreeSet::new();
        let mut path: Vec<Step> = Vec::new();
        let mut todo: Vec<Vec<Step>> = Vec::new();
        let mut play = Play::at_rest(self).map_err(|broken| self.counterexample(broken, &path))?;
        loop {
            if seen.insert(play.digest()) {
                explored.states += 1;
                explored.longest = explored.longest.max(path.len());
                let choices = play.choices();
                if choices.is_empty() {
                    explored.ends += 1;
                    play.end_fairly().map_err(|broken| self.counterexample(broken, &path))?;
                }
                todo.push(choices);
            } else {
                todo.push(Vec::new());
            }
            let is_deeper = todo.last().is_some_and(|choices| !choices.is_empty());
            while todo.last().is_some_and(Vec::is_empty) {
                todo.pop();
                path.pop();
            }
            let Some(step) = todo.last_mut().and_then(Vec::pop) else { return Ok(explored) };
            if !is_deeper {
                play = self.play(&path).map_err(|broken| self.counterexample(broken, &path))?;
            }
            path.push(step);
            explored.steps += 1;
            play.take(step).map_err(|broken| self.counterexample(broken, &path))?;
        }
    }

    /// Plays these steps, and then continues fairly to the end. Impossible steps are left out.
    ///
    /// # Errors
    ///
    /// The law that is broken.
    pub fn replay(self, steps: &[Step]) -> Result<(), Broken> {
        self.play(steps)?.end_fairly()
    }

    fn play(self, steps: &[Step]) -> Result<Play, Broken> {
        let mut play = Play::at_rest(self)?;
        for step in steps {
            if play.choices().contains(step) {
                play.take(*step)?;
            }
        }
        Ok(play)
    }

    /// Leaves out the steps that are not needed to break the law.
    fn counterexample(self, broken: Broken, path: &[Step]) -> Counterexample {
        let (mut broken, mut steps) = (broken, path.to_vec());
        let mut place = steps.len();
        while let Some(before) = place.checked_sub(1) {
            place = before;
            let mut fewer = steps.clone();
            fewer.remove(place);
            if let Err(same) = self.replay(&fewer)
                && same.law == broken.law
            {
                (broken, steps) = (same, fewer);
            }
        }
        Counterexample { broken, scope: self, steps }
    }
}
