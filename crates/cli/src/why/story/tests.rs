use super::*;
use systole_core::Hold;
use systole_node::state::Wish;

fn entry(second: u32, happening: Happening) -> Entry {
    Entry { time: format!("2026-11-24T10:{:02}:{:02}.250Z", second / 60, second % 60), happening }
}

fn owned(second: u32, group: &str, owner: &str, term: u64, phase: Phase) -> Entry {
    let happening = Happening::Ownership {
        group: group.into(),
        owner: owner.into(),
        term,
        phase,
        cause: "owner_dead".into(),
        evidence: "web1 was silent for 650 ms".into(),
    };
    entry(second, happening)
}

fn death(second: u32) -> Entry {
    entry(second, Happening::Death { node: "web1".into(), evidence: "silence".into() })
}

fn journal() -> Vec<Entry> {
    vec![
        owned(0, "10.0.0.9", "web1", 1, Phase::Starting),
        owned(1, "10.0.0.9", "web1", 1, Phase::Active),
        owned(2, "nginx", "web2", 1, Phase::Active),
        entry(3, Happening::Stop),
        death(300),
        owned(300, "10.0.0.9", "web2", 2, Phase::Starting),
        owned(301, "10.0.0.9", "web2", 2, Phase::Active),
        entry(400, Happening::Order { order: Wish::Standby(Hold::All), uid: 0, pid: 7 }),
    ]
}

#[test]
fn a_story_is_the_last_move_and_what_befell_the_nodes_just_before() {
    let journal = journal();
    assert_eq!(groups(&journal), ["10.0.0.9", "nginx"]);
    let story = Story::of(&journal, "10.0.0.9");
    assert_eq!(story.entries, journal[4..7].iter().collect::<Vec<_>>());
    assert_eq!(Story::of(&journal, "nginx").entries, [&journal[2]]);
}

#[test]
fn a_group_on_its_way_tells_from_where_it_left() {
    let mut journal = journal();
    journal.push(owned(401, "10.0.0.9", "web2", 2, Phase::Stopping));
    journal.push(owned(402, "10.0.0.9", "web1", 3, Phase::Starting));
    let story = Story::of(&journal, "10.0.0.9");
    assert_eq!(story.entries, journal[7..].iter().collect::<Vec<_>>());
}

#[test]
fn a_story_is_told_in_sentences() {
    let text = Story::of(&journal(), "10.0.0.9").text(&TimeZone::UTC);
    let lines = [
        "10.0.0.9 runs on web2 since 2026-11-24 10:05:01 UTC.",
        "  10:05:00.250  web1 is dead: silence",
        "  10:05:00.250  web2 starts it (term 2): web1 was silent for 650 ms",
        "  10:05:01.250  web2 runs it (term 2), after 1000 ms: web1 was silent for 650 ms",
        "",
    ];
    assert_eq!(text, lines.join("\n"));
}
