//! Directives about nodes and times, and about moves that nodes decide on automatically.

use super::{
    ANY_TIME, DefaultValue, Directive, Kind, Listed, NEW, POSITIVE_TIME, Role, SERVED, Subject,
    Takes, Told, Topic, number, setting,
};
use crate::values::Parsed;
use std::time::Duration;

pub(super) static TOPIC: Topic = Topic { title: "Nodes and times", rows: ROWS };

static ROWS: &[Directive] = &[
    Directive {
        name: "node",
        role: Role::Nodes,
        meaning: "Names of nodes, as `uname -n` prints them there; case is ignored.",
        default_words: "none",
        classic: "up to 100; haresources works with two",
        ours: "up to 16",
        ..SERVED
    },
    Directive {
        name: "keepalive",
        role: POSITIVE_TIME,
        default: DefaultValue::Text("1000ms"),
        change: Told::As(Subject::Times, Takes::LiveUnlessSerial),
        listed: Some(Listed(3, "keepalive time")),
        meaning: "Time between two beats.",
        classic: "more than 0",
        ..SERVED
    },
    Directive {
        name: "deadtime",
        role: ANY_TIME,
        default: DefaultValue::Text("30000ms"),
        change: Told::As(Subject::Times, Takes::LiveUnlessSerial),
        listed: Some(Listed(4, "node deadtime")),
        meaning: "Silence after which a node is dead.",
        classic: "more than two `keepalive`",
        ..SERVED
    },
    Directive {
        name: "warntime",
        role: POSITIVE_TIME,
        default: DefaultValue::Computed(|draft| Some(Parsed::Time(draft.time("deadtime")? / 2))),
        change: Told::As(Subject::Times, Takes::Live),
        listed: Some(Listed(7, "warning time")),
        complaint: "Warn time [{}] is invalid.",
        meaning: "Silence after which a beat is late.",
        default_words: "`deadtime` / 2",
        ..SERVED
    },
    Directive {
        name: "initdead",
        role: ANY_TIME,
        default: DefaultValue::Computed(|draft| {
            draft.time("deadtime").map(initdead).map(Parsed::Time)
        }),
        change: Told::As(Subject::Times, Takes::Live),
        listed: Some(Listed(6, "initial deadtime")),
        meaning: "Silence after which a node that was never heard is dead.",
        default_words: "`deadtime` if that is above 10 s, 12 s if it is below 6 s, otherwise \
                        twice `deadtime`",
        classic: "at least `deadtime`",
        ..SERVED
    },
    Directive {
        name: "deadping",
        role: ANY_TIME,
        default: DefaultValue::Computed(|draft| draft.time("deadtime").map(Parsed::Time)),
        change: Told::As(Subject::Times, Takes::Live),
        listed: Some(Listed(5, "ping deadtime")),
        meaning: "Silence after which a ping node is dead.",
        default_words: "`deadtime`",
        classic: "more than two `keepalive`",
        ..SERVED
    },
    Directive {
        name: "aliveping",
        role: ANY_TIME,
        default: DefaultValue::Computed(|draft| Some(Parsed::Time(draft.time("keepalive")? * 2))),
        change: Told::As(Subject::Times, Takes::Live),
        listed: Some(Listed(42, "how long a lost ping node must answer before it counts")),
        meaning: "How long a ping node that was dead must answer, without a gap of two \
                  `keepalive`, before it counts again. With 0 its first answer counts.",
        default_words: "two `keepalive`",
        classic: "refused; the first answer counts",
        ..NEW
    },
    Directive {
        name: "max_rexmit_delay",
        role: setting(Kind::Milliseconds { least: 1, most: 2_147_483_647 }),
        default: DefaultValue::Text("250"),
        change: Told::As(Subject::Times, Takes::Restart),
        listed: Some(Listed(33, "set the maximum rexmit delay time")),
        complaint: "ERROR: Invalid max_rexmit_delay time({})",
        meaning: "Longest wait, in milliseconds, before a missing message is requested.",
        ..SERVED
    },
    Directive {
        name: "auto_failback",
        role: setting(Kind::Failback),
        default: DefaultValue::Text("legacy"),
        change: Told::Elsewhere,
        listed: Some(Listed(14, "auto failback")),
        meaning: "`on`: groups return to their home node. `off`: they stay. `legacy`: the \
                  protocol before negotiation. New: `after TIME`: they return once their home \
                  node has been back, settled and able to run them for TIME without interruption. \
                  `manual`: they stay, and the status names the groups that are away from home \
                  and the order that brings them back.",
        classic: "refuses `after` and `manual`",
        ours: "as heartbeat, and more",
        ..SERVED
    },
    Directive {
        name: "failback",
        role: Role::GroupFailback,
        meaning: "`failback GROUP on`, `off`, `manual` or `after TIME`: the same for one group, \
                  named by its first resource word or its address. Beside a C node, which takes \
                  whole sets only, a group returns automatically only if the groups that are due \
                  to return at that moment are the whole set; otherwise it stays.",
        default_words: "`auto_failback`",
        ..NEW
    },
    Directive {
        name: "hold_down",
        role: Role::HoldDown,
        default: DefaultValue::Text("6 10m"),
        listed: Some(Listed(48, "number of moves within a time after which a group stays")),
        meaning: "`hold_down MOVES TIME`: a group that has moved automatically MOVES times (1 to \
                  16) within TIME stays where it works best: for 1 minute at first, twice as long \
                  each further time, at most 1 hour. `off`: never. See [below](#automatic-moves).",
        ..NEW
    },
    Directive {
        name: "nice_failback",
        role: Role::NiceFailback,
        meaning: "Obsolete.",
        classic: "means `off` after an `auto_failback` line, otherwise `legacy`, whatever its \
                  value",
        ..SERVED
    },
    Directive {
        name: "autojoin",
        role: setting(Kind::ChoiceInAnyCase(&["none", "other", "any"])),
        default: DefaultValue::Text("none"),
        change: Told::Elsewhere,
        listed: Some(Listed(28, "set automatic join mode/style")),
        complaint: "ERROR: Invalid autojoin directive [{}]",
        meaning: "Whether nodes may join automatically.",
        classic: "any other value is refused with haresources",
        ..SERVED
    },
    Directive {
        name: "hopfudge",
        role: number(0, 255),
        default: DefaultValue::Text("1"),
        change: Told::As(Subject::Messages, Takes::Restart),
        listed: Some(Listed(2, "# of hops above cluster size")),
        meaning: "Number of hops added to the number of nodes, 0 to 255; used for the field `ttl`.",
        ..SERVED
    },
];

/// Returns what heartbeat 3.0.6 uses for `initdead` when the file does not set it.
fn initdead(deadtime: Duration) -> Duration {
    const SECOND: Duration = Duration::from_secs(1);
    if deadtime > 10 * SECOND {
        deadtime
    } else if deadtime < 6 * SECOND {
        12 * SECOND
    } else {
        2 * deadtime
    }
}
