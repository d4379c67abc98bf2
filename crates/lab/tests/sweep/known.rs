//! The intended differences, each with its reason. `docs/differences.md` lists them for people.

use crate::compare::Difference;
use crate::mutate::{Case, Which};
use crate::room::Answers;

/// The longest line of haresources that heartbeat 3.0.6 reads as one.
const LINE_MAX: usize = 5118;

/// Findings about things that are new in Systole, so that a C node refuses them: units of times, directives,
/// values, and a signing method.
const NEW_HERE: [&str; 4] = ["HA0202", "HA0108", "HA0214", "HA0619"];

/// Findings about numbers and times out of range, which heartbeat 3.0.6 truncates to 32 or fewer bits, and
/// about times with more than one point.
const OUT_OF_RANGE: [&str; 4] = ["HA0201", "HA0205", "HA0302", "HA0611"];

/// Returns why a difference is intended; `None` for a difference that has not been examined.
pub(crate) fn reason(
    case: &Case,
    difference: &Difference,
    answers: &Answers,
) -> Option<&'static str> {
    let file = case.changed();
    if file.split(|byte| *byte == b'\n').any(|line| line.len() > LINE_MAX) {
        return Some("a line has any length here");
    }
    if case.which == Which::Haresources && file.contains(&0) {
        return Some("heartbeat's script takes a file with a NUL for binary, and finds no group");
    }
    match difference {
        Difference::WeRefuse(findings) => we_refuse(file, findings),
        Difference::TheyRefuse(findings, text) => {
            let built_in = ["Client child command [", "Invalid uid ["];
            if findings.iter().any(|finding| NEW_HERE.contains(&finding.as_str())) {
                Some("it is new here")
            } else if built_in.iter().any(|words| text.starts_with(words))
                && answers.ours.complaints.contains("ipfail") | contains(file, b"ipfail")
            {
                Some("ipfail is built in, wherever its path points and whoever runs it")
            } else {
                None
            }
        }
        Difference::Other(name, theirs, _) if name == "node" && theirs.contains("//") => {
            Some("a node's name does not begin with //")
        }
        Difference::Other(name, theirs, _) if name.starts_with("web") => {
            groups(file, theirs, &answers.ours.complaints)
        }
        Difference::Other(_, _, _) => None,
    }
}

fn we_refuse(file: &[u8], findings: &[String]) -> Option<&'static str> {
    let all = |known: &[&str]| findings.iter().all(|finding| known.contains(&finding.as_str()));
    if all(&OUT_OF_RANGE) {
        Some("a number that does not fit is a mistake")
    } else if all(&["HA0301"]) && contains(file, b"ping") {
        Some("ping nodes alone carry no beats")
    } else if all(&["HA0504"]) {
        Some("a folder is no program")
    } else {
        None
    }
}

fn groups(file: &[u8], theirs: &str, complaints: &str) -> Option<&'static str> {
    let text = file.trim_ascii_end();
    if text.ends_with(b"\\") && theirs.ends_with('\\') {
        Some("a backslash on the last line joins nothing")
    } else if complaints.contains("[HA0717]") {
        Some("a line of the script whose first word is no node is nobody's")
    } else {
        None
    }
}

fn contains(file: &[u8], word: &[u8]) -> bool {
    file.windows(word.len()).any(|window| window == word)
}
