//! ONE OWNER SOON: a group that some node can run runs on one node.

use super::{Broken, HEAL};
use crate::machine::Machine;
use crate::network::Network;
use crate::services::AGENT_MAX;
use std::time::Duration;
use systole_core::{
    Cluster, GroupId, GroupReport, Guard, LastResort, NodeId, NodeStatus, Phase, ResourceState,
    Settings, Snapshot, Time, Wording,
};

/// ONE OWNER: in calm, when everything is repaired, a group is run by exactly one machine.
pub(crate) fn one_owner(
    now: Time,
    settings: &Settings,
    machines: &[Machine],
) -> Result<(), Broken> {
    for group in settings.group_ids() {
        let is_wanted = machines[0].has_line(settings, group);
        let running = machines.iter().filter(|machine| {
            let services = &machine.services;
            if is_wanted { services.runs_whole(group) } else { services.runs(group) }
        });
        let count = running.count();
        if count != usize::from(is_wanted) {
            let what = format!("{group:?} runs on {count} machines in calm");
            return Err(Broken { law: "ONE OWNER SOON", what, at: now });
        }
    }
    Ok(())
}

/// Before anything has been repaired: a group that some machine can run is run by one machine; any other
/// group is run by none, and its status says why. A group that cannot be stopped stays where it is.
pub(crate) fn rest(
    now: Time,
    (settings, rivals): (&Settings, &[(GroupId, GroupId)]),
    machines: &[Machine],
) -> Result<(), Broken> {
    // A daemon that waits for a stop before it ends does not load another file.
    let is_everywhere =
        |group: &GroupId| machines.iter().all(|machine| machine.has_line(settings, *group));
    for group in settings.group_ids().filter(is_everywhere) {
        let is_stuck =
            |group| machines.iter().any(|machine| machine.services.is_unstoppable(group));
        let is_blocked = |machine: &Machine| {
            let place = machine.place_of(settings, group);
            let known = machine.cluster.as_ref().zip(place);
            let told =
                known.map(|(cluster, place)| cluster.group_report(place, &Wording::FACTS).phase);
            told == Some(Phase::Blocked)
        };
        let mut near = rivals.iter().filter(|(one, two)| *one == group || *two == group);
        if near.any(|(one, two)| is_stuck(*one) || is_stuck(*two)) {
            continue;
        }
        // A group that could not be stopped waits for the administrator, even if it has stopped since.
        if machines.iter().any(is_blocked) {
            continue;
        }
        let count = machines.iter().filter(|machine| machine.services.runs(group)).count();
        let able = machines.iter().any(|machine| !is_unable(settings, machine, group));
        if count != usize::from(able) {
            let what =
                format!("{group:?} runs on {count} machines before the mending, able: {able}");
            return Err(Broken { law: "ONE OWNER SOON", what, at: now });
        }
        let mut told = machines.iter().filter_map(|machine| {
            let place = machine.place_of(settings, group)?;
            Some(explains(machine.cluster.as_ref()?, place))
        });
        if count == 0 && !told.all(|told| told) {
            let what = format!("nobody runs {group:?}, and a status does not say what failed");
            return Err(Broken { law: "EXPLAIN", what, at: now });
        }
    }
    Ok(())
}

/// Returns whether a status says why no node runs a group: something failed, or the node is told to stop.
fn explains(cluster: &Cluster, group: GroupId) -> bool {
    cluster.snapshot_without_groups(&Wording::FACTS).stopping
        || !cluster.group_report(group, &Wording::FACTS).failures.is_empty()
}

/// How long it takes to find that nobody answers for an address that was not asked about before.
const ASKING: Duration = Duration::from_secs(1);

/// ONE OWNER SOON, in trouble too: while no other machine has power, a daemon that takes part runs everything
/// that it can run, within a dead time and the time that its agents need. Returns since when the daemon is
/// alone.
pub(crate) fn alone_owns(
    now: Time,
    (world, rivals): (&Settings, &[(GroupId, GroupId)]),
    machines: &[Machine],
    network: &Network,
    before: Option<(NodeId, Time)>,
) -> Result<Option<(NodeId, Time)>, Broken> {
    let mut powered = machines.iter().filter(|machine| machine.has_power);
    let (Some(machine), None) = (powered.next(), powered.next()) else { return Ok(None) };
    let cluster = machine.cluster.as_ref().filter(|_| machine.paused_until.is_none());
    let Some(cluster) = cluster.filter(|cluster| cluster.status() == NodeStatus::Active) else {
        return Ok(None);
    };
    let (_, since) = before.filter(|(node, _)| *node == machine.id).unwrap_or((machine.id, now));
    let settings = &machine.settings;
    let longest = settings.groups.iter().map(|group| group.resources.len()).max();
    let agents = u32::try_from(longest.unwrap_or(0) * 2 + 2).unwrap_or(u32::MAX);
    let deadtime = world.deadtime.max(settings.deadtime);
    let limit = deadtime + HEAL * 2 + AGENT_MAX * agents;
    if network.span(now, since) < limit {
        return Ok(Some((machine.id, since)));
    }
    let snapshot = cluster.snapshot(&Wording::FACTS);
    let is_held = |group: &GroupReport| group.stay.hold.is_some();
    if !snapshot.fencing.is_empty()
        || snapshot.hold.is_some()
        || snapshot.groups.iter().any(is_held)
    {
        // The node may not yet run everything, and its status says so. When it may, it first has to ask the network.
        let spent = u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX);
        let since = Time::from_nanos(now.as_nanos().saturating_sub(spent));
        return Ok((settings.guard != Guard::Off).then_some((machine.id, since)));
    }
    let asking = if settings.guard == Guard::Off { Duration::ZERO } else { ASKING };
    if network.span(now, since) < limit + asking {
        return Ok(Some((machine.id, since)));
    }
    let misses = |group: &GroupId| {
        let services = &machine.services;
        let is_well = || {
            !services.was_sick(*group)
                && !machine.is_hindered(now)
                && !is_unable(world, machine, *group)
        };
        let is_stuck = |group| services.is_unstoppable(group) || services.is_slow(group);
        let mut near = rivals.iter().filter(|(one, two)| one == group || two == group);
        let is_free = !near.any(|(one, two)| is_stuck(*one) || is_stuck(*two));
        !services.runs(*group) && machine.has_line(world, *group) && is_free && is_well()
    };
    let missing = world.group_ids().find(misses);
    if let Some(group) = missing.filter(|_| snapshot.executor && !snapshot.stopping) {
        let alone = now.since(since);
        let what = format!("{:?} is alone for {alone:?} and does not run {group:?}", machine.id);
        return Err(Broken { law: "ONE OWNER SOON", what, at: now });
    }
    Ok(Some((machine.id, now)))
}

