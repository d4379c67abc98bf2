//! Checks whether every other node can be fenced with what is installed here.

use super::find;
use crate::facts::{Facts, FileKind};
use crate::fencing::{
    FENCE_AGENTS, FenceDevice, FenceLine, STONITH_COMMAND, StonithParameters, is_secret_option,
};
use crate::finding::Finding;
use crate::hacf::{Draft, Placed};
use crate::rule;

/// The directory of cluster-glue's plug-ins: programs and libraries.
const PLUGINS: &str = "/usr/lib/stonith/plugins";
/// The permission bits that let users other than the owner and the group read a file.
const READABLE_BY_OTHERS: u32 = 0o004;

pub(crate) fn check(
    draft: &Draft,
    facts: &Facts<'_>,
    mode: Option<u32>,
    findings: &mut Vec<Finding>,
) {
    for line in &draft.fencing {
        match &line.value.device {
            FenceDevice::Stonith { .. } => stonith(draft, facts, line, findings),
            FenceDevice::Agent { .. } => agent(draft, facts, line, findings),
        }
    }
    everybody(draft, facts, findings);
    readable(draft, mode, findings);
}

fn is_node(draft: &Draft, name: &str) -> bool {
    draft.nodes.iter().any(|node| node.value.eq_ignore_ascii_case(name))
}

fn stonith(
    draft: &Draft,
    facts: &Facts<'_>,
    line: &Placed<FenceLine>,
    findings: &mut Vec<Finding>,
) {
    let FenceLine { from, device: FenceDevice::Stonith { device, parameters } } = &line.value
    else {
        return;
    };
    if let Some(from) = from.as_deref().filter(|from| *from != "*" && !is_node(draft, from)) {
        let message = format!("`{from}`, which is to drive this device, is not a node");
        findings.push(
            find(&rule::STONITH_FOREIGN_HOST, line.span.clone(), message)
                .label("no node drives it")
                .help(
                    "the name of the node that is connected to the device, or `*` for every node",
                ),
        );
    }
    let holds_here = facts.own_name().is_none_or(|own| line.value.holds_for(&own));
    let Some(file) = facts.file.filter(|_| holds_here) else { return };
    let plugin = match device.split_once('/') {
        Some((kind, name)) => format!("{PLUGINS}/{kind}/{name}"),
        None => format!("{PLUGINS}/stonith2/{device}.so"),
    };
    if file(STONITH_COMMAND) != Some(FileKind::Executable) || file(&plugin).is_none() {
        let message = format!("there is no plug-in `{device}` on this machine");
        findings.push(
            find(&rule::STONITH_TYPE, line.span.clone(), message)
                .label("`stonith -L` lists those that are installed")
                .help("they are in Debian's package cluster-glue")
                .original(format!("ERROR: Invalid Stonith type [{device}]")),
        );
    }
    if let StonithParameters::File(path) = parameters
        && file(path).is_none()
    {
        let message = "`stonith` needs a file with the parameters of its device";
        findings.push(
            find(&rule::STONITH_FILE, line.span.clone(), message)
                .label("the file is missing")
                .original(format!("ERROR: Invalid Stonith config file [{path}]")),
        );
    }
}

fn agent(draft: &Draft, facts: &Facts<'_>, line: &Placed<FenceLine>, findings: &mut Vec<Finding>) {
    let FenceDevice::Agent { node, agent, .. } = &line.value.device else { return };
    if !is_node(draft, node) {
        let message = format!("`fence` names `{node}`, which is not a node");
        findings.push(find(&rule::FENCE_UNKNOWN_NODE, line.span.clone(), message).label("unknown"));
    }
    let path = format!("{FENCE_AGENTS}/{agent}");
    if facts.file.is_some_and(|file| file(&path) != Some(FileKind::Executable)) {
        let message = format!("there is no program {path}");
        findings.push(
            find(&rule::FENCE_AGENT_MISSING, line.span.clone(), message)
                .label("this node cannot be fenced with it")
                .help("the agents are in Debian's package fence-agents"),
        );
    }
}

/// Finds nodes without a `fence` line where other nodes have one: their groups could never be taken over.
fn everybody(draft: &Draft, facts: &Facts<'_>, findings: &mut Vec<Finding>) {
    let Some(own) = facts.own_name() else { return };
    let Some(first) = draft.fencing.first() else { return };
    let holding = || draft.fencing.iter().filter(|line| line.value.holds_for(&own));
    let is_plugin =
        |line: &&Placed<FenceLine>| matches!(line.value.device, FenceDevice::Stonith { .. });
    if holding().next().is_none() {
        let message = format!("`{own}` can drive none of the devices");
        findings.push(
            find(&rule::FENCING_NOT_HERE, first.span.clone(), message)
                .label("this node takes over from a silent one without fencing it"),
        );
    }
    if holding().next().is_none() || holding().any(|line| is_plugin(&line)) {
        return;
    }
    let fences = |name: &str| {
        draft.fencing.iter().any(|line| match &line.value.device {
            FenceDevice::Agent { node, .. } => node == name,
            FenceDevice::Stonith { .. } => false,
        })
    };
    for node in draft.nodes.iter().filter(|node| node.value != own && !fences(&node.value)) {
        let message =
            format!("other nodes are fenced, and no `fence` line is for `{}`", node.value);
        findings.push(
            find(&rule::FENCE_MISSING, node.span.clone(), message)
                .label("its groups could never be taken when it falls silent"),
        );
    }
}

