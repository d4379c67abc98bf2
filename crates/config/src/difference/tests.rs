use super::*;
use crate::config::AgentTimeouts;
use crate::directive::{DefaultValue, Kind, Role, Told};
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
fn config_change_is_described_in_one_line_with_its_effect() {
    use Effect::{Keys, Live, Restart};
    let lines: &[(&str, &str, &str, Effect)] = &[
        ("deadtime 30", "deadtime 20500ms", "deadtime: 30 s -> 20500 ms", Live),
        ("keepalive 2", "keepalive 1", "keepalive: 2 s -> 1 s", Live),
        ("auto_failback on", "auto_failback off", "auto_failback: on -> off", Live),
        ("ping 192.168.122.1\n", "", "ping node removed: ping 192.168.122.1", Live),
        (
            "auto_failback on",
            "auto_failback on\nmonitor default",
            "monitor: changed for 192.168.122.100/24/eth0",
            Live,
        ),
        (
            "auto_failback on",
            "auto_failback on\nmonitor nginx\ncheck nginx tcp 127.0.0.1:80",
            "check: changed for 192.168.122.100/24/eth0",
            Live,
        ),
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
fn haresources_changes_are_listed_as_added_changed_or_removed() {
    let found = changes(HA_CF, AUTHKEYS, "web1 192.168.122.100/24/eth0 nginx other\nweb2 third\n");
    let told = [
        "group changed: web1 192.168.122.100/24/eth0 nginx other (it was: web1 \
         192.168.122.100/24/eth0 nginx)",
        "group added: web2 third",
    ];
    assert_eq!(found, told.map(|text| (text.to_owned(), Effect::Live)));
    let was = "web1 192.168.122.100/24/eth0 nginx";
    let changed = format!("{was} other");
    let read = told.map(|text| LineChange::of(text).expect("it is about a line"));
    assert_eq!(read, [LineChange::Changed(&changed, was), LineChange::Added("web2 third")]);
    assert_eq!(read.map(LineChange::group), [Some("192.168.122.100/24/eth0"), Some("third")]);
    let found = changes(HA_CF, AUTHKEYS, "");
    let text = "group removed: web1 192.168.122.100/24/eth0 nginx";
    assert_eq!(found, [(text.to_owned(), Effect::Live)]);
    assert_eq!(LineChange::of(text), Some(LineChange::Removed(was)));
    assert_eq!(LineChange::of("deadtime: 30 s -> 20 s"), None);
}

#[test]
fn added_or_changed_line_is_told_without_its_monitoring() {
    let ha_cf = HA_CF.replace("auto_failback on", "auto_failback on\nmonitor default");
    let old = config(&ha_cf, AUTHKEYS, HARESOURCES);
    let lines = "web1 192.168.122.100/24/eth0 other nginx\nweb2 third\n";
    let found = difference(&old, &config(&ha_cf, AUTHKEYS, lines));
    let told: Vec<&str> = found.iter().map(|change| change.text.as_str()).collect();
    assert!(told.len() == 2 && told.iter().all(|text| text.starts_with("group ")), "{told:?}");
}

#[test]
fn config_with_same_meaning_differs_at_most_in_options_for_scripts() {
    let ha_cf = format!("# a comment\n{}", HA_CF.replace("deadtime 30", "deadtime 30000ms"));
    let found = changes(&ha_cf, AUTHKEYS, "web1   192.168.122.100/24/eth0 nginx\n");
    assert!(
        found.is_empty()
            || found == [("options that scripts see: changed".to_owned(), Effect::Live)],
        "{found:?}"
    );
    assert_eq!(changes(HA_CF, AUTHKEYS, HARESOURCES), []);
}

/// Returns a value that differs from that of the tutorial and is consistent with its other lines.
fn other_value(row: &Directive) -> String {
    let Role::Setting(kind) = row.role else { panic!("`{}` has no value", row.name) };
    let candidates: Vec<String> = match kind {
        Kind::Choice(words) | Kind::ChoiceInAnyCase(words) => {
            words.iter().map(|word| (*word).to_owned()).collect()
        }
        Kind::Guard => vec!["off".to_owned()],
        Kind::Rate(rates) => rates.iter().map(u32::to_string).collect(),
        Kind::Boolean => vec!["on".to_owned(), "off".to_owned()],
        Kind::Text | Kind::Facility | Kind::Failback => {
            vec!["/var/log/other".to_owned(), "local7".to_owned(), "off".to_owned()]
        }
        Kind::Time(_) | Kind::Milliseconds { .. } | Kind::Number { .. } | Kind::Port => {
            vec!["9".to_owned(), "45".to_owned()]
        }
    };
    let tutorial = config(HA_CF, AUTHKEYS, HARESOURCES);
    let fits = |value: &String| {
        let loaded = load_all(&with(row, value), AUTHKEYS, HARESOURCES);
        loaded.config.is_some_and(|it| it.values.get(row.name) != tutorial.values.get(row.name))
    };
    let found = candidates.into_iter().find(fits);
    found.unwrap_or_else(|| panic!("no other value for `{}`", row.name))
}

/// Returns the tutorial's ha.cf with one more line.
fn with(row: &Directive, value: &str) -> String {
    format!("{HA_CF}{} {value}\n", row.name)
}

#[test]
fn directive_change_has_effect_stated_in_its_row() {
    for row in directive::all() {
        let Told::As(subject, takes) = row.change else { continue };
        let found = changes(&with(row, &other_value(row)), AUTHKEYS, HARESOURCES);
        let what = match subject {
            Subject::Logging => "logging",
            Subject::Process => "process settings",
            Subject::Messages => "form of messages",
            Subject::Times | Subject::Agents | Subject::Identity | Subject::Addresses => row.name,
        };
        let told = found.iter().find(|(text, _)| text.starts_with(&format!("{what}: ")));
        let (text, effect) = told.unwrap_or_else(|| panic!("`{}` in {found:?}", row.name));
        assert_eq!(*effect, takes.effect(false), "{text}");
    }
}

#[test]
fn keepalive_change_with_serial_line_requires_restart() {
    let serial =
        |ha_cf: &str| config(&format!("{ha_cf}serial /dev/ttyS0\n"), AUTHKEYS, HARESOURCES);
    let faster = HA_CF.replace("keepalive 2", "keepalive 1").replace("warntime 10", "warntime 9");
    let found = difference(&serial(HA_CF), &serial(&faster));
    let told: Vec<_> = found.iter().map(|it| (it.text.as_str(), it.effect)).collect();
    let expected = [
        ("keepalive: 2 s -> 1 s", Effect::Restart),
        ("warntime: 10 s -> 9 s", Effect::Live),
        // Two beats, if no line sets it.
        ("aliveping: 4 s -> 2 s", Effect::Live),
    ];
    assert_eq!(told, expected);
}

#[test]
fn agent_timeout_change_from_unset_shows_default_limits() {
    let AgentTimeouts { start, stop, status } = AgentTimeouts::GENEROUS;
    assert_eq!(start, stop);
    let usual = format!("{} s to start and stop, {} s to look", start.as_secs(), status.as_secs());
    let found = changes(&format!("{HA_CF}agent_timeout 90\n"), AUTHKEYS, HARESOURCES);
    assert_eq!(found, [(format!("agent_timeout: {usual} -> 90 s"), Effect::Live)]);
}

#[test]
fn line_with_default_value_changes_no_setting() {
    let bare = "node web1 web2\nucast eth0 192.168.122.22\n";
    let without = config(bare, AUTHKEYS, HARESOURCES);
    for row in directive::all() {
        let DefaultValue::Text(text) = row.default else { continue };
        let with = config(&format!("{} {text}\n{bare}", row.name), AUTHKEYS, HARESOURCES);
        let found = difference(&without, &with);
        // Scripts see the line where the list has no default.
        let is_seen = found.iter().all(|it| it.text == "options that scripts see: changed");
        assert!(found.is_empty() || row.hides_default && is_seen, "{}: {found:?}", row.name);
        assert_eq!(without.settings(), with.settings(), "`{} {text}`", row.name);
    }
}
