//! What the daemon reports, in heartbeat's terms.

use std::io::ErrorKind;
use std::path::Path;
use systole_core::{GroupReport, GroupSet, NodeReport, Phase, SERVICE_LINK, Snapshot};
use systole_ipc::client::{AskError, Patience, ask};
use systole_ipc::paths::Paths;
use systole_ipc::protocol::{Parameters, Request, Response, Status};

/// No node, or no link of a node, has this name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unknown;

/// The kind of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A member of the cluster.
    Normal,
    /// A ping node.
    Ping,
}

impl Kind {
    /// Returns heartbeat's word.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Ping => "ping",
        }
    }
}

/// A node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) status: String,
    /// Links, and whether they are up.
    pub(super) links: Vec<(String, bool)>,
}

impl Node {
    /// Returns whether a link is up.
    pub(super) fn link(&self, name: &str) -> Result<bool, Unknown> {
        let found = self.links.iter().find(|(known, _)| known == name);
        found.map(|(_, is_up)| *is_up).ok_or(Unknown)
    }
}

/// The daemon's answers.
#[derive(Debug)]
pub(super) struct Facts {
    status: Box<Status>,
    pub(super) parameters: Parameters,
    /// All nodes, in heartbeat's order: the last one of `ha.cf` first.
    pub(super) nodes: Vec<Node>,
}

impl Facts {
    /// Asks the daemon.
    ///
    /// # Errors
    ///
    /// When no daemon answers.
    pub(super) fn ask(run: &Path) -> Result<Self, AskError> {
        let socket = Paths { run: run.to_owned(), ..Paths::default() }.control_socket();
        // The command as a whole has a time limit.
        let answer = |request| ask(&socket, request, Patience::Endless);
        let unexpected = || AskError::Silent(ErrorKind::InvalidData.into());
        let Some(Response::Parameters(parameters)) = answer(&Request::Parameters)? else {
            return Err(unexpected());
        };
        let Some(Response::Status(status)) = answer(&Request::Status)? else {
            return Err(unexpected());
        };
        let nodes = nodes(&status.snapshot, &parameters);
        Ok(Self { status, parameters, nodes })
    }

    /// Returns a node by its name, in any case.
    pub(super) fn node(&self, name: &str) -> Result<&Node, Unknown> {
        self.nodes.iter().find(|node| node.name.eq_ignore_ascii_case(name)).ok_or(Unknown)
    }

    /// Returns the name of this node.
    pub(super) fn name(&self) -> &str {
        &self.status.snapshot.node
    }

    /// Returns whether this is the name of this node.
    pub(super) fn is_here(&self, name: &str) -> bool {
        self.name().eq_ignore_ascii_case(name)
    }

    /// Returns the version of the daemon.
    pub(super) fn version(&self) -> &str {
        &self.status.version
    }

    /// Returns the dead time in milliseconds.
    pub(super) fn deadtime_ms(&self) -> u64 {
        let own = self.status.snapshot.nodes.iter().find(|node| self.is_here(&node.name));
        own.map_or(0, |node| node.deadtime_ms)
    }

    /// Returns the set of groups that run here, or `transition`; nothing if this node manages no groups.
    pub(super) fn held(&self) -> Option<&'static str> {
        let snapshot = &self.status.snapshot;
        let is_moving = !snapshot.stable || snapshot.stopping || snapshot.hand_over.is_some();
        let word = if is_moving { "transition" } else { held(snapshot).word() };
        self.parameters.manages_resources.then_some(word)
    }
}

fn nodes(snapshot: &Snapshot, parameters: &Parameters) -> Vec<Node> {
    let find = |name: &String| {
        let normal = snapshot.nodes.iter().find(|node| node.name == *name);
        let normal = normal.map(|node| Node {
            name: node.name.clone(),
            kind: Kind::Normal,
            status: node.status.clone(),
            links: links(snapshot, parameters, node),
        });
        let ping = || snapshot.ping_nodes.iter().find(|ping| ping.name == *name);
        normal.or_else(|| {
            ping().map(|ping| Node {
                name: ping.name.clone(),
                kind: Kind::Ping,
                status: if ping.up { "ping" } else { "dead" }.to_owned(),
                links: vec![(ping.name.clone(), ping.up)],
            })
        })
    };
    parameters.nodes.iter().rev().filter_map(find).collect()
}

fn links(snapshot: &Snapshot, parameters: &Parameters, node: &NodeReport) -> Vec<(String, bool)> {
    // Scripts ask for the media of ha.cf.
    let is_medium = |(name, _): &(String, bool)| name != SERVICE_LINK;
    if node.name == snapshot.node {
        return parameters.links.iter().filter(|link| is_medium(link)).cloned().collect();
    }
    node.links.iter().map(|link| (link.name.clone(), link.up)).filter(is_medium).collect()
}

/// Returns the sets of which groups run on this node. A set without groups is held by the node that would
/// run it: the local one here, unless this node holds nothing while another node is present; the foreign one
/// where no other node is.
fn held(snapshot: &Snapshot) -> GroupSet {
    let is_here = |name: &String| *name == snapshot.node;
    let is_alone = snapshot.nodes.iter().all(|node| is_here(&node.name) || node.status == "dead");
    let is_local = |group: &&GroupReport| is_here(&group.preferred);
    let current = || snapshot.groups.iter().filter(|group| group.retired.is_none());
    let runs = |group: &GroupReport| {
        group.owner.as_ref().is_some_and(is_here)
            && matches!(group.phase, Phase::Active | Phase::Blocked)
    };
    let mut locals = current().filter(is_local).peekable();
    let mut foreigns = current().filter(|group| !is_local(group)).peekable();
    let foreign = if foreigns.peek().is_some() { foreigns.any(runs) } else { is_alone };
    let local = if locals.peek().is_some() { locals.any(runs) } else { true };
    GroupSet::of(local, foreign)
}

#[cfg(test)]
mod tests;
