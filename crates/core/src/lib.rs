//! Every decision of a Systole node: no clock, file, socket, thread or randomness.

mod id;
mod message;
mod settings;
mod time;

pub use id::{
    GROUPS_MAX, GroupId, GroupKey, JobId, LINKS_MAX, LinkId, NODES_MAX, NodeId, PingId, Uuid,
};
pub use message::{
    Beat, Claim, Echo, Fencing, Heard, Hold, Message, NodeStatus, Occasion, Outgoing, Phase, Step,
};
pub use settings::{AddressSpec, Boot, Failback, Group, Resource, ResourceKind, Settings};
pub use time::Time;
