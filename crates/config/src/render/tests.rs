use super::*;
use crate::testing::{AUTHKEYS, HA_CF, HARESOURCES, load_all, sources};

fn rendered(ha_cf: &str, color: bool) -> String {
    let loaded = load_all(ha_cf, AUTHKEYS, HARESOURCES);
    render(&loaded.findings, &sources(ha_cf, AUTHKEYS, HARESOURCES), color)
}

#[test]
fn finding_is_rendered_with_its_line_and_fix() {
    let text = HA_CF.replace("deadtime 30", "deadtim 30");
    assert_eq!(
        rendered(&text, false),
        "\
error[HA0101]: unknown directive `deadtim`
 --> /etc/ha.d/ha.cf:5:1
  |
5 | deadtim 30
  | ^^^^^^^ not a directive of ha.cf
  |
help: did you mean `deadtime`?
  |
5 | deadtime 30
  |        +
"
    );
}

#[test]
fn finding_about_whole_file_is_rendered_with_file_name() {
    let text = HA_CF.replace("ucast eth0 192.168.122.22\n", "");
    assert_eq!(
        rendered(&text, false),
        "\
error[HA0301]: ha.cf names no medium that carries beats
--> /etc/ha.d/ha.cf
 = help: `ucast INTERFACE ADDRESS-OF-THE-OTHER-NODE`
"
    );
}

#[test]
fn finding_is_colored_only_on_request() {
    let text = HA_CF.replace("deadtime 30", "deadtim 30");
    assert!(rendered(&text, true).contains('\u{1b}'));
    assert!(!rendered(&text, false).contains('\u{1b}'));
}

#[test]
fn control_characters_of_file_are_not_rendered() {
    let text = format!("{HA_CF}\u{1b}[2J\u{7} 1\n");
    assert!(!rendered(&text, false).contains(['\u{1b}', '\u{7}']));
}

#[test]
fn findings_are_counted_by_severity() {
    let loaded =
        load_all(&format!("{HA_CF}foo\nuse_apphbd no\nnode web2\n"), AUTHKEYS, HARESOURCES);
    let expected = Summary { errors: 1, warnings: 1, notes: 1 };
    assert_eq!(summary(&loaded.findings), expected);
}
