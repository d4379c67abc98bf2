//! The one gate before every start: what keeps this node from starting a group.

use super::Cluster;
use crate::mutation::Mutation;
use crate::{Action, Cause, Event, GroupId, NodeId, NodeStatus, Phase, Time};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What keeps a node from starting a group, or from continuing its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Obstacle {
    /// Something of the group runs, starts or stops here already.
    Busy,
    /// Another node owns the group, as far as is known, or no one wants the group to move.
    Owned,
    /// The group is part of a hand-over in progress.
    HandedOver,
    /// The line of the group is no longer in `haresources`.
    Retired,
    /// This node has not come up yet, or is stopping.
    NotReady,
    /// There is no executor.
    NoExecutor,
    /// This node stood still, and has not heard every other node since.
    Unverified,
    /// This node is negotiating with a C node which of them has what.
    Negotiating,
    /// A start or a stop failed here, and no one has run `hb retry` since.
    Failed,
    /// An interface that the group needs has no carrier here, and another node is present.
    NoCarrier,
    /// Another node lacks the line, and runs one that this node does not know.
    UnknownLine,
    /// Not every other node knows yet that this node can run the group.
    Unannounced,
    /// A former line that shares a resource with the group still runs here.
    Conflicting,
    /// Another node has, or may run, a line that shares a resource with the group and is not in this
    /// node's `haresources`.
    ConflictingElsewhere,
    /// A node that is heard runs the group, or may run it.
    RunsElsewhere,
    /// Another node comes first, or may do so soon.
    NotFirst,
    /// `hb hold` keeps the group where it was.
    Held,
    /// A silent node must be fenced first.
    FencePending,
    /// A node that is heard cannot tell whether it runs services of the group, and must be fenced first.
    InDoubt,
    /// A machine on the network answers for an address of the group, or has not had the time to answer, and a
    /// node that is not heard may be that machine.
    Guarded,
    /// Not every other node knows yet that former lines are reserved for the group.
    Unreserved,
    /// The reason is not known to the reader.
    #[serde(other)]
    Unknown,
}

impl Obstacle {
    /// All obstacles, cheap and frequent ones first. For the last four a node takes
    /// action, or has done so.
    pub const ALL: [Self; 21] = [
        Self::Busy,
        Self::Owned,
        Self::HandedOver,
        Self::Retired,
        Self::NotReady,
        Self::NoExecutor,
        Self::Unverified,
        Self::Negotiating,
        Self::Failed,
        Self::NoCarrier,
        Self::UnknownLine,
        Self::Unannounced,
        Self::Conflicting,
        Self::ConflictingElsewhere,
        Self::RunsElsewhere,
        Self::NotFirst,
        Self::Held,
        Self::FencePending,
        Self::InDoubt,
        Self::Guarded,
        Self::Unreserved,
    ];

    /// Whether the obstacle is reported in the log and the journal when it keeps a node from a
    /// group that no node runs. The others pass in a moment, or have events of their own.
    const fn is_reported(self) -> bool {
        matches!(
            self,
            Self::NoExecutor
                | Self::UnknownLine
                | Self::Conflicting
                | Self::ConflictingElsewhere
                | Self::Held
                | Self::Guarded
        )
    }

    /// Whether a start for this purpose respects the obstacle.
    const fn concerns(self, purpose: Purpose) -> bool {
        match self {
            Self::Unknown => false,
            Self::NoExecutor => true,
            Self::Busy | Self::Retired | Self::Failed | Self::Conflicting => {
                !matches!(purpose, Purpose::GoOn)
            }
            Self::RunsElsewhere | Self::ConflictingElsewhere => {
                !matches!(purpose, Purpose::Granted)
            }
            Self::Owned | Self::UnknownLine | Self::Unreserved => {
                matches!(purpose, Purpose::Take | Purpose::Given { .. })
            }
            Self::NotReady | Self::Unverified | Self::Negotiating | Self::Guarded => {
                matches!(purpose, Purpose::Take | Purpose::GoOn)
            }
            Self::Held | Self::FencePending | Self::InDoubt => {
                matches!(purpose, Purpose::Take | Purpose::Given { is_offered: false })
            }
            Self::HandedOver | Self::NoCarrier | Self::Unannounced | Self::NotFirst => {
                matches!(purpose, Purpose::Take)
            }
        }
    }
}

/// How long an obstacle lasts before it is reported.
const REPORT_AFTER: Duration = Duration::from_secs(1);

/// What keeps this node from a group that no node runs, and may last.
#[derive(Debug, Clone, Copy)]
pub(super) struct LastingObstacle {
    obstacle: Obstacle,
    since: Time,
    is_reported: bool,
}

/// The purpose for which a group is to be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// No node runs the group.
    Take,
    /// The group is handed over. A giver offers what it runs; the rest of the set goes along unless
    /// there is an obstacle.
    Given { is_offered: bool },
    /// A C node has granted the group (`auto_failback legacy`).
    Granted,
    /// The start of the group has already begun.
    GoOn,
}

