//! Other forms and other messages: formats, compression, legacy, ping nodes.

use super::{Recording, Situation, keys};
use crate::{LIMIT, Outcome, pair, print_logs, systole};
use std::net::IpAddr;
use std::time::Duration;
use systole_lab::{
    Capture, Carrier, ClusterConfig, Daemon, Failback, Lab, LabError, Link, Medium, Node,
};
use systole_wire::{Fields, Form, Method, Sealer, Style};

/// One group that prefers web1; no ping node.
fn config(keys: &str) -> ClusterConfig {
    let usual = ClusterConfig::default();
    ClusterConfig {
        deadtime: Duration::from_secs(2),
        warntime: Duration::from_secs(1),
        initdead: Duration::from_secs(4),
        ping_nodes: Vec::new(),
        ipfail: false,
        groups: vec![format!("web1 {}/24/eth0", usual.address)],
        keys: keys.to_owned(),
        ..usual
    }
}

/// Runs `life` on a pair in which web1 runs Systole, then judges what Systole sent.
fn speak(
    config: ClusterConfig,
    (method, id): (Method, u8),
    life: impl FnOnce(&Lab, &Capture, &mut Recording<'_>) -> Result<(), LabError>,
) -> Outcome {
    let Some(lab) = pair(config, [systole(), Daemon::Classic])? else { return Ok(()) };
    let capture = lab.capture(Node::Web1)?;
    let mut recording = Recording::new(&capture, keys(method, id));
    life(&lab, &capture, &mut recording).inspect_err(|_| print_logs(&lab))?;
    if !recording.is_complete() {
        print_logs(&lab);
    }
    recording.finish();
    Ok(())
}

fn start_both(lab: &Lab) -> Result<(), LabError> {
    for node in Node::ALL {
        lab.start_daemon(node)?;
    }
    // A joint start takes ten seconds; the formats are heard before it is over.
    for node in Node::ALL {
        lab.wait_for("both take part", LIMIT, || {
            let active = format!("Status update for node {node}: status active");
            lab.log(node.other()).contains(&active)
        })?;
    }
    Ok(())
}

#[test]
fn a_third_node_is_in_the_list() -> Outcome {
    let extra = vec!["node web3".to_owned()];
    let config = ClusterConfig { extra, ..config("auth 7\n7 md5 TestKeyMd5\n") };
    speak(config, (Method::Md5, 7), |lab, _, recording| {
        // A C node asks for the list when it considers the third node dead, but it does not ask a node that
        // is already active: therefore Systole waits longer for that death.
        let patient = lab.config().ha_cf(Node::Web1).replace("initdead 4000ms", "initdead 12");
        assert!(patient.contains("initdead 12\n"), "{patient}");
        lab.write_file(Node::Web1, "etc/ha.d/ha.cf", &patient)?;
        start_both(lab)?;
        recording.judge(Situation::ThreeNodes);
        Ok(())
    })
}

/// Returns a request of web2 for the first message of Systole, which web2 received long ago.
fn request_for_the_first(lab: &Lab) -> Vec<u8> {
    let generation = lab.read_file(Node::Web2, "var/lib/heartbeat/hb_generation");
    let generation: u64 = generation.trim().parse().expect("web2 has a generation");
    let generation = format!("{generation:x}");
    let mut fields = Fields::default();
    let text = [
        ("t", "NS_rexmit"),
        ("dest", "web1"),
        ("firstseq", "1"),
        ("lastseq", "1"),
        ("src", "web2"),
        ("hg", &generation),
        ("ts", "6b02cf8a"),
        ("ttl", "3"),
    ];
    for (name, value) in text {
        fields.push_text(name, value).expect("it is a good field");
    }
    let mut sealer = Sealer::new(Style::default());
    let written = sealer.seal(&fields, Form::Framed, &keys(Method::Sha1, 1));
    written.expect("it is a good message").to_owned()
}

#[test]
fn what_is_long_gone_is_answered_with_no() -> Outcome {
    let keepalive = Duration::from_millis(20);
    let config = ClusterConfig { keepalive, ..config("auth 1\n1 sha1 TestKeySha1\n") };
    speak(config, (Method::Sha1, 1), |lab, capture, recording| {
        start_both(lab)?;
        // More messages than a node keeps.
        let enough = |capture: &Capture| capture.packets().len() > 700;
        lab.wait_for("many messages were sent", LIMIT, || enough(capture))?;
        lab.flood(Node::Web1, &[request_for_the_first(lab)], 10, Duration::from_secs(1))?;
        lab.wait_for("it says no", LIMIT, || lab.log(Node::Web1).contains("seqno too low"))?;
        recording.judge(Situation::TooLow);
        Ok(())
    })
}

#[test]
fn every_medium_carries_the_same() -> Outcome {
    let media = vec![
        Medium::Bcast(Link::Service),
        Medium::Mcast(Link::Service),
        Medium::Ucast6(Link::Service),
        Medium::Mcast6(Link::Service),
        Medium::Serial,
    ];
    let config = ClusterConfig { media, ..config("auth 1\n1 sha1 TestKeySha1\n") };
    speak(config, (Method::Sha1, 1), |lab, _, recording| {
        start_both(lab)?;
        recording
            .judge_carrier(Situation::Broadcast, |by| matches!(by, Carrier::Udp([.., 255], 694)));
        recording
            .judge_carrier(Situation::Multicast, |by| matches!(by, Carrier::Udp([225, ..], 694)));
        recording.judge_carrier(Situation::Unicast6, |by| {
            matches!(by, Carrier::Udp6([0xfd | 0xfe, ..], 694))
        });
        recording.judge_carrier(Situation::Multicast6, |by| {
            matches!(by, Carrier::Udp6([0xff, 0x12, ..], 694))
        });
        // The slow carrier.
        let on_cable = || lab.sent_on_cable(Node::Web1).unwrap_or_default();
        lab.wait_for("beats on the cable", LIMIT, || on_cable().len() > 20)?;
        recording.judge_packets(Situation::Serial, &on_cable());
        Ok(())
    })
}

#[test]
fn netstrings_have_one_signature() -> Outcome {
    let extra = vec!["msgfmt netstring".to_owned()];
    let config = ClusterConfig { extra, ..config("auth 1\n1 md5 TestKeyMd5\n") };
    speak(config, (Method::Md5, 1), |lab, _, recording| {
        start_both(lab)?;
        recording.judge(Situation::Netstring);
        Ok(())
    })
}

#[test]
fn legacy_nodes_ask_for_their_groups() -> Outcome {
    let failback = Failback::Legacy;
    let config = ClusterConfig { failback, ..config("auth 1\n1 md5 TestKeyMd5\n") };
    let other: IpAddr = IpAddr::from([192, 168, 122, 101]);
    let groups = vec![config.groups[0].clone(), format!("web2 {other}/24/eth0")];
    let config = ClusterConfig { groups, ..config };
    speak(config, (Method::Md5, 1), |lab, _, recording| {
        lab.start_daemon(Node::Web1)?;
        let owns = |lab: &Lab, address| lab.owners(address);
        lab.wait_for("ours owns both", LIMIT, || owns(lab, other) == [Node::Web1])?;
        lab.start_daemon(Node::Web2)?;
        lab.wait_for("the other gets its own", LIMIT, || owns(lab, other) == [Node::Web2])?;
        recording.judge(Situation::LegacyPeerReturned);
        let address = lab.config().address;
        lab.stop_daemon(Node::Web1)?;
        lab.wait_for("the other owns both", LIMIT, || owns(lab, address) == [Node::Web2])?;
        lab.start_daemon(Node::Web1)?;
        lab.wait_for("ours gets its own", LIMIT, || owns(lab, address) == [Node::Web1])?;
        recording.judge(Situation::LegacyReturning);
        Ok(())
    })
}

/// Returns whether a message ends in the shortest outer signature, `3 2c4b2e1,`.
fn has_short_digest(payload: &[u8]) -> bool {
    let end = payload.len().min(12);
    let tail = String::from_utf8_lossy(&payload[payload.len() - end..]).into_owned();
    let digest = tail.rsplit([':', ' ', ',']).nth(1).unwrap_or_default();
    !digest.is_empty() && digest.len() < 8
}

#[test]
fn a_checksum_has_no_leading_zeros() -> Outcome {
    speak(config("auth 3\n3 crc\n"), (Method::Crc, 3), |lab, capture, recording| {
        start_both(lab)?;
        // The captured message is the status of a node that takes part: an earlier status is not enough.
        lab.wait_for("a status with a short digest", LIMIT, || {
            capture.packets().iter().any(|packet| {
                let payload = &packet.payload;
                has_short_digest(payload) && String::from_utf8_lossy(payload).contains("st=active")
            })
        })?;
        recording.judge(Situation::ShortDigest);
        let log = lab.log(Node::Web2);
        assert!(!log.contains("authentication"), "{log}");
        Ok(())
    })
}

/// This many nodes with long names, none of which ever starts, so that their list is longer than a kilobyte.
/// No other message that Systole sends to a C node is, however many groups there are.
fn large(algorithm: &str, keys: &str) -> ClusterConfig {
    let config = config(keys);
    let nodes = (10..24).map(|number| format!("node {:n<63}", format!("absent{number}")));
    let compression = [
        format!("compression {algorithm}"),
        "compression_threshold 1".to_owned(),
        "traditional_compression on".to_owned(),
    ];
    ClusterConfig { extra: nodes.chain(compression).collect(), ..config }
}

/// Checks that the C node reads compressed messages: otherwise it would declare the Systole node dead.
fn compressed(lab: &Lab, recording: &mut Recording<'_>, when: Situation) -> Result<(), LabError> {
    start_both(lab)?;
    lab.wait_for_owner(Node::Web1, LIMIT)?;
    recording.judge(when);
    assert!(!lab.log(Node::Web2).contains("node web1: is dead"), "{}", lab.log(Node::Web2));
    Ok(())
}

#[test]
fn zlib_is_packed_as_classic_nodes_do() -> Outcome {
    let config = large("zlib", "auth 1\n1 sha1 TestKeySha1\n");
    speak(config, (Method::Sha1, 1), |lab, _, recording| {
        compressed(lab, recording, Situation::Zlib)
    })
}

#[test]
fn bz2_is_packed_as_classic_nodes_do() -> Outcome {
    let config = large("bz2", "auth 1\n1 crc\n");
    speak(config, (Method::Crc, 1), |lab, _, recording| {
        compressed(lab, recording, Situation::Bzip2)
    })
}
