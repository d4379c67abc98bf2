//! Nodes start together, one long after the other, and after both were stopped.

use crate::pair::{usual, with_failback};
use crate::run::{ALL_ON_WEB1, OWN, Run, start_both};
use crate::{Outcome, scenario};
use std::thread::sleep;
use std::time::Duration;
use systole_lab::{Failback, Node};

scenario!(start_apart, usual());
scenario!(start_staggered, usual());
scenario!(stop_both, usual());
scenario!(start_apart_without_failback, with_failback(Failback::Off));

fn start_apart(run: &mut Run<'_>) -> Outcome {
    run.step("start alone", ALL_ON_WEB1, |lab| lab.start_daemon(Node::Web1))?;
    run.step("the other starts", OWN, |lab| lab.start_daemon(Node::Web2))
}

fn start_apart_without_failback(run: &mut Run<'_>) -> Outcome {
    run.step("start alone", ALL_ON_WEB1, |lab| lab.start_daemon(Node::Web1))?;
    run.step("the other starts", ALL_ON_WEB1, |lab| lab.start_daemon(Node::Web2))
}

/// The second node starts within the time that the first one waits for it.
fn start_staggered(run: &mut Run<'_>) -> Outcome {
    run.step("start one after the other", OWN, |lab| {
        lab.start_daemon(Node::Web1)?;
        sleep(Duration::from_secs(2));
        lab.start_daemon(Node::Web2)
    })
}

fn stop_both(run: &mut Run<'_>) -> Outcome {
    run.start_together()?;
    run.step("stop both", [None, None], |lab| {
        lab.stop_daemon(Node::Web1)?;
        lab.stop_daemon(Node::Web2)
    })?;
    run.step("start both again", OWN, start_both)
}
