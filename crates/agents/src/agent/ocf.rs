//! OCF agents take their parameters from the environment (OCF resource agent API 1.0).

use crate::lookup::OCF_PROVIDER;
use std::io::{self, Read};
use std::path::Path;

/// Maximum size in bytes of a parameter file that is read.
const FILE_MAX: u64 = 1 << 16;

/// The parameters that positional arguments stand for, by type, as in heartbeat's wrapper scripts for these
/// agents.
const POSITIONAL: &[(&str, &[&str])] = &[
    ("AudibleAlarm", &["nodelist"]),
    ("Delay", &["startdelay", "stopdelay"]),
    ("Filesystem", &["device", "directory", "fstype", "options"]),
    ("ICP", &["driveid", "device"]),
    ("IPsrcaddr", &["ipaddress"]),
    ("LVM", &["volgrpname"]),
    ("LinuxSCSI", &["scsi"]),
    ("MailTo", &["email", "subject"]),
    ("Raid1", &["raidconf", "raiddev"]),
    ("SendArp", &["ip", "nic"]),
    ("ServeRAID", &["serveraid", "mergegroup"]),
    ("WAS", &["config"]),
    ("WinPopup", &["hostfile"]),
    ("Xinetd", &["service"]),
    ("apache", &["configfile"]),
    ("db2", &["instance"]),
    ("ids", &["informixdir", "informixserver", "onconfig"]),
    ("portblock", &["protocol", "portno", "action"]),
];

/// The variables of an agent whose parameters are arguments: by position for the types that heartbeat has
/// wrappers for, and as `key=value` for all.
pub(super) fn from_arguments(kind: &str, arguments: &[String]) -> Vec<(String, String)> {
    let names = POSITIONAL.iter().find(|(known, _)| *known == kind);
    let names = names.map_or(&[][..], |(_, names)| names);
    let first = arguments.first().map_or("", String::as_str);
    let mut variables = identity(kind, OCF_PROVIDER, &format!("{kind}_{first}"));
    for (place, argument) in arguments.iter().enumerate() {
        let pair = match (names.get(place), argument.split_once('=')) {
            (Some(name), _) => Some((*name, argument.as_str())),
            (None, pair) => pair,
        };
        variables.extend(pair.map(|(name, value)| parameter(name, value)));
    }
    variables
}

/// The variables of an agent whose parameters are in a file of lines `name=value`.
///
/// Heartbeat lets a shell read the file. Here values are taken literally, except for one pair of quotes
/// around them.
pub(super) fn read_instance(agent: &Path, file: &Path) -> io::Result<Vec<(String, String)>> {
    let mut text = String::new();
    std::fs::File::open(file)?.take(FILE_MAX).read_to_string(&mut text)?;
    let last = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let provider = agent.parent().map(last).unwrap_or_default();
    let mut variables = identity(&last(agent), &provider, &last(file));
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
        let Some((name, value)) = line.split_once('=') else { continue };
        let name = name.strip_prefix("export ").unwrap_or(name).trim();
        if name.is_empty() {
            continue;
        }
        let value = unquoted(value.trim());
        // Files written for heartbeat may use the whole name of the variable.
        let key = name.strip_prefix("OCF_RESKEY_").unwrap_or(name);
        variables.push(parameter(key, value));
        variables.push((name.to_owned(), value.to_owned()));
    }
    Ok(variables)
}

fn unquoted(value: &str) -> &str {
    let inner = |quote| value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
    inner('"').or_else(|| inner('\'')).unwrap_or(value)
}

fn identity(kind: &str, provider: &str, instance: &str) -> Vec<(String, String)> {
    let variables = [
        ("OCF_RA_VERSION_MAJOR", "1"),
        ("OCF_RA_VERSION_MINOR", "0"),
        ("OCF_TYPE", kind),
        ("OCF_RESOURCE_TYPE", kind),
        ("OCF_RESOURCE_PROVIDER", provider),
        ("OCF_RESOURCE_INSTANCE", instance),
    ];
    variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

fn parameter(name: &str, value: &str) -> (String, String) {
    (format!("OCF_RESKEY_{name}"), value.to_owned())
}

/// The meaning of an OCF agent's exit code, in the words of heartbeat's wrappers.
pub(super) fn meaning(code: i32) -> &'static str {
    match code {
        1 => "Generic error",
        2 => "Illegal argument",
        3 => "Function unimplemented",
        4 => "User had insufficient privilege",
        5 => "Program is not installed",
        6 => "Program is not configured",
        7 => "Resource is stopped",
        _ => "Unknown error",
    }
}
