//! What happens to an executor's process and to its addresses.

use super::hindrance::Hindrance;
use super::{Host, Surroundings};
use std::net::IpAddr;
use std::time::Duration;
use systole_core::{GroupId, Time};
use systole_executor::Input;
use systole_executor::protocol::{Permit, Request};
use systole_executor::standstill::SILENCE_MAX;

impl Host {
    /// Something does not work until then.
    pub(crate) fn hinder(&mut self, hindrance: Hindrance, until: Time) {
        self.hindrances.begin(hindrance, until);
    }

    /// No executor can be started until then.
    pub(crate) fn bar(&mut self, until: Time) {
        self.barred_until = until;
    }

    /// Its process stands still until then, if it lives.
    pub(crate) fn freeze(&mut self, until: Time) {
        if self.machine.is_some() {
            self.frozen_until = Some(until);
        }
    }

    /// Whether its process stands still.
    pub(crate) const fn is_frozen(&self) -> bool {
        self.frozen_until.is_some()
    }

    /// Whether it has read what its daemon told it, as far as that can tell. One that has been told
    /// nothing for a while is told what changes nothing.
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

    /// For how long it has made no progress, by the daemon's clock.
    pub(crate) fn still_for(&mut self, now: Time, local: Time, keepalive: Duration) -> Duration {
        let makes_progress = self.makes_progress(now);
        self.standstill.note(local, makes_progress, keepalive)
    }

    /// Somebody removes the addresses of a group, or they vanish with their interface.
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

    /// Trouble ends: everything works.
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

    /// The kernel and its processes stand still with their machine, for so long.
    pub(crate) fn stand_still(&mut self, span: Duration) {
        self.addresses.postpone(span);
    }
}
