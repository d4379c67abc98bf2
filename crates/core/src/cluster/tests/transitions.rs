//! Transitions that the simulated worlds do not reach: (state, input) → the state after it.

use super::facing::{Facing, status};
use super::pair::Pair;
use super::*;
use crate::ProgressStage;

mod fencing;
mod ipfail;

/// How far A has come with a hand-over: it gives its own group to B, or takes B's group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Asked,
    Releasing,
    Given,
    Told,
    Invited,
    Checking,
    Promised,
    Acquiring,
}

impl Stage {
    const fn is_of_a_giver(self) -> bool {
        matches!(self, Self::Asked | Self::Releasing | Self::Given | Self::Told)
    }

    /// What A has reported at this stage.
    const fn progress(self) -> ProgressStage {
        match self {
            Self::Invited => ProgressStage::Wanted,
            Self::Asked | Self::Checking => ProgressStage::Asked,
            Self::Releasing | Self::Promised => ProgressStage::Agreed,
            Self::Given | Self::Told | Self::Acquiring => ProgressStage::Released,
        }
    }
}

fn step(group: GroupId, step: Step) -> Message {
    let name = if group == FIRST { "first" } else { "second" };
    Message::GroupStep { group: GroupKey::of([name]), step, by_order: false }
}

impl Facing {
    /// A hand-over has come to this stage.
    fn at(stage: Stage) -> Self {
        let mut facing = Self::settled();
        (facing.node.holds_jobs, facing.node.held_checks) = (true, Some(Vec::new()));
        if stage.is_of_a_giver() {
            facing.give(stage);
        } else {
            facing.take(stage);
        }
        assert_eq!(facing.shown(), Some(stage.progress()), "{stage:?}");
        facing
    }

    fn give(&mut self, stage: Stage) {
        self.node.order(self.now, Order::StandbyGroup(FIRST));
        self.turn();
        if stage == Stage::Asked {
            return;
        }
        self.say(step(FIRST, Step::Other));
        self.turn();
        if stage == Stage::Releasing {
            return;
        }
        self.node.finish_jobs(self.now);
        self.turn();
        if stage == Stage::Told {
            // The table that B has sent just before is lost.
            self.hides_row();
            self.sequence += 1;
            self.say(step(FIRST, Step::Done));
            self.turn();
        }
    }

    fn take(&mut self, stage: Stage) {
        if stage == Stage::Invited {
            self.node.order(self.now, Order::TakeoverGroup(SECOND));
            return self.turn();
        }
        self.say(step(SECOND, Step::Me));
        self.turn();
        if stage == Stage::Checking {
            return;
        }
        self.node.finish_checks(self.now);
        self.turn();
        self.node.held_checks = Some(Vec::new());
        if stage == Stage::Acquiring {
            self.lets_go(SECOND);
            self.say(step(SECOND, Step::Done));
            self.turn();
            assert_eq!(self.node.held.last().map(|job| job.action), Some(Action::Start));
        }
    }

    /// What A has reported last of its hand-over, if the hand-over is in progress.
    fn shown(&self) -> Option<ProgressStage> {
        let last = self.node.progress().last().map(|progress| progress.stage);
        last.filter(|_| self.node.hands_over())
    }

    /// The sequence of A's "done".
    fn done(&self) -> Option<u64> {
        let is_done = |outgoing: &Outgoing| outgoing.message == step(FIRST, Step::Done);
        self.node.kept.iter().find(|sent| is_done(&sent.0)).and_then(|sent| sent.0.sequence)
    }

    /// B refuses the "done" of A that has this sequence.
    fn refuses(&mut self, number: Option<u64>) {
        self.say(Message::Refuse { step: Step::Done, why: Refusal::Busy, number });
    }

