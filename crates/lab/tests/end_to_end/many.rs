//! Two hundred groups: every beat fits into a packet, and every group ends where it must.

use crate::play::{never_two, play_with};
use crate::watched::Over;
use crate::{LIMIT, Outcome};
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};
use systole_lab::diary::{self, AGENT};
use systole_lab::{Capture, ClusterConfig, Lab, LabError, Node};

/// The number of groups with an address and an agent that writes a diary. The group that the client probes is
/// one more.
const GROUPS: u8 = 199;
/// The number of these groups that prefer web1; the others prefer web2.
const OF_WEB1: u8 = 120;
/// The most bytes of a message: with every header it fits into a packet of any Ethernet.
const MESSAGE_MAX: usize = 1_200;
/// The time between two checks of the addresses of both nodes.
const LOOK_EVERY: Duration = Duration::from_millis(20);

fn address(group: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 9, 0, group)
}

fn name(group: u8) -> String {
    format!("g{group}")
}

fn config() -> ClusterConfig {
    let usual = ClusterConfig::default();
    let first = format!("web1 {}/24/eth0 {}", usual.address, usual.service.word());
    let line = |group| {
        let home = if group <= OF_WEB1 { Node::Web1 } else { Node::Web2 };
        format!("{home} {}/24/eth0 {AGENT}::{}", address(group), name(group))
    };
    ClusterConfig {
        groups: [first].into_iter().chain((1..=GROUPS).map(line)).collect(),
        deadtime: Duration::from_secs(2),
        warntime: Duration::from_secs(1),
        initdead: Duration::from_secs(4),
        ipfail: false,
        ..usual
    }
}

/// Where all groups are.
#[derive(Debug, Clone, Copy)]
enum Place {
    Home,
    At(Node),
}

impl Place {
    fn has(self, node: Node, group: u8) -> bool {
        match self {
            Self::Home => (node == Node::Web1) == (group <= OF_WEB1),
            Self::At(owner) => node == owner,
        }
    }

    /// Returns the numbers of the groups that a node has; the group that the client probes is number 0.
    fn groups(self, node: Node) -> impl Iterator<Item = u8> {
        (0..=GROUPS).filter(move |group| self.has(node, *group))
    }

    /// Returns whether a node has exactly the addresses and agents that it must have.
    fn is_reached(self, lab: &Lab, node: Node) -> bool {
        let names: BTreeSet<_> = self.groups(node).filter(|it| *it > 0).map(name).collect();
        addresses(lab, node) == self.groups(node).collect() && diary::running(lab, node) == names
    }
}

/// Returns the numbers of the groups whose addresses a node has.
fn addresses(lab: &Lab, node: Node) -> BTreeSet<u8> {
    let all = lab.addresses(node);
    let is_probed = |it: &Ipv4Addr| IpAddr::V4(*it) == lab.config().address;
    let number = |it: &Ipv4Addr| match it.octets() {
        [10, 9, 0, group] => Some(group),
        _ => is_probed(it).then_some(0),
    };
    all.iter().filter_map(number).collect()
}

/// Waits until every group is where it must be, and prints how long that took.
fn reached(lab: &Lab, what: &str, place: Place, since: Instant) -> Result<(), LabError> {
    let all = || Node::ALL.into_iter().all(|node| place.is_reached(lab, node));
    let count =
        || Node::ALL.map(|node| (addresses(lab, node).len(), diary::running(lab, node).len()));
    lab.wait_for(what, LIMIT, all).inspect_err(|_| println!("{what}: {:?}", count()))?;
    println!("{what}: {:?}", since.elapsed());
    Ok(())
}

/// Waits until both nodes say in their status that each group is active, and which node owns it.
fn agreed(lab: &Lab, place: Place) -> Result<(), LabError> {
    let owner = |group: u8| Node::ALL.into_iter().find(|node| place.has(*node, group));
    let right = |node| {
        let groups = lab.status(node).unwrap_or_default().groups;
        let is_right = |(number, group): (u8, &systole_lab::GroupStatus)| {
            group.phase == "active" && group.owner.as_deref() == owner(number).map(Node::name)
        };
        groups.len() == usize::from(GROUPS) + 1 && (0..).zip(&groups).all(is_right)
    };
    lab.wait_for("both agree", LIMIT, || Node::ALL.into_iter().all(right))?;
    Ok(())
}

