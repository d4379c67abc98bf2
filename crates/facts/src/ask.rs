//! Whether a resource runs on this machine, for commands.

use std::env;
use std::io;
use std::path::Path;
use systole_agents::ask;
pub use systole_agents::ask::Ownership;
use systole_agents::lookup::Directories;
use systole_agents::protocol::Configuration;
use systole_core::Resource;

/// Asks a resource as heartbeat's scripts do. Its agent gets the variables of this process.
///
/// # Errors
///
/// When its agent cannot be run, or does not answer.
pub fn ownership(directory: &Path, resource: &Resource, node: &str) -> io::Result<Ownership> {
    let directories = Directories { configuration: directory.to_owned(), ..Directories::default() };
    let text = env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let configuration = Configuration {
        node: node.to_owned(),
        environment: text.collect(),
        ..Configuration::default()
    };
    ask::ownership(resource, &directories, &configuration)
}
