use super::*;
use crate::compatible::snapshot;

fn group(preferred: &str, owner: Option<&str>, phase: Phase) -> GroupReport {
    let (preferred, owner) = (preferred.to_owned(), owner.map(str::to_owned));
    GroupReport { preferred, owner, phase, ..GroupReport::default() }
}

#[test]
fn held_set_follows_owners_and_phases() {
    let both = |local: Option<&str>, foreign: Option<&str>, phase: Phase| {
        let groups = vec![group("web1", local, Phase::Active), group("web2", foreign, phase)];
        held(&snapshot("active", groups)).word()
    };
    assert_eq!(both(Some("web1"), Some("web2"), Phase::Active), "local");
    assert_eq!(both(Some("web1"), Some("web1"), Phase::Active), "all");
    assert_eq!(both(Some("web1"), Some("web1"), Phase::Failed), "local");
    assert_eq!(both(Some("web2"), Some("web1"), Phase::Active), "foreign");
    assert_eq!(both(Some("web2"), Some("web2"), Phase::Active), "none");
}

#[test]
fn set_without_groups_is_held_as_heartbeat_says() {
    let one = |peer: &str, preferred: &str, owner: &str| {
        held(&snapshot(peer, vec![group(preferred, Some(owner), Phase::Active)])).word()
    };
    assert_eq!(one("active", "web1", "web1"), "local");
    assert_eq!(one("active", "web1", "web2"), "none");
    assert_eq!(one("active", "web2", "web2"), "local");
    assert_eq!(one("active", "web2", "web1"), "all");
    assert_eq!(one("dead", "web1", "web1"), "all");
}

#[test]
fn nodes_and_ping_nodes_are_listed_in_reverse_order() {
    let parameters = Parameters {
        nodes: vec!["web2".into(), "10.0.0.1".into(), "web1".into()],
        links: vec![("eth0".into(), false), ("eth1".into(), true)],
        ..Parameters::default()
    };
    let nodes = nodes(&snapshot("dead", Vec::new()), &parameters);
    let names: Vec<_> = nodes.iter().map(|node| node.name.as_str()).collect();
    assert_eq!(names, ["web1", "10.0.0.1", "web2"]);
    assert_eq!(nodes[1].link("10.0.0.1"), Ok(true));
    assert_eq!(nodes[0].link("eth1"), Ok(true), "the links of this node are its media");
    assert_eq!((nodes[2].link("eth0"), nodes[2].link("eth1")), (Ok(false), Err(Unknown)));
}
