//! A C node has given its groups away, is started anew, and gets them back as from another one.

use super::*;
use crate::Phase;

fn ask(hold: Hold, step: Step) -> Message {
    Message::AskResources { hold, step, ipfail: false, by_order: false }
}

/// It went standby, for whatever reason: a C node does not tell it.
fn given() -> Beside {
    let mut beside = Beside::joint();
    beside.say(ask(Hold::Local, Step::Me));
    beside.resource(Hold::None, false, Occasion::Standby);
    beside.say(ask(Hold::Local, Step::Done));
    beside.pass(Duration::from_millis(300));
    beside.resource(Hold::None, true, Occasion::Report);
    beside.pass(Duration::from_secs(5));
    assert_eq!(beside.node.runs, [FIRST, SECOND]);
    assert!(!beside.sent().contains(&ask(Hold::Foreign, Step::Me)), "it stays meanwhile");
    beside
}

fn comes_back(beside: &mut Beside) {
    (beside.generation, beside.sequence) = (2, 0);
    beside.status(NodeStatus::Init);
    beside.status(NodeStatus::Active);
    beside.say(Message::Starting);
    beside.resource(Hold::None, true, Occasion::Report);
    beside.pass(Duration::from_secs(2));
    assert!(beside.sent().contains(&ask(Hold::Foreign, Step::Me)), "it gets its group back");
    beside.say(ask(Hold::Foreign, Step::Other));
    beside.pass(Duration::from_secs(1));
    assert_eq!(beside.node.runs, [FIRST]);
}

#[test]
fn what_it_gave_away_goes_home_after_a_stop_and_a_start() {
    let mut beside = given();
    beside.resource(Hold::None, false, Occasion::Shutdown);
    beside.say(Message::Shutdone);
    beside.silence(Duration::from_secs(2));
    comes_back(&mut beside);
}

#[test]
fn what_it_gave_away_goes_home_after_a_crash() {
    let mut beside = given();
    beside.silence(Duration::from_secs(2));
    comes_back(&mut beside);
}

#[test]
fn what_it_gave_away_goes_home_after_a_start_that_nobody_saw_the_stop_of() {
    comes_back(&mut given());
}

/// Our daemon, started anew beside an executor that has kept a group, whole or in part.
fn started_anew(group: GroupId, is_whole: bool) -> Beside {
    let mut beside = Beside::new(Failback::On);
    let listed = vec![(group, 3)];
    let settings = beside.node.cluster.settings().clone();
    beside.node.cluster = Cluster::new(settings, Boot { listed, ..boot(2) });
    beside.node.runs = vec![group];
    let holding = Holding { group, term: 3, is_whole };
    beside.node.cluster.handle(Time::START, &Input::ExecutorReady(vec![holding]));
    beside
}

/// Our daemon was killed for longer than a dead time: the peer has taken everything, and our executor has
/// let go of the address alone.
#[test]
fn what_is_held_in_part_is_left_to_a_peer_that_has_taken_it() {
    let mut beside = started_anew(FIRST, false);
    beside.node.holds_jobs = true;
    beside.status(NodeStatus::Active);
    beside.say(Message::ReplyNodes { nodes: "alpha beta".into(), deleted: "".into() });
    beside.pass(Duration::from_secs(1));
    let starts =
        |beside: &Beside| beside.node.held.iter().filter(|job| job.action == Action::Start).count();
    assert_eq!(starts(&beside), 0, "what the peer holds is not known yet");
    beside.resource(Hold::All, true, Occasion::Report);
    beside.pass(Duration::from_secs(1));
    assert_eq!(starts(&beside), 0, "the peer has it");
    let row = *beside.node.cluster.ownership.row(FIRST);
    assert_eq!((row.owner, row.phase), (Some(B), Phase::Active));
    assert!(beside.node.held.iter().any(|job| job.action == Action::Stop));
}

/// Both our processes were killed and are here again before the address has expired, and the peer has
/// taken over meanwhile.
#[test]
fn what_is_found_whole_is_left_to_a_peer_that_has_taken_it_without_a_word() {
    let mut beside = started_anew(FIRST, true);
    beside.status(NodeStatus::Active);
    beside.say(Message::ReplyNodes { nodes: "alpha beta".into(), deleted: "".into() });
    beside.resource(Hold::All, true, Occasion::Report);
    beside.pass(Duration::from_millis(300));
    let row = *beside.node.cluster.ownership.row(FIRST);
    assert_eq!((row.owner, row.phase), (Some(B), Phase::Active));
    assert_eq!(beside.node.runs, [], "the peer has it");
    let holds = |message: &Message| {
        matches!(message, Message::Resource { hold: Hold::Local | Hold::All, .. })
    };
    let sent = beside.sent();
    assert!(!sent.iter().any(holds), "{sent:?}");
    assert!(sent.contains(&report(Hold::None, true, Occasion::Report)), "{sent:?}");
}

/// Our daemon was started anew at once, and so was the peer, which would take its own set otherwise.
#[test]
fn what_an_executor_has_kept_is_told_when_the_peer_has_said_what_it_holds() {
    for is_heard_to_start in [false, true] {
        let mut beside = started_anew(SECOND, true);
        beside.status(NodeStatus::Active);
        beside.say(Message::ReplyNodes { nodes: "alpha beta".into(), deleted: "".into() });
        let is_report = |message: &Message| matches!(message, Message::Resource { .. });
        let sent = beside.sent();
        assert!(sent.contains(&Message::Starting) && !sent.iter().any(is_report), "{sent:?}");
        if is_heard_to_start {
            beside.say(Message::Starting);
        } else {
            beside.resource(Hold::None, false, Occasion::Report);
        }
        let sent = beside.sent();
        assert_eq!(sent, [report(Hold::Foreign, false, Occasion::Report)]);
        assert_eq!(beside.node.runs, [SECOND]);
    }
}
