use super::*;
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use systole_core::{Custom, GroupSet, Order};
use text::{FIELDS_MAX, MESSAGE_MAX, VALUE_MAX};

fn fields(pairs: &[(&str, &str)]) -> Fields {
    pairs.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn messages(text: &str) -> Vec<Result<Fields, String>> {
    Splitter::default().split(text.as_bytes())
}

fn opened() -> (tempfile::TempDir, Fifo) {
    let folder = tempfile::tempdir().unwrap();
    let mut fifo = Fifo::new(folder.path().join("fifo"));
    assert_eq!(fifo.open().unwrap(), None);
    (folder, fifo)
}

fn write(path: &Path, text: &str) {
    fs::OpenOptions::new().write(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
}

#[test]
fn fifo_text_is_split_into_messages_whatever_its_pieces() {
    let text = "junk\n>>>\nt=a\nx=1=2\n\n<<<\nt=lost\n>>>\nt=begun\n>>>\nt=b\n<<<\n";
    let expected = [Ok(fields(&[("t", "a"), ("x", "1=2")])), Ok(fields(&[("t", "b")]))];
    assert_eq!(messages(text), expected);
    let mut splitter = Splitter::default();
    let piecewise: Vec<_> = text.bytes().flat_map(|byte| splitter.split(&[byte])).collect();
    assert_eq!(piecewise, expected);
}

#[test]
fn message_beyond_a_bound_is_refused_and_next_one_read() {
    let many: String = (0..=FIELDS_MAX).map(|number| format!("f{number}=x\n")).collect();
    let long = "x".repeat(VALUE_MAX + 1);
    let line = "y".repeat(MESSAGE_MAX * 3);
    let lines: String = (0..20).map(|number| format!("f{number}={}\n", &long[1..])).collect();
    let table = [
        (format!("t=a\n{many}"), "a message has more than 30 fields"),
        (format!("t=a\nx={long}\n"), "the value of x is longer than 1024 bytes"),
        (format!("t=a\nx={line}\n"), "a message is longer than 8192 bytes"),
        (format!("t=a\n{lines}"), "a message is longer than 8192 bytes"),
        ("t=a\nno field\n".into(), "a line lacks the form name=value"),
        (
            "t=a\nHA-DIR=x\n".into(),
            "the name of a field has letters, digits and `_`, and at most 64 of them: \"HA-DIR\"",
        ),
        ("t=a\nx=\u{7}\n".into(), "the value of x has a control character"),
    ];
    for (body, why) in table {
        let read = messages(&format!(">>>\n{body}<<<\n>>>\nt=next\n<<<\n"));
        assert_eq!(read, [Err(why.to_owned()), Ok(fields(&[("t", "next")]))], "{why}");
    }
}

#[test]
fn message_means_order_custom_message_or_refusal() {
    let order = |pairs: &[(&str, &str)]| match meaning(&fields(pairs)) {
        Meaning::Order(order) => order,
        other @ (Meaning::Message { .. } | Meaning::Refused(_)) => panic!("{pairs:?}: {other:?}"),
    };
    let me = |set: &'static str| [("t", "ask_resources"), ("rsc_hold", set), ("info", "me")];
    assert_eq!(order(&me("all")), Order::Standby(GroupSet::All));
    assert_eq!(order(&me("local")), Order::Standby(GroupSet::Local));
    assert_eq!(order(&me("failback")), Order::Standby(GroupSet::Foreign));
    let no_set = [("t", "ask_resources"), ("info", "me")];
    assert_eq!(order(&no_set), Order::Standby(GroupSet::All));
    let take = |set: &'static str| [("t", "hb_takeover"), ("rsc_hold", set)];
    assert_eq!(order(&take("foreign")), Order::Takeover(GroupSet::Foreign));
    assert_eq!(order(&take("failback")), Order::Takeover(GroupSet::All));

    for (kind, why) in [
        ("resource", "only daemons send"),
        ("status", "only daemons send"),
        ("ip-request-resp", "only daemons send"),
        ("systole_step", "only daemons send"),
        ("NS_anything", "only daemons send"),
        ("shutdone", "only daemons send"),
        ("STATUS", "only daemons send"),
        ("ns_st", "only daemons send"),
        ("Systole_other", "only daemons send"),
        ("HB_takeover", "only daemons send"),
        ("status.dpkg-old", "letters"),
        ("ask_resources", "only info=me"),
        ("addnode", "ha.cf"),
        ("delnode", "ha.cf"),
        ("setweight", "weights"),
        ("setsite", "weights"),
        ("../../bin/sh", "letters"),
        ("", "no type"),
    ] {
        let Meaning::Refused(said) = meaning(&fields(&[("t", kind)])) else { panic!("{kind}") };
        assert!(said.contains(why), "{kind}: {said}");
    }
    let Meaning::Refused(_) = meaning(&fields(&[("x", "y")])) else { panic!("no type") };
    let envelope = [("t", "mail"), ("_compressed_payload", "x")];
    let Meaning::Refused(_) = meaning(&fields(&envelope)) else { panic!("an envelope") };
    let Meaning::Refused(_) = meaning(&fields(&me("none"))) else { panic!("no set") };

    let own = [("t", "mail"), ("src", "liar"), ("seq", "1"), ("text", "hi"), ("dest", "Web2")];
    let custom = Custom { kind: "mail".into(), fields: vec![("text".into(), "hi".into())] };
    let expected = Meaning::Message { custom, dest: Some("web2".to_owned()) };
    assert_eq!(meaning(&fields(&own)), expected);
}

#[test]
fn fifo_of_root_is_created_read_and_removed() {
    let (folder, mut fifo) = opened();
    let path = folder.path().join("fifo");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
    assert_eq!(fifo.read(), []);
    write(&path, ">>>\nt=a\n");
    assert_eq!(fifo.read(), []);
    write(&path, "<<<\n");
    assert_eq!(fifo.read(), [Ok(fields(&[("t", "a")]))]);
    fifo.remove();
    assert!(!path.exists());
}

#[test]
fn messages_in_fifo_that_is_closed_are_returned_and_writer_gets_error() {
    let (folder, mut fifo) = opened();
    let path = folder.path().join("fifo");
    let mut writer = fs::OpenOptions::new().write(true).open(&path).unwrap();
    let message = ">>>\nt=a\n<<<\n";
    // More than is read at once, and more than is accepted in a second.
    writer.write_all(message.repeat(600).as_bytes()).unwrap();
    writer.write_all(b">>>\nt=begun\n").unwrap();
    fifo.remove();
    assert!(!path.exists());
    let left = fifo.close();
    assert_eq!(left.len(), 601);
    assert_eq!(left[599], Ok(fields(&[("t", "a")])));
    assert_eq!(left[600], Err("a message without its end".to_owned()));
    let error = writer.write_all(message.as_bytes()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    assert_eq!((fifo.close(), fifo.descriptors().count()), (Vec::new(), 0));
}

#[test]
fn file_left_by_a_script_is_replaced_by_fifo() {
    let (folder, mut fifo) = opened();
    let path = folder.path().join("fifo");
    fifo.remove();
    fs::write(&path, "lost").unwrap();
    let told = fifo.open().unwrap().unwrap();
    assert!(told.contains("(4 bytes)"), "{told}");
    write(&path, ">>>\nt=a\n<<<\n");
    assert_eq!(fifo.read().len(), 1);
}

#[test]
fn link_or_directory_in_place_of_fifo_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (real, link) = (folder.path().join("real"), folder.path().join("link"));
    Fifo::new(real.clone()).open().unwrap();
    symlink(&real, &link).unwrap();
    fs::create_dir(folder.path().join("directory")).unwrap();
    for name in ["link", "directory"] {
        let error = Fifo::new(folder.path().join(name)).open().unwrap_err();
        assert_eq!(error.to_string(), "it is not a FIFO; remove it", "{name}");
    }
    assert!(link.is_symlink());
}

#[test]
fn fifo_of_another_user_is_refused() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let (folder, mut fifo) = opened();
    let path = folder.path().join("fifo");
    std::os::unix::fs::chown(&path, Some(12_345), None).unwrap();
    let error = fifo.open().unwrap_err();
    assert_eq!(error.to_string(), "it belongs to user 12345; remove it");
}

#[test]
fn messages_beyond_limit_of_a_second_are_refused_once() {
    let (_folder, mut fifo) = opened();
    let message = || Ok(fields(&[("t", "a")]));
    let now = Instant::now();
    let admitted = fifo.admit(vec![message(); 100], now);
    let allowed = usize::try_from(MESSAGES_MAX).unwrap();
    assert_eq!(admitted.len(), allowed + 1);
    assert!(admitted[allowed].is_err());
    assert_eq!(fifo.admit(vec![message()], now), []);
    assert_eq!(fifo.admit(vec![message()], now + SPAN), [message()]);
}

#[test]
fn fifo_is_neither_read_nor_waited_for_once_too_much_came_in_a_second() {
    let (folder, mut fifo) = opened();
    let now = Instant::now();
    fifo.count = Count { since: Some(now), messages: 1, bytes: BYTES_MAX };
    assert!(fifo.count.is_full(now) && !fifo.count.is_full(now + SPAN));
    // Far in the future, so that a slow machine does not reach the end of the second.
    fifo.count.since = Some(now + Duration::from_mins(10));
    write(&folder.path().join("fifo"), ">>>\nt=a\n<<<\n");
    assert_eq!(fifo.read(), []);
    assert_eq!(fifo.descriptors().count(), 0);
    fifo.count.since = now.checked_sub(SPAN);
    assert_eq!(fifo.descriptors().count(), 1);
    assert_eq!(fifo.read(), [Ok(fields(&[("t", "a")]))]);
}
