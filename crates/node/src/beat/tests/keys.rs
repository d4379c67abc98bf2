//! The renewal of keys: what is sent with which signature, and what is accepted.

use super::super::keys::KeyStep;
use super::*;
use systole_core::Echo;
use systole_wire::Progress;

/// The beat loop, and the other node with its socket.
struct Pair {
    beat: BeatLoop,
    control: ControlEnd,
    socket: UdpSocket,
    other: Encoder,
    /// What its beats carry, if it is a Systole node.
    tells: Option<systole_core::Beat>,
    turn: u32,
    /// The sequence of this node's last message.
    last: u64,
}

fn new_keys() -> Keys {
    Keys::new(2, [(2, Method::Sha256, &b"another"[..])]).unwrap()
}

fn third_keys() -> Keys {
    Keys::new(3, [(3, Method::Md5, &b"third"[..])]).unwrap()
}

impl Pair {
    /// Creates two nodes that have met, the first of which is about to renew its keys.
    fn new(is_classic: bool) -> Self {
        let (beat, control) = beat();
        let session = beat.cluster.beat().session;
        let echo = Echo::of(NodeId(0), LinkId(0), session, 1);
        let tells = systole_core::Beat { session: 7, echoes: vec![echo], ..Default::default() };
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let other = encoder("beta", 2);
        let tells = Some(tells).filter(|_| !is_classic);
        let mut pair = Self { beat, control, socket, other, tells, turn: 0, last: 0 };
        // Long enough that the ring of sent messages is full.
        for _ in 0..600 {
            pair.pass(Some(&keys()));
        }
        pair.steps();
        pair
    }

    fn renew(&mut self, keys: Keys) {
        self.control.command(Command::Keys(Box::new(keys))).unwrap();
    }

    /// Lets a keepalive pass, with a beat of the other node. Returns the keys that signed what this node
    /// sent.
    fn pass(&mut self, others: Option<&Keys>) -> Vec<u8> {
        self.turn += 1;
        if let Some(keys) = others {
            let message = Message::Status {
                status: NodeStatus::Active,
                deadtime: 10 * KEEPALIVE,
                flow_control: true,
            };
            self.say(message, Some(self.turn.into()), keys);
        }
        self.beat.turn(at(self.turn));
        let said = said(&mut self.beat);
        self.last = said.iter().filter_map(|bytes| sequence(bytes)).fold(self.last, u64::max);
        said.iter().map(|bytes| signer(bytes)).collect()
    }

    fn say(&mut self, message: Message, sequence: Option<u64>, keys: &Keys) {
        let made = Time::START;
        let outgoing = Outgoing { message, dest: None, dest_uuid: None, sequence, made };
        let load = "0.0 0.0 0.0 1/1 1";
        let beat = self.tells.as_ref();
        let bytes = self.other.encode(&outgoing, beat, load, 1, keys, Form::Framed).unwrap();
        self.socket.send_to(bytes, HERE).unwrap();
    }

    /// Returns the reported steps of the renewal, and how many nodes still wait at each.
    fn steps(&mut self) -> Vec<(KeyStep, usize)> {
        let news = std::iter::from_fn(|| self.control.news()).map(|(_, news)| news);
        let steps = news.filter_map(|news| match news {
            News::Keys { step, waiting } => Some((step, waiting.len())),
            News::Event { .. }
            | News::Executor(_)
            | News::Store { .. }
            | News::StorePeer(_)
            | News::Answer { .. }
            | News::StopFailed { .. }
            | News::Fence { .. }
            | News::ExecutorGone { .. }
            | News::LinkLost { .. }
            | News::Reconfigured(_)
            | News::Snapshot(_)
            | News::Offered(_)
            | News::Errors(_) => None,
        });
        steps.collect()
    }
}

/// Returns the id of the key that signed a framed message.
fn signer(bytes: &[u8]) -> u8 {
    for (id, keys) in [(1, keys()), (2, new_keys()), (3, third_keys())] {
        if Decoder::default().open(bytes, &keys).is_ok() {
            return id;
        }
    }
    panic!("nobody signed {}", String::from_utf8_lossy(bytes));
}

/// Returns the sequence of a message that has one.
fn sequence(bytes: &[u8]) -> Option<u64> {
    let text = String::from_utf8_lossy(bytes);
    let (_, rest) = text.split_once("seq=")?;
    u64::from_str_radix(rest.split_once(',')?.0, 16).ok()
}

