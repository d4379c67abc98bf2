//! A node loses its ping nodes and gives its groups away.

use crate::pair::usual;
use crate::run::{ALL_ON_WEB2, OWN, Run};
use crate::{Outcome, scenario};
use systole_lab::{ClusterConfig, Node};

scenario!(ipfail, with_ping());

fn with_ping() -> ClusterConfig {
    ClusterConfig { ping_nodes: ClusterConfig::default().ping_nodes, ipfail: true, ..usual() }
}

fn ipfail(run: &mut Run<'_>) -> Outcome {
    run.start_together()?;
    run.step("no answers", ALL_ON_WEB2, |lab| lab.drop_icmp(Node::Web1))?;
    run.step("answers again", OWN, |lab| lab.heal(Node::Web1))
}
