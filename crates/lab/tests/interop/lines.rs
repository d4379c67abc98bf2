//! The complaints of a daemon: its WARN, ERROR and CRIT lines without the parts that differ each time.

use std::collections::BTreeMap;

/// How often each complaint was made.
pub(crate) type Complaints = BTreeMap<String, u32>;

/// The words that make a line a complaint.
const LEVELS: [&str; 3] = ["WARN: ", "ERROR: ", "CRIT: "];

/// Complaints of the C daemon about the slowness of its machine; they say nothing about its peer.
const SLOWNESS: [&str; 5] = [
    "Gmain_timeout_dispatch: Dispatch function",
    "G_CH_dispatch_int: Dispatch function",
    "G_SIG_dispatch: Dispatch function",
    "Late heartbeat: Node",
    "took too long to execute",
];

/// Logged by the C daemon about its own end of a takeover, when its scripts took longer than a dead time: by
/// then the node that shut down counts as dead, and the takeover as cancelled.
const OWN_END: &str = "ERROR: Ignored standby message 'done' from ";

/// Returns the complaint in a line of the log, without its numbers.
pub(crate) fn complaint(line: &str) -> Option<String> {
    let at = LEVELS.iter().filter_map(|level| line.find(level)).min()?;
    let text = &line[at..];
    if SLOWNESS.iter().any(|slow| text.contains(slow)) || is_of_own_end(line, text) {
        return None;
    }
    Some(without_numbers(text.trim_end()))
}

/// Returns whether a line says that the node that logs it heard its own end of a takeover too late.
fn is_of_own_end(line: &str, text: &str) -> bool {
    let host = line.split_whitespace().nth(3);
    let source = text.strip_prefix(OWN_END).and_then(|rest| rest.split(' ').next());
    source.is_some() && source == host
}

/// Counts the complaints in a text.
pub(crate) fn complaints(text: &str) -> Complaints {
    let mut counted = Complaints::new();
    for complaint in text.lines().filter_map(complaint) {
        *counted.entry(complaint).or_default() += 1;
    }
    counted
}

/// Replaces every number by `#`; digits that belong to a name (`web1`) stay.
fn without_numbers(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = ' ';
    for character in text.chars() {
        let is_digit = character.is_ascii_digit();
        if is_digit && before == '#' {
            continue;
        }
        before = if is_digit && !before.is_ascii_alphanumeric() { '#' } else { character };
        out.push(before);
    }
    out
}

#[test]
fn complaints_are_told_apart_by_their_words() {
    let log = "Nov 24 10:00:00 web1 heartbeat: [12]: WARN: node web2: is dead\n\
               Nov 24 10:00:01 web1 heartbeat: [12]: info: Link web2:eth0 dead.\n\
               Nov 24 10:00:02 web1 heartbeat: [12]: WARN: 3 lost packet(s) for [web2] [23:27]\n\
               Nov 24 10:00:03 web1 heartbeat: [12]: WARN: 1 lost packet(s) for [web2] [9:11]\n\
               Nov 24 10:00:03 web1 heartbeat: [9]: WARN: Late heartbeat: Node web2: interval 9 ms\n\
               Nov 24 10:00:04 web1 heartbeat: [9]: ERROR: Ignored standby message 'done' from web1 in \
               state 0\n\
               Nov 24 10:00:04 web1 heartbeat: [9]: ERROR: Ignored standby message 'done' from web2 in \
               state 0\n";
    let expected = [
        ("ERROR: Ignored standby message 'done' from web2 in state #".to_owned(), 1),
        ("WARN: # lost packet(s) for [web2] [#:#]".to_owned(), 2),
        ("WARN: node web2: is dead".to_owned(), 1),
    ];
    assert_eq!(complaints(log), expected.into());
}
