//! The directives of `ha.cf`, as one table.

use crate::config::RecordedOption;

/// What a directive's words mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// A setting with one value; of several values the last one counts.
    Setting(Value),
    /// Node names.
    Nodes,
    /// `NAME=VALUE` entries.
    Environment,
    /// A medium, a ping node or a ping group.
    Medium(MediumKind),
    /// `stonith` and `stonith_host`.
    Stonith { host: bool },
    /// `fence`.
    Fence,
    /// `apiauth`.
    ApiAuthorization,
    /// `respawn` and `failfast`.
    Client { failfast: bool },
    /// `pacemaker` and `crm`.
    Pacemaker,
    /// `nice_failback`.
    NiceFailback,
    /// `failback`.
    GroupFailback,
    /// `hold_down`.
    HoldDown,
    /// A directive whose component is in no build of heartbeat 3.0.6 that Debian ships.
    NotBuilt,
}

/// What a setting's value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value {
    /// A time.
    Time { zero: bool },
    /// A yes or no.
    Boolean,
    /// A whole number.
    Number { least: u32, most: u32 },
    /// A UDP port.
    Port,
    /// `on`, `off`, their synonyms, `legacy`, `manual`, or `after` and a time.
    Failback,
    /// One of some words.
    Choice(&'static [&'static str]),
    /// A syslog facility or `none`.
    Facility,
    /// Any word.
    Text,
}

/// The media by their directives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MediumKind {
    Ucast,
    Ucast6,
    Bcast,
    Mcast,
    Mcast6,
    Serial,
    Ping,
    Ping6,
    PingGroup,
}

/// What Systole does with a directive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Support {
    /// What heartbeat 3.0.6 does, or better.
    Served,
    /// Nothing, because there is nothing left to do; the text says why.
    Inert(&'static str),
    /// Something of its own: heartbeat 3.0.6 refuses the directive.
    New,
}

/// One directive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Directive {
    pub(crate) name: &'static str,
    pub(crate) role: Role,
    pub(crate) support: Support,
    /// The default that is known before the file is read.
    pub(crate) default: Option<&'static str>,
    /// What `heartbeat -v` says about it; empty for what is not recorded.
    pub(crate) explanation: &'static str,
}

const POSITIVE_TIME: Role = Role::Setting(Value::Time { zero: false });
const ANY_TIME: Role = Role::Setting(Value::Time { zero: true });
const BOOLEAN: Role = Role::Setting(Value::Boolean);
const TEXT: Role = Role::Setting(Value::Text);

const fn number(least: u32, most: u32) -> Role {
    Role::Setting(Value::Number { least, most })
}

const fn choice(words: &'static [&'static str]) -> Role {
    Role::Setting(Value::Choice(words))
}

const fn served(
    name: &'static str,
    role: Role,
    default: Option<&'static str>,
    explanation: &'static str,
) -> Directive {
    Directive { name, role, support: Support::Served, default, explanation }
}

const fn inert(
    name: &'static str,
    role: Role,
    default: Option<&'static str>,
    explanation: &'static str,
    reason: &'static str,
) -> Directive {
    Directive { name, role, support: Support::Inert(reason), default, explanation }
}

const fn unrecorded(name: &'static str, role: Role) -> Directive {
    served(name, role, None, "")
}

const fn new(
    name: &'static str,
    role: Role,
    default: &'static str,
    explanation: &'static str,
) -> Directive {
    Directive { name, role, support: Support::New, default: Some(default), explanation }
}

const fn not_built(name: &'static str) -> Directive {
    served(name, Role::NotBuilt, None, "")
}

const NO_PACEMAKER: &str = "there is no Pacemaker under Systole";
const NO_LOGD: &str = "Systole writes its log itself";

