//! Creates the parts of a running daemon from the configuration.

use super::host_names::Names;
use super::inherited::Inherited;
use crate::beat::pings::PingNode;
use std::io;
use std::net::{IpAddr, UdpSocket};
use std::time::Duration;
use systole_agents::protocol::{Configuration, Service};
use systole_config::{Authentication, Config, Medium};
use systole_core::{
    Detection, Group, LinkId, NodeId, Resource, ResourceKind, SERVICE_LINK, Settings, Uuid,
};
use systole_sys::link::LinkSpec;
use systole_sys::realtime;
use systole_wire::{
    Algorithm, Compression, Identity, Keys, KeysError, MessageFormat, Method, PingMedium, Style,
};

/// Format of date and time in the lines of scripts (`HA_DATEFMT`), as heartbeat sets it.
const DATE_FORMAT: &str = "%Y/%m/%d_%T\t";

/// The reason why a medium or ping node cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WiringError {
    /// A host name cannot be resolved.
    #[error("cannot resolve {host}")]
    Unresolved {
        /// The host.
        host: String,
        /// The cause.
        source: io::Error,
    },
    /// The keys cannot be used.
    #[error("unusable keys: {0}")]
    Keys(#[from] KeysError),
}

/// Returns the media with their hosts resolved, so that opening them again never waits for a name server.
pub(crate) fn links(config: &Config, names: &Names) -> Result<Vec<LinkSpec>, WiringError> {
    // Half of the time by which a beat may be late, so that the other half is left for everything else.
    let settings = config.settings();
    let patience = Detection::of(&settings).permit() / 2;
    let has_link = settings.links.iter().any(|link| link == SERVICE_LINK);
    let port = config.guard_port.filter(|_| has_link);
    let service = port.map(|port| LinkSpec::Service { name: SERVICE_LINK.to_owned(), port });
    let media = config.media.iter().map(|medium| link(medium, names, patience));
    media.chain(service.map(Ok)).collect()
}

fn link(medium: &Medium, names: &Names, patience: Duration) -> Result<LinkSpec, WiringError> {
    let device = medium.name().to_owned();
    Ok(match *medium {
        Medium::Ucast { ref host, port, .. } => {
            let host = names.resolve(host, IpAddr::is_ipv4)?.to_string();
            LinkSpec::Unicast { device, host, port }
        }
        Medium::Bcast { port, .. } => LinkSpec::Broadcast { device, port },
        Medium::Mcast { group, port, ttl, loopback, .. } => {
            LinkSpec::Multicast { device, group, port, ttl, loopback }
        }
        Medium::Ucast6 { address, port, .. } => LinkSpec::Unicast6 { device, address, port },
        Medium::Mcast6 { group, port, hops, loopback, .. } => {
            LinkSpec::Multicast6 { device, group, port, hops, loopback }
        }
        Medium::Serial { baud, .. } => LinkSpec::Serial { tty: device, baud, patience },
    })
}

/// Returns the link that a medium belongs to: media on the same interface are one link, as in heartbeat.
pub(crate) fn link_id(settings: &Settings, medium: &LinkSpec) -> LinkId {
    let place = settings.links.iter().position(|name| name == medium.name());
    LinkId(place.and_then(|place| u8::try_from(place).ok()).unwrap_or(u8::MAX))
}

/// Returns the addresses from which the other node sends, as far as `ucast` and `ucast6` give them. With
/// more than two nodes, these do not say which node has an address; that is learned from the messages
/// received.
pub(crate) fn peer_addresses(
    links: &[LinkSpec],
    settings: &Settings,
) -> Vec<(LinkId, NodeId, IpAddr)> {
    let mut others = settings.node_ids().filter(|node| *node != settings.me);
    let (Some(other), None) = (others.next(), others.next()) else { return Vec::new() };
    let address = |spec: &LinkSpec| {
        let address = match spec {
            LinkSpec::Unicast { host, .. } => host.parse().ok()?,
            LinkSpec::Unicast6 { address, .. } => IpAddr::V6(*address),
            LinkSpec::Broadcast { .. }
            | LinkSpec::Multicast { .. }
            | LinkSpec::Multicast6 { .. }
            | LinkSpec::Service { .. }
            | LinkSpec::Serial { .. } => return None,
        };
        // If the files are the same on both nodes, they also name this node's own address.
        (!is_own(address)).then(|| (link_id(settings, spec), other, address))
    };
    links.iter().filter_map(address).collect()
}

/// Whether an address belongs to this machine: only such addresses can be bound.
fn is_own(address: IpAddr) -> bool {
    UdpSocket::bind((address, 0)).is_ok()
}

