use super::super::state::tests::report;
use super::*;
use systole_core::{Action, GroupSet, Outcome};
use systole_ipc::journal::{HandOverStage, JobEnd};
use systole_ipc::order::{DaemonOrder, JournalOrder, Order};

fn entry(second: u32, event: JournalEvent) -> Entry {
    let time = format!("2026-11-24T10:{:02}:{:02}.250Z", second / 60, second % 60);
    Entry { time, from: "web2".into(), run: 1, number: 0, event }
}

fn owned(second: u32, group: &str, owner: &str, term: u64, phase: Phase) -> Entry {
    let event = JournalEvent::Ownership {
        group: group.into(),
        owner: owner.into(),
        term,
        phase,
        cause: "owner_dead".into(),
        evidence: "web1 was silent for 650 ms".into(),
    };
    entry(second, event)
}

fn death(second: u32) -> Entry {
    entry(
        second,
        JournalEvent::Death {
            node: "web1".into(),
            evidence: "silence".into(),
            silence_ms: None,
            limit_ms: None,
            links: Vec::new(),
        },
    )
}

fn order() -> JournalEvent {
    let order = Order::Standby(GroupSet::All).into();
    JournalEvent::Order { order, uid: 0, pid: 7, user: None, login: None, ticket: 1 }
}

fn journal() -> Vec<Entry> {
    vec![
        owned(0, "10.0.0.9", "web1", 1, Phase::Starting),
        owned(1, "10.0.0.9", "web1", 1, Phase::Active),
        owned(2, "nginx", "web2", 1, Phase::Active),
        entry(3, JournalEvent::Stop),
        death(300),
        owned(300, "10.0.0.9", "web2", 2, Phase::Starting),
        owned(301, "10.0.0.9", "web2", 2, Phase::Active),
        entry(400, order()),
    ]
}

#[test]
fn story_holds_last_move_and_node_events_just_before() {
    let journal = journal();
    assert_eq!(groups(&journal), ["10.0.0.9", "nginx"]);
    let story = Story::of(&journal, "10.0.0.9", None, 1);
    assert_eq!(story.entries, journal[4..7].iter().collect::<Vec<_>>());
    assert_eq!(Story::of(&journal, "nginx", None, 1).entries, [&journal[2]]);
}

#[test]
fn story_of_moving_group_begins_with_its_stop() {
    let mut journal = journal();
    journal.push(owned(401, "10.0.0.9", "web2", 2, Phase::Stopping));
    journal.push(owned(402, "10.0.0.9", "web1", 3, Phase::Starting));
    let story = Story::of(&journal, "10.0.0.9", None, 1);
    assert_eq!(story.entries, journal[7..].iter().collect::<Vec<_>>());
}

#[test]
fn story_is_told_as_state_and_dated_sentences() {
    let now = "2026-11-24T10:06:02.250Z".parse().unwrap();
    let group = report("web2", 2, Phase::Active);
    let present = Present { group: &group, nodes: &[] };
    let text = Story::of(&journal(), "10.0.0.9", None, 1).text(&TimeZone::UTC, now, Some(present));
    let lines = [
        "10.0.0.9 runs on web2 (since 2026-11-24 10:05:01 UTC, 1 min 1 s ago).",
        "  10:05:00.250  web1 is dead: silence",
        "  10:05:00.250  web2 starts it (term 2): web1 was silent for 650 ms",
        "  10:05:01.250  web2 runs it (term 2), after 1.00 s: web1 was silent for 650 ms",
        "",
    ];
    assert_eq!(text, lines.join("\n"));
}

