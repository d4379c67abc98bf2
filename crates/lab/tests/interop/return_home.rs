//! Nodes leave, die and return.

use crate::pair::{usual, with_failback};
use crate::run::{ALL_ON_WEB1, ALL_ON_WEB2, OWN, Run};
use crate::{Outcome, scenario};
use systole_lab::{ClusterConfig, Failback, Lab, LabError, Node};

scenario!(return_with_failback, usual());
scenario!(return_without_failback, with_failback(Failback::Off));
scenario!(signed_by_crc, with_key("crc"));
scenario!(signed_by_md5, with_key("md5 Hello!"));
scenario!(signed_by_sha1, with_key("sha1 Hello!"));

fn with_key(key: &str) -> ClusterConfig {
    ClusterConfig { keys: format!("auth 2\n2 {key}\n"), ..usual() }
}

fn power_on(lab: &Lab) -> Result<(), LabError> {
    lab.power_on(Node::Web1)?;
    lab.start_daemon(Node::Web1)
}

fn return_with_failback(run: &mut Run<'_>) -> Outcome {
    run.start_together()?;
    run.step("graceful stop", ALL_ON_WEB2, |lab| lab.stop_daemon(Node::Web1))?;
    run.step("start again", OWN, |lab| lab.start_daemon(Node::Web1))?;
    run.step("power off", ALL_ON_WEB2, |lab| lab.power_off(Node::Web1))?;
    run.step("power on", OWN, power_on)
}

fn return_without_failback(run: &mut Run<'_>) -> Outcome {
    run.start_together()?;
    run.step("power off", ALL_ON_WEB2, |lab| lab.power_off(Node::Web1))?;
    run.step("power on", ALL_ON_WEB2, power_on)?;
    run.step("the holder stops", ALL_ON_WEB1, |lab| lab.stop_daemon(Node::Web2))?;
    run.step("the holder returns", ALL_ON_WEB1, |lab| lab.start_daemon(Node::Web2))
}

fn signed_by_crc(run: &mut Run<'_>) -> Outcome {
    power_cycle(run)
}

fn signed_by_md5(run: &mut Run<'_>) -> Outcome {
    power_cycle(run)
}

fn signed_by_sha1(run: &mut Run<'_>) -> Outcome {
    power_cycle(run)
}

fn power_cycle(run: &mut Run<'_>) -> Outcome {
    run.start_together()?;
    run.step("power off", ALL_ON_WEB2, |lab| lab.power_off(Node::Web1))?;
    run.step("power on", OWN, power_on)
}
