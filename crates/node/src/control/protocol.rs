//! What is said on the control socket: one JSON object a line, a request and its response.

use serde::{Deserialize, Serialize};
use systole_core::{Hold, Order, Refusal, Snapshot};

/// Most bytes of a request, with its newline.
pub const REQUEST_MAX: usize = 4096;
/// Most bytes of a response, with its newline: the state of the largest cluster fits in.
pub const RESPONSE_MAX: usize = 16 << 20;

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case")]
pub enum Request {
    /// The state.
    Status,
    /// Give this set to the other node. For root alone.
    Standby {
        /// The set, from this node's view.
        set: Hold,
    },
    /// Take this set from the other node. For root alone.
    Takeover {
        /// The set, from this node's view.
        set: Hold,
    },
}

impl Request {
    /// The order that it is, if it is one.
    #[must_use]
    pub const fn order(self) -> Option<Order> {
        match self {
            Self::Status => None,
            Self::Standby { set } => Some(Order::Standby(set)),
            Self::Takeover { set } => Some(Order::Takeover(set)),
        }
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
    /// What the core knows.
    #[serde(flatten)]
    pub snapshot: Snapshot,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_have_one_spelling() {
        let text = r#"{"request":"standby","set":"foreign"}"#;
        let request: Request = serde_json::from_str(text).unwrap();
        assert_eq!(request, Request::Standby { set: Hold::Foreign });
        assert_eq!(serde_json::to_string(&request).unwrap(), text);
        assert_eq!(request.order(), Some(Order::Standby(Hold::Foreign)));
        assert_eq!(Request::Status.order(), None);
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
