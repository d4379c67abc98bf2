//! Groups: what the words of a line mean, and how lines affect each other.

use super::line::{JoinedWord, LogicalLine};
use crate::address;
use crate::config::AddressAgent;
use crate::facts::{AgentKind, Facts};
use crate::finding::Finding;
use crate::lexer::Word;
use crate::rule;
use crate::source::File;
use std::ops::Range;
use systole_core::{Group, GroupKey, NodeId, Resource, ResourceKind};

/// Agents for addresses, whose work is done natively.
const ADDRESS_AGENTS: [&str; 3] = ["IPaddr", "IPaddr2", "IPv6addr"];

/// A group and the places of its resources in the file.
pub(super) struct ReadGroup {
    pub(super) group: Group,
    spans: Vec<Range<usize>>,
}

pub(super) struct Reader<'a> {
    pub(super) facts: &'a Facts<'a>,
    pub(super) nodes: &'a [String],
    pub(super) address_agent: AddressAgent,
}

impl Reader<'_> {
    /// Reads a line; returns `None` when the line does not define a group.
    pub(super) fn group(
        &self,
        line: &LogicalLine,
        findings: &mut Vec<Finding>,
    ) -> Option<ReadGroup> {
        let (node, words) = line.split_first()?;
        if node.text.starts_with("//") {
            return None; // what was meant to be a comment says nothing about resources
        }
        let name = node.text.to_lowercase();
        let preferred = self.nodes.iter().position(|known| *known == name);
        if preferred.is_none() && !is_reported(node, findings) && !self.nodes.is_empty() {
            let message = format!("`{}` begins a line and is not a node of ha.cf", node.text);
            findings.push(
                Finding::new(
                    &rule::LINE_WITHOUT_NODE,
                    File::Haresources,
                    node.span.clone(),
                    message,
                )
                .label("no node runs this line"),
            );
        }
        if words.is_empty() {
            findings.push(
                Finding::new(
                    &rule::EMPTY_GROUP,
                    File::Haresources,
                    node.span.clone(),
                    "a node without resources makes no group",
                )
                .label("no resource follows"),
            );
            return None;
        }
        let resources: Vec<Resource> =
            words.iter().map(|word| self.resource(word, findings)).collect();
        let preferred = NodeId(u8::try_from(preferred?).ok()?);
        let texts =
            std::iter::once(name.as_str()).chain(words.iter().map(|word| word.text.as_str()));
        Some(ReadGroup {
            group: Group { key: GroupKey::of(texts), preferred, resources, is_retired: false },
            spans: words.iter().map(|word| word.span.clone()).collect(),
        })
    }

    /// Returns the resource of a word.
    pub(super) fn resource_of(&self, word: &str) -> Resource {
        let joined = JoinedWord { text: word.to_owned(), span: 0..word.len() };
        self.resource(&joined, &mut Vec::new())
    }

    fn resource(&self, joined: &JoinedWord, findings: &mut Vec<Finding>) -> Resource {
        let word = Word { text: &joined.text, start: joined.span.start };
        let before = findings.len();
        let kind = self.kind(word, findings);
        // A word that was joined from two lines is longer in the file than its text.
        for finding in &mut findings[before..] {
            finding.span = joined.span.clone();
        }
        Resource { word: joined.text.clone(), kind }
    }

    fn kind(&self, word: Word<'_>, findings: &mut Vec<Finding>) -> ResourceKind {
        if address::is_bare(word.text) {
            let agent = if word.text.contains("::") || word.text.matches(':').count() > 1 {
                ipv6_short_form(word, findings);
                "IPv6addr"
            } else {
                "IPaddr"
            };
            return self.address(word, agent, word.text, findings);
        }
        let (name, arguments) = match word.text.split_once("::") {
            // The rest is one argument: an IPv6 address has its own colons.
            Some(("IPv6addr", rest)) => ("IPv6addr", vec![rest.to_owned()]),
            Some((name, rest)) => (name, split_arguments(word, rest, findings)),
            None => (word.text, Vec::new()),
        };
        if let ([argument], true) = (arguments.as_slice(), ADDRESS_AGENTS.contains(&name)) {
            return self.address(word, name, argument, findings);
        }
        self.agent(word, name, findings);
        ResourceKind::Agent { name: name.to_owned(), arguments }
    }

    fn address(
        &self,
        word: Word<'_>,
        agent: &str,
        text: &str,
        findings: &mut Vec<Finding>,
    ) -> ResourceKind {
        let parsed = address::parse(word, text, agent == "IPv6addr");
        findings.extend(parsed.findings);
        if let Some(spec) = &parsed.spec {
            address::check(word, spec, self.facts, findings);
        }
        match (parsed.spec, self.address_agent) {
            (Some(spec), AddressAgent::Native) => ResourceKind::Address(spec),
            (None, AddressAgent::Native) => {
                ResourceKind::Agent { name: agent.to_owned(), arguments: vec![text.to_owned()] }
            }
            (_, AddressAgent::Script) => {
                self.agent(word, agent, findings);
                ResourceKind::Agent { name: agent.to_owned(), arguments: vec![text.to_owned()] }
            }
        }
    }

    /// Reports an agent that does not exist here.
    fn agent(&self, word: Word<'_>, name: &str, findings: &mut Vec<Finding>) {
        if name.starts_with("//") {
            findings.push(
                Finding::new(
                    &rule::SLASH_SLASH_RESOURCE,
                    File::Haresources,
                    word.span(),
                    "a comment begins with `#`",
                )
                .label("read as a resource; the group cannot run here"),
            );
            return;
        }
        let Some(find) = self.facts.agent else { return };
        // In `OCF::type::instance` the first argument names the agent, the second one a file.
        let instance = word.text.strip_prefix("OCF::").and_then(|rest| rest.split_once("::"));
        let is_found = find(if instance.is_some() { word.text } else { name }).is_some();
        let (message, help) = match instance {
            _ if is_found => return self.at_boot(word, name, findings),
            Some((kind, instance)) if find(kind).is_some() => (
                format!("there is no parameter file `{instance}` for `{kind}`"),
                format!("looked for as /etc/ha.d/conf/OCF/{kind}/{instance}"),
            ),
            Some((kind, _)) => (
                format!("there is no agent `{kind}`"),
                "looked for among the OCF agents".to_owned(),
            ),
            None => (
                format!("there is no agent `{name}`"),
                "looked for in /etc/ha.d/resource.d, /etc/init.d, the OCF agents and the systemd \
                 units"
                    .to_owned(),
            ),
        };
        let finding = Finding::new(&rule::UNKNOWN_AGENT, File::Haresources, word.span(), message)
            .label("the group cannot run here")
            .help(help);
        findings.push(finding);
    }

    /// Reports a service that the machine starts by itself, on every node.
    fn at_boot(&self, word: Word<'_>, name: &str, findings: &mut Vec<Finding>) {
        let kind = self.facts.agent.and_then(|find| find(name));
        let may_be = matches!(kind, Some(AgentKind::Lsb | AgentKind::Systemd));
        let Some(link) = self.facts.at_boot.filter(|_| may_be).and_then(|find| find(name)) else {
            return;
        };
        let message = format!("`{name}` is also started when this machine boots");
        let finding = Finding::new(&rule::STARTED_AT_BOOT, File::Haresources, word.span(), message)
            .label("it would run here whichever node has the group")
            .help(format!(
                "{} starts it: `systemctl disable {name}`, or `update-rc.d {name} disable`",
                link.display()
            ));
        findings.push(finding);
    }
}

