//! A pair of nodes with a gateway and a client.

use crate::cable::Cable;
use crate::client::{FETCH_LIMIT, Probe, http_get};
use crate::disk::{self, Disk};
use crate::medium::TERMINAL;
use crate::namespace::{Machine, Output};
use crate::network::{Network, Port};
use crate::node::Host;
use crate::scratch::Scratch;
use crate::status::Status;
use crate::{ClusterConfig, Daemon, Helper, LabError, Medium, Node};
use std::fs;
use std::net::IpAddr;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How often a condition is checked.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Two nodes, a gateway and a client in namespaces. Everything ends when this is dropped.
///
/// All functions take `&self`, so that threads can watch the lab while another one acts on it.
#[derive(Debug)]
pub struct Lab {
    // Fields are dropped in this order: first the watchers, then what they watch, then the directory of all
    // files.
    probe: Probe,
    hosts: [Host; 2],
    client: Machine,
    network: Network,
    /// Present where `serial` is configured.
    cable: Option<Cable>,
    helper: Helper,
    config: ClusterConfig,
    scratch: Scratch,
}

impl Lab {
    /// Makes a pair with power on and no daemon started; `daemons` are those of web1 and web2.
    ///
    /// The lab's own programs come from `systole-lab-helper` next to the running executable.
    ///
    /// # Errors
    ///
    /// Without root, or when a program or a right is missing.
    pub fn pair(config: ClusterConfig, daemons: [Daemon; 2]) -> Result<Self, LabError> {
        Self::with_helper(config, daemons, Helper::find()?)
    }

    /// Like [`Lab::pair`], with the lab's own programs in another executable.
    ///
    /// # Errors
    ///
    /// As [`Lab::pair`].
    pub fn with_helper(
        config: ClusterConfig,
        daemons: [Daemon; 2],
        helper: Helper,
    ) -> Result<Self, LabError> {
        if !is_root() {
            return Err(LabError::NotRoot);
        }
        let scratch = Scratch::new(&helper)?;
        let [web1, web2] = daemons;
        let host = |node: Node, daemon: Daemon| {
            let disk = Disk::new(scratch.path(), node, &config, &helper)?;
            Ok(Host::new(node, daemon, disk))
        };
        let hosts = [host(Node::Web1, web1)?, host(Node::Web2, web2)?];
        let plain = |name: &str| {
            // The client and the gateway use the host's files, but never write them.
            let program = helper.program().to_string_lossy();
            let words = helper.shell_words("init");
            let words = words.replacen(crate::helper::INSIDE, &format!("'{program}'"), 1);
            Machine::start(name, &format!("hostname \"$0\"\nexec {words}\n"), scratch.path())
        };
        let network = Network::new(plain("gateway")?)?;
        let client = plain("client")?;
        network.plug_client(&client)?;
        let probe = Probe::start(&client, config.address)?;
        let has_cable = config.media.contains(&Medium::Serial);
        let cable = has_cable.then(|| Cable::new(config.baud)).transpose()?;
        let lab = Self { probe, hosts, client, network, cable, helper, config, scratch };
        for node in Node::ALL {
            lab.power_on(node)?;
        }
        Ok(lab)
    }

    /// Returns the configuration with which the pair was made.
    #[must_use]
    pub fn config(&self) -> &ClusterConfig {
        &self.config
    }

    /// Returns what the client sees of the floating address.
    #[must_use]
    pub fn probe(&self) -> &Probe {
        &self.probe
    }

    /// Returns the daemon of a node.
    #[must_use]
    pub fn daemon(&self, node: Node) -> Daemon {
        self.host(node).daemon()
    }

    /// Installs another implementation on a node. It starts with the disk of the previous one: its
    /// configuration, uuid and generation. A daemon of Systole must be one that the node already shows: the
    /// one with which the pair was made, or the one next to the lab's own program.
    ///
    /// # Errors
    ///
    /// [`LabError::StillRuns`] before the previous one has ended.
    pub fn replace_daemon(&self, node: Node, daemon: Daemon) -> Result<(), LabError> {
        if self.daemon_runs(node) {
            return Err(LabError::StillRuns(node));
        }
        self.host(node).replace_daemon(daemon);
        Ok(())
    }

