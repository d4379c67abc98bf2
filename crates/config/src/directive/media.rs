//! Directives about media, ping nodes and the form of messages.

use super::{
    BOOLEAN, DefaultValue, Directive, Kind, Listed, MediumKind, Order, Role, SERVED, Subject,
    Takes, Told, Topic, number, setting,
};
use crate::medium::Medium;
use crate::values::Parsed;

pub(super) static TOPIC: Topic = Topic { title: "Media", rows: ROWS };

static ROWS: &[Directive] = &[
    Directive {
        name: "udpport",
        role: setting(Kind::Port),
        default: DefaultValue::Computed(|draft| Some(Parsed::Number(draft.default_port.into()))),
        change: Told::Elsewhere,
        listed: Some(Listed(10, "UDP port number")),
        complaint: "heartbeat: invalid port [{}] specified.",
        order: Order::AboveMedia("udpport", Medium::uses_udpport),
        meaning: "UDP port of the media below.",
        default_words: "service `ha-cluster`, otherwise 694",
        ..SERVED
    },
    Directive {
        name: "baud",
        role: setting(Kind::Rate(BAUD_RATES)),
        default: DefaultValue::Text("19200"),
        change: Told::Elsewhere,
        listed: Some(Listed(9, "baud rate")),
        once: "Baudrate",
        complaint: "heartbeat: invalid baudrate [{}] specified.",
        order: Order::AboveMedia("baudrate", Medium::uses_baud),
        meaning: "Rate of the serial lines below: 9600 to 460800.",
        classic: "may be given once only",
        ..SERVED
    },
    Directive {
        name: "ucast",
        role: Role::Medium(MediumKind::Ucast),
        meaning: "`ucast INTERFACE HOST`: UDP to one host.",
        ..SERVED
    },
    Directive {
        name: "ucast6",
        role: Role::Medium(MediumKind::Ucast6),
        meaning: "`ucast6 INTERFACE ADDRESS`: UDP to one IPv6 address.",
        ..SERVED
    },
    Directive {
        name: "bcast",
        role: Role::Medium(MediumKind::Bcast),
        meaning: "`bcast INTERFACE…`: UDP to the broadcast address.",
        ours: "as heartbeat; on an interface without a broadcast address, to 255.255.255.255",
        ..SERVED
    },
    Directive {
        name: "udp",
        role: Role::Medium(MediumKind::Bcast),
        meaning: "Old name of `bcast`.",
        ..SERVED
    },
    Directive {
        name: "mcast",
        role: Role::Medium(MediumKind::Mcast),
        meaning: "`mcast INTERFACE GROUP PORT TTL LOOP`: UDP to a multicast group; TTL 0 to 4.",
        ..SERVED
    },
    Directive {
        name: "mcast6",
        role: Role::Medium(MediumKind::Mcast6),
        meaning: "`mcast6 INTERFACE GROUP PORT HOPS LOOP`: the same for IPv6.",
        ..SERVED
    },
    Directive {
        name: "serial",
        role: Role::Medium(MediumKind::Serial),
        meaning: "`serial TTY…`: a null-modem cable.",
        ..SERVED
    },
    Directive {
        name: "ping",
        role: Role::Medium(MediumKind::Ping),
        meaning: "`ping HOST…`: hosts whose answers show that the network works.",
        ..SERVED
    },
    Directive {
        name: "ping6",
        role: Role::Medium(MediumKind::Ping6),
        meaning: "The same over IPv6.",
        ..SERVED
    },
    Directive {
        name: "ping_group",
        role: Role::Medium(MediumKind::PingGroup),
        meaning: "`ping_group NAME HOST…`: hosts that count as one ping node, which is alive \
                  while any of them answers.",
        ..SERVED
    },
    Directive {
        name: "msgfmt",
        role: setting(Kind::Choice(&["classic", "netstring"])),
        default: DefaultValue::Text("classic"),
        change: Told::As(Subject::Messages, Takes::Restart),
        listed: Some(Listed(19, "message format in the wire")),
        meaning: "`classic` or `netstring`.",
        ..SERVED
    },
    Directive {
        name: "compression",
        role: setting(Kind::Choice(&["zlib", "bz2"])),
        default: DefaultValue::Text("zlib"),
        change: Told::As(Subject::Messages, Takes::Restart),
        listed: Some(Listed(30, "set compression module")),
        complaint: "ERROR: Compression module({}) not found",
        meaning: "`zlib` or `bz2`.",
        ..SERVED
    },
    Directive {
        name: "compression_threshold",
        role: number(1, 1_000_000),
        default: DefaultValue::Text("2"),
        change: Told::As(Subject::Messages, Takes::Restart),
        listed: Some(Listed(31, "set compression threshold")),
        complaint: "ERROR: set_compression_threshold: compress_threshhold({}) invalid",
        meaning: "Kilobytes above which a message is compressed.",
        ..SERVED
    },
    Directive {
        name: "traditional_compression",
        role: BOOLEAN,
        default: DefaultValue::Text("no"),
        change: Told::As(Subject::Messages, Takes::Restart),
        listed: Some(Listed(32, "set traditional_compression")),
        complaint: "ERROR: set_traditional_compression:Invalid directive value {}",
        meaning: "Compress whole messages instead of marked fields.",
        ..SERVED
    },
];

/// The rates that heartbeat 3.0.6 accepts.
static BAUD_RATES: &[u32] = &[9600, 19_200, 38_400, 57_600, 115_200, 230_400, 460_800];
