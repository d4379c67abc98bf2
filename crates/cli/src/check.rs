//! `hb check`: checks the three files without a daemon.

use crate::{exit, print};
use std::io::{self, IsTerminal as _};
use std::path::Path;
use systole_config::{Config, render, summary};
use systole_facts::Files;
use systole_facts::capabilities::{complaints, is_root};

/// Prints all findings. The exit code is 0, 1 for warnings with `strict`, 2 for errors.
pub(crate) fn run(directory: &Path, strict: bool) -> u8 {
    let files = Files::read(directory);
    let loaded = files.check_for_people(directory);
    print(&render(&loaded.findings, &files.sources(), io::stdout().is_terminal()));
    let mut counts = summary(&loaded.findings);
    let is_realtime = loaded.config.as_ref().is_none_or(|config| config.process.realtime);
    let lacking = lacking(is_realtime);
    counts.warnings += lacking.len();
    for text in &lacking {
        print(&format!("warning: {text}\n"));
    }
    let advice = loaded.config.as_ref().and_then(advice);
    counts.notes += usize::from(advice.is_some());
    if let Some(text) = &advice {
        print(&format!("note: {text}\n"));
    }
    if !loaded.findings.is_empty() || !lacking.is_empty() || advice.is_some() {
        print("\n");
    }
    print(&format!(
        "{}: {}, {}, {}\n",
        directory.display(),
        counted(counts.errors, "error"),
        counted(counts.warnings, "warning"),
        counted(counts.notes, "note"),
    ));
    if counts.errors > 0 {
        exit::USAGE
    } else if strict && counts.warnings > 0 {
        exit::REFUSED
    } else {
        exit::OK
    }
}

/// Recommends monitoring where nothing looks at any service.
fn advice(config: &Config) -> Option<String> {
    let mut resources = config.groups.iter().flat_map(|group| &group.resources);
    let service = resources.find(|resource| !resource.is_address())?;
    let text = format!(
        "nothing looks whether {} works while it runs: add `monitor default every 10s timeout 20s` to ha.cf, \
         once no node reads the file with heartbeat 3.0.6 (docs/monitoring.md)",
        service.word
    );
    config.monitors.is_empty().then_some(text)
}

/// Returns complaints about capabilities that root lacks here, and so does a daemon started from here.
/// Users other than root start no daemon.
fn lacking(is_realtime: bool) -> Vec<String> {
    if is_root() { complaints(is_realtime) } else { Vec::new() }
}

fn counted(count: usize, word: &str) -> String {
    match count {
        0 => format!("no {word}s"),
        1 => format!("1 {word}"),
        count => format!("{count} {word}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn count_agrees_with_its_noun_and_zero_reads_no() {
        assert_eq!(counted(0, "error"), "no errors");
        assert_eq!(counted(1, "error"), "1 error");
        assert_eq!(counted(2, "error"), "2 errors");
    }
}
