//! Safe interfaces to Linux: links, addresses, announcements, processes, clocks.
//!
//! The only crate of the project with `unsafe`. A module is the interface to one subject of the kernel; no
//! module decides anything, and no module keeps state that its caller did not ask for.

pub mod address;
pub mod clock;
pub mod daemonize;
pub mod eventfd;
pub mod icmp;
pub mod identity;
pub mod link;
pub mod namespace;
pub mod power;
pub mod process;
pub mod realtime;
pub mod seqpacket;
pub mod signals;
pub mod watchdog;