/// Every directive: first the recorded ones in the order of `heartbeat -v`, then the others.
pub(crate) static DIRECTIVES: &[Directive] = &[
    served("cluster", TEXT, Some("linux-ha"), "the name of cluster"),
    served("hopfudge", number(0, 255), Some("1"), "# of hops above cluster size"),
    served("keepalive", POSITIVE_TIME, Some("1000ms"), "keepalive time"),
    served("deadtime", ANY_TIME, Some("30000ms"), "node deadtime"),
    served("deadping", ANY_TIME, None, "ping deadtime"),
    served("initdead", ANY_TIME, None, "initial deadtime"),
    served("warntime", POSITIVE_TIME, None, "warning time"),
    served("watchdog", TEXT, None, "watchdog device"),
    served("baud", choice(BAUD_RATES), Some("19200"), "baud rate"),
    served("udpport", Role::Setting(Value::Port), None, "UDP port number"),
    served("logfacility", Role::Setting(Value::Facility), None, "syslog log facility"),
    served("logfile", TEXT, None, "log file"),
    served("debugfile", TEXT, None, "debug file"),
    served("auto_failback", Role::Setting(Value::Failback), Some("legacy"), "auto failback"),
    served("rtprio", number(1, 99), None, "realtime priority"),
    served(
        "hbgenmethod",
        choice(&["file", "time"]),
        Some("file"),
        "protocol generation computation method",
    ),
    served("realtime", BOOLEAN, Some("true"), "enable realtime behavior?"),
    served("debug", number(0, 255), None, "debug level"),
    served(
        "msgfmt",
        choice(&["classic", "netstring"]),
        Some("classic"),
        "message format in the wire",
    ),
    inert("use_logd", BOOLEAN, None, "use logging daemon", NO_LOGD),
    inert(
        "conn_logd_time",
        POSITIVE_TIME,
        Some("60"),
        "the interval to reconnect to logd",
        NO_LOGD,
    ),
    served("log_badpack", BOOLEAN, Some("true"), "warn about bad packets"),
    served("syslogmsgfmt", BOOLEAN, Some("true"), "log to files in syslog format"),
    inert(
        "use_apphbd",
        BOOLEAN,
        None,
        "use application heartbeat daemon?",
        "there is no apphbd under Systole",
    ),
    served("coredumps", BOOLEAN, Some("true"), "enable Linux-HA core dumps"),
    served("coreroot", TEXT, None, "set root directory of core dump area"),
    served("pacemaker", Role::Pacemaker, Some("false"), "enable Pacemaker resource management"),
    served(
        "autojoin",
        choice(&["none", "other", "any"]),
        Some("none"),
        "set automatic join mode/style",
    ),
    served("uuidfrom", choice(&["file", "nodename"]), Some("file"), "set the source for uuid"),
    served("compression", choice(&["zlib", "bz2"]), Some("zlib"), "set compression module"),
    served("compression_threshold", number(1, 1_000_000), Some("2"), "set compression threshold"),
    served("traditional_compression", BOOLEAN, Some("no"), "set traditional_compression"),
    served(
        "max_rexmit_delay",
        number(1, 2_147_483_647),
        Some("250"),
        "set the maximum rexmit delay time",
    ),
    inert(
        "record_config_changes",
        BOOLEAN,
        Some("on"),
        "record changes to the cib (valid only with: pacemaker on)",
        NO_PACEMAKER,
    ),
    inert(
        "record_pengine_inputs",
        BOOLEAN,
        Some("on"),
        "record the input used by the policy engine (valid only with: pacemaker on)",
        NO_PACEMAKER,
    ),
    inert(
        "enable_config_writes",
        BOOLEAN,
        Some("on"),
        "write configuration changes to disk (valid only with: pacemaker on)",
        NO_PACEMAKER,
    ),
    served(
        "memreserve",
        number(1, 4_000_000),
        Some("6500"),
        "number of kbytes to preallocate in heartbeat",
    ),
    inert(
        "quorum_server",
        TEXT,
        None,
        "quorum server",
        "a quorum server has no say beside haresources",
    ),
    inert("crm_daemon_dir", TEXT, None, "directory of the pacemaker daemons", NO_PACEMAKER),
    inert(
        "crmd_spawns_pengine",
        BOOLEAN,
        None,
        "whether crmd starts the policy engine",
        NO_PACEMAKER,
    ),
    new("restart_grace", ANY_TIME, "5s", "how long resources stay up without the daemon"),
    Directive {
        default: None,
        ..new("aliveping", ANY_TIME, "", "how long a lost ping node must answer before it counts")
    },
    new("address_agent", choice(&["native", "script"]), "native", "who changes floating addresses"),
    new(
        "stop_failure",
        choice(&["reboot", "release-address", "block"]),
        "reboot",
        "what a stop that keeps failing leads to",
    ),
    new(
        "agent_timeout",
        ANY_TIME,
        "0",
        "how long an agent may take; 0 is 10 minutes, 1 minute for status",
    ),
    new("fence_delay", ANY_TIME, "5s", "how long the second of two nodes waits to fence the other"),
    new("fence_timeout", POSITIVE_TIME, "60s", "how long a fencing device may take"),
    new(
        "hold_down",
        Role::HoldDown,
        "6 10m",
        "how many moves of a group within which time keep it where it is",
    ),
    // Not recorded from here on.
    unrecorded("node", Role::Nodes),
    unrecorded("env", Role::Environment),
    unrecorded("bcast", Role::Medium(MediumKind::Bcast)),
    unrecorded("udp", Role::Medium(MediumKind::Bcast)),
    unrecorded("mcast", Role::Medium(MediumKind::Mcast)),
    unrecorded("mcast6", Role::Medium(MediumKind::Mcast6)),
    unrecorded("ucast", Role::Medium(MediumKind::Ucast)),
    unrecorded("ucast6", Role::Medium(MediumKind::Ucast6)),
    unrecorded("serial", Role::Medium(MediumKind::Serial)),
    unrecorded("ping", Role::Medium(MediumKind::Ping)),
    unrecorded("ping6", Role::Medium(MediumKind::Ping6)),
    unrecorded("ping_group", Role::Medium(MediumKind::PingGroup)),
    unrecorded("nice_failback", Role::NiceFailback),
    unrecorded("stonith", Role::Stonith { host: false }),
    unrecorded("stonith_host", Role::Stonith { host: true }),
    Directive { support: Support::New, ..unrecorded("fence", Role::Fence) },
    Directive { support: Support::New, ..unrecorded("failback", Role::GroupFailback) },
    unrecorded("apiauth", Role::ApiAuthorization),
    unrecorded("respawn", Role::Client { failfast: false }),
    unrecorded("failfast", Role::Client { failfast: true }),
    unrecorded("crm", Role::Pacemaker),
    not_built("hbaping"),
    not_built("rds"),
    not_built("tipc"),
    not_built("openais"),
    not_built("normalpoll"),
];

