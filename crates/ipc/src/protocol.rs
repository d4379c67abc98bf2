//! The protocol of the control socket: a request and its response, each one JSON object on a line.

use crate::order::Order;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::IpAddr;
use systole_core::{OrderRefusal, Refusal, ReloadRefusal, Snapshot};

/// Maximum size of a request in bytes, including its newline.
pub const REQUEST_MAX: usize = 4096;
/// Maximum size of a response in bytes, including its newline. The state of the largest cluster fits.
pub const RESPONSE_MAX: usize = 16 << 20;

/// A request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case")]
pub enum Request {
    /// Report the state.
    Status,
    /// Report what `ha.cf` says.
    Parameters,
    /// Carry out an order to the cluster. Only root may ask for it.
    Order {
        /// The order.
        order: Order,
    },
    /// Execute the program again, and keep everything that runs. Only root may ask for it.
    Restart,
    /// Read the files again and apply what has changed. Only root may ask for it.
    Reload {
        /// Apply the change even if haresources no longer has any group.
        #[serde(default)]
        empty: bool,
    },
}

impl Request {
    /// Returns whether the request changes anything.
    #[must_use]
    pub const fn is_order(&self) -> bool {
        !matches!(self, Self::Status | Self::Parameters)
    }
}

impl From<Order> for Request {
    fn from(order: Order) -> Self {
        Self::Order { order }
    }
}

/// A response.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "response", rename_all = "snake_case")]
pub enum Response {
    /// The state.
    Status(Box<Status>),
    /// What `ha.cf` says.
    Parameters(Parameters),
    /// The order was carried out.
    Done,
    /// The order was not carried out.
    Refused {
        /// The reason, as a word.
        reason: Reason,
        /// The reason, in words.
        text: String,
    },
    /// The files were read again.
    Reloaded {
        /// The changes, one per line; empty when there are none.
        changes: Vec<String>,
        /// Whether the daemon executes itself again to apply them.
        restarts: bool,
        /// Mistakes in the files with which the daemon runs, as `hb check` prints them; empty when there are none,
        /// or when the files have not changed.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        findings: String,
    },
    /// The files contain mistakes, and nothing was changed.
    Invalid {
        /// The findings, as `hb check` prints them.
        findings: String,
    },
    /// Only root may do this.
    Denied,
    /// The request cannot be read, or too many requests are pending.
    Failed {
        /// The reason, in words.
        text: String,
    },
}

/// Why something was refused. Its word in JSON does not say which of the two it is; where both have the
/// word, it means the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Reason {
    /// An order is refused.
    Order(OrderRefusal),
    /// A reload is refused.
    Reload(ReloadRefusal),
}

impl From<Refusal> for Reason {
    fn from(refusal: Refusal) -> Self {
        Self::Order(refusal.into())
    }
}

impl Reason {
    /// Returns whether the order was accepted and has failed since.
    #[must_use]
    pub const fn is_failure(self) -> bool {
        use Refusal::{CannotStop, Failed, NoReply, PeerDied};
        matches!(
            self,
            Self::Order(OrderRefusal::HandOver(Failed | CannotStop | NoReply | PeerDied))
        )
    }
}

/// What the `ha.cf` in force says, for `cl_status`. It contains no secrets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameters {
    /// The nodes and ping nodes, in the order of `ha.cf`.
    pub nodes: Vec<String>,
    /// The links of this node, in the order of `ha.cf`, and whether a C heartbeat would hear itself on each,
    /// as on a broadcast.
    pub links: Vec<(String, bool)>,
    /// The directives that have one value, as written or by default.
    pub values: BTreeMap<String, String>,
    /// The names of the clients on this node.
    pub clients: Vec<String>,
    /// Whether this node runs groups (absent: `heartbeat -M`).
    pub manages_resources: bool,
    /// Time between two beats, in milliseconds.
    pub keepalive_ms: u64,
}

/// The state of a node and its daemon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The daemon's version.
    pub version: String,
    /// The daemon's process id.
    pub pid: u32,
    /// The renewal of the keys, while it is in progress.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<KeyRenewal>,
    /// Datagrams that were dropped, by source. Sources that have been silent for long are forgotten.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dropped: Vec<DroppedReport>,
    /// Conditions that an administrator should look at although the group runs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alarms: Vec<AlarmReport>,
    /// The state of the core.
    #[serde(flatten)]
    pub snapshot: Snapshot,
}

/// A condition of a group that an administrator should look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlarmReport {
    /// The group.
    pub group: String,
    /// The condition, in words.
    pub text: String,
}

/// The datagrams of one source that were dropped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DroppedReport {
    /// The node that is known to have the source's address on this link.
    pub node: Option<String>,
    /// The name of a node that has the cluster's keys but is not listed in `ha.cf`.
    pub stranger: Option<String>,
    /// The address that the datagrams claim as their source; absent on a serial line, and in the sum over
    /// sources that were too many to be told apart.
    pub source: Option<IpAddr>,
    /// The link on which they arrived; `ping` for replies to echo requests.
    pub link: String,
    /// Whether some were signed with a key other than this cluster's.
    pub other_key: bool,
    /// Whether the node was nevertheless heard with this cluster's key.
    pub heard: bool,
    /// The number of datagrams.
    pub count: u64,
    /// The number by cause, in the words of the log.
    pub causes: BTreeMap<String, u64>,
    /// Time since the first one in milliseconds.
    pub first_ms: u64,
    /// Time since the last one in milliseconds.
    pub last_ms: u64,
}

/// The replacement of keys by new ones, during which both are accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRenewal {
    /// The nodes that have not yet been heard with the new key. When the list is empty, the old keys are
    /// still accepted for a while but no longer used.
    pub waiting: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::texts;
    use systole_core::GroupSet;

    #[test]
    fn request_json_round_trips_and_unknown_request_is_refused() {
        let text = r#"{"request":"order","order":{"standby":"foreign"}}"#;
        let request: Request = serde_json::from_str(text).unwrap();
        assert_eq!(request, Order::Standby(GroupSet::Foreign).into());
        assert_eq!(serde_json::to_string(&request).unwrap(), text);
        assert!(request.is_order() && !Request::Status.is_order());
        assert!(!Request::Parameters.is_order(), "a member of haclient may ask for it");
        let reload = serde_json::from_str::<Request>(r#"{"request":"reload"}"#).unwrap();
        assert_eq!(reload, Request::Reload { empty: false });
        assert!(serde_json::from_str::<Request>(r#"{"request":"stop"}"#).is_err());
    }

    #[test]
    fn refused_response_json_carries_reason_and_text() {
        let reason = Reason::from(Refusal::NoPeer);
        let response = Response::Refused { reason, text: texts::reason(reason).to_owned() };
        let text = r#"{"response":"refused","reason":"no_peer","text":"no other node is active"}"#;
        assert_eq!(serde_json::to_string(&response).unwrap(), text);
        assert_eq!(serde_json::from_str::<Response>(text).unwrap(), response);
    }

    #[test]
    fn reason_word_reads_back_to_same_text() {
        let orders = [OrderRefusal::NotHeld, Refusal::Busy.into(), Refusal::NotReady.into()];
        let reloads = [ReloadRefusal::Busy, ReloadRefusal::NotReady, ReloadRefusal::UnknownLine];
        let all = orders.map(Reason::Order).into_iter().chain(reloads.map(Reason::Reload));
        for reason in all {
            let word = serde_json::to_string(&reason).unwrap();
            let back: Reason = serde_json::from_str(&word).unwrap();
            assert_eq!(texts::reason(back), texts::reason(reason), "{word}");
        }
    }
}
