use super::*;
use systole_core::{Action, Outcome, Refusal};
use systole_ipc::journal::{HandOverStage, LastBeat, PingCounts};
use systole_ipc::order::{DaemonOrder, Order};

/// Returns the sentences for entries of web2, made one after the other.
fn tell(events: Vec<JournalEvent>) -> Vec<String> {
    let mut teller = Teller::default();
    let entry = |event| Entry {
        time: "2026-11-24T10:00:00Z".into(),
        from: "web2".into(),
        run: 7,
        number: 1,
        event,
    };
    events.into_iter().map(|event| teller.sentence(&[&entry(event)])).collect()
}

#[test]
fn group_unconfirmed_by_executor_is_told_as_checked_not_started() {
    let starting = |cause: &'static str| JournalEvent::Ownership {
        group: "nginx".into(),
        owner: "web1".into(),
        term: 3,
        phase: Phase::Starting,
        cause: cause.into(),
        evidence: "because".into(),
    };
    let told = tell(vec![starting("unsure"), starting("owner_dead")]);
    assert_eq!(told, ["web1 checks it (term 3): because", "web1 starts it (term 3): because"]);
}

#[test]
fn retired_line_is_told_as_claimed_here_and_as_run_by_peer() {
    let owned = |group: &str, owner: &str, phase| JournalEvent::Ownership {
        group: group.into(),
        owner: owner.into(),
        term: 3,
        phase,
        cause: "reload".into(),
        evidence: "because".into(),
    };
    let retired = "nginx (retired)";
    let told = tell(vec![
        owned(retired, "web2", Phase::Stopping),
        owned(retired, "web2", Phase::Active),
        owned(retired, "web1", Phase::Active),
        owned("nginx", "web2", Phase::Active),
    ]);
    let sentences = [
        "web2 stops it (term 3): because",
        "web2 claims it (term 3), so that no node starts it: because",
        "web1 runs it (term 3): because",
        "web2 runs it (term 3): because",
    ];
    assert_eq!(told, sentences);
}

#[test]
fn order_accepted_but_unsuccessful_is_told_as_failed_not_refused() {
    let answer = |why: Refusal| JournalEvent::Answer {
        order: Order::StandbyGroup("nginx".into()).into(),
        refused: Some(why.into()),
        failed: None,
        ticket: 1,
    };
    let told = tell(vec![answer(Refusal::PeerDied), answer(Refusal::NoPeer)]);
    let sentences = [
        "the order failed: standby of group nginx: the other node died during the hand-over",
        "the order was refused: standby of group nginx: no other node is active",
    ];
    assert_eq!(told, sentences);
}

fn beat(link: &str, silence_ms: Option<u64>, up: bool) -> LastBeat {
    LastBeat { link: link.into(), silence_ms, up }
}

fn job(action: Action, words: &[&str], addresses: bool, outcome: Outcome, took_ms: u64) -> JobEnd {
    let resources = words.iter().map(|word| (*word).to_owned()).collect();
    let reason = None;
    JobEnd { group: "nginx".into(), action, resources, addresses, outcome, reason, took_ms }
}

#[test]
fn death_is_told_with_silence_on_each_link() {
    let death = |silence_ms, links| JournalEvent::Death {
        node: "web1".into(),
        evidence: "no beat within its dead time".into(),
        silence_ms,
        limit_ms: Some(650),
        links,
    };
    let old = JournalEvent::Death {
        node: "web1".into(),
        evidence: "no beat within its dead time".into(),
        silence_ms: None,
        limit_ms: None,
        links: Vec::new(),
    };
    let links = vec![
        beat("eth0", Some(651), true),
        beat("/dev/ttyS0", Some(2010), false),
        beat("eth1", None, false),
    ];
    let never = vec![beat("eth0", None, false)];
    assert_eq!(
        tell(vec![death(Some(652), links), death(None, never), old]),
        [
            "web1 is dead: silent for 652 ms, dead after 650 ms; last beat 651 ms before on eth0, \
             2.01 s before on /dev/ttyS0, on which it did not hear this node; never a beat on eth1",
            "web1 is dead: never heard within 650 ms",
            "web1 is dead: no beat within its dead time",
        ]
    );
}