    /// Something happens that is called by a name.
    fn meet(&mut self, input: &str, ours: GroupId, stray: GroupId) {
        match input {
            "me" => self.say(step(ours, Step::Me)),
            "other" => self.say(step(ours, Step::Other)),
            "done" => self.say(step(ours, Step::Done)),
            "stray other" => self.say(step(stray, Step::Other)),
            "stray done" => self.say(step(stray, Step::Done)),
            "stray refusal" => self.refuses(Some(1)),
            "refusal" => self.refuses(self.done()),
            "order" => {
                self.node.order(self.now, Order::StandbyGroup(FIRST));
                self.turn();
                assert_eq!(self.node.answers, [refused(Refusal::Busy)]);
            }
            "own stop" => self.node.order(self.now, Order::Stop),
            "executor gone" => self.node.cluster.handle(self.now, &Input::ExecutorGone),
            "own pause" => self.now = self.now + DEADTIME,
            "other node gone" => self.silence("B is dead", |it| it.node.counts_dead(B)),
            "no reply" => {
                let no_reply = Event::HandOver(HandOverEvent::NoReply);
                self.until("nobody replies", |it| it.node.has_said(&no_reply));
            }
            other => panic!("no input is called {other}"),
        }
        self.turn();
    }
}

fn is_death(event: &Event) -> bool {
    matches!(event, Event::PeerDead(B, _))
}

/// Something happens at a stage of a hand-over: (stage, input, stage after it).
const TURNS: [(Stage, &str, Option<Stage>); 63] = [
    // A step that is not due is refused, and changes nothing.
    (Stage::Asked, "done", Some(Stage::Asked)),
    (Stage::Asked, "stray done", Some(Stage::Asked)),
    (Stage::Releasing, "stray done", Some(Stage::Releasing)),
    (Stage::Given, "other", Some(Stage::Given)),
    (Stage::Given, "stray done", Some(Stage::Given)),
    (Stage::Given, "stray other", Some(Stage::Given)),
    (Stage::Acquiring, "stray refusal", Some(Stage::Acquiring)),
    (Stage::Acquiring, "own pause", Some(Stage::Acquiring)),
    (Stage::Asked, "own stop", None),
    (Stage::Invited, "own stop", None),
    (Stage::Asked, "stray other", Some(Stage::Asked)),
    (Stage::Asked, "stray refusal", Some(Stage::Asked)),
    (Stage::Releasing, "done", Some(Stage::Releasing)),
    (Stage::Releasing, "other", Some(Stage::Releasing)),
    (Stage::Releasing, "stray refusal", Some(Stage::Releasing)),
    (Stage::Releasing, "stray other", Some(Stage::Releasing)),
    (Stage::Given, "stray refusal", Some(Stage::Given)),
    (Stage::Given, "refusal", None),
    (Stage::Told, "me", Some(Stage::Told)),
    (Stage::Told, "done", Some(Stage::Told)),
    (Stage::Told, "other", Some(Stage::Told)),
    (Stage::Told, "stray done", Some(Stage::Told)),
    (Stage::Told, "stray other", Some(Stage::Told)),
    (Stage::Told, "stray refusal", Some(Stage::Told)),
    (Stage::Invited, "done", Some(Stage::Invited)),
    (Stage::Invited, "other", Some(Stage::Invited)),
    (Stage::Invited, "stray done", Some(Stage::Invited)),
    (Stage::Invited, "stray other", Some(Stage::Invited)),
    (Stage::Invited, "stray refusal", Some(Stage::Invited)),
    (Stage::Checking, "done", Some(Stage::Checking)),
    (Stage::Checking, "other", Some(Stage::Checking)),
    (Stage::Checking, "stray done", Some(Stage::Checking)),
    (Stage::Checking, "stray other", Some(Stage::Checking)),
    (Stage::Checking, "stray refusal", Some(Stage::Checking)),
    (Stage::Promised, "other", Some(Stage::Promised)),
    (Stage::Promised, "stray done", Some(Stage::Promised)),
    (Stage::Promised, "stray other", Some(Stage::Promised)),
    (Stage::Acquiring, "me", Some(Stage::Acquiring)),
    (Stage::Acquiring, "done", Some(Stage::Acquiring)),
    (Stage::Acquiring, "other", Some(Stage::Acquiring)),
    (Stage::Acquiring, "stray done", Some(Stage::Acquiring)),
    (Stage::Acquiring, "stray other", Some(Stage::Acquiring)),
    // The giver has begun anew.
    (Stage::Checking, "me", Some(Stage::Checking)),
    (Stage::Promised, "me", Some(Stage::Checking)),
    // No node begins a second hand-over.
    (Stage::Checking, "order", Some(Stage::Checking)),
    (Stage::Told, "order", Some(Stage::Told)),
    (Stage::Invited, "order", Some(Stage::Invited)),
    // A node that can no longer check cannot promise; giving needs no executor here once it is
    // done.
    (Stage::Checking, "executor gone", None),
    (Stage::Invited, "executor gone", Some(Stage::Invited)),
    (Stage::Told, "executor gone", Some(Stage::Told)),
    // A hand-over that has begun to move groups continues after a pause.
    (Stage::Asked, "own pause", None),
    (Stage::Invited, "own pause", None),
    (Stage::Checking, "own pause", None),
    (Stage::Told, "own pause", Some(Stage::Told)),
    (Stage::Checking, "own stop", None),
    (Stage::Told, "own stop", None),
    (Stage::Told, "other node gone", None),
    (Stage::Checking, "other node gone", None),
    // Nothing is awaited without end.
    (Stage::Given, "no reply", None),
    (Stage::Told, "no reply", None),
    (Stage::Invited, "no reply", None),
    (Stage::Checking, "no reply", None),
    (Stage::Asked, "no reply", None),
];

