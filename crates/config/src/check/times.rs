//! Times that contradict each other.

use super::find;
use crate::finding::Finding;
use crate::hacf::Draft;
use crate::rule;
use crate::time::milliseconds;
use crate::values::Values;
use std::ops::Range;
use std::time::Duration;

/// If initdead is shorter than this, it may end before the network carries packets when all nodes start
/// together.
const INITDEAD_COMFORT: Duration = Duration::from_secs(10);

pub(super) fn check(draft: &Draft, values: &Values, findings: &mut Vec<Finding>) {
    let keepalive = values.time("keepalive");
    let deadtime = values.time("deadtime");
    let deadping = values.time("deadping");
    let least = keepalive.saturating_mul(2);
    let at = |directive: &str| draft.span(directive);
    let in_milliseconds = |time: Duration| format!("{}ms", milliseconds(time));

    if deadtime <= least {
        // The finding marks whichever of the two was written; the defaults agree with each other.
        let span = at("deadtime").or_else(|| at("keepalive")).unwrap_or(0..0);
        findings.push(
            find(&rule::DEADTIME_TOO_SMALL, span, "deadtime must be longer than two beats")
                .label(format!("expected more than {}", in_milliseconds(least)))
                .help("four to ten beats tolerate the losses of a busy machine and network")
                .original(format!(
                    "ERROR: Dead time [{}] is too small compared to keeplive [{}]",
                    milliseconds(deadtime),
                    milliseconds(keepalive)
                )),
        );
    }
    if let Some(span) = at("deadping").filter(|_| deadping <= least) {
        findings.push(
            find(&rule::DEADPING_TOO_SMALL, span, "deadping must be longer than two beats")
                .label(format!("expected more than {}", in_milliseconds(least)))
                .original(format!(
                    "ERROR: Ping dead time [{}] is too small compared to keeplive [{}]",
                    milliseconds(deadping),
                    milliseconds(keepalive)
                )),
        );
    }
    if let Some(span) = at("warntime") {
        warntime(values.time("warntime"), deadtime, keepalive, span, findings);
    }
    if let Some(span) = at("initdead") {
        initdead(values.time("initdead"), deadtime, span, findings);
    }
}

fn warntime(
    warntime: Duration,
    deadtime: Duration,
    keepalive: Duration,
    span: Range<usize>,
    findings: &mut Vec<Finding>,
) {
    if warntime > deadtime {
        findings.push(
            find(&rule::WARNTIME_ABOVE_DEADTIME, span, "warntime is longer than deadtime")
                .label("a node is dead before it is late"),
        );
    } else if warntime <= keepalive {
        findings.push(
            find(&rule::WARNTIME_BELOW_KEEPALIVE, span, "warntime is not longer than a beat")
                .label("every beat is late"),
        );
    }
}

fn initdead(
    initdead: Duration,
    deadtime: Duration,
    span: Range<usize>,
    findings: &mut Vec<Finding>,
) {
    if initdead < deadtime {
        findings.push(
            find(
                &rule::INITDEAD_BELOW_DEADTIME,
                span,
                "initdead must not be shorter than deadtime",
            )
            .label(format!("expected at least {}ms", milliseconds(deadtime)))
            .original(format!(
                "ERROR: Initial dead time [{}] is smaller than deadtime [{}]",
                milliseconds(initdead),
                milliseconds(deadtime)
            )),
        );
        return;
    }
    if initdead < deadtime.saturating_mul(2) {
        findings.push(
            find(
                &rule::INITDEAD_BELOW_TWICE,
                span.clone(),
                "initdead is shorter than twice deadtime",
            )
            .label("a node that boots a little slower is considered dead"),
        );
    }
    if initdead < INITDEAD_COMFORT {
        findings.push(
            find(&rule::INITDEAD_SMALL, span, "initdead is short")
                .label("the network may need longer than this after a boot")
                .original(format!(
                    "WARN: Initial dead time [{} ms] may be too small!",
                    milliseconds(initdead)
                )),
        );
    }
}
