//! Whether another machine still answers for the addresses of one group.
//!
//! Answers are not signed: they can delay that the group is taken, and never move it.

use crate::{Mac, Time};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long a machine that works may take to answer.
const ANSWER: Duration = Duration::from_millis(20);
/// How many questions must have had no answer.
const QUESTIONS: usize = 3;
/// How many questions are asked quickly. More follow slowly, unless there is a hurry.
const QUICK: u32 = 3;
/// Longest time between two quick questions, and time between two slow ones.
const QUICK_GAP: Duration = Duration::from_millis(200);
const SLOW_GAP: Duration = Duration::from_secs(1);
/// How old the newest question without an answer may be: another node may have taken the group since.
const FRESH: Duration = Duration::from_millis(300);

/// Shortest time between two reports of machines that answer.
const TELL_GAP: Duration = Duration::from_mins(1);

/// `guard`: what a node asks of the network of the floating addresses before it takes a group.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Guard {
    /// Nothing.
    Off,
    /// A group whose address another node answers for is not taken.
    #[default]
    Strict,
    /// The same, until it has answered for this long.
    After(Duration),
}

/// What is new of a machine that answers for an address of a group.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerNews {
    /// It answers, and the group is not taken because of that.
    #[default]
    Answers,
    /// It no longer answers.
    Silent,
    /// It has answered for as long as `guard after` waits.
    Limit,
    /// It is no node, and the group is taken although it answers.
    NoNode,
    /// The news is not known to the reader.
    #[serde(other)]
    Unknown,
}

/// The questions about the addresses of one group, and their answers.
#[derive(Debug, Default)]
pub(crate) struct Inquiry {
    /// How many questions were asked since this node began to ask.
    count: u32,
    /// When the last questions were asked, the oldest first: one more than must have had no answer, because
    /// the newest may still be answered.
    asked: [Option<Time>; QUESTIONS + 1],
    /// When another node first answered without a break, and when it last did.
    answered: Option<(Time, Time)>,
    /// The machine that answered last.
    by: Option<Mac>,
    /// The machine that answered last and is no node, and when it did.
    stranger: Option<(Mac, Time)>,
    /// The group would be taken if it were known that nobody answers.
    is_urgent: bool,
    /// When a question was last due: it may have been impossible to ask it.
    last: Option<Time>,
    /// The machine that was last reported, and when.
    told: Option<(Mac, Time)>,
    /// It was also reported that the group no longer waits for that machine.
    is_end_told: bool,
}

/// What the answers say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Not enough questions were asked.
    Unknown,
    /// Nobody answers.
    Free,
    /// This machine answers.
    InUse(Mac),
}

impl Inquiry {
    /// The group is not asked about.
    pub(crate) fn end(&mut self) {
        if self.count > 0 {
            *self = Self::default();
        }
    }

    /// The group would be taken if it were known that nobody answers.
    pub(crate) const fn hasten(&mut self) {
        self.is_urgent = true;
    }

    /// Whether a question is to be asked now, at most `gap` after the last one while there is a hurry.
    pub(crate) fn ask(&mut self, now: Time, gap: Duration, hurries: bool) -> bool {
        let is_due = self.deadline(gap, hurries).is_none_or(|due| due <= now);
        if is_due {
            self.count = self.count.saturating_add(1);
            self.asked.rotate_left(1);
            self.asked[QUESTIONS] = Some(now);
            self.last = Some(now);
        }
        is_due
    }

    /// The last question could not be asked, so that nothing follows from its silence.
    pub(crate) fn retract(&mut self) {
        self.asked[QUESTIONS] = None;
        self.asked.rotate_right(1);
    }

    /// When the next question is due, if there was one.
    pub(crate) fn deadline(&self, gap: Duration, hurries: bool) -> Option<Time> {
        let is_quick = self.count < QUICK || hurries || self.is_urgent;
        let next = self.last? + if is_quick { gap.min(QUICK_GAP) } else { SLOW_GAP };
        Some(next)
    }

    /// When the newest question will have had the time to be answered.
    pub(crate) fn settles_at(&self) -> Option<Time> {
        self.asked[QUESTIONS].map(|asked| asked + ANSWER)
    }

    /// Another node answers.
    pub(crate) fn answer(&mut self, now: Time, by: Mac, patience: Duration) {
        let first = match (self.verdict(now, patience), self.answered) {
            (Verdict::Unknown | Verdict::InUse(_), Some((first, _))) => first,
            (_, _) => now,
        };
        self.answered = Some((first, now));
        self.by = Some(by);
    }