#[test]
fn key_renewal_keeps_old_signature_until_peer_has_new_key() {
    let mut pair = Pair::new(false);
    let (old, new) = (keys(), new_keys());
    pair.renew(new_keys());
    assert!(pair.pass(Some(&old)).contains(&1));
    let said: Vec<u8> = (0..100).flat_map(|_| pair.pass(Some(&old))).collect();
    assert_eq!(pair.steps(), [(KeyStep::Begins, 1)]);
    assert!(pair.beat.trouble.is_empty(), "{:?}", pair.beat.trouble);
    let (old_ones, new_ones): (Vec<u8>, Vec<u8>) = said.iter().partition(|id| **id == 1);
    // These are five seconds of beats: one or two of them are also sent with the new key.
    assert!((1..=2).contains(&new_ones.len()) && old_ones.len() >= 100, "{said:?}");

    pair.pass(Some(&new));
    for _ in 0..10 {
        assert!(pair.pass(Some(&new)).iter().all(|id| *id == 2));
    }
    let complete = KeyStep::Progress(Progress::Complete);
    assert_eq!(pair.steps(), [(KeyStep::Renewed(NodeId(1)), 0), (complete, 0)]);
    for _ in 0..10 {
        pair.pass(Some(&old));
    }
    assert!(pair.beat.trouble.is_empty(), "believed for a while: {:?}", pair.beat.trouble);

    for _ in 0..200 {
        pair.pass(Some(&new));
    }
    assert_eq!(pair.steps(), [(KeyStep::Progress(Progress::Over), 0)]);
    assert!(pair.beat.keys.former().is_none() && pair.beat.renewal.is_none());
    pair.beat.trouble_after = at(100_000);
    pair.say(Message::Shutdone, Some(10_000), &old);
    pair.pass(Some(&new));
    assert_eq!(pair.beat.drops.count(), 1);
    assert!(pair.beat.cluster.hears(NodeId(1)), "what the old key signs means nothing");
}

/// A C node would complain about every copy, and learn nothing from it.
#[test]
fn c_node_sees_no_new_signature_before_signing_with_new_key() {
    let mut pair = Pair::new(true);
    pair.renew(new_keys());
    for _ in 0..200 {
        assert!(pair.pass(Some(&keys())).iter().all(|id| *id == 1));
    }
    pair.pass(Some(&new_keys()));
    for _ in 0..10 {
        assert!(pair.pass(Some(&new_keys())).iter().all(|id| *id == 2));
    }
}

#[test]
fn beats_during_key_renewal_allocate_nothing() {
    let mut pair = Pair::new(false);
    pair.renew(new_keys());
    let datagrams: Vec<Vec<u8>> =
        (1000..1700).map(|sequence| status(&mut pair.other, sequence)).collect();
    let mut before = 0;
    for (turn, datagram) in (700..).zip(&datagrams) {
        if turn == 710 {
            before = ALLOCATIONS.get();
        }
        pair.socket.send_to(datagram, HERE).unwrap();
        pair.beat.turn(at(turn));
        while pair.control.news().is_some() {}
    }
    assert_eq!(ALLOCATIONS.get() - before, 0);
    assert!(pair.beat.renewal.is_some() && pair.beat.trouble.is_empty());
}

#[test]
fn message_sent_again_during_key_renewal_has_signature_known_to_peer() {
    let mut pair = Pair::new(true);
    let (old, new) = (keys(), new_keys());
    let before = pair.last;
    pair.renew(new_keys());
    let again = |pair: &mut Pair, keys: &Keys, number| {
        pair.say(Message::Rexmit { first: number, last: number }, None, keys);
        pair.beat.turn(at(pair.turn));
        let said = said(&mut pair.beat);
        let is_it = |bytes: &&Vec<u8>| sequence(bytes) == Some(number);
        said.iter().filter(is_it).map(|bytes| signer(bytes)).collect::<Vec<_>>()
    };
    // Messages that were sent before, and after, the renewal began.
    pair.pass(Some(&old));
    assert_eq!(again(&mut pair, &old, before), [1]);
    let meanwhile = pair.last;
    for _ in 0..20 {
        pair.pass(Some(&old));
    }
    assert_eq!(again(&mut pair, &old, meanwhile), [1]);
    for _ in 0..20 {
        pair.pass(Some(&new));
    }
    assert_eq!(again(&mut pair, &new, meanwhile), [2]);
    assert_eq!(again(&mut pair, &new, before), [1], "there is no other copy");
}

#[test]
fn key_renewal_replaced_midway_can_revert_to_old_keys() {
    let mut pair = Pair::new(false);
    pair.renew(new_keys());
    pair.pass(Some(&keys()));
    pair.renew(third_keys());
    pair.pass(Some(&keys()));
    assert!(pair.beat.keys.former().is_some_and(|former| former.signs_like(&keys())));
    pair.renew(keys());
    pair.pass(Some(&keys()));
    assert!(pair.beat.trouble.is_empty(), "{:?}", pair.beat.trouble);
    let complete = (KeyStep::Progress(Progress::Complete), 0);
    let begins = |waiting| (KeyStep::Begins, waiting);
    assert_eq!(pair.steps(), [begins(1), begins(1), begins(0), complete], "and back again");
}
