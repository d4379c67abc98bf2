//! Findings of the checker, for the terminal and for the log.

use crate::log::{Level, Line};
use systole_config::{Finding, Severity, render};
use systole_facts::Files;

/// Returns the findings in readable form, followed by what heartbeat 3.0.6 would have said.
pub(crate) fn report(findings: &[Finding], files: &Files, color: bool) -> String {
    render(findings, &files.sources(), color)
}

/// Returns what is wrong with files, in readable form: no mere notes. Empty if nothing is.
pub(crate) fn mistakes(findings: &[Finding], files: &Files) -> String {
    let is_mistake = |finding: &&Finding| finding.severity > Severity::Note;
    let mistakes: Vec<Finding> = findings.iter().filter(is_mistake).cloned().collect();
    if mistakes.is_empty() { String::new() } else { report(&mistakes, files, false) }
}

/// Returns the findings as log lines: in the words of heartbeat 3.0.6 if it has any, else in those of
/// Systole.
pub(crate) fn lines(findings: &[Finding], files: &Files) -> Vec<Line> {
    let sources = files.sources();
    let mut lines = Vec::new();
    for finding in findings {
        lines.extend(finding.original.iter().map(|text| original(text)));
        if finding.original.is_empty() {
            let (line, column) = finding.position(&sources);
            let path = sources.get(finding.file).path;
            let text = format!("{path}:{line}:{column}: {} [{}]", finding.message, finding.rule);
            lines.push(Line::new(level(finding.severity), text));
        }
    }
    lines
}

/// Splits the level off a line of heartbeat such as `ERROR: no nodes defined`.
fn original(text: &str) -> Line {
    let levels = [Level::Error, Level::Warning, Level::Info];
    for level in levels {
        let rest = text.strip_prefix(level.word()).and_then(|rest| rest.strip_prefix(": "));
        if let Some(rest) = rest {
            return Line::new(level, rest);
        }
    }
    Line::new(Level::Error, text)
}

const fn level(severity: Severity) -> Level {
    match severity {
        Severity::Note => Level::Info,
        Severity::Warning => Level::Warning,
        Severity::Error => Level::Error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn original_heartbeat_message_keeps_its_level() {
        let line = |level, text: &str| Line::new(level, text);
        assert_eq!(original("ERROR: no nodes defined"), line(Level::Error, "no nodes defined"));
        assert_eq!(original("WARN: slow"), line(Level::Warning, "slow"));
        assert_eq!(original("info: read it"), line(Level::Info, "read it"));
        assert_eq!(original("udpport setting"), line(Level::Error, "udpport setting"));
    }
}
