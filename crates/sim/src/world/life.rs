//! The life of a world: trouble, then calm, and what the laws require at its end.

use super::{REBOOT, Summary, World};
use crate::fault::AILMENT_MAX;
use crate::host::Host;
use crate::laws::{self, Broken};
use crate::services::RETRIES;
use std::time::Duration;
use systole_core::{StopFailure, Time};

/// How long after the end of trouble every daemon runs.
const STARTED_AGAIN: Duration = Duration::from_secs(17);
/// How many times a world needs the time to come to rest before no agent works any longer.
const AGENT_ROUNDS_MAX: u32 = 100;
/// How long it takes until actions that waited for an agent have begun.
const AFTER_AGENTS: Duration = Duration::from_secs(20);

impl World {
    pub(super) fn live(&mut self) -> Result<Summary, Broken> {
        let trouble = self.now + self.options.trouble;
        self.run_until(trouble)?;
        self.calm()?;
        self.run_until(self.now + STARTED_AGAIN)?;
        // A daemon that was down has holds on its disk.
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

    /// Waits until slow agents end, together with everything that waited for them: an action that waits for
    /// an agent that ends at the last moment begins after it.
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

    /// What is sick stays sick, and nothing moves any longer.
    fn check_rest_of_sick(&mut self) -> Result<(), Broken> {
        let is_incurable = self.machines.iter().any(|machine| machine.services.is_incurable());
        if is_incurable && self.settings.stop_failure == StopFailure::Reboot {
            // A group that neither starts nor stops reboots its machine at every attempt.
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

    /// Returns how long a world needs to come to rest: a start, and a hand-over that times out. Where stops
    /// fail, also what remains sick, two stops with all their attempts, and a reboot.
    fn settle_time(&self) -> Duration {
        let ill = if self.sickly || self.frail || self.patient {
            AILMENT_MAX + RETRIES * 2 + REBOOT
        } else {
            Duration::ZERO
        };
        // The groups fail back one after the other.
        let crowd = u32::try_from(self.settings.groups.len().saturating_sub(12)).unwrap_or(0);
        let moves = Duration::from_secs(2) * crowd;
        (self.settings.initdead + Duration::from_secs(25) + ill + moves) * 11 / 10
    }
}
