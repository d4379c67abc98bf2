//! Machines that answer for an address of a group that this node would take.

use systole_core::AnswerNews;

/// Returns the sentence about what is new of a machine that answers for an address of a group.
#[must_use]
pub fn answer_news(mac: &str, node: Option<&str>, news: AnswerNews) -> String {
    let whose = || node.map_or_else(String::new, |node| format!(" of {node}"));
    match news {
        AnswerNews::Answers | AnswerNews::Unknown => address_answers(mac, node),
        AnswerNews::Silent => format!(
            "the Ethernet address {mac}{} no longer answers for an address of the group",
            whose()
        ),
        AnswerNews::Limit => format!(
            "the Ethernet address {mac}{} still answers for an address of the group, and the time of `guard after` is over",
            whose()
        ),
        AnswerNews::NoNode => format!(
            "a machine that is no node answers for an address of the group, with the Ethernet address {mac}; look for a \
             router with proxy ARP, or for a second machine with that address"
        ),
    }
}

/// Returns the sentence about a machine that answers for an address of a group.
#[must_use]
pub fn address_answers(mac: &str, node: Option<&str>) -> String {
    match node {
        Some(node) => format!(
            "{node} is not heard, and its Ethernet address {mac} still answers for an address of the group"
        ),
        None => format!(
            "a machine with the Ethernet address {mac} answers for an address of the group, and may be a node that is \
             not heard"
        ),
    }
}
