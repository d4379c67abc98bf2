//! Lines about media that are opened or lost.

use std::fmt::Display;
use systole_sys::link::LinkSpec;

/// Returns the line that heartbeat's plug-in writes when a medium was opened.
pub(crate) fn opened(spec: &LinkSpec) -> String {
    let words = match spec {
        LinkSpec::Unicast { device, host, port } => {
            format!("ucast: started on port {port} interface {device} to {host}")
        }
        LinkSpec::Broadcast { device, port } => {
            format!("UDP Broadcast heartbeat started on port {port} ({port}) interface {device}")
        }
        LinkSpec::Multicast { device, group, port, ttl, loopback } => format!(
            "UDP multicast heartbeat started for group {group} port {port} interface {device} \
             (ttl={ttl} loop={})",
            u8::from(*loopback)
        ),
        LinkSpec::Unicast6 { device, address, port } => {
            format!("ucast6: heartbeat started for [{address}]:{port} on interface {device}")
        }
        LinkSpec::Multicast6 { device, group, port, hops, loopback } => format!(
            "UDP multicast heartbeat started for [{group}]:{port} on interface {device} \
             (hops={hops} loop={})",
            u8::from(*loopback)
        ),
        LinkSpec::Service { port, .. } => {
            return format!(
                "Listening for the other nodes on the service network, UDP port {port}"
            );
        }
        LinkSpec::Serial { tty, baud, .. } => {
            format!("Starting serial heartbeat on tty {tty} ({baud} baud)")
        }
    };
    format!("glib: {words}")
}

/// Returns the line about a medium that cannot be opened.
pub(crate) fn closed(spec: &LinkSpec, error: impl Display) -> String {
    format!("cannot open {} {}: {error}", spec.kind(), spec.name())
}

/// Returns the line about a medium that went away. It is opened again when it is back.
pub(crate) fn lost(spec: &LinkSpec, error: impl Display) -> String {
    format!("{} {} is lost: {error}", spec.kind(), spec.name())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn opened_medium_is_logged_as_by_heartbeat() {
        let device = || "eth0".to_owned();
        for (spec, expected) in [
            (
                LinkSpec::Unicast { device: device(), host: "10.77.0.2".into(), port: 694 },
                "glib: ucast: started on port 694 interface eth0 to 10.77.0.2",
            ),
            (
                LinkSpec::Broadcast { device: device(), port: 6940 },
                "glib: UDP Broadcast heartbeat started on port 6940 (6940) interface eth0",
            ),
            (
                LinkSpec::Multicast {
                    device: device(),
                    group: [225, 0, 0, 7].into(),
                    port: 6941,
                    ttl: 1,
                    loopback: false,
                },
                "glib: UDP multicast heartbeat started for group 225.0.0.7 port 6941 interface \
                 eth0 (ttl=1 loop=0)",
            ),
            (
                LinkSpec::Unicast6 {
                    device: device(),
                    address: "fd77::2".parse().unwrap(),
                    port: 6940,
                },
                "glib: ucast6: heartbeat started for [fd77::2]:6940 on interface eth0",
            ),
            (
                LinkSpec::Multicast6 {
                    device: device(),
                    group: "ff12::1:2:3:4".parse().unwrap(),
                    port: 6942,
                    hops: 1,
                    loopback: false,
                },
                "glib: UDP multicast heartbeat started for [ff12::1:2:3:4]:6942 on interface eth0 \
                 (hops=1 loop=0)",
            ),
            (
                LinkSpec::Serial {
                    tty: "/dev/ttyS0".to_owned(),
                    baud: 19_200,
                    patience: Duration::from_secs(1),
                },
                "glib: Starting serial heartbeat on tty /dev/ttyS0 (19200 baud)",
            ),
        ] {
            assert_eq!(opened(&spec), expected);
        }
    }
}
