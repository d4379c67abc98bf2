//! Capabilities that a daemon running as root may lack, as in a container, and what does not work without
//! them.

use systole_sys::identity::{Capability, lacking};

/// The capabilities that the daemon itself needs.
const NEEDED: [Capability; 2] = [Capability::ChangeNetwork, Capability::RawSockets];
/// The capabilities that keep its beats on time.
const OF_REALTIME: [Capability; 2] = [Capability::Realtime, Capability::LockMemory];

/// Returns a complaint for each capability that is lacking, with its rule in docs/findings.md.
///
/// Empty if the kernel does not report the capabilities.
#[must_use]
pub fn complaints(is_realtime: bool) -> Vec<String> {
    let lacks = |wanted: &[Capability]| lacking(wanted).unwrap_or_default();
    let mut lacking = lacks(&NEEDED);
    if is_realtime {
        lacking.extend(lacks(&OF_REALTIME));
    }
    lacking.into_iter().filter_map(complaint).collect()
}

/// Returns whether this process runs as root.
#[must_use]
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn complaint(capability: Capability) -> Option<String> {
    let (rule, name, loss) = match capability {
        Capability::ChangeNetwork => {
            ("HA0801", "CAP_NET_ADMIN", "it cannot add floating addresses")
        }
        Capability::RawSockets => {
            ("HA0802", "CAP_NET_RAW", "it cannot ask ping nodes or announce addresses")
        }
        Capability::Realtime => (
            "HA0803",
            "CAP_SYS_NICE",
            "it has no real-time priority: on a busy machine beats are late",
        ),
        Capability::LockMemory => (
            "HA0804",
            "CAP_IPC_LOCK",
            "it cannot lock its memory: when memory is short beats are late",
        ),
        Capability::LowPorts
        | Capability::Kill
        | Capability::AnyFile
        | Capability::GiveFiles
        | Capability::Reboot
        | Capability::Resources => return None,
    };
    let remedy = "Allow it in the unit (CapabilityBoundingSet=) or in the container";
    Some(format!("the daemon does not have {name}, so {loss}. {remedy} [{rule}]"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = include_str!("../../../docs/findings.md");

    #[test]
    fn missing_capability_complaint_names_a_documented_rule() {
        for capability in NEEDED.into_iter().chain(OF_REALTIME) {
            let text = complaint(capability).expect("it is needed");
            let rule = text.rsplit_once('[').expect("it has a rule").1.trim_end_matches(']');
            assert!(DOCUMENT.contains(&format!("| {rule} | warning |")), "{rule}");
            assert!(
                text.starts_with("the daemon does not have CAP_") && text.contains(", so it "),
                "{text}"
            );
        }
    }

    #[test]
    fn complaints_are_made_only_about_missing_capabilities() {
        let lacking = lacking(&NEEDED).unwrap().len();
        assert_eq!(complaints(false).len(), lacking);
        assert!(complaints(true).len() >= lacking);
    }
}