#[test]
fn earlier_moves_are_told_below_last_move() {
    let mut journal = journal();
    journal.push(owned(2000, "10.0.0.9", "web2", 2, Phase::Stopping));
    journal.push(owned(2001, "10.0.0.9", "web1", 3, Phase::Starting));
    journal.push(owned(2002, "10.0.0.9", "web1", 3, Phase::Active));
    let story = |wanted| Story::of(&journal, "10.0.0.9", None, wanted);
    let moves = |wanted| story(wanted).moves.iter().map(Vec::len).collect::<Vec<_>>();
    assert_eq!(moves(1), [3]);
    assert_eq!(moves(2), [3, 3]);
    assert_eq!(moves(usize::MAX), [2, 3, 3]);
    assert_eq!(story(2).entries.len(), 6);
    let now = "2026-11-24T10:40:00Z".parse().unwrap();
    let group = report("web1", 3, Phase::Active);
    let present = Present { group: &group, nodes: &[] };
    let text = story(2).text(&TimeZone::UTC, now, Some(present));
    let heads: Vec<&str> = text.lines().filter(|line| !line.starts_with(' ')).collect();
    assert_eq!(
        heads,
        [
            "10.0.0.9 runs on web1 (since 2026-11-24 10:33:22 UTC, 6 min 37 s ago).",
            "Before that it ran on web2 (since 2026-11-24 10:05:01 UTC, 34 min 58 s ago).",
        ]
    );
}

/// A stage of a hand-over from web1 to web2 that began two seconds before: of a group, or of a set.
fn stage(second: u32, word: &'static str, group: Option<&str>, set: Option<GroupSet>) -> Entry {
    let stage = HandOverStage {
        stage: word.into(),
        giver: "web1".into(),
        taker: "web2".into(),
        group: group.map(str::to_owned),
        set,
        motive: "node".into(),
        ticket: None,
        refused: None,
        took_ms: 1,
        total_ms: 2_000,
    };
    entry(second, JournalEvent::HandOver(stage))
}

#[test]
fn hand_over_of_set_is_told_only_for_groups_in_set() {
    let told = |set, home| {
        let journal = [
            stage(8, "asked", None, Some(set)),
            stage(9, "ended", None, Some(set)),
            owned(10, "nginx", "web2", 2, Phase::Active),
            stage(11, "ended", None, Some(set)),
        ];
        Story::of(&journal, "nginx", home, 1).entries.len()
    };
    // web1 is the giver.
    assert_eq!(told(GroupSet::Local, Some("web1")), 4);
    assert_eq!(told(GroupSet::Local, Some("web2")), 1);
    assert_eq!(told(GroupSet::Foreign, Some("web1")), 1);
    assert_eq!(told(GroupSet::Foreign, Some("web2")), 4);
    assert_eq!(told(GroupSet::All, Some("web1")), 4);
    assert_eq!(told(GroupSet::All, Some("web2")), 4);
    assert_eq!(told(GroupSet::Foreign, None), 4, "no daemon says which home the group has");
}

#[test]
fn end_of_group_hand_over_belongs_to_completed_move() {
    let own = |second, word| stage(second, word, Some("nginx"), None);
    let journal = [
        own(8, "asked"),
        owned(9, "nginx", "web2", 2, Phase::Active),
        own(9, "done"),
        own(20, "wanted"),
        owned(21, "nginx", "web1", 3, Phase::Starting),
        owned(22, "nginx", "web1", 3, Phase::Active),
        own(22, "done"),
    ];
    let moves = Story::of(&journal, "nginx", None, 9).moves;
    assert_eq!(moves[0], journal[..3].iter().collect::<Vec<_>>());
    assert_eq!(moves[1], journal[3..].iter().collect::<Vec<_>>());
}

#[test]
fn end_of_set_hand_over_belongs_to_move_of_each_group() {
    let stage = |second, word| stage(second, word, None, Some(GroupSet::All));
    let mut journal = vec![stage(400, "asked")];
    for (second, phase) in [(401, Phase::Starting), (402, Phase::Active)] {
        journal.push(owned(second, "10.0.0.9", "web2", 2, phase));
        journal.push(owned(second, "nginx", "web2", 2, phase));
    }
    journal.push(stage(403, "done"));
    journal.push(stage(404, "asked"));
    for group in ["10.0.0.9", "nginx"] {
        let told = Story::of(&journal, group, None, 1).entries;
        assert_eq!((told.len(), told[0], told[3]), (4, &journal[0], &journal[5]), "{group}");
    }
}

