//! Why hand-overs, orders and reloads are refused.

use crate::protocol::Reason;
use systole_core::{OrderRefusal, Refusal, ReloadRefusal};

/// Returns why a hand-over is refused, or how it failed.
#[must_use]
pub const fn refusal(why: Refusal) -> &'static str {
    match why {
        Refusal::NoPeer => "no other node is active",
        Refusal::Busy => "a hand-over is running already",
        Refusal::LocalInFlux => "local resources are in transition",
        Refusal::RemoteInFlux => "the other node is in transition",
        Refusal::Legacy => "a hand-over needs `auto_failback on` or `off`",
        Refusal::NoReply => "the other node did not answer",
        Refusal::CannotStop => {
            "a group could not be stopped where it runs, and remains there; `hb status` says why"
        }
        Refusal::PeerDied => "the other node died during the hand-over",
        Refusal::Failed => {
            "not every group could be started on the node that was to take it; `hb status` says why"
        }
        Refusal::NotReady => "this node is starting or stopping",
        Refusal::CannotLook => {
            "the node that was to take it could not check whether it can run it; its log says why"
        }
        Refusal::AgentMissing => {
            "the node that was to take it has no agent for one of its resources"
        }
        Refusal::NoInterface => {
            "the node that was to take it has no interface that is up for one of its addresses"
        }
        Refusal::FewerPings => "the node that was to take it sees fewer ping nodes",
        Refusal::Differs => "the line of a group differs between the haresources of the two nodes",
        Refusal::SeveralOwners => {
            "several nodes own groups of that set, or their owner would give others too: take them one by one with `--group`"
        }
        Refusal::Unable => {
            "the node that was to take it could not run it; `hb retry` there allows another attempt"
        }
        Refusal::NotHere => {
            "this node does not run the group: give the order on the node that runs it, or `hb takeover` on the node that should have it"
        }
        Refusal::SetsOnly => {
            "the other node runs heartbeat 3.0.6, which moves no single group of a set"
        }
        Refusal::Guarded => {
            "a machine answers for an address of a group, or it is not known yet that none does; `hb status` says which one, and what to do"
        }
        Refusal::Withdrawn => "the reason for it no longer exists",
    }
}

/// Returns why an order is refused, or how it failed.
#[must_use]
pub const fn order_refusal(why: OrderRefusal) -> &'static str {
    match why {
        OrderRefusal::HandOver(why) => refusal(why),
        OrderRefusal::PeerAlive => "that node is alive: there is nothing to forget",
        OrderRefusal::NothingFailed => "nothing has failed on this node",
        OrderRefusal::NotDead => "that node is heard: it is alive",
        OrderRefusal::NoFencing => {
            "no fencing device is configured: nothing waits for a confirmation"
        }
        OrderRefusal::NotHeld => {
            "there is no matching hold to release; `hb status` shows the holds"
        }
        OrderRefusal::NotListed => "the line of that group is no longer in this node's haresources",
    }
}

/// Returns why other settings are not applied.
#[must_use]
pub const fn reload_refusal(why: ReloadRefusal) -> &'static str {
    match why {
        ReloadRefusal::Busy => "a hand-over is running already",
        ReloadRefusal::NotReady => "this node is starting or stopping",
        ReloadRefusal::Fixed => "something has changed that needs a restart of the daemon",
        ReloadRefusal::UnknownLine => {
            "a line that runs here would get more resources, and another node runs a line that is not in this haresources: copy the same file to that node first"
        }
        ReloadRefusal::TooManyGroups => {
            "there are more groups than a cluster can have, with those that are being given up"
        }
    }
}

/// Returns the text of a reason in a response or in the journal.
#[must_use]
pub const fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::Order(why) => order_refusal(why),
        Reason::Reload(why) => reload_refusal(why),
    }
}
