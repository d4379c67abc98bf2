//! A pair of nodes, and how it comes into a state.

use crate::table::State;
use std::net::IpAddr;
use std::time::Duration;
use systole_lab::{ClusterConfig, Daemon, Failback, Lab, LabError, Node, Output};

/// The longest wait for a state: two C nodes that start agree after 12 s.
const LIMIT: Duration = Duration::from_mins(1);
/// The address that prefers web2.
const SECOND: &str = "192.168.122.101";

/// An agent that remembers in a file whether it runs.
const AGENT: &str = "#!/bin/sh
case $2 in
start) : >/run/agent.$1 ;;
stop) rm -f /run/agent.$1 ;;
status) if [ -e /run/agent.$1 ]; then echo running; else echo stopped; fi ;;
esac
exit 0
";
/// Puts the commands of Systole where those of the package are, as `docs/migration.md` does.
const INSTALL: &str = "
mount -t tmpfs none /usr/share/heartbeat
for name in ResourceManager req_resource mach_down hb_standby hb_takeover hb_addnode hb_delnode \
hb_setweight hb_setsite; do
    ln -s /run/systole-lab/bin/hb /usr/share/heartbeat/$name
done
mount --bind /run/systole-lab/bin/hb /usr/bin/cl_status
mount --bind /run/systole-lab/bin/heartbeat /usr/libexec/heartbeat/heartbeat
";

/// The functions for resource scripts.
const FUNCTIONS: &str = include_str!("../../../../pkg/shellfuncs");

/// Two nodes.
pub(crate) struct Pair {
    lab: Lab,
}

/// Returns the daemon that was built next to this test.
pub(crate) fn systole() -> Daemon {
    let test = std::env::current_exe().expect("a running program has a path");
    let built = test.ancestors().nth(2).expect("the test lies in target/*/deps");
    let binary = built.join("heartbeat");
    assert!(binary.exists(), "{} is missing: cargo build --workspace --bins", binary.display());
    Daemon::Systole { binary }
}

impl Pair {
    /// Makes a pair without daemons, whose nodes run the same implementation.
    pub(crate) fn new(daemon: &Daemon) -> Result<Self, LabError> {
        Self::mixed(daemon, daemon)
    }

    /// Makes a pair without daemons: the implementations of web1 and web2.
    pub(crate) fn mixed(web1: &Daemon, web2: &Daemon) -> Result<Self, LabError> {
        let usual = ClusterConfig::default();
        let config = ClusterConfig {
            // The C daemon answers a client once in this time.
            keepalive: Duration::from_millis(100),
            deadtime: Duration::from_secs(2),
            warntime: Duration::from_millis(1500),
            initdead: Duration::from_secs(20),
            failback: Failback::Off,
            groups: vec![
                format!("web1 IPaddr2::{}/24/eth0 agent::A", usual.address),
                format!("web2 IPaddr2::{SECOND}/24/eth0\t agent::B"),
                "WEB1 agent::C \\\n  agent::D".to_owned(),
            ],
            extra: vec!["deadping 3".to_owned()],
            ..usual
        };
        let lab = Lab::pair(config, [web1.clone(), web2.clone()])?;
        // The name of the node comes from the file in lower case, whatever the machine is called.
        lab.run(Node::Web1, &["hostname", "machine1"])?;
        lab.write_file(Node::Web1, "etc/ha.d/nodeinfo", "WEB1\nis ignored")?;
        for node in Node::ALL {
            lab.write_file(node, "etc/ha.d/resource.d/agent", AGENT)?;
            // Lists are in the order of this file.
            let ha_cf = lab.config().ha_cf(node).replace("node web2\nping", "ping");
            lab.write_file(node, "etc/ha.d/ha.cf", &(ha_cf + "node web2\n"))?;
            if matches!(lab.daemon(node), Daemon::Systole { .. }) {
                let installed = lab.run(node, &["sh", "-ec", INSTALL])?;
                assert!(installed.success(), "{installed:?}");
                lab.write_file(node, "etc/ha.d/shellfuncs", FUNCTIONS)?;
            }
        }
        Ok(Self { lab })
    }

    /// Runs a command on web1.
    pub(crate) fn run(&self, command: &str) -> Result<Output, LabError> {
        let path = "PATH=/usr/share/heartbeat:/usr/sbin:/usr/bin:/sbin:/bin";
        self.lab.run(Node::Web1, &["env", path, "sh", "-c", command])
    }

    /// Returns whether a node has a file.
    pub(crate) fn has_file(&self, node: Node, path: &str) -> bool {
        let path = format!("/{path}");
        self.lab.run(node, &["test", "-e", &path]).is_ok_and(|said| said.success())
    }

    /// Brings the pair into a state.
    pub(crate) fn reach(&self, state: State) -> Result<(), LabError> {
        match state {
            State::Absent => Ok(()),
            State::Up => {
                for node in Node::ALL {
                    self.lab.start_daemon(node)?;
                }
                self.held(Node::Web2, "local")?;
                self.held(Node::Web1, "local")
            }
            State::Holding => {
                self.lab.run(Node::Web2, &["/usr/share/heartbeat/hb_standby"])?;
                self.held(Node::Web2, "none")?;
                self.held(Node::Web1, "all")
            }
            State::Alone => {
                self.lab.stop_daemon(Node::Web2)?;
                let dead = || self.says(Node::Web1, &["nodestatus", "web2"], "dead");
                self.lab.wait_for("web2 is dead", LIMIT, dead)?;
                let cut = || self.says(Node::Web1, &["hblinkstatus", "web2", "eth0"], "dead");
                self.lab.wait_for("its link is dead", LIMIT, cut)?;
                self.held(Node::Web1, "all")
            }
            State::Stopped => self.lab.stop_daemon(Node::Web1),
            State::Unmanaged => {
                let daemon = match self.lab.daemon(Node::Web1) {
                    Daemon::Classic => "/usr/libexec/heartbeat/heartbeat",
                    Daemon::Systole { .. } => "/run/systole-lab/bin/heartbeat",
                };
                // A C node that hears another one answers its clients at once.
                for node in Node::ALL {
                    self.lab.run(node, &[daemon, "-M"])?;
                }
                let running = "Heartbeat is running on this machine.";
                let runs = || self.says(Node::Web1, &["hbstatus"], running);
                self.lab.wait_for("it runs", LIMIT, runs).map(|_| ())
            }
            State::Hanging => {
                let stop = "kill -STOP $(cat /run/heartbeat.pid)";
                self.lab.run(Node::Web1, &["sh", "-c", stop]).map(|_| ())
            }
        }
    }

    /// Waits until a node says that it holds a set, and the addresses are where that set says.
    fn held(&self, node: Node, set: &str) -> Result<(), LabError> {
        let what = format!("{node} holds {set}");
        self.lab.wait_for(&what, LIMIT, || self.says(node, &["rscstatus"], set))?;
        let has = |address: &str| {
            let address: IpAddr = address.parse().expect("it is an address");
            self.lab.owners(address).contains(&node)
        };
        let (home, away) = match node {
            Node::Web1 => ("192.168.122.100", SECOND),
            Node::Web2 => (SECOND, "192.168.122.100"),
        };
        let wanted = [matches!(set, "local" | "all"), set == "all"];
        self.lab.wait_for(&what, LIMIT, || [has(home), has(away)] == wanted)?;
        Ok(())
    }

    fn says(&self, node: Node, words: &[&str], answer: &str) -> bool {
        let command = [&["cl_status"], words].concat();
        self.lab.run(node, &command).is_ok_and(|said| said.stdout.trim() == answer)
    }
}
