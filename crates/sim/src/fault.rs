//! What goes wrong in a world, drawn from its seed.

use crate::host::Hindrance;
use crate::services::{Ailment, Manner};
use std::time::Duration;
use systole_core::{GroupId, GroupSet, LinkId, NodeId, Order, Random, Settings};

/// Something that happens to the machines, or that their administrator does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The machine loses power for this long.
    PowerOff(NodeId, Duration),
    /// The daemon is killed, and started again after this time.
    Crash(NodeId, Duration),
    /// The daemon executes itself again, or is killed and started again at once.
    Restart(NodeId, Duration),
    /// The daemon is killed, and the next one finds another state than it left.
    Lose(NodeId, Loss, Duration),
    /// No link carries anything between two machines, and something happens to the first machine during the
    /// partition or soon after it.
    PartAnd(NodeId, NodeId, Duration, (Duration, Deed)),
    /// The daemon is stopped gracefully, and started again after this time.
    Stop(NodeId, Duration),
    /// The machine is paused for this long.
    Pause(NodeId, Duration),
    /// Daemon and executor are killed, and the daemon is started again after this time.
    KillAll(NodeId, Duration),
    /// The executor is killed, and none can be started for this long.
    ExecutorCrash(NodeId, Duration),
    /// The executor alone is paused for this long.
    Freeze(NodeId, Duration),
    /// The executor is paused for this long, and the daemon executes itself again meanwhile.
    RestartBesideFrozen(NodeId, Duration),
    /// Something does not work on a machine for this long.
    Hinder(NodeId, Hindrance, Duration),
    /// Something outside Systole removes the addresses of a group.
    Remove(NodeId, GroupId),
    /// The interface of a group is gone for this long, and its addresses with it.
    Vanish(NodeId, GroupId, Duration),
    /// One direction of one link carries nothing.
    CutWay(NodeId, NodeId, LinkId, Duration),
    /// Both directions of one link carry nothing.
    CutLink(NodeId, NodeId, LinkId, Duration),
    /// No link carries anything between two machines.
    Part(NodeId, NodeId, Duration),
    /// The ping nodes do not answer this machine.
    Deafen(NodeId, Duration),
    /// The interface of a group has no carrier on this machine.
    Unplug(NodeId, GroupId, Duration),
    /// The administrator gives an order.
    Order(NodeId, Order),
    /// The administrator sets the date of a machine, forwards or back by this many seconds.
    StepDate(NodeId, i64),
    /// A recorded datagram is sent again.
    Replay(NodeId),
    /// A service of a machine dies.
    Die(NodeId, GroupId, usize),
    /// A resource of a machine becomes sick: for this long, or until the administrator repairs it.
    Ail(NodeId, (GroupId, usize), (Ailment, Manner), Option<Duration>),
}

/// What happens to a machine that is cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    /// The same as [`Fault::Stop`].
    Stop(Duration),
    /// The same as [`Fault::PowerOff`].
    PowerOff(Duration),
    /// The same as [`Fault::Restart`].
    Restart(Duration),
    /// The same as [`Fault::Lose`].
    Lose(Loss, Duration),
    /// The machine gets a different haresources file.
    Reload,
}

/// What happens to a state directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loss {
    /// It is empty.
    Empty,
    /// It is an earlier copy.
    Old,
    /// It cannot be read at the next start.
    Unreadable,
}

impl Fault {
    /// Returns the machine that the fault concerns, if it is a single machine.
    pub(crate) const fn node(&self) -> Option<NodeId> {
        match self {
            Self::PowerOff(node, _)
            | Self::Crash(node, _)
            | Self::Restart(node, _)
            | Self::Lose(node, ..)
            | Self::Stop(node, _)
            | Self::Pause(node, _)
            | Self::KillAll(node, _)
            | Self::ExecutorCrash(node, _)
            | Self::Freeze(node, _)
            | Self::RestartBesideFrozen(node, _)
            | Self::Hinder(node, ..)
            | Self::Remove(node, _)
            | Self::Vanish(node, ..)
            | Self::Deafen(node, _)
            | Self::Unplug(node, ..)
            | Self::Order(node, _)
            | Self::StepDate(node, _)
            | Self::Replay(node)
            | Self::Die(node, ..)
            | Self::Ail(node, ..) => Some(*node),
            Self::PartAnd(..) | Self::CutWay(..) | Self::CutLink(..) | Self::Part(..) => None,
        }
    }

