//! Links that lead nowhere.

use super::find;
use crate::facts::Facts;
use crate::finding::Finding;
use crate::hacf::Draft;
use crate::medium::Medium;
use crate::rule;
use std::net::IpAddr;
use systole_core::LINKS_MAX;

pub(super) fn check(draft: &Draft, facts: &Facts<'_>, findings: &mut Vec<Finding>) {
    if draft.media.is_empty() && !draft.spoilt_medium {
        findings.push(
            find(&rule::NO_MEDIA, 0..0, "ha.cf names no medium that carries beats")
                .help("`ucast INTERFACE ADDRESS-OF-THE-OTHER-NODE`")
                .original("ERROR: No heartbeat media defined"),
        );
    }
    if let Some(beyond) = draft.media.get(LINKS_MAX) {
        let message = format!("a node has at most {LINKS_MAX} media");
        findings
            .push(find(&rule::TOO_MANY_LINKS, beyond.span.clone(), message).label("one too many"));
    }
    // A `ucast` to this node is fine next to another link: it is the documented way to keep the files of both
    // nodes identical.
    if draft.media.iter().all(|medium| leads_here(&medium.value, facts)) {
        for medium in &draft.media {
            findings.push(
                find(
                    &rule::UCAST_TO_SELF,
                    medium.span.clone(),
                    "this `ucast` leads to this node itself",
                )
                .label("an address of this machine")
                .help("name the other node's address: no link leads to the other node"),
            );
        }
    }
}

fn leads_here(medium: &Medium, facts: &Facts<'_>) -> bool {
    match medium {
        Medium::Ucast { host, .. } => {
            if let Ok(address) = host.parse::<IpAddr>() {
                return is_own(address, facts);
            }
            let named = facts.own_name().is_some_and(|own| own == host.to_lowercase());
            let resolved = facts.host.and_then(|find| find(host));
            named || resolved.is_some_and(|address| is_own(address, facts))
        }
        Medium::Ucast6 { address, .. } => is_own(IpAddr::V6(*address), facts),
        Medium::Bcast { .. }
        | Medium::Mcast { .. }
        | Medium::Mcast6 { .. }
        | Medium::Serial { .. } => false,
    }
}

fn is_own(address: IpAddr, facts: &Facts<'_>) -> bool {
    let Some(interfaces) = facts.interfaces else { return address.is_loopback() };
    address.is_loopback()
        || interfaces.iter().any(|one| one.addresses.iter().any(|(own, _)| *own == address))
}
