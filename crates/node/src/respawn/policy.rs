//! Decides when a program that ended is started again.

use std::time::Duration;
use systole_sys::process::Exit;

/// With this exit code a program asks not to be started again.
const NEVER_AGAIN: i32 = 100;

/// A run shorter than this is short: something is wrong with the program.
const SHORT: Duration = Duration::from_secs(30);

/// Number of consecutive short runs that are tolerated.
const FORGIVEN: u32 = 10;

/// Wait after a short run.
const PAUSE: Duration = Duration::from_secs(1);

/// What to do after the end of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Start it again after this long.
    Restart(Duration),
    /// The program asked not to be started again.
    Leave,
    /// The program ends too often, and is no longer started.
    TooFast,
    /// Restart the machine.
    Reboot,
}

/// The state of one program's policy.
///
/// ```text
///               run of 30 s or more           11th short run in a row
///            ┌──────────────────────┐       ┌───────────────────────▶ TooFast
///            ▼                      │       │
///   short = 0 ── short run ──▶ short = n ───┤
///                                   ▲       │ short run, wait 1 s
///                                   └───────┘
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    is_failfast: bool,
    short_runs: u32,
}

impl Policy {
    /// Creates the policy of a program that has not run yet.
    #[must_use]
    pub const fn new(is_failfast: bool) -> Self {
        Self { is_failfast, short_runs: 0 }
    }

    /// Judges the end of a run that took `ran`. Not for programs that the supervisor ends.
    pub fn judge(&mut self, exit: Exit, ran: Duration) -> Verdict {
        if self.is_failfast && exit != Exit::Code(0) {
            return Verdict::Reboot;
        }
        if exit == Exit::Code(NEVER_AGAIN) {
            return Verdict::Leave;
        }
        if ran >= SHORT {
            self.short_runs = 0;
            return Verdict::Restart(Duration::ZERO);
        }
        self.short_runs += 1;
        if self.short_runs > FORGIVEN { Verdict::TooFast } else { Verdict::Restart(PAUSE) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG_RUN: Duration = Duration::from_secs(30);
    const SHORT_RUN: Duration = Duration::from_millis(29_999);

    #[test]
    fn exit_verdict_depends_on_failfast_exit_and_run_time() {
        let again = Verdict::Restart(Duration::ZERO);
        let table = [
            (false, Exit::Code(0), LONG_RUN, again),
            (false, Exit::Code(1), LONG_RUN, again),
            (false, Exit::Signal(9), LONG_RUN, again),
            (false, Exit::Code(0), SHORT_RUN, Verdict::Restart(PAUSE)),
            (false, Exit::Signal(15), SHORT_RUN, Verdict::Restart(PAUSE)),
            (false, Exit::Code(100), SHORT_RUN, Verdict::Leave),
            (false, Exit::Code(100), LONG_RUN, Verdict::Leave),
            (true, Exit::Code(0), LONG_RUN, again),
            (true, Exit::Code(0), SHORT_RUN, Verdict::Restart(PAUSE)),
            (true, Exit::Code(1), LONG_RUN, Verdict::Reboot),
            (true, Exit::Code(100), LONG_RUN, Verdict::Reboot),
            (true, Exit::Signal(11), SHORT_RUN, Verdict::Reboot),
        ];
        for (is_failfast, exit, ran, verdict) in table {
            let judged = Policy::new(is_failfast).judge(exit, ran);
            assert_eq!(judged, verdict, "failfast {is_failfast}, {exit:?} after {ran:?}");
        }
    }

    #[test]
    fn respawn_ends_at_eleventh_short_run_in_a_row() {
        let mut policy = Policy::new(false);
        for _ in 0..3 {
            for _ in 0..10 {
                assert_eq!(policy.judge(Exit::Code(1), SHORT_RUN), Verdict::Restart(PAUSE));
            }
            let verdict = policy.judge(Exit::Code(1), LONG_RUN);
            assert_eq!(verdict, Verdict::Restart(Duration::ZERO), "a long run resets the count");
        }
        for _ in 0..10 {
            policy.judge(Exit::Code(1), SHORT_RUN);
        }
        assert_eq!(policy.judge(Exit::Code(1), SHORT_RUN), Verdict::TooFast);
    }
}
