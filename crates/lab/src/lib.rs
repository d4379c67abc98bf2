//! Real daemons in network namespaces on one machine.
//!
//! A [`Lab`] is two nodes, a gateway and a client, each in its own anonymous namespaces (network, processes,
//! host name, mounts, IPC), joined by a bridge:
//!
//! ```text
//!            web1 .20        web2 .22        client .50
//!              │ eth0          │ eth0          │ eth0
//!   ┌──────────┴───────────────┴───────────────┴─────────┐
//!   │ gateway: bridge 192.168.122.1/24                   │
//!   └──────────┬───────────────┬─────────────────────────┘
//!              │ eth1          │ eth1        (10.77.1.0/24, a bridge of its own, on request)
//! ```
//!
//! Where [`Medium::Serial`] is configured, a null-modem cable also joins the nodes: two pseudo-terminals and
//! a relay at the speed of the line.
//!
//! A node can boot its own Debian with systemd ([`System`]), on which the programs of Systole are installed
//! as on any machine. Otherwise a node has no init system: it has private `/etc`, `/var`, `/run` and `/tmp`
//! and runs a real heartbeat daemon, that of Systole or the C daemon, with a real nginx. Nothing in a lab has
//! a name on the host, and nothing survives the lab: every machine ends when the pipe that the lab holds is
//! closed, even when the lab is killed.

mod addresses;
mod booted;
mod cable;
mod capture;
mod cgroup;
mod client;
mod config;
pub mod diary;
mod disk;
mod error;
mod fault;
mod flood;
mod helper;
mod image;
mod lab;
mod medium;
mod mounts;
mod namespace;
mod network;
mod node;
mod orders;
mod scratch;
mod stall;
mod status;
pub mod story;
mod stranger;
mod switch;
mod system;
mod told;
mod tool;

pub use capture::{Capture, Carrier, Packet};
pub use client::{Announcement, Duplicate, Gap, Probe};
pub use config::{ClusterConfig, Failback, Service, System};
pub use error::LabError;
pub use fault::{Cut, Direction};
pub use helper::{Helper, helper_main};
pub use image::Image;
pub use lab::Lab;
pub use medium::Medium;
pub use namespace::Output;
pub use network::{GATEWAY, GATEWAY6, Link};
pub use node::{Daemon, Node, Order};
pub use stall::Stall;
pub use status::{GroupStatus, LinkStatus, PeerStatus, PingStatus, Status};
