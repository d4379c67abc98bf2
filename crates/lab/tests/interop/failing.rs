//! A service that starts only on its own node.

use crate::pair::{SECOND_ADDRESS, usual};
use crate::run::{OWN, Run};
use crate::{Outcome, scenario};
use systole_lab::{ClusterConfig, Failback, Node, Order};

/// Starts only where its argument says.
const PICKY: &str = "#!/bin/sh\ncase $2 in\n\
                     start) [ \"$1\" = \"$(uname -n)\" ] && touch /run/picky ;;\n\
                     stop) rm -f /run/picky ;;\n\
                     status) [ -e /run/picky ] && echo running || echo stopped ;;\nesac\n";

// Two Systole nodes report a failed start to each other: the giver takes the group back at once.
scenario!(mixed start_that_fails, picky());

fn picky() -> ClusterConfig {
    let usual = usual();
    let first = format!("web1 IPaddr2::{}/24/eth0 picky::web1", usual.address);
    let second = format!("web2 IPaddr2::{SECOND_ADDRESS}/24/eth0");
    ClusterConfig { groups: vec![first, second], failback: Failback::Off, ..usual }
}

fn start_that_fails(run: &mut Run<'_>) -> Outcome {
    for node in Node::ALL {
        run.lab.write_file(node, "etc/ha.d/resource.d/picky", PICKY)?;
    }
    run.start_together()?;
    let nowhere = [None, Some(Node::Web2)];
    run.step("standby local", nowhere, |lab| lab.order(Node::Web1, Order::Standby, "local"))?;
    // Half a minute later the node that could not start the group gives it up.
    run.step("given back", OWN, |_| Ok(()))
}
