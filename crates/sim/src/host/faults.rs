//! What happens to an executor's process and to its addresses.

use super::hindrance::Hindrance;
use super::{Host, Surroundings};
use std::net::IpAddr;
use std::time::Duration;
use systole_core::{GroupId, GroupKey, Time};
use systole_executor::Input;
use systole_executor::protocol::{Permit, Request};
use systole_executor::standstill::SILENCE_MAX;

impl Host {
    /// Lets something fail until this time.
    pub(crate) fn hinder(&mut self, hindrance: Hindrance, until: Time) {
        self.hindrances.begin(hindrance, until);
    }

    /// Prevents the start of an executor until this time.
    pub(crate) fn bar(&mut self, until: Time) {
        self.barred_until = until;
    }

    /// Pauses the executor's process until this time, if it lives.
    pub(crate) fn freeze(&mut self, until: Time) {
        if self.machine.is_some() {
            self.frozen_until = Some(until);
        }
    }

    /// Returns whether the executor's process is paused.
    pub(crate) const fn is_frozen(&self) -> bool {
        self.frozen_until.is_some()
    }

    /// Returns whether the executor has read what its daemon sent, as far as the daemon can tell. If nothing
    /// was sent for a while, the daemon sends a permit that changes nothing.
    fn makes_progress(&mut self, now: Time) -> bool {
        if !self.is_frozen() {
            return true;
        }
        let is_told = self.unread.iter().any(|input| matches!(input, Input::Request(_)));
        if !is_told && now.since(self.told_at) >= SILENCE_MAX {
            let nothing = Permit { issued: 0, until: 0 };
            self.unread.push(Input::Request(Request::Permit(nothing)));
        }
        !is_told
    }

    /// Returns for how long the executor has made no progress, by the daemon's clock.
    pub(crate) fn still_for(&mut self, now: Time, local: Time, keepalive: Duration) -> Duration {
        let makes_progress = self.makes_progress(now);
        self.standstill.note(local, makes_progress, keepalive)
    }

    /// Removes the addresses of a group: something outside Systole does so, or the interface vanishes.
    pub(crate) fn remove(
        &mut self,
        around: &mut Surroundings<'_>,
        group: GroupId,
        by: Option<&str>,
    ) -> Result<(), String> {
        let removed = self.addresses.remove(around, group);
        let news = |address: IpAddr| Input::AddressGone { address, by: by.map(str::to_owned) };
        let mut news: Vec<Input> = removed.into_iter().map(news).collect();
        if self.hindrances.until(Hindrance::News, around.now).is_some() {
            news = vec![Input::AddressesUnknown];
        }
        self.drive(around, &mut news)
    }

    /// A main process of a resource ends.
    pub(crate) fn end_process(
        &mut self,
        around: &mut Surroundings<'_>,
        group: GroupKey,
        word: String,
        is_crash: bool,
    ) -> Result<(), String> {
        self.drive(around, &mut vec![Input::ProcessEnded { group, word, is_crash }])
    }

    /// Ends the trouble: everything works.
    pub(crate) fn calm(&mut self, now: Time) {
        for hindrance in Hindrance::ALL {
            self.hindrances.begin(hindrance, now);
        }
        self.hindrances.hurry(now);
        self.barred_until = now;
        if let Some(until) = &mut self.frozen_until {
            *until = now.min(*until);
        }
    }

    /// Pauses the kernel and its processes together with their machine, for this long.
    pub(crate) fn stand_still(&mut self, span: Duration) {
        self.addresses.postpone(span);
    }
}
