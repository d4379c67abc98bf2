//! What `hb status --json` says, as far as the lab shows it.

use serde::Deserialize;

/// A node's own view of the pair. What an older or newer daemon does not say is empty.
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

/// A node as another one sees it.
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

/// A link as a node sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct LinkStatus {
    /// Its interface or terminal device.
    pub name: String,
    /// Whether it carries messages.
    pub up: bool,
}

/// A ping node as a node sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct PingStatus {
    /// Its name.
    pub name: String,
    /// Whether it counts.
    pub up: bool,
    /// Milliseconds since it last answered.
    pub silence_ms: Option<u64>,
}

/// A group as a node sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct GroupStatus {
    /// Its first resource word.
    pub name: String,
    /// Who owns it.
    pub owner: Option<String>,
    /// How far the owner is (`active`).
    pub phase: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_and_absent_fields_do_not_matter() {
        let text = r#"{"version": 9, "groups": [{"name": "192.168.122.100", "term": 3}]}"#;
        let status: Status = serde_json::from_str(text).unwrap();
        assert_eq!(status.groups[0].name, "192.168.122.100");
        assert_eq!(status.groups[0].owner, None);
        assert!(status.nodes.is_empty());
    }
}
