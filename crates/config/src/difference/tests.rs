use super::*;
use crate::testing::{AUTHKEYS, HA_CF, HARESOURCES, load_all};

fn config(ha_cf: &str, authkeys: &str, haresources: &str) -> Config {
    load_all(ha_cf, authkeys, haresources).config.expect("the files are sound")
}

fn changes(ha_cf: &str, authkeys: &str, haresources: &str) -> Vec<(String, Effect)> {
    let old = config(HA_CF, AUTHKEYS, HARESOURCES);
    let found = difference(&old, &config(ha_cf, authkeys, haresources));
    found.into_iter().map(|change| (change.text, change.effect)).collect()
}

#[test]
fn every_change_reads_as_one_line_and_tells_what_it_takes() {
    use Effect::{Keys, Live, Restart};
    let lines: &[(&str, &str, &str, Effect)] = &[
        ("deadtime 30", "deadtime 20500ms", "deadtime: 30 s -> 20500 ms", Live),
        ("keepalive 2", "keepalive 1", "keepalive: 2 s -> 1 s", Live),
        ("auto_failback on", "auto_failback off", "auto_failback: on -> off", Live),
        ("ping 192.168.122.1\n", "", "ping node removed: ping 192.168.122.1", Live),
        ("node web1\nnode web2", "node web2\nnode web1", "nodes: changed", Restart),
        ("logfacility local0", "logfacility local1", "logging: changed", Restart),
        (
            "192.168.122.22",
            "192.168.122.23",
            "link removed: ucast eth0 192.168.122.22 port 694",
            Restart,
        ),
    ];
    for &(was, is, text, effect) in lines {
        let found = changes(&HA_CF.replace(was, is), AUTHKEYS, HARESOURCES);
        assert!(found.contains(&(text.to_owned(), effect)), "{is}: {found:?}");
    }
    let keys = changes(HA_CF, "auth 1\n1 sha1 Other!\n", HARESOURCES);
    let told = [
        ("key that signs: 3 -> 1".to_owned(), Keys),
        ("key 1: added".to_owned(), Keys),
        ("key 3: removed".to_owned(), Keys),
    ];
    assert_eq!(keys, told);
    let changed = changes(HA_CF, "auth 3\n3 sha1 Other!\n", HARESOURCES);
    assert_eq!(changed, [("key 3: changed".to_owned(), Keys)], "and no secret");
}

#[test]
fn lines_of_haresources_are_added_changed_and_removed() {
    let found = changes(HA_CF, AUTHKEYS, "web1 192.168.122.100/24/eth0 nginx other\nweb2 third\n");
    let told = [
        "group changed: web1 192.168.122.100/24/eth0 nginx other (it was: web1 \
         192.168.122.100/24/eth0 nginx)",
        "group added: web2 third",
    ];
    assert_eq!(found, told.map(|text| (text.to_owned(), Effect::Live)));
    let found = changes(HA_CF, AUTHKEYS, "");
    let text = "group removed: web1 192.168.122.100/24/eth0 nginx";
    assert_eq!(found, [(text.to_owned(), Effect::Live)]);
}

#[test]
fn what_means_the_same_is_no_difference() {
    let ha_cf = format!("# a comment\n{}", HA_CF.replace("deadtime 30", "deadtime 30000ms"));
    let found = changes(&ha_cf, AUTHKEYS, "web1   192.168.122.100/24/eth0 nginx\n");
    assert!(
        found.is_empty()
            || found == [("options that scripts see: changed".to_owned(), Effect::Live)],
        "{found:?}"
    );
    assert_eq!(changes(HA_CF, AUTHKEYS, HARESOURCES), []);
}
