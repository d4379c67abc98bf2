//! `ha.cf`: reads every line, whatever is wrong with the lines before it.

mod client;
mod draft;
mod failback;
mod fence;
mod medium;
mod monitor;
mod parts;
mod ping;
mod probe;
mod setting;

use crate::directive::{self, Directive, Role, Support};
use crate::facts::Facts;
use crate::finding::Finding;
use crate::lexer::{Line, WITHOUT_MARK, Word, byte_order_mark, is_blank, is_blank_or_comma, lines};
use crate::rule::{self, Rule};
use crate::source::{Content, File, Sources};
use crate::suggest::nearest;
use crate::values::{Parsed, boolean};
pub(crate) use draft::{Draft, Placed};
pub(crate) use failback::HoldDownLine;
pub(crate) use monitor::MonitorLine;
pub(crate) use probe::ProbeLine;
pub(crate) use setting::Setting;
use std::ops::Range;

/// The longest line that heartbeat 3.0.6 reads as one.
const LINE_MAX: usize = 5119;

/// The port of beats where neither `udpport` nor the services database names one.
const DEFAULT_PORT: u16 = 694;

/// Reads the whole file.
pub(crate) fn parse(
    sources: &Sources<'_>,
    facts: &Facts<'_>,
    findings: &mut Vec<Finding>,
) -> Draft {
    let mut reader = Reader {
        path: sources.ha_cf.original_path(),
        facts,
        draft: Draft {
            default_port: facts.service_port.unwrap_or(DEFAULT_PORT),
            ..Draft::default()
        },
        findings,
    };
    match sources.ha_cf.content {
        Content::Text(text) => lines(text).for_each(|line| reader.line(line)),
        Content::Missing => reader.absent(&rule::HA_CF_MISSING, "there is no ha.cf file"),
        Content::Denied => reader.absent(&rule::HA_CF_DENIED, "ha.cf may not be read"),
        Content::Unreadable(why) => {
            reader.absent(&rule::HA_CF_MISSING, &format!("ha.cf cannot be read: {why}"));
        }
    }
    reader.draft
}

struct Reader<'f> {
    path: String,
    facts: &'f Facts<'f>,
    draft: Draft,
    findings: &'f mut Vec<Finding>,
}

