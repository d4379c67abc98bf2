//! Machines that answer for an address of a group that this node would take.

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
