//! Hold-down: a group that moves again and again is kept where it works best, for longer each time.
//!
//! Only moves by which a node improves something are delayed: failback, ipfail, a lost carrier. The
//! groups of a dead or departed node are taken at once, however often that happens. Where a group
//! is kept it may work worse than elsewhere, so it may leave once more, for a node where it has its
//! carrier or where more ping nodes answer.

use super::Cluster;
use crate::{Cause, Event, GroupId, HoldDown, HoldEvent, Moves, Time};
use std::time::Duration;

/// Most moves that are recorded with their time; no configuration counts more.
pub(super) const DATED_MAX: usize = 16;
/// Most doublings of the time for which a group is kept.
const LEVEL_MAX: u8 = 16;

/// How a group has moved automatically.
///
/// ```text
///         too many moves within the window                    time is up
///  Free ──────────────────────────────────▶ kept, may leave ─────────────▶ Free
///                                            │ left for better                ▲
///                                            └─────────────▶ kept ────────────┘
/// ```
#[derive(Debug, Clone, Default)]
pub(super) struct Down {
    /// How many times it has moved, as far back as any node knows.
    count: u32,
    /// The times of the last moves, newest first.
    dated: [Option<Time>; DATED_MAX],
    /// How many times in a row it was kept.
    level: u8,
    until: Option<Time>,
    has_fled: bool,
    /// When `level` may be forgotten.
    forget_at: Option<Time>,
}

impl Down {
    pub(super) fn deadline(&self) -> Option<Time> {
        self.until.or(self.forget_at)
    }

    /// Until when it is kept.
    pub(super) const fn until(&self) -> Option<Time> {
        self.until
    }

    /// What a beat says about the moves.
    pub(super) fn told(&self, now: Time, claim: u16) -> Option<Moves> {
        let until = self.until.map_or(Duration::ZERO, |until| until.since(now));
        let left = u64::try_from(until.as_millis()).unwrap_or(u64::MAX);
        let (count, level, has_fled) = (self.count, self.level, self.has_fled);
        (count > 0).then_some(Moves { claim, count, level, has_fled, left })
    }

    /// Records the time of a move. Returns how many moves there were within the window.
    fn date(&mut self, now: Time, policy: HoldDown) -> u8 {
        self.dated.rotate_right(1);
        self.dated[0] = Some(now);
        let wait = policy.window.max(self.until.map_or(Duration::ZERO, |until| until.since(now)));
        self.forget_at = self.forget_at.max(Some(now + wait));
        let recent = |at: &&Option<Time>| at.is_some_and(|at| now.since(at) < policy.window);
        u8::try_from(self.dated.iter().filter(recent).count()).unwrap_or(u8::MAX)
    }

    /// Records a move that this node has decided. If the group is kept from now on, returns how
    /// many moves there were and how long it is kept.
    fn moved(&mut self, now: Time, policy: HoldDown) -> Option<(u8, Duration)> {
        self.count = self.count.saturating_add(1);
        let recent = self.date(now, policy);
        if self.until.is_some() || recent < policy.moves {
            return None;
        }
        let doubled = policy.first.saturating_mul(1 << self.level.min(LEVEL_MAX));
        let span = doubled.min(policy.longest);
        self.level = self.level.saturating_add(1).min(LEVEL_MAX);
        self.keep(now, span, policy);
        Some((recent, span))
    }

    fn keep(&mut self, now: Time, span: Duration, policy: HoldDown) {
        self.until = Some(now + span);
        self.has_fled = false;
        self.forget_at = Some(now + span + span.max(policy.window));
    }