#[test]
fn ping_node_counts_are_told_with_lost_nodes_and_decision() {
    let counts = |theirs, lost: &[&str], decision: &'static str| {
        JournalEvent::Pings(PingCounts {
            node: "web1".into(),
            ours: 1,
            theirs,
            lost: lost.iter().map(|name| (*name).to_owned()).collect(),
            decision: decision.into(),
        })
    };
    assert_eq!(
        tell(vec![counts(Some(2), &["10.0.0.1"], "gives_up"), counts(None, &[], "refuses")]),
        [
            "web2 sees 1 ping node (not 10.0.0.1), web1 2: web2 gives everything away, unless \
             that changes at once",
            "web2 sees 1 ping node, web1 did not report: web2 refuses to take groups",
        ]
    );
}

#[test]
fn consecutive_jobs_are_told_in_one_sentence() {
    let jobs = [
        job(Action::Stop, &["nginx"], false, Outcome::Success, 1020),
        job(Action::Stop, &["10.0.0.8", "10.0.0.9"], true, Outcome::Success, 3),
        job(Action::Start, &["nginx"], false, Outcome::Failed(1), 40),
        job(Action::Status, &["nginx"], false, Outcome::NotRunning, 7),
    ];
    let all: Vec<&JobEnd> = jobs.iter().collect();
    assert_eq!(
        jobs::sentence("web2", &all),
        "web2 stopped nginx in 1.02 s, released 10.0.0.8 10.0.0.9 in 3 ms, tried to start nginx \
         for 40 ms (exit code 1), queried the status of nginx for 7 ms: it reports that it does \
         not run"
    );
}

#[test]
fn hand_over_is_told_stage_by_stage() {
    let stage = |stage: &'static str, motive: &'static str, group: Option<&str>, refused| {
        JournalEvent::HandOver(HandOverStage {
            stage: stage.into(),
            giver: "web2".into(),
            taker: "web1".into(),
            group: group.map(str::to_owned),
            set: group.is_none().then_some(systole_core::GroupSet::Foreign),
            motive: motive.into(),
            ticket: None,
            refused,
            took_ms: 5,
            total_ms: 1010,
        })
    };
    let all = ["asked", "agreed", "released", "done"];
    assert_eq!(
        tell(all.iter().map(|word| stage(word, "failback", None, None)).collect()),
        [
            "web2 asks web1 to take [foreign], because web1 is its home",
            "web1 can take [foreign] (checked in 5 ms)",
            "web2 has released [foreign], 5 ms later",
            "web1 has [foreign], 5 ms later; the hand-over took 1.01 s",
        ]
    );
    let busy = Some(Refusal::Busy);
    assert_eq!(
        tell(vec![
            stage("agreed", "carrier", Some("nginx"), None),
            stage("ended", "carrier", Some("nginx"), Some(Refusal::NoReply)),
            stage("unasked", "ipfail", None, busy),
        ]),
        [
            "web1 can take it (checked in 5 ms), because web2 cannot reach its clients",
            "the hand-over from web2 to web1 ended after 1.01 s: the other node did not answer",
            "web2 cannot ask web1 to take [foreign]: a hand-over is running already, because web2 \
             sees fewer ping nodes",
        ]
    );
}

#[test]
fn order_is_told_with_user_login_and_process() {
    let order = |user: Option<&str>, login: Option<&str>| JournalEvent::Order {
        order: DaemonOrder::Stop.into(),
        uid: 0,
        pid: 17,
        user: user.map(str::to_owned),
        login: login.map(str::to_owned),
        ticket: 1,
    };
    assert_eq!(
        tell(vec![order(None, None), order(Some("root"), Some("anna"))]),
        ["user 0 (process 17) ordered: stop", "root (process 17, logged in as anna) ordered: stop",]
    );
}