#[test]
fn hand_over_at_rare_input_reaches_listed_stage() {
    for (before, input, after) in TURNS {
        let mut facing = Facing::at(before);
        let count = facing.node.progress().len();
        let (ours, stray) = if before.is_of_a_giver() { (FIRST, SECOND) } else { (SECOND, FIRST) };
        facing.meet(input, ours, stray);
        let story = format!("{input} when {before:?}");
        assert_eq!(facing.shown(), after.map(Stage::progress), "{story}");
        let news = facing.node.progress().split_off(count);
        let news: Vec<_> = news.iter().map(|progress| progress.stage).collect();
        match after {
            None => assert!(matches!(news[..], [ProgressStage::Ended(_)]), "{story}: {news:?}"),
            Some(_) if input == "me" && !news.is_empty() => {
                assert_eq!(news, [ProgressStage::Asked], "{story}: the giver has begun anew");
            }
            Some(_) => assert_eq!((after, news), (Some(before), vec![]), "{story}"),
        }
    }
}

/// Nothing was let go yet, and the reason is gone.
#[test]
fn hand_over_for_lost_carrier_is_withdrawn_when_carrier_returns() {
    let mut facing = Facing::settled();
    for (is_there, shown) in [(false, Some(ProgressStage::Asked)), (true, None)] {
        let carrier = Input::Carrier { group: FIRST, is_there };
        facing.node.cluster.handle(facing.now, &carrier);
        facing.turn();
        assert_eq!(facing.shown(), shown);
    }
    let last = facing.node.progress().last().map(|progress| progress.stage);
    assert_eq!(last, Some(ProgressStage::Ended(Refusal::Withdrawn)));
}

/// A start has failed, and the agent cannot even be asked to stop: nothing is in progress here that
/// could be awaited.
#[test]
fn acquisition_with_agents_that_cannot_be_asked_ends() {
    let mut facing = Facing::at(Stage::Acquiring);
    let start = facing.node.held.pop().expect("it starts");
    let failed = Input::JobDone { job: start.id, outcome: Outcome::Failed(1) };
    facing.node.cluster.handle(facing.now, &failed);
    facing.turn();
    assert_eq!(facing.node.held.last().map(|job| job.action), Some(Action::Stop));
    facing.until("nothing goes on", |facing| {
        for job in std::mem::take(&mut facing.node.held) {
            let done = Input::JobDone { job: job.id, outcome: Outcome::NotAsked };
            facing.node.cluster.handle(facing.now, &done);
        }
        facing.shown().is_none()
    });
    let last = facing.node.progress().last().map(|progress| progress.stage);
    let why = Refusal::CannotStop;
    assert_eq!(last, Some(ProgressStage::Ended(why)), "the giver has answered");
    assert_eq!(facing.node.owner(SECOND), Some(A), "the group is taken, and has failed");
    assert_eq!(facing.node.failed_starts(), 1);
}

