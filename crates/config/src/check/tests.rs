use crate::load;
use crate::testing::{AUTHKEYS, HA_CF, HARESOURCES, of_ha_cf, rules, sources, with_facts};

/// A replacement in the tutorial's ha.cf, and the rules that it breaks.
const CHANGES: &[(&str, &str, &[&str])] = &[
    ("node web1\nnode web2\n", "", &["HA0401"]),
    ("node web1\nnode web2\n", "node //\n", &["HA0102", "HA0401"]),
    ("node web1\n", "node web1.example.org\n", &["HA0402"]),
    ("node web2\n", "", &["HA0403"]),
    ("ucast eth0 192.168.122.22\n", "", &["HA0301"]),
    ("ucast eth0 192.168.122.22\n", "ucast eth0 192.168.122.20\n", &["HA0307"]),
    ("ucast eth0 192.168.122.22\n", "ucast eth0 web1\n", &["HA0307"]),
    ("ucast eth0 192.168.122.22\n", "ucast eth0 web2\n", &[]),
    ("deadtime 30", "deadtime 4", &["HA0411", "HA0412"]),
    ("deadtime 30", "deadtime 12", &[]),
    ("deadtime 30", "deadtime 0", &["HA0411", "HA0412"]),
    ("warntime 10", "warntime 31", &["HA0412"]),
    ("warntime 10", "warntime 2", &["HA0417"]),
    ("warntime 10", "warntime 0", &["HA0203"]),
    ("initdead 60", "initdead 29", &["HA0413"]),
    ("initdead 60", "initdead 59", &["HA0414"]),
    ("initdead 60\n", "", &[]),
    ("deadtime 30\nwarntime 10\ninitdead 60", "deadtime 4500ms\ninitdead 9", &["HA0415"]),
    ("initdead 60", "initdead 60\ndeadping 4", &["HA0416"]),
    ("auto_failback on\n", "", &["HA0209", "HA0506"]),
    ("auto_failback on", "auto_failback legacy", &["HA0209", "HA0506"]),
    ("auto_failback on", "auto_failback yes", &[]),
    ("auto_failback on", "auto_failback perhaps", &["HA0206", "HA0209", "HA0506"]),
    ("ping 192.168.122.1\n", "", &["HA0505"]),
    ("logfacility local0", "logfacility LOCAL0", &["HA0207"]),
    ("logfile /var/log/ha-log", "logfile /nosuch/ha-log", &["HA0218"]),
    ("logfile /var/log/ha-log", "logfile /var/log", &["HA0218"]),
    ("logfile /var/log/ha-log", "logfile /ha-log", &[]),
    ("logfile /var/log/ha-log", "logfile ha-log", &[]),
    ("debugfile /var/log/ha-debug", "debugfile /etc/passwd/ha-debug", &["HA0218"]),
    ("keepalive 2", "keepalive 2\nwatchdog /dev/ttyS0", &[]),
    ("keepalive 2", "keepalive 2\nwatchdog /dev/nosuch", &["HA0217"]),
    (
        "debugfile /var/log/ha-debug\nlogfile /var/log/ha-log\nlogfacility local0\n",
        "use_logd off\n",
        &["HA0107", "HA0211"],
    ),
];

#[test]
fn directives_in_conflict_with_config_or_machine_give_findings() {
    for (from, to, expected) in CHANGES {
        assert!(HA_CF.contains(from), "{from}");
        let findings = of_ha_cf(&HA_CF.replace(from, to));
        let about_ha_cf = findings.iter().filter(|finding| finding.file == crate::File::HaCf);
        let mut found: Vec<_> = about_ha_cf.map(|finding| finding.rule).collect();
        found.sort_unstable();
        assert_eq!(found, expected.to_vec(), "{from} -> {to}");
    }
}

#[test]
fn config_with_too_many_nodes_or_media_gives_finding() {
    let nodes: Vec<String> = (0..16).map(|at| format!("node n{at}")).collect();
    assert!(rules(&of_ha_cf(&format!("{HA_CF}{}", nodes.join("\n")))).contains(&"HA0406"));
    let media: Vec<String> = (30..46).map(|at| format!("ucast eth0 192.168.122.{at}")).collect();
    assert_eq!(rules(&of_ha_cf(&format!("{HA_CF}{}", media.join("\n")))), ["HA0310"]);
}

#[test]
fn nodeinfo_overrides_host_name_as_node_name() {
    with_facts(|facts| {
        let mut facts = *facts;
        facts.node_name = Some("host7");
        let sources = sources(HA_CF, AUTHKEYS, HARESOURCES);
        let loaded = load(&sources, &facts);
        assert_eq!(rules(&loaded.findings), ["HA0402"]);
        assert!(loaded.findings[0].message.contains("`uname -n` says `host7`"));
        facts.nodeinfo = Some("Web2");
        assert_eq!(load(&sources, &facts).config.unwrap().node_name, "web2");
    });
}

#[test]
fn node_line_with_domain_name_suggests_short_name() {
    let findings = of_ha_cf(&HA_CF.replace("node web1", "node web1.example.org"));
    assert_eq!(findings[0].fix.as_ref().unwrap().text, "web1");
    assert_eq!(findings[0].original[0], "ERROR: Current node [web1] not in configuration!");
}
