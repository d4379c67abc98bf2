//! All three files together.

use crate::authkeys::{self, Authentication};
use crate::check;
use crate::config::{
    AddressAgent, AgentTimeouts, Compression, Config, GenerationMethod, Logging, MessageFormat,
    Process, RecordedOption, Times, UuidSource,
};
use crate::directive::DIRECTIVES;
use crate::facts::Facts;
use crate::fencing::{FenceDevice, Fencing};
use crate::finding::{Finding, Severity};
use crate::hacf::{self, Draft, HoldDownLine};
use crate::haresources;
use crate::rule;
use crate::source::{Content, Sources};
use crate::time::milliseconds;
use std::time::Duration;
use systole_core::{Failback, Group, HoldDown, StopFailure};

/// Exit code of a daemon whose configuration is wrong (`LSB_EXIT_NOTCONFIGED`).
const EXIT_NOT_CONFIGURED: u8 = 6;

/// Longer than a node needs to see that another one fell silent, and a device to work.
const FENCE_DELAY: Duration = Duration::from_secs(5);
/// Longer than a management board needs to log somebody in.
const FENCE_TIMEOUT: Duration = Duration::from_mins(1);

/// Exit code of a daemon that may not read its configuration (`LSB_EXIT_EPERM`).
const EXIT_NO_PERMISSION: u8 = 4;

/// What became of the three files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    /// The configuration; absent when there is an error among the findings.
    pub config: Option<Config>,
    /// All findings, by file and place.
    pub findings: Vec<Finding>,
}

impl Loaded {
    /// The exit code of a daemon that cannot start with this, as heartbeat 3.0.6 has it: 6, or 4
    /// when a file may not be read. `None` when it can.
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
    let failback = failback(&draft);
    if matches!(sources.ha_cf.content, Content::Text(_)) {
        check::check(&draft, facts, failback != Failback::Legacy, &mut findings);
        check::fencing::check(&draft, facts, sources.ha_cf_mode, &mut findings);
    }
    let authentication = authkeys::parse(sources, &mut findings);
    let mut nodes: Vec<String> = draft.nodes.iter().map(|node| node.value.clone()).collect();
    nodes.sort_unstable();
    let groups = haresources::parse(sources, facts, &nodes, address_agent(&draft), &mut findings);
    check::failback::check(&draft, &groups, &mut findings);
    findings.sort_by_key(|finding| (finding.file, finding.span.start, finding.span.end));
    let is_sound = findings.iter().all(|finding| finding.severity != Severity::Error);
    let config = authentication
        .filter(|_| is_sound)
        .and_then(|authentication| config(draft, facts, authentication, groups));
    Loaded { config, findings }
}

fn failback(draft: &Draft) -> Failback {
    if let Some(span) = draft.time("auto_failback") {
        return Failback::After(span);
    }
    match draft.word("auto_failback").map(str::to_lowercase).as_deref() {
        Some("on" | "true" | "yes" | "y" | "1") => Failback::On,
        Some("off" | "false" | "no" | "n" | "0") => Failback::Off,
        Some("manual") => Failback::Manual,
        Some(_) | None => Failback::Legacy,
    }
}

fn address_agent(draft: &Draft) -> AddressAgent {
    match draft.word("address_agent") {
        Some("script") => AddressAgent::Script,
        Some(_) | None => AddressAgent::Native,
    }
}

/// The times as written, or as heartbeat 3.0.6 fills them in.
pub(crate) fn times(draft: &Draft) -> Times {
    const SECOND: Duration = Duration::from_secs(1);
    let deadtime = draft.time("deadtime").unwrap_or(30 * SECOND);
    let initdead = if deadtime > 10 * SECOND {
        deadtime
    } else if deadtime < 6 * SECOND {
        12 * SECOND
    } else {
        2 * deadtime
    };
    let rexmit_delay = draft.number("max_rexmit_delay").unwrap_or(250);
    let keepalive = draft.time("keepalive").unwrap_or(SECOND);
    Times {
        keepalive,
        deadtime,
        warntime: draft.time("warntime").unwrap_or(deadtime / 2),
        initdead: draft.time("initdead").unwrap_or(initdead),
        deadping: draft.time("deadping").unwrap_or(deadtime),
        aliveping: draft.time("aliveping").unwrap_or(2 * keepalive),
        rexmit_delay: Duration::from_millis(rexmit_delay.into()),
        restart_grace: draft.time("restart_grace").unwrap_or(5 * SECOND),
    }
}

