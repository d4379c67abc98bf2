//! A beat needs no allocation, in any form and with any method, once the buffers have grown.

#[path = "../../core/tests/no_alloc/counting.rs"]
mod counting;

use counting::ALLOCATIONS;
use std::time::Duration;
use systole_core::{
    Action, Beat, Claim, Echo, Failure, GroupKey, HoldNotice, LinkId, Message, Moves, NodeId,
    NodeStatus, Outcome, Outgoing, Phase, Time, Uuid, Words,
};
use systole_wire::{
    Decoder, Encoder, Form, Identity, Keys, Listener, Method, Rotation, Signer, Style,
};

const BEATS: u64 = 100;

fn identity() -> Identity {
    Identity {
        name: "alpha".into(),
        uuid: Uuid([7; 16]),
        generation: 0x6b02_ca06,
        ttl: 3,
        nodes: vec!["alpha".into(), "beta".into()],
    }
}

fn beat() -> Beat {
    Beat {
        session: 0x1234_5678_9abc_def0,
        ready: true,
        pings: Some(2),
        echoes: vec![Echo::of(NodeId(1), LinkId(0), u64::MAX, 77); 2],
        claims: vec![
            Claim {
                group: GroupKey(0xcafe),
                owner: NodeId(0),
                term: 9,
                phase: Phase::Active,
                unable: false,
                failure: Some(Failure {
                    action: Action::Start,
                    resource: 1,
                    outcome: Outcome::Failed(1),
                    words: Words::new("no such device, or é"),
                }),
                runs_here: true,
            };
            4
        ],
        holds: vec![
            HoldNotice {
                claim: Some(1),
                count: 2,
                by: NodeId(1),
                is_release: false,
                left: 3_600_000
            };
            3
        ],
        moves: vec![Moves { claim: 1, count: 2, level: 1, has_fled: true, left: 60_000 }; 3],
        ..Beat::default()
    }
}

#[test]
fn beats_are_sent_and_heard_without_allocation() {
    let mut encoder = Encoder::new(identity(), Style::default());
    let mut decoder = Decoder::default();
    let beat = beat();
    let mut status = Outgoing {
        message: Message::Status {
            status: NodeStatus::Active,
            deadtime: Duration::from_secs(6),
            flow_control: true,
        },
        dest: None,
        dest_uuid: None,
        sequence: Some(0x1000_0000),
        made: Time::START,
    };
    for method in [Method::Crc, Method::Md5, Method::Sha1] {
        let keys = Keys::new(1, [(1, method, &b"key"[..])]).unwrap();
        for form in [Form::Framed, Form::Classic] {
            let mut turn = |sequence| {
                status.sequence = Some(sequence);
                let load = "0.42 0.33 0.15 2/142 48";
                let sealed = encoder.encode(&status, Some(&beat), load, 1, &keys, form);
                let opened = decoder.open(sealed.unwrap(), &keys).unwrap();
                let heard = opened.heard(LinkId(0)).unwrap();
                assert_eq!(heard.sequence, Some(sequence));
                assert_eq!(heard.beat, Some(&beat));
            };
            turn(0x1000_0000);
            let before = ALLOCATIONS.get();
            for sequence in 1..=BEATS {
                turn(sequence);
            }
            let after = ALLOCATIONS.get();
            assert_eq!(after - before, 0, "{method:?} {form:?}");
        }
    }
    assert!(ALLOCATIONS.get() > 0);
}

#[test]
fn beats_during_key_renewal_are_sent_and_heard_without_allocation() {
    let mut encoder = Encoder::new(identity(), Style::default());
    let mut decoder = Decoder::default();
    let beat = beat();
    let mut keys = Keys::new(3, [(3, Method::Md5, &b"old"[..])]).unwrap();
    keys.renew(Keys::new(1, [(1, Method::Sha1, &b"new"[..])]).unwrap(), false);
    let mut rotation = Rotation::new(Time::START, Duration::from_secs(10), [NodeId(1), NodeId(2)]);
    let mut turn = |sequence: u64| {
        let now = Time::START + Duration::from_secs(sequence);
        let status = Outgoing {
            message: Message::Status {
                status: NodeStatus::Active,
                deadtime: Duration::from_secs(6),
                flow_control: true,
            },
            dest: None,
            dest_uuid: None,
            sequence: Some(sequence),
            made: now,
        };
        let signing = rotation.signing(now, true, |_| Listener::Learns);
        assert!(signing.former);
        for signer in [keys.former().unwrap(), &keys] {
            for form in [Form::Framed, Form::Classic] {
                let load = "0.42 0.33 0.15 2/142 48";
                let sealed = encoder.encode(&status, Some(&beat), load, 1, signer, form).unwrap();
                let opened = decoder.open(sealed, &keys).unwrap();
                if opened.signer() == Signer::Sending {
                    rotation.record_renewed(NodeId(1));
                }
                assert_eq!(opened.heard(LinkId(0)).unwrap().sequence, Some(sequence));
            }
        }
        assert!(rotation.waiting().eq([NodeId(2)]) && rotation.elapse(now).is_none());
    };
    turn(1);
    let before = ALLOCATIONS.get();
    (2..=BEATS).for_each(&mut turn);
    assert_eq!(ALLOCATIONS.get() - before, 0);
}