    /// Returns the name under which faults of this kind are counted.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::PowerOff(..) => "machines without power",
            Self::Crash(..) => "daemons killed",
            Self::Restart(..) => "daemons executed anew",
            Self::Lose(..) => "states lost",
            Self::PartAnd(.., (_, deed)) => match deed {
                Deed::Stop(_) => "stopped while cut off",
                Deed::PowerOff(_) => "switched off while cut off",
                Deed::Restart(_) => "restarted while cut off",
                Deed::Lose(..) => "state lost while cut off",
                Deed::Reload => "reloaded while cut off",
            },
            Self::Stop(..) => "daemons stopped",
            Self::Pause(..) => "machines that stood still",
            Self::KillAll(..) => "daemons and executors killed",
            Self::ExecutorCrash(..) => "executors killed",
            Self::Freeze(..) => "executors that stood still",
            Self::RestartBesideFrozen(..) => "daemons executed anew beside one",
            Self::Hinder(_, hindrance, _) => hindrance.name(),
            Self::Remove(..) => "addresses removed",
            Self::Vanish(..) => "interfaces gone",
            Self::CutWay(..) => "ways cut",
            Self::CutLink(..) => "links cut",
            Self::Part(..) => "partitions",
            Self::Deafen(..) => "ping nodes lost",
            Self::Unplug(..) => "carriers lost",
            Self::Order(..) => "orders",
            Self::StepDate(..) => "dates set",
            Self::Replay(..) => "replays",
            Self::Die(..) => "services that died",
            Self::Ail(..) => "resources ill",
        }
    }
}

/// The longest sickness that ends without a repair.
pub(crate) const AILMENT_MAX: Duration = Duration::from_secs(20);

/// Draws the next fault.
pub(crate) fn draw(
    random: &mut Random,
    (nodes, links, groups): (usize, usize, usize),
    orders: bool,
) -> Fault {
    let count = u64::try_from(nodes).unwrap_or(1);
    let node = pick(random, count);
    let other = NodeId((node.0 + 1 + pick(random, count - 1).0) % u8::try_from(count).unwrap_or(1));
    let link = LinkId(u8::try_from(random.below(links as u64)).unwrap_or(0));
    let short = Duration::from_millis(50 + random.below(2_000));
    let long = Duration::from_millis(100 + random.below(15_000));
    match random.below(if orders { 24 } else { 15 }) {
        0 => Fault::PowerOff(node, long),
        1 => Fault::Crash(node, if random.chance(500) { short } else { long }),
        2 => Fault::Stop(node, long),
        3 => Fault::Pause(node, if random.chance(500) { short } else { long }),
        4 => Fault::ExecutorCrash(node, Duration::from_millis(10 + random.below(500))),
        5 => Fault::CutWay(node, other, link, long),
        6 => Fault::CutLink(node, other, link, long),
        7 => Fault::Part(node, other, long),
        8 => Fault::Part(node, other, short),
        9 => Fault::Replay(node),
        10 => Fault::StepDate(node, i64::try_from(random.below(2_001)).unwrap_or(0) - 1_000),
        11 => Fault::Restart(node, Duration::from_millis(1 + random.below(100))),
        12 => Fault::Lose(node, draw_loss(random), short),
        13 | 14 => {
            let wait = long * u32::try_from(random.below(120)).unwrap_or(0) / 100;
            Fault::PartAnd(node, other, long, (wait, draw_deed(random)))
        }
        15 => Fault::Deafen(node, long),
        16 => Fault::Order(node, Order::Standby(hold(random))),
        17 => Fault::Order(node, Order::Retry(None)),
        18 => Fault::Order(node, Order::StandbyGroup(group(random, groups))),
        19 => Fault::Order(node, Order::TakeoverGroup(group(random, groups))),
        20 => Fault::Unplug(node, group(random, groups), long),
        21 => Fault::Order(node, Order::Hold(whole_or_part(random, groups), long * 5)),
        22 => Fault::Order(node, Order::Release(whole_or_part(random, groups))),
        _ => Fault::Order(node, Order::Takeover(hold(random))),
    }
}

fn draw_loss(random: &mut Random) -> Loss {
    match random.below(3) {
        0 => Loss::Empty,
        1 => Loss::Old,
        _ => Loss::Unreadable,
    }
}

