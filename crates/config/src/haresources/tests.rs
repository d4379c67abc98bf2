use crate::testing::{AUTHKEYS, HA_CF, ha_cf_and, load_all, marked, rules};
use systole_core::{AddressSpec, NodeId, ResourceKind};

fn agent(name: &str, arguments: &[&str]) -> ResourceKind {
    ResourceKind::Agent {
        name: name.to_owned(),
        arguments: arguments.iter().map(|&one| one.to_owned()).collect(),
    }
}

fn address(text: &str, prefix: Option<u8>, interface: Option<&str>) -> ResourceKind {
    ResourceKind::Address(AddressSpec {
        address: text.parse().unwrap(),
        prefix,
        interface: interface.map(str::to_owned),
        broadcast: None,
    })
}

#[test]
fn haresources_word_is_parsed_as_address_or_agent() {
    for (word, expected) in [
        ("192.168.122.100", address("192.168.122.100", None, None)),
        ("192.168.122.100/24/eth0", address("192.168.122.100", Some(24), Some("eth0"))),
        ("IPaddr::192.168.122.100/24", address("192.168.122.100", Some(24), None)),
        ("IPaddr2::192.168.122.100/24/eth0", address("192.168.122.100", Some(24), Some("eth0"))),
        ("IPv6addr::2001:db8::100/64/eth0", address("2001:db8::100", Some(64), Some("eth0"))),
        ("2001:db8::100", address("2001:db8::100", None, None)),
        ("nginx", agent("nginx", &[])),
        ("drbddisk::r0", agent("drbddisk", &["r0"])),
        (
            "Filesystem::/dev/sda1::/data::ext4",
            agent("Filesystem", &["/dev/sda1", "/data", "ext4"]),
        ),
        ("OCF::Dummy::one", agent("OCF", &["Dummy", "one"])),
    ] {
        let loaded = load_all(HA_CF, AUTHKEYS, &format!("web1 {word}\n"));
        let config = loaded.config.unwrap_or_else(|| panic!("{word}: {:?}", loaded.findings));
        assert_eq!(config.groups[0].resources[0].kind, expected, "{word}");
        assert_eq!(config.groups[0].resources[0].word, word);
    }
}

#[test]
fn address_agent_script_turns_address_into_ipaddr_agent() {
    let text = ha_cf_and("address_agent script");
    let config = load_all(&text, AUTHKEYS, "web1 192.168.122.100/24\n").config.unwrap();
    assert_eq!(config.groups[0].resources[0].kind, agent("IPaddr", &["192.168.122.100/24"]));
}

