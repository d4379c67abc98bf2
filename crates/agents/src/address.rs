//! The native agent for floating addresses. It handles several of them in one batch.

use rustix::io::Errno;
use std::collections::VecDeque;
use std::io;
use std::net::IpAddr;
use std::time::Duration;
use systole_core::{AddressSpec, Group, Resource, ResourceKind, Time};
use systole_sys::address::{
    Addresses, Announcements, Announcer, ChooseError, Interface, Network, Placed, Presence, Taken,
    Wanted, choose,
};

use crate::protocol::Outcome;

/// Maximum number of batches that are being announced. Beyond it the oldest is no longer announced.
const ANNOUNCED_MAX: usize = 256;

/// The agent, with its handles to the kernel.
#[derive(Debug)]
pub(crate) struct AddressAgent {
    addresses: Addresses,
    announcer: Announcer,
    announced: VecDeque<Batch>,
}

/// Addresses that were added together.
#[derive(Debug)]
struct Batch {
    placed: Vec<Placed>,
    added: Time,
    schedule: Announcements,
    next: Duration,
}

impl Batch {
    /// Announces it once. Returns whether it is to be announced again.
    fn announce(&mut self, now: Time, announcer: &Announcer) -> bool {
        // A lost announcement is like a lost frame: the schedule has further announcements.
        let _ = announcer.announce(&self.placed);
        // Announcements that were missed during a pause would only repeat the next one.
        let late = now.since(self.added);
        let next = self.schedule.find(|moment| *moment > late);
        self.next = next.unwrap_or_default();
        next.is_some()
    }
}

/// The resources of one run, which are started, stopped or looked for together.
pub(crate) type Row<'a> = &'a [Resource];

/// The result of a start or a stop.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Changed {
    /// The outcome.
    pub(crate) outcome: Outcome,
    /// Lines for the log, each with the interface's name.
    pub(crate) lines: Vec<(String, String)>,
    /// The number of addresses that were announced.
    pub(crate) announced: usize,
}

impl Changed {
    fn not(outcome: Outcome) -> Self {
        Self { outcome, lines: Vec::new(), announced: 0 }
    }
}

impl AddressAgent {
    pub(crate) fn open() -> io::Result<Self> {
        let (addresses, announcer) = (Addresses::open()?, Announcer::open()?);
        Ok(Self { addresses, announcer, announced: VecDeque::new() })
    }

