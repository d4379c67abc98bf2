//! One node starts long before the other.

use crate::pair::{usual, with_failback};
use crate::run::{ALL_ON_WEB1, OWN, Run};
use crate::{Outcome, scenario};
use systole_lab::{Failback, Node};

scenario!(start_apart, usual());
scenario!(start_apart_without_failback, with_failback(Failback::Off));

fn start_apart(run: &mut Run<'_>) -> Outcome {
    run.step("start alone", ALL_ON_WEB1, |lab| lab.start_daemon(Node::Web1))?;
    run.step("the other starts", OWN, |lab| lab.start_daemon(Node::Web2))
}

fn start_apart_without_failback(run: &mut Run<'_>) -> Outcome {
    run.step("start alone", ALL_ON_WEB1, |lab| lab.start_daemon(Node::Web1))?;
    run.step("the other starts", ALL_ON_WEB1, |lab| lab.start_daemon(Node::Web2))
}
