//! Turns `ha.cf`, `haresources` and `authkeys` into settings and findings.
//!
//! The input is text and facts, the output is a [`Config`] and [`Finding`]s: [`load`] reads all three files
//! to their end, whatever is wrong with them. Nothing in this crate opens a file or queries the machine.

mod address;
mod authkeys;
mod check;
mod config;
mod difference;
mod directive;
mod facts;
mod fencing;
mod finding;
mod hacf;
mod haresources;
mod lexer;
mod load;
mod medium;
mod number;
mod render;
mod rule;
mod source;
mod suggest;
#[cfg(test)]
mod testing;
mod time;
mod values;

pub use authkeys::{Authentication, Key, KeyBytes, Method};
pub use config::{
    AddressAgent, AgentTimeouts, ApiAuthorization, Client, ClientKind, Compression, Config,
    GenerationMethod, Logging, MessageFormat, Process, RecordedOption, UuidSource,
};
pub use difference::{Change, Effect, LineChange, difference};
pub use directive::default_options;
pub use facts::{AgentKind, Facts, FileKind, Find, Interface};
pub use fencing::{
    FENCE_AGENTS, FenceDevice, Fencing, STONITH_COMMAND, Secret, StonithParameters,
    is_secret_option,
};
pub use finding::{Finding, Fix, Severity};
pub use haresources::{ResourceLine, resource_lines, resource_of};
pub use load::{Loaded, load};
pub use medium::{Medium, PingMember, PingNode};
pub use render::{Summary, render, summary};
pub use source::{Content, File, Source, Sources};
pub use time::time_span;
