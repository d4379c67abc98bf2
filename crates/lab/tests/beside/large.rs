//! Messages of API clients: unknown types, and as large as a datagram can be.

use crate::acks::{acknowledged, spoken};
use crate::{LIMIT, Outcome, errors, pair, print_logs, start, systole};
use std::time::Duration;
use systole_lab::{ClusterConfig, Daemon, Lab, LabError, Node};
use systole_wire::{Keys, Method};

/// The longest line of the C daemon's FIFO, and therefore the longest field.
const LINE: usize = 480;
/// The fields of the largest message: with its header it just fits into a datagram.
const FIELDS_MAX: usize = 132;

fn config() -> ClusterConfig {
    ClusterConfig {
        deadtime: Duration::from_secs(3),
        warntime: Duration::from_millis(1500),
        initdead: Duration::from_secs(6),
        keys: "auth 1\n1 md5 TestKeyMd5\n".to_owned(),
        ..ClusterConfig::default()
    }
}

/// Makes the C daemon of a node send a message, as its clients and scripts do.
fn send(lab: &Lab, node: Node, fields: &str) -> Result<(), LabError> {
    lab.write_file(node, "var/tmp/message", &format!(">>>\n{fields}<<<\n"))?;
    let script = "cat /var/tmp/message >/var/lib/heartbeat/fifo";
    let output = lab.run(node, &["sh", "-c", script])?;
    assert!(output.success(), "{output:?}");
    Ok(())
}

fn keys() -> Keys {
    Keys::new(1, [(1, Method::Md5, &b"TestKeyMd5"[..])]).expect("it is a good key")
}

fn talk(lab: &Lab) -> Result<(), LabError> {
    start(lab)?;
    let (ours, theirs) = (lab.capture(Node::Web1)?, lab.capture(Node::Web2)?);
    let large = |fields: usize| {
        let line = |field| format!("f{field}={}\n", "x".repeat(LINE));
        (0..fields).map(line).collect::<String>()
    };
    for fields in [
        "t=start_outdate\ndop_res=r0\nfrom_id=dopd\nto_id=dopd\nclient_gen=0\n".to_owned(),
        "t=outdate_rc\ndop_value=4\ndop_res=r0\nfrom_id=dopd\nto_id=dopd\n".to_owned(),
        "t=made_up\n(1)bytes=AAECAwQ=\n(3)words=3:abc,4:defg,\n".to_owned(),
        "t=nested\n(2)child=>>>\x14ct=childtype\x14(2)sub=>>>\x15a=b\x15<<<\x15\x14<<<\x14\n"
            .to_owned(),
        "t=NS_made_up\nf=g\n".to_owned(),
        format!("t=big20k\n{}", large(41)),
        format!("t=big64k\n{}", large(FIELDS_MAX)),
    ] {
        send(lab, Node::Web2, &fields)?;
    }
    // Later messages of the C node have higher numbers, and the Systole node acknowledges a number only when
    // nothing below it is missing.
    let before = spoken(&theirs, &keys());
    lab.wait_for("the C node goes on", LIMIT, || spoken(&theirs, &keys()) > before + 2)?;
    let last = spoken(&theirs, &keys());
    lab.wait_for("all of it is acknowledged", LIMIT, || acknowledged(&ours, &keys()) > last)?;
    println!("acknowledged up to {}", acknowledged(&ours, &keys()));
    assert_eq!(lab.owners(lab.config().address), [Node::Web1]);
    for node in Node::ALL {
        let log = lab.log(node);
        assert!(errors(&log).is_empty(), "{node}: {:#?}", errors(&log));
        assert!(!log.contains("bad packet"), "{log}");
    }
    Ok(())
}

#[test]
fn client_messages_of_c_node_are_acknowledged_and_harmless() -> Outcome {
    let Some(lab) = pair(config(), [systole(), Daemon::Classic])? else { return Ok(()) };
    Ok(talk(&lab).inspect_err(|_| print_logs(&lab))?)
}
