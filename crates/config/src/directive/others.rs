//! Directives of Pacemaker and of components that do not exist here.

use super::{
    BOOLEAN, DefaultValue, Directive, Kind, Listed, NOT_BUILT, Order, Role, SERVED, Topic, inert,
    setting,
};

const NO_PACEMAKER: &str = "there is no Pacemaker under Systole";
/// What heartbeat 3.0.6 logs where it checks a boolean before it needs the value.
const CHECKED_BOOLEAN: &str = "ERROR: ha_config_check_boolean:Invalid directive value {}";

pub(super) static TOPIC: Topic = Topic { title: "For Pacemaker and others", rows: ROWS };

static ROWS: &[Directive] = &[
    Directive {
        name: "pacemaker",
        role: Role::Pacemaker,
        default: DefaultValue::Text("false"),
        listed: Some(Listed(27, "enable Pacemaker resource management")),
        meaning: "Run Pacemaker instead of haresources.",
        ours: "only `off`; `on` is an error, because nothing in haresources would run",
        ..SERVED
    },
    Directive {
        name: "crm",
        role: Role::Pacemaker,
        meaning: "The same.",
        ours: "the same",
        ..SERVED
    },
    Directive {
        name: "crm_daemon_dir",
        role: setting(Kind::Text),
        listed: Some(Listed(39, "directory of the pacemaker daemons")),
        order: Order::BelowPacemaker,
        meaning: "Directory of Pacemaker's programs.",
        classic: "refused unless a `pacemaker` line comes before it",
        ours: "does nothing, and is refused where heartbeat refuses it",
        ..inert(NO_PACEMAKER)
    },
    Directive {
        name: "crmd_spawns_pengine",
        role: BOOLEAN,
        listed: Some(Listed(40, "whether crmd starts the policy engine")),
        complaint: CHECKED_BOOLEAN,
        order: Order::AbovePacemaker,
        meaning: "Which program starts which.",
        default_words: "yes",
        classic: "refused below `pacemaker`",
        ours: "the same",
        ..inert(NO_PACEMAKER)
    },
    Directive {
        name: "record_config_changes",
        role: BOOLEAN,
        default: DefaultValue::Text("on"),
        listed: Some(Listed(34, "record changes to the cib (valid only with: pacemaker on)")),
        complaint: CHECKED_BOOLEAN,
        meaning: "Used by Pacemaker only.",
        ..inert(NO_PACEMAKER)
    },
    Directive {
        name: "record_pengine_inputs",
        role: BOOLEAN,
        default: DefaultValue::Text("on"),
        listed: Some(Listed(
            35,
            "record the input used by the policy engine (valid only with: pacemaker on)",
        )),
        complaint: CHECKED_BOOLEAN,
        meaning: "Used by Pacemaker only.",
        ..inert(NO_PACEMAKER)
    },
    Directive {
        name: "enable_config_writes",
        role: BOOLEAN,
        default: DefaultValue::Text("on"),
        listed: Some(Listed(
            36,
            "write configuration changes to disk (valid only with: pacemaker on)",
        )),
        complaint: CHECKED_BOOLEAN,
        meaning: "Used by Pacemaker only.",
        ..inert(NO_PACEMAKER)
    },
    Directive {
        name: "quorum_server",
        role: setting(Kind::Text),
        listed: Some(Listed(38, "quorum server")),
        meaning: "Host of a quorum server.",
        default_words: "none",
        classic: "no effect with haresources",
        ..inert("a quorum server has no effect with haresources")
    },
    Directive {
        name: "use_apphbd",
        role: BOOLEAN,
        listed: Some(Listed(24, "use application heartbeat daemon?")),
        meaning: "Register with the application heartbeat daemon.",
        default_words: "no",
        ..inert("there is no apphbd under Systole")
    },
    Directive {
        name: "hbaping",
        meaning: "Needs a component that Debian does not build.",
        ..NOT_BUILT
    },
    Directive { name: "rds", meaning: "The same.", ..NOT_BUILT },
    Directive { name: "tipc", meaning: "The same.", ..NOT_BUILT },
    Directive { name: "openais", meaning: "The same.", ..NOT_BUILT },
    Directive { name: "normalpoll", meaning: "Not compiled in.", ..NOT_BUILT },
];
