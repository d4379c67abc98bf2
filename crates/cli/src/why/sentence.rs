//! Entries of the journal as sentences.

use jiff::SignedDuration;
use systole_core::{Action, Phase};
use systole_node::state::{Happening, Wish};

/// What happened, as a sentence without its full stop. `took` is the time since the work began
/// that this ends.
pub(super) fn of(happening: &Happening, took: Option<SignedDuration>) -> String {
    match happening {
        Happening::Ownership { owner, term, phase, evidence, .. } => {
            ownership(owner, *term, *phase, evidence, took)
        }
        Happening::Reach { fault: Some(fault), .. } => {
            format!("this node lost the way to its clients: {fault}")
        }
        Happening::Reach { fault: None, .. } => {
            "this node has its way to the clients again".to_owned()
        }
        Happening::Death { node, evidence } => format!("{node} is dead: {evidence}"),
        Happening::Departure { node } => format!("{node} said goodbye"),
        Happening::Return { node, evidence } => format!("{node} is back: {evidence}"),
        Happening::Fencing { node, step, attempt, evidence } => {
            fencing(node, step, *attempt, evidence)
        }
        Happening::Order { order, uid, pid } => {
            format!("user {uid} (process {pid}) ordered: {}", wish(order))
        }
        Happening::Answer { order, refused } => match refused {
            None => format!("the order was carried out: {}", wish(order)),
            Some(reason) => format!("the order was refused: {}: {reason}", wish(order)),
        },
        Happening::Start { version, generation } => {
            format!("heartbeat {version} started on this node, generation {generation}")
        }
        Happening::Stop => "this node was told to stop".to_owned(),
        Happening::Pause { milliseconds } => format!("this node stood still for {milliseconds} ms"),
        Happening::Failure { node, action, resource, outcome, .. } => match action {
            Action::Start => format!("{node} could not start {resource}: {outcome}"),
            Action::Stop | Action::Status | Action::Monitor | Action::Check => {
                format!("{node} cannot stop {resource}: {outcome}")
            }
        },
    }
}

fn fencing(node: &str, step: &str, attempt: Option<u32>, evidence: &str) -> String {
    let attempt = attempt.map_or(String::new(), |attempt| format!(" (attempt {attempt})"));
    let what = match step {
        "wanted" => format!("nothing of {node} is taken before it is fenced"),
        "begins" => format!("a device is asked to reset {node}{attempt}"),
        "done" => format!("{node} was reset{attempt}"),
        "failed" => format!("{node} could not be reset{attempt}"),
        "cancelled" => format!("{node} is not fenced"),
        "confirmed" => format!("{node} was confirmed dead"),
        other => format!("{node}: {other}{attempt}"),
    };
    if evidence.is_empty() { what } else { format!("{what}: {evidence}") }
}

fn ownership(
    owner: &str,
    term: u64,
    phase: Phase,
    evidence: &str,
    took: Option<SignedDuration>,
) -> String {
    let took = took.map_or(String::new(), |took| format!(", after {} ms", took.as_millis()));
    match phase {
        Phase::Starting => format!("{owner} starts it (term {term}): {evidence}"),
        Phase::Active => format!("{owner} runs it (term {term}){took}: {evidence}"),
        Phase::Stopping => format!("{owner} stops it (term {term}): {evidence}"),
        Phase::Stopped => format!("stopped on {owner} (term {term}){took}: {evidence}"),
        Phase::Failed => format!("{owner} could not start it (term {term}){took}: {evidence}"),
        Phase::Blocked => format!("blocked on {owner} (term {term}){took}: {evidence}"),
    }
}

fn wish(wish: &Wish) -> String {
    match wish {
        Wish::Standby(set) => format!("standby [{set}]"),
        Wish::Takeover(set) => format!("takeover [{set}]"),
        Wish::StandbyGroup(group) => format!("standby of group {group}"),
        Wish::TakeoverGroup(group) => format!("takeover of group {group}"),
        Wish::ForgetPeer(node) => format!("forget the generation of {node}"),
        Wish::ConfirmDead(node) => format!("take {node} for dead"),
        Wish::Stop => "stop".to_owned(),
        Wish::Restart => "execute the daemon anew".to_owned(),
        Wish::Retry(None) => "try again what failed".to_owned(),
        Wish::Retry(Some(group)) => format!("try {group} again"),
    }
}
