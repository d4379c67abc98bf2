//! UNDISTURBED: what runs well is only stopped for a reason that has a name.

use super::Broken;
use crate::machine::Machine;
use std::time::Duration;
use systole_core::{Cause, Failback, GroupId, HandOverReason, NodeId, Settings, Time};

/// The longest partition.
const CUT_MAX: Duration = Duration::from_secs(16);
/// How long after an order something may still move because of the order.
const AFTERMATH: Duration = Duration::from_secs(30);

/// UNDISTURBED: a group that runs well is only stopped by an order, by a voluntary move that is named in the
/// journal, or because another node also runs it and wins.
///
/// Returns an error at the first stop of a group that runs as a whole. `ordered` is when the administrator
/// last ordered that groups move.
pub(crate) fn undisturbed(
    now: Time,
    (settings, rivals): (&Settings, &[(GroupId, GroupId)]),
    (group, node): (GroupId, NodeId),
    machines: &[Machine],
    ordered: Option<Time>,
) -> Result<(), Broken> {
    let machine = &machines[node.index()];
    let services = &machine.services;
    let is_ill = services.was_sick(group) || services.is_unstoppable(group);
    let key = settings.groups[group.index()].key;
    let goes_on = services.is_at_work(group) || machine.watch.is_stopping(key);
    // A node that is told to stop stops everything, whatever it hears meanwhile.
    let is_named = machine.watch.is_told_to_stop();
    if !services.runs_whole(group) || is_ill || goes_on || is_named {
        return Ok(());
    }
    let was_ordered = ordered.is_some_and(|ordered| now.since(ordered) < AFTERMATH);
    let reason = machine.watch.reason(key);
    let cause = reason.map(|reason| reason.cause);
    let is_named = match cause {
        // The addresses of the node are about to expire.
        Some(Cause::LetGo) => services.is_unrenewable(now),
        // A group that runs without the daemon's knowledge, and whose agents could not be asked for so long
        // because the machine starts no programs, is tried on the other node.
        Some(Cause::StartFailed) => machine.watch.was_unasked(key),
        // A check that takes too long has failed.
        Some(Cause::CheckFailed) => services.is_slow(group),
        Some(Cause::Reload) => !machine.has_line(settings, group),
        Some(Cause::HandOver { giver, .. }) if giver == node => {
            // A C node gets back what it gave up because of a partition.
            let is_beside_classic = machines.iter().any(|machine| machine.is_classic);
            is_planned(now, machine, settings, group, (was_ordered, is_beside_classic))
        }
        Some(Cause::Outranked(other)) => {
            is_rightly_lost(now, (settings, rivals), (group, machine), machines, other)
        }
        Some(
            Cause::HandOver { .. }
            | Cause::Unowned
            | Cause::OwnerDead { .. }
            | Cause::OwnerLeft(_)
            | Cause::OwnerUnheard(_)
            | Cause::OwnerFailed(_)
            | Cause::OwnerInDoubt(_)
            | Cause::ExecutorLost
            | Cause::Adopted
            | Cause::Unsure
            | Cause::Listed
            | Cause::Reclaimed(_)
            | Cause::Claimed(_)
            | Cause::StopFailed
            | Cause::Stopping
            | Cause::Retry,
        )
        | None => false,
    };
    if is_named {
        return Ok(());
    }
    let name = settings.groups[group.index()].name();
    let what = format!("{node:?} stops {name}, which runs well, because of {cause:?}");
    Err(Broken { law: "UNDISTURBED", what, at: now })
}

