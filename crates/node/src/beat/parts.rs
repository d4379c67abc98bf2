//! Puts the beat thread's parts together.

use super::BeatLoop;
use super::channel::BeatEnd;
use super::drops::Drops;
use super::error_counters::ErrorCounters;
use super::executor::Executor;
use super::guard::Guard;
use super::links::{Links, Medium};
use super::load::Load;
use super::pings::Pings;
use super::rest::Rest;
use super::retransmit::SentMessages;
use std::net::IpAddr;
use systole_config::AgentTimeouts;
use systole_core::{Cluster, LinkId, NodeId, Time};
use systole_wire::{DATAGRAM_MAX, Decoder, Encoder, Keys};

/// The parts of the beat thread.
pub(crate) struct Parts {
    /// The core, at its start.
    pub(crate) cluster: Cluster,
    /// Time of the core's start in seconds since 1970.
    pub(crate) unix_time: u64,
    /// `CLOCK_BOOTTIME` at the core's start, in nanoseconds.
    pub(crate) origin: u64,
    /// The keys for signing.
    pub(crate) keys: Keys,
    /// The encoder of messages.
    pub(crate) encoder: Encoder,
    /// The media.
    pub(crate) media: Vec<Medium>,
    /// Addresses from which nodes send, as far as the configuration gives them.
    pub(crate) addresses: Vec<(LinkId, NodeId, IpAddr)>,
    /// The ping nodes.
    pub(crate) pings: Pings,
    /// The executor, if there is one already.
    pub(crate) executor: Option<Executor>,
    /// The time limits for agents.
    pub(crate) timeouts: AgentTimeouts,
    /// The channel to the control thread.
    pub(crate) control: BeatEnd,
    /// The load average.
    pub(crate) load: Load,
}

impl BeatLoop {
    /// Puts the parts together.
    pub(crate) fn new(parts: Parts) -> Self {
        let settings = parts.cluster.settings();
        let mut others = settings.node_ids().filter(|node| *node != settings.me);
        let mut drops = Drops::new(others.next().filter(|_| others.next().is_none()));
        for (link, node, address) in parts.addresses {
            drops.learn(link, node, Some(address));
        }
        let links = Links::new(parts.media);
        let sent = SentMessages::new(settings, |form| links.speak(form));
        let mut beat = Self {
            cluster: parts.cluster,
            unix_time: parts.unix_time,
            origin: parts.origin,
            last_turn: Time::START,
            keys: parts.keys,
            renewal: None,
            encoder: parts.encoder,
            decoder: Decoder::default(),
            buffer: vec![0; DATAGRAM_MAX],
            load: parts.load,
            links,
            broadcasts: Vec::new(),
            guard: Guard::default(),
            sent,
            pings: parts.pings,
            executor: None,
            timeouts: parts.timeouts,
            control: parts.control,
            drops,
            trouble: ErrorCounters::default(),
            trouble_after: Time::START,
            rest: Rest::default(),
            is_over: false,
        };
        if let Some(executor) = parts.executor {
            beat.take_executor(Time::START, executor);
        }
        beat
    }
}
