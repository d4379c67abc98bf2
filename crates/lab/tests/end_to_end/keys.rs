//! Which keys sign messages, and which do not.

use crate::play::play;
use crate::{
    CALM, LIMIT, Outcome, nobody_else_answered, owned_by, pair, print_gap, stays_with, systole,
};
use std::thread::sleep;
use std::time::{Duration, Instant};
use systole_lab::{ClusterConfig, Lab, LabError, Node};
use systole_wire::{Fields, Form, Keys, Method, Sealer, Style};

/// Returns a forged message of web2, from a run in the far future.
fn forged(keys: &Keys, kind: &str, fields: &[(&str, &str)]) -> Vec<u8> {
    let header = [("src", "web2"), ("seq", "9"), ("hg", "ffffffff"), ("ts", "7b02cf8a")];
    let mut message = Fields::default();
    for (name, value) in [("t", kind)].iter().chain(fields).chain(&header) {
        message.push_text(name, value).expect("it is a good field");
    }
    let mut sealer = Sealer::new(Style::default());
    sealer.seal(&message, Form::Framed, keys).expect("it is a good message").to_owned()
}

/// Orders and reports of web2 that must not be believed.
fn forgeries(keys: &Keys) -> [Vec<u8>; 4] {
    [
        forged(keys, "status", &[("st", "active"), ("dt", "7d0"), ("protocol", "1")]),
        forged(keys, "hb_takeover", &[("rsc_hold", "all")]),
        forged(keys, "ask_resources", &[("rsc_hold", "all"), ("info", "me")]),
        forged(keys, "shutdone", &[("st", "dead")]),
    ]
}

#[test]
fn sha256_pair_with_old_crc_line_drops_crc_forgeries() -> Outcome {
    let keys = "auth 1\n1 sha256 LongAndSecret\n3 crc\n".to_owned();
    play(&ClusterConfig { keys, ..ClusterConfig::default() }, |lab| {
        let checksum = Keys::new(3, [(3, Method::Crc, &b""[..])])?;
        let forgeries = forgeries(&checksum);
        lab.flood(Node::Web1, &forgeries, 1_000, Duration::from_secs(3))?;
        lab.wait_for("web1 says why it drops them", LIMIT, || {
            lab.log(Node::Web1).contains("checksum in place of a signature")
        })?;
        assert!(!lab.log(Node::Web1).contains("Heartbeat restart on node web2"));
        stays_with(lab, Node::Web1);
        lab.standby(Node::Web1)?;
        owned_by(lab, Node::Web2)?;
        Ok(())
    })
}

/// Gives a node the new keys and makes it read them.
fn renew(lab: &Lab, node: Node) -> Result<(), LabError> {
    lab.write_file(node, "etc/ha.d/authkeys", "auth 1\n1 sha1 LongAndSecret\n")?;
    let output = lab.run(node, &["heartbeat", "-r"])?;
    if output.success() {
        return Ok(());
    }
    Err(LabError::ToolFailed { command: "heartbeat -r".to_owned(), output: output.stderr })
}

fn status(lab: &Lab, node: Node) -> String {
    lab.run(node, &["hb", "status"]).map_or(String::new(), |output| output.stdout)
}

#[test]
fn nodes_with_different_keys_report_each_other() -> Outcome {
    let Some(lab) = pair(ClusterConfig::default(), [systole(), systole()])? else {
        return Ok(());
    };
    lab.write_file(Node::Web2, "etc/ha.d/authkeys", "auth 3\n3 md5 Hello?\n")?;
    for node in Node::ALL {
        lab.start_daemon(node)?;
    }
    for node in Node::ALL {
        let other = node.other();
        let told = format!("ERROR: {other} signs with another key: ");
        lab.wait_for("each says that the other one has another key", LIMIT, || {
            lab.log(node).contains(&told)
        })?;
        lab.wait_for("the status shows it beside the other node", LIMIT, || {
            let status = status(&lab, node);
            let lines = status.lines().skip_while(|line| !line.contains(other.name()));
            lines.take_while(|line| !line.is_empty()).any(|line| {
                line.contains("signs with another key") && line.contains("wrong signature")
            })
        })?;
    }
    // Many packets later nothing more has been logged.
    sleep(CALM);
    for node in Node::ALL {
        let log = lab.log(node);
        assert_eq!(log.matches("bad packet(s)").count(), 1, "{log}");
    }
    Ok(())
}

#[test]
fn key_renewal_from_md5_to_sha1_moves_nothing() -> Outcome {
    play(&ClusterConfig::default(), |lab| {
        let since = Instant::now();
        let starts = Node::ALL.map(|node| lab.log(node).len());
        let said = |node: Node| lab.log(node)[starts[usize::from(node == Node::Web2)]..].to_owned();
        renew(lab, Node::Web1)?;
        let waits = "Keys are being renewed: web2 not yet heard with the new key.";
        lab.wait_for(waits, LIMIT, || status(lab, Node::Web1).contains(waits))?;
        // Five seconds later the node shows its new signature again, which web2 does not know.
        let unknown = "unknown key id";
        lab.wait_for("web2 says once that it does not know a signature", LIMIT, || {
            said(Node::Web2).contains(unknown)
        })?;
        lab.wait_for("web2 counts two of them beside web1", LIMIT, || {
            let told = status(lab, Node::Web2);
            let count = told
                .split_once(unknown)
                .and_then(|(_, rest)| rest.split(['(', ')']).nth(1)?.parse().ok());
            count.is_some_and(|count: u64| count >= 2)
        })?;
        assert!(!said(Node::Web2).contains("signs with another key"), "web1 is heard all the time");
        renew(lab, Node::Web2)?;
        for node in Node::ALL {
            lab.wait_for("every node has the new key", LIMIT, || {
                said(node).contains("Every node has the new key. The old one is no longer used.")
            })?;
        }
        for node in Node::ALL {
            lab.wait_for("the old key is over", LIMIT, || {
                said(node).contains("Keys are renewed: the old ones are no longer accepted.")
            })?;
            assert!(!status(lab, node).contains("Keys"));
        }
        println!("keys renewed after {:?}", since.elapsed());
        assert!(!said(Node::Web1).contains(unknown), "who has both keys knows every signature");

        let old = Keys::new(3, [(3, Method::Md5, &b"Hello!"[..])])?;
        lab.flood(Node::Web1, &forgeries(&old), 200, Duration::from_secs(2))?;
        lab.wait_for("web1 drops them", LIMIT, || said(Node::Web1).contains(unknown))?;
        stays_with(lab, Node::Web1);
        for node in Node::ALL {
            let said = said(node);
            for words in ["Late heartbeat", "is dead", "restart", "lost packet", "WARN: node"] {
                assert!(!said.contains(words), "{node} says {words:?}:\n{said}");
            }
            assert!(!said.contains("Hello!") && !said.contains("LongAndSecret"));
        }
        nobody_else_answered(lab, since);
        print_gap(lab, "while the keys were renewed", since, Duration::from_millis(50));
        Ok(())
    })
}
