use super::*;
use crate::medium::Medium;
use crate::source::{Content, File};
use crate::testing::{
    AUTHKEYS, HA_CF, HARESOURCES, ha_cf_and, load_all, rules, sources, with_facts,
};
use proptest::prelude::*;
use std::time::Duration;
use systole_core::{GroupId, LastResort, Monitor, NodeId, Probe, SERVICE_LINK, Settings};

#[test]
fn tutorial_files_load_without_findings() {
    let loaded = load_all(HA_CF, AUTHKEYS, HARESOURCES);
    assert_eq!(loaded.findings, []);
    assert_eq!(loaded.exit_code(), None);
    let config = loaded.config.unwrap();
    let medium =
        Medium::Ucast { device: "eth0".to_owned(), host: "192.168.122.22".to_owned(), port: 694 };
    assert_eq!(config.media, [medium]);
    assert_eq!(config.logging.facility.as_deref(), Some("local0"));
    let settings = config.settings();
    assert_eq!(settings.nodes, ["web1", "web2"]);
    assert_eq!(settings.me, NodeId(0));
    assert_eq!(settings.links, ["eth0", SERVICE_LINK]);
    assert_eq!(settings.ping_nodes, ["192.168.122.1"]);
    assert_eq!(settings.keepalive, Duration::from_secs(2));
    assert_eq!(settings.deadtime, Duration::from_secs(30));
    assert_eq!(settings.warntime, Duration::from_secs(10));
    assert_eq!(settings.initdead, Duration::from_mins(1));
    assert_eq!(settings.deadping, Duration::from_secs(30));
    assert_eq!(settings.rexmit_delay, Duration::from_millis(250));
    assert_eq!(settings.failback, Failback::On);
    assert!(settings.ipfail);
    assert_eq!(settings.groups[0].name(), "192.168.122.100/24/eth0");
}

#[test]
fn load_without_facts_checks_files_alone() {
    let loaded = load(&sources(HA_CF, AUTHKEYS, "web2 nothing 1.2.3.4\n"), &Facts::default());
    assert_eq!(loaded.findings, []);
    assert_eq!(loaded.config.unwrap().node_name, "web1");
}

#[test]
fn options_list_written_and_default_values_in_order_of_c_heartbeat() {
    let config = load_all(HA_CF, AUTHKEYS, HARESOURCES).config.unwrap();
    let listed: Vec<String> =
        config.options().iter().map(|one| format!("{}={}", one.directive, one.value)).collect();
    assert_eq!(
        listed[..12],
        [
            "cluster=linux-ha",
            "hopfudge=1",
            "keepalive=2",
            "deadtime=30",
            "deadping=30000ms",
            "initdead=60",
            "warntime=10",
            "baud=19200",
            "udpport=694",
            "logfacility=local0",
            "logfile=/var/log/ha-log",
            "debugfile=/var/log/ha-debug",
        ]
    );
    assert_eq!(config.option("auto_failback"), Some("on"));
    assert_eq!(config.option("watchdog"), None);
}

#[test]
fn initdead_and_warntime_when_unset_are_derived_from_deadtime() {
    for (deadtime, initdead) in [("30", 30), ("10", 20), ("6", 12), ("5", 12)] {
        let text = HA_CF
            .replace("deadtime 30", &format!("deadtime {deadtime}"))
            .replace("initdead 60\n", "")
            .replace("warntime 10\n", "");
        let settings = load_all(&text, AUTHKEYS, HARESOURCES).config.unwrap().settings();
        assert_eq!(settings.initdead, Duration::from_secs(initdead), "{deadtime}");
        assert_eq!(settings.warntime, settings.deadtime / 2);
    }
}

