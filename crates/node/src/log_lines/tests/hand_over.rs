//! The lines about a standby hand-over.

use super::*;

#[test]
fn hand_over_is_logged_as_by_heartbeat() {
    let step = Event::HandOver;
    let all = Scope::Set(GroupSet::All);
    let refused = |step, why| {
        let left = Duration::from_millis(9900);
        Event::HandOver(HandOverEvent::Refused { node: WEB1, step, why, left })
    };
    check(&[
        (step(HandOverEvent::Wanted(WEB1, all)), &["info: web1 wants to go standby [all]"]),
        (
            step(HandOverEvent::Granted(WEB1, all)),
            &["info: standby: web1 can take our all resources"],
        ),
        (step(HandOverEvent::Releasing(all)), &["info: give up all HA resources (standby)."]),
        (
            step(HandOverEvent::Released(all)),
            &[
                "info: all HA resource release completed (standby).",
                "info: Local standby process completed [all].",
            ],
        ),
        (
            step(HandOverEvent::Acquiring(WEB1, Scope::Set(GroupSet::Foreign))),
            &[
                "info: standby: acquire [foreign] resources from web1",
                "info: acquire local HA resources (standby).",
            ],
        ),
        (
            step(HandOverEvent::Acquired(all)),
            &["info: all HA resource acquisition completed (standby)."],
        ),
        (step(HandOverEvent::Taken(all)), &["info: Standby resource acquisition done [all]."]),
        (
            step(HandOverEvent::Given(all)),
            &["info: Other node completed standby takeover of all resources."],
        ),
        (
            step(HandOverEvent::NoReply),
            &["WARN: No reply to standby request.  Standby request cancelled."],
        ),
        (
            step(HandOverEvent::Wanted(WEB1, Scope::Group(GroupId(0)))),
            &["info: web1 wants to go standby [group 192.168.122.100/24/eth0]"],
        ),
        (
            step(HandOverEvent::Declined(WEB1, Refusal::FewerPings)),
            &["WARN: standby: web1 refused: the node that was to take it sees fewer ping nodes."],
        ),
        (step(HandOverEvent::Cancelled), &["info: Cancelling pending standby operation"]),
        (
            refused(Step::Me, Refusal::Busy),
            &["WARN: Standby in progress- new request from web1 ignored [9 seconds left]"],
        ),
        (
            refused(Step::Other, Refusal::Busy),
            &["ERROR: Ignored standby message 'other' from web1 in state 0"],
        ),
        (
            refused(Step::Me, Refusal::LocalInFlux),
            &["WARN: standby message [me] from web1 ignored.  local resources in flux."],
        ),
        (
            refused(Step::Me, Refusal::RemoteInFlux),
            &["WARN: standby message [me] from web1 ignored.  Other side is in flux."],
        ),
        (
            refused(Step::Me, Refusal::Legacy),
            &["info: Standby mode only implemented when nice_failback on"],
        ),
        (
            refused(Step::Me, Refusal::NotReady),
            &[
                "WARN: standby message [me] from web1 ignored.  Reason: this node is starting or stopping.",
            ],
        ),
    ]);
}
