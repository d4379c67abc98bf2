//! Renders findings for people, in the style of rustc.

use crate::finding::{Finding, Severity};
use crate::source::Sources;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Patch, Renderer, Snippet};
use std::fmt::Write as _;
use std::ops::Range;

/// The width of a rendered finding in columns; longer lines are cut around the marked part.
const WIDTH: usize = 100;

/// The number of findings of each severity.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// Errors.
    pub errors: usize,
    /// Warnings.
    pub warnings: usize,
    /// Notes.
    pub notes: usize,
}

/// Counts findings by their severity.
#[must_use]
pub fn summary(findings: &[Finding]) -> Summary {
    let count = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
    Summary {
        errors: count(Severity::Error),
        warnings: count(Severity::Warning),
        notes: count(Severity::Note),
    }
}

/// Renders all findings with the lines they are about, separated by one blank line.
///
/// `sources` must be those that were loaded; `color` adds ANSI escapes.
#[must_use]
pub fn render(findings: &[Finding], sources: &Sources<'_>, color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.term_width(WIDTH);
    let mut out = String::new();
    for finding in findings {
        if !out.is_empty() {
            out.push('\n');
        }
        let shown = renderer.render(&report(finding, sources));
        let _ = writeln!(out, "{shown}");
    }
    out
}

fn report<'a>(finding: &'a Finding, sources: &Sources<'a>) -> Vec<Group<'a>> {
    let source = sources.get(finding.file);
    let text = source.text_or_empty();
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let title = level.primary_title(printable(&finding.message)).id(finding.rule);
    let main = if finding.span.is_empty() {
        title.element(Origin::path(source.path))
    } else {
        let mark = AnnotationKind::Primary
            .span(inside(text, &finding.span))
            .label(printable(&finding.label));
        title.element(Snippet::source(text).path(source.path).annotation(mark))
    };
    let main = match &finding.help {
        Some(help) => main.element(Level::HELP.message(printable(help))),
        None => main,
    };
    let mut groups = vec![main];
    if let Some(fix) = &finding.fix {
        let patch = Patch::new(inside(text, &fix.span), fix.text.as_str());
        let title = Level::HELP.secondary_title(printable(&fix.title));
        groups.push(title.element(Snippet::source(text).path(source.path).patch(patch)));
    }
    groups
}

/// Moves the span onto character boundaries inside the text.
fn inside(text: &str, span: &Range<usize>) -> Range<usize> {
    let floor = |at: usize| {
        let mut at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    floor(span.start)..floor(span.end)
}

/// Makes words of a file safe for messages: they must not control the terminal.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

#[cfg(test)]
mod tests;
