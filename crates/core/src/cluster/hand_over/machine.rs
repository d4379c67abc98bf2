//! The planned hand-over of groups: the state machine, without cluster.

use super::input::{Action, Effects, Fact, Heard, Input, Refused};
use super::running::{REPLY_WAIT, Running, Stage, WORK_WAIT};
use crate::coverage::{Table, visit};
use crate::{JobId, NodeId, Refusal, Step, Time, UnfinishedStage};

/// The planned hand-over of this node, if there is one.
#[derive(Debug, Default)]
pub(in crate::cluster) struct HandOver(Option<Box<Running>>);

impl HandOver {
    /// The hand-over in progress.
    pub(in crate::cluster) fn running(&self) -> Option<&Running> {
        self.0.as_deref()
    }

    /// Whether a hand-over is in progress.
    pub(in crate::cluster) const fn runs(&self) -> bool {
        self.0.is_some()
    }

    /// A hand-over in progress, for tests of table rows.
    #[cfg(test)]
    pub(super) fn of(running: Running) -> Self {
        Self(Some(Box::new(running)))
    }

    /// The latest time at which a turn is due.
    pub(in crate::cluster) fn deadline(&self) -> Option<Time> {
        self.running().map(|running| running.until)
    }

    /// Processes an input. The only place where the state changes.
    pub(super) fn step(&mut self, now: Time, input: Input) -> Effects {
        if let Some(name) = self.name_of(now, &input) {
            visit(Table::HandOver, || (self.name(), name));
        }
        match input {
            Input::Begin(beginning) => {
                let mut running = Box::new(Running::new(now, *beginning));
                let progress = running.reached(now);
                self.0 = Some(running);
                Effects { progress, ..Effects::default() }
            }
            Input::Step(heard) if heard.step == Step::Me => self.asked(now, heard),
            Input::Step(heard) => self.answered(now, heard),
            Input::Refusal { why, .. } if self.awaits_refusal(&input) => {
                self.end(Err(why.as_told()))
            }
            Input::Checked { job, why } => self.checked(now, job, why),
            Input::Turn { has_come, is_stuck } => self.turn(now, has_come, is_stuck),
            Input::Concluded(result) => self.end(result),
            Input::Withdrawn | Input::TakenAgain => self.end(Err(Refusal::Withdrawn)),
            Input::OwnStop => self.end(Err(Refusal::NotReady)),
            Input::CannotStop => self.end(Err(Refusal::CannotStop)),
            Input::PeerGone(node) if self.is_with(node) => self.end(Err(Refusal::PeerDied)),
            Input::PeerLeaves if self.is_free_to_leave() => self.end(Err(Refusal::RemoteInFlux)),
            Input::ExecutorGone if self.is_at(Stage::Checking) => {
                self.refuse_offer(now, Refusal::CannotLook, Refusal::CannotLook)
            }
            Input::OwnPause => self.interrupt(now),
            Input::Wish
            | Input::Refusal { .. }
            | Input::PeerGone(_)
            | Input::PeerLeaves
            | Input::ExecutorGone => Effects::default(),
            Input::Learn(fact) => {
                self.0.as_mut().map_or_else(Effects::default, |running| running.learn(now, fact))
            }
        }
    }

    /// The other node wants to give. Its wish is considered unless another hand-over is in the way.
    fn asked(&mut self, now: Time, heard: Heard) -> Effects {
        let Some(running) = &mut self.0 else { return Action::Consider(None).into() };
        let Heard { from, is_first, lacks_words, .. } = heard;
        let is_crossing = running.stage == Stage::Asked && is_first;
        let waits = matches!(running.stage, Stage::Invited | Stage::Checking | Stage::Promised);
        let is_invited = waits && running.giver == from;
        // A C node that refuses the order of its own administrator has sent the request all the
        // same.
        let may_let_go = running.stage == Stage::Promised && lacks_words;
        if running.lets_go_by.is_some() || may_let_go || !is_crossing && !is_invited {
            return self.refuse(now, heard, Refusal::Busy);
        }
        // This node's own wish is heard: its answer waits for the hand-over that follows.
        let ticket = if is_invited { running.ticket.take() } else { None };
        let ended = self.end(if is_invited { Ok(()) } else { Err(Refusal::Busy) });
        Effects { action: Action::Consider(ticket), ..ended }
    }

