//! What the two nodes report about the two sets, and the hand-over of a set.

use super::scripts::Purpose;
use super::{Classic, RETRY};
use std::time::Duration;
use systole_core::{GroupSet, Message, Occasion, Step, Time};

/// How long the C node waits for the other node when both start together.
const JOINT_START_WAIT: Duration = Duration::from_secs(10);
/// How long the C node waits for an answer to its offer to give a set.
const REPLY_WAIT: Duration = Duration::from_secs(10);
/// How long the C node waits until a set is released and acquired.
const WORK_WAIT: Duration = Duration::from_hours(1);

/// How far the C node is with finding out which node has what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Stage {
    #[default]
    Init,
    Starting,
    BothStarting,
    /// A report was heard; the node stops waiting at this time.
    Received(Time),
    Stable,
    Shutdown,
}

/// The role of the node in a hand-over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Standby {
    #[default]
    Not,
    /// The node offers to give.
    Me,
    /// The other node gives.
    Other,
    /// The node's own part is under way or done.
    Done,
}

#[derive(Debug, Default)]
pub(super) struct Negotiation {
    pub(super) stage: Stage,
    pub(super) mine: GroupSet,
    pub(super) theirs: GroupSet,
    pub(super) is_other_stable: bool,
    pub(super) takes_over: bool,
    pub(super) standby: Standby,
    /// The set of the hand-over, from the point of view of its giver.
    pub(super) set: GroupSet,
    deadline: Option<Time>,
    pub(super) need_failback: bool,
    failback_at: Option<Time>,
    /// The last generation that was heard from the other node.
    pub(super) generation: u64,
}

impl Classic {
    pub(super) fn report(&mut self, hold: GroupSet, is_stable: bool, occasion: Occasion) {
        let stable = Some(is_stable);
        self.send(Message::Resource { hold, full: true, stable, occasion }, None);
        let negotiation = &mut self.negotiation;
        if matches!(negotiation.stage, Stage::Starting | Stage::BothStarting) {
            negotiation.stage = Stage::Received(self.now + JOINT_START_WAIT);
        }
    }

    fn report_all(&mut self) {
        let is_stable = self.negotiation.stage == Stage::Stable;
        self.report(self.negotiation.mine, is_stable, Occasion::Report);
    }

    pub(super) fn hear_starting(&mut self) {
        match self.negotiation.stage {
            Stage::Init => return,
            Stage::Starting => self.negotiation.stage = Stage::BothStarting,
            Stage::BothStarting | Stage::Received(_) | Stage::Stable | Stage::Shutdown => {}
        }
        self.negotiation.is_other_stable = false;
        self.report_all();
    }

    pub(super) fn hear_resource(&mut self, hold: GroupSet, full: bool, stable: Option<bool>) {
        let now = self.now;
        let negotiation = &mut self.negotiation;
        match negotiation.stage {
            Stage::Init => return,
            Stage::Starting | Stage::BothStarting => {
                negotiation.stage = Stage::Received(now + JOINT_START_WAIT);
            }
            Stage::Received(_) | Stage::Stable | Stage::Shutdown => {}
        }
        let keeps = !full && hold != GroupSet::None;
        negotiation.theirs = if keeps { negotiation.theirs.with(hold) } else { hold };
        match stable {
            Some(true) if !negotiation.is_other_stable => {
                negotiation.is_other_stable = true;
                self.report_all();
                self.check_failback();
            }
            Some(is_stable) => negotiation.is_other_stable = is_stable,
            None => {}
        }
        let is_settled = matches!(self.negotiation.stage, Stage::Stable | Stage::Shutdown);
        if !is_settled && self.negotiation.is_other_stable {
            self.request_local(false);
            self.settle();
            self.check_failback();
        }
    }

    fn settle(&mut self) {
        self.negotiation.stage = Stage::Stable;
        self.report_all();
    }

    /// Requests its own groups from itself, if no node has them.
    fn request_local(&mut self, is_forced: bool) {
        let negotiation = &mut self.negotiation;
        let is_taken = negotiation.theirs.has_foreign() || negotiation.mine.has_local();
        let is_taken = is_taken && negotiation.standby == Standby::Not;
        if negotiation.stage == Stage::Shutdown || is_taken && !is_forced {
            return;
        }
        negotiation.mine = negotiation.mine.with(GroupSet::Local);
        self.begin(Purpose::Request, Vec::new(), true);
    }

    pub(super) fn take_over(&mut self) {
        if self.negotiation.stage == Stage::Shutdown {
            return;
        }
        self.queue_mach_down();
        let negotiation = &mut self.negotiation;
        negotiation.mine = negotiation.mine.with(GroupSet::Foreign);
        negotiation.theirs = GroupSet::None;
        negotiation.is_other_stable = true;
        negotiation.takes_over = true;
        self.request_local(true);
    }

