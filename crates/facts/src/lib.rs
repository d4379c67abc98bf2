//! The configuration as it is on this machine: the three files, the facts that they are checked against,
//! and the capabilities of a daemon on this machine.

pub mod ask;
mod boot;
pub mod capabilities;
mod files;

pub use files::{Files, Tell, has_agent, interface_names, read_bounded};
