use crate::finding::Severity;
use crate::medium::Medium;
use crate::testing::{
    AUTHKEYS, HA_CF, HARESOURCES, ha_cf_and, load_all, marked, of_ha_cf, rules, sources, with_facts,
};
use std::time::Duration;
use systole_core::SERVICE_LINK;

/// Lines added to the tutorial's ha.cf, the rules that they break, and what is marked first.
const BROKEN: &[(&str, &[&str], &str)] = &[
    ("deadtim 30", &["HA0101"], "deadtim"),
    ("node,web3", &["HA0101"], "node,web3"),
    ("Node web1", &["HA0101"], "Node"),
    ("// a comment", &["HA0102"], "//"),
    ("//comment", &["HA0102"], "//comment"),
    ("hopfudge 2 // why", &["HA0102"], "//"),
    ("ping 192.168.122.2 // the switch", &["HA0102"], "//"),
    ("normalpoll 1", &["HA0103"], "normalpoll"),
    ("hbaping x", &["HA0103"], "hbaping"),
    ("ping", &["HA0104"], "ping"),
    ("hopfudge", &["HA0104"], "hopfudge"),
    ("hopfudge 2 3", &["HA0105"], "3"),
    ("keepalive 3", &["HA0106"], "keepalive"),
    ("use_apphbd no", &["HA0107"], "use_apphbd"),
    ("restart_grace 3", &["HA0108"], "restart_grace"),
    ("crm on", &["HA0110"], "on"),
    ("pacemaker off\ncrm off", &["HA0111"], "crm"),
    ("udp eth0", &["HA0112"], "udp"),
    ("nice_failback on", &["HA0113"], "nice_failback"),
    ("crm_daemon_dir /x", &["HA0107", "HA0116"], "crm_daemon_dir"),
    ("pacemaker off\ncrm_daemon_dir /x", &["HA0107", "HA0120"], "crm_daemon_dir"),
    ("pacemaker off\ncrmd_spawns_pengine on", &["HA0107", "HA0116"], "crmd_spawns_pengine"),
    ("udpport 700", &["HA0117", "HA0106"], "udpport"),
    ("serial /dev/ttyS0\nbaud 9600", &["HA0117"], "baud"),
    ("baud 9600\nbaud 9600", &["HA0118"], "baud"),
    ("watchdog /dev/ttyS0\nwatchdog /dev/ttyS1", &["HA0118"], "watchdog"),
    ("watchdog /dev/nosuch", &["HA0217"], "/dev/nosuch"),
    ("logfile /nosuch/ha-log", &["HA0106", "HA0218"], "logfile"),
    ("\u{feff}hopfudge 2", &["HA0101"], "\u{feff}hopfudge"),
    ("node web\u{fffd}3", &["HA0405", "HA0407"], "web\u{fffd}3"),
    ("conn_logd_time 30sec", &["HA0107", "HA0201"], "conn_logd_time"),
    ("auto_failback manual", &["HA0106", "HA0214"], "auto_failback"),
    ("auto_failback after 600", &["HA0106", "HA0214"], "auto_failback"),
    ("auto_failback after", &["HA0106", "HA0214", "HA0215"], "auto_failback"),
    ("auto_failback after soon", &["HA0106", "HA0214", "HA0201"], "auto_failback"),
    ("auto_failback after 600 more", &["HA0106", "HA0214", "HA0313"], "auto_failback"),
    ("failback 192.168.122.100 manual", &["HA0108"], "failback"),
    ("failback 192.168.122.100/24/eth0 after 10m", &["HA0108", "HA0202"], "failback"),
    ("failback", &["HA0108", "HA0215"], "failback"),
    ("failback 192.168.122.100 manuel", &["HA0108", "HA0215"], "failback"),
    ("failback 192.168.122.100 after", &["HA0108", "HA0215"], "failback"),
    ("failback 192.168.122.101 on", &["HA0108", "HA0216"], "failback"),
    ("failback 192.168.122.100 on yes", &["HA0108", "HA0313"], "failback"),
    ("hold_down 3", &["HA0108", "HA0215"], "hold_down"),
    ("hold_down 0 600", &["HA0108", "HA0205"], "hold_down"),
    ("hold_down 17 600", &["HA0108", "HA0205"], "hold_down"),
    ("monitor default every 10s timeout 20s", &["HA0108"], "monitor"),
    ("monitor nginx failures 2 restarts 5 in 1h then block", &["HA0108"], "monitor"),
    ("monitor 192.168.122.100 off", &["HA0108"], "monitor"),
    ("monitor", &["HA0108", "HA0219"], "monitor"),
    ("monitor default evry 10s", &["HA0108", "HA0219"], "monitor"),
    ("monitor default every", &["HA0108", "HA0219"], "monitor"),
    ("monitor default every soon", &["HA0108", "HA0201"], "monitor"),
    ("monitor default every 0", &["HA0108", "HA0203"], "monitor"),
    ("monitor default failures 0", &["HA0108", "HA0205"], "monitor"),
    ("monitor default restarts 101", &["HA0108", "HA0205"], "monitor"),
    ("monitor default every 5 every 6", &["HA0108", "HA0219"], "monitor"),
    ("monitor default then pray", &["HA0108", "HA0219"], "monitor"),
    ("monitor default off every 5", &["HA0108", "HA0219"], "monitor"),
    ("check nginx http http://10.0.0.1/ status 200 contains it works", &["HA0108"], "check"),
    ("check nginx tcp [::1]:80", &["HA0108"], "check"),
    ("check nginx process /run/nginx.pid", &["HA0108"], "check"),
    ("check nginx", &["HA0108", "HA0221"], "check"),
    ("check nginx htp http://10.0.0.1/", &["HA0108", "HA0221"], "check"),
    ("check nginx http ftp://10.0.0.1/", &["HA0108", "HA0221"], "check"),
    ("check nginx exec health", &["HA0108", "HA0221"], "check"),
    ("check nginx exec /etc/passwd --all", &["HA0108", "HA0223"], "check"),
    ("check nginx http http://10.0.0.1/ status 99", &["HA0108", "HA0205"], "check"),
    ("check nginx http http://10.0.0.1/ contains", &["HA0108", "HA0221"], "check"),
    ("check nginx tcp 10.0.0.1", &["HA0108", "HA0221"], "check"),
    ("check nginx tcp 10.0.0.1:80 now", &["HA0108", "HA0313"], "check"),
    ("check nginx process a-name-of-20-bytes..", &["HA0108", "HA0221"], "check"),
    ("check ngnix tcp 10.0.0.1:80", &["HA0108", "HA0220"], "check"),
    ("monitor nginx off\ncheck nginx tcp 10.0.0.1:80", &["HA0108", "HA0108", "HA0222"], "monitor"),
    ("monitor ngnix", &["HA0108", "HA0220"], "monitor"),
    ("monitor 192.168.122.100/24/eth0 every 5", &["HA0108"], "monitor"),
    ("keepalive 999us", &["HA0106", "HA0203"], "keepalive"),
    ("hold_down 3 0", &["HA0108", "HA0203"], "hold_down"),
    ("hold_down off", &["HA0108"], "hold_down"),
    ("restart_grace soon", &["HA0108", "HA0201"], "restart_grace"),
    ("agent_timeout 2m", &["HA0108", "HA0202"], "agent_timeout"),
    ("conn_logd_time 0", &["HA0107", "HA0203"], "conn_logd_time"),
    ("realtime maybe", &["HA0204"], "maybe"),
    ("hopfudge 256", &["HA0205"], "256"),
    ("hopfudge x", &["HA0212"], "x"),
    ("hopfudge -1", &["HA0205"], "-1"),
    ("debug \"1\"", &["HA0212"], "\"1\""),
    ("memreserve x", &["HA0205"], "x"),
    ("max_rexmit_delay 4294967297", &["HA0205"], "4294967297"),
    ("baud 19200\\", &["HA0212"], "19200\\"),
    ("baud 0x4b00", &["HA0206"], "0x4b00"),
    ("mcast eth0 239.0.0.42 69x 1 0", &["HA0212"], "69x"),
    ("mcast eth0 239.0.0.42 694 x 0", &["HA0212"], "x"),
    ("mcast eth0 239.0.0.42 694 1 on", &["HA0212"], "on"),
    ("mcast eth0 239.0.0.42 x 1 0", &["HA0302"], "x"),
    ("mcast eth0 239.0.0.42 694 1 2", &["HA0302"], "2"),
    ("mcast eth0 239.0.0.42 694 -1 0", &["HA0302"], "-1"),
    ("debug -1", &["HA0205"], "-1"),
    ("rtprio 0", &["HA0205"], "0"),
    ("msgfmt Classic", &["HA0206"], "Classic"),
    ("baud 4800", &["HA0206"], "4800"),
    ("autojoin other", &["HA0210"], "other"),
    ("autojoin sometimes", &["HA0206"], "sometimes"),
    ("env =x", &["HA0208"], "=x"),
    ("rtprio 3x", &["HA0212"], "3x"),
    ("ucast", &["HA0302"], "ucast"),
    ("ucast eth0", &["HA0302"], "eth0"),
    ("ucast eth0 192.168.122.23 more", &["HA0313"], "more"),
    ("ucast eth0 nowhere", &["HA0306"], "nowhere"),
    ("ucast eth7 192.168.122.23", &["HA0305"], "eth7"),
    ("ucast eth0 192.168.122.22", &["HA0311"], "eth0 192.168.122.22"),
    ("ucast6 eth0 ::1", &["HA0302"], "::1"),
    ("ucast6 eth0 web2", &["HA0302"], "web2"),
    ("mcast eth0 10.0.0.1 694 1 0", &["HA0302"], "10.0.0.1"),
    ("mcast eth0 225.0.0.1 694 5 0", &["HA0302"], "5"),
    ("mcast eth0 225.0.0.1 694 1", &["HA0302"], "1"),
    ("mcast eth0 225.0.0.1 694 1 2", &["HA0302"], "2"),
    ("mcast eth0 225.0.0.1 0 1 0", &["HA0302"], "0"),
    ("mcast eth7 225.0.0.1 694 1 0", &["HA0303"], "eth7"),
    ("mcast6 eth0 ff0e::1 694 1 0", &["HA0302"], "ff0e::1"),
    ("mcast6 eth0 ff32::1 694 1 0", &["HA0302"], "ff32::1"),
    ("mcast6 eth0 ff02:: 694 1 0", &["HA0302"], "ff02::"),
    ("bcast eth7", &["HA0303"], "eth7"),
    ("bcast bare0", &["HA0303"], "bare0"),
    ("bcast eth1", &["HA0304"], "eth1"),
    ("serial /etc/passwd", &["HA0308"], "/etc/passwd"),
    ("serial /dev/none", &["HA0308"], "/dev/none"),
    ("ping fe80::1", &["HA0302"], "fe80::1"),
    ("ping6 192.168.122.1", &["HA0302"], "192.168.122.1"),
    ("ping nowhere", &["HA0306"], "nowhere"),
    ("ping 192.168.122.1", &["HA0311"], "192.168.122.1"),
    ("ping_group gates", &["HA0309"], "ping_group"),
    ("ping_group gates 192.168.122.2 nowhere", &["HA0306"], "nowhere"),
    ("node web1", &["HA0404"], "web1"),
    ("node web3", &["HA0405"], "web3"),
    ("respawn", &["HA0501"], "respawn"),
    ("respawn root", &["HA0501"], "respawn"),
    ("respawn ghost /bin/true", &["HA0502"], "ghost"),
    ("respawn root true", &["HA0503"], "true"),
    ("respawn root /etc/passwd", &["HA0504"], "/etc/passwd"),
    ("failfast root /bin/none", &["HA0504"], "/bin/none"),
    ("apiauth", &["HA0510"], "apiauth"),
    ("apiauth foo", &["HA0510"], "apiauth"),
    ("apiauth foo bar=1", &["HA0510"], "bar=1"),
    ("apiauth foo uid=root uid=root", &["HA0510"], "uid=root"),
    ("apiauth foo uid=root,17 gid=haclient\napiauth bar gid=root", &["HA0107"], "apiauth"),
    ("apiauth foo uid=root\napiauth foo gid=root", &["HA0107", "HA0511"], "apiauth"),
    ("apiauth foo uid=ghost", &["HA0107", "HA0512"], "apiauth"),
    ("apiauth foo gid=ghost", &["HA0107", "HA0512"], "apiauth"),
    ("stonith", &["HA0520"], "stonith"),
    ("stonith_host", &["HA0520"], "stonith_host"),
    ("stonith_host *", &["HA0520"], "stonith_host"),
    ("stonith_host * null web2", &["HA0522"], "null"),
];

