//! Plays a test, and plays it again where this machine did not let the daemons keep their times.

use crate::{Outcome, pair, start, systole};
use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any, resume_unwind};
use std::time::Duration;
use systole_lab::{ClusterConfig, Daemon, Lab, Node, Stall};

/// How often a test is played on a machine that stands still.
const TRIES: u32 = 3;

/// Two nodes had the address. This is never the fault of the machine.
#[derive(Debug)]
pub(crate) struct TwoOwners;

/// How a run failed.
type Failure = Result<Box<dyn std::error::Error>, Box<dyn Any + Send>>;

/// The consequence of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Failed,
    OnceMore,
}

/// Starts a Systole pair, waits until web1 owns the address, and lets something happen; does nothing without
/// root.
///
/// A failure counts, unless the machine stood still for a good part of the silence after which a node is
/// dead: then the test is played again.
pub(crate) fn play(config: &ClusterConfig, happens: impl Fn(&Lab) -> Outcome) -> Outcome {
    play_with(config, |_| Ok(()), happens)
}

/// The same as [`play`], with preparations before the daemons are started.
pub(crate) fn play_with(
    config: &ClusterConfig,
    prepare: impl Fn(&Lab) -> Outcome,
    happens: impl Fn(&Lab) -> Outcome,
) -> Outcome {
    play_of(config, &[systole(), systole()], prepare, happens)
}

/// The same as [`play_with`], with these daemons.
pub(crate) fn play_of(
    config: &ClusterConfig,
    daemons: &[Daemon; 2],
    prepare: impl Fn(&Lab) -> Outcome,
    happens: impl Fn(&Lab) -> Outcome,
) -> Outcome {
    let patience = config.deadtime.saturating_sub(config.keepalive) / 2;
    let mut left = TRIES;
    loop {
        let stall = Stall::watch();
        let Some(lab) = pair(config.clone(), daemons.clone())? else { return Ok(()) };
        let played = catch_unwind(AssertUnwindSafe(|| {
            prepare(&lab)?;
            start(&lab)?;
            happens(&lab)
        }));
        let failure: Failure = match played {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => Ok(error),
            Err(panic) => Err(panic),
        };
        left -= 1;
        let longest = stall.longest();
        println!("this machine stood still for at most {longest:?}");
        for node in Node::ALL {
            println!("--- log of {node}\n{}", lab.log(node));
        }
        match judge(&failure, longest, patience, left) {
            Verdict::OnceMore => println!("=== nothing can be said of that: once more"),
            Verdict::Failed => return Err(failure.unwrap_or_else(|panic| resume_unwind(panic))),
        }
    }
}

fn judge(failure: &Failure, stall: Duration, patience: Duration, left: u32) -> Verdict {
    let is_law = failure.as_ref().is_err_and(|panic| panic.is::<TwoOwners>());
    if is_law || stall < patience || left == 0 { Verdict::Failed } else { Verdict::OnceMore }
}

/// Fails permanently when both nodes have had the address.
pub(crate) fn never_two(what: impl fmt::Debug, happened: bool) {
    if happened {
        println!("two nodes have the address: {what:?}");
        panic_any(TwoOwners);
    }
}

#[test]
fn slow_machine_excuses_failures_except_two_owners() {
    let [short, patience, long] = [100, 200, 300].map(Duration::from_millis);
    let rows: [(Failure, Duration, u32, Verdict); 5] = [
        (Ok("late".into()), short, 2, Verdict::Failed),
        (Ok("late".into()), long, 2, Verdict::OnceMore),
        (Err(Box::new("an assertion")), long, 1, Verdict::OnceMore),
        (Ok("late".into()), long, 0, Verdict::Failed),
        (Err(Box::new(TwoOwners)), long, 2, Verdict::Failed),
    ];
    for (failure, stall, left, expected) in rows {
        assert_eq!(
            judge(&failure, stall, patience, left),
            expected,
            "{failure:?} {stall:?} {left}"
        );
    }
}
