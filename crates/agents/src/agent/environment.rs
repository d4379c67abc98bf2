//! The variables that scripts of heartbeat rely on.

use crate::lookup::Directories;
use crate::protocol::Configuration;

/// Where scripts find programs. Not ours: a daemon started by hand may have any.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What every agent gets. What the daemon says wins.
pub(super) fn common(
    directories: &Directories,
    configuration: &Configuration,
) -> Vec<(String, String)> {
    let base = directories.configuration.display();
    let variables = [
        ("PATH", PATH.to_owned()),
        ("LC_ALL", "C".to_owned()),
        ("HA_DIR", base.to_string()),
        ("HA_FUNCS", format!("{base}/shellfuncs")),
        ("HA_RCDIR", format!("{base}/rc.d")),
        ("HA_RESOURCEDIR", directories.resource().display().to_string()),
        ("HA_BIN", directories.helpers.display().to_string()),
        ("HA_CURHOST", configuration.node.clone()),
        ("OCF_ROOT", directories.ocf_root.display().to_string()),
    ];
    let variables = variables.into_iter().map(|(name, value)| (name.to_owned(), value));
    variables.chain(configuration.environment.iter().cloned()).collect()
}
