//! The implementations of a pair, and its configuration.

use std::time::Duration;
use systole_lab::{ClusterConfig, Daemon, Failback, Node};

/// The implementation that a node runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// heartbeat 3.0.6 of the Debian package.
    Classic,
    /// The daemon that was built next to this test.
    Systole,
}

impl Kind {
    fn daemon(self) -> Daemon {
        match self {
            Self::Classic => Daemon::Classic,
            Self::Systole => {
                let test = std::env::current_exe().expect("a running program has a path");
                let folder = test.ancestors().nth(2).expect("it lies in target/*/deps");
                Daemon::Systole { binary: folder.join("heartbeat") }
            }
        }
    }
}

/// The implementations of web1 and web2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pair([Kind; 2]);

impl Pair {
    /// The control: two C nodes.
    pub(crate) const CLASSIC: Self = Self([Kind::Classic, Kind::Classic]);
    /// The C node gets the orders and faults.
    pub(crate) const CLASSIC_OURS: Self = Self([Kind::Classic, Kind::Systole]);
    /// The Systole node gets the orders and faults.
    pub(crate) const OURS_CLASSIC: Self = Self([Kind::Systole, Kind::Classic]);
    /// Two Systole nodes.
    pub(crate) const OURS: Self = Self([Kind::Systole, Kind::Systole]);

    /// Returns the implementation that a node runs.
    pub(crate) fn kind(self, node: Node) -> Kind {
        let [web1, web2] = self.0;
        match node {
            Node::Web1 => web1,
            Node::Web2 => web2,
        }
    }

    /// Returns the daemons; an error names the first that is missing.
    pub(crate) fn daemons(self) -> Result<[Daemon; 2], String> {
        let daemons = self.0.map(Kind::daemon);
        match daemons.iter().find(|daemon| !daemon.is_installed()) {
            Some(missing) => Err(format!("{missing:?} is not installed")),
            None => Ok(daemons),
        }
    }
}

/// The address of the second group, which prefers web2.
pub(crate) const SECOND_ADDRESS: &str = "192.168.122.101";

/// Times that the C daemon can keep on a busy machine, and a group for each node, whose addresses work for
/// both implementations.
pub(crate) fn usual() -> ClusterConfig {
    let usual = ClusterConfig::default();
    let first = format!("web1 IPaddr2::{}/24/eth0 {}", usual.address, usual.service.word());
    let second = format!("web2 IPaddr2::{SECOND_ADDRESS}/24/eth0");
    ClusterConfig {
        deadtime: Duration::from_secs(2),
        warntime: Duration::from_millis(1500),
        // On a busy machine the C daemon was observed to wait 6 s for its disk at a first start before it
        // sends anything. A node that does not start within this time after the other node is declared dead.
        initdead: Duration::from_secs(20),
        ping_nodes: Vec::new(),
        ipfail: false,
        groups: vec![first, second],
        ..usual
    }
}

/// Returns [`usual`] with another `auto_failback`.
pub(crate) fn with_failback(failback: Failback) -> ClusterConfig {
    ClusterConfig { failback, ..usual() }
}
