//! The lines of heartbeat's commands and scripts.

use crate::complain_plainly;
use jiff::Zoned;
use std::fmt::Display;
use std::process;

/// Prints an error as a compiled command of heartbeat does: with date, host, name and process id.
pub(super) fn error(host: &str, name: &str, text: impl Display) {
    let (date, pid) = (date(), process::id());
    complain_plainly(&format!("{date} {host} {name}: [{pid}]: ERROR: {text}"));
}

/// Prints a line as a script of heartbeat logs it without a log file: with the date.
pub(super) fn log(text: impl Display) {
    complain_plainly(&format!("{} {text}", date()));
}

fn date() -> String {
    Zoned::now().strftime("%b %d %H:%M:%S").to_string()
}