fn draw_deed(random: &mut Random) -> Deed {
    let span = Duration::from_millis(1 + random.below(12_000));
    match random.below(5) {
        0 => Deed::Stop(span),
        1 => Deed::PowerOff(span),
        2 => Deed::Restart(Duration::from_millis(1 + random.below(1_000))),
        3 => Deed::Lose(draw_loss(random), span),
        _ => Deed::Reload,
    }
}

/// Draws a machine on which both daemon and executor are killed. Its addresses remain for a few seconds.
pub(crate) fn draw_kill(random: &mut Random, nodes: usize) -> Fault {
    let node = pick(random, u64::try_from(nodes).unwrap_or(1));
    let longest = if random.chance(500) { 1_000 } else { 8_000 };
    let span = Duration::from_millis(1 + random.below(longest));
    Fault::KillAll(node, span)
}

/// Draws what happens to an executor, or to what it needs.
pub(crate) fn draw_hindrance(random: &mut Random, (nodes, groups): (usize, usize)) -> Fault {
    let node = pick(random, u64::try_from(nodes).unwrap_or(1));
    let short = Duration::from_millis(10 + random.below(2_000));
    let long = Duration::from_millis(500 + random.below(30_000));
    let span = if random.chance(500) { short } else { long };
    match random.below(9) {
        0 => Fault::ExecutorCrash(node, span),
        8 => Fault::RestartBesideFrozen(node, span),
        1 | 2 => Fault::Freeze(node, span),
        3 => Fault::Remove(node, group(random, groups)),
        4 => Fault::Vanish(node, group(random, groups), span),
        _ => {
            let which = random.below(Hindrance::ALL.len() as u64);
            let which = Hindrance::ALL[usize::try_from(which).unwrap_or(0)];
            Fault::Hinder(node, which, span)
        }
    }
}

/// Draws a service that dies.
pub(crate) fn draw_death(random: &mut Random, settings: &Settings) -> Fault {
    let count = |length: usize| u64::try_from(length.max(1)).unwrap_or(1);
    let node = pick(random, count(settings.nodes.len()));
    let group = group(random, settings.groups.len());
    let resources = count(settings.groups[group.index()].resources.len());
    Fault::Die(node, group, usize::try_from(random.below(resources)).unwrap_or(0))
}

/// Draws a resource that becomes sick, and how. Where agents may be slow, most of them are.
pub(crate) fn draw_ailment(random: &mut Random, settings: &Settings, is_patient: bool) -> Fault {
    let count = |length: usize| u64::try_from(length.max(1)).unwrap_or(1);
    let node = pick(random, count(settings.nodes.len()));
    let place = random.below(count(settings.groups.len()));
    let group = GroupId(u16::try_from(place).unwrap_or(0));
    let resources = count(settings.groups[group.index()].resources.len());
    let resource = usize::try_from(random.below(resources)).unwrap_or(0);
    let ailment = match random.below(3) {
        0 => Ailment::Start,
        1 => Ailment::Stop,
        _ => Ailment::StopAndStatus,
    };
    let manner = match random.below(if is_patient { 4 } else { 8 }) {
        0 => Manner::Lies,
        1 => Manner::Fails,
        _ if is_patient => Manner::Slow,
        _ => Manner::draw(random),
    };
    let longest = u64::try_from(AILMENT_MAX.as_millis()).unwrap_or(1);
    let span = Duration::from_millis(random.below(longest));
    let span = (!random.chance(300)).then_some(span);
    Fault::Ail(node, (group, resource), (ailment, manner), span)
}

fn pick(random: &mut Random, count: u64) -> NodeId {
    NodeId(u8::try_from(random.below(count)).unwrap_or(0))
}

fn group(random: &mut Random, groups: usize) -> GroupId {
    GroupId(u16::try_from(random.below(groups as u64)).unwrap_or(0))
}

/// Draws everything, or one group half as often.
fn whole_or_part(random: &mut Random, groups: usize) -> Option<GroupId> {
    let part = group(random, groups);
    (random.below(3) == 0).then_some(part)
}

fn hold(random: &mut Random) -> GroupSet {
    [GroupSet::All, GroupSet::Local, GroupSet::Foreign]
        [usize::try_from(random.below(3)).unwrap_or(0)]
}
