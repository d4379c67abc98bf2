//! The laws, and a broken law.

mod one_owner;
mod single_owner;
mod undisturbed;

use crate::machine::Machine;
pub(crate) use one_owner::{alone_owns, one_owner, rest, together_own};
pub(crate) use single_owner::{Overlaps, known_stopped};
use std::fmt;
use std::time::Duration;
use systole_core::{Settings, Time};
pub(crate) use undisturbed::{let_go_for_a_reason, undisturbed};

/// After a partition one owner remains within this time, not counting the time that its agents need.
const HEAL: Duration = Duration::from_secs(1);

/// A law was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The name of the law.
    pub law: &'static str,
    /// What was seen.
    pub what: String,
    /// When, in the world's time.
    pub at: Time,
}

impl fmt::Display for Broken {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = Duration::from_nanos(self.at.as_nanos());
        write!(out, "{} at {at:?}: {}", self.law, self.what)
    }
}

/// In calm, all daemons report the same owner, which runs the group.
pub(crate) fn agreement(
    now: Time,
    settings: &Settings,
    machines: &[Machine],
) -> Result<(), Broken> {
    // A C node reports sets, and no rows.
    let machines: Vec<&Machine> = machines.iter().filter(|machine| !machine.is_classic).collect();
    for group in settings.group_ids().filter(|group| machines[0].has_line(settings, *group)) {
        let told = |machine: &Machine| {
            let cluster = machine.cluster.as_ref()?;
            let place = machine.place_of(settings, group)?;
            let report = cluster.group_report(place, &systole_core::Wording::FACTS);
            Some((report.owner, report.term, report.phase))
        };
        let first = told(machines[0]);
        if let Some(other) =
            machines.iter().map(|machine| told(machine)).find(|other| *other != first)
        {
            let what = format!("{group:?} is {first:?} to one node and {other:?} to another");
            return Err(Broken { law: "EXPLAIN", what, at: now });
        }
    }
    Ok(())
}