fn readable(draft: &Draft, mode: Option<u32>, findings: &mut Vec<Finding>) {
    let Some(mode) = mode.filter(|mode| mode & READABLE_BY_OTHERS != 0) else { return };
    let has_secret = |line: &&Placed<FenceLine>| match &line.value.device {
        FenceDevice::Stonith { parameters: StonithParameters::Words(words), .. } => {
            // The parameters of a plug-in have no names; one or two of them are a host and an address.
            words.0.split_whitespace().count() > 2
        }
        FenceDevice::Stonith { parameters: StonithParameters::File(_), .. } => false,
        FenceDevice::Agent { options, .. } => {
            options.iter().any(|(name, _)| is_secret_option(name))
        }
    };
    if let Some(line) = draft.fencing.iter().find(has_secret) {
        let message = format!("ha.cf is readable by everybody: its mode is {:o}", mode & 0o7777);
        findings.push(
            find(&rule::FENCE_SECRET_READABLE, line.span.clone(), message)
                .label("the parameters in this line are readable by everybody")
                .help("`chmod 640 ha.cf`"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{AUTHKEYS, HARESOURCES, ha_cf_and, rules, sources, with_facts};
    use crate::{Loaded, load};

    fn loaded(lines: &str, mode: u32) -> Loaded {
        let text = ha_cf_and(lines);
        let mut sources = sources(&text, AUTHKEYS, HARESOURCES);
        sources.ha_cf_mode = Some(mode);
        with_facts(|facts| {
            let file = |path: &str| match path {
                STONITH_COMMAND
                | "/usr/sbin/fence_lab"
                | "/usr/lib/stonith/plugins/external/lab" => Some(FileKind::Executable),
                "/usr/lib/stonith/plugins/stonith2/null.so" | "/etc/ha.d/device" => {
                    Some(FileKind::Plain)
                }
                _ => facts.file.and_then(|file| file(path)),
            };
            load(&sources, &Facts { file: Some(&file), ..*facts })
        })
    }

    fn found(lines: &str, mode: u32) -> Vec<&'static str> {
        let mut found = rules(&loaded(lines, mode).findings);
        found.retain(|rule| *rule != rule::NEW_DIRECTIVE.id);
        found
    }

    #[test]
    fn fencing_devices_are_checked_against_nodes_and_machine() {
        let rows: &[(&str, &[&str])] = &[
            ("stonith_host * null web1 web2", &[]),
            ("stonith_host web1 external/lab web2", &[]),
            ("stonith null /etc/ha.d/device", &[]),
            ("stonith null /nowhere", &["HA0523"]),
            ("stonith null", &["HA0523"]),
            ("stonith_host * bogus x", &["HA0522"]),
            ("stonith_host web2 bogus x", &["HA0525"]),
            ("stonith_host web9 null x", &["HA0521", "HA0525"]),
            ("fence web2 fence_lab ip=1", &[]),
            ("fence web2 fence_none ip=1", &["HA0527"]),
            ("fence web1 fence_lab ip=1", &["HA0524"]),
            ("fence web9 fence_lab\nfence web2 fence_lab", &["HA0526"]),
            ("fence", &["HA0528"]),
            ("fence web2", &["HA0528"]),
            ("fence web2 ipmilan", &["HA0528"]),
            ("fence web2 fence_../x", &["HA0528"]),
            ("fence web2 fence_lab secret", &["HA0528"]),
            ("fence web2 fence_lab action=on", &["HA0528"]),
            ("fence web1 fence_lab\nstonith_host * null web2", &[]),
        ];
        for (lines, expected) in rows {
            let mut found = found(lines, 0o640);
            found.sort_unstable();
            assert_eq!(found, *expected, "{lines}");
        }
    }

    #[test]
    fn fencing_secret_in_world_readable_file_is_reported_but_not_printed() {
        let line = "fence web2 fence_lab ip=10.0.0.9 password=geheim";
        assert_eq!(found(line, 0o644), ["HA0529"]);
        assert!(found(line, 0o640).is_empty());
        assert!(found("fence web2 fence_lab ip=1 password_script=/x", 0o644).is_empty());
        assert_eq!(found("stonith_host * null web2 10.0.0.9 geheim", 0o644), ["HA0529"]);
        let loaded = loaded(line, 0o644);
        assert!(!format!("{loaded:?}").contains("geheim"));
        let fencing = loaded.config.unwrap().fencing.unwrap();
        let device = fencing.devices_for("web2").next().unwrap();
        assert_eq!(device.name(), "fence_lab");
        assert_eq!(fencing.devices_for("web1").count(), 0);
    }
}