#[test]
fn broken_ha_cf_line_is_reported_with_rules_and_span() {
    for (lines, expected, first) in BROKEN {
        let text = ha_cf_and(lines);
        let findings = of_ha_cf(&text);
        let mut found = rules(&findings);
        found.sort_unstable();
        let mut wanted = expected.to_vec();
        wanted.sort_unstable();
        assert_eq!(found, wanted, "{lines}");
        assert_eq!(marked(&findings, expected[0], &text), *first, "{lines}");
    }
}

#[test]
fn ha_cf_line_accepted_silently_by_c_heartbeat_gives_no_finding() {
    for line in [
        "",
        "# comment",
        "   hopfudge 2 # comment",
        "realtime Y",
        "syslogmsgfmt no",
        "log_badpack 0",
        "baud 9600",
        "baud +19200",
        "hopfudge +1",
        "coreroot /nowhere",
        "env A=b C D=",
        "rtprio 99",
        "memreserve 1",
        "compression bz2",
        "traditional_compression yes",
        "hbgenmethod time",
        "uuidfrom nodename",
        "autojoin NONE",
        "crm off",
        "msgfmt netstring",
        "bcast eth0",
        "mcast eth0 225.0.0.1 694 4 0",
        "mcast6 eth0 ff02::abcd 694 1 0",
        "ucast6 eth0 fe80::1",
        "ucast eth0 192.168.122.20",
        "serial /dev/ttyS0 /dev/ttyS1",
        "ping 192.168.122.2,192.168.122.3",
        "ping6 fe80::1",
        "ping_group gates 192.168.122.1 192.168.122.2",
        "respawn root /bin/true -x # why",
        "failfast nobody /bin/true",
        "deadping 10",
        "max_rexmit_delay 100",
    ] {
        assert_eq!(rules(&of_ha_cf(&ha_cf_and(line))), [""; 0], "{line}");
    }
}

