//! Loads all three files together.

use crate::authkeys::{self, Authentication};
use crate::check;
use crate::config::{
    AddressAgent, AgentTimeouts, Compression, Config, GenerationMethod, Logging, MessageFormat,
    Process, RecordedOption, UuidSource,
};
use crate::directive;
use crate::facts::Facts;
use crate::fencing::{FenceDevice, Fencing};
use crate::finding::{Finding, Severity};
use crate::hacf::{self, Draft, HoldDownLine};
use crate::haresources;
use crate::rule;
use crate::source::{Content, Sources};
use crate::values::{Parsed, Values, boolean};
use systole_core::{Failback, ForeignRunning, Group, Guard, HoldDown, StopFailure};

/// Exit code of a daemon whose configuration is wrong (`LSB_EXIT_NOTCONFIGED`).
const EXIT_NOT_CONFIGURED: u8 = 6;

/// Exit code of a daemon that may not read its configuration (`LSB_EXIT_EPERM`).
const EXIT_NO_PERMISSION: u8 = 4;

/// The result of loading the three files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// The configuration; absent when there is an error among the findings.
    pub config: Option<Config>,
    /// All findings, by file and place.
    pub findings: Vec<Finding>,
}

impl Loaded {
    /// Returns the exit code of a daemon that cannot start with these files, as in heartbeat 3.0.6: 6, or 4
    /// when a file may not be read. `None` when the daemon can start.
    #[must_use]
    pub fn exit_code(&self) -> Option<u8> {
        let denied = [rule::HA_CF_DENIED.id, rule::AUTHKEYS_DENIED.id, rule::HARESOURCES_DENIED.id];
        if self.findings.iter().any(|finding| denied.contains(&finding.rule)) {
            Some(EXIT_NO_PERMISSION)
        } else if self.findings.iter().any(|finding| finding.severity == Severity::Error) {
            Some(EXIT_NOT_CONFIGURED)
        } else {
            None
        }
    }
}

/// Reads all three files to their end and compares them with each other and with the machine.
#[must_use]
pub fn load(sources: &Sources<'_>, facts: &Facts<'_>) -> Loaded {
    let mut findings = Vec::new();
    let draft = hacf::parse(sources, facts, &mut findings);
    let values = Values::of(&draft);
    let failback = failback(&values);
    if matches!(sources.ha_cf.content, Content::Text(_)) {
        check::check(&draft, &values, facts, failback != Failback::Legacy, &mut findings);
        check::fencing::check(&draft, facts, sources.ha_cf_mode, &mut findings);
    }
    let authentication = authkeys::parse(sources, &mut findings);
    let mut nodes: Vec<String> = draft.nodes.iter().map(|node| node.value.clone()).collect();
    nodes.sort_unstable();
    let groups = haresources::parse(sources, facts, &nodes, address_agent(&values), &mut findings);
    check::failback::check(&draft, &groups, &mut findings);
    check::monitor::check(&draft, &groups, &mut findings);
    check::monitor::check_probes(&draft, &groups, &mut findings);
    check::monitor::check_agents(&draft, &groups, &mut findings);
    findings.sort_by_key(|finding| (finding.file, finding.span.start, finding.span.end));
    let is_sound = findings.iter().all(|finding| finding.severity != Severity::Error);
    let config = authentication
        .filter(|_| is_sound)
        .and_then(|authentication| config(draft, values, facts, authentication, groups));
    Loaded { config, findings }
}

fn failback(values: &Values) -> Failback {
    let word = match values.get("auto_failback") {
        Some(Parsed::Time(span)) => return Failback::After(*span),
        Some(Parsed::Word(word)) => word.to_lowercase(),
        Some(Parsed::Boolean(_) | Parsed::Number(_) | Parsed::Nothing) | None => String::new(),
    };
    match (boolean(&word), word.as_str()) {
        (Some(true), _) => Failback::On,
        (Some(false), _) => Failback::Off,
        (None, "manual") => Failback::Manual,
        (None, _) => Failback::Legacy,
    }
}

fn guard(values: &Values) -> Guard {
    match values.get("guard") {
        Some(Parsed::Time(span)) => Guard::After(*span),
        Some(Parsed::Word(word)) if word == "off" => Guard::Off,
        Some(_) | None => Guard::Strict,
    }
}

fn address_agent(values: &Values) -> AddressAgent {
    match values.word("address_agent") {
        Some("script") => AddressAgent::Script,
        Some(_) | None => AddressAgent::Native,
    }
}

