//! Faults that can be injected into a node.

use crate::medium::TERMINAL;
use crate::network::Port;
use crate::{Lab, LabError, Link, Node};
use rustix::process::{Signal, kill_process};
use std::collections::BTreeSet;

/// How a link is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// The cable is unplugged: the node sees no carrier.
    Carrier,
    /// A switch in between forwards nothing: the node sees a carrier.
    Silent,
}

/// Which packets of a node are lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// The packets that it receives.
    In,
    /// The packets that it sends.
    Out,
    /// Both.
    Both,
}

impl Direction {
    /// Returns the hooks of the packet filter, see nft(8).
    const fn hooks(self) -> &'static [&'static str] {
        match self {
            Self::In => &["input"],
            Self::Out => &["output"],
            Self::Both => &["input", "output"],
        }
    }
}

impl Lab {
    /// Cuts a link of a node at the bridge; [`Lab::join`] undoes it.
    ///
    /// # Errors
    ///
    /// When the pair has no such link.
    pub fn cut(&self, node: Node, link: Link, how: Cut) -> Result<(), LabError> {
        let port = match how {
            Cut::Carrier => Port::Down,
            Cut::Silent => Port::Silent,
        };
        self.network().set_port(node, link, port)
    }

    /// Joins a link that was cut.
    ///
    /// # Errors
    ///
    /// When the pair has no such link.
    pub fn join(&self, node: Node, link: Link) -> Result<(), LabError> {
        self.network().set_port(node, link, Port::Forwarding)
    }

    /// Pulls an interface out of a node: the interface is gone, with its addresses; [`Lab::put_in`] makes
    /// another one of the same name.
    ///
    /// # Errors
    ///
    /// When the pair has no such link.
    pub fn pull_out(&self, node: Node, link: Link) -> Result<(), LabError> {
        self.network().remove(node, link)
    }

    /// Makes an interface again that was pulled out.
    ///
    /// # Errors
    ///
    /// When the interface exists, or without power.
    pub fn put_in(&self, node: Node, link: Link) -> Result<(), LabError> {
        self.host(node).with(|machine| self.network().plug_link(node, machine, link))
    }

    /// Loses what a node sends over the serial cable; [`Lab::join_serial`] undoes it.
    ///
    /// # Errors
    ///
    /// When the pair has no such cable.
    pub fn cut_serial(&self, from: Node) -> Result<(), LabError> {
        self.cable()?.set_cut(from, true);
        Ok(())
    }

    /// Carries again what a node sends over the serial cable.
    ///
    /// # Errors
    ///
    /// When the pair has no such cable.
    pub fn join_serial(&self, from: Node) -> Result<(), LabError> {
        self.cable()?.set_cut(from, false);
        Ok(())
    }

    /// Pulls the adapter of the serial cable out of a node: the device is gone.
    ///
    /// # Errors
    ///
    /// When the pair has no such cable, or the node has no power.
    pub fn pull_out_serial(&self, node: Node) -> Result<(), LabError> {
        let cable = self.cable()?;
        self.host(node).with(|machine| machine.run(&["rm", TERMINAL])?.expect("rm"))?;
        cable.pull_out(node);
        Ok(())
    }

    /// Puts the adapter in again.
    ///
    /// # Errors
    ///
    /// As [`Lab::pull_out_serial`].
    pub fn put_in_serial(&self, node: Node) -> Result<(), LabError> {
        self.cable()?.put_in(node)?;
        self.host(node).with(|machine| self.show_terminal(node, machine))
    }

    /// Drops all ICMP on a node, in both directions; [`Lab::heal`] undoes it.
    ///
    /// # Errors
    ///
    /// Without power, or when `nft` fails.
    pub fn drop_icmp(&self, node: Node) -> Result<(), LabError> {
        self.filter(node, "no_ping", Direction::Both, "meta l4proto { icmp, icmpv6 } drop")
    }

    /// Loses a random share of a node's packets; [`Lab::heal`] undoes it.
    ///
    /// # Errors
    ///
    /// Without power, or when `nft` fails.
    pub fn loss(&self, node: Node, percent: u8, direction: Direction) -> Result<(), LabError> {
        // The random number is always below 100, and nft refuses a comparison that is always true.
        let chance = if percent >= 100 {
            String::new()
        } else {
            format!("numgen random mod 100 < {percent}")
        };
        let rule = format!("meta iiftype != loopback {chance} drop");
        self.filter(node, "lossy", direction, &rule)
    }

    /// Removes all packet filters of [`Lab::drop_icmp`] and [`Lab::loss`] from a node.
    ///
    /// # Errors
    ///
    /// Without power, or when `nft` fails.
    pub fn heal(&self, node: Node) -> Result<(), LabError> {
        self.nft(node, "flush ruleset")
    }

    /// Stops every process of a node, as on a machine that hangs; [`Lab::thaw`] undoes it.
    ///
    /// # Errors
    ///
    /// Without power.
    pub fn freeze(&self, node: Node) -> Result<(), LabError> {
        self.host(node).with(|machine| {
            let mut frozen = BTreeSet::new();
            // Repeats until it finds no process that was forked since the previous pass.
            loop {
                let mut news = false;
                for pid in machine.processes() {
                    if frozen.insert(pid.as_raw_nonzero()) {
                        news = true;
                        // The process may have ended meanwhile.
                        let _ = kill_process(pid, Signal::STOP);
                    }
                }
                if !news {
                    return Ok(());
                }
            }
        })
    }

    /// Lets the processes of a frozen node continue.
    ///
    /// # Errors
    ///
    /// Without power.
    pub fn thaw(&self, node: Node) -> Result<(), LabError> {
        self.host(node).with(|machine| {
            for pid in machine.processes() {
                // The process may have been killed meanwhile.
                let _ = kill_process(pid, Signal::CONT);
            }
            Ok(())
        })
    }

    /// Replaces one packet filter of a node, which is a table of its own.
    fn filter(
        &self,
        node: Node,
        table: &str,
        direction: Direction,
        rule: &str,
    ) -> Result<(), LabError> {
        let mut script = format!("add table inet {table}; delete table inet {table};");
        script += &format!("add table inet {table};");
        for hook in direction.hooks() {
            let rule =
                if *hook == "output" { rule.replace("iiftype", "oiftype") } else { rule.into() };
            script += &format!(
                "add chain inet {table} {hook} {{ type filter hook {hook} priority 0; }};"
            );
            script += &format!("add rule inet {table} {hook} {rule};");
        }
        self.nft(node, &script)
    }

    /// Runs a script of nft(8) in a node's network.
    fn nft(&self, node: Node, script: &str) -> Result<(), LabError> {
        let pid = self.host(node).with(|machine| Ok(machine.pid()))?;
        crate::tool::succeed("nsenter", &["--target", &pid, "--net", "nft", script])?;
        Ok(())
    }
}
