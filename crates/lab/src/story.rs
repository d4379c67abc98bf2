//! The demonstration: a pair starts, loses a node, gets it back, hands over, is cut and heals.

mod screen;
mod view;

use crate::{ClusterConfig, Cut, Daemon, Failback, Helper, Lab, LabError, Node};
use std::fmt;
use std::io::{self, IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The longest wait for the effect of a step. The C daemon needs about 25 s after a partition.
const PATIENCE: Duration = Duration::from_mins(1);
/// How long nothing may move before a step counts as complete.
const CALM: Duration = Duration::from_secs(2);

/// Something that happens to the pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The daemons of both nodes start.
    Start,
    /// The owner of the address loses its power.
    PullPlug,
    /// A node without power gets it back, and its daemon starts.
    ComeBack,
    /// The owner is ordered to hand over.
    Standby,
    /// Every link of the owner is cut, although the owner continues to run.
    CutLinks,
    /// The links are reconnected.
    Heal,
}

impl Step {
    /// All steps, in their order.
    pub const ALL: [Self; 6] =
        [Self::Start, Self::PullPlug, Self::ComeBack, Self::Standby, Self::CutLinks, Self::Heal];

    /// Returns a description of the step.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Start => "start the pair",
            Self::PullPlug => "pull the owner's plug",
            Self::ComeBack => "plug it in again",
            Self::Standby => "hand over (standby)",
            Self::CutLinks => "cut the owner's links",
            Self::Heal => "reconnect the links",
        }
    }
}

/// The result of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The step.
    pub step: Step,
    /// The node that answers the client afterwards.
    pub owner: Option<Node>,
    /// How long the address was silent for the client; absent when it never was.
    pub outage: Option<Duration>,
    /// How long the step took, from its beginning until the owner answered.
    pub took: Duration,
}

impl fmt::Display for Outcome {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let took = self.took.as_secs_f64();
        match self.owner {
            Some(node) => write!(out, "{:22} {node} answers after {took:.1} s", self.step.title())?,
            None => write!(out, "{:22} no node answers", self.step.title())?,
        }
        match self.outage {
            Some(outage) => write!(out, ", outage {} ms", outage.as_millis()),
            None if self.step == Step::Start => Ok(()),
            None => write!(out, ", no outage"),
        }
    }
}

/// The steps of the demonstration on a pair, in any order.
#[derive(Debug)]
pub struct Story<'a> {
    lab: &'a Lab,
    cancelled: AtomicBool,
}

impl<'a> Story<'a> {
    /// Makes a story on a pair whose daemons are not started.
    #[must_use]
    pub const fn new(lab: &'a Lab) -> Self {
        Self { lab, cancelled: AtomicBool::new(false) }
    }

    /// Cancels the step that another thread performs.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// Performs a step, waits for its effect and measures the outage.
    ///
    /// # Errors
    ///
    /// When the step is currently impossible, or its effect does not come within a minute.
    pub fn perform(&self, step: Step) -> Result<Outcome, LabError> {
        let (lab, start) = (self.lab, Instant::now());
        let owner = lab.probe().answering().unwrap_or(Node::Web1);
        let expected = match step {
            Step::Start => {
                self.start_daemons()?;
                None
            }
            Step::PullPlug => {
                lab.power_off(owner)?;
                Some(owner.other())
            }
            Step::ComeBack => {
                for node in Node::ALL.into_iter().filter(|node| !lab.is_powered(*node)) {
                    lab.power_on(node)?;
                }
                self.start_daemons()?;
                let back = lab.config().failback != Failback::Off;
                Some(if back { Node::Web1 } else { owner })
            }
            Step::Standby => {
                lab.standby(owner)?;
                Some(owner.other())
            }
            Step::CutLinks => {
                for link in lab.config().links() {
                    lab.cut(owner, *link, Cut::Silent)?;
                }
                Some(owner.other())
            }
            Step::Heal => {
                for node in Node::ALL.into_iter().filter(|node| lab.is_powered(*node)) {
                    for link in lab.config().links() {
                        lab.join(node, *link)?;
                    }
                }
                None
            }
        };
        let took = self.settle(step, expected)?.saturating_duration_since(start);
        let owner = lab.probe().answering();
        let outage = lab.probe().longest_gap(start).filter(|_| step != Step::Start);
        Ok(Outcome { step, owner, outage: outage.map(|gap| gap.length), took })
    }

    /// Starts the daemons of nodes that have power and no daemon.
    fn start_daemons(&self) -> Result<(), LabError> {
        for node in Node::ALL {
            if self.lab.is_powered(node) && !self.lab.daemon_runs(node) {
                self.lab.start_daemon(node)?;
            }
        }
        Ok(())
    }

    /// Waits until the expected node, or any node if none is expected, answers and nothing moves any longer;
    /// returns since when this is so.
    fn settle(&self, step: Step, expected: Option<Node>) -> Result<Instant, LabError> {
        let (lab, address) = (self.lab, self.lab.config().address);
        let mut since: Option<(Node, Instant)> = None;
        // A node whose links are cut cannot know that it should give up the address.
        let lonely = |node: Node| step == Step::CutLinks || lab.owners(address) == [node];
        lab.wait_for(step.title(), PATIENCE, || {
            let answering = lab.probe().answering();
            let good =
                answering.filter(|node| expected.is_none_or(|it| it == *node) && lonely(*node));
            since = match (good, since) {
                (Some(node), Some((before, at))) if node == before => Some((node, at)),
                (Some(node), _) => Some((node, Instant::now())),
                (None, _) => None,
            };
            let calm = since.is_some_and(|(_, at)| at.elapsed() >= CALM);
            calm || self.cancelled.load(Ordering::Relaxed)
        })?;
        Ok(since.map_or_else(Instant::now, |(_, at)| at))
    }
}

/// Builds a pair on this machine and shows the story: live where standard output is a terminal, otherwise
/// step by step as text. Everything is gone when this returns.
///
/// # Errors
///
/// Without root, when a program is missing, or when a step of the text form fails.
pub fn demonstrate(
    config: ClusterConfig,
    daemons: [Daemon; 2],
    helper: Helper,
) -> Result<(), LabError> {
    let lab = Lab::with_helper(config, daemons, helper)?;
    let story = Story::new(&lab);
    if io::stdout().is_terminal() && io::stdin().is_terminal() {
        return view::show(&lab, &story);
    }
    let failed = || LabError::io("writing to standard output");
    let mut out = io::stdout().lock();
    let address = lab.config().address;
    writeln!(
        out,
        "web1 and web2 share the address {address}; a client probes it every millisecond."
    )
    .map_err(failed())?;
    for step in Step::ALL {
        let outcome = story.perform(step)?;
        writeln!(out, "{outcome}").and_then(|()| out.flush()).map_err(failed())?;
        if let Some(page) = lab.http_get(address) {
            let service = lab.config().service.word();
            writeln!(out, "{:22} {service} says: {}", "", page.trim()).map_err(failed())?;
        }
        sleep(CALM / 4);
    }
    Ok(())
}