#[test]
fn order_answered_just_before_move_belongs_to_following_move() {
    let answer = || JournalEvent::Answer {
        order: Order::ConfirmDead("web1".into()).into(),
        refused: None,
        failed: None,
        ticket: 1,
    };
    let journal = [
        owned(0, "nginx", "web1", 1, Phase::Active),
        entry(1, answer()),
        death(3),
        entry(4, order()),
        entry(4, answer()),
        owned(5, "nginx", "web2", 2, Phase::Active),
    ];
    let moves = Story::of(&journal, "nginx", None, 9).moves;
    assert_eq!(moves[0], [&journal[0], &journal[1]]);
    assert_eq!(moves[1], journal[2..].iter().collect::<Vec<_>>());
}

#[test]
fn retired_line_is_over_only_when_its_stop_is_complete() {
    let mut journal = journal();
    journal.push(owned(500, "nginx (retired)", "web2", 1, Phase::Stopping));
    journal.push(owned(501, "nginx", "web2", 1, Phase::Stopped));
    assert!(!is_over(&journal, "nginx (retired)"), "it is being stopped");
    journal.push(owned(502, "nginx (retired)", "web2", 1, Phase::Stopped));
    journal.push(owned(503, "nginx", "web2", 2, Phase::Active));
    assert!(is_over(&journal, "nginx (retired)"));
    assert!(!is_over(&journal, "nginx") && !is_over(&journal, "10.0.0.9"));
}

#[test]
fn group_is_found_by_each_resource_of_its_jobs() {
    let job = JobEnd {
        group: "10.0.0.9".into(),
        action: Action::Start,
        resources: vec!["10.0.0.9".into(), "apache".into()],
        addresses: false,
        outcome: Outcome::Success,
        reason: None,
        took_ms: 5,
    };
    let mut journal = journal();
    journal.push(entry(500, JournalEvent::Job(job)));
    let has = |group, word: &str| has_word(&journal, group, |other| other == word);
    assert!(has("10.0.0.9", "apache"));
    assert!(!has("nginx", "apache") && !has("10.0.0.9", "apach"));
}

#[test]
fn story_without_daemon_is_told_in_past_tense() {
    let now = "2026-11-24T10:06:02.250Z".parse().unwrap();
    let text =
        |journal: &[Entry]| Story::of(journal, "10.0.0.9", None, 1).text(&TimeZone::UTC, now, None);
    let head = |text: String| text.lines().next().unwrap().to_owned();
    let mut journal = journal();
    let ran = "10.0.0.9 ran on web2 (since 2026-11-24 10:05:01 UTC, 1 min 1 s ago).";
    assert_eq!(head(text(&journal)), ran);
    for (phase, was) in [
        (Phase::Starting, "was being started on web2 (since"),
        (Phase::Stopping, "was being stopped on web2 (since"),
        (Phase::Stopped, "was stopped (since"),
        (Phase::Blocked, "was blocked on web2 (since"),
    ] {
        journal.push(owned(320, "10.0.0.9", "web2", 2, phase));
        let head = head(text(&journal));
        assert!(head.starts_with(&format!("10.0.0.9 {was}")), "{head}");
    }
}

