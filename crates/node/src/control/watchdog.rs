//! The log lines about the watchdog device.

use super::Control;
use crate::log::Level;
use crate::watchdog::{Notice, Part, Shutdown};
use systole_facts::Files;

impl Control {
    /// Logs the notices about the device.
    pub(super) fn tend_watchdog(&mut self) {
        let Some(keeper) = &self.watchdog else { return };
        let path = keeper.path().to_owned();
        let notices: Vec<Notice> = keeper.notices().collect();
        for notice in notices {
            match notice {
                Notice::Stalled(part) => {
                    let what = match part {
                        Part::Beat => "beat thread",
                        Part::Executor => "executor",
                    };
                    let text = format!("Watchdog {path} is not being fed: the {what} is stalled.");
                    self.say(Level::Critical, text);
                }
                Notice::Resumed => {
                    self.say(Level::Info, format!("Watchdog {path} is being fed again."));
                }
                Notice::Failed(error) => {
                    let text = format!("Watchdog write failure: closing {path}! {error}");
                    self.say(Level::Error, text);
                }
            }
        }
    }

    /// Releases the device, because nothing is held any longer and it must not restart this machine.
    pub(crate) fn release_watchdog(&mut self) {
        if let Some(keeper) = self.watchdog.take() {
            keeper.end(Shutdown::Release);
        }
    }

    /// Leaves the device before this program is executed again. Its timer keeps running if the successor
    /// will open the same device.
    pub(crate) fn leave_watchdog(&mut self) {
        let Some(keeper) = self.watchdog.take() else { return };
        let directory = &self.paths.configuration;
        let config = Files::read(directory).check(directory).config;
        let is_same =
            config.is_some_and(|it| it.process.watchdog.as_deref() == Some(keeper.path()));
        keeper.end(if is_same { Shutdown::Leave } else { Shutdown::Release });
    }
}