    pub(super) fn finish_takeover(&mut self) {
        let negotiation = &mut self.negotiation;
        negotiation.takes_over = false;
        negotiation.mine = negotiation.mine.with(GroupSet::Foreign);
        negotiation.need_failback = true;
        negotiation.is_other_stable = true;
        if matches!(negotiation.stage, Stage::Starting | Stage::BothStarting) {
            negotiation.stage = Stage::Received(self.now + JOINT_START_WAIT);
        }
    }

    pub(super) fn hear_shutdone(&mut self) {
        self.negotiation.theirs = GroupSet::None;
        self.negotiation.is_other_stable = true;
        if self.negotiation.mine != GroupSet::All {
            self.take_over();
        }
    }

    /// Handles that the other node is stable: the groups that prefer the other node fail back.
    fn check_failback(&mut self) {
        let negotiation = &mut self.negotiation;
        let is_wanted =
            self.failback && negotiation.mine.has_foreign() && negotiation.need_failback;
        negotiation.failback_at = None;
        if !is_wanted || negotiation.stage == Stage::Shutdown {
            return;
        }
        let is_free = negotiation.standby == Standby::Not && negotiation.is_other_stable;
        if !is_free || negotiation.stage != Stage::Stable {
            negotiation.failback_at = Some(self.now + RETRY);
            return;
        }
        negotiation.need_failback = false;
        self.say_step(GroupSet::Foreign, Step::Me);
    }

    pub(super) fn cancel_standby(&mut self) {
        let negotiation = &mut self.negotiation;
        if negotiation.standby != Standby::Not {
            negotiation.standby = Standby::Not;
            negotiation.deadline = None;
            negotiation.is_other_stable |= negotiation.mine == GroupSet::All;
        }
    }

    /// Handles a step of a hand-over, of this node itself or of the other one.
    pub(super) fn hear_step(&mut self, hold: GroupSet, step: Step, is_own: bool) {
        let now = self.now;
        let negotiation = &mut self.negotiation;
        if negotiation.stage == Stage::Shutdown || negotiation.stage == Stage::Init {
            return;
        }
        match (negotiation.standby, step, is_own) {
            (Standby::Not, Step::Me, _) => {
                let is_settled = negotiation.is_other_stable && !negotiation.takes_over;
                // The C daemon would let go during its own takeover, which starts the same groups.
                if !is_settled || negotiation.stage != Stage::Stable {
                    return;
                }
                negotiation.set = hold;
                negotiation.is_other_stable = false;
                if is_own {
                    negotiation.standby = Standby::Me;
                    negotiation.deadline = Some(now + REPLY_WAIT);
                } else {
                    negotiation.standby = Standby::Other;
                    negotiation.deadline = Some(now + WORK_WAIT);
                    self.answer(Step::Other);
                }
            }
            (Standby::Me, Step::Other, false) => {
                negotiation.deadline = Some(now + WORK_WAIT);
                negotiation.set = hold;
                negotiation.mine = negotiation.mine.without(hold);
                negotiation.is_other_stable = false;
                let (mine, set) = (negotiation.mine, negotiation.set);
                self.report(mine, false, Occasion::Standby);
                self.begin(Purpose::Standby, self.groups(set), false);
            }
            (Standby::Me, Step::Done, true) => {
                negotiation.standby = Standby::Done;
                negotiation.mine = negotiation.mine.without(hold);
            }
            (Standby::Other, Step::Done, false) => {
                negotiation.standby = Standby::Done;
                let taken = negotiation.set.mirrored();
                self.begin(Purpose::Standby, self.groups(taken), true);
            }
            (Standby::Done, Step::Done, _) => {
                negotiation.standby = Standby::Not;
                negotiation.deadline = None;
                if is_own {
                    negotiation.mine = negotiation.mine.with(hold.mirrored());
                }
                self.report_all();
            }
            _ => {}
        }
    }

    fn answer(&mut self, step: Step) {
        let set = self.negotiation.set;
        self.say_step(set, step);
    }

    pub(super) fn tend_negotiation(&mut self) {
        let now = self.now;
        if self.negotiation.deadline.is_some_and(|deadline| now >= deadline) {
            self.negotiation.standby = Standby::Not;
            self.negotiation.deadline = None;
            self.negotiation.is_other_stable = true;
        }
        if matches!(self.negotiation.stage, Stage::Received(until) if now >= until) {
            self.request_local(false);
            self.settle();
        }
        if self.negotiation.failback_at.is_some_and(|at| now >= at) {
            self.check_failback();
        }
    }
}