#[test]
fn story_omits_entries_of_other_groups_and_of_no_group() {
    let orders: [JournalOrder; 5] = [
        Order::StandbyGroup("nginx".into()).into(),
        Order::TakeoverGroup("nginx".into()).into(),
        Order::Hold(Some("nginx".into()), 1000).into(),
        Order::Release(Some("nginx".into())).into(),
        Order::Retry(Some("nginx".into())).into(),
    ];
    let order = |order: JournalOrder| JournalEvent::Order {
        order,
        uid: 0,
        pid: 7,
        user: None,
        login: None,
        ticket: 1,
    };
    let answer = |order: JournalOrder| JournalEvent::Answer {
        order,
        refused: None,
        failed: None,
        ticket: 1,
    };
    let mut journal: Vec<Entry> = Vec::new();
    for wanted in &orders {
        journal.push(entry(299, order(wanted.clone())));
        journal.push(entry(299, answer(wanted.clone())));
    }
    journal.push(entry(299, JournalEvent::Denied { uid: 1000, pid: 8, user: None }));
    journal.push(entry(299, JournalEvent::Keys { step: "begins".into(), waiting: Vec::new() }));
    let ours = JournalOrder::from(Order::TakeoverGroup("10.0.0.9".into()));
    journal.push(entry(300, order(ours.clone())));
    journal.push(owned(300, "10.0.0.9", "web2", 2, Phase::Active));
    journal.push(entry(301, answer(orders[0].clone())));
    journal.push(entry(302, answer(ours)));
    let told = Story::of(&journal, "10.0.0.9", None, 1).entries;
    let count = journal.len();
    assert_eq!(told, [&journal[count - 4], &journal[count - 3], &journal[count - 1]]);
}

#[test]
fn story_omits_reload_of_other_groups_and_its_order() {
    let reload = |second, change: &str| {
        let order = JournalOrder::from(DaemonOrder::Reload);
        let ordered = JournalEvent::Order {
            order: order.clone(),
            uid: 0,
            pid: 7,
            user: None,
            login: None,
            ticket: 0,
        };
        let done = JournalEvent::Reload { changes: vec![change.to_owned()], restarts: false };
        let answer = JournalEvent::Answer { order, refused: None, failed: None, ticket: 0 };
        [ordered, done, answer].map(|event| entry(second, event))
    };
    let mut journal: Vec<Entry> = reload(298, "group added: web1 nginx").into();
    journal.extend(reload(299, "group changed: web2 10.0.0.9 b (it was: web2 10.0.0.9 a)"));
    journal.push(owned(300, "10.0.0.9", "web2", 2, Phase::Active));
    journal.extend(reload(301, "group removed: web1 nginx"));
    let told = Story::of(&journal, "10.0.0.9", None, 1).entries;
    assert_eq!(told, journal[3..7].iter().collect::<Vec<_>>());
}

#[test]
fn claim_first_heard_as_active_is_told_with_at_least() {
    let claimed = |second, phase| {
        let mut entry = owned(second, "nginx", "web1", 3, phase);
        let JournalEvent::Ownership { cause, .. } = &mut entry.event else { unreachable!() };
        *cause = "claimed".into();
        entry
    };
    let now = "2026-11-24T10:06:00Z".parse().expect("it is a time");
    let head = |journal: &[Entry]| {
        let text = Story::of(journal, "nginx", None, 1).text(&TimeZone::UTC, now, None);
        text.lines().next().expect("it has a head").to_owned()
    };
    let met = head(&[claimed(5, Phase::Active)]);
    assert!(met.starts_with("nginx ran on web1 (since at least 2026-11-24 10:00:05"), "{met}");
    let seen = head(&[claimed(4, Phase::Starting), claimed(5, Phase::Active)]);
    assert!(seen.starts_with("nginx ran on web1 (since 2026-11-24 10:00:05"), "{seen}");
}

#[test]
fn story_of_retired_line_without_daemon_says_claimed() {
    let now = "2026-11-24T10:06:00Z".parse().expect("it is a time");
    let journal = [owned(5, "nginx (retired)", "web2", 3, Phase::Active)];
    let text = Story::of(&journal, "nginx (retired)", None, 1).text(&TimeZone::UTC, now, None);
    let head = text.lines().next().expect("it has a head");
    assert!(head.starts_with("nginx (retired) was claimed by web2 (since"), "{head}");
}