/// A haresources file, the rules that it breaks, what is marked first, and the words of its groups.
type Case =
    (&'static str, &'static [&'static str], &'static str, &'static [&'static [&'static str]]);

const LINES: &[Case] = &[
    ("WEB1 nginx\n", &[], "", &[&["nginx"]]),
    ("  web1\t nginx  postgresql\n", &[], "", &[&["nginx", "postgresql"]]),
    ("web1 nginx # why\n", &[], "", &[&["nginx"]]),
    ("web1 nginx#x postgresql\n", &[], "", &[&["nginx"]]),
    ("# all\n\nweb2 nginx", &[], "", &[&["nginx"]]),
    ("web1 nginx \\\n  postgresql\n", &[], "", &[&["nginx", "postgresql"]]),
    ("web1 ngi\\\nnx\n", &[], "", &[&["nginx"]]),
    ("web1 nginx\nweb2 postgresql\n", &[], "", &[&["nginx"], &["postgresql"]]),
    ("# web1 \\\nweb1 nginx\n", &[], "", &[&["nginx"]]),
    ("n1,n2 nginx\n", &["HA0703"], "n1,n2", &[]),
    ("web11 nginx\n", &["HA0703"], "web11", &[]),
    ("// web1 nginx\n", &["HA0704"], "//", &[]),
    ("web1 apache2\n", &["HA0728"], "apache2", &[&["apache2"]]),
    ("web1\n", &["HA0705"], "web1", &[]),
    ("web1 nginx postgresql nginx\n", &["HA0706"], "nginx", &[&["nginx", "postgresql", "nginx"]]),
    (
        "web1 192.168.122.100\nweb2 IPaddr2::192.168.122.100\n",
        &["HA0706"],
        "IPaddr2::192.168.122.100",
        &[&["192.168.122.100"], &["IPaddr2::192.168.122.100"]],
    ),
    ("web1 nginx\nweb1 nginx\n", &["HA0707"], "nginx", &[&["nginx"]]),
    ("web1 nginx\nweb2 nginx\n", &["HA0707"], "nginx", &[&["nginx"], &["nginx"]]),
    (
        "web1 nginx\nweb2 postgresql nginx\n",
        &["HA0708", "HA0706"],
        "nginx",
        &[&["nginx"], &["postgresql", "nginx"]],
    ),
    (
        "web1 nginx \\\n postgresql # x\n",
        &["HA0709", "HA0712", "HA0712"],
        "# x",
        &[&["nginx", "postgresql", "#", "x"]],
    ),
    ("web1 nginx # x \\\nweb2 postgresql\n", &["HA0710"], "\\", &[&["nginx"], &["postgresql"]]),
    ("web1 nginx # x \\\npostgresql Dummy\n", &["HA0710", "HA0717"], "\\", &[&["nginx"]]),
    (
        "web1 nginx \\ \nweb2 postgresql\n",
        &["HA0711", "HA0712"],
        "\\ ",
        &[&["nginx", "\\"], &["postgresql"]],
    ),
    ("web1 ngnix\n", &["HA0712"], "ngnix", &[&["ngnix"]]),
    ("web1 OCF::Dumy::x\n", &["HA0712"], "OCF::Dumy::x", &[&["OCF::Dumy::x"]]),
    ("web1 OCF::Dummy::one\n", &[], "", &[&["OCF::Dummy::one"]]),
    ("web1 OCF::Dummy::two\n", &["HA0712"], "OCF::Dummy::two", &[&["OCF::Dummy::two"]]),
    ("# nothing\n", &["HA0713"], "", &[]),
    ("web1 drbddisk::::r0\n", &["HA0715"], "drbddisk::::r0", &[&["drbddisk::::r0"]]),
    ("web1 nginx\r\n", &["HA0716"], "\r", &[&["nginx"]]),
    (
        "web1 nginx \\\r\nweb2 postgresql\n",
        &["HA0711", "HA0716", "HA0712"],
        "\\\r",
        &[&["nginx", "\\"], &["postgresql"]],
    ),
    ("web1 nginx // x\n", &["HA0718", "HA0712"], "//", &[&["nginx", "//", "x"]]),
    ("web1 300.1.1.1\n", &["HA0720"], "300.1.1.1", &[&["300.1.1.1"]]),
    ("web1 IPaddr::gateway\n", &["HA0720"], "IPaddr::gateway", &[&["IPaddr::gateway"]]),
    ("web1 IPv6addr::10.0.0.9\n", &["HA0720"], "IPv6addr::10.0.0.9", &[&["IPv6addr::10.0.0.9"]]),
    ("web1 192.168.122.100/33\n", &["HA0721"], "192.168.122.100/33", &[&["192.168.122.100/33"]]),
    (
        "web1 192.168.122.100/eth0\n",
        &["HA0722"],
        "192.168.122.100/eth0",
        &[&["192.168.122.100/eth0"]],
    ),
    ("web1 172.16.0.1\n", &["HA0723"], "172.16.0.1", &[&["172.16.0.1"]]),
    ("web1 10.0.0.9/24/eth0\n", &["HA0723"], "10.0.0.9/24/eth0", &[&["10.0.0.9/24/eth0"]]),
    ("web1 172.16.0.1/32/lo\n", &[], "", &[&["172.16.0.1/32/lo"]]),
    ("web1 10.0.0.1\n", &["HA0724"], "10.0.0.1", &[&["10.0.0.1"]]),
    (
        "web1 192.168.122.100/24/eth7\n",
        &["HA0725"],
        "192.168.122.100/24/eth7",
        &[&["192.168.122.100/24/eth7"]],
    ),
    ("web1 192.168.122.100/24/eth0:1\n", &[], "", &[&["192.168.122.100/24/eth0:1"]]),
    (
        "web1 192.168.122.100/24/1.2.3\n",
        &["HA0726"],
        "192.168.122.100/24/1.2.3",
        &[&["192.168.122.100/24/1.2.3"]],
    ),
    ("web1 2001:db8::100\n", &["HA0727"], "2001:db8::100", &[&["2001:db8::100"]]),
];

#[test]
fn haresources_line_gives_expected_groups_and_findings() {
    for (text, expected, first, words) in LINES {
        let loaded = load_all(HA_CF, AUTHKEYS, text);
        let mut found = rules(&loaded.findings);
        found.sort_unstable();
        let mut wanted = expected.to_vec();
        wanted.sort_unstable();
        assert_eq!(found, wanted, "{text}");
        if let Some(rule) = expected.first() {
            assert_eq!(marked(&loaded.findings, rule, text), *first, "{text}");
        }
        let Some(config) = loaded.config else {
            assert_eq!(loaded.exit_code(), Some(6), "{text}");
            continue;
        };
        let groups: Vec<Vec<&str>> = config
            .groups
            .iter()
            .map(|group| group.resources.iter().map(|one| one.word.as_str()).collect())
            .collect();
        assert_eq!(groups, words.to_vec(), "{text}");
    }
}

#[test]
fn preferred_node_is_indexed_among_sorted_node_names() {
    let text = HA_CF.replace("node web1\nnode web2", "node web2\nnode WEB1");
    let config = load_all(&text, AUTHKEYS, "web2 nginx\n").config.unwrap();
    let settings = config.settings();
    assert_eq!(settings.nodes, ["web1", "web2"]);
    assert_eq!(settings.node_order, [NodeId(1), NodeId(0)]);
    assert_eq!((settings.me, settings.groups[0].preferred), (NodeId(0), NodeId(1)));
}

#[test]
fn haresources_with_too_many_groups_gives_finding() {
    let lines: Vec<String> = (0..=256).map(|at| format!("web1 drbddisk::r{at}")).collect();
    let loaded = load_all(HA_CF, AUTHKEYS, &lines.join("\n"));
    assert_eq!(rules(&loaded.findings), ["HA0714"]);
}

#[test]
fn resource_lines_are_listed_without_ha_cf_and_with_unknown_nodes() {
    let text = "# a comment\nweb1 10.0.0.1/24 nginx # that is all\n\nalone\nNoSuch a \\\n  b # c\n// x y\n";
    let listed: Vec<_> = super::resource_lines(text)
        .into_iter()
        .map(|line| format!("{}: {}", line.node, line.resources.join(" ")))
        .collect();
    assert_eq!(listed, ["web1: 10.0.0.1/24 nginx", "NoSuch: a b # c"]);
    assert_eq!(super::resource_of("nginx").kind, agent("nginx", &[]));
    let spec = address("10.0.0.1", Some(24), Some("eth0"));
    assert_eq!(super::resource_of("IPaddr2::10.0.0.1/24/eth0").kind, spec);
}
