//! The renewal of keys while the node beats.

use super::BeatLoop;
use super::channel::News;
use super::retransmit::SentMessages;
use std::time::Duration;
use systole_core::{Cluster, NodeId, Outgoing, Time};
use systole_wire::{Form, Keys, Listener, Progress, Rotation, Signing};

/// Shortest time for which old keys are accepted once every node has the new ones. Messages that were signed
/// with the old keys may still wait for a slow line, or be requested again.
const GRACE_MIN: Duration = Duration::from_secs(10);

/// A renewal in progress.
#[derive(Debug)]
pub(super) struct Renewal {
    rotation: Rotation,
    /// This node's last messages, signed with the old key.
    sent: SentMessages,
}

/// A step in the renewal of the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyStep {
    /// The renewal begins.
    Begins,
    /// A node was heard with the new key.
    Renewed(NodeId),
    /// The renewal has progressed over time.
    Progress(Progress),
}

impl Renewal {
    /// The renewal's copies of sent messages, and the keys that sign the next message.
    pub(super) fn for_message(
        &mut self,
        outgoing: &Outgoing,
        is_beat: bool,
        cluster: &Cluster,
    ) -> (&mut SentMessages, Signing) {
        let listener = |node| listener(cluster, node);
        (&mut self.sent, self.rotation.signing(outgoing.made, is_beat, listener))
    }
}

/// The copies of a message that is sent again, either of which may be empty: with the old key while a node
/// may know no other, and with the new key otherwise. Messages that were made before the renewal have only
/// the old one.
pub(super) fn sent_before<'a>(
    sequence: u64,
    form: Form,
    sent: &'a mut SentMessages,
    renewal: Option<&'a mut Renewal>,
    cluster: &Cluster,
) -> [&'a [u8]; 2] {
    let current = sent.get(sequence, form);
    let Some(renewal) = renewal else { return [&[], current] };
    let signing = renewal.rotation.signing_again(|node| listener(cluster, node));
    let has_former = signing.former || current.is_empty();
    let former = if has_former { renewal.sent.get(sequence, form) } else { &[] };
    [former, if signing.current { current } else { &[] }]
}

fn listener(cluster: &Cluster, node: NodeId) -> Listener {
    match (cluster.hears(node), cluster.is_classic(node)) {
        (false, _) => Listener::Silent,
        (true, true) => Listener::Classic,
        (true, false) => Listener::Learns,
    }
}

impl BeatLoop {
    /// Switches to other keys. The previous keys are accepted until every node was heard with the new ones.
    pub(super) fn renew_keys(&mut self, now: Time, keys: Keys) {
        let settings = self.cluster.settings();
        let others = settings.node_ids().filter(|node| *node != settings.me);
        let mut rotation = Rotation::new(now, settings.deadtime.max(GRACE_MIN), others);
        let empty = SentMessages::new(settings, |form| self.links.speak(form));
        let before = std::mem::replace(&mut self.sent, empty);
        // Keys that were replaced before every node had them need not be accepted, because the nodes that
        // have them accept, and sign with, the keys before them.
        let unfinished = self
            .renewal
            .take()
            .filter(|renewal| renewal.rotation.waiting().any(|node| self.cluster.hears(node)));
        self.keys.renew(keys, unfinished.is_some());
        if self.keys.former().is_some_and(|former| former.signs_like(&self.keys)) {
            rotation.record_same_key();
        }
        let sent = unfinished.map_or(before, |renewal| renewal.sent);
        self.renewal = Some(Renewal { rotation, sent });
        self.tell_keys(KeyStep::Begins);
    }

    /// Lets time pass for a renewal.
    pub(super) fn tend_keys(&mut self, now: Time) {
        let progress = self.renewal.as_mut().and_then(|renewal| renewal.rotation.elapse(now));
        let Some(progress) = progress else { return };
        self.tell_keys(KeyStep::Progress(progress));
        match progress {
            Progress::Complete | Progress::Reminder => {}
            Progress::Over | Progress::Expired => {
                self.keys.forget_former();
                self.renewal = None;
            }
        }
    }

    /// Records that a node signs with the key with which this node sends.
    pub(super) fn record_renewed(&mut self, node: NodeId) {
        if self.renewal.as_mut().is_some_and(|renewal| renewal.rotation.record_renewed(node)) {
            self.tell_keys(KeyStep::Renewed(node));
        }
    }

    /// Records that a node restarted, perhaps with another file.
    pub(super) fn record_restart(&mut self, node: NodeId) {
        if let Some(renewal) = &mut self.renewal {
            renewal.rotation.record_restart(node);
        }
    }

    fn tell_keys(&mut self, step: KeyStep) {
        let waiting = self.renewal.iter().flat_map(|renewal| renewal.rotation.waiting()).collect();
        self.control.send_queued(News::Keys { step, waiting });
    }
}
