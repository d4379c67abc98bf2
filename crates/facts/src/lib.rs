//! The configuration as it lies on this machine: the three files, what they are checked against, and
//! the rights that a daemon has here.

pub mod capabilities;
mod files;

pub use files::{Files, Tell, has_agent, interface_names, read_bounded};
