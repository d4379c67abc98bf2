//! Retries for what a daemon needs.
//!
//! A machine may briefly have no descriptor, thread or memory left. A daemon that ended because of that
//! would let go of everything that its predecessor held.

use crate::log::{Level, Line, Log};
use std::io;
use std::thread::sleep;
use std::time::Duration;
use systole_sys::signals::{Signal, Signals};

/// Time between two attempts.
const GAP: Duration = Duration::from_millis(10);

/// Repeats an action until it succeeds, and logs the first failure. Meanwhile there are no beats, and a
/// signal to stop is obeyed.
///
/// # Errors
///
/// The last failure, after a signal to stop.
pub(super) fn retry<T>(
    what: &str,
    signals: &Signals,
    log: &mut Log,
    mut attempt: impl FnMut() -> io::Result<T>,
) -> io::Result<T> {
    let mut is_told = false;
    loop {
        let error = match attempt() {
            Ok(done) => return Ok(done),
            Err(error) => error,
        };
        if !is_told {
            let text = format!("Cannot {what}: {error}. It is tried again.");
            log.write(&Line::new(Level::Error, text));
            is_told = true;
        }
        while let Ok(Some(received)) = signals.next() {
            if received.signal == Signal::Terminate {
                return Err(error);
            }
        }
        sleep(GAP);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempt_failing_for_a_while_succeeds_in_the_end() {
        let signals = Signals::take().unwrap();
        let mut left = 3;
        let attempt = || {
            left -= 1;
            if left == 0 { Ok(7) } else { Err(io::ErrorKind::OutOfMemory.into()) }
        };
        assert_eq!(retry("try", &signals, &mut Log::on_stderr("web1"), attempt).unwrap(), 7);
    }
}
