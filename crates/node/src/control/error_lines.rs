//! The errors of the beat thread, in words.

use crate::beat::error_counters::{ErrorCounters, Unsent};
use crate::log::{Level, Line, Repeating};
use std::io;
use std::time::Duration;
use systole_sys::link::LinkSpec;

/// Returns the lines about one second of errors, except those about dropped datagrams and unsent messages.
pub(super) fn lines(errors: &ErrorCounters) -> Vec<Line> {
    let mut lines = Vec::new();
    let others = [
        (errors.unreceived, "packets could not be received"),
        (errors.unencodable, "messages could not be encoded"),
        (errors.lost_news, "lines were lost because the log is too slow"),
    ];
    for (count, text) in others {
        if count > 0 {
            lines.push(Line::new(Level::Warning, format!("{count} {text}")));
        }
    }
    if errors.is_restless {
        let text = "The beat thread does not come to rest and is slowed down. This is a bug in \
                    heartbeat: please report it.";
        lines.push(Line::new(Level::Error, text));
    }
    lines
}

/// Returns the line about messages that a medium did not take, within a second or within this span.
pub(super) fn unsent_line(spec: &LinkSpec, unsent: Unsent, span: Option<Duration>) -> Line {
    let span = span.map_or_else(String::new, |span| format!(" in {} s", span.as_secs()));
    let (kind, name) = (spec.kind(), spec.name());
    let error = io::Error::from_raw_os_error(unsent.error);
    if error.kind() == io::ErrorKind::TimedOut {
        let cause = "(no connection or bad cable? [see documentation])";
        let text = format!("glib: TTY write timeout on [{name}] {cause}");
        return Line::new(Level::Warning, text).repeating(Repeating::StuckLine);
    }
    let count = unsent.count;
    if unsent.error == rustix::io::Errno::NOBUFS.raw_os_error() {
        let text = format!("{kind} {name} is too slow: {count} messages were dropped{span}");
        return Line::new(Level::Warning, text);
    }
    let text =
        format!("write_child: write failure on {kind} {name}.: {error}, {count} times{span}");
    Line::new(Level::Error, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serial_write_failure_is_reported_by_kind_of_error() {
        let spec = LinkSpec::Serial {
            tty: "/dev/ttyS0".to_owned(),
            baud: 9600,
            patience: Duration::from_secs(1),
        };
        let line = |error: rustix::io::Errno| {
            unsent_line(&spec, Unsent { count: 3, error: error.raw_os_error() }, None)
        };
        let stuck = line(rustix::io::Errno::TIMEDOUT);
        let words = "glib: TTY write timeout on [/dev/ttyS0] (no connection or bad cable? [see \
                     documentation])";
        assert_eq!((stuck.level, stuck.text.as_str()), (Level::Warning, words));
        let slow = line(rustix::io::Errno::NOBUFS);
        assert_eq!(slow.text, "serial /dev/ttyS0 is too slow: 3 messages were dropped");
        let long = line(rustix::io::Errno::MSGSIZE);
        assert!(long.text.starts_with("write_child: write failure on serial /dev/ttyS0.: "));
        assert!(long.text.ends_with(", 3 times"));
    }
}
