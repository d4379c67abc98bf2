//! How a world begins.

use super::reload::Edition;
use super::times::Times;
use super::{Fences, Happening, Options, Summary, World};
use crate::clock::Clock;
use crate::codec::Codec;
use crate::host::Host;
use crate::laws::Overlaps;
use crate::machine::Machine;
use crate::network::Network;
use crate::services::Services;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;
use systole_core::{
    AddressSpec, Failback, FencingPolicy, ForeignRunning, GROUPS_MAX, Group, GroupId, GroupKey,
    Guard, HoldDown, LastResort, Monitor, NodeId, Random, Resource, ResourceKind, Settings,
    StopFailure, Time,
};

impl World {
    /// Makes a world in trouble, from a seed.
    #[must_use]
    pub fn new(seed: u64, options: Options) -> Self {
        let mut world = Self::quiet(seed, options);
        world.troubled = true;
        let first = Duration::from_millis(world.random.below(10_000));
        world.after(first, Happening::Fault);
        world
    }

    /// Makes a world without trouble, from a seed: its machines start, and live.
    #[must_use]
    pub fn quiet(seed: u64, options: Options) -> Self {
        let mut random = Random::new(seed);
        let mut settings = settings(&mut random, options.nodes, options.crowd);
        if options.fences == Fences::Used {
            let delay = Duration::from_millis(random.below(6_000));
            settings.fencing = Some(FencingPolicy { delay });
        }
        let mut options = options;
        if options.classic {
            settings = super::classic::common(settings);
            options = Options { reloads: 0, frail: 0, patient: 0, ..options };
        }
        let pace = if options.classic { 5 + random.below(600) } else { 0 };
        let classic_pace = Duration::from_millis(pace);
        let monitor = options.checks.then(|| draw_monitor(&mut random));
        settings.monitors = monitors(&settings.groups, monitor);
        put_into(&mut settings, options);
        let drift = options.clocks.draw(&mut random);
        let network = Network::new(options.nodes, settings.links.len(), drift, &mut random);
        let patient = random.chance(options.patient);
        // An agent that hangs where agents may be slow would hang for hours.
        let broken = if !patient && !options.classic && random.chance(150) { 150 } else { 0 };
        let machines = settings.node_ids().map(|id| {
            let services = Services::new(&settings, &mut random, broken);
            let clock = Clock::new(options.clocks, drift, id.index(), &mut random);
            Machine::new(id, Settings { me: id, ..settings.clone() }, services, clock)
        });
        let mut machines: Vec<Machine> = machines.collect();
        machines[1].is_classic = options.classic;
        let hosts = machines.iter().map(|_| Host::default()).collect();
        let orders = random.chance(500);
        let nobody_since = vec![None; settings.groups.len()];
        let reloads = random.chance(options.reloads);
        let frail = random.chance(options.frail);
        let arp_passes = options.guard && random.chance(300);
        let earlier = settings.groups.clone();
        let groups = earlier.len() as u64;
        let times = Times::of(&settings);
        let mut world = Self {
            options,
            settings,
            random,
            now: Time::START,
            count: 0,
            queue: BTreeMap::new(),
            machines,
            hosts,
            network,
            codec: Codec::new(),
            recorded: Vec::new(),
            orders,
            reloads,
            edition: Edition { number: 0, groups: earlier.clone(), times },
            earlier,
            former: Vec::new(),
            classic: None,
            classic_pace,
            rivals: Vec::new(),
            sickly: broken > 0,
            frail,
            kills: options.kills,
            patient,
            arp_passes,
            monitor,
            troubled: false,
            alone: None,
            ordered: None,
            ran_last: Vec::new(),
            overlaps: Overlaps::default(),
            nobody_since,
            rests: 0,
            summary: Summary { groups, ..Summary::default() },
            diary: None,
        };
        world.find_rivals();
        let spread = if world.random.chance(500) { 10 } else { 5_000 };
        for node in world.settings.node_ids() {
            let at = Duration::from_millis(world.random.below(spread));
            world.after(at, Happening::PowerOn(node));
        }
        world
    }
}

fn settings(random: &mut Random, nodes: usize, is_crowd: bool) -> Settings {
    let times = Times::draw(random);
    let names = ["alpha", "beta", "gamma", "delta"];
    let groups = if is_crowd { 1 + random.below(GROUPS_MAX as u64) } else { 1 + random.below(3) };
    let ids = u64::try_from(nodes).unwrap_or(1);
    let settings = Settings {
        links: (0..=random.below(2)).map(|link| format!("eth{link}")).collect(),
        ping_nodes: (0..random.below(3)).map(|ping| format!("ping{ping}")).collect(),
        aliveping: times.keepalive * u32::try_from(random.below(4)).unwrap_or(0),
        failback: failback(random),
        ipfail: random.chance(500),
        stop_failure: match random.below(3) {
            0 => StopFailure::Reboot,
            1 => StopFailure::ReleaseAddress,
            _ => StopFailure::Block,
        },
        groups: (0..groups).map(|number| group(random, number, ids)).collect(),
        group_failback: (0..random.below(3)).map(|_| (GroupId(0), failback(random))).collect(),
        hold_down: random.chance(500).then(|| hold_down(random)),
        foreign_running: ForeignRunning::Ignore,
        guard: Guard::Off,
        ..Settings::new(NodeId(0), names[..nodes].iter().copied())
    };
    times.put_into(settings)
}