impl Reader<'_> {
    fn find(
        &mut self,
        rule: &'static Rule,
        span: Range<usize>,
        message: impl Into<String>,
        label: impl Into<String>,
    ) {
        self.report(Finding::new(rule, File::HaCf, span, message).label(label));
    }

    fn report(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    fn absent(&mut self, rule: &'static Rule, message: &str) {
        let path = &self.path;
        let finding = Finding::new(rule, File::HaCf, 0..0, message)
            .original(format!("ERROR: Cannot open config file [{path}]"))
            .original(format!(
                "info: An annotated sample {path} file is provided in the documentation."
            ))
            .original(format!(
                "info: Please copy it to {path}, read it, customize it, and try again."
            ));
        self.report(finding);
    }

    fn line(&mut self, whole: Line<'_>) {
        if whole.text.len() > LINE_MAX {
            self.find(
                &rule::LINE_TOO_LONG,
                whole.span(),
                "heartbeat 3.0.6 reads this line in pieces",
                format!("longer than {LINE_MAX} bytes"),
            );
        }
        let line = whole.without_comment();
        let Some(name) = line.words(is_blank).next() else { return };
        if name.text.starts_with("//") {
            let original = format!("ERROR: Illegal directive [{}] in {}", name.text, self.path);
            let finding = slash_comment(&rule::SLASH_COMMENT, File::HaCf, name).original(original);
            return self.report(finding);
        }
        match directive::find(name.text) {
            Some(known) if known.role != Role::NotBuilt => self.directive(known, name, line),
            Some(_) => {
                let original = format!("ERROR: Illegal directive [{}] in {}", name.text, self.path);
                let message =
                    format!("`{}` is in no build of heartbeat 3.0.6 that is in use", name.text);
                let finding =
                    Finding::new(&rule::DIRECTIVE_NOT_BUILT, File::HaCf, name.span(), message)
                        .label("refused")
                        .original(original);
                self.report(finding);
            }
            None => self.unknown(name),
        }
    }

    fn unknown(&mut self, name: Word<'_>) {
        let mark = byte_order_mark(name);
        let message =
            mark.map_or_else(|| format!("unknown directive `{}`", name.text), str::to_owned);
        let mut finding = Finding::new(&rule::UNKNOWN_DIRECTIVE, File::HaCf, name.span(), message)
            .label("not a directive of ha.cf")
            .original(format!("ERROR: Illegal directive [{}] in {}", name.text, self.path));
        if mark.is_some() {
            finding = finding.help(WITHOUT_MARK);
        } else if let Some(meant) = nearest(name.text, directive::names()) {
            finding = finding.fix(format!("did you mean `{meant}`?"), name.span(), meant);
        }
        self.report(finding);
    }

    fn directive(&mut self, known: &'static Directive, name: Word<'_>, line: Line<'_>) {
        self.support(known, name);
        let rest = rest_of(line, name);
        let behind = Line { text: rest.text, start: rest.start };
        // Options of a mount, a URL or a text may have commas.
        let keeps_commas = matches!(known.role, Role::Monitor | Role::Probe);
        let is_separator = if keeps_commas { is_blank } else { is_blank_or_comma };
        let words: Vec<Word<'_>> = behind.words(is_separator).collect();
        match known.role {
            Role::Setting(_)
            | Role::Nodes
            | Role::Environment
            | Role::NiceFailback
            | Role::HoldDown
            | Role::Pacemaker
                if words.is_empty() =>
            {
                self.no_value(name);
            }
            Role::Setting(kind) => self.setting(known, kind, name, &words),
            Role::Nodes => words.iter().for_each(|word| self.node(*word)),
            Role::Environment => words.iter().for_each(|word| self.environment(*word)),
            Role::Medium(kind) => self.medium(kind, name, &words, rest),
            Role::Stonith { host } => self.stonith(host, name, rest),
            Role::Fence => self.fence(name, rest),
            Role::ApiAuthorization => self.api_authorization(name, rest),
            Role::Client { failfast } => self.client(failfast, name, rest),
            Role::Pacemaker => words.iter().for_each(|word| self.pacemaker(name, *word)),
            Role::NiceFailback => self.nice_failback(name, &words),
            Role::GroupFailback => self.group_failback(name, &words),
            Role::HoldDown => self.hold_down(known, &words),
            Role::Monitor => self.monitor(known, name, &words),
            Role::Probe => self.probe(known, name, &words, behind),
            Role::NotBuilt => {}
        }
    }

    fn support(&mut self, known: &Directive, name: Word<'_>) {
        let (rule, message, label) = match known.support {
            Support::Served => return,
            Support::Inert(reason) => (
                &rule::INERT_DIRECTIVE,
                format!("`{}` no longer has an effect", known.name),
                reason,
            ),
            Support::New => (
                &rule::NEW_DIRECTIVE,
                format!("`{}` is new in Systole", known.name),
                "a C heartbeat refuses this file",
            ),
        };
        self.find(rule, name.span(), message, label);
    }

    fn no_value(&mut self, name: Word<'_>) {
        let message = format!("`{}` without a value is ignored", name.text);
        self.find(&rule::NO_VALUE, name.span(), message, "no value follows");
    }

    fn node(&mut self, word: Word<'_>) {
        if word.text.starts_with("//") {
            let mut finding = slash_comment(&rule::SLASH_COMMENT, File::HaCf, word);
            // heartbeat 3.0.6 takes the word for the name of another node, and starts.
            finding.severity = crate::finding::Severity::Warning;
            return self.report(finding);
        }
        let name = word.text.to_lowercase();
        if self.draft.nodes.iter().any(|node| node.value == name) {
            let message = format!("node `{name}` is listed already");
            self.find(&rule::DUPLICATE_NODE, word.span(), message, "ignored");
            return;
        }
        if name.contains(char::REPLACEMENT_CHARACTER) {
            let message = format!("the name of node `{name}` is not UTF-8");
            let label = "a C heartbeat on that node would not be recognized";
            self.find(&rule::NODE_NOT_UTF8, word.span(), message, label);
        }
        self.draft.nodes.push(Placed { value: name, span: word.span() });
    }

    fn environment(&mut self, word: Word<'_>) {
        let (name, value) = word.text.split_once('=').unwrap_or((word.text, ""));
        if name.is_empty() {
            let finding = Finding::new(
                &rule::BAD_ENVIRONMENT,
                File::HaCf,
                word.span(),
                "an environment entry needs a name",
            )
            .label("expected `NAME=VALUE`")
            .original(format!("ERROR: set_env: invalid nvpair({})", word.text));
            return self.report(finding);
        }
        self.draft.environment.push((name.to_owned(), value.to_owned()));
    }

    fn pacemaker(&mut self, name: Word<'_>, word: Word<'_>) {
        if self.draft.pacemaker_seen {
            let finding = Finding::new(
                &rule::PACEMAKER_TWICE,
                File::HaCf,
                name.span(),
                "`pacemaker` and its synonym `crm` may be given only once",
            )
            .label("given again")
            .original("ERROR: pacemaker/crm directive used multiple times!");
            return self.report(finding);
        }
        self.draft.pacemaker_seen = true;
        if boolean(word.text) == Some(false) {
            let value = Parsed::Boolean(false);
            let setting = Setting { text: word.text.to_owned(), value, span: word.span() };
            self.draft.settings.insert("pacemaker", setting);
            return;
        }
        let finding = Finding::new(
            &rule::PACEMAKER_ENABLED,
            File::HaCf,
            word.span(),
            "Systole runs the resources of haresources, not Pacemaker",
        )
        .label("only `off` is possible here")
        .help(
            "heartbeat 3.0.6 would ignore haresources and start Pacemaker's programs; if you need \
             Pacemaker, run it on Corosync",
        );
        self.report(finding);
    }

    fn nice_failback(&mut self, name: Word<'_>, words: &[Word<'_>]) {
        // The mode depends on what was set before, not on the value: a quirk of heartbeat 3.0.6 that is kept.
        let mode = if self.draft.settings.contains_key("auto_failback") { "off" } else { "legacy" };
        let finding = Finding::new(
            &rule::NICE_FAILBACK,
            File::HaCf,
            name.span(),
            format!("`nice_failback` is obsolete and here means `auto_failback {mode}`"),
        )
        .label("use `auto_failback on` or `auto_failback off` instead")
        .original(
            "ERROR: nice_failback flag is obsolete.. Use auto_failback {on, off, legacy} instead.",
        )
        .original(format!(
            "ERROR: 'nice_failback {}' has been changed to 'auto_failback {mode}'",
            words.last().map_or("", |word| word.text)
        ))
        .original("ERROR: See documentation for details.");
        self.report(finding);
        if let Some(word) = words.last() {
            self.draft.settings.insert(
                "auto_failback",
                Setting {
                    text: mode.to_owned(),
                    value: Parsed::Word(mode.to_owned()),
                    span: word.span(),
                },
            );
        }
    }
}

/// Returns the rest of a line after its directive, without surrounding blanks.
fn rest_of<'a>(line: Line<'a>, name: Word<'_>) -> Word<'a> {
    let behind = name.start - line.start + name.text.len();
    let rest = &line.text[behind..];
    let trimmed = rest.trim_start_matches(is_blank_or_comma);
    Word {
        text: trimmed.trim_end_matches(is_blank),
        start: line.start + behind + (rest.len() - trimmed.len()),
    }
}

/// Reports that a `//` was meant to begin a comment.
pub(crate) fn slash_comment(rule: &'static Rule, file: File, word: Word<'_>) -> Finding {
    let fix = if word.text == "//" { word.span() } else { word.start..word.start + 2 };
    Finding::new(rule, file, word.span(), "a comment begins with `#`")
        .label("this is not a comment")
        .fix("begin the comment with `#`", fix, "#")
}

#[cfg(test)]
mod tests;
