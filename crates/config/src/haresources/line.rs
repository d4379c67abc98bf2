//! Lines of `haresources`: comments, continuations and words.

use crate::finding::Finding;
use crate::hacf::slash_comment;
use crate::lexer::{Line, WITHOUT_MARK, Word, byte_order_mark, is_blank, lines};
use crate::rule;
use crate::source::File;
use crate::suggest::nearest;
use std::ops::Range;

/// A word of a line, possibly joined from several lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct JoinedWord {
    pub(super) text: String,
    pub(super) span: Range<usize>,
}

/// The words of a group: a node and its resources.
pub(super) type LogicalLine = Vec<JoinedWord>;

/// Applies the check of the daemon of heartbeat 3.0.6: the first word of every line that is neither blank nor
/// a comment is a node, and lines joined to it by backslashes are skipped.
pub(super) fn check_node_names(
    text: &str,
    nodes: &[String],
    path: &str,
    findings: &mut Vec<Finding>,
) {
    let mut continues = false;
    for line in lines(text) {
        let joined = continues;
        continues = (joined || begins_group(line)) && line.text.ends_with('\\');
        if joined || !begins_group(line) {
            continue;
        }
        let Some(first) = line.words(is_blank).next() else { continue };
        let name = first.text.to_lowercase();
        // If ha.cf names no node, every name is wrong, and only the missing nodes are worth reporting.
        if nodes.is_empty() || nodes.contains(&name) {
            continue;
        }
        findings.push(bad_node_name(first, &name, nodes, path));
    }
}

fn begins_group(line: Line<'_>) -> bool {
    let first = line.text.trim_start_matches(is_blank).chars().next();
    first.is_some_and(|first| first != '#')
}

fn bad_node_name(first: Word<'_>, name: &str, nodes: &[String], path: &str) -> Finding {
    let original = format!("ERROR: Bad nodename in {path} [{name}]");
    if name.starts_with("//") {
        return slash_comment(&rule::HARESOURCES_SLASH_COMMENT, File::Haresources, first)
            .original(original);
    }
    if let Some(message) = byte_order_mark(first) {
        return Finding::new(&rule::BAD_NODE_NAME, File::Haresources, first.span(), message)
            .label("not a node of ha.cf")
            .help(WITHOUT_MARK)
            .original(original);
    }
    let message = format!("`{}` is not a node of ha.cf", first.text);
    let mut finding = Finding::new(&rule::BAD_NODE_NAME, File::Haresources, first.span(), message)
        .label(format!("expected {}", listed(nodes)))
        .original(original);
    let short = |name: &str| name.split('.').next().unwrap_or_default().to_owned();
    let meant = nearest(name, nodes.iter().map(String::as_str))
        .or_else(|| nodes.iter().map(String::as_str).find(|node| short(node) == short(name)));
    if let Some(meant) = meant {
        finding = finding.fix(format!("did you mean `{meant}`?"), first.span(), meant);
    }
    if first.text.contains(',') {
        finding = finding.help("a line has one node: the one that should run the group");
    }
    finding
}

/// Returns the node names for a message.
fn listed(nodes: &[String]) -> String {
    let quoted: Vec<String> = nodes.iter().take(4).map(|node| format!("`{node}`")).collect();
    quoted.join(" or ")
}

/// Joins lines as the script of heartbeat 3.0.6 does: a comment ends a line and hides its backslash; a
/// backslash at the very end joins the next line, in which `#` has no meaning.
pub(super) fn logical_lines(text: &str, findings: &mut Vec<Finding>) -> Vec<LogicalLine> {
    let mut found = Vec::new();
    let mut physical = lines(text);
    while let Some(first) = physical.next() {
        let line = first.without_comment();
        if line.text.len() < first.text.len() {
            comment_hides_continuation(first, line, findings);
        }
        let mut joined = Joined::default();
        let mut whole = line;
        loop {
            blank_after_backslash(whole, findings);
            let current = without_return(whole, findings);
            // A backslash before a carriage return is not at the end of the line, so it joins nothing.
            let Some(body) = whole.text.strip_suffix('\\') else {
                joined.push(current.text, current.start);
                break;
            };
            joined.push(body, current.start);
            let Some(next) = physical.next() else { break };
            comment_on_continuation(next, findings);
            whole = next;
        }
        let words = joined.words();
        if !words.is_empty() {
            found.push(words);
        }
    }
    found
}

/// Removes a carriage return, which heartbeat 3.0.6 makes part of the last word.
fn without_return<'a>(line: Line<'a>, findings: &mut Vec<Finding>) -> Line<'a> {
    let Some(text) = line.text.strip_suffix('\r') else { return line };
    if !text.trim_matches(is_blank).is_empty() {
        let end = line.start + text.len();
        findings.push(
            Finding::new(
                &rule::CARRIAGE_RETURN,
                File::Haresources,
                end..end + 1,
                "the line ends as on Windows",
            )
            .label("a C heartbeat reads the carriage return as part of the last word")
            .fix("end lines with a line feed alone", end..end + 1, ""),
        );
    }
    Line { text, start: line.start }
}

fn comment_hides_continuation(first: Line<'_>, line: Line<'_>, findings: &mut Vec<Finding>) {
    let hidden = first.text.trim_end_matches('\r').ends_with('\\');
    if hidden && !line.text.trim_matches(is_blank).is_empty() {
        let end = first.start + first.text.trim_end_matches('\r').len();
        findings.push(
            Finding::new(
                &rule::COMMENT_HIDES_CONTINUATION,
                File::Haresources,
                end - 1..end,
                "this backslash is part of a comment and joins nothing",
            )
            .label("the next line is a line of its own")
            .help("put the comment on a line of its own"),
        );
    }
}

fn comment_on_continuation(next: Line<'_>, findings: &mut Vec<Finding>) {
    let Some(at) = next.text.find('#') else { return };
    let end = next.text.trim_end_matches('\r').len().max(at + 1);
    findings.push(
        Finding::new(
            &rule::COMMENT_ON_CONTINUATION,
            File::Haresources,
            next.start + at..next.start + end,
            "a comment is not allowed on a continued line",
        )
        .label("`#` and these words are read as resources")
        .help("put the comment on a line of its own, above the group"),
    );
}

fn blank_after_backslash(line: Line<'_>, findings: &mut Vec<Finding>) {
    let trimmed = line.text.trim_end_matches([' ', '\t', '\r']);
    if trimmed.len() < line.text.len() && trimmed.ends_with('\\') {
        let end = line.start + trimmed.len();
        findings.push(
            Finding::new(
                &rule::BLANK_AFTER_BACKSLASH,
                File::Haresources,
                end - 1..line.span().end,
                "a backslash joins lines only at the very end",
            )
            .label("blanks follow, so it is read as a resource")
            .fix("leave nothing after it", end..line.span().end, ""),
        );
    }
}

/// Text joined from several places in the file.
#[derive(Default)]
struct Joined {
    characters: Vec<(char, usize)>,
}

impl Joined {
    fn push(&mut self, text: &str, start: usize) {
        let placed = text.char_indices().map(|(at, character)| (character, start + at));
        self.characters.extend(placed);
    }

    fn words(&self) -> LogicalLine {
        self.characters
            .split(|(character, _)| matches!(character, ' ' | '\t'))
            .filter_map(|word| {
                let (_, start) = word.first()?;
                let (last, end) = word.last()?;
                Some(JoinedWord {
                    text: word.iter().map(|(character, _)| character).collect(),
                    span: *start..end + last.len_utf8(),
                })
            })
            .collect()
    }
}
