//! Findings: what the checker reports about one of the files.

use crate::rule::Rule;
use crate::source::{File, Sources};
use std::fmt;
use std::ops::Range;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing; nothing is wrong.
    Note,
    /// A mistake with which the daemon starts.
    Warning,
    /// The daemon refuses to start.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// A change of the text that would fix the cause of a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// The title of the change, as a question or an order.
    pub title: String,
    /// The bytes to replace.
    pub span: Range<usize>,
    /// The replacement text.
    pub text: String,
}

/// One finding about one of the files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The identifier of the rule: stable, documented in `docs/findings.md`, easy to grep for: `HA0101`.
    pub rule: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// The file it is about.
    pub file: File,
    /// The bytes of that file it is about; empty at zero when it is about the whole file.
    pub span: Range<usize>,
    /// One line, lower case, no full stop.
    pub message: String,
    /// The text under the marked bytes.
    pub label: String,
    /// Advice that is not a change of these bytes.
    pub help: Option<String>,
    /// A change that would fix the cause, where one is known.
    pub fix: Option<Fix>,
    /// What heartbeat 3.0.6 logs in this case (`ERROR: …`), one line each.
    pub original: Vec<String>,
}

impl Finding {
    pub(crate) fn new(
        rule: &'static Rule,
        file: File,
        span: Range<usize>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            rule: rule.id,
            severity: rule.severity,
            file,
            span,
            message: message.into(),
            label: String::new(),
            help: None,
            fix: None,
            original: Vec::new(),
        }
    }

    pub(crate) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    pub(crate) fn fix(
        mut self,
        title: impl Into<String>,
        span: Range<usize>,
        text: impl Into<String>,
    ) -> Self {
        self.fix = Some(Fix { title: title.into(), span, text: text.into() });
        self
    }

    pub(crate) fn original(mut self, line: impl Into<String>) -> Self {
        self.original.push(line.into());
        self
    }

    /// Returns line and column of its first byte, both counted from one; the column counts characters.
    #[must_use]
    pub fn position(&self, sources: &Sources<'_>) -> (usize, usize) {
        let text = sources.get(self.file).text_or_empty();
        let before = text.get(..self.span.start).unwrap_or(text);
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        (line, before[start..].chars().count() + 1)
    }
}