fn config(
    draft: Draft,
    values: Values,
    facts: &Facts<'_>,
    authentication: Authentication,
    groups: Vec<Group>,
) -> Option<Config> {
    let node_name = match facts.own_name() {
        Some(name) => name,
        None => draft.nodes.first()?.value.clone(),
    };
    Some(Config {
        failback: failback(&values),
        group_failback: check::failback::resolve(&draft, &groups),
        hold_down: hold_down(&draft),
        monitors: check::monitor::resolve(&draft, &groups),
        probes: check::monitor::resolve_probes(&draft, &groups),
        groups,
        authentication,
        logging: logging(&values),
        process: process(&values),
        ipfail: draft.ipfail.is_some(),
        message_format: match values.word("msgfmt") {
            Some("netstring") => MessageFormat::Netstring,
            Some(_) | None => MessageFormat::Classic,
        },
        compression: Compression {
            bzip2: values.word("compression") == Some("bz2"),
            threshold: values.number("compression_threshold").unwrap_or_default(),
            whole_messages: values.boolean("traditional_compression"),
        },
        hopfudge: values.small("hopfudge").unwrap_or_default(),
        generation_method: match values.word("hbgenmethod") {
            Some("time") => GenerationMethod::Time,
            Some(_) | None => GenerationMethod::File,
        },
        uuid_source: match values.word("uuidfrom") {
            Some("nodename") => UuidSource::NodeName,
            Some(_) | None => UuidSource::File,
        },
        address_agent: address_agent(&values),
        stop_failure: match values.word("stop_failure") {
            Some("block") => StopFailure::Block,
            Some("release-address") => StopFailure::ReleaseAddress,
            Some(_) | None => StopFailure::Reboot,
        },
        foreign_running: match values.word("foreign_running") {
            Some("stop") => ForeignRunning::Stop,
            Some("ignore") => ForeignRunning::Ignore,
            Some(_) | None => ForeignRunning::Warn,
        },
        guard_port: draft.port().checked_add(1).filter(|_| guard(&values) != Guard::Off),
        guard: guard(&values),
        agent_timeouts: match values.time("agent_timeout") {
            limit if limit.is_zero() => AgentTimeouts::GENEROUS,
            limit => AgentTimeouts::all(limit),
        },
        fencing: fencing(&draft, &values, &node_name),
        options: options(&draft),
        listed: listed(&draft),
        nodes: draft.nodes.into_iter().map(|node| node.value).collect(),
        media: draft.media.into_iter().map(|medium| medium.value).collect(),
        ping_nodes: draft.ping_nodes.into_iter().map(|ping| ping.value).collect(),
        clients: draft.clients,
        api_authorizations: draft.api_authorizations,
        environment: draft.environment,
        values,
        node_name,
    })
}

/// Returns the names of nodes and ping nodes in the order of their lines.
fn listed(draft: &Draft) -> Vec<String> {
    let nodes = draft.nodes.iter().map(|node| (node.span.start, node.value.clone()));
    let pings = draft.ping_nodes.iter().map(|ping| (ping.span.start, ping.value.name.clone()));
    let mut all: Vec<_> = nodes.chain(pings).collect();
    all.sort_by_key(|(start, _)| *start);
    all.into_iter().map(|(_, name)| name).collect()
}

/// Returns how often a group may move.
fn hold_down(draft: &Draft) -> Option<HoldDown> {
    match draft.hold_down {
        Some(HoldDownLine::Off) => None,
        Some(HoldDownLine::On(moves, window)) => {
            Some(HoldDown { moves, window, ..HoldDown::default() })
        }
        None => Some(HoldDown::default()),
    }
}

/// Returns the devices that this node can drive.
fn fencing(draft: &Draft, values: &Values, node_name: &str) -> Option<Fencing> {
    let lines = draft.fencing.iter().filter(|line| line.value.holds_for(node_name));
    let devices: Vec<FenceDevice> = lines.map(|line| line.value.device.clone()).collect();
    (!devices.is_empty()).then(|| Fencing {
        devices,
        delay: values.time("fence_delay"),
        timeout: values.time("fence_timeout"),
    })
}

fn logging(values: &Values) -> Logging {
    let text = |directive: &str| values.word(directive).map(str::to_owned);
    Logging {
        logfile: text("logfile"),
        debugfile: text("debugfile"),
        facility: text("logfacility"),
        syslog_format: values.boolean("syslogmsgfmt"),
        debug: values.small("debug").unwrap_or_default(),
        bad_packets: values.boolean("log_badpack"),
    }
}

fn process(values: &Values) -> Process {
    let text = |directive: &str| values.word(directive).map(str::to_owned);
    Process {
        realtime: values.boolean("realtime"),
        priority: values.small("rtprio"),
        reserve: values.number("memreserve").unwrap_or_default(),
        watchdog: text("watchdog"),
        coredumps: values.boolean("coredumps"),
        coreroot: text("coreroot").unwrap_or_default(),
    }
}

/// Returns every recorded directive with its value as written or its default.
fn options(draft: &Draft) -> Vec<RecordedOption> {
    let recorded = directive::recorded().into_iter().filter_map(|(row, explanation)| {
        let written = draft.written(row.name).map(str::to_owned);
        let value = written.or_else(|| row.default_shown(draft))?;
        Some(RecordedOption { directive: row.name, value, explanation })
    });
    recorded.collect()
}

#[cfg(test)]
mod tests;
