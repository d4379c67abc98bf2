//! The lines of heartbeat's commands and scripts.

use crate::complain_plainly;
use jiff::Zoned;
use std::fmt::Display;
use std::io::{self, IsTerminal as _};
use std::process;

/// Prints an error as a compiled command of heartbeat does: with date, host, name and process id.
pub(super) fn error(host: &str, name: &str, text: impl Display) {
    let (date, pid) = (date(), process::id());
    complain_plainly(&format!("{date} {host} {name}: [{pid}]: ERROR: {text}"));
}

/// Prints a line as a script of heartbeat logs it: plain for a person at a terminal, else, without a log file,
/// with the date.
pub(super) fn log(text: impl Display) {
    if io::stdin().is_terminal() {
        complain_plainly(&text.to_string());
    } else {
        complain_plainly(&format!("{} {text}", date()));
    }
}

fn date() -> String {
    Zoned::now().strftime("%b %d %H:%M:%S").to_string()
}
