//! Runs the resources of a group: scripts, OCF agents, systemd units and native addresses.
//!
//! The work is done by a small process of its own, the [`executor`]. The daemon tells it what to
//! do through the messages of [`protocol`], and lends it a permit that must be renewed; without
//! one the executor lets go of everything. What it decides, `systole_executor::Machine` decides.

mod address;
pub mod agent;
pub mod executor;
pub mod ledger;
mod lingering;
pub mod lookup;
mod outlet;
pub mod parts;
mod place;
mod process;
mod records;
mod spares;

pub use systole_executor::{protocol, standstill, translation};

#[cfg(test)]
mod tests;
