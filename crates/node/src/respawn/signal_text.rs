//! How heartbeat's log describes the signal that ended a program.

/// The signals that end a program, as heartbeat 3.0.6 was seen to log them.
const TEXTS: [(i32, &str); 19] = [
    (1, "SIGHUP - Hangup"),
    (3, "SIGQUIT - Quit"),
    (4, "SIGILL - Illegal instruction"),
    (5, "SIGTRAP - Trace"),
    (6, "SIGABRT - Abort"),
    (7, "SIGBUS - BUS error"),
    (9, "SIGKILL - Kill, unblockable"),
    (10, "SIGUSR1 - User-defined signal 1"),
    (11, "SIGSEGV - Segmentation violation"),
    (12, "SIGUSR2 - User-defined signal 2"),
    (15, "SIGTERM - Termination (ANSI)"),
    (16, "SIGSTKFLT - Stack fault"),
    (24, "SIGXCPU - CPU limit exceeded"),
    (25, "SIGXFSZ - File size limit exceeded"),
    (26, "SIGVTALRM - Virtual alarm clock"),
    (27, "SIGPROF - Profiling alarm clock"),
    (29, "SIGPOLL - Pollable event occurred"),
    (30, "SIGPWR - Power failure restart"),
    (31, "SIGSYS - Bad system call"),
];

/// Returns the words for a signal: its number, and its description if there is one.
pub(super) fn signal_text(number: i32) -> String {
    match TEXTS.iter().find(|(known, _)| *known == number) {
        Some((_, text)) => format!("signal {number} [{text}]"),
        None => format!("signal {number}"),
    }
}
