//! Why a group changed its owner, or its owner let go of it.

use systole_core::{Cause, NodeId, Proof, Settings};

/// Returns the evidence for a cause, as a clause.
#[must_use]
pub fn cause(cause: &Cause, settings: &Settings) -> String {
    let name = |node: NodeId| settings.name(node);
    match *cause {
        Cause::Unowned => "no other node has it".to_owned(),
        Cause::OwnerDead { owner, silence, proof } => {
            let proof = match proof {
                Proof::Silence => "",
                Proof::Fenced => " and was fenced",
                Proof::Confirmed => " and was confirmed dead by hand",
            };
            format!("{} was silent for {} ms{proof}", name(owner), silence.as_millis())
        }
        Cause::OwnerLeft(owner) => format!("{} reported that it is stopped there", name(owner)),
        Cause::OwnerUnheard(owner) => {
            format!("{} was not heard since this node started", name(owner))
        }
        Cause::OwnerFailed(owner) => format!("{} reported that it cannot run it", name(owner)),
        Cause::OwnerInDoubt(owner) => format!(
            "{} has lost its executor: addresses have expired there, services may still be \
             running",
            name(owner)
        ),
        Cause::ExecutorLost => {
            "the executor is gone or stalled: addresses have expired, services may still be \
             running"
                .to_owned()
        }
        Cause::HandOver { giver, taker } => {
            format!("{} hands it over to {}", name(giver), name(taker))
        }
        Cause::Listed => {
            "it ran here when this daemon started, and the executor has not yet reported what \
             runs"
                .to_owned()
        }
        Cause::Adopted => "it was found running after a restart of the daemon".to_owned(),
        Cause::Unsure => "the executor cannot confirm at the moment that all of it runs".to_owned(),
        Cause::Reclaimed(node) => {
            format!("{} remembers it in a higher term and does not run it", name(node))
        }
        Cause::Claimed(node) => format!("as reported by {}", name(node)),
        Cause::Outranked(node) => format!("{} has a higher claim", name(node)),
        Cause::Stopping => "this node was told to stop".to_owned(),
        Cause::StartFailed => "a resource did not start".to_owned(),
        Cause::CheckFailed => "a resource failed while it ran".to_owned(),
        Cause::LetGo => "the executor no longer holds it".to_owned(),
        Cause::StopFailed => "a resource cannot be stopped".to_owned(),
        Cause::Retry => "a retry was ordered".to_owned(),
        Cause::Reload => "the configuration was changed".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn cause_of_owner_death_names_its_proof() {
        let settings = Settings::new(NodeId(0), ["web1", "web2"]);
        let (owner, silence) = (NodeId(1), Duration::from_millis(510));
        for (proof, text) in [
            (Proof::Silence, "web2 was silent for 510 ms"),
            (Proof::Fenced, "web2 was silent for 510 ms and was fenced"),
            (Proof::Confirmed, "web2 was silent for 510 ms and was confirmed dead by hand"),
        ] {
            assert_eq!(cause(&Cause::OwnerDead { owner, silence, proof }, &settings), text);
        }
    }
}