fn config(
    draft: Draft,
    facts: &Facts<'_>,
    authentication: Authentication,
    groups: Vec<Group>,
) -> Option<Config> {
    let node_name = match facts.own_name() {
        Some(name) => name,
        None => draft.nodes.first()?.value.clone(),
    };
    let times = times(&draft);
    let fences = fencing(&draft, &node_name);
    let small =
        |directive: &str| draft.number(directive).and_then(|number| u8::try_from(number).ok());
    let flag = |directive: &str, default| draft.boolean(directive).unwrap_or(default);
    let text = |directive: &str| draft.word(directive).map(str::to_owned);
    Some(Config {
        node_name,
        times,
        failback: failback(&draft),
        group_failback: check::failback::resolve(&draft, &groups),
        hold_down: hold_down(&draft),
        groups,
        authentication,
        logging: logging(&draft),
        process: Process {
            realtime: flag("realtime", true),
            priority: small("rtprio"),
            reserve: draft.number("memreserve").unwrap_or(6500),
            watchdog: text("watchdog"),
            coredumps: flag("coredumps", true),
            coreroot: text("coreroot").unwrap_or_else(|| "/var/lib/heartbeat/cores".to_owned()),
        },
        ipfail: draft.ipfail.is_some(),
        message_format: match draft.word("msgfmt") {
            Some("netstring") => MessageFormat::Netstring,
            Some(_) | None => MessageFormat::Classic,
        },
        compression: Compression {
            bzip2: draft.word("compression") == Some("bz2"),
            threshold: draft.number("compression_threshold").unwrap_or(2),
            whole_messages: flag("traditional_compression", false),
        },
        hopfudge: small("hopfudge").unwrap_or(1),
        generation_method: match draft.word("hbgenmethod") {
            Some("time") => GenerationMethod::Time,
            Some(_) | None => GenerationMethod::File,
        },
        uuid_source: match draft.word("uuidfrom") {
            Some("nodename") => UuidSource::NodeName,
            Some(_) | None => UuidSource::File,
        },
        cluster: text("cluster").unwrap_or_else(|| "linux-ha".to_owned()),
        address_agent: address_agent(&draft),
        stop_failure: match draft.word("stop_failure") {
            Some("block") => StopFailure::Block,
            Some("release-address") => StopFailure::ReleaseAddress,
            Some(_) | None => StopFailure::Reboot,
        },
        agent_timeouts: match draft.time("agent_timeout") {
            Some(limit) if !limit.is_zero() => AgentTimeouts::all(limit),
            Some(_) | None => AgentTimeouts::GENEROUS,
        },
        options: options(&draft, times),
        nodes: draft.nodes.into_iter().map(|node| node.value).collect(),
        media: draft.media.into_iter().map(|medium| medium.value).collect(),
        ping_nodes: draft.ping_nodes.into_iter().map(|ping| ping.value).collect(),
        clients: draft.clients,
        api_authorizations: draft.api_authorizations,
        fencing: fences,
        environment: draft.environment,
    })
}

/// How often a group may move.
fn hold_down(draft: &Draft) -> Option<HoldDown> {
    match draft.hold_down {
        Some(HoldDownLine::Off) => None,
        Some(HoldDownLine::On(moves, window)) => {
            Some(HoldDown { moves, window, ..HoldDown::default() })
        }
        None => Some(HoldDown::default()),
    }
}

/// The devices that this node can drive.
fn fencing(draft: &Draft, node_name: &str) -> Option<Fencing> {
    let lines = draft.fencing.iter().filter(|line| line.value.holds_for(node_name));
    let devices: Vec<FenceDevice> = lines.map(|line| line.value.device.clone()).collect();
    (!devices.is_empty()).then(|| Fencing {
        devices,
        delay: draft.time("fence_delay").unwrap_or(FENCE_DELAY),
        timeout: draft.time("fence_timeout").unwrap_or(FENCE_TIMEOUT),
    })
}

fn logging(draft: &Draft) -> Logging {
    let text = |directive: &str| draft.word(directive).map(str::to_owned);
    let facility = text("logfacility").filter(|facility| facility != "none");
    let has_sink =
        facility.is_some() || draft.word("logfile").is_some() || draft.word("debugfile").is_some();
    Logging {
        logfile: text("logfile"),
        debugfile: text("debugfile"),
        use_logd: draft.boolean("use_logd").unwrap_or(!has_sink),
        syslog_format: draft.boolean("syslogmsgfmt").unwrap_or(true),
        debug: draft.number("debug").and_then(|level| u8::try_from(level).ok()).unwrap_or(0),
        bad_packets: draft.boolean("log_badpack").unwrap_or(true),
        facility,
    }
}

/// Every recorded directive with its value as written or its default.
fn options(draft: &Draft, times: Times) -> Vec<RecordedOption> {
    let has_facility = draft.word("logfacility").is_some_and(|facility| facility != "none");
    let computed = |directive: &str| match directive {
        "deadping" => Some(format!("{}ms", milliseconds(times.deadping))),
        "aliveping" => Some(format!("{}ms", milliseconds(times.aliveping))),
        "initdead" => Some(format!("{}ms", milliseconds(times.initdead))),
        "warntime" => Some(format!("{}ms", milliseconds(times.warntime))),
        "udpport" => Some(draft.default_port.to_string()),
        // With a facility and no file, heartbeat 3.0.6 records the null device.
        "logfile" | "debugfile" if has_facility => Some("/dev/null".to_owned()),
        _ => None,
    };
    let recorded = DIRECTIVES.iter().filter(|directive| !directive.explanation.is_empty());
    recorded
        .filter_map(|directive| {
            let written = draft.word(directive.name).map(str::to_owned);
            let value = written
                .or_else(|| directive.default.map(str::to_owned))
                .or_else(|| computed(directive.name))?;
            Some(RecordedOption {
                directive: directive.name,
                value,
                explanation: directive.explanation,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests;