    /// The other node answers, or is done.
    fn answered(&mut self, now: Time, heard: Heard) -> Effects {
        let Heard { sequence, step, .. } = heard;
        let running = self.0.as_mut().filter(|running| running.is_meant(&heard));
        match (step, running) {
            (Step::Other, Some(running)) if running.stage == Stage::Asked => {
                running.enter(now, Stage::Releasing, Action::Release)
            }
            (Step::Done, Some(running)) if running.stage == Stage::Promised => {
                if running.beside_classic {
                    running.done_by = Some(sequence);
                    return Action::Verify.into();
                }
                let said_by = Some(sequence);
                running.enter(now, Stage::Acquiring, Action::Acquire { said_by })
            }
            (Step::Done, Some(running)) if matches!(running.stage, Stage::Given(_)) => {
                running.enter(now, Stage::Told(sequence.saturating_sub(1)), Action::Nothing)
            }
            (Step::Me | Step::Other | Step::Done, _) => {
                let why = if self.runs() { Refusal::Busy } else { Refusal::NotReady };
                self.refuse(now, heard, why)
            }
        }
    }

    fn checked(&mut self, now: Time, job: JobId, why: Option<Refusal>) -> Effects {
        let Some(running) = &mut self.0 else { return Effects::default() };
        running.checks.retain(|check| *check != job);
        match why {
            Some(why) => self.refuse_offer(now, why, why),
            None => Effects::default(),
        }
    }

    fn turn(&mut self, now: Time, has_come: bool, is_stuck: bool) -> Effects {
        let Some(running) = &mut self.0 else { return Effects::default() };
        if now >= running.until {
            if running.may_be_done && running.stage == Stage::Promised {
                (running.may_be_done, running.until) = (false, now + WORK_WAIT);
                return Action::TakeForDone.into();
            }
            return self.end(Err(if is_stuck { Refusal::CannotStop } else { Refusal::NoReply }));
        }
        match running.stage {
            Stage::Checking if running.checks.is_empty() => {
                running.enter(now, Stage::Promised, Action::Promise)
            }
            Stage::Releasing if has_come => Action::SayReleased.into(),
            Stage::Acquiring if has_come => Action::SayAcquired.into(),
            Stage::Given(_) | Stage::Told(_) if has_come => Action::Conclude.into(),
            Stage::Asked
            | Stage::Releasing
            | Stage::Given(_)
            | Stage::Told(_)
            | Stage::Invited
            | Stage::Checking
            | Stage::Promised
            | Stage::Acquiring => Effects::default(),
        }
    }

    /// This node stood still. The other node may have declared it dead and ended the hand-over.
    ///
    /// A node that has promised to take ends the hand-over and refuses the giver's "done", because
    /// another node may own the promised groups now. A node that has begun to move groups
    /// continues, because no other node knows how far they are: the refusal of its "done", or the
    /// taker's table, shows a giver that the other node did not wait. A C node sends neither: it is
    /// asked what it holds.
    fn interrupt(&mut self, now: Time) -> Effects {
        let Some(running) = &self.0 else { return Effects::default() };
        match running.stage {
            Stage::Releasing | Stage::Given(_) | Stage::Told(_) | Stage::Acquiring
                if !running.beside_classic =>
            {
                Effects::default()
            }
            Stage::Checking => self.refuse_offer(now, Refusal::NotReady, Refusal::PeerDied),
            Stage::Asked
            | Stage::Releasing
            | Stage::Given(_)
            | Stage::Told(_)
            | Stage::Invited
            | Stage::Promised
            | Stage::Acquiring => self.end(Err(Refusal::PeerDied)),
        }
    }

    fn end(&mut self, result: Result<(), Refusal>) -> Effects {
        Effects { ended: self.0.take().map(|running| (running, result)), ..Effects::default() }
    }

    /// Refuses what was offered, and ends the hand-over.
    fn refuse_offer(&mut self, now: Time, why: Refusal, result: Refusal) -> Effects {
        let refuse = self.0.as_ref().map(|running| {
            let left = running.until.since(now);
            Refused { node: running.giver, step: Step::Me, why, number: None, left }
        });
        Effects { refuse, ..self.end(Err(result)) }
    }

    fn refuse(&self, now: Time, heard: Heard, why: Refusal) -> Effects {
        let Heard { from: node, step, sequence, .. } = heard;
        let left = self.deadline().unwrap_or(now).since(now);
        let number = (step != Step::Me).then_some(sequence);
        let refuse = Some(Refused { node, step, why, number, left });
        Effects { refuse, ..Effects::default() }
    }

    fn is_at(&self, stage: Stage) -> bool {
        self.running().is_some_and(|running| running.stage == stage)
    }

    fn is_with(&self, node: NodeId) -> bool {
        self.running().is_some_and(|running| running.is_with(node))
    }

    /// Whether the stop of the other node ends the hand-over: a Systole node announces that in its
    /// beats alone. Groups that were released for the hand-over are free, and groups that the other
    /// node has released do not wait for its other groups.
    fn is_free_to_leave(&self) -> bool {
        self.running().is_some_and(|running| {
            let waits = matches!(running.stage, Stage::Releasing | Stage::Promised);
            waits && !running.beside_classic
        })
    }