    /// A machine answers that is no node.
    pub(crate) const fn answer_of_stranger(&mut self, now: Time, by: Mac) {
        self.stranger = Some((by, now));
    }

    /// The machine that is no node and answered one of the newest questions.
    pub(crate) fn stranger(&self) -> Option<Mac> {
        let first = self.asked.iter().flatten().min()?;
        self.stranger.filter(|(_, at)| at >= first).map(|(by, _)| by)
    }

    /// Whether it is to be reported now which machine answers. Anybody can answer, so it is not reported often.
    pub(crate) fn tell(&mut self, now: Time, mac: Mac) -> bool {
        let is_other = |told| told != mac || self.is_end_told;
        let is_news =
            self.told.is_none_or(|(told, at)| is_other(told) && now.since(at) >= TELL_GAP);
        if is_news {
            (self.told, self.is_end_told) = (Some((mac, now)), false);
        }
        is_news
    }

    /// Why the group no longer waits for the machine that was reported, if that is to be reported now.
    pub(crate) fn tell_end(
        &mut self,
        verdict: Verdict,
        guard: Guard,
        now: Time,
    ) -> Option<(Mac, AnswerNews)> {
        let (told, _) = self.told.filter(|_| !self.is_end_told)?;
        let (mac, news) = match (verdict, guard) {
            (Verdict::Free, _) => (told, AnswerNews::Silent),
            (Verdict::InUse(by), Guard::After(limit)) if self.answered_for(now) >= limit => {
                (by, AnswerNews::Limit)
            }
            (Verdict::InUse(_) | Verdict::Unknown, _) => return None,
        };
        self.is_end_told = true;
        Some((mac, news))
    }

    /// What the answers say now. A machine that has answered must have been silent for `patience`: it may stand still.
    pub(crate) fn verdict(&self, now: Time, patience: Duration) -> Verdict {
        let last = self.answered.map(|(_, last)| last);
        let is_silent = last.is_none_or(|last| now.since(last) >= patience);
        let is_unanswered =
            |asked: &&Time| last.is_none_or(|last| **asked > last) && now.since(**asked) >= ANSWER;
        let unanswered = self.asked.iter().flatten().filter(is_unanswered);
        let is_fresh = unanswered.clone().any(|asked| now.since(*asked) <= FRESH);
        if is_silent && is_fresh && unanswered.count() >= QUESTIONS {
            return Verdict::Free;
        }
        match (last, self.by) {
            (Some(_), Some(by)) => Verdict::InUse(by),
            (_, _) => Verdict::Unknown,
        }
    }

