//! The environment variables with which the administrator started the daemon.
//!
//! Variables from the unit's `EnvironmentFile=`, or those that `/etc/default/heartbeat` exports to the init
//! script, reach every agent and every program of `respawn`, as with heartbeat.

use std::ffi::OsString;
use std::path::Path;

/// Maximum total size of names and values in bytes. The executor receives them in one packet, in which each
/// byte can become six.
const BYTES_MAX: usize = 64 << 10;

/// Variables that concern the daemon's own process and would be wrong in any other: what systemd tells a
/// service (systemd.exec(5), `sd_listen_fds(3)`, `sd_notify(3)`), and what a shell says about itself. An
/// agent that answered on `NOTIFY_SOCKET` would speak for the daemon, and a service that finds `LISTEN_FDS`
/// takes descriptors that it does not have.
const OWN: [&str; 30] = [
    "CACHE_DIRECTORY",
    "CONFIGURATION_DIRECTORY",
    "CREDENTIALS_DIRECTORY",
    "FDSTORE",
    "INVOCATION_ID",
    "JOURNAL_STREAM",
    "LISTEN_FDNAMES",
    "LISTEN_FDS",
    "LISTEN_PID",
    "LISTEN_PIDFDID",
    "LOGS_DIRECTORY",
    "LOG_NAMESPACE",
    "MAINPID",
    "MAINPIDFDID",
    "MANAGERPID",
    "MANAGERPIDFDID",
    "MEMORY_PRESSURE_WATCH",
    "MEMORY_PRESSURE_WRITE",
    "NOTIFY_SOCKET",
    "OLDPWD",
    "PWD",
    "RUNTIME_DIRECTORY",
    "SHLVL",
    "STATE_DIRECTORY",
    "SYSTEMD_EXEC_PID",
    // Variables that pass information to this daemon's successor.
    super::host_names::VARIABLE,
    super::succession::SUCCESSOR,
    "WATCHDOG_PID",
    "WATCHDOG_USEC",
    "_",
];

/// The variables that are passed on, and the names of the administrator's variables that are not.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Inherited {
    /// Names and values, in the order of the environment.
    pub(crate) variables: Vec<(String, String)>,
    /// Variables that are not text, or no longer fit.
    pub(crate) left_out: Vec<String>,
}

impl Inherited {
    /// Sorts the variables of an environment.
    pub(crate) fn of(environment: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let mut inherited = Self::default();
        let mut room = BYTES_MAX;
        for (name, value) in environment {
            match (name.into_string(), value.into_string()) {
                (Ok(name), _) if OWN.contains(&name.as_str()) => {}
                (Ok(name), Ok(value)) if name.len() + value.len() <= room => {
                    room -= name.len() + value.len();
                    let value = if name == "PATH" { absolute(&value) } else { value };
                    inherited.variables.push((name, value));
                }
                (Ok(name), _) => inherited.left_out.push(name),
                (Err(name), _) => inherited.left_out.push(name.to_string_lossy().into_owned()),
            }
        }
        inherited
    }

    /// Sorts the variables of this process.
    pub(crate) fn ours() -> Self {
        Self::of(std::env::vars_os())
    }
}

/// Returns a search path without the entries that depend on the current directory.
fn absolute(path: &str) -> String {
    let entries = path.split(':').filter(|entry| Path::new(entry).is_absolute());
    entries.collect::<Vec<_>>().join(":")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStringExt as _;

    fn inherited(variables: &[(&str, &[u8])]) -> Inherited {
        let pair = |&(name, value): &(&str, &[u8])| {
            (OsString::from(name), OsString::from_vec(value.to_vec()))
        };
        Inherited::of(variables.iter().map(pair))
    }

    #[test]
    fn administrator_variables_are_inherited_and_process_variables_are_not() {
        let mut given: Vec<(&str, &[u8])> = OWN.map(|name| (name, &b"x"[..])).into();
        given.extend([("JAVA_HOME", &b"/opt/java"[..]), ("EMPTY", b""), ("PATH", b"/a:b::.:/c/d")]);
        let passed = [("JAVA_HOME", "/opt/java"), ("EMPTY", ""), ("PATH", "/a:/c/d")];
        let passed = passed.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(inherited(&given), Inherited { variables: passed.into(), left_out: Vec::new() });
    }

    #[test]
    fn variable_not_utf8_or_too_long_is_left_out_and_named() {
        let long = vec![b'x'; BYTES_MAX];
        let sorted = inherited(&[("BINARY", b"\xff"), ("LONG", &long), ("SHORT", b"y")]);
        assert_eq!(sorted.variables, [("SHORT".to_owned(), "y".to_owned())]);
        assert_eq!(sorted.left_out, ["BINARY", "LONG"]);
    }
}