/// ONE OWNER SOON, in trouble too, where all nodes hear each other: some machine has the group within the
/// time that agents need after the last fault, unless something is sick. This time covers whole sets, because
/// a set is only handed over when all of it is stopped. Records since when each group has no owner.
pub(crate) fn together_own(
    now: Time,
    settings: &Settings,
    machines: &[Machine],
    network: &Network,
    nobody_since: &mut [Option<Time>],
) -> Result<(), Broken> {
    let takes_part = |machine: &Machine| {
        let status = machine.cluster.as_ref().map(Cluster::status);
        machine.paused_until.is_none() && status == Some(NodeStatus::Active)
    };
    let hears_all = |one: &Machine| {
        machines.iter().all(|other| {
            other.id == one.id || !network.connected_for(now, one.id, other.id).is_zero()
        })
    };
    // Where files differ, nodes may wait for each other.
    let is_same = |machine: &Machine| machine.edition == machines[0].edition;
    let is_well = |it: &Machine| takes_part(it) && hears_all(it) && is_same(it);
    let is_whole = machines.iter().all(is_well);
    for (group, nobody) in settings.group_ids().zip(nobody_since) {
        let is_wanted = is_whole && machines[0].has_line(settings, group);
        if !is_wanted || machines.iter().any(|machine| machine.services.runs_whole(group)) {
            *nobody = None;
            continue;
        }
        let span = network.span(now, *nobody.get_or_insert(now));
        let resources = settings.groups[group.index()].resources.len();
        let agents = u32::try_from(resources * 4 + 2).unwrap_or(u32::MAX);
        // A service that has died is found dead by its next checks.
        let checks = settings.monitors_of(group).map(|(_, it)| it.every * it.failures.into()).max();
        let allowed = settings.keepalive * 4 + HEAL * 3 + AGENT_MAX * agents;
        if span <= allowed + checks.unwrap_or_default() {
            continue;
        }
        let is_excused = |machine: &Machine| {
            let snapshot =
                machine.cluster.as_ref().map(|it| it.snapshot_without_groups(&Wording::FACTS));
            let waits = |told: Snapshot| {
                !told.executor || !told.fencing.is_empty() || is_unable(settings, machine, group)
            };
            let services = &machine.services;
            let is_ill = |group| services.was_sick(group) || services.is_slow(group);
            let is_ill = settings.group_ids().any(is_ill);
            let is_excused = is_ill || machine.is_hindered(now) || snapshot.is_none_or(waits);
            is_excused || is_left_alone(settings, machine, group)
        };
        if machines.iter().any(is_excused) {
            *nobody = None;
            continue;
        }
        let what = format!("nobody has {group:?} for {span:?}, though all hear each other");
        return Err(Broken { law: "ONE OWNER SOON", what, at: now });
    }
    Ok(())
}

/// Returns whether a machine's own daemon says that a service of a group has failed, and that nothing is done
/// about it, as its file or a person wants.
fn is_left_alone(world: &Settings, machine: &Machine, group: GroupId) -> bool {
    let place = machine.place_of(world, group);
    let (Some(cluster), Some(group)) = (&machine.cluster, place) else { return false };
    let told = cluster.group_report(group, &Wording::FACTS);
    let is_held =
        told.stay.hold.is_some() || cluster.snapshot_without_groups(&Wording::FACTS).hold.is_some();
    // The number is that of the daemon, which keeps its numbers through reloads.
    let mut monitors = cluster.settings().monitors_of(group);
    let is_ignored = monitors.any(|(_, it)| it.then == LastResort::Ignore);
    told.resource_states.iter().any(|resource| match resource.state {
        ResourceState::Blocked => true,
        ResourceState::Failed => is_held || is_ignored,
        ResourceState::Stopped
        | ResourceState::Starting
        | ResourceState::Running
        | ResourceState::Restarting
        | ResourceState::Stopping
        | ResourceState::Unknown => false,
    })
}

/// Returns whether a machine's own daemon says that it cannot run a group, or that it no longer runs
/// anything.
fn is_unable(world: &Settings, machine: &Machine, group: GroupId) -> bool {
    let place = machine.place_of(world, group);
    let (Some(cluster), Some(group)) = (&machine.cluster, place) else { return true };
    let snapshot = cluster.snapshot_without_groups(&Wording::FACTS);
    snapshot.stopping
        || cluster.group_report(group, &Wording::FACTS).unable.contains(&snapshot.node)
}