#[test]
fn medium_or_ping_line_gives_finding_only_without_value() {
    for (line, expected) in [
        ("ucast eth0 192.168.122.23", None),
        ("bcast eth0", None),
        ("mcast eth0 225.0.0.1 694 1 0", None),
        ("mcast6 eth0 ff02::abcd 694 1 0", None),
        ("ucast6 eth0 fe80::1", None),
        ("serial /dev/ttyS0", None),
        ("ping 192.168.122.2", None),
        ("ping6 fe80::1", None),
        ("ping_group gates 192.168.122.2", None),
        // Without a value no socket has to be opened.
        ("bcast", Some("HA0104")),
        ("serial", Some("HA0104")),
    ] {
        let loaded = load_all(&ha_cf_and(line), AUTHKEYS, HARESOURCES);
        assert_eq!(rules(&loaded.findings), Vec::from_iter(expected), "{line}");
        assert!(loaded.config.is_some(), "{line}");
    }
}

#[test]
fn media_on_one_interface_share_one_link() {
    let text = ha_cf_and("bcast eth0\nserial /dev/ttyS0\nmcast eth0 225.0.0.1 694 1 0");
    let config = load_all(&text, AUTHKEYS, HARESOURCES).config.unwrap();
    assert_eq!(config.media.len(), 4);
    assert_eq!(config.settings().links, ["eth0", "/dev/ttyS0", SERVICE_LINK]);
}

