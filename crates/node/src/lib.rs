//! The heartbeat daemon: the beat loop, its executor, control socket and logs.

mod beat;
mod clients;
pub mod configuration;
pub mod control;
pub mod daemon;
mod executor_process;
pub mod log;
pub mod options;
pub mod paths;
pub mod respawn;
pub mod state;
pub mod words;
