//! The matrix: what a Systole node and a C node do side by side.
//!
//! Every scenario is one function, divided into steps, with the implementation of each node as a parameter.
//! It is judged for (C, ours), (ours, C) and (ours, ours); the right behaviour is what (C, C) did, which is
//! recorded below `control/` and renewed by `just control`. Orders and faults happen to web1, so that the two
//! mixed pairs show each implementation on either side.
//!
//! These tests need root, the Debian package `heartbeat`, and the daemon next to the test
//! (`cargo build --workspace --bins`). They wait more than they compute: run many at once
//! (`cargo nextest run --profile waiting`).
#![expect(clippy::print_stdout, reason = "what was measured or skipped is told")]

mod control;
mod failing;
mod hand_over;
mod ipfail;
mod legacy;
mod lines;
mod network;
mod pair;
mod restart;
mod return_home;
mod run;
mod start;
mod verdict;
mod watch;

use std::error::Error;

type Outcome = Result<(), Box<dyn Error>>;

/// Makes the tests of a scenario: the function of this name for the three pairs that are judged, and for the
/// pair that is the control.
macro_rules! scenario {
    ($name:ident, $config:expr) => {
        crate::scenario!($name, $config, #[test]);
    };
    // Two Systole nodes end differently, on purpose.
    (mixed $name:ident, $config:expr) => {
        crate::scenario!($name, $config, #[cfg(any())]);
    };
    ($name:ident, $config:expr, $(#[$ours:meta])+) => {
        mod $name {
            use super::*;
            use crate::pair::Pair;

            #[test]
            fn classic_with_ours() -> Outcome {
                crate::run::judge(stringify!($name), &$config, Pair::CLASSIC_OURS, super::$name)
            }

            #[test]
            fn ours_with_classic() -> Outcome {
                crate::run::judge(stringify!($name), &$config, Pair::OURS_CLASSIC, super::$name)
            }

            $(#[$ours])+
            fn ours_with_ours() -> Outcome {
                crate::run::judge(stringify!($name), &$config, Pair::OURS, super::$name)
            }

            #[test]
            #[ignore = "renews the control, see CONTRIBUTING.md: just control"]
            fn control() -> Outcome {
                crate::run::renew(stringify!($name), &$config, super::$name)
            }
        }
    };
}
use scenario;
