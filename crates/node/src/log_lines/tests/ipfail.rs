//! The lines of ipfail.

use super::*;

#[test]
fn ipfail_events_are_logged_as_by_ipfail_program() {
    let table: [(IpfailEvent, &[&str]); 24] = [
        (
            IpfailEvent::Asking,
            &["info: Asking other side for ping node count.", "debug: Message [num_ping] sent."],
        ),
        (IpfailEvent::Asked, &["debug: Got asked for num_ping."]),
        (IpfailEvent::Found(GATEWAY), &["debug: Found ping node 192.168.122.1!"]),
        (IpfailEvent::Rising, &["info: A ping node answers again: waiting until it counts."]),
        (IpfailEvent::Balanced, &["info: Ping node count is balanced."]),
        (
            IpfailEvent::TellingMore,
            &[
                "info: Telling other node that we have more visible ping nodes.",
                "debug: Sending you_are_dead.",
            ],
        ),
        (IpfailEvent::GivingUpFewer, &["info: Giving up because we have less visible ping nodes."]),
        (
            IpfailEvent::GivingUpTold,
            &["info: Giving up because we were told that we have less ping nodes."],
        ),
        (IpfailEvent::GivingUpForeign, &["info: Giving up foreign resources (auto_failback)."]),
        (
            IpfailEvent::Delayed(Duration::from_millis(4900)),
            &["info: Delayed giveup in 4 seconds."],
        ),
        (
            IpfailEvent::Expired,
            &[
                "info: giveup() called (timeout worked)",
                "debug: giveup timeout has been destroyed.",
            ],
        ),
        (
            IpfailEvent::Aborted,
            &["info: Aborted delayed giveup", "debug: giveup timeout has been destroyed."],
        ),
        (IpfailEvent::NothingToAbort, &["info: No giveup timer to abort."]),
        (IpfailEvent::AbortSent, &["debug: Abort message sent."]),
        (IpfailEvent::DeadSent, &["debug: Message [you_are_dead] sent."]),
        (IpfailEvent::WeAreDead, &["info: NS: We are dead. :<"]),
        (IpfailEvent::WeAreAlive, &["info: NS: We are still alive!"]),
        (
            IpfailEvent::PingNodeUp(GATEWAY),
            &[
                "info: Status update: Node 192.168.122.1 now has status ping",
                "info: A ping node just came up.",
            ],
        ),
        (
            IpfailEvent::NodeStatus(WEB1, NodeStatus::Dead),
            &["info: Status update: Node web1 now has status dead"],
        ),
        (
            IpfailEvent::PingNodeDead(GATEWAY),
            &["info: Status update: Node 192.168.122.1 now has status dead"],
        ),
        (
            IpfailEvent::LinkStatus(WEB1, ETH0, false),
            &["info: Link Status update: Link web1/eth0 now has status dead"],
        ),
        (
            IpfailEvent::PeerJoined(WEB1),
            &["debug: Got join message from another ipfail client. (web1)"],
        ),
        (IpfailEvent::PeerUnstable, &["debug: Other side is unstable."]),
        (IpfailEvent::PeerStable, &["debug: Other side is now stable."]),
    ];
    for (event, lines) in table {
        let lines: Vec<String> = lines.iter().map(|line| format!("ipfail {line}")).collect();
        assert_eq!(said(&Event::Ipfail(event)), lines, "{event:?}");
    }
}
