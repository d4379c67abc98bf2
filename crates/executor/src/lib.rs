//! Every decision of the executor, without clock, file, socket, thread or randomness.
//!
//! The executor runs the agents of a node, owns its floating addresses, and lets go of everything when its
//! permit expires. A [`Machine`] is the executor of one node. The process in `systole-agents` and the
//! simulator drive the machine alike, through the same kind of methods as the core: take an [`Input`], let
//! time pass, poll an [`Output`], report the next deadline.

mod io;
mod ledger;
mod machine;
pub mod meaning;
mod permit;
pub mod protocol;
mod queue;
pub mod standstill;
pub mod translation;

pub use io::{AgentName, Finding, Input, LookId, NotBegun, Output, Presence, RunId, Signal};
pub use machine::{Machine, Start};
