use super::*;
use crate::load;
use crate::testing::{HA_CF, HARESOURCES, load_all, rules, sources, with_facts};

fn keys(text: &str) -> (Option<Authentication>, Vec<&'static str>) {
    let mut findings = Vec::new();
    let parsed = parse(&sources("", text, ""), &mut findings);
    (parsed, rules(&findings))
}

#[test]
fn authkeys_in_accepted_form_yields_its_keys() {
    for (text, sending, count) in [
        ("auth 3\n3 md5 Hello!\n", 3, 1),
        ("# comment\n\n  auth 1\n1 sha1 secret\n2 md5 other\n", 1, 2),
        ("auth 0\r\n0 sha1 secret\r\n", 0, 1),
        ("auth 2\n1 md5 a\n2 sha1 b\n3 crc\n", 2, 3),
        ("auth 1\n1 sha1 secret # why\n", 1, 1),
        ("auth3\n3 sha1 secret\n", 3, 1),
        ("auth 3x\n3 sha1 secret\n", 3, 1),
        ("auth +3.5\n03 sha1 secret\n", 3, 1),
        ("auth\u{b}3\n\u{b}3\u{b}sha1\u{b}secret\n", 3, 1),
        ("auth 1\n1sha1 secret\n", 1, 1),
        ("auth 0x1\n0 sha1 secret\n", 0, 1),
        ("auth 1\n\0 nonsense\n1 sha1 secret\0 nonsense", 1, 1),
    ] {
        let (parsed, rules) = keys(text);
        let parsed = parsed.unwrap_or_else(|| panic!("{text}: {rules:?}"));
        assert_eq!((parsed.sending, parsed.keys.len()), (sending, count), "{text}");
    }
    let (parsed, rules) = keys("auth 1\n1 sha1 secret\r\n");
    assert_eq!(parsed.unwrap().keys[&1].bytes.0, b"secret");
    assert_eq!(rules, [""; 0]);
}

#[test]
fn authkeys_with_error_is_refused_with_its_rule() {
    for (text, expected) in [
        ("", "HA0604"),
        ("1 sha1 secret\n", "HA0604"),
        ("auth 2\n1 sha1 secret\n", "HA0605"),
        ("1 sha1 secret\nauth 1\n", "HA0606"),
        ("auth 1\n1 sha512 secret\n", "HA0607"),
        ("auth 1\n1 sha256\n", "HA0609"),
        ("auth 1\n1 sha1 secret\n2 SHA1 other\n", "HA0607"),
        ("auth 1\n1 sha1 secret\n2 crc key\n", "HA0608"),
        ("auth 1\n1 sha1\n", "HA0609"),
        ("auth x\n1 sha1 secret\n", "HA0610"),
        ("auth,1\n1 sha1 secret\n", "HA0610"),
        ("auth=1\n1 sha1 secret\n", "HA0610"),
        ("authx1\n1 sha1 secret\n", "HA0610"),
        ("a 1\n1 sha1 secret\n", "HA0610"),
        ("auth -1\n1 sha1 secret\n", "HA0611"),
        ("auth 1\n-1 sha1 a\n1 sha1 b\n", "HA0611"),
        ("auth 4294967297\n1 sha1 a\n", "HA0611"),
        ("auth 1\n1x sha1 secret\n", "HA0607"),
        ("auth 1\n1,sha1,secret\n", "HA0607"),
        ("auth 1\n1 sha1 secret\n1\n", "HA0612"),
        ("auth 1\n1 sha1 secret\n\u{b}\n", "HA0612"),
        ("auht 1\n1 sha1 secret\n", "HA0610"),
        ("auth 16\n1 sha1 secret\n", "HA0611"),
        ("auth 1\n1 sha1 secret\n99 md5 x\n", "HA0611"),
        ("auth 1\n1 sha1 secret\nfoo\n", "HA0612"),
        ("auth 1\n1 sha1 secret\n// comment\n", "HA0616"),
    ] {
        let (parsed, rules) = keys(text);
        assert_eq!(parsed, None, "{text}");
        assert!(rules.contains(&expected), "{text}: {rules:?}");
    }
}

#[test]
fn authkeys_with_doubtful_line_is_loaded_with_its_rule() {
    for (text, expected) in [
        ("auth 1\n1 sha1 a\n1 sha1 b\n", "HA0613"),
        ("auth 1\n1 crc\n", "HA0614"),
        ("auth 1\n1 sha1 two words\n", "HA0615"),
        ("auth 1\n1 sha1 a\nauth 2\n2 sha1 b\n", "HA0617"),
        ("auth 1\n1 md5 a\n", "HA0618"),
        ("auth 1\n1 sha256 a\n", "HA0619"),
        ("auth 1\n1 sha1 a\n2 sha256 b\n", "HA0619"),
    ] {
        let (parsed, rules) = keys(text);
        assert!(parsed.is_some(), "{text}");
        assert_eq!(rules, [expected], "{text}");
    }
}

#[test]
fn key_with_non_ascii_text_keeps_bytes_of_file() {
    let mut sources = sources("", "auth 1\n1 sha1 g\u{f6}ttlich\n", "");
    for (is_latin1, expected) in [(false, "g\u{f6}ttlich".as_bytes()), (true, b"g\xf6ttlich")] {
        sources.authkeys_is_latin1 = is_latin1;
        let parsed = parse(&sources, &mut Vec::new()).unwrap();
        assert_eq!(parsed.keys[&1].bytes.0, expected, "{is_latin1}");
    }
}

#[test]
fn authkeys_readable_beyond_owner_is_refused_and_group_writable_accepted() {
    for (mode, refused) in
        [(0o600, false), (0o620, false), (0o640, true), (0o604, true), (0o644, true)]
    {
        let mut sources = sources(HA_CF, "auth 3\n3 sha1 Hello!\n", HARESOURCES);
        sources.authkeys_mode = Some(mode);
        let loaded = with_facts(|facts| load(&sources, facts));
        assert_eq!(rules(&loaded.findings) == ["HA0603"], refused, "{mode:o}");
        assert_eq!(loaded.exit_code(), refused.then_some(6), "{mode:o}");
    }
}

#[test]
fn loaded_config_in_debug_output_hides_keys() {
    let loaded = load_all(HA_CF, "auth 3\n3 sha1 Hello!\n", HARESOURCES);
    assert!(!format!("{loaded:?}").contains("Hello!"));
}
