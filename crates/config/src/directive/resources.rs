//! Directives about resources, clients and fencing devices.

use super::{
    ANY_TIME, DefaultValue, Directive, Kind, Listed, NEW, POSITIVE_TIME, Role, SERVED, Subject,
    Takes, Told, Topic, Zero, setting,
};

pub(super) static TOPIC: Topic = Topic { title: "Resources and clients", rows: ROWS };

static ROWS: &[Directive] = &[
    Directive {
        name: "respawn",
        role: Role::Client { failfast: false },
        meaning: "`respawn USER /PATH…`: a program to keep running.",
        ours: "as heartbeat; a program named `ipfail`, whatever its path, enables the built-in \
               ipfail",
        ..SERVED
    },
    Directive {
        name: "failfast",
        role: Role::Client { failfast: true },
        meaning: "The same; the machine reboots when the program fails.",
        ..SERVED
    },
    Directive {
        name: "env",
        role: Role::Environment,
        meaning: "`NAME=VALUE` entries; scripts see `HA_NAME`.",
        ..SERVED
    },
    Directive {
        name: "apiauth",
        role: Role::ApiAuthorization,
        meaning: "`apiauth CLIENT uid=LIST gid=LIST`: which users and groups may sign on as \
                  CLIENT.",
        default_words: "built-in entries",
        ours: "checked, without effect: there is no client API",
        ..SERVED
    },
    Directive {
        name: "stonith",
        role: Role::Stonith { host: false },
        meaning: "`stonith TYPE FILE`: the fencing device.",
        classic: "resets a dead peer before the takeover; the last line counts",
        ours: "the same, and nothing is taken over before; all devices are tried in turn",
        ..SERVED
    },
    Directive {
        name: "stonith_host",
        role: Role::Stonith { host: true },
        meaning: "`stonith_host HOST TYPE PARAMETERS…`: the same with the parameters in this \
                  line; the node HOST, or every node (`*`), drives the device.",
        ours: "the same",
        ..SERVED
    },
    Directive {
        name: "fence",
        role: Role::Fence,
        meaning: "`fence NODE AGENT NAME=VALUE…`: an agent of Debian's fence-agents that fences \
                  NODE; `action=off` or `action=reboot` (the default).",
        ..NEW
    },
    Directive {
        name: "monitor",
        role: Role::Monitor,
        meaning: "`monitor TARGET every TIME timeout TIME failures N restarts N in TIME then \
                  move`: how a resource is checked while it runs, and what follows when it fails. \
                  TARGET is `default`, a group or a resource; each part may be left out. See \
                  [monitoring.md](monitoring.md).",
        default_words: "nothing is checked",
        classic: "refused; never looks at a running service",
        ..NEW
    },
    Directive {
        name: "check",
        role: Role::Probe,
        meaning: "`check RESOURCE tcp HOST:PORT`, `check RESOURCE http URL status CODE contains TEXT`, \
                  `check RESOURCE process PIDFILE` or `check RESOURCE exec PROGRAM`: what is asked of a running \
                  service in addition to its agent. A resource with such a line is monitored. See [monitoring.md](monitoring.md).",
        default_words: "nothing",
        ..NEW
    },
    Directive {
        name: "fence_delay",
        role: ANY_TIME,
        default: DefaultValue::Text("5s"),
        change: Told::Elsewhere,
        listed: Some(Listed(46, "how long the second of two nodes waits to fence the other")),
        meaning: "How long the second of two nodes that want to fence each other waits.",
        ..NEW
    },
    Directive {
        name: "fence_timeout",
        role: POSITIVE_TIME,
        default: DefaultValue::Text("60s"),
        change: Told::Elsewhere,
        listed: Some(Listed(47, "how long a fencing device may take")),
        meaning: "How long a device may take.",
        ..NEW
    },
    Directive {
        name: "restart_grace",
        role: ANY_TIME,
        default: DefaultValue::Text("5s"),
        change: Told::As(Subject::Times, Takes::Live),
        listed: Some(Listed(41, "how long resources stay up without the daemon")),
        meaning: "How long resources stay up without the daemon.",
        ..NEW
    },
    Directive {
        name: "address_agent",
        role: setting(Kind::Choice(&["native", "script"])),
        default: DefaultValue::Text("native"),
        change: Told::As(Subject::Addresses, Takes::Restart),
        listed: Some(Listed(43, "program that changes floating addresses")),
        meaning: "`native`: Systole changes floating addresses itself. `script`: the scripts \
                  `IPaddr`, `IPaddr2` and `IPv6addr` change them.",
        ..NEW
    },
    Directive {
        name: "stop_failure",
        role: setting(Kind::Choice(&["reboot", "release-address", "block"])),
        default: DefaultValue::Text("reboot"),
        change: Told::As(Subject::Agents, Takes::Live),
        listed: Some(Listed(44, "action if a stop keeps failing")),
        meaning: "What happens if a stop keeps failing. `reboot`: the machine reboots, so that \
                  the peer may take over. `block`: the group is blocked here. `release-address`: \
                  the same, and its addresses are removed ([stop-failure.md](stop-failure.md)).",
        classic: "refused; reboots",
        ..NEW
    },
    Directive {
        name: "foreign_running",
        role: setting(Kind::Choice(&["warn", "stop", "ignore"])),
        default: DefaultValue::Text("warn"),
        change: Told::As(Subject::Agents, Takes::Live),
        listed: Some(Listed(
            49,
            "what to do about resources that run although their group does not",
        )),
        meaning: "What happens to a resource that runs on a node although its group does not run there. \
                  `warn`: it is reported. `stop`: it is reported and stopped. `ignore`: nobody looks \
                  ([monitoring.md](monitoring.md#services-that-run-where-they-should-not)).",
        classic: "refused; looks once, before the start",
        ..NEW
    },
    Directive {
        name: "guard",
        role: setting(Kind::Guard),
        default: DefaultValue::Text("strict"),
        change: Told::Elsewhere,
        listed: Some(Listed(50, "what is asked before a group of a silent node is taken")),
        meaning: "What a node asks of the network of the floating addresses before it takes a group from a node that it does \
                  not hear ([guard.md](guard.md)). `strict`: the group is not taken while a node answers for an address of it. `after \
                  TIME`: not before it has answered for TIME. `off`: nothing is asked.",
        classic: "refused; takes over although clients reach both nodes",
        ..NEW
    },
    Directive {
        name: "agent_timeout",
        role: setting(Kind::Time(Zero::Means("600 s to start and stop, 60 s to look"))),
        default: DefaultValue::Text("0"),
        change: Told::As(Subject::Agents, Takes::Live),
        listed: Some(Listed(
            45,
            "how long an agent may take; 0 is 10 minutes, 1 minute for status",
        )),
        meaning: "How long an agent may take; 0 means 10 minutes for start and stop, 1 minute for \
                  status.",
        classic: "refused; waits forever",
        ..NEW
    },
];