#[test]
fn unreadable_config_file_gives_exit_code_of_its_cause() {
    with_facts(|facts| {
        for file in [File::HaCf, File::Authkeys, File::Haresources] {
            let unreadable = Content::Unreadable("it is a directory");
            for (content, code) in [(Content::Missing, 6), (Content::Denied, 4), (unreadable, 6)] {
                let mut sources = sources(HA_CF, AUTHKEYS, HARESOURCES);
                match file {
                    File::HaCf => sources.ha_cf.content = content,
                    File::Authkeys => sources.authkeys.content = content,
                    File::Haresources => sources.haresources.content = content,
                }
                let loaded = load(&sources, facts);
                assert_eq!(loaded.exit_code(), Some(code), "{file}");
                assert_eq!(loaded.findings.len(), 1, "{file}: {:?}", rules(&loaded.findings));
                let says_what_it_is = loaded.findings[0].message.ends_with("it is a directory");
                assert_eq!(says_what_it_is, content == unreadable);
                assert_eq!(loaded.config, None);
            }
        }
    });
}

#[test]
fn load_with_several_broken_files_reports_findings_of_all_files() {
    let loaded = load_all("keepalvie 2\nfoo\n", "auth x\nbar\n", "web9 nothing\n");
    let found = rules(&loaded.findings);
    for rule in ["HA0101", "HA0301", "HA0401", "HA0610", "HA0612"] {
        assert!(found.contains(&rule), "{rule} is not among {found:?}");
    }
    assert_eq!(found.iter().filter(|rule| **rule == "HA0101").count(), 2);
}

fn check_findings(ha_cf: &str, authkeys: &str, haresources: &str) {
    let sources = sources(ha_cf, authkeys, haresources);
    with_facts(|facts| {
        let loaded = load(&sources, facts);
        for finding in &loaded.findings {
            let text = sources.get(finding.file).text_or_empty();
            assert!(text.get(finding.span.clone()).is_some(), "{finding:?}");
            if let Some(fix) = &finding.fix {
                assert!(text.get(fix.span.clone()).is_some(), "{finding:?}");
            }
            let (line, column) = finding.position(&sources);
            assert!(line >= 1 && column >= 1);
        }
        let rendered = crate::render(&loaded.findings, &sources, false);
        assert_eq!(rendered.is_empty(), loaded.findings.is_empty());
        if let Some(config) = loaded.config {
            let settings = config.settings();
            assert!(
                settings.groups.iter().all(|group| group.preferred.index() < settings.nodes.len())
            );
        }
    });
}

/// Lines made of words with a meaning, so that unusual cases are frequent.
fn lines(words: &'static [&'static str]) -> impl Strategy<Value = String> {
    let word = prop_oneof![prop::sample::select(words).prop_map(str::to_owned), "\\PC{0,6}"];
    prop::collection::vec(prop::collection::vec(word, 0..6).prop_map(|line| line.join(" ")), 0..8)
        .prop_map(|lines| lines.join("\n"))
}

static HA_CF_WORDS: &[&str] = &[
    "keepalive",
    "deadtime",
    "node",
    "web1",
    "2s",
    "ucast",
    "eth0",
    "mcast",
    "bcast",
    "udp",
    "//",
    "#",
    "ping",
    "ping_group",
    "apiauth",
    "uid=root",
    "respawn",
    "root",
    "stonith_host",
    "*",
    "env",
    "crm",
    "on",
    "baud",
    "\t",
    ",",
    "ü",
    "\r",
    "0",
    "ff02::1",
    "192.168.122.22",
];
static HARESOURCES_WORDS: &[&str] = &[
    "web1",
    "web2",
    "nginx",
    "\\",
    "\\\n",
    "#",
    "\r",
    "10.0.0.9/24",
    "IPaddr::",
    "IPv6addr::fe80::1",
    "::",
    "a::::b",
    "fe80::1/64/eth0",
    "//",
    "ü",
    "1.2.3.4/eth0",
];
static AUTHKEYS_WORDS: &[&str] =
    &["auth", "1", "16", "md5", "sha1", "crc", "key", "#", "//", "\r", "ü", "a"];

proptest! {
    #[test]
    fn load_of_random_words_never_panics_and_keeps_spans_inside_files(
        ha_cf in lines(HA_CF_WORDS),
        authkeys in lines(AUTHKEYS_WORDS),
        haresources in lines(HARESOURCES_WORDS),
    ) {
        check_findings(&ha_cf, &authkeys, &haresources);
        check_findings(HA_CF, &authkeys, &haresources);
    }

    #[test]
    fn load_of_arbitrary_text_never_panics(text in "(?s).{0,200}") {
        check_findings(&text, &text, &text);
    }
}