#[test]
fn baud_applies_to_serial_lines_below() {
    let text = ha_cf_and("serial /dev/ttyS1\nbaud 9600\nserial /dev/ttyS0");
    let config = load_all(&text, AUTHKEYS, HARESOURCES).config.unwrap();
    let rates: Vec<_> = config
        .media
        .iter()
        .filter_map(|medium| match medium {
            Medium::Serial { tty, baud } => Some((tty.as_str(), *baud)),
            Medium::Ucast { .. }
            | Medium::Bcast { .. }
            | Medium::Mcast { .. }
            | Medium::Ucast6 { .. }
            | Medium::Mcast6 { .. } => None,
        })
        .collect();
    assert_eq!(rates, [("/dev/ttyS1", 19_200), ("/dev/ttyS0", 9600)]);
}

#[test]
fn slash_comment_in_free_text_value_is_only_a_warning() {
    for (line, rule) in [("node // two", "HA0102"), ("cluster red // blue", "HA0102")] {
        let findings = of_ha_cf(&ha_cf_and(line));
        let found = findings.iter().find(|finding| finding.rule == rule).unwrap();
        assert_eq!(found.severity, Severity::Warning, "{line}");
    }
}

#[test]
fn ha_cf_line_that_is_too_long_gives_finding() {
    let findings = of_ha_cf(&ha_cf_and(&format!("# {}", "x".repeat(5200))));
    assert_eq!(rules(&findings), ["HA0109"]);
}

