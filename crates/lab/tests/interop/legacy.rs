//! `auto_failback legacy`: the protocol without negotiation.

use crate::pair::with_failback;
use crate::run::{ALL_ON_WEB2, OWN, Run};
use crate::{Outcome, scenario};
use systole_lab::{Failback, Node};

scenario!(legacy, with_failback(Failback::Legacy));

fn legacy(run: &mut Run<'_>) -> Outcome {
    run.start_together()?;
    run.step("power off", ALL_ON_WEB2, |lab| lab.power_off(Node::Web1))?;
    run.step("power on", OWN, |lab| {
        lab.power_on(Node::Web1)?;
        lab.start_daemon(Node::Web1)
    })?;
    run.step("graceful stop", ALL_ON_WEB2, |lab| lab.stop_daemon(Node::Web1))
}
