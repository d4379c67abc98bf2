//! The configuration of the pair, and its three files.

use crate::network::{GATEWAY, Link};
use crate::{Image, Medium, Node};
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What happens to the groups when their preferred node returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failback {
    /// They fail back.
    On,
    /// They stay.
    Off,
    /// The protocol without negotiation.
    Legacy,
}

/// The service behind the floating address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// The host's nginx, through `/etc/init.d/nginx`.
    Nginx,
    /// A small web server of the lab, through a script `/etc/init.d/demo`.
    Builtin,
}

impl Service {
    /// Returns the best service that this host has.
    #[must_use]
    pub fn available() -> Self {
        let complete =
            ["/usr/sbin/nginx", "/etc/init.d/nginx"].iter().all(|p| Path::new(p).exists());
        if complete { Self::Nginx } else { Self::Builtin }
    }

    /// Returns the resource word in `haresources`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Builtin => "demo",
        }
    }
}

/// A Debian with systemd that a node boots, instead of using the host's files without an init system.
#[derive(Debug, Clone)]
pub struct System {
    /// The image from which it boots.
    pub image: Image,
    /// The source tree of Systole; the node finds `pkg` and `docs` in `/usr/src/systole`, and the daemon's
    /// directory as its `target/release`, read only.
    pub tree: PathBuf,
}

/// The configuration of both nodes.
#[derive(Debug, Clone)]
pub struct ClusterConfig {
    /// Time between two beats.
    pub keepalive: Duration,
    /// Silence after which a node is dead. The C daemon requires more than twice `keepalive`.
    pub deadtime: Duration,
    /// Silence after which a beat is late.
    pub warntime: Duration,
    /// Silence after which a node that was never heard is dead; at least `deadtime`.
    pub initdead: Duration,
    /// `auto_failback`.
    pub failback: Failback,
    /// Ping nodes.
    pub ping_nodes: Vec<IpAddr>,
    /// Whether `respawn hacluster …/ipfail` is configured.
    pub ipfail: bool,
    /// The media that carry beats, in the order of `ha.cf`; empty means `ucast` on every link.
    pub media: Vec<Medium>,
    /// Bits per second of the serial cable.
    pub baud: u32,
    /// Whether the nodes have a second heartbeat link (`eth1`), even without a medium that names it.
    pub second_link: bool,
    /// The floating address that the client probes; it should be in `groups`.
    pub address: IpAddr,
    /// The service with the address, where `groups` has no other.
    pub service: Service,
    /// The lines of `haresources`; empty means the address and the service on web1.
    pub groups: Vec<String>,
    /// The text of `authkeys`.
    pub keys: String,
    /// Whether nodes have programs for the power switch: `fence_lab` and `external/lab`.
    pub switch: bool,
    /// Lines that are added to `ha.cf`.
    pub extra: Vec<String>,
    /// What the nodes boot; absent means that they run a daemon and what it starts, with the host's programs.
    pub system: Option<System>,
}

impl Default for ClusterConfig {
    /// Returns the pair of the tutorials, with times scaled down for tests.
    fn default() -> Self {
        Self {
            keepalive: Duration::from_millis(200),
            deadtime: Duration::from_millis(650),
            warntime: Duration::from_millis(400),
            initdead: Duration::from_secs(2),
            failback: Failback::On,
            ping_nodes: vec![IpAddr::V4(GATEWAY)],
            ipfail: true,
            media: Vec::new(),
            baud: 19_200,
            second_link: false,
            address: IpAddr::V4(Ipv4Addr::new(192, 168, 122, 100)),
            service: Service::available(),
            groups: Vec::new(),
            keys: "auth 3\n3 md5 Hello!\n".to_owned(),
            switch: false,
            extra: Vec::new(),
            system: None,
        }
    }
}

impl ClusterConfig {
    /// Returns the text of `ha.cf` on a node.
    #[must_use]
    pub fn ha_cf(&self, node: Node) -> String {
        let mut text = "debugfile /var/log/ha-debug\nlogfile /var/log/ha-log\n".to_owned();
        let mut line = |words: String| {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{words}");
        };
        line(format!("keepalive {}ms", self.keepalive.as_millis()));
        line(format!("deadtime {}ms", self.deadtime.as_millis()));
        line(format!("warntime {}ms", self.warntime.as_millis()));
        line(format!("initdead {}ms", self.initdead.as_millis()));
        line("udpport 694".to_owned());
        for medium in self.media() {
            if medium == Medium::Serial {
                line(format!("baud {}", self.baud));
            }
            line(medium.line(node));
        }
        let failback = match self.failback {
            Failback::On => "on",
            Failback::Off => "off",
            Failback::Legacy => "legacy",
        };
        line(format!("auto_failback {failback}"));
        for node in Node::ALL {
            line(format!("node {node}"));
        }
        for ping in &self.ping_nodes {
            line(format!("ping {ping}"));
        }
        if self.ipfail {
            line("respawn hacluster /usr/libexec/heartbeat/ipfail".to_owned());
        }
        for extra in &self.extra {
            line(extra.clone());
        }
        text
    }

    /// Returns the text of `haresources`.
    #[must_use]
    pub fn haresources(&self) -> String {
        if self.groups.is_empty() {
            return format!("{} {}/24/eth0 {}\n", Node::Web1, self.address, self.service.word());
        }
        self.groups.iter().map(|group| format!("{group}\n")).collect()
    }

    /// Returns the heartbeat links of a node.
    pub(crate) fn links(&self) -> &'static [Link] {
        let is_named = self.media.iter().any(|medium| medium.link() == Some(Link::Direct));
        let has_second = self.second_link || is_named;
        if has_second { &[Link::Service, Link::Direct] } else { &[Link::Service] }
    }

    /// Returns the media as configured.
    pub(crate) fn media(&self) -> Vec<Medium> {
        if self.media.is_empty() {
            self.links().iter().copied().map(Medium::Ucast).collect()
        } else {
            self.media.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_config_matches_tutorial_pair() {
        let config = ClusterConfig { service: Service::Nginx, ..ClusterConfig::default() };
        let text = config.ha_cf(Node::Web1);
        assert!(text.contains("\nucast eth0 192.168.122.22\n"), "{text}");
        assert!(text.contains("\nkeepalive 200ms\n"), "{text}");
        assert!(!text.contains("eth1"), "{text}");
        assert_eq!(config.haresources(), "web1 192.168.122.100/24/eth0 nginx\n");
    }

    #[test]
    fn second_link_points_to_other_node() {
        let config = ClusterConfig { second_link: true, ..ClusterConfig::default() };
        let text = config.ha_cf(Node::Web2);
        assert!(text.contains("\nucast eth0 192.168.122.20\nucast eth1 10.77.1.20\n"), "{text}");
    }

    #[test]
    fn media_keep_their_order_and_bring_their_links() {
        let media = vec![
            Medium::Bcast(Link::Service),
            Medium::Ucast6(Link::Service),
            Medium::Mcast6(Link::Direct),
        ];
        let config = ClusterConfig { media, ..ClusterConfig::default() };
        let text = config.ha_cf(Node::Web2);
        let lines = "\nudpport 694\nbcast eth0\nucast6 eth0 fd77:0:0:7a::14\n\
                     mcast6 eth1 ff12::1:2:3:4 694 1 0\n";
        assert!(text.contains(lines), "{text}");
        assert_eq!(config.links(), [Link::Service, Link::Direct]);
    }
}
