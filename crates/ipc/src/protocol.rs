//! What is said on the control socket: one JSON object a line, a request and its response.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::IpAddr;
use systole_core::{GroupSet, Refusal, Snapshot};

/// Most bytes of a request, with its newline.
pub const REQUEST_MAX: usize = 4096;
/// Most bytes of a response, with its newline: the state of the largest cluster fits in.
pub const RESPONSE_MAX: usize = 16 << 20;

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case")]
pub enum Request {
    /// The state.
    Status,
    /// Give this set to the other node. For root alone.
    Standby {
        /// The set, from this node's view.
        set: GroupSet,
    },
    /// Take this set from the other node. For root alone.
    Takeover {
        /// The set, from this node's view.
        set: GroupSet,
    },
    /// Give one group to the other node. For root alone.
    StandbyGroup {
        /// What the group is called.
        group: String,
    },
    /// Take one group from the other node. For root alone.
    TakeoverGroup {
        /// What the group is called.
        group: String,
    },
    /// Forget the generation of a node that has lost its own. For root alone.
    ForgetPeer {
        /// The node's name.
        node: String,
    },
    /// What failed here is mended: let it be tried again. For root alone.
    Retry {
        /// The group, by its first resource word or its address; every group unless given.
        group: Option<String>,
    },
    /// Execute the program anew, and keep everything that runs. For root alone.
    Restart,
    /// Take a silent node for fenced. For root alone.
    ConfirmDead {
        /// The node's name.
        node: String,
    },
    /// Let nothing, or not this group, move by itself. For root alone.
    Hold {
        /// The group; everything unless given.
        group: Option<String>,
        /// For how long.
        milliseconds: u64,
    },
    /// End what is held. For root alone.
    Release {
        /// The group that is held alone; everything that is held unless given.
        group: Option<String>,
    },
    /// Read the files again, and take what has changed. For root alone.
    Reload {
        /// Also if haresources has no group any more.
        #[serde(default)]
        empty: bool,
    },
}

impl Request {
    /// Whether it changes something.
    #[must_use]
    pub const fn is_order(&self) -> bool {
        !matches!(self, Self::Status)
    }
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "response", rename_all = "snake_case")]
pub enum Response {
    /// The state.
    Status(Box<Status>),
    /// The order was carried out.
    Done,
    /// The order was not carried out.
    Refused {
        /// Why, as a word.
        reason: Refusal,
        /// Why, in words.
        text: String,
    },
    /// The files were read again.
    Reloaded {
        /// What has changed, a line each; nothing when nothing has.
        changes: Vec<String>,
        /// Whether the daemon executes itself again for it.
        restarts: bool,
    },
    /// There are mistakes in the files, and nothing has changed.
    Invalid {
        /// What was found, as `hb check` prints it.
        findings: String,
    },
    /// Only root may do this.
    Denied,
    /// The request cannot be read, or too much is asked at once.
    Failed {
        /// Why, in words.
        text: String,
    },
}

/// The state of a node and its daemon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The daemon's version.
    pub version: String,
    /// The daemon's process id.
    pub pid: u32,
    /// The renewal of the keys, while one is going on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<KeyRenewal>,
    /// Datagrams that were dropped, by where they came from. What was silent for long is forgotten.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dropped: Vec<DroppedReport>,
    /// What a person should look at though the group runs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alarms: Vec<AlarmReport>,
    /// What the core knows.
    #[serde(flatten)]
    pub snapshot: Snapshot,
}

/// Something about a group that a person should look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlarmReport {
    /// The group.
    pub group: String,
    /// What it is, in words.
    pub text: String,
}

/// Datagrams that were dropped of one source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DroppedReport {
    /// The node that is known to have the source's address on this link.
    pub node: Option<String>,
    /// The name of a node that has our keys and is not in `ha.cf`.
    pub stranger: Option<String>,
    /// The address that they claim to come from; absent on a serial line, and for the sum of
    /// sources that were too many to be told apart.
    pub source: Option<IpAddr>,
    /// The link over which they came; `ping` for replies to echo requests.
    pub link: String,
    /// Whether some were signed with another key than ours.
    pub other_key: bool,
    /// Whether the node was heard with our key all the same.
    pub heard: bool,
    /// How many.
    pub count: u64,
    /// How many by cause, in the words of the log.
    pub causes: BTreeMap<String, u64>,
    /// Time since the first in milliseconds.
    pub first_ms: u64,
    /// Time since the last in milliseconds.
    pub last_ms: u64,
}

/// Keys that take the place of others; both are accepted meanwhile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRenewal {
    /// The nodes that were not heard with the new key. When there are none, the old ones are
    /// accepted for a while longer and not used.
    pub waiting: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_have_one_spelling() {
        let text = r#"{"request":"standby","set":"foreign"}"#;
        let request: Request = serde_json::from_str(text).unwrap();
        assert_eq!(request, Request::Standby { set: GroupSet::Foreign });
        assert_eq!(serde_json::to_string(&request).unwrap(), text);
        assert!(request.is_order() && !Request::Status.is_order());
        let reload = serde_json::from_str::<Request>(r#"{"request":"reload"}"#).unwrap();
        assert_eq!(reload, Request::Reload { empty: false });
        assert!(serde_json::from_str::<Request>(r#"{"request":"stop"}"#).is_err());
    }

    #[test]
    fn refusals_say_why() {
        let reason = Refusal::NoPeer;
        let response = Response::Refused { reason, text: reason.to_string() };
        let text = r#"{"response":"refused","reason":"no_peer","text":"no other node is active"}"#;
        assert_eq!(serde_json::to_string(&response).unwrap(), text);
    }
}
