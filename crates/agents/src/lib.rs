//! Runs the resources of a group: scripts, OCF agents, systemd units and native addresses.
//!
//! A small process of its own, the [`executor`], does the work. The daemon sends it requests through the
//! messages of [`protocol`], and gives it a permit that must be renewed; without one the executor lets go
//! of everything. Its decisions are made by `systole_executor::Machine`.

mod address;
pub mod agent;
mod answer;
pub mod ask;
pub mod executor;
pub mod ledger;
mod lingering;
pub mod lookup;
mod outlet;
pub mod parts;
mod place;
mod probe;
mod process;
mod records;
mod spares;

pub use address::{network_of, place_of};
pub use systole_executor::{meaning, protocol, standstill, translation};

#[cfg(test)]
mod tests;