    /// For how long another node has answered.
    pub(crate) fn answered_for(&self, now: Time) -> Duration {
        self.answered.map_or(Duration::ZERO, |(first, _)| now.since(first))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GAP: Duration = Duration::from_millis(100);
    const PEER: Mac = Mac([2, 0, 0, 0, 0, 2]);

    fn at(millis: u64) -> Time {
        Time::START + Duration::from_millis(millis)
    }

    /// Asks every 100 ms until then.
    fn asked(until: u64) -> Inquiry {
        let mut inquiry = Inquiry::default();
        (0..=until / 100).for_each(|question| assert!(inquiry.ask(at(question * 100), GAP, true)));
        inquiry
    }

    #[test]
    fn address_is_free_after_three_questions_that_had_time_for_an_answer() {
        assert_eq!(Inquiry::default().verdict(at(0), GAP), Verdict::Unknown);
        assert_eq!(asked(100).verdict(at(190), GAP), Verdict::Unknown);
        assert_eq!(asked(200).verdict(at(219), GAP), Verdict::Unknown);
        assert_eq!(asked(200).verdict(at(220), GAP), Verdict::Free);
        assert_eq!(
            asked(300).verdict(at(300), GAP),
            Verdict::Free,
            "the newest one need not be answered yet"
        );
    }

    #[test]
    fn address_is_in_use_until_three_questions_after_the_last_answer_had_none() {
        let mut inquiry = asked(300);
        inquiry.answer(at(301), PEER, GAP);
        for question in [400, 500, 600] {
            assert_eq!(inquiry.verdict(at(question), GAP), Verdict::InUse(PEER));
            inquiry.ask(at(question), GAP, true);
        }
        assert_eq!(inquiry.verdict(at(619), GAP), Verdict::InUse(PEER));
        assert_eq!(inquiry.verdict(at(620), GAP), Verdict::Free);
        assert_eq!(inquiry.answered_for(at(620)), Duration::from_millis(319));
        inquiry.answer(at(700), PEER, GAP);
        assert_eq!(inquiry.answered_for(at(750)), Duration::from_millis(50));
    }

    #[test]
    fn machine_that_has_answered_must_be_silent_for_as_long_as_a_dead_node() {
        let long = Duration::from_secs(2);
        let mut inquiry = asked(300);
        inquiry.answer(at(301), PEER, long);
        (4..=23).for_each(|question| assert!(inquiry.ask(at(question * 100), GAP, true)));
        assert_eq!(inquiry.verdict(at(2300), long), Verdict::InUse(PEER));
        assert_eq!(inquiry.verdict(at(2301), long), Verdict::Free);
    }

    #[test]
    fn question_that_could_not_be_asked_does_not_count() {
        let mut inquiry = asked(200);
        inquiry.retract();
        assert_eq!(inquiry.verdict(at(220), GAP), Verdict::Unknown);
        assert_eq!(inquiry.deadline(GAP, true), Some(at(300)), "it is not asked again at once");
        inquiry.ask(at(300), GAP, true);
        assert_eq!(inquiry.verdict(at(320), GAP), Verdict::Free);
    }

    #[test]
    fn machine_that_answers_is_reported_once_and_another_one_a_minute_later() {
        let mut inquiry = Inquiry::default();
        assert!(inquiry.tell(at(0), PEER) && !inquiry.tell(at(90_000), PEER));
        let other = Mac([2; 6]);
        assert!(!inquiry.tell(at(59_999), other) && inquiry.tell(at(60_000), other));
    }

    #[test]
    fn end_of_reported_answers_is_reported_once_with_its_reason() {
        let strict = Guard::Strict;
        let mut inquiry = asked(300);
        inquiry.answer(at(301), PEER, GAP);
        assert_eq!(inquiry.tell_end(Verdict::Free, strict, at(302)), None, "nothing was reported");
        assert!(inquiry.tell(at(302), PEER));
        assert_eq!(inquiry.tell_end(Verdict::InUse(PEER), strict, at(400)), None);
        let silent = Some((PEER, AnswerNews::Silent));
        assert_eq!(inquiry.tell_end(Verdict::Free, strict, at(500)), silent);
        assert_eq!(inquiry.tell_end(Verdict::Free, strict, at(600)), None);
        assert!(!inquiry.tell(at(700), PEER) && inquiry.tell(at(60_302), PEER));
        let after = Guard::After(Duration::from_mins(1));
        assert_eq!(inquiry.tell_end(Verdict::InUse(PEER), after, at(60_300)), None);
        let limit = Some((PEER, AnswerNews::Limit));
        assert_eq!(inquiry.tell_end(Verdict::InUse(PEER), after, at(60_301)), limit);
    }

    #[test]
    fn questions_become_slow_unless_there_is_a_hurry() {
        let mut inquiry = Inquiry::default();
        assert_eq!(inquiry.deadline(GAP, false), None);
        for question in 0..3 {
            assert!(inquiry.ask(at(question * 100), GAP, false));
            assert!(!inquiry.ask(at(question * 100 + 99), GAP, false));
        }
        assert_eq!(inquiry.deadline(GAP, false), Some(at(200) + SLOW_GAP));
        assert_eq!(inquiry.deadline(GAP, true), Some(at(300)));
        assert_eq!(inquiry.deadline(SLOW_GAP, true), Some(at(200) + QUICK_GAP), "not slower");
        inquiry.hasten();
        assert_eq!(inquiry.deadline(GAP, false), Some(at(300)));
        inquiry.end();
        assert_eq!(inquiry.deadline(GAP, true), None);
    }

    #[test]
    fn address_that_was_last_asked_for_long_ago_is_not_free() {
        let mut inquiry = asked(200);
        assert_eq!(inquiry.verdict(at(500), GAP), Verdict::Free);
        assert_eq!(inquiry.verdict(at(501), GAP), Verdict::Unknown);
        inquiry.ask(at(1200), GAP, false);
        assert_eq!(inquiry.verdict(at(1219), GAP), Verdict::Unknown);
        assert_eq!(inquiry.verdict(at(1220), GAP), Verdict::Free, "two older ones count");
    }
}
