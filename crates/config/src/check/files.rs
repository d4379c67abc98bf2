//! Files and devices that do not exist.

use super::find;
use crate::facts::{Facts, FileKind, Find};
use crate::finding::Finding;
use crate::hacf::Draft;
use crate::rule;

pub(super) fn check(draft: &Draft, facts: &Facts<'_>, findings: &mut Vec<Finding>) {
    // Only absolute paths are checked: a daemon has its own working directory, which is not known here.
    let place = |directive| {
        let path = draft.written(directive).filter(|path| path.starts_with('/'))?;
        Some((path, draft.span(directive)?))
    };
    if let (Some(file), Some((path, span))) = (facts.file, place("watchdog"))
        && file(path).is_none()
    {
        let message = format!("there is no watchdog device `{path}`");
        findings.push(
            find(&rule::NO_WATCHDOG, span, message)
                .label("no such file: the daemon runs without it")
                .help(
                    "`modprobe softdog` creates /dev/watchdog on a machine without a hardware \
                       watchdog",
                ),
        );
    }
    let Some(file) = facts.log_file else { return };
    for (path, span) in ["logfile", "debugfile"].into_iter().filter_map(place) {
        if let Some(label) = hindrance(file, path) {
            let message = format!("the daemon cannot write to `{path}`");
            findings.push(find(&rule::NO_LOG_FILE, span, message).label(label));
        }
    }
}

/// Returns why a path cannot be that of a log file; the file itself need not exist yet.
fn hindrance(file: Find<'_, FileKind>, path: &str) -> Option<&'static str> {
    match file(path) {
        Some(FileKind::Executable | FileKind::Plain | FileKind::Device) => None,
        Some(FileKind::Other) => Some("not a regular file"),
        None => {
            let folder = path.rsplit_once('/').map_or("/", |(folder, _)| folder);
            let folder = if folder.is_empty() { "/" } else { folder };
            match file(folder) {
                Some(FileKind::Other) => None,
                Some(_) => Some("its directory is a file"),
                None => Some("there is no such directory"),
            }
        }
    }
}
