//! The heartbeat daemon: the beat loop, its executor, control socket and logs.

pub mod log;
pub mod options;
pub mod state;
