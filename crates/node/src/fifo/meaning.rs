//! What a message in the FIFO means: an order, a message for event scripts, or nothing that is done.

use super::Fields;
use systole_core::{Custom, GroupSet, Order};

/// `rsc_hold` of scripts: for a standby the same as `foreign`; for a takeover heartbeat makes it `all`.
const FAILBACK: &str = "failback";

/// Why an order without a set is refused.
const NO_SET: &str = "rsc_hold must be all, local, foreign or failback";

/// What a message means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// An order, as on the control socket.
    Order(Order),
    /// A message of a type that means nothing to the daemon, for event scripts.
    Message {
        /// The message, without an addressee.
        custom: Custom,
        /// The name of the only node that it is for.
        dest: Option<String>,
    },
    /// Nothing is done, for this reason.
    Refused(String),
}

/// Returns what a message with these fields means.
pub(crate) fn meaning(fields: &Fields) -> Meaning {
    let value = |name: &str| {
        let mut named = fields.iter().filter(|(known, _)| known == name);
        named.next().map(|(_, value)| value.as_str())
    };
    let Some(kind) = value("t").filter(|kind| !kind.is_empty()) else {
        return Meaning::Refused("a message has no type (t=…)".to_owned());
    };
    let refused = |why: &str| Meaning::Refused(format!("{kind}: {why}"));
    let set = |failback| match value("rsc_hold") {
        None => Some(GroupSet::All),
        Some(FAILBACK) => Some(failback),
        Some(word) => {
            let sets = [GroupSet::Local, GroupSet::Foreign, GroupSet::All];
            sets.into_iter().find(|set| set.word() == word)
        }
    };
    if fields.iter().any(|(name, _)| systole_wire::is_of_envelope(name)) {
        return refused("names of fields that begin with `_compress` are those of daemons");
    }
    // A type is also the name of a script, which is in lower case: other types must not lead to the same script.
    let lower = kind.to_ascii_lowercase();
    let is_exact = lower == kind;
    match lower.as_str() {
        "ask_resources" if is_exact && value("info") == Some("me") => {
            match set(GroupSet::Foreign) {
                Some(set) => Meaning::Order(Order::Standby(set)),
                None => refused(NO_SET),
            }
        }
        "ask_resources" => {
            refused("only info=me is an order; the other steps are those of daemons")
        }
        "hb_takeover" if is_exact => match set(GroupSet::All) {
            Some(set) => Meaning::Order(Order::Takeover(set)),
            None => refused(NO_SET),
        },
        "addnode" | "delnode" => refused(
            "only ha.cf says which nodes there are: change it on every node, then `hb reload`",
        ),
        "setweight" | "setsite" => refused("nothing uses weights and sites of nodes"),
        _ if systole_wire::is_of_protocol(kind) => {
            refused("only daemons send messages of this type; orders are given with `hb`")
        }
        _ if !kind.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte)) => {
            Meaning::Refused("a type has letters, digits, `_` and `-` only".to_owned())
        }
        _ => message(kind, value("dest"), fields),
    }
}

/// A message for event scripts. What the daemon itself writes into every message is left out.
fn message(kind: &str, dest: Option<&str>, fields: &Fields) -> Meaning {
    let own = fields.iter().filter(|(name, _)| !systole_wire::is_of_every_message(name));
    let fields = own.map(|(name, value)| (name.as_str().into(), value.as_str().into())).collect();
    let custom = Custom { kind: kind.into(), fields };
    Meaning::Message { custom, dest: dest.map(str::to_ascii_lowercase) }
}
