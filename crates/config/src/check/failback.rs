//! `failback` lines and the groups of `haresources` that they name.

use super::find;
use crate::finding::Finding;
use crate::hacf::Draft;
use crate::rule;
use crate::suggest::nearest;
use std::net::IpAddr;
use systole_core::{Failback, Group, GroupId};

/// Finds groups that do not exist or are named twice.
pub(crate) fn check(draft: &Draft, groups: &[Group], findings: &mut Vec<Finding>) {
    for (at, (name, _)) in draft.group_failback.iter().enumerate() {
        let Some(group) = find_group(groups, &name.value) else {
            let message = format!("no group of haresources begins with `{}`", name.value);
            let mut finding =
                find(&rule::FAILBACK_UNKNOWN_GROUP, name.span.clone(), message).label("ignored");
            if let Some(meant) = nearest(&name.value, groups.iter().map(Group::name)) {
                let title = format!("did you mean `{meant}`?");
                finding = finding.fix(title, name.span.clone(), meant);
            }
            findings.push(finding);
            continue;
        };
        let mut earlier = draft.group_failback[..at].iter();
        if earlier.any(|(other, _)| find_group(groups, &other.value) == Some(group)) {
            let message = format!("`failback {}` was set already", name.value);
            findings.push(
                find(&rule::GIVEN_TWICE, name.span.clone(), message)
                    .label("this line replaces the earlier one"),
            );
        }
    }
}

/// Resolves the groups to their places, each once; of several lines for a group the last one counts.
pub(crate) fn resolve(draft: &Draft, groups: &[Group]) -> Vec<(GroupId, Failback)> {
    let mut resolved: Vec<(GroupId, Failback)> = Vec::new();
    for (name, failback) in &draft.group_failback {
        let Some(group) = find_group(groups, &name.value) else { continue };
        resolved.retain(|(other, _)| *other != group);
        resolved.push((group, *failback));
    }
    resolved
}

/// Finds the group whose first resource word is `name`, or whose address is `name` if its first word is an
/// address.
pub(super) fn find_group(groups: &[Group], name: &str) -> Option<GroupId> {
    let is_address = name.parse::<IpAddr>().is_ok();
    let is_it = |group: &Group| {
        let word = group.name();
        let address = word.split('/').next().unwrap_or(word);
        word == name || is_address && (address == name || address.ends_with(&format!("::{name}")))
    };
    let place = groups.iter().position(is_it)?;
    u16::try_from(place).ok().map(GroupId)
}
