//! `hb why`: why each group is where it is, from the journal of this node.

mod entries;
mod reload;
mod sentence;
mod span;
mod state;
mod story;

use crate::arguments::WhyOptions;
use crate::daemon::{Presence, presence};
use crate::{complain, exit, print};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use state::Present;
use std::io::ErrorKind;
use std::net::IpAddr;
use std::path::Path;
use story::Story;
use systole_core::{GroupReport, Retirement};
use systole_ipc::journal::{self, Entry};
use systole_ipc::protocol::Status;

/// Number of moves that are printed for a named group if no number is given.
const LAST_OF_ONE: usize = 3;

/// Prints the last moves of a group, or of every group.
pub(crate) fn run(run: &Path, state: &Path, which: &WhyOptions) -> u8 {
    let group = which.group.as_deref();
    let mut reading = match journal::read(state) {
        Ok(reading) => reading,
        Err(error) => {
            complain(&format!("cannot read the journal in {}: {error}", state.display()));
            let denied = error.kind() == ErrorKind::PermissionDenied;
            return if denied { exit::PERMISSION } else { exit::REFUSED };
        }
    };
    if reading.unreadable > 0 {
        let lines = if reading.unreadable == 1 { "line" } else { "lines" };
        complain(&format!("{} {lines} of the journal cannot be read", reading.unreadable));
    }
    entries::sort(&mut reading.entries);
    let known = story::groups(&reading.entries);
    let presence = presence(run);
    let reported = |name: &str| match &presence {
        Presence::Runs(status) => present(status, name),
        Presence::Absent | Presence::Unknown => None,
    };
    // A group that is no longer in haresources, and no longer matters, is past.
    let is_gone = |name: &str| matches!(presence, Presence::Runs(_)) && reported(name).is_none();
    let is_wanted = |name: &&str| match group {
        Some(word) if *name == word => true,
        Some(word) => fits(name, word) && !reload::is_put_back(&reading.entries, name),
        // The story of a line that is replaced everywhere is only printed if its group is named.
        None => {
            let is_over = story::is_over(&reading.entries, name)
                || reload::is_put_back(&reading.entries, name);
            !is_over && !is_gone(name)
        }
    };
    let mut wanted: Vec<&str> = known.iter().copied().filter(is_wanted).collect();
    if let (true, Some(word)) = (wanted.is_empty(), group) {
        wanted = by_other_word(&reading.entries, &known, word, &is_gone);
    }
    if wanted.is_empty() {
        complain(&nothing(state, group, &known));
        return exit::REFUSED;
    }
    if let Presence::Runs(status) = &presence {
        sort(&mut wanted, &status.snapshot.groups);
    }
    let usual = if group.is_some() { LAST_OF_ONE } else { 1 };
    let moves = if which.all { usize::MAX } else { which.last.map_or(usual, usize::from) };
    let note = |name: &str| match is_gone(name) {
        true if reload::is_put_back(&reading.entries, name) => LISTED_AGAIN,
        true => GONE,
        false => "",
    };
    let home = |name: &str| reported(name).map(|present| present.group.preferred.as_str());
    let stories = wanted.iter().map(|name| Story::of(&reading.entries, name, home(name), moves));
    if which.json {
        return print_json(stories);
    }
    // Without a daemon that reports the present state, the journal describes the past.
    let silence = match presence {
        Presence::Runs(_) => None,
        Presence::Absent => Some("No daemon runs here."),
        Presence::Unknown => Some("The daemon does not report its state."),
    };
    let end = reading.entries.last().and_then(entries::time);
    print_text(stories, silence.zip(end), reported, note)
}

/// Returns the groups that have another word than their name, or the beginning of one, as with `--group`. A
/// beginning is accepted if only one group has it, and if it is not an address: 10.0.0.1 does not mean 10.0.0.10.
/// Groups that are gone are passed over if there is another one.
fn by_other_word<'a>(
    entries: &[Entry],
    known: &[&'a str],
    word: &str,
    is_gone: &dyn Fn(&str) -> bool,
) -> Vec<&'a str> {
    let having = |fits: &dyn Fn(&str) -> bool| -> Vec<&'a str> {
        let has = |name: &&str| fits(name) || story::has_word(entries, name, fits);
        known.iter().copied().filter(has).collect()
    };
    let exact = having(&|other| fits(other, word));
    if !exact.is_empty() || word.parse::<IpAddr>().is_ok() {
        return exact;
    }
    let mut begun = having(&|other| other.starts_with(word));
    let is_past = |name: &str| name.ends_with(journal::RETIRED) || is_gone(name);
    if begun.iter().any(|name| !is_past(name)) {
        begun.retain(|name| !is_past(name));
    }
    if begun.len() == 1 { begun } else { Vec::new() }
}

