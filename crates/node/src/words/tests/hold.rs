//! What is held and kept, in words.

use super::*;
use systole_core::{HoldEvent, Proof};

#[test]
fn what_is_held_and_why_something_is_not_taken() {
    let (owner, silence) = (WEB1, Duration::from_millis(30_001));
    let cause = Cause::OwnerDead { owner, silence, proof: Proof::Silence };
    let minute = Duration::from_mins(1);
    let table: &[(HoldEvent, &str)] = &[
        (
            HoldEvent::Begins { group: None, by: WEB1, left: minute },
            "WARN: Everything is held for 60 s by order on web1: it moves by order only, and is \
             not taken from a dead node. `hb release` ends that.",
        ),
        (
            HoldEvent::Released { group: Some(GROUP), by: WEB2 },
            "info: Group 192.168.122.100/24/eth0 is not held any more: released on web2.",
        ),
        (
            HoldEvent::Expired { group: None },
            "info: Everything may move by itself again: its time is over.",
        ),
        (
            HoldEvent::Withheld { group: GROUP, cause },
            "WARN: Group 192.168.122.100/24/eth0 is not taken, because it is held: web1 was silent \
             for 30001 ms.",
        ),
        (
            HoldEvent::Down { group: GROUP, moves: 6, span: minute },
            "WARN: Group 192.168.122.100/24/eth0 moved by itself too often (6 times of late): it \
             stays where it works best for 60 s.",
        ),
        (
            HoldEvent::Down { group: GROUP, moves: 0, span: minute },
            "WARN: Group 192.168.122.100/24/eth0 moved by itself too often: it stays where it works \
             best for 60 s.",
        ),
        (
            HoldEvent::DownOver { group: GROUP },
            "info: Group 192.168.122.100/24/eth0 may move by itself again.",
        ),
    ];
    for (event, line) in table {
        assert_eq!(said(&Event::Hold(*event)), [*line]);
    }
}
