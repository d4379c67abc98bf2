//! What the administrator gave the daemon: the variables that it was started with.
//!
//! Those of the unit's `EnvironmentFile=`, or that `/etc/default/heartbeat` exports to the init
//! script, reach every agent and every program of `respawn`, as with heartbeat.

use std::ffi::OsString;
use std::path::Path;

/// Most bytes of names and values together; the executor is told them in one packet, in which each
/// byte can become six.
const BYTES_MAX: usize = 64 << 10;

/// Variables that are about the daemon's own process, and would be wrong in any other: what systemd
/// says to a service (systemd.exec(5), `sd_listen_fds(3)`, `sd_notify(3)`), and what a shell says of
/// itself. An agent that answered on `NOTIFY_SOCKET` would speak for the daemon, and a service that
/// finds `LISTEN_FDS` takes descriptors that it does not have.
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
    // What we tell a successor of ours.
    super::host_names::VARIABLE,
    super::succession::SUCCESSOR,
    "WATCHDOG_PID",
    "WATCHDOG_USEC",
    "_",
];

/// What is passed on, and the names of what is not although it is the administrator's.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Inherited {
    /// Name and value, in the order of the environment.
    pub(crate) variables: Vec<(String, String)>,
    /// Those that are no text, or no longer fit.
    pub(crate) left_out: Vec<String>,
}

impl Inherited {
    /// Sorts an environment.
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

    /// Our own.
    pub(crate) fn ours() -> Self {
        Self::of(std::env::vars_os())
    }
}

/// A search path without the entries that depend on where one stands.
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
    fn variables_of_the_administrator_pass_and_those_of_the_process_do_not() {
        let mut given: Vec<(&str, &[u8])> = OWN.map(|name| (name, &b"x"[..])).into();
        given.extend([("JAVA_HOME", &b"/opt/java"[..]), ("EMPTY", b""), ("PATH", b"/a:b::.:/c/d")]);
        let passed = [("JAVA_HOME", "/opt/java"), ("EMPTY", ""), ("PATH", "/a:/c/d")];
        let passed = passed.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(inherited(&given), Inherited { variables: passed.into(), left_out: Vec::new() });
    }

    #[test]
    fn what_is_no_text_or_too_long_is_left_out_by_name() {
        let long = vec![b'x'; BYTES_MAX];
        let sorted = inherited(&[("BINARY", b"\xff"), ("LONG", &long), ("SHORT", b"y")]);
        assert_eq!(sorted.variables, [("SHORT".to_owned(), "y".to_owned())]);
        assert_eq!(sorted.left_out, ["BINARY", "LONG"]);
    }
}