/// Returns what a daemon reports about a group, which has this name in the journal.
fn present<'a>(status: &'a Status, name: &str) -> Option<Present<'a>> {
    let snapshot = &status.snapshot;
    let all = || snapshot.groups.iter().filter(|group| is_named(group, name));
    // Of several former lines with this name, one that still matters counts.
    let group =
        all().find(|group| group.retired != Some(Retirement::Over)).or_else(|| all().next());
    group.map(|group| Present { group, nodes: &snapshot.nodes })
}

/// Returns whether a reported group has this name in the journal.
fn is_named(group: &GroupReport, name: &str) -> bool {
    match name.strip_suffix(journal::RETIRED) {
        Some(line) => group.retired.is_some() && group.name == line,
        None => group.retired.is_none() && group.name == name,
    }
}

/// Sorts groups as the daemon reports them, in the order of haresources. Groups that only the journal has come
/// after them.
fn sort(names: &mut [&str], groups: &[GroupReport]) {
    let place = |name: &str| groups.iter().position(|group| is_named(group, name));
    names.sort_by_key(|name| place(name).unwrap_or(usize::MAX));
}

/// What is printed below the story of a group that the daemon no longer knows.
const GONE: &str = "  It is no longer in haresources, or has another name.\n";
/// What is printed instead if a reload has put its line back.
const LISTED_AGAIN: &str = "  Its line is in haresources again.\n";

/// Whether a group has the name that the user gives: by its first word, or by its bare address.
fn fits(group: &str, word: &str) -> bool {
    let bare = |text: &str| word.parse::<IpAddr>().is_ok() && text.split('/').next() == Some(word);
    // The address may follow the name of its agent, as in `IPaddr2::10.0.0.9/24`.
    group == word || bare(group) || group.split_once("::").is_some_and(|(_, rest)| bare(rest))
}

fn nothing(state: &Path, group: Option<&str>, known: &[&str]) -> String {
    match group {
        Some(group) if !known.is_empty() => {
            format!("the journal has no group {group}; it has {}", known.join(", "))
        }
        Some(_) | None => format!("the journal in {} mentions no group yet", state.display()),
    }
}

/// Prints the stories. Without a report of the present state, because the daemon is silent since the journal
/// ended or no longer knows the group, a story is in the past tense.
fn print_text<'a, 'b>(
    stories: impl Iterator<Item = Story<'a>>,
    silence: Option<(&str, Timestamp)>,
    reported: impl Fn(&str) -> Option<Present<'b>>,
    note: impl Fn(&str) -> &'static str,
) -> u8 {
    let (zone, now) = (TimeZone::system(), Timestamp::now());
    let head = silence.map(|(why, end)| {
        let since = state::since(end, &zone, now);
        format!("{why} The journal ends at {since}, and shows the state at that time.\n\n")
    });
    let text =
        |story: Story<'_>| story.text(&zone, now, reported(story.group())) + note(story.group());
    let texts: Vec<String> = stories.map(text).collect();
    print(&(head.unwrap_or_default() + &texts.join("\n")));
    exit::OK
}

fn print_json<'a>(stories: impl Iterator<Item = Story<'a>>) -> u8 {
    let stories: Vec<_> = stories.collect();
    match serde_json::to_string_pretty(&stories) {
        Ok(text) => {
            print(&format!("{text}\n"));
            exit::OK
        }
        Err(error) => {
            complain(&format!("cannot write the output: {error}"));
            exit::REFUSED
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use systole_core::Phase;

    #[test]
    fn groups_are_sorted_as_in_haresources_before_groups_only_in_journal() {
        let group = |name: &str, retired| GroupReport {
            name: name.to_owned(),
            retired,
            ..state::tests::report("web1", 1, Phase::Active)
        };
        let here = Some(Retirement::Here);
        let groups = [group("nginx", None), group("mail", None), group("nginx", here)];
        let mut names = ["past", "nginx (retired)", "mail", "nginx", "older"];
        sort(&mut names, &groups);
        assert_eq!(names, ["nginx", "mail", "nginx (retired)", "past", "older"]);
    }

    #[test]
    fn resource_word_matches_its_address_without_mask() {
        assert!(fits("192.168.122.100/24/eth0", "192.168.122.100"));
        assert!(fits("192.168.122.100/24/eth0", "192.168.122.100/24/eth0"));
        assert!(!fits("192.168.122.100/24/eth0", "192.168.122.10"));
        assert!(fits("IPaddr2::192.168.122.100/24", "192.168.122.100"));
        assert!(fits("IPv6addr::fd00::1/64", "fd00::1"));
        assert!(fits("nginx", "nginx") && !fits("nginx::web", "web"));
    }
}
