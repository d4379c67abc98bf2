//! `monitor` lines and what they name in `haresources`.

use super::failback::find_group;
use super::find;
use crate::finding::Finding;
use crate::hacf::{Draft, MonitorLine, Placed, ProbeLine};
use crate::rule;
use crate::suggest::nearest;
use systole_core::{Group, GroupId, Monitor, Probe, Resource, ResourceKind};

/// The target of the line that holds for everything without a line of its own.
const DEFAULT: &str = "default";

/// What a line is about, from the least to the most specific.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Target {
    Default,
    Group(GroupId),
    Resource,
}

/// Finds lines about nothing, about addresses, and about the same as an earlier line.
pub(crate) fn check(draft: &Draft, groups: &[Group], findings: &mut Vec<Finding>) {
    for (at, line) in draft.monitors.iter().enumerate() {
        let (name, span) = (&line.target.value, line.target.span.clone());
        if target(groups, name).is_none() {
            let is_address = |resource: &&Resource| resource.is_address() && resource.word == *name;
            let message = if resources(groups).any(|(_, _, it)| is_address(&it)) {
                format!("`{name}` is an address, which is always watched")
            } else {
                format!("haresources has neither a group nor a resource `{name}`")
            };
            let mut finding =
                find(&rule::MONITOR_UNKNOWN_TARGET, span.clone(), message).label("ignored");
            let agents = resources(groups).filter_map(|(_, _, resource)| agent_name(resource));
            let names = agents.chain(groups.iter().map(Group::name)).chain([DEFAULT]);
            if let Some(meant) = nearest(name, names) {
                finding = finding.fix(format!("did you mean `{meant}`?"), span, meant);
            }
            findings.push(finding);
        } else if draft.monitors[..at].iter().any(|other| other.target.value == *name) {
            let message = format!("`monitor {name}` was set already");
            let label = "this line replaces the earlier one";
            findings.push(find(&rule::GIVEN_TWICE, span, message).label(label));
        }
    }
}

/// Finds lines without the agent where nothing else is asked.
pub(crate) fn check_agents(draft: &Draft, groups: &[Group], findings: &mut Vec<Finding>) {
    let without =
        draft.monitors.iter().filter(|line| line.monitor.is_some_and(|it| !it.asks_agent));
    for MonitorLine { target: Placed { value: name, span }, .. } in without {
        let Some(target) = target(groups, name) else { continue };
        let mut meant = resources(groups).filter(|(group, _, resource)| match target {
            Target::Default => true,
            Target::Group(other) => other == *group,
            Target::Resource => is_called(resource, name),
        });
        let has_probe =
            |resource| draft.probes.iter().any(|it| is_called(resource, &it.target.value));
        if !meant.any(|(_, _, resource)| has_probe(resource)) {
            let message = format!("no `check` line is about `{name}`");
            let label = "the agent is asked all the same";
            findings
                .push(find(&rule::MONITOR_WITHOUT_QUESTION, span.clone(), message).label(label));
        }
    }
}

/// Finds `check` lines about nothing, and about what a line says is not to be monitored.
pub(crate) fn check_probes(draft: &Draft, groups: &[Group], findings: &mut Vec<Finding>) {
    let monitored = resolve(draft, groups);
    for ProbeLine { target: Placed { value: name, span }, .. } in &draft.probes {
        let mut named = resources(groups).filter(|(_, _, it)| is_called(it, name)).peekable();
        if named.peek().is_none() {
            let message = format!("haresources has no service `{name}`");
            let mut finding =
                find(&rule::MONITOR_UNKNOWN_TARGET, span.clone(), message).label("ignored");
            let agents = resources(groups).filter_map(|(_, _, resource)| agent_name(resource));
            if let Some(meant) = nearest(name, agents) {
                finding = finding.fix(format!("did you mean `{meant}`?"), span.clone(), meant);
            }
            findings.push(finding);
        } else if !named.any(|(group, place, _)| {
            monitored.iter().any(|(other, at, _)| (*other, *at) == (group, place))
        }) {
            let message = format!("`{name}` is not monitored, because a line says `off`");
            let label = "this check is never made";
            findings.push(find(&rule::CHECK_OF_UNMONITORED, span.clone(), message).label(label));
        }
    }
}

/// Returns what is asked of each resource in addition to its agent.
pub(crate) fn resolve_probes(draft: &Draft, groups: &[Group]) -> Vec<(GroupId, usize, Probe)> {
    let asked = draft.probes.iter().flat_map(|line| {
        let named = resources(groups).filter(|(_, _, it)| is_called(it, &line.target.value));
        named.map(|(group, place, _)| (group, place, line.probe.clone()))
    });
    asked.collect()
}

/// Returns how each resource is monitored: by the last of the most specific lines that name it, or by the
/// default and without its agent if only a `check` line names it.
pub(crate) fn resolve(draft: &Draft, groups: &[Group]) -> Vec<(GroupId, usize, Monitor)> {
    let lines: Vec<(Target, &MonitorLine)> = draft
        .monitors
        .iter()
        .filter_map(|line| Some((target(groups, &line.target.value)?, line)))
        .collect();
    let monitored = resources(groups).filter_map(|(group, place, resource)| {
        agent_name(resource)?;
        let is_meant = |(target, line): &&(Target, &MonitorLine)| match target {
            Target::Default => true,
            Target::Group(other) => *other == group,
            Target::Resource => is_called(resource, &line.target.value),
        };
        let line = lines.iter().filter(is_meant).max_by_key(|(target, _)| *target);
        let has_probe = || draft.probes.iter().any(|it| is_called(resource, &it.target.value));
        let mut monitor = match line {
            Some((_, line)) => line.monitor?,
            // Nothing says that the agent is to be asked.
            None => Monitor { asks_agent: false, ..Monitor::default() },
        };
        monitor.asks_agent |= !has_probe();
        (line.is_some() || has_probe()).then_some((group, place, monitor))
    });
    monitored.collect()
}

/// Finds what a line is about.
fn target(groups: &[Group], name: &str) -> Option<Target> {
    if name == DEFAULT {
        return Some(Target::Default);
    }
    let is_resource = resources(groups).any(|(_, _, resource)| is_called(resource, name));
    if is_resource {
        return Some(Target::Resource);
    }
    find_group(groups, name).map(Target::Group)
}

/// Every resource with its place.
fn resources(groups: &[Group]) -> impl Iterator<Item = (GroupId, usize, &Resource)> {
    (0..).map(GroupId).zip(groups).flat_map(|(id, group)| {
        group.resources.iter().enumerate().map(move |(place, resource)| (id, place, resource))
    })
}

/// The name of an agent; `None` for an address.
fn agent_name(resource: &Resource) -> Option<&str> {
    match &resource.kind {
        ResourceKind::Agent { name, .. } => Some(name),
        ResourceKind::Address(_) => None,
    }
}

/// Whether a resource has this name: its whole word, or the name of its agent.
fn is_called(resource: &Resource, name: &str) -> bool {
    agent_name(resource).is_some_and(|agent| agent == name || resource.word == name)
}
