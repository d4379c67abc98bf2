//! Every decision of a Systole node, without clock, file, socket, thread or randomness.
//!
//! A [`Cluster`] is one node. The daemon, the simulator and the fuzzer all drive it through the
//! same four methods: hand in an [`Input`], let [`Time`] pass, poll an [`Output`], ask for the next
//! deadline.

mod beat;
mod cluster;
mod coverage;
mod detection;
mod event;
mod evidence;
mod foreign;
mod group;
mod guard;
mod history;
mod id;
mod io;
mod link;
mod message;
mod monitoring;
mod mutation;
mod outcome;
mod peer;
mod random;
mod rarely;
mod receive;
mod refusal;
mod scope;
mod service_network;
mod settings;
mod time;
mod view;
mod wording;
mod words;

pub use beat::{
    BEAT_TEXT_MAX, Beat, Claim, Echo, HoldNotice, Lags, Mark, Moves, NAME_USUAL, Phase, TableForm,
};
pub use cluster::{
    CheckReport, Cluster, FailureReport, FenceReport, FenceState, GroupReport, GuardReport,
    HOLD_DEFAULT, HOLD_MAX, HoldReport, Inability, LinkReport, NodeReport, Obstacle, OlderReport,
    PingReport, ResourceReport, ResourceState, Retirement, Snapshot, StayReport,
};
pub use coverage::Table;
#[cfg(feature = "test-hooks")]
pub use coverage::{Impossible, Visits, take_visits};
pub use detection::{Detection, LIFETIME_MAX, LIFETIME_MIN};
pub use event::{
    AfterCheck, Cause, Event, FencingEvent, ForeignStep, HandOverEvent, HoldEvent, IpfailEvent,
    Proof,
};
pub use evidence::{
    HandOverProgress, HandOverReason, LastBeat, PingCounts, PingVerdict, ProgressStage, Silence,
};
pub use guard::{AnswerNews, Guard};
pub use history::HISTORY_MAX;
pub use id::{
    GROUPS_MAX, GroupId, GroupKey, JobId, LINKS_MAX, LinkId, Mac, NODES_MAX, NodeId, PingId, Uuid,
};
pub use io::{Action, FenceOutcome, Holding, Input, Job, Order, Output, Ticket};
pub use message::{
    Custom, Fencing, GroupSet, Heard, Message, NodeStatus, Occasion, Outgoing, Step,
};
pub use mutation::Mutation;
pub use outcome::{Failure, Outcome};
pub use random::Random;
pub use refusal::{OrderRefusal, Refusal, ReloadRefusal};
pub use scope::Scope;
pub use service_network::{SERVICE_LINK, ServiceAddresses};
pub use settings::{
    AddressSpec, Boot, Failback, FencingPolicy, ForeignRunning, Group, GroupIds, HoldDown,
    HoldRecord, LastResort, Monitor, PeerRecord, Probe, ProcessName, Resource, ResourceKind,
    Settings, StopFailure, Unfinished, UnfinishedStage,
};
pub use time::Time;
pub use wording::Wording;
pub use words::{Words, printable};

/// Whether this core can be told to make mistakes. The daemon refuses to be built with a core that
/// can.
pub const HAS_TEST_HOOKS: bool = cfg!(feature = "test-hooks");
