//! Lines about ownership: takeovers, groups and their resources.

use super::{LogRenderer, critical, debug, error, info, warning};
use crate::log::{Line, Source};
use systole_core::{Cause, Failure, GroupId, NodeId, Outcome, Phase};
use systole_ipc::texts;

const MANAGER: Source = Source::Script("ResourceManager");
const MACH_DOWN: Source = Source::Script("mach_down");

/// The command that heartbeat names when this node has no group of its own.
const LIST_KEYS: &str = "/usr/share/heartbeat/ResourceManager listkeys";

impl LogRenderer {
    pub(super) fn local_acquired(&self, had_own: bool) -> Line {
        if had_own {
            info("Local Resource acquisition completed.")
        } else {
            let me = self.node(self.settings.me);
            info(format!("No local resources [{LIST_KEYS} {me}] to acquire."))
        }
    }

    /// Returns the lines about what a group does on this node, in the words of the scripts that used to do
    /// it, and a debug line for every change of any group, with its reason.
    pub(super) fn ownership(
        &self,
        group: GroupId,
        owner: NodeId,
        term: u64,
        phase: Phase,
        cause: &Cause,
    ) -> Vec<Line> {
        let (key, node) = (self.key(group), self.node(owner));
        let reason = texts::cause(cause, &self.settings);
        let mut lines =
            vec![debug(format!("group {key}: {phase:?} on {node} in term {term}: {reason}"))];
        if owner != self.settings.me {
            if let Cause::Outranked(winner) = cause {
                let winner = self.node(*winner);
                let what = format!("{winner} has a better claim to group {key}");
                lines.push(warning(format!("{what}: its resources on this node are stopped.")));
            }
            return lines;
        }
        match phase {
            // The group is claimed, but nothing of it is started before the executor has reported what
            // runs.
            Phase::Starting if *cause == Cause::Listed => {}
            Phase::Starting if *cause == Cause::Unsure => {
                lines.push(warning(format!("Group {key}: {reason}.")));
            }
            Phase::Starting => {
                let is_takeover = matches!(
                    cause,
                    Cause::OwnerDead { .. } | Cause::OwnerLeft(_) | Cause::OwnerUnheard(_)
                );
                if is_takeover {
                    let text = format!("Taking over resource group {key}");
                    lines.push(info(text).said_by(MACH_DOWN));
                }
                let text = format!("Acquiring resource group: {}", self.group(group));
                lines.push(info(text).said_by(MANAGER));
            }
            Phase::Stopping => {
                let text = format!("Releasing resource group: {}", self.group(group));
                lines.push(info(text).said_by(MANAGER));
            }
            Phase::Stopped | Phase::Active | Phase::Failed | Phase::Blocked => {}
        }
        lines
    }

    /// Why it failed is in the line before, which comes from the executor that ran the agent.
    pub(super) fn start_failed(&self, group: GroupId, resource: usize) -> Vec<Line> {
        let (word, key) = (self.resource(group, resource), self.key(group));
        let text = format!("Giving up resources due to failure of {word}");
        vec![
            critical(text).said_by(MANAGER),
            info(format!("{key} will not be retried here. After fixing {word}: hb retry {key}")),
        ]
    }

    /// `reason` is what the executor said about the last stop.
    pub(super) fn stop_failed(
        &self,
        group: GroupId,
        resource: usize,
        outcome: Outcome,
        reason: Option<&str>,
    ) -> Line {
        let word = self.resource(group, resource);
        let text = match reason {
            Some(reason) => format!("{word} cannot be stopped: {reason}"),
            None => format!("{word} cannot be stopped: {}", texts::outcome(outcome)),
        };
        error(text).said_by(MANAGER)
    }

    pub(super) fn peer_failed(&self, node: NodeId, group: GroupId, failure: &Failure) -> Line {
        let (node, key) = (self.node(node), self.key(group));
        let word = self.resource(group, failure.resource.into());
        let what = texts::failed(node, failure.action, &format!("{word} of {key}"));
        let resources = self.settings.groups.get(group.index()).map(|group| &group.resources);
        let resource = resources.and_then(|all| all.get(usize::from(failure.resource)));
        warning(format!("{what}: {}", texts::failure(failure, resource)))
    }

    pub(super) fn stop_retried(&self, group: GroupId, resource: usize) -> Line {
        let word = self.resource(group, resource);
        info(format!("Retrying failed stop operation [{word}]")).said_by(MANAGER)
    }

    /// The other nodes may wait for this one to be fenced, and only an administrator can end that.
    pub(super) fn stop_in_doubt(&self, group: GroupId) -> Vec<Line> {
        let (key, me) = (self.key(group), self.node(self.settings.me));
        let lines = [
            format!(
                "The stop waits for the executor: without it, it is unknown whether services of \
                 {key} still run here. It continues when the executor can be started again."
            ),
            format!(
                "If it cannot be started: switch this machine off. If the other nodes wait for \
                 its fencing, tell them that it is off: hb confirm-dead {me}"
            ),
        ];
        lines.map(warning).into()
    }

    pub(super) fn stop_doubtful(&self, group: GroupId, resource: usize) -> Vec<Line> {
        let word = self.resource(group, resource);
        let lines = [
            error(format!("Resource script for {word} probably not LSB-compliant.")),
            warning(format!("it ({word}) MUST succeed on a stop when already stopped")),
            warning("Machine reboot narrowly avoided!"),
        ];
        lines.map(|line| line.said_by(MANAGER)).into()
    }

    pub(super) fn left_running(&self, group: GroupId) -> Line {
        let key = self.key(group);
        error(format!(
            "Group {key}: its services may still be running here, because the executor that \
             stopped them is gone."
        ))
    }
}

pub(super) fn had_nothing(node: &str) -> Line {
    info(format!("Dead node {node} gave up resources."))
}

pub(super) fn not_fenced() -> Vec<Line> {
    vec![warning("No STONITH device configured."), warning("Shared disks are not protected.")]
}

pub(super) fn takeover_begins(node: &str) -> Line {
    info(format!("Resources being acquired from {node}."))
}

pub(super) fn takeover_done(node: &str) -> Vec<Line> {
    vec![
        info(format!("mach_down takeover complete for node {node}.")).said_by(MACH_DOWN),
        info("mach_down takeover complete."),
    ]
}

pub(super) fn left(node: &str) -> Line {
    info(format!("Received shutdown notice from '{node}'."))
}

pub(super) fn initial() -> Line {
    info("Initial resource acquisition complete (T_RESOURCES)")
}
