//! What is remembered of the claims, and what follows from each.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::time::Duration;
use systole_core::Time;

/// The shortest time between two announcements that answer claims of one address (`DEFEND_INTERVAL` of RFC
/// 5227, section 1.1).
pub(super) const DEFEND_INTERVAL: Duration = Duration::from_secs(10);
/// The time without a claim after which the first conflict about an address is over.
const OVER: Duration = Duration::from_mins(1);
/// That time is doubled each time the conflict comes back, up to this one: most machines that have an address
/// claim it every few minutes, which is one conflict.
const OVER_MAX: Duration = Duration::from_mins(15);
/// How long after the last claim an earlier conflict is remembered.
const REMEMBERED: Duration = Duration::from_hours(1);
/// The most machines that are remembered for one address. Who sends claims can send them in the name of any
/// number of machines.
const CLAIMANTS_MAX: usize = 4;

/// An Ethernet address.
pub(super) type Mac = [u8; 6];

/// The claims of other machines, at most one entry and one earlier conflict for each held address.
#[derive(Debug, Default)]
pub(super) struct Table {
    conflicts: BTreeMap<IpAddr, Conflict>,
    earlier: BTreeMap<IpAddr, Earlier>,
}

/// A conflict that is over.
#[derive(Debug)]
struct Earlier {
    /// The time without a claim after which it was over.
    patience: Duration,
    last: Time,
}

impl Earlier {
    fn is_remembered(&self, now: Time) -> bool {
        now < self.last + REMEMBERED
    }
}

/// Another machine claims an address.
///
/// ```text
///          claim, the address is new here           later claim
///  (none) ────────────────────────────────▶ Echo ────────────────▶ Conflict
///     │                                                               ▲
///     └───────────────────────────── claim ───────────────────────────┘
/// ```
/// Both end some time after the last claim, and when the address is no longer held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Conflict {
    pub(super) interface: String,
    /// What is reported is a conflict; before that it may be the last word of a former owner.
    pub(super) is_told: bool,
    claimants: Vec<Mac>,
    /// Whether machines claimed it that are not remembered.
    has_others: bool,
    claims: u64,
    last: Time,
    /// The time without a claim after which it is over.
    patience: Duration,
    /// The last announcement.
    defended: Time,
    announcements: u64,
    /// There was a claim after the last announcement.
    is_owed: bool,
}

/// What follows from a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Answer {
    /// The address is announced now.
    pub(super) announce: bool,
    /// A conflict has begun, or has another claimant than the first one.
    pub(super) is_news: bool,
}

impl Table {
    /// Records that a machine claims a held address. Soon after an address was added here, its former owner
    /// may not have fallen silent yet: that is answered, and is no conflict.
    pub(super) fn note(
        &mut self,
        now: Time,
        (address, interface, mac): (IpAddr, &str, Mac),
        is_new_here: bool,
    ) -> Answer {
        let mut announce = false;
        let conflict = self.conflicts.entry(address).or_insert_with(|| {
            announce = true;
            Conflict {
                interface: interface.to_owned(),
                is_told: false,
                claimants: Vec::new(),
                has_others: false,
                claims: 0,
                last: now,
                patience: OVER,
                defended: now,
                announcements: 0,
                is_owed: false,
            }
        });
        conflict.claims += 1;
        conflict.last = now;
        announce |= now >= conflict.may_defend_at();
        if announce {
            conflict.defend(now);
        } else {
            conflict.is_owed = true;
        }
        let begins = !conflict.is_told && !is_new_here;
        if begins {
            // Its text names those who claim it now.
            (conflict.claimants, conflict.has_others) = (Vec::new(), false);
            interface.clone_into(&mut conflict.interface);
            conflict.is_told = true;
            let earlier = self.earlier.remove(&address).filter(|it| it.is_remembered(now));
            conflict.patience = earlier.map_or(OVER, |it| (it.patience * 2).min(OVER_MAX));
        }
        let mut is_second = false;
        if !conflict.claimants.contains(&mac) {
            if conflict.claimants.len() < CLAIMANTS_MAX {
                is_second = conflict.claimants.len() == 1;
                conflict.claimants.push(mac);
            } else {
                conflict.has_others = true;
            }
        }
        Answer { announce, is_news: begins || is_second && conflict.is_told }
    }

