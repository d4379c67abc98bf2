//! The life of a world: trouble, then calm, and what the laws ask of it at the end.

use super::{REBOOT, Summary, World};
use crate::fault::AILMENT_MAX;
use crate::host::Host;
use crate::laws::{self, Broken};
use crate::services::RETRIES;
use std::time::Duration;
use systole_core::{StopFailure, Time};

/// So long after the end of trouble every daemon runs.
const STARTED_AGAIN: Duration = Duration::from_secs(17);
/// After this many times that a world needs to come to rest no agent works any more.
const AGENT_ROUNDS_MAX: u32 = 100;
/// How long it takes until what waited for an agent has begun.
const AFTER_AGENTS: Duration = Duration::from_secs(20);

impl World {
    pub(super) fn live(&mut self) -> Result<Summary, Broken> {
        let trouble = self.now + self.options.trouble;
        self.run_until(trouble)?;
        self.calm()?;
        self.run_until(self.now + STARTED_AGAIN)?;
        // A daemon that was away has what was held on its disk.
        self.release_everything()?;
        let settle = self.settle_time();
        self.run_until(self.now + settle)?;
        self.wait_for_agents()?;
        if self.sickly || self.frail || self.patient {
            self.check_rest_of_sick()?;
        }
        self.mend()?;
        self.run_until(self.now + settle)?;
        self.wait_for_agents()?;
        self.check_calm()?;
        let before = self.summary.starts;
        self.run_until(self.now + Duration::from_secs(20))?;
        self.check_calm()?;
        if self.summary.starts != before {
            let what = "a group was started in calm".to_owned();
            return Err(Broken { law: "STABLE", what, at: self.now });
        }
        self.summary.lasted = self.now.since(Time::START);
        Ok(self.summary.clone())
    }

    /// Agents that are slow come to their end, and whatever they were waited for with: what waits for one
    /// that ends at the last moment begins after it.
    fn wait_for_agents(&mut self) -> Result<(), Broken> {
        let settle = self.settle_time();
        let mut rounds = 0;
        loop {
            while self.hosts.iter().any(Host::waits_for_programs) {
                rounds += 1;
                if rounds > AGENT_ROUNDS_MAX {
                    let what = "agents go on working in calm".to_owned();
                    return Err(Broken { law: "STABLE", what, at: self.now });
                }
                self.run_until(self.now + settle)?;
            }
            self.run_until(self.now + AFTER_AGENTS)?;
            if !self.hosts.iter().any(Host::waits_for_programs) {
                return Ok(());
            }
        }
    }

    /// What is ill stays so, and nothing moves any more.
    fn check_rest_of_sick(&mut self) -> Result<(), Broken> {
        let is_incurable = self.machines.iter().any(|machine| machine.services.is_incurable());
        if is_incurable && self.settings.stop_failure == StopFailure::Reboot {
            // What neither starts nor stops reboots its machine each time that it is tried.
            return Ok(());
        }
        let before = self.summary.starts;
        self.run_until(self.now + Duration::from_secs(20))?;
        if self.summary.starts != before {
            let what = "a group was started though nothing was mended".to_owned();
            return Err(Broken { law: "STABLE", what, at: self.now });
        }
        laws::rest(self.now, (&self.settings, &self.rivals), &self.machines)
    }

    /// How long a world needs to come to rest: a start, and a hand-over that times out. Where
    /// stops fail also what goes on being ill, two stops that are tried to the end, and a reboot.
    fn settle_time(&self) -> Duration {
        let ill = if self.sickly || self.frail || self.patient {
            AILMENT_MAX + RETRIES * 2 + REBOOT
        } else {
            Duration::ZERO
        };
        // One after the other goes home.
        let crowd = u32::try_from(self.settings.groups.len().saturating_sub(12)).unwrap_or(0);
        let moves = Duration::from_secs(2) * crowd;
        (self.settings.initdead + Duration::from_secs(25) + ill + moves) * 11 / 10
    }
}
