//! Resources that run on a node although their group does not.

use systole_core::ForeignStep;

/// Returns what has happened to such a resource, as the word of the journal.
#[must_use]
pub const fn foreign_word(step: ForeignStep) -> &'static str {
    match step {
        ForeignStep::Runs { is_stopped: false } => "runs",
        ForeignStep::Runs { is_stopped: true } => "stops",
        ForeignStep::Stopped => "stopped",
        ForeignStep::NotStopped(_) => "not_stopped",
        ForeignStep::Gone => "gone",
    }
}

/// Returns the sentence about such a resource: the owner of its group, the word of what has happened, and what
/// came of a stop that failed. A word of a later version is printed as it is.
#[must_use]
pub fn foreign(resource: &str, owner: Option<&str>, step: &str, outcome: &str) -> String {
    let whose = match owner {
        Some(owner) => format!("although {owner} has its group"),
        None => "although no node has its group".to_owned(),
    };
    match step {
        "runs" => format!("{resource} runs here {whose}; {}", foreign_advice(resource)),
        "stops" => {
            format!("{resource} runs here {whose}: it is stopped; {}", foreign_advice(resource))
        }
        "stopped" => format!("{resource}, which ran here {whose}, was stopped"),
        "not_stopped" => format!("{resource} runs here {whose} and cannot be stopped: {outcome}"),
        "gone" => format!("{resource} no longer runs here"),
        other => format!("{resource} runs here {whose} ({other})"),
    }
}

/// Returns what a person can do about such a resource.
#[must_use]
pub fn foreign_advice(resource: &str) -> String {
    // A word without a first letter is an address, as in haresources.
    let agent = resource.split("::").next().unwrap_or_default();
    let is_address = agent.starts_with(|first: char| first.is_ascii_digit())
        || matches!(agent, "IPaddr" | "IPaddr2" | "IPv6addr" | "IPsrcaddr");
    if is_address {
        "remove it from the network configuration of this machine".to_owned()
    } else {
        format!("if it is started at boot: systemctl disable --now {agent}")
    }
}
