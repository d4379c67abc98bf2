//! Devices that fence nodes.

use std::fmt;

/// The command of cluster-glue that drives its plug-ins.
pub const STONITH_COMMAND: &str = "/usr/sbin/stonith";
/// The directory in which Debian installs the agents of `fence-agents`.
pub const FENCE_AGENTS: &str = "/usr/sbin";

/// A text that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Secret(..)")
    }
}

/// What this node knows about fencing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fencing {
    /// The devices that this node can drive, in the order of `ha.cf`.
    pub devices: Vec<FenceDevice>,
    /// `fence_delay`: how long the second node waits before it fences.
    pub delay: std::time::Duration,
    /// `fence_timeout`: how long a device may take.
    pub timeout: std::time::Duration,
}

impl Fencing {
    /// Returns the devices that may reset a node, in the order in which they are tried.
    pub fn devices_for<'a>(&'a self, node: &'a str) -> impl Iterator<Item = &'a FenceDevice> {
        self.devices.iter().filter(move |device| match device {
            FenceDevice::Stonith { .. } => true,
            FenceDevice::Agent { node: target, .. } => target == node,
        })
    }
}

/// A device that resets nodes or switches them off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FenceDevice {
    /// A plug-in of cluster-glue, which itself knows the nodes that it can fence.
    Stonith {
        /// Its type (`external/ssh`).
        device: String,
        /// Its parameters.
        parameters: StonithParameters,
    },
    /// An agent of `fence-agents`.
    Agent {
        /// The node that it fences, in lower case.
        node: String,
        /// Its name (`fence_ipmilan`).
        agent: String,
        /// Its options, as `name=value` lines on its standard input.
        options: Vec<(String, Secret)>,
    },
}

impl FenceDevice {
    /// Returns the name by which people know the device.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Stonith { device, .. } => device,
            Self::Agent { agent, .. } => agent,
        }
    }
}

/// The parameters of a plug-in of cluster-glue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StonithParameters {
    /// `stonith`: a file holds the parameters.
    File(String),
    /// `stonith_host`: the parameters themselves.
    Words(Secret),
}

/// A `stonith`, `stonith_host` or `fence` line as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FenceLine {
    /// The node that can drive the device (`*` for any); absent means any.
    pub(crate) from: Option<String>,
    /// The device.
    pub(crate) device: FenceDevice,
}

impl FenceLine {
    /// Returns whether a node can drive the device.
    pub(crate) fn holds_for(&self, node: &str) -> bool {
        self.from.as_deref().is_none_or(|from| from == "*" || from.eq_ignore_ascii_case(node))
    }
}

/// Returns whether an option of an agent, by its name, is a secret.
#[must_use]
pub fn is_secret_option(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let words = ["pass", "secret", "token", "community", "key"];
    words.iter().any(|word| name.contains(word)) && !name.ends_with("_script")
}
