//! Every interleaving of a small scope: two nodes, few faults, a short time.
//!
//! A [`Scope`] bounds what may happen. Within it, every order of datagrams, ends of jobs, time and
//! faults is played on the cores that the daemon runs. Two ways to the same state are followed
//! once. The state is everything: both cores, executors and disks, what is under way, and the
//! bounds that are left; it is told from others by a hash of 64 bits of its debug form, so that no
//! new field of the core can be forgotten. A core is not copied: a state is reached again by
//! playing the steps that lead to it.
//!
//! SINGLE OWNER and ORDER hold in every state; and from every end everything is mended and played
//! on fairly, until every group has one owner.

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
    /// Groups; they prefer the first and the second node in turn.
    pub groups: usize,
    /// Whether groups go back to their preferred node.
    pub failback: bool,
    /// How long it goes on, from two nodes at rest.
    pub horizon: Duration,
    /// Daemons killed and machines switched off; they may be started again at any later moment.
    pub crashes: u8,
    /// Datagrams lost.
    pub losses: u8,
    /// Datagrams that arrive later than the next thing that time brings.
    pub delays: u8,
    /// Orders to stop, to give or to take everything.
    pub orders: u8,
    /// Jobs that fail.
    pub failures: u8,
    /// Executors killed; another may be there at any later moment.
    pub executor_crashes: u8,
    /// Carriers lost by the interface of the first group; they may be back at any later moment.
    pub unplugs: u8,
    /// Machines that stand still, and go on at any later moment.
    pub pauses: u8,
    /// Times that the link carries nothing until it is mended at any later moment.
    pub cuts: u8,
    /// Daemons that execute themselves anew.
    pub restarts: u8,
}

/// One thing that happens in a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The oldest datagram to this node arrives.
    Deliver(NodeId),
    /// It is lost.
    Lose(NodeId),
    /// It may arrive at any time; others overtake it.
    Delay(NodeId),
    /// The oldest of those that were delayed arrives.
    DeliverLate(NodeId),
    /// The oldest job of this node succeeds.
    Succeed(NodeId),
    /// The oldest job of this node fails.
    Fail(NodeId),
    /// Time goes on until something is due.
    Pass,
    /// The daemon is killed.
    Kill(NodeId),
    /// The machine loses power.
    PowerOff(NodeId),
    /// The machine has power, and its daemon starts.
    Start(NodeId),
    /// The executor is killed.
    KillExecutor(NodeId),
    /// Another executor is there.
    ExecutorBack(NodeId),
    /// The interface of the first group loses its carrier.
    Unplug(NodeId),
    /// The carrier is back.
    PlugIn(NodeId),
    /// The machine stands still.
    Pause(NodeId),
    /// The machine goes on: its daemon reads what waits, and then its executor looks at its permit.
    Resume(NodeId),
    /// The machine goes on, its executor first.
    ResumeExecutor(NodeId),
    /// The link carries nothing any more; what is under way is lost.
    Cut,
    /// The link is mended.
    Heal,
    /// The daemon executes itself anew.
    Restart(NodeId),
    /// The administrator has the daemon stop.
    Stop(NodeId),
    /// The administrator has the node give everything.
    Standby(NodeId),
    /// The administrator has the node take everything.
    Takeover(NodeId),
}

/// What was explored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Explored {
    /// Different states.
    pub states: u64,
    /// Steps from one to another.
    pub steps: u64,
    /// States at the end of the horizon, from each of which a fair run was played.
    pub ends: u64,
    /// Steps of the longest way.
    pub longest: usize,
}

/// A law that was broken, and the way there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counterexample {
    /// The law.
    pub broken: Broken,
    /// The bounds.
    pub scope: Scope,
    /// What happened, none of which can be left out.
    pub steps: Vec<Step>,
}

impl fmt::Display for Counterexample {
    /// In a form that can be pasted as a test.
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
    /// The first way to break a law.
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

    /// Plays these steps, and then on fairly to the end. Steps that are not possible are left out.
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

    /// Leaves out of the way to a broken law what it does not need.
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
