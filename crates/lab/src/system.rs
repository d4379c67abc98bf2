//! Operations on nodes that boot their own system.

use crate::booted::{Container, Parts};
use crate::lab::wait_for;
use crate::namespace::Machine;
use crate::{Lab, LabError, Node};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The longest boot; it takes a second or two on an idle machine.
const BOOT_LIMIT: Duration = Duration::from_mins(1);
/// The longest shutdown, including everything that the daemon has to stop.
const SHUTDOWN_LIMIT: Duration = Duration::from_mins(2);
/// How often systemd is asked for its state.
const ASK_EVERY: Duration = Duration::from_millis(50);
/// How many characters of the console an error shows.
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

    /// Returns the state that systemd reports for a node (`running`, `degraded`), and the units that failed.
    ///
    /// # Errors
    ///
    /// Without power.
    pub fn system_state(&self, node: Node) -> Result<(String, String), LabError> {
        let state = self.run(node, &["systemctl", "is-system-running"])?.stdout;
        let failed = self.run(node, &["systemctl", "--failed", "--plain", "--no-legend"])?.stdout;
        Ok((state.trim().to_owned(), failed.trim().to_owned()))
    }

    /// Shuts the system of a node down in its own order, cuts the power afterwards, and returns how long the
    /// shutdown took.
    ///
    /// # Errors
    ///
    /// Without power, or when the system still runs after two minutes.
    pub fn shut_down(&self, node: Node) -> Result<Duration, LabError> {
        self.end(node, "poweroff")
    }

    /// Makes the system of a node reboot, and waits until it is up again. As after any boot, its interfaces
    /// are new.
    ///
    /// # Errors
    ///
    /// Without power, or when the reboot does not happen in time.
    pub fn reboot(&self, node: Node) -> Result<Duration, LabError> {
        let down = self.end(node, "reboot")?;
        let start = Instant::now();
        self.power_on(node)?;
        Ok(down + start.elapsed())
    }

    /// Gives systemd an order to end, and waits until it has ended.
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

    /// Returns what the system of a node has written to its console since the node has its disk.
    #[must_use]
    pub fn console(&self, node: Node) -> String {
        let console = |machine: &Machine| Ok(machine.container().map(Container::console));
        self.host(node).with(console).ok().flatten().unwrap_or_default()
    }
}

/// Waits until systemd has finished booting, even when a unit failed.
fn wait_for_boot(node: Node, machine: &Machine) -> Result<(), LabError> {
    let end = Instant::now() + BOOT_LIMIT;
    let is_there = || machine.container().is_some_and(|container| container.init().is_some());
    loop {
        let state = if is_there() {
            // The output is empty as long as systemd does not listen yet.
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
