//! The lines of `haresources`, as heartbeat's scripts list them.

use std::env;
use std::path::Path;
use systole_config::{ResourceLine, resource_lines};
use systole_facts::read_bounded;

/// The directory of the configuration, unless the environment names another one.
const DIRECTORY: &str = "/etc/ha.d";

/// Returns the directory of the configuration.
pub(super) fn directory() -> String {
    let given = env::var("HA_DIR").ok().filter(|directory| directory.starts_with('/'));
    given.unwrap_or_else(|| DIRECTORY.to_owned())
}

/// Returns the lines of the file; none if it cannot be read.
pub(super) fn lines() -> Vec<ResourceLine> {
    let bytes = read_bounded(&Path::new(&directory()).join("haresources")).unwrap_or_default();
    resource_lines(&String::from_utf8_lossy(&bytes))
}

/// Returns the name of this node that heartbeat gives its scripts; empty without one.
pub(super) fn current_host() -> String {
    env::var("HA_CURHOST").unwrap_or_default()
}

/// Returns whether a line is about this node.
pub(super) fn is_of(line: &ResourceLine, node: &str) -> bool {
    line.node.eq_ignore_ascii_case(node)
}

/// Returns the word by which a group is called.
pub(super) fn key(line: &ResourceLine) -> &str {
    line.resources.first().map_or("", String::as_str)
}
