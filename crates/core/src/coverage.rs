//! Which transitions of the core's state machines were ever taken, to check the tests.
//!
//! A [`Table`] is a state machine of the core: its states, and what may happen in each. With the
//! feature `test-hooks`, every pair of a state and an input that occurs is counted, on the thread
//! where it occurs. Without the feature nothing is counted; the daemon does not compile with the
//! feature.

mod tables;

#[cfg(feature = "test-hooks")]
pub use tables::Impossible;
pub use tables::Table;

#[cfg(feature = "test-hooks")]
mod count {
    use super::Table;
    use std::cell::RefCell;
    use std::collections::BTreeMap;

    /// How often each pair of a state and an input of a table occurred.
    pub type Visits = BTreeMap<(Table, &'static str, &'static str), u64>;

    thread_local! {
        static VISITS: RefCell<Visits> = const { RefCell::new(BTreeMap::new()) };
    }

    /// Counts a pair.
    pub(crate) fn visit(table: Table, pair: impl FnOnce() -> (&'static str, &'static str)) {
        let (state, input) = pair();
        let is_known = table.states().contains(&state) && table.inputs().contains(&input);
        assert!(is_known, "{table:?} has no state {state:?}, or no input {input:?}");
        VISITS.with_borrow_mut(|visits| *visits.entry((table, state, input)).or_default() += 1);
    }

    /// Returns what occurred on this thread since the last call.
    #[must_use]
    pub fn take_visits() -> Visits {
        VISITS.take()
    }
}

#[cfg(feature = "test-hooks")]
pub(crate) use count::visit;
#[cfg(feature = "test-hooks")]
pub use count::{Visits, take_visits};

/// Counts nothing in a daemon.
#[cfg(not(feature = "test-hooks"))]
pub(crate) fn visit(_: Table, _: impl FnOnce() -> (&'static str, &'static str)) {}
