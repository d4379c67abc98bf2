//! One Systole node beside another, whose messages are given here.

use super::pair::Pair;
use super::*;
use crate::Mark;

/// The node is A. B says what is given here, and otherwise only beats.
pub(super) struct Facing {
    pub(super) node: Node,
    pub(super) now: Time,
    /// Whether the ping node answers A.
    pub(super) answers: bool,
    /// The sequence of B's last message.
    pub(super) sequence: u64,
    /// What B says in its beats.
    beat: Beat,
}

impl Facing {
    /// A node that has just started, and has not heard B.
    pub(super) fn new() -> Self {
        let node = Node::new(A, Failback::Off, 1);
        Self { node, now: Time::START, answers: true, sequence: 0, beat: Beat::default() }
    }

    /// Both nodes have started, and each has its own group.
    pub(super) fn settled() -> Self {
        let mut pair = Pair::settled(Failback::Off);
        pair.until("nothing is on its way", |pair| {
            pair.nodes.iter().flatten().all(|node| node.sent.is_empty())
        });
        let claims = vec![pair.told_by(B, FIRST), pair.told_by(B, SECOND)];
        let (_, beat) = pair.node(B).beats().next().expect("it beats");
        let beat = Beat { claims, ..beat.clone() };
        let sequence = pair.node(B).last_sequence();
        let now = pair.now;
        let [node, _] = pair.nodes;
        let mut node = node.expect("it has power");
        node.said.clear();
        Self { node, now, answers: true, sequence, beat }
    }

    /// B sends a message, which is heard before anything is decided.
    pub(super) fn say(&mut self, message: Message) {
        self.send(message, None);
    }

    pub(super) fn turn(&mut self) {
        self.node.turn(self.now);
    }

    /// B says from now on that nothing of a group runs there.
    pub(super) fn lets_go(&mut self, group: GroupId) {
        let claim = &mut self.beat.claims[group.index()];
        (claim.phase, claim.runs_here) = (Phase::Stopped, false);
        self.beat.table = Mark { epoch: self.beat.table.epoch, ..Mark::of(&self.beat) };
    }

    /// B's table has a row from now on that is never heard.
    pub(super) fn hides_row(&mut self) {
        self.beat.table.digest = self.beat.table.digest.wrapping_add(1);
    }

    /// Lets time pass in which B beats, until a condition holds or 30 s are over.
    pub(super) fn until(&mut self, what: &str, wanted: impl FnMut(&mut Self) -> bool) {
        self.wait(what, true, wanted);
    }

    /// Lets time pass in which B says nothing.
    pub(super) fn silence(&mut self, what: &str, wanted: impl FnMut(&mut Self) -> bool) {
        self.wait(what, false, wanted);
    }

    fn wait(&mut self, what: &str, beats: bool, mut wanted: impl FnMut(&mut Self) -> bool) {
        let start = self.now;
        while !wanted(self) {
            assert!(self.now.since(start) < Duration::from_secs(30), "never: {what}");
            self.now = self.now + KEEPALIVE / 8;
            if self.answers {
                self.node.cluster.handle(self.now, &Input::PingReply(PingId(0)));
            }
            if beats {
                self.beat();
            }
            self.turn();
        }
    }

    fn beat(&mut self) {
        let last = self.node.last_sequence();
        let echoes = self.beat.echoes.iter_mut();
        echoes.for_each(|echo| (echo.sequence, echo.known) = (last, last));
        self.send(status(NodeStatus::Active), Some(self.beat.clone()));
    }

    fn send(&mut self, message: Message, beat: Option<Beat>) {
        self.sequence += 1;
        let (made, sequence) = (self.now, Some(self.sequence));
        let outgoing = Outgoing { message, dest: None, dest_uuid: None, sequence, made };
        self.node.hear(made, "beta", 1, &(outgoing, beat));
    }
}

pub(super) fn status(status: NodeStatus) -> Message {
    Message::Status { status, deadtime: DEADTIME, flow_control: true }
}