/// The agent cannot even be asked to stop, and nothing else is in progress.
#[test]
fn release_with_agent_that_cannot_be_asked_ends() {
    let mut pair = Pair::settled(Failback::Off);
    pair.node(A).holds_jobs = true;
    let now = pair.now;
    pair.node(A).order(now, Order::StandbyGroup(FIRST));
    pair.until("the order is answered", |pair| {
        let now = pair.now;
        for job in std::mem::take(&mut pair.node(A).held) {
            let done = Input::JobDone { job: job.id, outcome: Outcome::NotAsked };
            pair.node(A).cluster.handle(now, &done);
        }
        !pair.node(A).answers.is_empty()
    });
    assert_eq!(pair.node(A).answers, [refused(Refusal::CannotStop)]);
}

#[test]
fn goodbye_of_starting_peer_is_heeded_and_pause_declares_no_peer_dead() {
    for first in [NodeStatus::Init, NodeStatus::Up] {
        let mut facing = Facing::new();
        facing.say(status(first));
        facing.say(Message::Shutdone);
        facing.turn();
        assert!(facing.node.has_said(&Event::PeerLeft(B)));
    }
    for first in [NodeStatus::Init, NodeStatus::Up] {
        let mut facing = Facing::new();
        facing.say(status(first));
        facing.turn();
        facing.say(status(first));
        facing.now = facing.now + DEADTIME;
        facing.turn();
        assert!(facing.node.has_said(&Event::Paused(DEADTIME)));
        assert!(!facing.node.said.iter().any(is_death), "it was we who did not listen");
    }
}

#[test]
fn stop_order_repeated_begins_once_and_early_hand_over_step_is_ignored() {
    let (hold, step) = (GroupSet::All, Step::Me);
    let wish = || Message::AskResources { hold, step, ipfail: false, by_order: false };
    let mut facing = Facing::new();
    facing.say(status(NodeStatus::Up));
    facing.say(wish());
    facing.turn();
    assert_eq!((facing.node.hands_over(), facing.node.progress()), (false, vec![]));
    let mut facing = Facing::settled();
    facing.node.holds_jobs = true;
    facing.node.order(facing.now, Order::Stop);
    facing.turn();
    facing.say(wish());
    facing.node.order(facing.now, Order::Stop);
    facing.turn();
    assert!(!facing.node.has_said(&Event::Relinquished), "it waits for its own stop");
    facing.node.finish_jobs(facing.now);
    facing.silence("goodbye is said", |facing| facing.node.has_said(&Event::Relinquished));
    facing.node.order(facing.now, Order::Stop);
    facing.turn();
    let begins = facing.node.said.iter().filter(|event| **event == Event::StopBegins);
    assert_eq!(begins.count(), 1);
    facing.say(wish());
    facing.silence("it ends without an answer", |facing| facing.node.has_ended);
    assert_eq!((facing.node.hands_over(), facing.node.progress()), (false, vec![]));
}

/// Checks [`crate::Table::by_unit_tests`]. All of the tests run on one thread, which counts.
#[cfg(feature = "test-hooks")]
#[test]
fn transitions_not_reached_by_worlds_are_all_met_by_unit_tests() {
    crate::group::every_rare_meeting();
    crate::monitoring::every_rare_meeting();
    crate::cluster::rows::every_meeting();
    ledger::group_in_ledger_but_not_held_is_free_to_start();
    ledger::group_held_but_not_in_ledger_is_adopted();
    hand_over_at_rare_input_reaches_listed_stage();
    hand_over_for_lost_carrier_is_withdrawn_when_carrier_returns();
    acquisition_with_agents_that_cannot_be_asked_ends();
    release_with_agent_that_cannot_be_asked_ends();
    goodbye_of_starting_peer_is_heeded_and_pause_declares_no_peer_dead();
    stop_order_repeated_begins_once_and_early_hand_over_step_is_ignored();
    fencing::fencing_at_rare_input_takes_groups_only_after_confirmed_death();
    ipfail::ipfail_at_rare_message_gives_up_or_stays_as_listed();
    let visits = crate::take_visits();
    for table in crate::Table::ALL {
        for (state, input) in table.by_unit_tests() {
            let is_met = visits.contains_key(&(table, *state, *input));
            assert!(is_met, "{table:?}: no unit test meets {input:?} when {state:?}");
        }
    }
}