/// The rates that heartbeat 3.0.6 takes.
static BAUD_RATES: &[&str] = &["9600", "19200", "38400", "57600", "115200", "230400", "460800"];

/// The directive of this name; names are case-sensitive.
pub(crate) fn find(name: &str) -> Option<&'static Directive> {
    DIRECTIVES.iter().find(|directive| directive.name == name)
}

/// The names that a mistyped directive may have meant.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    DIRECTIVES
        .iter()
        .filter(|directive| directive.role != Role::NotBuilt)
        .map(|directive| directive.name)
}

/// The directives that have a default before any file is read, as `heartbeat -D` lists them.
#[must_use]
pub fn default_options() -> Vec<RecordedOption> {
    let with_default = DIRECTIVES.iter().filter_map(|directive| {
        Some(RecordedOption {
            directive: directive.name,
            value: directive.default?.to_owned(),
            explanation: directive.explanation,
        })
    });
    with_default.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_found() {
        for directive in DIRECTIVES {
            assert_eq!(find(directive.name), Some(directive));
        }
        assert_eq!(find("Keepalive"), None);
    }

    #[test]
    fn every_directive_is_in_the_book() {
        let book = include_str!("../../../docs/ha.cf.md");
        for directive in DIRECTIVES {
            let cell = format!("| `{}` |", directive.name);
            assert!(book.contains(&cell), "docs/ha.cf.md lacks {cell}");
        }
    }

    #[test]
    fn defaults_begin_as_the_original_lists_them() {
        let names: Vec<_> =
            default_options().iter().map(|option| option.directive).take(4).collect();
        assert_eq!(names, ["cluster", "hopfudge", "keepalive", "deadtime"]);
    }
}
