use super::*;
use crate::address::Placed;

#[test]
fn undecodable_netlink_message_is_skipped_alone() {
    let placed = Placed {
        address: "192.0.2.1".parse().unwrap(),
        prefix: 24,
        broadcast: None,
        interface: "left".into(),
        index: 2,
        mac: None,
        label: None,
        makes_route: true,
    };
    let message = Message::NewAddress(new_address(&placed, Duration::from_secs(3)));
    let good = packet(message, 0, 1);
    let mut bad = good.clone();
    // The length of its first attribute, which begins after both headers.
    bad[24..26].copy_from_slice(&u16::MAX.to_ne_bytes());
    let count = |parts: &[&[u8]]| messages(&parts.concat()).len();
    assert_eq!(count(&[&good]), 1);
    assert_eq!(count(&[&bad]), 0);
    assert_eq!(count(&[&bad, &good, &bad, &good]), 2);
    assert_eq!(count(&[&good, &good[..10]]), 1);
    assert_eq!(count(&[&good, &[0; 16]]), 1, "no length leads nowhere");
}