/// Returns whether a group is lost to a node that ran it, or that ran a group that shares a resource with it,
/// when that node said so.
fn is_rightly_lost(
    now: Time,
    (settings, rivals): (&Settings, &[(GroupId, GroupId)]),
    (group, loser): (GroupId, &Machine),
    machines: &[Machine],
    winner: NodeId,
) -> bool {
    let reason = loser.watch.reason(settings.groups[group.index()].key);
    let told = reason.and_then(|reason| reason.heard);
    let was_helpless = reason.is_some_and(|reason| reason.was_helpless);
    // With three nodes, the node that said so may be a witness, which hears the winner.
    let winners = [Some(winner), owner_of(loser, settings, group)];
    let mut winners = winners.into_iter().flatten().map(|it| &machines[it.index()]);
    if !machines[winner.index()].has_line(settings, group) {
        return true;
    }
    let witness = &machines[winner.index()];
    winners.any(|winner| {
        // A witness repeats what it has heard of the winner by then.
        let is_witness = winner.id != witness.id;
        let known =
            told.filter(|_| is_witness).and_then(|told| witness.watch.newest_of(winner.id, told));
        let heard = known.or(told);
        let services = &winner.services;
        let rivals = rivals.iter().filter(|(one, two)| *one == group || *two == group);
        let mut rivals = rivals.map(|(one, two)| if *one == group { *two } else { *one });
        let ran = rivals.any(|it| {
            services.runs(it) || heard.is_some_and(|heard| services.ran_since(it, heard))
        });
        // Neither node had an executor, so neither knew what had expired: terms alone decided.
        let was_out_of_reach = services.is_out_of_reach()
            || heard.is_some_and(|heard| heard <= services.in_reach_since());
        let none_knew = was_helpless && was_out_of_reach;
        // A C node starts one after the other what it says that it holds, may fall silent while the other
        // node waits for it, and may have stopped what was taken from it before it is heard again.
        let since = Time::START + now.since(Time::START + settings.deadtime * 2 + CUT_MAX);
        let mut groups = settings.group_ids();
        let took_any = winner.is_classic && groups.any(|it| services.ran_since(it, since));
        // What the winner runs may just have expired, and the winner cannot know yet.
        ran || none_knew || took_any || services.is_unrenewable(now)
    })
}

/// Returns the node that a daemon considers the owner of a group.
fn owner_of(machine: &Machine, world: &Settings, group: GroupId) -> Option<NodeId> {
    let place = machine.place_of(world, group)?;
    let name = machine.cluster.as_ref()?.group_report(place, &systole_core::Wording::FACTS).owner?;
    world
        .nodes
        .iter()
        .position(|other| *other == name)
        .and_then(|at| Some(NodeId(u8::try_from(at).ok()?)))
}

/// Returns whether a hand-over that the giver has reported has a true reason.
fn is_planned(
    now: Time,
    machine: &Machine,
    world: &Settings,
    group: GroupId,
    (was_ordered, is_beside_classic): (bool, bool),
) -> bool {
    let Some(plan) = machine.watch.plan() else { return false };
    let recently = Time::START + now.since(Time::START + AFTERMATH);
    let settings = &machine.settings;
    match plan.motive {
        HandOverReason::Order(_) | HandOverReason::Node => was_ordered,
        HandOverReason::Home => {
            let failback = machine.failback_of(world, group);
            let stays = matches!(failback, Some(Failback::Off | Failback::Manual));
            let is_home = world.groups[group.index()].preferred == machine.id;
            !is_home && (!stays || is_beside_classic || settings.hold_down.is_some())
        }
        // An agreed hand-over is carried out even if the carrier may be back. A C node is given a whole set.
        HandOverReason::Carrier => world
            .group_ids()
            .filter(|other| *other == group || is_beside_classic)
            .any(|other| machine.was_unplugged(other, recently)),
        HandOverReason::Ipfail => settings.ipfail,
        // A check that takes too long has failed, as for `Cause::CheckFailed`. The whole set of a group that does
        // not work goes to a C node, when there is one.
        HandOverReason::Failed => {
            let is_late = machine.services.is_slow(group);
            machine.watch.has_left() && (is_beside_classic || is_late)
        }
    }
}

/// UNDISTURBED: an executor lets go only when its daemon, or the machine, has been paused or has ended.
pub(crate) fn let_go_for_a_reason(now: Time, machine: &Machine) -> Result<(), Broken> {
    let Some(given) = machine.permit_given() else { return Ok(()) };
    let what = format!(
        "{:?} lets go of what it runs, though its daemon runs and has renewed its permit {:?} ago",
        machine.id,
        now.since(given)
    );
    Err(Broken { law: "UNDISTURBED", what, at: now })
}