#[test]
fn failback_lines_set_cluster_and_group_policy_and_hold_down_its_limits() {
    let settings = |lines: &str| {
        let text = HA_CF.replace("auto_failback on", lines);
        load_all(&text, AUTHKEYS, HARESOURCES).config.unwrap().settings()
    };
    let usual = settings("auto_failback on");
    let hold_down = usual.hold_down.unwrap();
    assert_eq!((hold_down.moves, hold_down.window), (6, Duration::from_mins(10)));
    assert!(hold_down.first < hold_down.longest && usual.group_failback.is_empty());
    let group = GroupId(0);
    for (lines, all, one) in [
        ("auto_failback manual", Failback::Manual, Failback::Manual),
        ("auto_failback after 90", AFTER, AFTER),
        ("auto_failback on\nfailback 192.168.122.100 off", Failback::On, Failback::Off),
        ("auto_failback off\nfailback 192.168.122.100 after 90", Failback::Off, AFTER),
        (
            "auto_failback off\nfailback 192.168.122.100 on\nfailback 192.168.122.100 manual",
            Failback::Off,
            Failback::Manual,
        ),
    ] {
        let settings = settings(lines);
        assert_eq!((settings.failback, settings.failback_of(group)), (all, one), "{lines}");
    }
    assert_eq!(settings("auto_failback on\nhold_down off").hold_down, None);
    let own = settings("auto_failback on\nhold_down 5 30").hold_down.unwrap();
    assert_eq!((own.moves, own.window), (5, Duration::from_secs(30)));
}

#[test]
fn most_specific_monitor_line_counts_for_each_service() {
    const GROUPS: &str = "web1 192.168.122.100/24/eth0 Filesystem::/dev/sdb1::/srv nginx\n\
                          web2 192.168.122.101/24/eth0 postgresql\n";
    let every = |lines: &str| {
        let loaded = load_all(&ha_cf_and(lines), AUTHKEYS, GROUPS);
        let monitors = loaded.config.expect("it is sound").settings().monitors;
        let short =
            |(group, place, it): (GroupId, usize, Monitor)| (group.0, place, it.every.as_secs());
        monitors.into_iter().map(short).collect::<Vec<_>>()
    };
    assert_eq!(every(""), []);
    assert_eq!(every("monitor default"), [(0, 1, 10), (0, 2, 10), (1, 1, 10)]);
    let group = "monitor 192.168.122.100 every 5\nmonitor default every 7";
    assert_eq!(every(group), [(0, 1, 5), (0, 2, 5), (1, 1, 7)]);
    let agent = "monitor Filesystem off\nmonitor nginx every 3\nmonitor 192.168.122.100 every 5";
    assert_eq!(every(agent), [(0, 2, 3)]);
    assert_eq!(every("monitor nginx every 3\nmonitor nginx every 4"), [(0, 2, 4)]);
}

