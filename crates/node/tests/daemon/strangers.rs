//! Datagrams that are dropped, and what is reported about their origin.

use super::*;

/// Returns the log lines about dropped datagrams.
fn told(node: &Node) -> Vec<String> {
    node.log().lines().filter(|line| line.contains("bad packet(s)")).map(str::to_owned).collect()
}

fn dropped(node: &Node) -> Vec<serde_json::Value> {
    let status = node.status().unwrap_or_default();
    status["dropped"].as_array().cloned().unwrap_or_default()
}

#[test]
fn node_with_another_key_is_logged_once_and_shown_in_status() {
    let node = Node::new();
    node.start();
    let other = UdpSocket::bind("127.0.0.5:0").unwrap();
    let stranger = UdpSocket::bind("127.0.0.6:0").unwrap();
    let say = |socket: &UdpSocket, bytes: &[u8]| {
        socket.send_to(bytes, "127.0.0.1:694").unwrap();
    };
    node.wait_for("the other node", || {
        say(&other, &status_of_other(7, 1));
        node.log().contains("Status update for node other")
    });
    let mut forged = status_of_other(7, 2);
    let last = forged.len() - 3;
    forged[last] ^= 1;
    let mut sent = 0;
    node.wait_for("counts of both", || {
        say(&other, &forged);
        say(&stranger, &forged);
        sent += 1;
        let counts: Vec<_> = dropped(&node).iter().filter_map(|it| it["count"].as_u64()).collect();
        counts.len() == 2 && counts.iter().all(|count| *count > 150)
    });
    let known = dropped(&node).into_iter().find(|it| it["node"] == "other").unwrap();
    assert_eq!((&known["source"], &known["link"]), (&"127.0.0.5".into(), &"lo".into()));
    assert_eq!(known["other_key"], true);
    assert_eq!(known["causes"]["wrong signature"], known["count"]);
    let unknown = dropped(&node).into_iter().find(|it| it["node"].is_null()).unwrap();
    assert_eq!(unknown["source"], "127.0.0.6");
    let named = "other signs with another key: ";
    node.wait_for("a line about each", || {
        say(&other, &forged);
        let lines = told(&node);
        let stranger = "from 127.0.0.6 on lo: wrong signature (";
        [named, stranger].iter().all(|text| lines.iter().any(|line| line.contains(text)))
    });
    let lines = told(&node);
    // There is one more line if the node still counted as heard when the first packet came.
    assert!(lines.len() <= 3, "{sent} of each were sent: {lines:#?}");
    assert_eq!(lines.iter().filter(|line| line.contains(named)).count(), 1, "{lines:#?}");
    assert!(lines.iter().any(|line| line.contains("from 127.0.0.6 on lo: wrong signature (")));
    assert_eq!(node.code(&["-k"]), 0);
}