    fn awaits_refusal(&self, input: &Input) -> bool {
        let Input::Refusal { from, sequence, step, number, .. } = *input else { return false };
        self.running().is_some_and(|running| {
            let is_said = running.stage.awaits_answer_to(step, number);
            running.is_with(from) && sequence > running.began_at && is_said
        })
    }

    /// The name of the state for the count of transitions.
    pub(in crate::cluster) fn name(&self) -> &'static str {
        self.running().map_or("none", |running| running.stage.name())
    }

    /// The name of an input for that count. Turns in which nothing has come, and inputs that only
    /// this node itself causes, are not counted.
    fn name_of(&self, now: Time, input: &Input) -> Option<&'static str> {
        let running = self.running();
        match *input {
            Input::Wish => Some("order"),
            Input::Step(heard) => {
                let is_meant = running.is_some_and(|running| running.is_meant(&heard));
                Some(match (heard.step, is_meant) {
                    (Step::Me, _) => "me",
                    (Step::Other, true) => "other",
                    (Step::Done, true) => "done",
                    (Step::Other, false) => "stray other",
                    (Step::Done, false) => "stray done",
                })
            }
            Input::Refusal { .. } if self.awaits_refusal(input) => Some("refusal"),
            Input::Refusal { .. } => Some("stray refusal"),
            Input::Checked { why: None, .. } => Some("check well"),
            Input::Checked { why: Some(_), .. } => Some("check failed"),
            Input::Turn { has_come, .. } => running.and_then(|running| {
                let has_come = has_come || self.is_at(Stage::Checking) && running.checks.is_empty();
                match (now >= running.until, running.may_be_done) {
                    (true, true) => None,
                    (true, false) => Some("no reply"),
                    (false, _) => has_come.then_some("progress"),
                }
            }),
            Input::Withdrawn => Some("withdrawn"),
            Input::PeerGone(_) => Some("other node gone"),
            Input::OwnPause => Some("own pause"),
            Input::OwnStop => Some("own stop"),
            Input::ExecutorGone => Some("executor gone"),
            Input::Begin(_)
            | Input::Learn(_)
            | Input::Concluded(_)
            | Input::TakenAgain
            | Input::PeerLeaves
            | Input::CannotStop => None,
        }
    }
}

impl Running {
    /// Whether a step belongs to this hand-over.
    fn is_meant(&self, heard: &Heard) -> bool {
        self.is_with(heard.from) && self.scope == heard.scope && heard.sequence > self.began_at
    }

    fn enter(&mut self, now: Time, stage: Stage, action: Action) -> Effects {
        self.advance(now, stage);
        let progress = self.reached(now);
        Effects { progress, store: self.beside_classic, action, ..Effects::default() }
    }

    fn learn(&mut self, now: Time, fact: Fact) -> Effects {
        match fact {
            Fact::Resume { stage, reported } => return self.resume(now, stage, reported),
            Fact::Acquire => {
                return self.enter(now, Stage::Acquiring, Action::Acquire { said_by: None });
            }
            Fact::SaidDone(number) => {
                return self.enter(now, Stage::Given(number), Action::Nothing);
            }
            Fact::Done(number) => {
                self.done_by = Some(number);
                return Action::Verify.into();
            }
            Fact::Checks(checks) => self.checks = checks,
            Fact::Gives { gives, owned } => (self.gives, self.owned) = (gives, owned),
            Fact::GivesToo(group, term) => {
                if !self.gives(group) {
                    self.gives.push((group, term));
                }
            }
            Fact::Keeps(group) => self.owned.retain(|owned| *owned != group),
            Fact::LetsGo { giver, number } => {
                if giver == self.giver && number > self.began_at {
                    self.giver_lets_go(now, number);
                }
            }
            Fact::MayBeDone { until } => (self.until, self.may_be_done) = (until, true),
            Fact::AtWork => {
                if self.stage != Stage::Asked {
                    self.until = self.until.max(now + REPLY_WAIT);
                }
            }
        }
        Effects::default()
    }

    /// Continues what an earlier run of this node has begun.
    fn resume(&mut self, now: Time, stage: UnfinishedStage, reported: u64) -> Effects {
        match stage {
            UnfinishedStage::Releasing => self.enter(now, Stage::Releasing, Action::Release),
            // The sequence of that "done" is not known. A C node never names it.
            UnfinishedStage::Given => self.enter(now, Stage::Given(0), Action::Nothing),
            UnfinishedStage::Promised => {
                let effects = self.enter(now, Stage::Promised, Action::Nothing);
                // The peer has begun to let go, which may take as long as its agents need.
                self.giver_lets_go(now, reported);
                effects
            }
            UnfinishedStage::Acquiring => {
                self.enter(now, Stage::Acquiring, Action::Acquire { said_by: None })
            }
        }
    }
}
