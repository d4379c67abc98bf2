//! What a classic node says aloud though nobody needs to hear it: its scripts work by sending
//! messages to their own daemon, and those leave on every medium like all others. Beside a
//! classic peer we say the same, so that no log, capture or monitor sees another kind of node.

use super::Cluster;
use crate::peer::Kind;
use crate::{Failback, GroupSet, Message, NodeId, Occasion, Step};

/// One in so many of its own messages a node acknowledges to itself.
const OWN_ACK_EVERY: u64 = 10;

impl Cluster {
    /// Our own groups start: in a classic node an order to itself for each of them, and the
    /// report of the script that gave the orders.
    pub(super) fn say_acquired(&mut self, hold: GroupSet) {
        let me = self.settings.me;
        let mut has_own = false;
        for group in self.settings.group_ids() {
            let is_own = self.preferred(group) == me && self.is_configured(group);
            has_own |= is_own;
            if is_own && self.groups[group].runner.is_idle() {
                let key = self.settings.groups[group.index()].name().into();
                self.send(Message::GroupGrant { key, owned: true, granted: true }, Some(me));
            }
        }
        if has_own {
            self.say_holding(hold);
        }
    }

    /// The peer has said goodbye, and what it had starts here.
    pub(super) fn say_succeeded(&mut self) {
        self.classic_report(Occasion::Report);
        let (hold, step) = (GroupSet::All, Step::Done);
        self.send(Message::AskResources { hold, step, ipfail: false, by_order: false }, None);
        self.say_holding(hold);
    }

    /// The report of the script that asked for our own groups.
    pub(super) fn say_holding(&mut self, hold: GroupSet) {
        if self.settings.failback != Failback::Legacy {
            let (stable, occasion) = (Some(true), Occasion::Acquired);
            self.send(Message::Resource { hold, full: true, stable, occasion }, None);
        }
    }

    /// What a dead or departed peer had runs here: the report of the takeover script.
    pub(super) fn say_taken_over(&mut self, from: NodeId) {
        let peer = self.peer(from);
        let is_gone = peer.has_left || !peer.is_alive();
        if peer.kind == Kind::Classic && is_gone && self.settings.failback != Failback::Legacy {
            let (hold, occasion) = (GroupSet::Foreign, Occasion::MachDown);
            self.send(Message::Resource { hold, full: false, stable: None, occasion }, None);
        }
    }

    /// A sequenced message was sent: now and then a classic node acknowledges its own.
    pub(super) fn say_heard_ourselves(&mut self, sequence: u64) {
        let is_due = sequence.is_multiple_of(OWN_ACK_EVERY) && self.transmitter.flow_control;
        if is_due && self.has_classic_peer() {
            self.send(Message::Ack { sequence }, Some(self.settings.me));
        }
    }
}
