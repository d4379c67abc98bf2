//! The heartbeat daemon: the beat thread, the executor's process, the control socket and the logs.

// Cargo unites features. A build that would give the daemon a core with test hooks, which can be told to
// make mistakes, fails here.
const _: () = assert!(!systole_core::HAS_TEST_HOOKS, "the daemon is built without test hooks");

mod beat;
mod clients;
pub mod control;
pub mod daemon;
mod executor_process;
mod fencing;
mod fifo;
mod hooks;
pub mod log;
pub mod log_lines;
pub mod options;
mod order;
mod program;
pub mod respawn;
mod role_process;
mod runtime;
pub mod state;
mod trusted;
mod units;
mod watchdog;
mod worker;
