//! Texts that the log, the status and the journal share.

mod cause;
mod check;
mod foreign;
mod guard;
mod outcome;
mod refusal;

pub use cause::cause;
pub use check::{after_check_count, after_check_word, check};
pub use foreign::{foreign, foreign_advice, foreign_word};
pub use guard::{address_answers, answer_news};
pub use outcome::{explained, failed, failure, outcome};
pub use refusal::{order_refusal, reason, refusal, reload_refusal};
use systole_core::{Obstacle, Scope, Settings, Wording};

/// The words of the status.
pub const WORDING: Wording = Wording { cause, scope, failure };

/// Returns what a hand-over moves: the word of the set, or the name of the group.
#[must_use]
pub fn scope(scope: Scope, settings: &Settings) -> String {
    match scope {
        Scope::Set(set) => set.word().to_owned(),
        Scope::Group(group) => {
            let group = settings.groups.get(group.index());
            format!("group {}", group.map_or("?", |group| group.name()))
        }
    }
}

/// Returns what keeps a node from starting a group, as a clause about that node or that group.
#[must_use]
pub const fn obstacle(obstacle: Obstacle) -> &'static str {
    match obstacle {
        Obstacle::Busy => "it is already running, starting or stopping here",
        Obstacle::Owned => "another node has it",
        Obstacle::HandedOver => "it is being handed over",
        Obstacle::Retired => "its line is no longer in haresources",
        Obstacle::NotReady => "this node is starting or stopping",
        Obstacle::NoExecutor => "the executor is not running",
        Obstacle::Unverified => {
            "this node was stalled, and waits until it has heard every other node again"
        }
        Obstacle::Negotiating => {
            "this node and the heartbeat 3.0.6 of the other node have not yet agreed which of them has what"
        }
        Obstacle::Failed => "it has failed here; after fixing the cause: hb retry",
        Obstacle::NoCarrier => "an interface that it needs has no carrier here",
        Obstacle::UnknownLine => {
            "another node lacks its line and runs a line that is unknown here: all nodes need the same haresources"
        }
        Obstacle::Unannounced => "not every node knows yet that this node can run it",
        Obstacle::Conflicting => {
            "a former line that shares a resource with it has not been stopped yet"
        }
        Obstacle::ConflictingElsewhere => {
            "another node has, by a different haresources, a line that shares a resource with it: all nodes need the same haresources"
        }
        Obstacle::RunsElsewhere => "another node may still run it",
        Obstacle::NotFirst => "another node comes first",
        Obstacle::Held => "it is held; hb release ends the hold",
        Obstacle::FencePending => "a silent node must be fenced first",
        Obstacle::InDoubt => "a node that cannot report what it runs must be fenced first",
        Obstacle::Guarded => {
            "a node that is not heard may still run it, because its machine answers on the network"
        }
        Obstacle::Unreserved => "not every node knows yet that its former line has been replaced",
        Obstacle::Unknown => "the reason is unknown to this version of hb",
    }
}
