//! Orders to a daemon.

use crate::{Lab, LabError, Node, Order};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// What refusals say that go away: groups are still starting although their addresses answer, or a node does not
/// know yet how many ping nodes the other one sees.
const PASSING: [&str; 2] = ["in transition", "ping nodes"];
/// How long an order is repeated that is refused with one of them.
const LIMIT: Duration = Duration::from_secs(10);
/// Time between two such orders.
const REPEATED_EVERY: Duration = Duration::from_millis(100);

impl Lab {
    /// Orders a node to give its groups to the other node.
    ///
    /// # Errors
    ///
    /// Without power, or when the order is refused.
    pub fn standby(&self, node: Node) -> Result<(), LabError> {
        self.order(node, Order::Standby, "all")
    }

    /// Orders a node to give a set (`all`, `local`, `foreign`) away, or to take it. Systole answers when it
    /// is done; the C daemon does not answer.
    ///
    /// # Errors
    ///
    /// Without power, or when the order is refused for a reason that does not go away.
    pub fn order(&self, node: Node, order: Order, set: &str) -> Result<(), LabError> {
        let mut words = self.daemon(node).order(order).to_vec();
        words.push(set);
        let until = Instant::now() + LIMIT;
        loop {
            let output = self.run(node, &words)?;
            if output.success() {
                return Ok(());
            }
            let passes = PASSING.iter().any(|text| output.stderr.contains(text));
            if !passes || Instant::now() >= until {
                let said = format!("{} {}", output.stdout.trim(), output.stderr.trim());
                return Err(LabError::ToolFailed { command: words.join(" "), output: said });
            }
            sleep(REPEATED_EVERY);
        }
    }
}