/// Sets what some kinds of worlds have.
fn put_into(settings: &mut Settings, options: Options) {
    if options.guard {
        settings.guard = Guard::Strict;
    }
    if options.checks {
        settings.foreign_running = ForeignRunning::Stop;
    }
}

fn failback(random: &mut Random) -> Failback {
    match random.below(6) {
        0 | 1 => Failback::On,
        2 | 3 => Failback::Off,
        4 => Failback::Manual,
        _ => Failback::After(Duration::from_millis(random.below(5_000))),
    }
}

/// So short that every hold-down is over before the calm is checked.
fn hold_down(random: &mut Random) -> HoldDown {
    let first = Duration::from_millis(500 + random.below(2_000));
    HoldDown {
        moves: 1 + u8::try_from(random.below(3)).unwrap_or(0),
        window: Duration::from_millis(5_000 + random.below(30_000)),
        first,
        longest: first * 4,
    }
}

/// Draws how services are checked. Restarts that count go on counting until the end of a world, so that the
/// world comes to rest.
fn draw_monitor(random: &mut Random) -> Monitor {
    let then = match random.below(4) {
        0 => LastResort::Block,
        1 => LastResort::Ignore,
        _ => LastResort::Move,
    };
    let few = |random: &mut Random| u8::try_from(random.below(3)).unwrap_or(0);
    // What stays where it is needs a restart once it is repaired.
    let least = u8::from(then != LastResort::Move);
    Monitor {
        every: Duration::from_millis(200 + random.below(3_000)),
        timeout: Duration::from_millis(400 + random.below(3_000)),
        failures: 1 + few(random) / 2,
        restarts: least + few(random),
        within: Duration::from_hours(1),
        asks_agent: true,
        then,
    }
}

/// Returns how the services of these groups are checked.
pub(super) fn monitors(
    groups: &[Group],
    monitor: Option<Monitor>,
) -> Vec<(GroupId, usize, Monitor)> {
    let places = (0..).map(GroupId).zip(groups).flat_map(|(id, group)| {
        let resources = group.resources.iter().enumerate();
        let services = resources.filter(|(_, resource)| !resource.is_address());
        services.map(move |(place, _)| (id, place))
    });
    places.filter_map(|(id, place)| Some((id, place, monitor?))).collect()
}

/// Returns the settings of a small scope: two nodes, one link, and groups of an address and a service that
/// prefer the first and the second node in turn.
pub(crate) fn small(groups: usize, failback: bool) -> Settings {
    let home = |number: u64| NodeId(u8::from(number % 2 == 1));
    Settings {
        links: vec!["eth0".to_owned()],
        ping_nodes: Vec::new(),
        keepalive: Duration::from_secs(1),
        deadtime: Duration::from_secs(3),
        warntime: Duration::from_secs(2),
        initdead: Duration::from_secs(4),
        failback: if failback { Failback::On } else { Failback::Off },
        ipfail: false,
        group_failback: Vec::new(),
        hold_down: None,
        groups: (0..).take(groups).map(|number| group_of(number, home(number), 1, 1)).collect(),
        ..settings(&mut Random::new(0), 2, false)
    }
}

fn group(random: &mut Random, number: u64, nodes: u64) -> Group {
    let preferred = NodeId(u8::try_from(random.below(nodes)).unwrap_or(0));
    let addresses = 1 + random.below(2);
    let agents = random.below(3);
    group_of(number, preferred, addresses, agents)
}

pub(super) fn group_of(number: u64, preferred: NodeId, addresses: u64, agents: u64) -> Group {
    let address = (0..addresses).map(|last| {
        let [.., net, last] = (number * 10 + last).to_be_bytes();
        let address = IpAddr::V4(Ipv4Addr::new(192, 0, 2 + net, last));
        let spec = AddressSpec { address, prefix: None, interface: None, broadcast: None };
        Resource { word: address.to_string(), kind: ResourceKind::Address(spec) }
    });
    let agent = (0..agents).map(|agent| {
        let name = format!("service{number}{agent}");
        let kind = ResourceKind::Agent { name: name.clone(), arguments: Vec::new() };
        Resource { word: name, kind }
    });
    let resources: Vec<Resource> = address.chain(agent).collect();
    let key = GroupKey::of(resources.iter().map(|resource| resource.word.as_str()));
    Group { key, preferred, resources, is_retired: false }
}