fn ipv6_short_form(word: Word<'_>, findings: &mut Vec<Finding>) {
    findings.push(
        Finding::new(
            &rule::IPV6_SHORT_FORM,
            File::Haresources,
            word.span(),
            "a C heartbeat accepts an IPv6 address only after `IPv6addr::`",
        )
        .label("fine here")
        .fix("for a file that both read", word.start..word.start, "IPv6addr::"),
    );
}

fn split_arguments(word: Word<'_>, rest: &str, findings: &mut Vec<Finding>) -> Vec<String> {
    let arguments: Vec<String> =
        rest.split("::").filter(|one| !one.is_empty()).map(str::to_owned).collect();
    if arguments.len() < rest.split("::").count() {
        findings.push(
            Finding::new(
                &rule::EMPTY_ARGUMENT,
                File::Haresources,
                word.span(),
                "an empty argument cannot be given",
            )
            .label("left out, and those after it move up"),
        );
    }
    arguments
}

/// Returns whether the check of the daemon has already reported this word.
fn is_reported(node: &JoinedWord, findings: &[Finding]) -> bool {
    let rules = [rule::BAD_NODE_NAME.id, rule::HARESOURCES_SLASH_COMMENT.id];
    findings
        .iter()
        .any(|finding| finding.span.start == node.span.start && rules.contains(&finding.rule))
}

/// Reports conflicts between lines: heartbeat 3.0.6 looks up a group by its first resource, as a word of any
/// line.
pub(super) fn compare(groups: &[ReadGroup], findings: &mut Vec<Finding>) {
    for (at, one) in groups.iter().enumerate() {
        let (earlier, _) = groups.split_at(at);
        let name = one.group.name();
        if earlier.iter().any(|other| other.group.name() == name) {
            let same = earlier.iter().any(|other| other.group.key == one.group.key);
            let finding = Finding::new(
                &rule::DUPLICATE_GROUP,
                File::Haresources,
                one.spans[0].clone(),
                format!("there is a group named `{name}` already"),
            )
            .label(if same {
                "the same line again, ignored"
            } else {
                "a C heartbeat runs both lines as one group"
            });
            findings.push(finding);
        } else if groups
            .iter()
            .enumerate()
            .any(|(other, group)| other != at && has_inside(group, name))
        {
            findings.push(
                Finding::new(
                    &rule::GROUP_NAME_ELSEWHERE,
                    File::Haresources,
                    one.spans[0].clone(),
                    format!(
                        "`{name}` is the first resource of this group and also occurs in \
                             another group"
                    ),
                )
                .label("a C heartbeat runs both lines as one group"),
            );
        }
        duplicates(one, earlier, findings);
    }
}

/// Returns whether this word is a resource of the group other than the first.
fn has_inside(group: &ReadGroup, name: &str) -> bool {
    group.group.resources.iter().skip(1).any(|resource| resource.word == name)
}

fn duplicates(one: &ReadGroup, earlier: &[ReadGroup], findings: &mut Vec<Finding>) {
    for (at, resource) in one.group.resources.iter().enumerate() {
        let inside = one.group.resources[..at].iter();
        let before = earlier.iter().flat_map(|group| &group.group.resources);
        let is_name = at == 0 && earlier.iter().any(|group| group.group.name() == resource.word);
        if !is_name && inside.chain(before).any(|other| is_same(other, resource)) {
            findings.push(
                Finding::new(
                    &rule::DUPLICATE_RESOURCE,
                    File::Haresources,
                    one.spans[at].clone(),
                    format!("`{}` is listed already", resource.word),
                )
                .label("two nodes may run it at once, and one stop stops both"),
            );
        }
    }
}

/// Returns whether two words mean the same resource, in whatever form.
fn is_same(one: &Resource, other: &Resource) -> bool {
    match (&one.kind, &other.kind) {
        (ResourceKind::Address(one), ResourceKind::Address(other)) => one.address == other.address,
        (one, other) => one == other,
    }
}
