//! One address that is held, and what is known about it.

use crate::RunId;
use std::net::IpAddr;
use systole_core::{GroupKey, Resource, ResourceKind, Time};

/// An address of a group.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) group: GroupKey,
    pub(super) resource: Resource,
    /// When the lifetime of the address last began, at the earliest.
    pub(super) renewed: Time,
    /// When this executor added it, or, if it was adopted, the beginning of time: it has been here before.
    pub(super) added: Time,
    pub(super) state: State,
    /// The kernel has reported that the address was removed, and it has not been looked for since.
    pub(super) is_in_doubt: bool,
    /// Who may have removed it, in words.
    pub(super) by: Option<String>,
}

/// ```text
///            it is here            removed               added again
///  Adopted ────────────▶ Here ───────────────▶ Returning ───────────▶ Here
///     │ it is not         │  ▲ a permit that       │ cannot be added
///     ▼                   │  │ was made later      ▼
///   Lost      expired     └─▶ Expired           Lost
/// ```
/// An address that cannot be removed is in the state `Left`. Lost addresses are forgotten when a daemon is
/// greeted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    /// Held by an earlier executor; not looked for yet.
    Adopted,
    Here,
    /// The address outlived its lifetime, which means that this process or the machine stood still. Another
    /// node may have the address by now; the daemon finds out.
    Expired {
        since: Time,
    },
    /// The address is being added again.
    Returning {
        run: RunId,
        since: Time,
        why: String,
    },
    /// The address could not be removed, and ends with its lifetime.
    Left,
    /// The address is gone and stays away.
    Lost,
}

impl Kept {
    pub(super) const fn new(
        group: GroupKey,
        resource: Resource,
        renewed: Time,
        state: State,
    ) -> Self {
        let added = if matches!(state, State::Adopted) { Time::START } else { renewed };
        Self { group, resource, renewed, added, state, is_in_doubt: false, by: None }
    }

    /// The address itself.
    pub(super) const fn address(&self) -> Option<IpAddr> {
        match &self.resource.kind {
            ResourceKind::Address(spec) => Some(spec.address),
            ResourceKind::Agent { .. } => None,
        }
    }

    /// Whether the address is here, or will be in a moment.
    pub(super) const fn is_present(&self) -> bool {
        matches!(self.state, State::Here | State::Returning { .. })
    }

    /// Whether the address is, or may be, away, for good or until it is added again.
    pub(super) const fn is_away(&self) -> bool {
        match self.state {
            State::Expired { .. } | State::Returning { .. } | State::Lost => true,
            State::Here => self.is_in_doubt,
            State::Adopted | State::Left => false,
        }
    }

    /// Whether the lifetime of the address is to be renewed.
    pub(super) const fn is_renewable(&self) -> bool {
        matches!(self.state, State::Here | State::Adopted)
    }

    /// Whether a renewal requested at this moment included this address.
    pub(super) fn is_asked(&self, asked: Time) -> bool {
        self.is_renewable() && self.renewed <= asked
    }
}
