//! Files and facts shared by tests: the pair of the tutorials, as seen from web1.

use crate::facts::{AgentKind, Facts, FileKind, Interface};
use crate::finding::Finding;
use crate::load::{Loaded, load};
use crate::source::{Source, Sources};
use std::net::IpAddr;

pub(crate) const HA_CF: &str = "\
debugfile /var/log/ha-debug
logfile /var/log/ha-log
logfacility local0
keepalive 2
deadtime 30
warntime 10
initdead 60
udpport 694
ucast eth0 192.168.122.22
auto_failback on
node web1
node web2
ping 192.168.122.1
respawn hacluster /usr/lib64/heartbeat/ipfail
";

pub(crate) const AUTHKEYS: &str = "auth 3\n3 sha1 Hello!\n";

pub(crate) const HARESOURCES: &str = "web1 192.168.122.100/24/eth0 nginx\n";

/// Returns the three files with the right modes and paths.
pub(crate) fn sources<'a>(ha_cf: &'a str, authkeys: &'a str, haresources: &'a str) -> Sources<'a> {
    Sources {
        ha_cf: Source::text("/etc/ha.d/ha.cf", ha_cf),
        ha_cf_mode: Some(0o640),
        authkeys: Source::text("/etc/ha.d/authkeys", authkeys),
        authkeys_mode: Some(0o600),
        authkeys_is_latin1: false,
        haresources: Source::text("/etc/ha.d/haresources", haresources),
    }
}

fn file_kind(path: &str) -> Option<FileKind> {
    match path {
        "/bin/true" => Some(FileKind::Executable),
        "/etc/passwd" => Some(FileKind::Plain),
        "/dev/ttyS0" | "/dev/ttyS1" => Some(FileKind::Device),
        "/var/log" | "/" => Some(FileKind::Other),
        _ => None,
    }
}

/// Provides what web1 knows about itself.
pub(crate) fn with_facts<T>(then: impl FnOnce(&Facts<'_>) -> T) -> T {
    let address = |text: &str| text.parse::<IpAddr>().unwrap();
    let interfaces = [
        Interface {
            name: "lo".to_owned(),
            addresses: vec![(address("127.0.0.1"), 8), (address("::1"), 128)],
            broadcast: None,
        },
        Interface {
            name: "eth0".to_owned(),
            addresses: vec![(address("192.168.122.20"), 24), (address("2001:db8::20"), 64)],
            broadcast: Some("192.168.122.255".parse().unwrap()),
        },
        Interface {
            name: "eth1".to_owned(),
            addresses: vec![(address("10.0.0.1"), 24)],
            broadcast: None,
        },
        Interface { name: "bare0".to_owned(), addresses: Vec::new(), broadcast: None },
    ];
    then(&Facts {
        node_name: Some("web1"),
        nodeinfo: None,
        interfaces: Some(&interfaces),
        agent: Some(&|name| match name {
            "nginx" | "apache2" => Some(AgentKind::Lsb),
            "drbddisk" | "IPaddr" | "IPaddr2" | "IPv6addr" => Some(AgentKind::Heartbeat),
            "Filesystem" | "Dummy" | "OCF::Dummy::one" => Some(AgentKind::Ocf),
            "postgresql" => Some(AgentKind::Systemd),
            _ => None,
        }),
        user: Some(&|name| matches!(name, "root" | "nobody")),
        group: Some(&|name| matches!(name, "root" | "haclient")),
        file: Some(&file_kind),
        log_file: Some(&file_kind),
        at_boot: Some(&|name| (name == "apache2").then(|| "/etc/rc3.d/S01apache2".into())),
        host: Some(&|name| match name {
            "web2" => Some("192.168.122.22".parse().unwrap()),
            "web1" => Some("192.168.122.20".parse().unwrap()),
            _ => None,
        }),
        service: Some(&|port| (port == 53).then(|| "domain".to_owned())),
        service_port: None,
    })
}

/// Loads three files as web1.
pub(crate) fn load_all(ha_cf: &str, authkeys: &str, haresources: &str) -> Loaded {
    with_facts(|facts| load(&sources(ha_cf, authkeys, haresources), facts))
}

/// Returns the tutorial's ha.cf with some lines added at its end.
pub(crate) fn ha_cf_and(lines: &str) -> String {
    format!("{HA_CF}{lines}\n")
}

/// Returns the findings for a whole ha.cf with the tutorial's other files.
pub(crate) fn of_ha_cf(ha_cf: &str) -> Vec<Finding> {
    load_all(ha_cf, AUTHKEYS, HARESOURCES).findings
}

/// Returns the rules of findings.
pub(crate) fn rules(findings: &[Finding]) -> Vec<&'static str> {
    findings.iter().map(|finding| finding.rule).collect()
}

/// Returns the text that the finding of this rule marks.
pub(crate) fn marked<'a>(findings: &[Finding], rule: &str, text: &'a str) -> &'a str {
    let found = findings.iter().find(|finding| finding.rule == rule);
    &text[found.unwrap_or_else(|| panic!("no {rule}")).span.clone()]
}
