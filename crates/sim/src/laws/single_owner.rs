//! SINGLE OWNER, HEAL, and ORDER between nodes: which resources may run at the same time.

use super::{Broken, HEAL};
use crate::machine::Machine;
use crate::network::Network;
use std::time::Duration;
use systole_core::{GroupId, NodeId, Settings, Time};

/// The same as [`HEAL`] next to a C node: the C node restarts itself after two seconds, is asked what it
/// holds after three, and the other node concedes to it after three more. A C node releases one group after
/// the other.
const CLASSIC_HEAL: Duration = Duration::from_secs(8);

/// A group that runs at two places, or runs at the same time as a group that shares a resource with it.
#[derive(Debug, Clone, Copy)]
struct Overlap {
    places: [(NodeId, GroupId); 2],
    /// How long both nodes have heard each other since then while no agent of either node worked.
    idle: Duration,
}

/// The groups that run twice, because their nodes did not hear each other when the second one began.
#[derive(Debug, Default)]
pub(crate) struct Overlaps {
    list: Vec<Overlap>,
    checked: Time,
}

impl Overlaps {
    /// SINGLE OWNER: no group begins to run while it, or a group that shares a resource with it, runs on the
    /// same machine or on a machine that is heard. HEAL: what ran twice because no node could know about the
    /// other does not continue to do so when both nodes are heard.
    ///
    /// There is no period after connecting in which two groups may run: either neither node could know about
    /// the other when the second one began, or there never are two.
    pub(crate) fn check(
        &mut self,
        now: Time,
        (settings, rivals): (&Settings, &[(GroupId, GroupId)]),
        machines: &[Machine],
        network: &Network,
    ) -> Result<(), Broken> {
        let passed = network.span(now, self.checked);
        self.checked = now;
        let before = std::mem::take(&mut self.list);
        let is_given_up = |(node, group): (NodeId, GroupId), other: NodeId| {
            let heard = network.newest(node, other);
            heard.is_some_and(|beat| machines[node.index()].is_given_up(settings, group, beat.sent))
        };
        for places in at_two_places(rivals, machines) {
            let [(first, one), (second, two)] = places;
            let is_connected = !network.connected_for(now, first, second).is_zero();
            let known = before.iter().find(|overlap| overlap.places == places);
            let stands = |(node, group): (NodeId, GroupId)| {
                let machine = &machines[node.index()];
                let services = &machine.services;
                // A group that its agents cannot stop cannot be stopped by any decision.
                !services.is_at_work(group)
                    && !services.is_unstoppable(group)
                    && !services.is_out_of_reach()
                    && !machine.is_hindered(now)
            };
            let counts = is_connected && places.into_iter().all(stands);
            let idle = known.map_or(Duration::ZERO, |overlap| overlap.idle);
            let idle = if counts { idle + passed } else { idle };
            let is_doubtful =
                is_given_up((first, one), second) || is_given_up((second, two), first);
            let is_new = known.is_none() && !is_doubtful;
            let could_know = first == second || network.is_acquainted(first, second);
            // A C node takes what it was about to take, whatever it hears meanwhile, and has some seconds to
            // restart itself.
            let later = |(node, group): (NodeId, GroupId)| {
                let machine = &machines[node.index()];
                (machine.services.runs_since(group), machine.is_classic)
            };
            let could_know = could_know && !later((first, one)).max(later((second, two))).1;
            // While the C node lets go of a set, it says that it holds nothing and is settled, and a node
            // that was started meanwhile cannot know better.
            let is_hidden = |node: NodeId, other: NodeId| {
                let since = machines[node.index()].lets_go_since;
                since.is_some_and(|since| machines[other.index()].is_started_since(since))
            };
            let could_know = could_know && !is_hidden(first, second) && !is_hidden(second, first);
            let is_beside_classic =
                places.iter().any(|(node, _)| machines[node.index()].is_classic);
            let heal = if is_beside_classic { CLASSIC_HEAL } else { HEAL };
            if is_new && could_know || idle > heal {
                let name = |group: GroupId| settings.groups[group.index()].name();
                let how = if is_new { "begin to run" } else { "run" };
                let (one, two) = (name(one), name(two));
                let what = format!(
                    "{one} on {first:?} and {two} on {second:?} {how} beside each other, and \
                     nothing was done against it for {idle:?}"
                );
                return Err(Broken { law: "SINGLE OWNER", what, at: now });
            }
            self.list.push(Overlap { places, idle });
        }
        Ok(())
    }
}

/// Returns every pair of places where the same resources run, on machines that live.
fn at_two_places(
    rivals: &[(GroupId, GroupId)],
    machines: &[Machine],
) -> impl Iterator<Item = [(NodeId, GroupId); 2]> {
    let live = |machine: &&Machine| machine.has_power && machine.paused_until.is_none();
    let runs = move |group: GroupId| {
        let live = machines.iter().filter(live);
        live.filter(move |machine| machine.services.runs(group)).map(|machine| machine.id)
    };
    rivals.iter().flat_map(move |&(one, two)| {
        let pairs = runs(one).flat_map(move |first| runs(two).map(move |second| (first, second)));
        let different = pairs.filter(move |(first, second)| one != two || first < second);
        different.map(move |(first, second)| [(first, one), (second, two)])
    })
}

/// ORDER between nodes: no start before the stop on another machine that is heard is known, of the same group
/// or of a group that shares a resource with it.
///
/// A node knows what another node runs from the first beat that the other node has sent since.
pub(crate) fn known_stopped(
    now: Time,
    (world, rivals): (&Settings, &[(GroupId, GroupId)]),
    (group, node): (GroupId, NodeId),
    machines: &[Machine],
    network: &Network,
) -> Result<(), Broken> {
    for &(one, two) in rivals.iter().filter(|(one, two)| *one == group || *two == group) {
        let rival = if one == group { two } else { one };
        let tells = |other: &&Machine| {
            let lives = other.has_power && other.paused_until.is_none() && other.cluster.is_some();
            let since = other.services.runs_since(rival);
            let newest = network.newest(other.id, node).filter(|_| lives && other.id != node);
            let is_told = |sent: Time| !other.is_given_up(world, rival, sent);
            newest.zip(since).is_some_and(|(beat, since)| beat.sent > since && is_told(beat.sent))
        };
        let Some(other) = machines.iter().find(tells) else { continue };
        let [name, other_name] = [group, rival].map(|group| world.groups[group.index()].name());
        let what = format!(
            "{node:?} starts {name} ({group:?}), and {:?}, which was heard since, still runs \
             {other_name} ({rival:?}): {:?}",
            other.id,
            other.services.running(rival)
        );
        return Err(Broken { law: "ORDER", what, at: now });
    }
    Ok(())
}