    /// Takes over what another node reports, if that node knows about more moves.
    fn merge(&mut self, now: Time, told: &Moves, policy: HoldDown) -> Option<(u8, Duration)> {
        if told.count < self.count {
            return None;
        }
        if told.count == self.count {
            self.has_fled |= told.has_fled && self.until.is_some();
            return None;
        }
        // A node that has just started has no times for the moves that it missed.
        let is_first = std::mem::replace(&mut self.count, told.count) == 0 && told.count > 1;
        let recent = if is_first { 0 } else { self.date(now, policy) };
        let was_kept = self.until.is_some();
        let left = Duration::from_millis(told.left).min(policy.longest);
        self.level = self.level.max(told.level.min(LEVEL_MAX));
        if left.is_zero() {
            return None;
        }
        self.keep(now, left, policy);
        self.has_fled = told.has_fled;
        (!was_kept).then_some((recent, left))
    }

    /// Lets time pass. Returns whether the group was kept until now.
    fn elapse(&mut self, now: Time) -> bool {
        let is_over = self.until.is_some_and(|until| now >= until);
        if is_over {
            self.until = None;
        }
        if self.forget_at.is_some_and(|at| now >= at) {
            self.forget_at = None;
            self.level = 0;
        }
        is_over
    }
}

impl Cluster {
    /// Whether a group of this node may leave for a node where it works better.
    pub(super) fn may_leave(&self, group: GroupId) -> bool {
        let down = &self.groups[group].down;
        let is_bound = down.until.is_some() && down.has_fled;
        !is_bound && !self.is_held(group)
    }

    /// Whether a group of this node may go home.
    pub(super) fn may_go_home(&self, group: GroupId) -> bool {
        !self.is_held(group) && self.groups[group].down.until.is_none()
    }

    /// Records that this node has decided to give a group away.
    pub(super) fn record_gift(&mut self, group: GroupId) {
        let down = &mut self.groups[group].down;
        down.has_fled |= down.until.is_some();
        self.record_move(group);
    }

    /// Records that this node takes a group, if that is because something went wrong. Moves by
    /// order, and the groups of a node that says goodbye, do not count.
    pub(super) fn record_takeover(&mut self, group: GroupId, cause: Cause) {
        let me = self.settings.me;
        let is_fault = match cause {
            Cause::OwnerDead { owner, .. }
            | Cause::OwnerFailed(owner)
            | Cause::OwnerInDoubt(owner) => owner != me,
            Cause::OwnerLeft(owner) => {
                self.peer(owner).is_present() && !self.groups[group].is_exempt
            }
            Cause::Unowned
            | Cause::OwnerUnheard(_)
            | Cause::ExecutorLost
            | Cause::HandOver { .. }
            | Cause::Listed
            | Cause::Adopted
            | Cause::Unsure
            | Cause::Claimed(_)
            | Cause::Outranked(_)
            | Cause::Reclaimed(_)
            | Cause::Stopping
            | Cause::StartFailed
            | Cause::CheckFailed
            | Cause::LetGo
            | Cause::StopFailed
            | Cause::Retry
            | Cause::Reload => false,
        };
        if is_fault {
            self.record_move(group);
        }
    }

    fn record_move(&mut self, group: GroupId) {
        let (now, Some(policy)) = (self.now, self.settings.hold_down) else { return };
        let kept = self.groups[group].down.moved(now, policy);
        self.tell_kept(group, kept);
        self.beat_soon();
    }

    fn tell_kept(&mut self, group: GroupId, kept: Option<(u8, Duration)>) {
        if let Some((moves, span)) = kept {
            self.report(Event::Hold(HoldEvent::Down { group, moves, span }));
        }
    }

    /// Records what a peer knows about moves.
    pub(super) fn handle_moves(&mut self, group: GroupId, told: &Moves) {
        let (now, Some(policy)) = (self.now, self.settings.hold_down) else { return };
        let kept = self.groups[group].down.merge(now, told, policy);
        self.tell_kept(group, kept);
    }

    pub(super) fn elapse_hold_down(&mut self) {
        let now = self.now;
        let mut is_over = false;
        for group in self.settings.group_ids() {
            if self.groups[group].down.elapse(now) {
                is_over = true;
                self.report(Event::Hold(HoldEvent::DownOver { group }));
            }
        }
        if is_over {
            self.tell_ping_count();
        }
    }
}