#[test]
fn udpport_of_known_service_or_out_of_range_gives_finding() {
    for (port, rule, used) in [("53", "HA0312", 53), ("70000", "HA0213", 4464)] {
        let text = HA_CF.replace("udpport 694", &format!("udpport {port}"));
        let loaded = load_all(&text, AUTHKEYS, HARESOURCES);
        assert_eq!(rules(&loaded.findings), [rule]);
        let config = loaded.config.unwrap();
        assert!(matches!(config.media[0], Medium::Ucast { port, .. } if port == used));
    }
}

#[test]
fn udpport_applies_to_media_below() {
    let text = HA_CF.replace("udpport 694", "bcast eth0\nudpport 700");
    let mut findings = Vec::new();
    let sources = sources(&text, AUTHKEYS, HARESOURCES);
    let draft = with_facts(|facts| super::parse(&sources, facts, &mut findings));
    assert_eq!(rules(&findings), ["HA0117"]);
    let ports: Vec<u16> = draft
        .media
        .iter()
        .map(|medium| match &medium.value {
            Medium::Ucast { port, .. } | Medium::Bcast { port, .. } => *port,
            Medium::Mcast { .. }
            | Medium::Ucast6 { .. }
            | Medium::Mcast6 { .. }
            | Medium::Serial { .. } => panic!("{medium:?}"),
        })
        .collect();
    assert_eq!(ports, [694, 700]);
}

#[test]
fn keepalive_with_several_words_uses_the_last_word() {
    let text = HA_CF.replace("keepalive 2", "keepalive 1,500ms");
    let loaded = load_all(&text, AUTHKEYS, HARESOURCES);
    assert_eq!(loaded.config.unwrap().settings().keepalive, Duration::from_millis(500));
}

#[test]
fn deadtime_with_unit_s_is_accepted_with_fix_for_c_node() {
    let text = HA_CF.replace("deadtime 30", "deadtime 30s");
    let loaded = load_all(&text, AUTHKEYS, HARESOURCES);
    assert_eq!(rules(&loaded.findings), ["HA0202"]);
    assert_eq!(loaded.findings[0].fix.as_ref().unwrap().text, "30");
    assert_eq!(loaded.config.unwrap().settings().deadtime, Duration::from_secs(30));
}

#[test]
fn misspelt_directive_gets_a_suggested_fix() {
    let findings = of_ha_cf(&ha_cf_and("keepalvie 2"));
    assert_eq!(findings[0].fix.as_ref().unwrap().text, "keepalive");
    assert_eq!(findings[0].original, ["ERROR: Illegal directive [keepalvie] in /etc/ha.d//ha.cf"]);
}

#[test]
fn respawn_of_ipfail_enables_built_in_ipfail_whatever_its_path() {
    let line = "respawn hacluster /usr/lib64/heartbeat/ipfail";
    assert!(HA_CF.contains(line));
    for folder in ["/usr/lib64", "/usr/lib", "/usr/libexec", "/usr/lib/x86_64-linux-gnu", "/opt"] {
        let other = format!("respawn hacluster {folder}/heartbeat/ipfail");
        let loaded = load_all(&HA_CF.replace(line, &other), AUTHKEYS, HARESOURCES);
        let config = loaded.config.unwrap();
        assert!(config.ipfail && config.clients.is_empty(), "{other}");
    }
}