    /// Boots a node from its disk: new namespaces, an empty `/run`, no daemon. A node with systemd has
    /// started what is enabled on it.
    ///
    /// # Errors
    ///
    /// When the node already has power, or its namespaces cannot be made.
    pub fn power_on(&self, node: Node) -> Result<(), LabError> {
        let host = self.host(node);
        let mut power = host.power();
        if power.is_some() {
            return Err(LabError::PoweredOn(node));
        }
        let links = self.config.links();
        self.network.unplug_node(node, links);
        let setup = host.disk.setup(&self.config, &host.daemon(), &self.helper);
        let mut machine = Machine::start(node.name(), &setup, self.scratch.path())?;
        self.network.plug_node(node, &machine, links)?;
        self.boot(node, &mut machine)?;
        self.show_terminal(node, &machine)?;
        *power = Some(machine);
        Ok(())
    }

    /// Cuts a node's power: no process of the node sends anything after this call has begun.
    ///
    /// # Errors
    ///
    /// When the node has no power.
    pub fn power_off(&self, node: Node) -> Result<(), LabError> {
        let host = self.host(node);
        let mut power = host.power();
        let Some(mut machine) = power.take() else { return Err(LabError::PoweredOff(node)) };
        // The wires first, so that sockets that the kernel closes do not announce it.
        for link in self.config.links() {
            self.network.set_port(node, *link, Port::Down)?;
        }
        machine.kill();
        Ok(())
    }

    /// Returns whether a node has power.
    #[must_use]
    pub fn is_powered(&self, node: Node) -> bool {
        self.host(node).power().is_some()
    }

    /// Starts the daemon of a node and waits until it is in the background.
    ///
    /// # Errors
    ///
    /// When the daemon refuses, with its own message.
    pub fn start_daemon(&self, node: Node) -> Result<(), LabError> {
        self.host(node).start_daemon()
    }

    /// Stops the daemon of a node gracefully and waits for its end.
    ///
    /// # Errors
    ///
    /// Without power, or when it still runs after a minute.
    pub fn stop_daemon(&self, node: Node) -> Result<(), LabError> {
        self.host(node).stop_daemon()
    }

    /// Kills the main process of a node's daemon with SIGKILL and waits for its end.
    ///
    /// # Errors
    ///
    /// Without power, or when no daemon wrote its pid file.
    pub fn kill_daemon(&self, node: Node) -> Result<(), LabError> {
        self.host(node).kill_daemon(true)
    }

    /// Kills every process of a node's daemon with SIGKILL; services keep running.
    ///
    /// # Errors
    ///
    /// Without power.
    pub fn kill_daemon_whole(&self, node: Node) -> Result<(), LabError> {
        self.host(node).kill_daemon(false)
    }

    /// Returns whether any process of a node runs the daemon's binary.
    #[must_use]
    pub fn daemon_runs(&self, node: Node) -> bool {
        !self.host(node).daemon_pids().is_empty()
    }

    /// Returns whether an agent, or a script of a C daemon, runs on any node: on a slow machine both can be
    /// silent for a long time before they are done.
    #[must_use]
    pub fn is_at_work(&self) -> bool {
        self.hosts.iter().any(Host::runs_scripts)
    }

    /// Runs a command on a node and waits for its end.
    ///
    /// # Errors
    ///
    /// Without power, or when the command cannot be started; the failure of the command itself is in the
    /// [`Output`].
    pub fn run(&self, node: Node, words: &[&str]) -> Result<Output, LabError> {
        self.host(node).run(words)
    }

    /// Runs a command on the client and waits for its end.
    ///
    /// # Errors
    ///
    /// When the command cannot be started; the failure of the command itself is in the [`Output`].
    pub fn run_on_client(&self, words: &[&str]) -> Result<Output, LabError> {
        self.client.run(words)
    }

    /// Returns the nodes that have an address on an interface that is up.
    #[must_use]
    pub fn owners(&self, address: IpAddr) -> Vec<Node> {
        Node::ALL.into_iter().filter(|node| self.host(*node).has(address)).collect()
    }

