//! Checks that compare directives with each other and with the machine.

pub(crate) mod failback;
pub(crate) mod fencing;
mod files;
mod links;
pub(crate) mod monitor;
mod nodes;
mod times;

use crate::facts::Facts;
use crate::finding::Finding;
use crate::hacf::Draft;
use crate::rule;
use crate::source::File;
use crate::values::Values;
use std::ops::Range;

/// Compares everything that `ha.cf` says; `failback` is whether failback of groups is negotiated at all.
pub(crate) fn check(
    draft: &Draft,
    values: &Values,
    facts: &Facts<'_>,
    negotiated: bool,
    findings: &mut Vec<Finding>,
) {
    nodes::check(draft, facts, findings);
    times::check(draft, values, findings);
    links::check(draft, facts, findings);
    files::check(draft, facts, findings);
    failback(draft, negotiated, findings);
    autojoin(draft, values, findings);
    log(draft, values, findings);
}

fn find(rule: &'static rule::Rule, span: Range<usize>, message: impl Into<String>) -> Finding {
    Finding::new(rule, File::HaCf, span, message)
}

fn failback(draft: &Draft, negotiated: bool, findings: &mut Vec<Finding>) {
    if !negotiated {
        let (span, message) = match draft.span("auto_failback") {
            Some(span) => (span, "`auto_failback legacy` has no standby and no negotiation"),
            None => (0..0, "without an `auto_failback` line the mode is `legacy`"),
        };
        findings.push(
            find(&rule::LEGACY_FAILBACK, span, message)
                .label("standby and ipfail have no effect")
                .help("`auto_failback on` or `auto_failback off`, the same on all nodes"),
        );
    }
    let Some(ipfail) = draft.ipfail.clone() else { return };
    if draft.ping_nodes.is_empty() {
        findings.push(
            find(&rule::IPFAIL_WITHOUT_PING, ipfail.clone(), "ipfail has no ping node to ask")
                .label("has no effect")
                .help("`ping GATEWAY`: the address of a router that both nodes can see"),
        );
    }
    if !negotiated {
        findings.push(
            find(&rule::IPFAIL_LEGACY, ipfail, "ipfail cannot work with `auto_failback legacy`")
                .label("has no effect")
                .original("ERROR: auto_failback set to incompatible legacy option."),
        );
    }
}

fn autojoin(draft: &Draft, values: &Values, findings: &mut Vec<Finding>) {
    let joins = values.word("autojoin").is_some_and(|word| !word.eq_ignore_ascii_case("none"));
    let Some(span) = draft.span("autojoin").filter(|_| joins) else { return };
    findings.push(
        find(
            &rule::AUTOJOIN_CONFLICT,
            span.clone(),
            "nodes cannot join automatically with haresources",
        )
        .label("only `none` is possible")
        .fix("list every node instead", span, "none")
        .original("ERROR: R1 style resource management conflicts with  autojoin set")
        .original("ERROR: You need either unset autojoin or enable crm"),
    );
}

fn log(draft: &Draft, values: &Values, findings: &mut Vec<Finding>) {
    let elsewhere = ["logfile", "debugfile", "logfacility"];
    let is_off = !values.boolean("use_logd");
    let Some(span) = draft.span("use_logd").filter(|_| is_off) else { return };
    if elsewhere.iter().all(|directive| draft.written(directive).is_none()) {
        findings.push(
            find(&rule::NO_LOG, span, "the daemon would log nowhere")
                .label("and there is neither a log file nor a facility")
                .help("`logfacility local0`, or `logfile /var/log/ha-log`")
                .original("ERROR: No log entry found in ha.cf and use_logd is set to off"),
        );
    }
}

#[cfg(test)]
mod tests;
