//! The content of `hb status --json`, as far as the lab shows it.

use serde::Deserialize;

/// A node's own view of the pair. Parts that an older or newer daemon does not report are empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Status {
    /// The nodes.
    pub nodes: Vec<PeerStatus>,
    /// The ping nodes.
    pub ping_nodes: Vec<PingStatus>,
    /// The groups.
    pub groups: Vec<GroupStatus>,
}

/// A node as seen by another node.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct PeerStatus {
    /// Its name.
    pub name: String,
    /// Its status (`active`).
    pub status: String,
    /// The links to it.
    pub links: Vec<LinkStatus>,
}

/// A link as seen by a node.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct LinkStatus {
    /// Its interface or terminal device.
    pub name: String,
    /// Whether it carries messages.
    pub up: bool,
}

/// A ping node as seen by a node.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct PingStatus {
    /// Its name.
    pub name: String,
    /// Whether it counts as alive.
    pub up: bool,
    /// Milliseconds since it last answered.
    pub silence_ms: Option<u64>,
}

/// A group as seen by a node.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct GroupStatus {
    /// Its first resource word.
    pub name: String,
    /// The node that owns it.
    pub owner: Option<String>,
    /// The phase of the owner (`active`).
    pub phase: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_with_unknown_or_absent_fields_is_parsed() {
        let text = r#"{"version": 9, "groups": [{"name": "192.168.122.100", "term": 3}]}"#;
        let status: Status = serde_json::from_str(text).unwrap();
        assert_eq!(status.groups[0].name, "192.168.122.100");
        assert_eq!(status.groups[0].owner, None);
        assert!(status.nodes.is_empty());
    }
}
