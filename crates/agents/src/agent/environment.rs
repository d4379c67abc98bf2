//! The variables that heartbeat's scripts rely on.

use crate::lookup::Directories;
use crate::protocol::Configuration;

/// The search path for scripts when the daemon was given no PATH.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Directories that are searched after all others, so that no PATH leaves a script without its shell's
/// tools.
const LAST: [&str; 4] = ["/sbin", "/bin", "/usr/sbin", "/usr/bin"];
/// Directories of commands that heartbeat's scripts call, searched after `HA_BIN` and before all others.
const FIRST: [&str; 2] = ["/usr/sbin", "/usr/share/heartbeat"];

/// A variable that the daemon may have and scripts are not given, because their output is read in the C
/// locale.
const NOT_FOR_SCRIPTS: &str = "LANG";

/// The variables for every agent: defaults, those that the daemon sets, and those that only the executor
/// knows.
pub(super) fn common(
    directories: &Directories,
    configuration: &Configuration,
) -> Vec<(String, String)> {
    let base = directories.configuration.display();
    let defaults = [
        ("HA_RCDIR", format!("{base}/rc.d")),
        ("HA_RESOURCEDIR", directories.resource().display().to_string()),
        ("HA_BIN", directories.helpers.display().to_string()),
        ("OCF_AGENTS", format!("{}/", directories.ocf_agents().display())),
    ];
    let known = [
        ("LC_ALL", "C".to_owned()),
        ("HA_DIR", base.to_string()),
        ("HA_FUNCS", format!("{base}/shellfuncs")),
        ("HA_CURHOST", configuration.node.clone()),
        ("OCF_ROOT", directories.ocf_root.display().to_string()),
    ];
    let mut variables: Vec<_> = named(defaults).collect();
    let told = configuration.environment.iter().filter(|(name, _)| name != NOT_FOR_SCRIPTS);
    variables.extend(told.cloned());
    variables.extend(named(known));
    let path = path(&variables);
    variables.push(("PATH".to_owned(), path));
    variables
}

fn named<const N: usize>(
    variables: [(&str, String); N],
) -> impl Iterator<Item = (String, String)> + use<'_, N> {
    variables.into_iter().map(|(name, value)| (name.to_owned(), value))
}

/// Builds the search path as heartbeat's shell functions do: heartbeat's own commands, the daemon's PATH,
/// and the system's directories. Each directory is listed once.
fn path(variables: &[(String, String)]) -> String {
    let value = |name: &str| {
        let mut named = variables.iter().rev().filter(|(known, _)| known == name);
        named.next().map(|(_, value)| value.as_str())
    };
    let given = value("PATH").filter(|path| !path.is_empty()).unwrap_or(PATH);
    let mut places: Vec<&str> = Vec::new();
    let all = value("HA_BIN").into_iter().chain(FIRST).chain(given.split(':')).chain(LAST);
    for place in all.filter(|place| place.starts_with('/')) {
        if !places.contains(&place) {
            places.push(place);
        }
    }
    places.join(":")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path_given(path: Option<&str>) -> String {
        let given = path.map(|path| ("PATH".to_owned(), path.to_owned()));
        let configuration = Configuration {
            node: "web1".into(),
            environment: given.into_iter().collect(),
            ..Configuration::default()
        };
        let mut variables = common(&Directories::default(), &configuration);
        let (name, path) = variables.pop().unwrap();
        assert_eq!(name, "PATH");
        path
    }

    #[test]
    fn path_from_daemon_is_placed_between_heartbeat_and_system_directories() {
        for (given, between) in [
            (None, "/usr/local/sbin:/usr/local/bin:/usr/bin:/sbin:/bin"),
            (Some(""), "/usr/local/sbin:/usr/local/bin:/usr/bin:/sbin:/bin"),
            (Some("/opt/java/bin"), "/opt/java/bin:/sbin:/bin:/usr/bin"),
            (Some("::.:bin:/bin:/opt/a:/opt/a"), "/bin:/opt/a:/sbin:/usr/bin"),
        ] {
            let expected =
                format!("/usr/libexec/heartbeat:/usr/sbin:/usr/share/heartbeat:{between}");
            assert_eq!(path_given(given), expected, "{given:?}");
        }
    }

    #[test]
    fn environment_from_daemon_overrides_defaults_but_not_fixed_variables() {
        let told = [
            ("HA_BIN", "/opt/ha"),
            ("HA_CURHOST", "liar"),
            ("LC_ALL", "de"),
            ("LANG", "de"),
            ("LC_TIME", "fr"),
        ];
        let configuration = Configuration {
            node: "web1".into(),
            environment: told.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            ..Configuration::default()
        };
        let variables = common(&Directories::default(), &configuration);
        let value = |name: &str| {
            let mut named = variables.iter().rev().filter(|(known, _)| known == name);
            named.next().map(|(_, value)| value.as_str())
        };
        assert_eq!(value("HA_BIN"), Some("/opt/ha"));
        assert_eq!(value("HA_CURHOST"), Some("web1"));
        assert_eq!(value("LC_ALL"), Some("C"));
        assert_eq!(value("LC_TIME"), Some("fr"));
        assert_eq!(value("LANG"), None);
        assert_eq!(value("OCF_AGENTS"), Some("/usr/lib/ocf/resource.d/heartbeat/"));
    }
}
