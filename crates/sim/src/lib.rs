//! Many cores, one thread, one seed: network, agents, clocks and the laws.
//!
//! A [`World`] is made from a seed and nothing else. It runs the same [`Cluster`] as the daemon, and the same
//! [`Machine`] as its executor, over a network that loses, delays, repeats and partitions, on machines that
//! lose power, pause and restart, and checks the laws after every step. A broken law names the seed that
//! reproduces it.
//!
//! [`Cluster`]: systole_core::Cluster
//! [`Machine`]: systole_executor::Machine

mod classic;
mod clock;
mod codec;
mod explore;
mod fault;
mod host;
mod laws;
mod machine;
mod network;
mod services;
mod watch;
mod world;

pub use clock::Clocks;
pub use explore::{Counterexample, Explored, Scope, Step};
pub use laws::Broken;
pub use world::{Fences, Options, Summary, World};
