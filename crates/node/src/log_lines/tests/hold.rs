//! The lines about what is held and kept.

use super::*;
use systole_core::{HoldEvent, Obstacle, Proof};

#[test]
fn hold_and_hold_down_have_their_own_log_lines() {
    let minute = Duration::from_mins(1);
    let table: &[(HoldEvent, &str)] = &[
        (
            HoldEvent::Begins { group: None, by: WEB1, left: minute },
            "WARN: Everything is held for 60 s (ordered on web1): moves only by order; not taken \
             over from a dead node. `hb release` ends that.",
        ),
        (
            HoldEvent::Released { group: Some(GROUP), by: WEB2 },
            "info: Group 192.168.122.100/24/eth0 is no longer held: released on web2.",
        ),
        (
            HoldEvent::Expired { group: None },
            "info: Everything may move automatically again: its time is over.",
        ),
        (
            HoldEvent::Down { group: GROUP, moves: 6, span: minute },
            "WARN: Group 192.168.122.100/24/eth0 moved automatically too often (6 times recently): it \
             stays where it works best for 60 s.",
        ),
        (
            HoldEvent::Down { group: GROUP, moves: 0, span: minute },
            "WARN: Group 192.168.122.100/24/eth0 moved automatically too often: it stays where it works \
             best for 60 s.",
        ),
        (
            HoldEvent::DownOver { group: GROUP },
            "info: Group 192.168.122.100/24/eth0 may move automatically again.",
        ),
    ];
    for (event, line) in table {
        assert_eq!(said(&Event::Hold(*event)), [*line]);
    }
}

#[test]
fn group_not_taken_is_logged_with_cause_and_obstacle() {
    let cause = Cause::OwnerDead {
        owner: WEB1,
        silence: Duration::from_millis(30_001),
        proof: Proof::Silence,
    };
    let told = |obstacle| said(&Event::NotTaken { group: GROUP, obstacle, cause });
    let begin = "WARN: Group 192.168.122.100/24/eth0 is not taken by this node although web1 was silent \
                 for 30001 ms: ";
    assert_eq!(told(Obstacle::Held), [format!("{begin}it is held; hb release ends the hold.")]);
    assert_eq!(told(Obstacle::NoExecutor), [format!("{begin}the executor is not running.")]);
}