/// Returns the ping nodes with their hosts resolved.
pub(crate) fn ping_nodes(config: &Config, names: &Names) -> Result<Vec<PingNode>, WiringError> {
    let node = |ping: &systole_config::PingNode| {
        let medium = match ping.directive {
            "ping6" => PingMedium::Ping6,
            "ping_group" => PingMedium::Group,
            _ => PingMedium::Ping,
        };
        let member = |member: &systole_config::PingMember| {
            names.resolve(&member.host, |address| address.is_ipv6() == member.ipv6)
        };
        let addresses = ping.members.iter().map(member).collect::<Result<_, _>>()?;
        Ok(PingNode { medium, name: ping.name.clone(), addresses })
    };
    config.ping_nodes.iter().map(node).collect()
}

/// Returns the keys.
pub(crate) fn keys(authentication: &Authentication) -> Result<Keys, WiringError> {
    let entries = authentication.keys.iter().map(|(id, key)| {
        let method = match key.method {
            systole_config::Method::Crc => Method::Crc,
            systole_config::Method::Md5 => Method::Md5,
            systole_config::Method::Sha1 => Method::Sha1,
            systole_config::Method::Sha256 => Method::Sha256,
        };
        (*id, method, key.bytes.0.as_slice())
    });
    Ok(Keys::new(authentication.sending, entries)?)
}

/// Returns this node's identity in messages.
pub(crate) fn identity(
    config: &Config,
    settings: &Settings,
    uuid: Uuid,
    generation: u64,
) -> Identity {
    let nodes = settings.nodes.len() + settings.ping_nodes.len();
    Identity {
        name: settings.name(settings.me).into(),
        uuid,
        generation,
        ttl: u32::from(config.hopfudge) + u32::try_from(nodes).unwrap_or(u32::MAX),
        nodes: settings.nodes.iter().map(|node| node.as_str().into()).collect(),
    }
}

/// Returns the style in which this node writes messages.
pub(crate) fn style(config: &Config) -> Style {
    let format = match config.message_format {
        systole_config::MessageFormat::Classic => MessageFormat::Classic,
        systole_config::MessageFormat::Netstring => MessageFormat::Netstring,
    };
    let wanted = &config.compression;
    let threshold = usize::try_from(wanted.threshold).unwrap_or(usize::MAX).saturating_mul(1024);
    let compression = Compression {
        algorithm: if wanted.bzip2 { Algorithm::Bzip2 } else { Algorithm::Zlib },
        threshold: wanted.whole_messages.then_some(threshold),
    };
    Style { format, compression }
}

/// Returns the environment of every script and every program that the daemon runs: the daemon's own
/// environment, overridden by what the daemon knows.
pub(crate) fn environment(config: &Config, debug: u8) -> Vec<(String, String)> {
    let options = config.options().iter();
    let options = options.map(|option| (format!("HA_{}", option.directive), option.value.clone()));
    let own = config.environment.iter().map(|(name, value)| (format!("HA_{name}"), value.clone()));
    let inherited = Inherited::ours().variables;
    let mut environment: Vec<_> = inherited.into_iter().chain(options).chain(own).collect();
    let mut set = |name: &str, value: &str| environment.push((name.to_owned(), value.to_owned()));
    set("HA_CURHOST", &config.node_name);
    set("HA_COMPRESSION", if config.compression.bzip2 { "bz2" } else { "zlib" });
    set("HA_DATEFMT", DATE_FORMAT);
    set("HA_LOGD", "no");
    set("HA_debug", &debug.to_string());
    if config.failback != systole_core::Failback::Legacy {
        set("HA_NICEFAILBACK", "yes");
    }
    let logging = &config.logging;
    let sinks = [
        ("HA_LOGFILE", &logging.logfile),
        ("HA_DEBUGLOG", &logging.debugfile),
        ("HA_LOGFACILITY", &logging.facility),
    ];
    for (name, value) in sinks {
        if let Some(value) = value {
            set(name, value);
        }
    }
    environment
}

/// Returns the addresses of a group, if it has any.
fn service(group: &Group) -> Option<Service> {
    let is_address = |it: &&Resource| matches!(it.kind, ResourceKind::Address(_));
    let addresses: Vec<_> = group.resources.iter().filter(is_address).cloned().collect();
    (!addresses.is_empty()).then_some(Service { group: group.key, addresses })
}

/// Returns the facts for the executor's runs.
pub(crate) fn executor(config: &Config, debug: u8, is_realtime: bool) -> Configuration {
    let settings = config.settings();
    let grace = settings.restart_grace.as_millis();
    let lifetime = Detection::of(&settings).address_lifetime();
    Configuration {
        node: config.node_name.clone(),
        environment: environment(config, debug),
        restart_grace_ms: u64::try_from(grace).unwrap_or(u64::MAX),
        realtime: is_realtime
            .then(|| config.process.priority.unwrap_or(realtime::DEFAULT_PRIORITY)),
        lifetime_ms: u64::try_from(lifetime.as_millis()).unwrap_or(u64::MAX),
        services: config.groups.iter().filter_map(service).collect(),
    }
}
