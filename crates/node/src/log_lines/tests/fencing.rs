//! The lines about fencing.

use super::*;
use systole_core::FencingEvent;

#[test]
fn failed_fencing_is_logged_with_advice() {
    let attempt = 3;
    let failed =
        |retry, is_heard| Event::Fencing(WEB1, FencingEvent::Failed { attempt, retry, is_heard });
    let [not_reset, again] =
        ["ERROR: Host web1 not reset!", "ERROR: STONITH of web1 failed.  Retrying..."];
    check(&[
        (
            failed(Some(Duration::from_secs(8)), true),
            &[
                not_reset,
                again,
                "WARN: web1 is heard, and cannot tell what still runs there. Repair its executor, \
                 or switch the node off; when it is off: hb confirm-dead web1",
            ],
        ),
        (
            failed(Some(Duration::from_secs(8)), false),
            &[
                not_reset,
                again,
                "WARN: Check whether web1 is off; when it is off: hb confirm-dead web1",
            ],
        ),
        (failed(Some(Duration::ZERO), false), &[not_reset, again]),
        (failed(None, true), &[not_reset, "WARN: web1 is heard again, and is not fenced again."]),
    ]);
}