    /// Adds the addresses of several runs in one batch, and announces them for the first time. A run that
    /// fails does not affect the others.
    ///
    /// If an address of a run cannot be added, the addresses that were added are left to the stop that
    /// follows.
    pub(crate) fn start(
        &mut self,
        now: Time,
        rows: &[Row<'_>],
        lifetime: Duration,
    ) -> Vec<Changed> {
        let mut network = match self.network(rows) {
            Ok(network) => network,
            Err(error) => return for_each(rows, || Changed::not(not_asked(&error))),
        };
        let choices: Vec<_> = rows.iter().map(|row| place(row, &mut network)).collect();
        let all: Vec<Placed> = choices.iter().flatten().flatten().cloned().collect();
        let mut answers = match self.addresses.add(&all, lifetime) {
            Ok(answers) => answers.into_iter(),
            Err(error) => return for_each(rows, || Changed::not(not_asked(&error))),
        };
        let mut started = Vec::with_capacity(rows.len());
        for choice in choices {
            started.push(match choice {
                Ok(placed) => {
                    let answers: Vec<_> = answers.by_ref().take(placed.len()).collect();
                    self.record_added(now, placed, answers)
                }
                Err(error) => Changed::not(failed(&error)),
            });
        }
        started
    }

    /// Handles the kernel's answers for the addresses of one run.
    fn record_added(
        &mut self,
        now: Time,
        placed: Vec<Placed>,
        answers: Vec<io::Result<Presence>>,
    ) -> Changed {
        let lines =
            placed.iter().map(|place| (place.interface.clone(), place.describe())).collect();
        for (answer, place) in answers.into_iter().zip(&placed) {
            if let Err(error) = answer {
                let outcome = refused(place.address, &error);
                return Changed { outcome, lines, announced: 0 };
            }
        }
        let announced = placed.len();
        self.begin_announcing(now, placed);
        Changed { outcome: Outcome::Success, lines, announced }
    }

    /// Removes the addresses of several runs in one batch. An address that is already gone counts as a
    /// success.
    pub(crate) fn stop(&mut self, rows: &[Row<'_>]) -> Vec<Changed> {
        let all: Vec<_> = rows.iter().flat_map(|row| wanted(row)).collect();
        for batch in &mut self.announced {
            batch.placed.retain(|placed| all.iter().all(|wish| wish.address != placed.address));
        }
        self.announced.retain(|batch| !batch.placed.is_empty());
        match self.addresses.remove(&all) {
            Ok(answers) => removed(rows, answers),
            Err(error) => for_each(rows, || Changed::not(not_asked(&error))),
        }
    }

    /// Finds for each run whether all of its addresses are present.
    pub(crate) fn monitor(&mut self, rows: &[Row<'_>]) -> Vec<Outcome> {
        self.find(rows, |are_here| are_here.iter().all(|is_here| *is_here))
    }

    /// Finds for each run whether any of its addresses is still present: after a stop that failed, one is
    /// enough.
    pub(crate) fn status(&mut self, rows: &[Row<'_>]) -> Vec<Outcome> {
        self.find(rows, |are_here| are_here.contains(&true))
    }

    fn find(&mut self, rows: &[Row<'_>], is_running: impl Fn(&[bool]) -> bool) -> Vec<Outcome> {
        let all: Vec<_> = rows.iter().flat_map(|row| wanted(row)).collect();
        let mut found = match self.addresses.find(&all) {
            Ok(found) => found.into_iter(),
            Err(error) => return for_each(rows, || not_asked(&error)),
        };
        let mut look = |row: &Row<'_>| {
            let are_here: Vec<_> = found.by_ref().take(wanted(row).count()).collect();
            if is_running(&are_here) { Outcome::Running } else { Outcome::NotRunning }
        };
        rows.iter().map(&mut look).collect()
    }

    /// Returns the machine's interfaces as they are now, with the data for choosing a place for these
    /// addresses.
    pub(crate) fn network(&mut self, rows: &[Row<'_>]) -> io::Result<Network> {
        let all: Vec<_> = rows.iter().flat_map(|row| wanted(row)).collect();
        self.addresses.neighbourhood(&all)
    }

    /// Returns the machine's interfaces with their addresses.
    pub(crate) fn interfaces(&mut self) -> io::Result<Vec<Interface>> {
        self.addresses.interfaces()
    }

    /// Announces an address once. A lost announcement is like a lost frame.
    pub(crate) fn announce_again(&self, interface: u32, mac: [u8; 6], address: IpAddr) {
        let _ = self.announcer.announce_at(interface, mac, address);
    }

    /// Renews the lifetimes, and returns which addresses are present.
    pub(crate) fn renew(
        &mut self,
        held: Vec<Resource>,
        lifetime: Duration,
    ) -> io::Result<Vec<(Resource, bool)>> {
        let all: Vec<_> = wanted(&held).collect();
        let presences = self.addresses.renew(&all, lifetime)?;
        let are_here = presences.into_iter().map(|presence| presence != Presence::Absent);
        Ok(held.into_iter().zip(are_here).collect())
    }

    /// Removes addresses with this program's mark that are not held, and returns them.
    pub(crate) fn remove_orphans(&mut self, held: &[Resource]) -> io::Result<Vec<IpAddr>> {
        let kept: Vec<_> = wanted(held).map(|wish| wish.address).collect();
        self.addresses.remove_orphans(&kept)
    }

    /// Announces addresses for the first time. Others that are due may be about to be removed.
    fn begin_announcing(&mut self, now: Time, placed: Vec<Placed>) {
        let (schedule, next) = (Announcements::default(), Duration::ZERO);
        let mut batch = Batch { placed, added: now, schedule, next };
        if batch.announce(now, &self.announcer) {
            self.announced.truncate(ANNOUNCED_MAX - 1);
            self.announced.push_front(batch);
        }
    }

    /// Sends the announcements that are due. What is to be removed must have been removed before.
    pub(crate) fn announce(&mut self, now: Time) {
        let announcer = &self.announcer;
        self.announced
            .retain_mut(|batch| now < batch.added + batch.next || batch.announce(now, announcer));
    }

    /// When the next announcement is due.
    pub(crate) fn deadline(&self) -> Option<Time> {
        self.announced.iter().map(|batch| batch.added + batch.next).min()
    }
}

/// Chooses where the addresses of a run belong. Later choices find these addresses there, as if they had
/// been added.
fn place(row: Row<'_>, network: &mut Network) -> Result<Vec<Placed>, ChooseError> {
    let chosen: Result<Vec<_>, _> = wanted(row).map(|wish| choose(&wish, network)).collect();
    let placed = chosen?;
    for place in &placed {
        network.note(place);
    }
    Ok(placed)
}

/// Returns the fault of the interfaces of these addresses, if there is one.
pub(crate) fn fault(network: &Network, resources: &[Resource]) -> Option<String> {
    wanted(resources).find_map(|wish| {
        let name = match network.find(&wish) {
            Some((interface, _)) => interface.name.clone(),
            None => match choose(&wish, network) {
                Ok(placed) => placed.interface,
                Err(error) => return Some(error.to_string()),
            },
        };
        let interface = network.interface(&name)?;
        match (interface.is_up, interface.has_carrier) {
            (true, true) => None,
            (true, false) => Some(format!("{}: {name} has no carrier", wish.address)),
            (false, _) => Some(format!("{}: {name} is down", wish.address)),
        }
    })
}

/// Returns the machine's interfaces as they are now, with the data for choosing a place for the addresses of these groups.
///
/// # Errors
///
/// When the kernel refuses a netlink socket, or its answer cannot be read.
pub fn network_of(groups: &[Group]) -> io::Result<Network> {
    let all: Vec<_> = groups.iter().flat_map(|group| wanted(&group.resources)).collect();
    Addresses::open()?.neighbourhood(&all)
}

/// Where the address of a resource is, or would be put: the address and the number of the interface.
#[must_use]
pub fn place_of(network: &Network, resource: &Resource) -> Option<(IpAddr, u32)> {
    let wish = wish(resource)?;
    let found = network.find(&wish).map(|(interface, _)| interface.index);
    let index = found.or_else(|| choose(&wish, network).ok().map(|placed| placed.index))?;
    Some((wish.address, index))
}

/// The addresses among the resources.
fn wanted(resources: &[Resource]) -> impl Iterator<Item = Wanted> {
    resources.iter().filter_map(wish)
}

fn wish(resource: &Resource) -> Option<Wanted> {
    match &resource.kind {
        ResourceKind::Address(spec) => {
            let AddressSpec { address, prefix, interface, broadcast } = spec.clone();
            Some(Wanted { address, prefix, interface, broadcast })
        }
        ResourceKind::Agent { .. } => None,
    }
}

/// Translates the kernel's answers to a removal into the result of each run.
fn removed(rows: &[Row<'_>], answers: Vec<io::Result<Vec<Taken>>>) -> Vec<Changed> {
    let mut answers = answers.into_iter();
    let mut result_of = |row: &Row<'_>| {
        let mut result = Changed::not(Outcome::Success);
        // The answers for all addresses are taken, so that those of the next run follow.
        for (wish, answer) in wanted(row).zip(answers.by_ref()) {
            match answer {
                Ok(taken) => {
                    let line = |it: Taken| (it.interface.clone(), it.describe());
                    result.lines.extend(taken.into_iter().map(line));
                }
                Err(error) if result.outcome.is_success() => {
                    result.outcome = refused(wish.address, &error);
                }
                Err(_) => {}
            }
        }
        result
    };
    rows.iter().map(&mut result_of).collect()
}

fn for_each<T>(rows: &[Row<'_>], answer: impl Fn() -> T) -> Vec<T> {
    rows.iter().map(|_| answer()).collect()
}

/// The outcome when the kernel could not be asked. Says nothing about an address.
fn not_asked(error: &io::Error) -> Outcome {
    Outcome::NotAsked { text: error.to_string() }
}

/// The outcome when the kernel refused to add or remove an address. A refusal for lack of memory says
/// nothing about the address either.
fn refused(address: IpAddr, error: &io::Error) -> Outcome {
    let wants = [Errno::NOMEM, Errno::NOBUFS, Errno::AGAIN, Errno::INTR];
    let is_answer = Errno::from_io_error(error).is_some_and(|errno| !wants.contains(&errno));
    let text = format!("{address}: {error}");
    if is_answer { failed(&text) } else { Outcome::NotAsked { text } }
}

fn failed(error: &dyn std::fmt::Display) -> Outcome {
    /// The exit code that heartbeat's agents use for a general error (`OCF_ERR_GENERIC`).
    const GENERIC: i32 = 1;
    Outcome::Failed { code: GENERIC, text: error.to_string() }
}

#[cfg(test)]
pub(crate) mod tests;