/// Fails when a node has sent a fragment, or a message that soon needs more than one packet.
fn fits(node: Node, sent: &Capture) {
    let lengths: Vec<_> = sent.packets().iter().map(|packet| packet.payload.len()).collect();
    let longest = lengths.iter().max().copied().unwrap_or_default();
    println!("{node} sent {} messages of at most {longest} bytes", lengths.len());
    assert!(longest > 0, "nothing was recorded");
    assert!(longest <= MESSAGE_MAX, "{node} sent a message of {longest} bytes");
    assert_eq!(sent.fragments(), 0, "{node} sent fragments");
}

/// Watches all addresses while something happens: none is on both nodes for longer than a beat.
fn watched(lab: &Lab, happens: impl FnOnce() -> Outcome) -> Outcome {
    let over = AtomicBool::new(false);
    scope(|scope| {
        let eye = scope.spawn(|| look(lab, &over));
        let end = Over(&over);
        let outcome = happens();
        drop(end);
        let doubled = eye.join().expect("looking does not panic");
        never_two(&doubled, !doubled.is_empty());
        let doubled = diary::doubled(lab);
        never_two(&doubled, !doubled.is_empty());
        outcome
    })
}

/// Returns the groups whose addresses were on both nodes at every check for longer than a beat.
fn look(lab: &Lab, over: &AtomicBool) -> BTreeSet<u8> {
    let mut since = [None; GROUPS as usize + 1];
    let mut doubled = BTreeSet::new();
    while !over.load(Ordering::Acquire) {
        let now = Instant::now();
        let before = addresses(lab, Node::Web1);
        let other = addresses(lab, Node::Web2);
        // Checked again: an address may have moved between the two checks.
        let after = addresses(lab, Node::Web1);
        for group in 0..=GROUPS {
            let is_both = [&before, &other, &after].iter().all(|seen| seen.contains(&group));
            let since = &mut since[usize::from(group)];
            *since = is_both.then(|| since.unwrap_or(now));
            if since.is_some_and(|since| since.elapsed() > lab.config().keepalive) {
                doubled.insert(group);
            }
        }
        sleep(LOOK_EVERY);
    }
    doubled
}

/// Both nodes settle, one gives everything away, the other loses its power and comes back.
fn live(lab: &Lab) -> Outcome {
    let (stays, dies) = (Node::Web1, Node::Web2);
    let [of_web1, of_web2] = [lab.capture(stays)?, lab.capture(dies)?];
    let since = Instant::now();
    reached(lab, "both settle", Place::Home, since)?;
    agreed(lab, Place::Home)?;

    let since = Instant::now();
    let told = lab.run(stays, &["hb", "standby"])?;
    assert!(told.success(), "{told:?}");
    reached(lab, "web1 gives everything away", Place::At(dies), since)?;
    agreed(lab, Place::At(dies))?;
    fits(dies, &of_web2);

    let since = Instant::now();
    diary::power_off(lab, dies)?;
    reached(lab, "web2 is dead, and web1 takes everything", Place::At(stays), since)?;

    lab.power_on(dies)?;
    let of_web2 = lab.capture(dies)?;
    let since = Instant::now();
    lab.start_daemon(dies)?;
    reached(lab, "web2 is back, and gets what is at home there", Place::Home, since)?;
    agreed(lab, Place::Home)?;
    fits(dies, &of_web2);
    fits(stays, &of_web1);
    Ok(())
}

#[test]
fn two_hundred_groups_move_without_fragment_or_second_owner() -> Outcome {
    let prepare = |lab: &Lab| Ok(diary::install(lab)?);
    play_with(&config(), prepare, |lab| watched(lab, || live(lab)))
}
