//! Other settings for a running beat thread.

use super::BeatLoop;
use super::channel::{News, Reconfiguration};
use std::sync::Arc;
use systole_agents::protocol::Request;
use systole_core::Time;

impl BeatLoop {
    /// Applies other settings, all in one turn. What the core has decided before is carried out first.
    pub(super) fn reconfigure(&mut self, now: Time, wanted: Reconfiguration) {
        while let Some(output) = self.cluster.poll() {
            self.execute(now, output);
        }
        let Reconfiguration { settings, timeouts, executor, pings } = wanted;
        if let Err(refusal) = self.cluster.reconfigure(now, settings) {
            return self.control.send_queued(News::Reconfigured(Err(refusal)));
        }
        let settings = self.cluster.settings();
        self.sent.make_room(settings);
        let told = Arc::new(settings.clone());
        self.timeouts = timeouts;
        if let Some(pings) = pings {
            self.pings = pings;
        }
        self.control.send_queued(News::Reconfigured(Ok(told)));
        self.request(now, &Request::Configure(executor));
    }
}