impl Cluster {
    /// Whether an obstacle keeps this node from starting a group for a purpose.
    fn has_obstacle(&self, obstacle: Obstacle, group: GroupId, purpose: Purpose) -> bool {
        let (me, state) = (self.settings.me, &self.groups[group]);
        let goes_on = purpose == Purpose::GoOn;
        match obstacle {
            Obstacle::Busy => !state.runner.is_idle(),
            Obstacle::Owned if purpose == Purpose::Take => self.cause_to_take(group).is_none(),
            Obstacle::Owned => state.row.phase().holds() && !self.is_kept_for_taker(group, purpose),
            Obstacle::HandedOver => self.is_handed_over(group),
            Obstacle::Retired => !self.is_configured(group),
            Obstacle::NotReady if goes_on => self.status != NodeStatus::Active,
            Obstacle::NotReady => !self.takes_part(),
            Obstacle::NoExecutor => !self.has_executor(),
            Obstacle::Unverified => !self.pause.is_verified(),
            Obstacle::Negotiating if goes_on => self.awaits_classic_report(),
            Obstacle::Negotiating => self.classic_forbids(),
            Obstacle::Failed => {
                let is_given = matches!(purpose, Purpose::Given { .. });
                let failure = state.failure(me).filter(|_| is_given);
                !state.row.is_able(me) || failure.is_some_and(|it| it.action == Action::Stop)
            }
            Obstacle::NoCarrier => !self.has_carrier_or_is_alone(group),
            Obstacle::UnknownLine => self.waits_for_unknown_line(group),
            Obstacle::Unannounced => {
                !self.is_known(state.able) && !self.is_mutated(Mutation::TakeBeforeItIsKnown)
            }
            Obstacle::Conflicting if purpose == Purpose::Granted => self.conflicts_here(group),
            Obstacle::Conflicting => {
                self.conflicts_here(group) && !self.is_mutated(Mutation::IgnoreTheRetired)
            }
            Obstacle::ConflictingElsewhere if goes_on => {
                self.conflicts_elsewhere(group)
                    || state.runner.is_taken_up() && self.may_run_by_another_line(group)
            }
            Obstacle::ConflictingElsewhere => {
                self.may_conflict_elsewhere(group) && !self.is_mutated(Mutation::IgnoreTheRetired)
            }
            Obstacle::RunsElsewhere => match purpose {
                Purpose::Take => {
                    let is_intent = state.row.phase() == Phase::Stopping
                        && self.is_mutated(Mutation::StartOnIntent);
                    let errs = is_intent || self.is_mutated(Mutation::TakeFromTheLiving);
                    self.may_run_elsewhere(group) && !errs
                }
                Purpose::Given { .. } if !self.is_kept_for_taker(group, purpose) => {
                    self.runs_elsewhere(group)
                }
                Purpose::Given { .. } | Purpose::GoOn | Purpose::Granted => {
                    self.may_run_elsewhere(group)
                }
            },
            Obstacle::NotFirst => self.first_for(group) != Some(me) && !self.keeps_held(group),
            Obstacle::Held if purpose == Purpose::Take => self.is_held_elsewhere(group),
            Obstacle::Held => self.is_held(group),
            Obstacle::FencePending => self.is_anyone_uncertain(),
            Obstacle::InDoubt => self.is_in_doubt_elsewhere(group),
            Obstacle::Guarded => self.is_guarded(group),
            Obstacle::Unreserved => !self.is_reserved(group),
            Obstacle::Unknown => false,
        }
    }

    /// The first obstacle to a start, if there is one.
    pub(super) fn first_obstacle(&self, group: GroupId, purpose: Purpose) -> Option<Obstacle> {
        self.obstacles(group, purpose).next()
    }

