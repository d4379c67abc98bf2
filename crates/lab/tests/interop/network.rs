//! The network between the nodes is cut and joined.

use crate::pair::{usual, with_failback};
use crate::run::{OWN, Run};
use crate::{Outcome, scenario};
use std::thread::sleep;
use std::time::Duration;
use systole_lab::{Cut, Failback, Lab, LabError, Link, Node};

scenario!(short_cut, usual());
scenario!(long_cut, usual());
scenario!(mixed long_cut_without_failback, with_failback(Failback::Off));

/// Long enough for lost messages, and shorter than a dead time.
const SHORT: Duration = Duration::from_secs(1);

fn cut(lab: &Lab) -> Result<(), LabError> {
    lab.cut(Node::Web1, Link::Service, Cut::Silent)
}

fn join(lab: &Lab) -> Result<(), LabError> {
    lab.join(Node::Web1, Link::Service)
}

fn short_cut(run: &mut Run<'_>) -> Outcome {
    run.start_together()?;
    run.step("cut and join", OWN, |lab| {
        cut(lab)?;
        sleep(SHORT);
        join(lab)
    })
}

fn long_cut(run: &mut Run<'_>) -> Outcome {
    part_and_join(run)
}

/// Two C nodes restart after a partition, and so each takes its own groups, even where nothing would fail
/// back otherwise. Of two Systole nodes none restarts, and the node that wins keeps what it has.
fn long_cut_without_failback(run: &mut Run<'_>) -> Outcome {
    part_and_join(run)
}

fn part_and_join(run: &mut Run<'_>) -> Outcome {
    run.start_together()?;
    // Each node takes what the other one has.
    run.step_unheard(&Node::ALL, "cut", [None, None], cut)?;
    run.step("join", OWN, join)
}
