//! Other machines that claim a held address (RFC 5227, section 2.4; RFC 4862, section 5.4).
//!
//! A claim is not signed, so that anybody in the network can send one: it is answered and reported, and moves
//! nothing. The address is announced again, as section 2.4 of RFC 5227 allows a host that must not give up
//! its address.

mod table;

use super::Machine;
use crate::Output;
use crate::protocol::{LIFETIME_MIN, Level};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;
use systole_core::{GroupKey, Time};
use table::{Conflict, Mac, Table};

/// How long after an address was added here a claim may still come from its former owner: a packet that waited
/// somewhere, its last announcements, or, where all its processes were killed at once and the dead time is
/// short, the kernel until the address expires ([`LIFETIME_MIN`]).
pub(super) const NEW: Duration = LIFETIME_MIN;
/// The most addresses that one line names.
const NAMED_MAX: usize = 3;

/// The addresses whose claims are listened for, and the claims.
#[derive(Debug, Default)]
pub(super) struct Conflicts {
    watched: Vec<IpAddr>,
    table: Table,
}

impl Conflicts {
    pub(super) fn deadline(&self) -> Option<Time> {
        self.table.deadline()
    }
}

impl Machine {
    /// Returns the request to listen for other addresses than before, if they have changed. It comes after
    /// everything else, because many addresses change at once.
    pub(super) fn watch_claims(&mut self) -> Option<Output> {
        if self.addresses.present().eq(self.conflicts.watched.iter().copied()) {
            return None;
        }
        self.conflicts.watched = self.addresses.present().collect();
        Some(Output::WatchClaims(self.conflicts.watched.clone()))
    }

    /// Records that another machine claims an address.
    pub(super) fn record_claimed(&mut self, address: IpAddr, interface: &str, mac: Mac) {
        let now = self.now;
        if !self.may_defend(address) {
            return;
        }
        let is_new_here = now < self.addresses.settled_at(address);
        let answer = self.conflicts.table.note(now, (address, interface, mac), is_new_here);
        if answer.announce {
            self.outbox.push_back(Output::Defend(address));
        }
        self.alarms.is_stale |= answer.is_news;
    }

    /// Whether a group has this address and is to keep it, as far as a daemon knows. Otherwise the claim may be
    /// that of the next owner.
    fn may_defend(&self, address: IpAddr) -> bool {
        let mut groups = self.addresses.holders(address);
        self.lease.is_vouched_for(self.now)
            && groups.any(|group| !self.letting_go.has(group) && !self.is_stopping(group))
    }

    /// Answers claims that waited for their answer, and ends what is over.
    pub(super) fn elapse_conflicts(&mut self) {
        if self.conflicts.table.is_empty() {
            return;
        }
        let held: BTreeSet<IpAddr> = self.addresses.present().collect();
        let has_ended = self.conflicts.table.keep(|address| held.contains(&address));
        let over = self.conflicts.table.take_over(self.now);
        self.alarms.is_stale |= has_ended || !over.is_empty();
        let ended = |(address, conflict): &(IpAddr, Conflict)| {
            format!("{address} on {} ({})", conflict.interface, conflict.summary())
        };
        if !over.is_empty() {
            let list = listed(over.iter().map(ended));
            self.log(Level::Info, format!("No other machine claims these any more: {list}"));
        }
        for address in self.conflicts.table.defend(self.now) {
            if self.may_defend(address) {
                self.outbox.push_back(Output::Defend(address));
            }
        }
    }

    /// The conflicts about the addresses of each group, in words that stay the same for as long as the
    /// addresses do.
    pub(super) fn conflict_texts(&self) -> impl Iterator<Item = (GroupKey, String)> {
        let mut groups: BTreeMap<GroupKey, Vec<(IpAddr, &Conflict)>> = BTreeMap::new();
        for (group, address) in self.addresses.present_by_group() {
            if let Some(conflict) = self.conflicts.table.conflict(address) {
                groups.entry(group).or_default().push((address, conflict));
            }
        }
        let text = |(address, conflict): (IpAddr, &Conflict)| {
            let (interface, who) = (&conflict.interface, conflict.claimed_by());
            format!("{address} on {interface} is also claimed by {who}")
        };
        groups.into_iter().map(move |(group, conflicts)| {
            let list = listed(conflicts.into_iter().map(text));
            (
                group,
                format!("{list}; clients may reach that machine, although this node announces the address again"),
            )
        })
    }
}

/// Joins a list whose length other machines can decide. Only what is named is made.
fn listed(mut texts: impl ExactSizeIterator<Item = String>) -> String {
    let named: Vec<_> = texts.by_ref().take(NAMED_MAX).collect();
    let list = named.join(", ");
    match texts.len() {
        0 => list,
        more => format!("{list}, and {more} more"),
    }
}