    /// Fetches the page at an address as the client, with a limit of one second.
    #[must_use]
    pub fn http_get(&self, address: IpAddr) -> Option<String> {
        self.http_get_within(address, FETCH_LIMIT)
    }

    /// Does the same, but waits no longer than `limit` for a connection, and then for the page. The network
    /// repeats a lost packet after a second: a caller that wants to see a shorter gap must ask again.
    #[must_use]
    pub fn http_get_within(&self, address: IpAddr, limit: Duration) -> Option<String> {
        http_get(&self.client, address, limit)
    }

    /// Returns what a node's daemon reports about itself, if it has `hb status --json`.
    #[must_use]
    pub fn status(&self, node: Node) -> Option<Status> {
        match self.daemon(node) {
            Daemon::Systole { .. } => {
                let output = self.run(node, &["hb", "status", "--json"]).ok()?;
                serde_json::from_str(&output.stdout).ok()
            }
            Daemon::Classic => None,
        }
    }

    /// Returns the text of a node's `/var/log/ha-log`, with or without power.
    #[must_use]
    pub fn log(&self, node: Node) -> String {
        self.read_file(node, "var/log/ha-log")
    }

    /// Returns the text of a file on a node's disk (`var/log/ha-debug`), empty when there is none.
    #[must_use]
    pub fn read_file(&self, node: Node, path: &str) -> String {
        let bytes = fs::read(self.host(node).file(path)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Writes a file on a node's disk (`etc/ha.d/ha.cf`); a script is made executable.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn write_file(&self, node: Node, path: &str, text: &str) -> Result<(), LabError> {
        let mode = match (path.ends_with("authkeys"), text.starts_with("#!")) {
            (true, _) => 0o600,
            (false, true) => 0o755,
            (false, false) => 0o644,
        };
        disk::write(&self.host(node).file(path), text, mode)
    }

    /// Waits until a condition holds and returns how long that took; `what` is for the error.
    ///
    /// # Errors
    ///
    /// [`LabError::Timeout`] when it does not hold within `limit`.
    pub fn wait_for(
        &self,
        what: &str,
        limit: Duration,
        condition: impl FnMut() -> bool,
    ) -> Result<Duration, LabError> {
        wait_for(what, limit, condition)
    }

    /// Waits until exactly this node has the probed address and the client receives its answers.
    ///
    /// # Errors
    ///
    /// [`LabError::Timeout`] when that does not happen within `limit`.
    pub fn wait_for_owner(&self, node: Node, limit: Duration) -> Result<Duration, LabError> {
        let what = format!("{} on {node} alone", self.config.address);
        wait_for(&what, limit, || {
            self.probe.answering() == Some(node) && self.owners(self.config.address) == [node]
        })
    }

    /// Gives the end of the serial cable in a node its name.
    pub(crate) fn show_terminal(&self, node: Node, machine: &Machine) -> Result<(), LabError> {
        let path = self.cable.as_ref().and_then(|cable| cable.path(node));
        let Some(path) = path else { return Ok(()) };
        machine.run(&["ln", "-sfn", &path, TERMINAL])?.expect("ln")
    }

    /// Returns the serial cable.
    pub(crate) fn cable(&self) -> Result<&Cable, LabError> {
        self.cable.as_ref().ok_or(LabError::NoCable)
    }

    pub(crate) fn host(&self, node: Node) -> &Host {
        &self.hosts[node.index()]
    }

    pub(crate) fn client(&self) -> &Machine {
        &self.client
    }

    pub(crate) fn network(&self) -> &Network {
        &self.network
    }

    pub(crate) fn helper(&self) -> &Helper {
        &self.helper
    }
}

/// Returns whether this process may make namespaces.
pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Waits until a condition holds.
pub(crate) fn wait_for(
    what: &str,
    limit: Duration,
    mut condition: impl FnMut() -> bool,
) -> Result<Duration, LabError> {
    let start = Instant::now();
    loop {
        if condition() {
            return Ok(start.elapsed());
        }
        if start.elapsed() >= limit {
            return Err(LabError::Timeout { what: what.to_owned(), limit });
        }
        sleep(LOOK_EVERY);
    }
}