    /// Forgets addresses. Returns whether a conflict ended by that.
    pub(super) fn keep(&mut self, is_held: impl Fn(IpAddr) -> bool) -> bool {
        let mut has_ended = false;
        self.earlier.retain(|address, _| is_held(*address));
        self.conflicts.retain(|address, conflict| {
            let is_held = is_held(*address);
            has_ended |= !is_held && conflict.is_told;
            is_held
        });
        has_ended
    }

    /// Removes what is over, and returns the conflicts among it.
    pub(super) fn take_over(&mut self, now: Time) -> Vec<(IpAddr, Conflict)> {
        let over = self.conflicts.extract_if(.., |_, conflict| now >= conflict.over_at());
        let over: Vec<_> = over.filter(|(_, conflict)| conflict.is_told).collect();
        self.earlier.retain(|_, earlier| earlier.is_remembered(now));
        let earlier = over.iter().map(|(address, Conflict { patience, last, .. })| {
            (*address, Earlier { patience: *patience, last: *last })
        });
        self.earlier.extend(earlier);
        over
    }

    /// Returns the addresses that must be announced now, because of a claim to which there was no answer yet.
    pub(super) fn defend(&mut self, now: Time) -> Vec<IpAddr> {
        let is_due = |conflict: &Conflict| conflict.is_owed && now >= conflict.may_defend_at();
        let due = self.conflicts.iter_mut().filter(|(_, conflict)| is_due(conflict));
        let defend = |(address, conflict): (&IpAddr, &mut Conflict)| {
            conflict.defend(now);
            *address
        };
        due.map(defend).collect()
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        let dues = self.conflicts.values().map(|conflict| {
            let over = conflict.over_at();
            if conflict.is_owed { over.min(conflict.may_defend_at()) } else { over }
        });
        dues.min()
    }

    /// Whether nothing is remembered.
    pub(super) fn is_empty(&self) -> bool {
        self.conflicts.is_empty() && self.earlier.is_empty()
    }

    /// Returns the conflict about an address, if there is one.
    pub(super) fn conflict(&self, address: IpAddr) -> Option<&Conflict> {
        self.conflicts.get(&address).filter(|conflict| conflict.is_told)
    }
}

impl Conflict {
    fn defend(&mut self, now: Time) {
        self.defended = now;
        self.announcements += 1;
        self.is_owed = false;
    }

    fn over_at(&self) -> Time {
        self.last + self.patience
    }

    fn may_defend_at(&self) -> Time {
        self.defended + DEFEND_INTERVAL
    }

    /// Returns who claimed the address when the conflict began, and whether others did since.
    pub(super) fn claimed_by(&self) -> String {
        let first = self.claimants.first().copied().map(text_of).unwrap_or_default();
        if self.claimants.len() > 1 { format!("{first} and others") } else { first }
    }

    /// Returns what there was of it, in words.
    pub(super) fn summary(&self) -> String {
        let (claims, announcements) = (times(self.claims), times(self.announcements));
        let claimants: Vec<_> = self.claimants.iter().copied().map(text_of).collect();
        let others = if self.has_others { " and others" } else { "" };
        let claimants = claimants.join(", ");
        format!("claimed {claims} by {claimants}{others}, announced again {announcements}")
    }
}

fn times(count: u64) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

fn text_of(mac: Mac) -> String {
    let mut text = String::new();
    for (at, byte) in mac.iter().enumerate() {
        let colon = if at == 0 { "" } else { ":" };
        // Writing to a string cannot fail.
        let _ = write!(text, "{colon}{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests;
