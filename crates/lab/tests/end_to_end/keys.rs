//! What signs, and what does not.

use crate::play::play;
use crate::{LIMIT, Outcome, owned_by, stays_with};
use std::time::Duration;
use systole_lab::{ClusterConfig, Node};
use systole_wire::{Fields, Form, Keys, Method, Sealer, Style};

/// A forged message of web2, of a run in the far future, that only a checksum protects.
fn forged(kind: &str, fields: &[(&str, &str)]) -> Vec<u8> {
    let keys = Keys::new(3, [(3, Method::Crc, &b""[..])]).expect("a checksum needs no key");
    let header = [("src", "web2"), ("seq", "9"), ("hg", "ffffffff"), ("ts", "7b02cf8a")];
    let mut message = Fields::default();
    for (name, value) in [("t", kind)].iter().chain(fields).chain(&header) {
        message.push_text(name, value).expect("it is a good field");
    }
    let mut sealer = Sealer::new(Style::default());
    sealer.seal(&message, Form::Framed, &keys).expect("it is a good message").to_owned()
}

#[test]
fn two_nodes_sign_with_sha256_and_an_old_crc_line_opens_no_door() -> Outcome {
    let keys = "auth 1\n1 sha256 LongAndSecret\n3 crc\n".to_owned();
    play(&ClusterConfig { keys, ..ClusterConfig::default() }, |lab| {
        let forgeries = [
            forged("status", &[("st", "active"), ("dt", "7d0"), ("protocol", "1")]),
            forged("hb_takeover", &[("rsc_hold", "all")]),
            forged("ask_resources", &[("rsc_hold", "all"), ("info", "me")]),
            forged("shutdone", &[("st", "dead")]),
        ];
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