    /// Every obstacle to a start.
    pub(super) fn obstacles(
        &self,
        group: GroupId,
        purpose: Purpose,
    ) -> impl Iterator<Item = Obstacle> + '_ {
        let all = Obstacle::ALL.into_iter().filter(move |it| it.concerns(purpose));
        all.filter(move |it| self.has_obstacle(*it, group, purpose))
    }

    /// The obstacles that the status shows for a group that no node runs and this node does not
    /// start, or whose start this node does not continue.
    pub(super) fn shown_obstacles(&self, group: GroupId) -> Vec<Obstacle> {
        let is_starting = self.groups[group].runner.is_starting();
        let purpose = if is_starting { Purpose::GoOn } else { Purpose::Take };
        let is_elsewhere = |it: &Obstacle| {
            matches!(
                it,
                Obstacle::Busy | Obstacle::Owned | Obstacle::HandedOver | Obstacle::Retired
            )
        };
        let mut obstacles: Vec<Obstacle> = self.obstacles(group, purpose).collect();
        // Where no node that is present or awaited can run the group, none comes before this one.
        let may_come = |node: NodeId| {
            node == self.settings.me || self.peer(node).is_present() || !self.peer(node).is_settled
        };
        let mut nodes = self.settings.node_ids();
        let has_candidate =
            nodes.any(|node| may_come(node) && self.groups[group].row.is_able(node));
        obstacles.retain(|it| *it != Obstacle::NotFirst || has_candidate);
        if obstacles.iter().any(is_elsewhere) { Vec::new() } else { obstacles }
    }

    /// Reports once what keeps this node from a group that no node runs, when that has lasted. An obstacle of
    /// a moment, as at every reload, is not reported.
    fn report_obstacle(&mut self, group: GroupId, first: Option<Obstacle>) {
        let now = self.now;
        let Some(obstacle) = first.filter(|it| it.is_reported()) else {
            self.groups[group].reported_obstacle = None;
            return;
        };
        let known = self.groups[group].reported_obstacle.filter(|known| known.obstacle == obstacle);
        let mut known =
            known.unwrap_or(LastingObstacle { obstacle, since: now, is_reported: false });
        if !known.is_reported
            && now.since(known.since) >= REPORT_AFTER
            && self.would_start_without(group, obstacle)
            && let Some(cause) = self.cause_to_take(group)
        {
            known.is_reported = true;
            self.report(Event::NotTaken { group, obstacle, cause });
        }
        self.groups[group].reported_obstacle = Some(known);
    }

    /// Whether this node, and no other one, would start a group if there were not this obstacle. A group that
    /// waits for an unknown line cannot come first here.
    fn would_start_without(&self, group: GroupId, obstacle: Obstacle) -> bool {
        let comes_first =
            |it: &Obstacle| *it != Obstacle::NotFirst || obstacle == Obstacle::UnknownLine;
        let mut obstacles = self.obstacles(group, Purpose::Take);
        obstacles.all(|it| it != Obstacle::RunsElsewhere && comes_first(&it))
    }

    /// Takes a group that no node runs, unless an obstacle keeps this node from it. Does what can
    /// be done about the obstacle.
    pub(super) fn take_if_free(&mut self, group: GroupId) {
        let obstacle = self.free_for(group, Purpose::Take);
        self.report_obstacle(group, obstacle);
        match obstacle {
            None => {
                if let Some(cause) = self.cause_to_take(group) {
                    self.take(group, cause);
                }
            }
            Some(Obstacle::FencePending | Obstacle::InDoubt) => self.want_fences(group),
            Some(Obstacle::Guarded) => self.wait_for_guard(group),
            Some(_) => {}
        }
    }

    /// Takes a group that is handed over, unless an obstacle keeps this node from it.
    pub(super) fn take_given(&mut self, group: GroupId, giver: NodeId, purpose: Purpose) {
        if self.free_for(group, purpose).is_none() {
            self.take(group, Cause::HandOver { giver, taker: self.settings.me });
        }
    }

    /// The first remaining obstacle. If the first obstacle is that former lines are not reserved,
    /// reserves them first.
    fn free_for(&mut self, group: GroupId, purpose: Purpose) -> Option<Obstacle> {
        let obstacle = self.first_obstacle(group, purpose);
        if obstacle != Some(Obstacle::Unreserved) {
            return obstacle;
        }
        self.reserve_for(group);
        self.first_obstacle(group, purpose)
    }

    /// Whether the giver has stopped what it offers, and keeps it until the taker has claimed it.
    fn is_kept_for_taker(&self, group: GroupId, purpose: Purpose) -> bool {
        let is_stopping = self.groups[group].row.phase() == Phase::Stopping;
        is_stopping && purpose == Purpose::Given { is_offered: true }
    }

    /// Why this node would become the owner of a group now, if no node has it.
    pub(super) fn cause_to_take(&self, group: GroupId) -> Option<Cause> {
        let row = &self.groups[group].row;
        let is_intent = row.phase() == Phase::Stopping && self.is_mutated(Mutation::StartOnIntent);
        let cause = match row.owner() {
            None => Cause::Unowned,
            Some(owner) if owner == self.settings.me => {
                if row.phase().holds() && !row.is_entrusted() {
                    return None;
                }
                if row.is_entrusted() { Cause::Reload } else { Cause::Unowned }
            }
            Some(owner) if row.phase().holds() && !is_intent => {
                let peer = self.peer(owner);
                let is_silent = !peer.is_alive() && peer.is_settled;
                let is_gone = is_silent && !self.is_vouched_for(owner, group)
                    || self.is_mutated(Mutation::TakeFromTheLiving);
                if !is_gone || self.is_mutated(Mutation::ForgetTheDead) {
                    return None;
                }
                let silence = self.now.since(peer.last_status.unwrap_or(Time::START));
                Cause::OwnerDead { owner, silence, proof: self.proof_of_death(owner) }
            }
            Some(owner) if row.phase() == Phase::Failed => self.cause_of_failed(owner, group),
            // A row that was only recalled is not something that the owner said.
            Some(owner) if self.peer(owner).last_status.is_none() => Cause::OwnerUnheard(owner),
            Some(owner) => Cause::OwnerLeft(owner),
        };
        Some(cause)
    }
}
