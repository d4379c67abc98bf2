//! Which event calls which script, with which variables.

use super::fields::select;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use systole_core::{Event, LinkId, NodeId, NodeStatus, PingId, Settings};

/// Longest name of a script.
const NAME_MAX: usize = 64;

/// The names of the fields of heartbeat's messages and events. A variable of one of these names tells a script
/// about its event and never anything else.
const OF_EVENTS: [&str; 26] = [
    "t",
    "src",
    "st",
    "node",
    "ifname",
    "info",
    "dest",
    "seq",
    "hg",
    "ts",
    "ld",
    "ttl",
    "dt",
    "protocol",
    "rsc_hold",
    "rtype",
    "isstable",
    "ipaddr",
    "weown",
    "ok",
    "result",
    "from_id",
    "to_id",
    "client_gen",
    "nodelist",
    "auth",
];

/// The call of an event script.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Call {
    /// The name of the script: the type of the event, in lower case.
    pub(crate) script: String,
    /// The fields of the event, which the script gets as `HA_<name>`.
    pub(crate) fields: Vec<(String, String)>,
    /// The status of this node (`HA_OSTATUS`).
    pub(crate) status: String,
}

/// Turns events into calls of scripts.
#[derive(Debug)]
pub(crate) struct Events {
    /// The status of this node.
    own: NodeStatus,
    /// Nodes that said goodbye. heartbeat makes up their death at that moment, and reports it only once.
    left: BTreeSet<NodeId>,
}

impl Default for Events {
    fn default() -> Self {
        Self { own: NodeStatus::Init, left: BTreeSet::new() }
    }
}

impl Events {
    /// Returns the calls for an event of the core.
    #[expect(clippy::wildcard_enum_match_arm, reason = "few events are those of a script")]
    pub(crate) fn of_event(&mut self, settings: &Settings, event: &Event) -> Vec<Call> {
        let ping = |ping: PingId| settings.ping_nodes.get(ping.index()).map_or("", String::as_str);
        let link = |link: LinkId| settings.links.get(link.index()).map_or("", String::as_str);
        match event {
            Event::LocalStatus(status) => {
                self.own = *status;
                Vec::new()
            }
            Event::PeerLeft(node) => {
                self.left.insert(*node);
                self.calls(&[&dead(settings.name(*node))])
            }
            Event::PeerDead(node, _) if self.left.remove(node) => Vec::new(),
            Event::PeerDead(node, _) => self.calls(&[&dead(settings.name(*node))]),
            Event::PeerStatus(node, _) | Event::PeerReturned(node) | Event::PeerRestarted(node) => {
                // The call for the status comes with its message.
                self.left.remove(node);
                Vec::new()
            }
            Event::LinkUp(node, id) => {
                self.calls(&[&interface(settings.name(*node), link(*id), "up")])
            }
            Event::LinkDead(node, id) => {
                self.calls(&[&interface(settings.name(*node), link(*id), "dead")])
            }
            Event::PingAlive(id) => {
                let name = ping(*id);
                let alive = [("t", "NS_st"), ("src", name), ("st", "ping"), ("info", "ping")];
                self.calls(&[&interface(name, name, "up"), &alive])
            }
            Event::PingDead(id) => {
                let name = ping(*id);
                let gone = [("t", "status"), ("src", name), ("st", "dead"), ("info", "ping")];
                self.calls(&[&gone, &interface(name, name, "dead")])
            }
            _ => Vec::new(),
        }
    }

    /// Returns the call for a message with these fields; `None` if its type cannot be the name of a script.
    pub(crate) fn of_message(&self, fields: Vec<(String, String)>) -> Option<Call> {
        Call::new(fields, self.own)
    }

    fn calls(&self, events: &[&[(&str, &str)]]) -> Vec<Call> {
        let fields = events.iter().map(|event| select(event.iter().copied()));
        fields.filter_map(|fields| self.of_message(fields)).collect()
    }
}

impl Call {
    fn new(fields: Vec<(String, String)>, own: NodeStatus) -> Option<Self> {
        let kind = fields.iter().find(|(name, _)| name == "t").map(|(_, kind)| kind.as_str())?;
        let script = kind.to_ascii_lowercase();
        // The types of daemons are in lower case, or begin with NS_. Another spelling means nothing to a daemon.
        let is_exact = kind == script || kind.starts_with("NS_");
        let is_misspelt = systole_wire::is_of_protocol(kind) && !is_exact;
        (is_script_name(&script) && !is_misspelt).then(|| Self {
            script,
            fields,
            status: own.word().to_owned(),
        })
    }

    /// Returns the whole environment of the script, given that of every script.
    pub(crate) fn environment(&self, common: &[(String, String)]) -> Vec<(String, String)> {
        let is_of_events = |variable: &str| {
            variable.strip_prefix("HA_").is_some_and(|name| OF_EVENTS.contains(&name))
        };
        // A daemon that was started by an event script has inherited the variables of an old event.
        let common = common.iter().filter(|(name, _)| !is_of_events(name));
        let mut variables: Vec<(String, String)> = common.cloned().collect();
        for (name, value) in &self.fields {
            let variable = format!("HA_{name}");
            if variables.iter().all(|(known, _)| *known != variable) {
                variables.push((variable, value.clone()));
            }
        }
        variables.retain(|(name, _)| name != "HA_OSTATUS");
        variables.push(("HA_OSTATUS".to_owned(), self.status.clone()));
        variables
    }
}

/// Whether a type can be the name of a script in `rc.d`. Names with a dot are those of copies that an editor or
/// a package manager leaves behind.
fn is_script_name(name: &str) -> bool {
    let is_known = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    !name.is_empty() && name.len() <= NAME_MAX && name.bytes().all(is_known)
}

const fn dead(node: &str) -> [(&'static str, &str); 3] {
    [("t", "status"), ("src", node), ("st", "dead")]
}

const fn interface<'a>(
    node: &'a str,
    name: &'a str,
    state: &'a str,
) -> [(&'static str, &'a str); 4] {
    [("t", "ifstat"), ("node", node), ("ifname", name), ("st", state)]
}
