//! What can be done with nodes that boot a system of their own.

use crate::booted::{Container, Parts};
use crate::lab::wait_for;
use crate::namespace::Machine;
use crate::{Lab, LabError, Node};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Longest boot; it takes a second or two on an idle machine.
const BOOT_LIMIT: Duration = Duration::from_mins(1);
/// Longest shutdown, with all that our daemon has to stop.
const SHUTDOWN_LIMIT: Duration = Duration::from_mins(2);
/// How often systemd is asked for its state.
const ASK_EVERY: Duration = Duration::from_millis(50);
/// How much of the console an error tells.
const LAST_WORDS: usize = 2000;

impl Lab {
    /// Boots the system of a node, if the nodes have one.
    pub(crate) fn boot(&self, node: Node, machine: &mut Machine) -> Result<(), LabError> {
        let Some(system) = &self.config().system else { return Ok(()) };
        let host = self.host(node);
        let parts = Parts {
            disk: host.disk.folder(),
            system,
            daemon: &host.daemon(),
            helper: self.helper(),
        };
        machine.hold(Container::boot(machine, node.name(), &parts)?);
        wait_for_boot(node, machine)
    }

    /// The state that systemd tells of a node (`running`, `degraded`), and the units that failed.
    ///
    /// # Errors
    ///
    /// Without power.
    pub fn system_state(&self, node: Node) -> Result<(String, String), LabError> {
        let state = self.run(node, &["systemctl", "is-system-running"])?.stdout;
        let failed = self.run(node, &["systemctl", "--failed", "--plain", "--no-legend"])?.stdout;
        Ok((state.trim().to_owned(), failed.trim().to_owned()))
    }

    /// Shuts the system of a node down in its own order, takes the power away afterwards, and says
    /// how long the shutdown took.
    ///
    /// # Errors
    ///
    /// Without power, or when the system still runs after two minutes.
    pub fn shut_down(&self, node: Node) -> Result<Duration, LabError> {
        self.end(node, "poweroff")
    }

    /// Lets the system of a node reboot, and waits until it is up again. Its interfaces are new
    /// then, as after any boot.
    ///
    /// # Errors
    ///
    /// Without power, or when that does not happen in time.
    pub fn reboot(&self, node: Node) -> Result<Duration, LabError> {
        let down = self.end(node, "reboot")?;
        let start = Instant::now();
        self.power_on(node)?;
        Ok(down + start.elapsed())
    }

    /// Gives systemd an order to end, and waits until it has.
    fn end(&self, node: Node, order: &str) -> Result<Duration, LabError> {
        let start = Instant::now();
        let words = ["systemctl", "--no-block", order];
        self.run(node, &words)?.expect(&words.join(" "))?;
        wait_for(&format!("the {order} of {node}"), SHUTDOWN_LIMIT, || {
            self.host(node).power().as_mut().is_none_or(Machine::has_shut_down)
        })?;
        let took = start.elapsed();
        self.power_off(node)?;
        Ok(took)
    }

    /// What the system of a node has said on its console since the node has its disk.
    #[must_use]
    pub fn console(&self, node: Node) -> String {
        let console = |machine: &Machine| Ok(machine.container().map(Container::console));
        self.host(node).with(console).ok().flatten().unwrap_or_default()
    }
}

/// Waits until systemd has done what belongs to a boot, also when a unit failed.
fn wait_for_boot(node: Node, machine: &Machine) -> Result<(), LabError> {
    let end = Instant::now() + BOOT_LIMIT;
    let is_there = || machine.container().is_some_and(|container| container.init().is_some());
    loop {
        let state = if is_there() {
            // Without an answer for as long as nobody listens yet.
            machine.run(&["systemctl", "is-system-running", "--wait"])?.stdout
        } else {
            String::new()
        };
        let state = state.trim();
        if matches!(state, "running" | "degraded") {
            return Ok(());
        }
        if Instant::now() > end {
            let said = machine.container().map(Container::console).unwrap_or_default();
            let from = said.char_indices().rev().nth(LAST_WORDS).map_or(0, |(at, _)| at);
            let (state, output) = (state.to_owned(), said[from..].trim().to_owned());
            return Err(LabError::NotBooted { node, state, output });
        }
        sleep(ASK_EVERY);
    }
}
