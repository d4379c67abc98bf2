//! Directives about the log and the processes of the daemon.

use super::{
    BOOLEAN, DefaultValue, Directive, Kind, Listed, POSITIVE_TIME, SERVED, Subject, Takes, Told,
    Topic, inert, number, setting,
};
use crate::hacf::Draft;
use crate::values::Parsed;

const NO_LOGD: &str = "Systole writes its log itself";

pub(super) static TOPIC: Topic = Topic { title: "Log and process", rows: ROWS };

static ROWS: &[Directive] = &[
    Directive {
        name: "logfile",
        role: setting(Kind::Text),
        default: NULL_DEVICE,
        change: Told::As(Subject::Logging, Takes::Restart),
        listed: Some(Listed(12, "log file")),
        meaning: "File of messages.",
        default_words: "none",
        ..SERVED
    },
    Directive {
        name: "debugfile",
        role: setting(Kind::Text),
        default: NULL_DEVICE,
        change: Told::As(Subject::Logging, Takes::Restart),
        listed: Some(Listed(13, "debug file")),
        meaning: "File of messages and debug messages.",
        default_words: "none",
        ..SERVED
    },
    Directive {
        name: "logfacility",
        role: setting(Kind::Facility),
        change: Told::As(Subject::Logging, Takes::Restart),
        listed: Some(Listed(11, "syslog log facility")),
        complaint: "ERROR: Log facility({}) not valid",
        meaning: "Syslog facility, or `none`.",
        default_words: "none",
        ..SERVED
    },
    Directive {
        name: "syslogmsgfmt",
        role: BOOLEAN,
        default: DefaultValue::Text("true"),
        change: Told::As(Subject::Logging, Takes::Restart),
        listed: Some(Listed(23, "log to files in syslog format")),
        meaning: "Lines begin with date and host as in syslog.",
        ..SERVED
    },
    Directive {
        name: "debug",
        role: number(0, 255),
        default: DefaultValue::Text("0"),
        change: Told::As(Subject::Logging, Takes::Restart),
        listed: Some(Listed(18, "debug level")),
        hides_default: true,
        meaning: "Level of debug messages, 0 to 255.",
        ..SERVED
    },
    Directive {
        name: "log_badpack",
        role: BOOLEAN,
        default: DefaultValue::Text("true"),
        change: Told::As(Subject::Logging, Takes::Restart),
        listed: Some(Listed(22, "warn about bad packets")),
        meaning: "Log unreadable and unauthenticated packets.",
        ours: "as heartbeat, at a bounded rate",
        ..SERVED
    },
    Directive {
        name: "use_logd",
        role: BOOLEAN,
        default: DefaultValue::Computed(|draft| Some(Parsed::Boolean(!has_other_log(draft)))),
        change: Told::As(Subject::Logging, Takes::Restart),
        listed: Some(Listed(20, "use logging daemon")),
        hides_default: true,
        meaning: "Log through a logging daemon.",
        default_words: "used if there is no other log",
        ours: "does nothing: Systole writes its log itself",
        ..inert(NO_LOGD)
    },
    Directive {
        name: "conn_logd_time",
        role: POSITIVE_TIME,
        default: DefaultValue::Text("60"),
        listed: Some(Listed(21, "the interval to reconnect to logd")),
        meaning: "Time between attempts to reach that daemon.",
        ..inert(NO_LOGD)
    },
    Directive {
        name: "realtime",
        role: BOOLEAN,
        default: DefaultValue::Text("true"),
        change: Told::As(Subject::Process, Takes::Restart),
        listed: Some(Listed(17, "enable realtime behavior?")),
        meaning: "Real-time scheduling and locked memory.",
        ..SERVED
    },
    Directive {
        name: "rtprio",
        role: number(1, 99),
        change: Told::As(Subject::Process, Takes::Restart),
        listed: Some(Listed(15, "realtime priority")),
        complaint: "ERROR: Illegal realtime priority [{}]",
        meaning: "Real-time priority, 1 to 99.",
        default_words: "lowest",
        ..SERVED
    },
    Directive {
        name: "memreserve",
        role: number(1, 4_000_000),
        default: DefaultValue::Text("6500"),
        change: Told::As(Subject::Process, Takes::Restart),
        listed: Some(Listed(37, "number of kbytes to preallocate in heartbeat")),
        meaning: "Kilobytes of memory to reserve.",
        ..SERVED
    },
    Directive {
        name: "watchdog",
        role: setting(Kind::Text),
        change: Told::As(Subject::Process, Takes::Restart),
        listed: Some(Listed(8, "watchdog device")),
        once: "Watchdog device",
        meaning: "Device that restarts the machine when the daemon or its executor hangs \
                  ([below](#watchdog)).",
        default_words: "none",
        classic: "writes to the device with every beat of its own that it hears",
        ours: "keeps the device alive while the beat thread and the executor both make progress",
        ..SERVED
    },
    Directive {
        name: "coredumps",
        role: BOOLEAN,
        default: DefaultValue::Text("true"),
        change: Told::As(Subject::Process, Takes::Restart),
        listed: Some(Listed(25, "enable Linux-HA core dumps")),
        meaning: "Write core files.",
        ..SERVED
    },
    Directive {
        name: "coreroot",
        role: setting(Kind::Text),
        default: DefaultValue::Text("/var/lib/heartbeat/cores"),
        change: Told::As(Subject::Process, Takes::Restart),
        listed: Some(Listed(26, "set root directory of core dump area")),
        hides_default: true,
        meaning: "Directory of core files.",
        ..SERVED
    },
    Directive {
        name: "hbgenmethod",
        role: setting(Kind::Choice(&["file", "time"])),
        default: DefaultValue::Text("file"),
        change: Told::As(Subject::Identity, Takes::Restart),
        listed: Some(Listed(16, "protocol generation computation method")),
        complaint: "ERROR: Illegal hb generation method [{}]",
        meaning: "Generation at a start: `file` (the stored one plus 1) or `time`.",
        ..SERVED
    },
    Directive {
        name: "uuidfrom",
        role: setting(Kind::Choice(&["file", "nodename"])),
        default: DefaultValue::Text("file"),
        change: Told::As(Subject::Identity, Takes::Restart),
        listed: Some(Listed(29, "set the source for uuid")),
        complaint: "ERROR: Invalid uuidfrom directive [{}]",
        meaning: "Identity of the node: `file` (random, stored) or `nodename`.",
        ..SERVED
    },
    Directive {
        name: "cluster",
        role: setting(Kind::Text),
        default: DefaultValue::Text("linux-ha"),
        change: Told::As(Subject::Identity, Takes::Restart),
        listed: Some(Listed(1, "the name of cluster")),
        meaning: "A name for the cluster.",
        classic: "shown only",
        ours: "shown only",
        ..SERVED
    },
];

/// Given a facility and no file, heartbeat 3.0.6 records the null device.
const NULL_DEVICE: DefaultValue =
    DefaultValue::Shown(|draft| has_facility(draft).then(|| "/dev/null".to_owned()));

fn has_facility(draft: &Draft) -> bool {
    draft.is_set("logfacility")
}

fn has_other_log(draft: &Draft) -> bool {
    has_facility(draft) || draft.is_set("logfile") || draft.is_set("debugfile")
}