#[test]
fn check_line_adds_probe_and_makes_its_service_monitored() {
    let settings = |lines: &str| {
        let loaded = load_all(&ha_cf_and(lines), AUTHKEYS, HARESOURCES);
        loaded.config.expect("it is sound").settings()
    };
    let of =
        settings("check nginx http http://[::1]/a status 201 contains {\"ok\": 1,  \"db\": 2}");
    let probe = Probe::Http {
        is_tls: false,
        host: "::1".to_owned(),
        port: 80,
        path: "/a".to_owned(),
        status: Some(201),
        contains: Some("{\"ok\": 1,  \"db\": 2}".to_owned()),
    };
    assert_eq!(of.probes, [(GroupId(0), 1, probe)]);
    let alone = Monitor { asks_agent: false, ..Monitor::default() };
    assert_eq!(of.monitors, [(GroupId(0), 1, alone)]);
    let both = settings("monitor default\ncheck nginx tcp 10.0.0.1:80");
    assert_eq!(both.monitors, [(GroupId(0), 1, Monitor::default())]);
    let off = settings("monitor default agent off\ncheck nginx tcp 10.0.0.1:80");
    assert_eq!(off.monitors, [(GroupId(0), 1, alone)]);
    let nothing_else = settings("monitor default agent off");
    assert_eq!(nothing_else.monitors, [(GroupId(0), 1, Monitor::default())]);
    let programs = settings("check nginx exec /bin/true -v https://x/");
    let arguments = vec!["-v".to_owned(), "https://x/".to_owned()];
    assert_eq!(programs.probes[0].2, Probe::Exec { program: "/bin/true".to_owned(), arguments });
    let secure = settings("check nginx http https://web.example.org");
    assert!(matches!(secure.probes[0].2, Probe::Http { is_tls: true, port: 443, .. }));
    let two =
        settings("check nginx tcp 10.0.0.1:80\ncheck nginx process nginx\nmonitor nginx every 3");
    assert_eq!((two.probes.len(), two.monitors[0].2.every), (2, Duration::from_secs(3)));
    let off = settings("monitor nginx off\ncheck nginx tcp 10.0.0.1:80");
    assert_eq!(off.monitors, []);
}

#[test]
fn monitor_line_sets_each_part_and_leaves_others_at_their_default() {
    let monitor = |line: &str| {
        let loaded = load_all(&ha_cf_and(line), AUTHKEYS, HARESOURCES);
        loaded.config.expect("it is sound").settings().monitors[0].2
    };
    assert_eq!(monitor("monitor default"), Monitor::default());
    let line = "monitor nginx then ignore restarts 5 in 1h failures 2 agent off timeout 3s every 500ms\n\
                check nginx process nginx";
    let expected = Monitor {
        every: Duration::from_millis(500),
        timeout: Duration::from_secs(3),
        failures: 2,
        restarts: 5,
        within: Duration::from_hours(1),
        asks_agent: false,
        then: LastResort::Ignore,
    };
    assert_eq!(monitor(line), expected);
}

const AFTER: Failback = Failback::After(Duration::from_secs(90));

#[test]
fn byte_order_mark_is_reported_in_each_file_without_fix() {
    let marked = [HA_CF, AUTHKEYS, HARESOURCES].map(|text| format!("\u{feff}{text}"));
    let loaded = load_all(&marked[0], &marked[1], &marked[2]);
    for rule in ["HA0101", "HA0612", "HA0703"] {
        let finding = loaded.findings.iter().find(|finding| finding.rule == rule).unwrap();
        assert_eq!(finding.message, "the file begins with a byte order mark (U+FEFF)");
        assert_eq!(finding.fix, None);
        assert!(finding.help.as_ref().is_some_and(|help| help.contains("UTF-8 without")));
    }
}

#[test]
fn config_without_optional_lines_has_default_settings() {
    let text = "node web2 web1\nucast eth0 192.168.122.20\n";
    let loaded = with_facts(|facts| {
        let facts = Facts { node_name: Some("web2"), ..*facts };
        load(&sources(text, AUTHKEYS, ""), &facts)
    });
    let settings = loaded.config.unwrap().settings();
    let said = Settings {
        node_order: vec![NodeId(1), NodeId(0)],
        links: ["eth0", SERVICE_LINK].map(str::to_owned).to_vec(),
        ..Settings::new(NodeId(1), ["web1", "web2"])
    };
    assert_eq!(settings, said);
}

#[test]
fn nodes_and_ping_nodes_are_listed_in_order_of_their_lines() {
    let text = HA_CF.replacen("node", "ping 10.9.9.9\nnode", 1);
    let config = load_all(&text, AUTHKEYS, HARESOURCES).config.unwrap();
    let place = |name: &str| config.listed.iter().position(|listed| listed == name).unwrap();
    assert_eq!(config.listed.len(), config.nodes.len() + config.ping_nodes.len());
    assert!(place("10.9.9.9") < place(&config.nodes[0]), "{:?}", config.listed);
    assert!(place(&config.nodes[0]) < place(&config.nodes[1]), "{:?}", config.listed);
}
