//! Turns fields into what they mean to the core.

use crate::error::HearError;
use crate::fields::{Fields, Kind};
use crate::limits::NAME_MAX;
use crate::words::{self, field, kind};
use crate::{beat, number};
use std::time::Duration;
use systole_core::{Beat, GroupKey, GroupSet, Message, Uuid};

/// The fields that every message has.
pub(crate) struct Header<'a> {
    pub(crate) source: &'a str,
    pub(crate) source_uuid: Option<Uuid>,
    pub(crate) dest: Option<&'a str>,
    pub(crate) dest_uuid: Option<Uuid>,
    pub(crate) generation: u64,
    pub(crate) sequence: Option<u64>,
    pub(crate) unix_time: u64,
}

/// Returns the header of a message.
pub(crate) fn header<'a>(fields: &'a Fields, message: &Message) -> Result<Header<'a>, HearError> {
    let sequence = if message.is_sequenced() { Some(hex(fields, field::SEQUENCE)?) } else { None };
    if sequence == Some(0) {
        return Err(HearError::Unreadable(field::SEQUENCE));
    }
    Ok(Header {
        source: needed(fields, field::SOURCE)?,
        source_uuid: uuid(fields, field::SOURCE_UUID)?,
        dest: text(fields, field::DEST)?,
        dest_uuid: uuid(fields, field::DEST_UUID)?,
        generation: match text(fields, field::GENERATION)? {
            Some(_) => hex(fields, field::GENERATION)?,
            None => 0,
        },
        sequence,
        unix_time: time(fields)?,
    })
}

/// Reads the string that a Systole node adds to its status; returns whether there is a readable one.
pub(crate) fn beat(fields: &Fields, out: &mut Beat) -> bool {
    fields
        .get(field::BEAT)
        .filter(|field| field.kind == Kind::String)
        .is_some_and(|field| beat::read(field.value, out))
}

/// Returns what a message says. A message with a sequence number whose content cannot be read still counts in
/// the sequence: otherwise this node would ask for it again forever.
pub(crate) fn message(fields: &Fields) -> Result<Message, HearError> {
    let kind = needed(fields, field::TYPE)?;
    content(fields).or_else(|error| {
        let (HearError::Missing(field) | HearError::Unreadable(field)) = error;
        let is_sequenced = !kind.starts_with(kind::UNSEQUENCED);
        if is_sequenced { Ok(Message::Unreadable { field }) } else { Err(error) }
    })
}

/// Reads the content of a message.
fn content(fields: &Fields) -> Result<Message, HearError> {
    let kind = needed(fields, field::TYPE)?;
    Ok(match kind {
        kind::STATUS => status(fields)?,
        kind::ACK => Message::Ack { sequence: hex(fields, field::ACK)? },
        kind::REXMIT => rexmit(fields)?,
        kind::NAK => Message::Nak {
            sequence: hex(fields, field::FIRST)?,
            too_low: word(fields, field::INFO, |info| match info {
                words::TOO_LOW => Some(true),
                words::NOT_FOUND => Some(false),
                _ => None,
            })?,
        },
        kind::REQUEST_NODES => Message::RequestNodes,
        kind::REPLY_NODES => Message::ReplyNodes {
            nodes: names(needed(fields, field::NODES)?),
            deleted: names(text(fields, field::DELETED)?.unwrap_or_default()),
        },
        kind::STARTING => Message::Starting,
        kind::RESOURCE => resource(fields)?,
        kind::ASK_RESOURCES => Message::AskResources {
            hold: word(fields, field::HOLD, words::hold)?,
            step: word(fields, field::INFO, words::step)?,
            ipfail: is_from_ipfail(fields)?,
            by_order: text(fields, field::BY_ORDER)?.is_some(),
        },
        kind::TAKEOVER => Message::TakeoverOrder {
            hold: word(fields, field::HOLD, |hold| match hold {
                words::FAILBACK => Some(GroupSet::All),
                _ => words::hold(hold),
            })?,
        },
        kind::GROUP_STEP => Message::GroupStep {
            group: group(fields)?,
            step: word(fields, field::INFO, words::step)?,
            by_order: text(fields, field::BY_ORDER)?.is_some(),
        },
        kind::GROUP_ORDER => Message::GroupOrder { group: group(fields)? },
        kind::REFUSE => Message::Refuse {
            step: word(fields, field::INFO, words::step)?,
            why: word(fields, field::RESULT, words::refusal)?,
            number: match text(fields, field::NUMBER)? {
                Some(_) => Some(hex(fields, field::NUMBER)?),
                None => None,
            },
        },
        kind::GROUP_REQUEST => {
            Message::GroupRequest { key: needed(fields, field::ADDRESS)?.into() }
        }
        kind::GROUP_GRANT => Message::GroupGrant {
            key: needed(fields, field::ADDRESS)?.into(),
            owned: word(fields, field::OWNED, |owned| match owned {
                "yes" => Some(true),
                "no" => Some(false),
                _ => None,
            })?,
            granted: needed(fields, field::OK)? == words::GRANTED,
        },
        kind::SHUTDONE => Message::Shutdone,
        kind::QUERY_CLIENT => Message::QueryClient {
            client: client_name(fields, field::CLIENT)?,
            asker: client_name(fields, field::FROM)?,
        },
        kind::REPLY_CLIENT => Message::ReplyClient {
            client: client_name(fields, field::CLIENT)?,
            asker: client_name(fields, field::TO)?,
            online: word(fields, field::CLIENT_STATUS, |status| match status {
                words::ONLINE => Some(true),
                words::OFFLINE => Some(false),
                _ => None,
            })?,
        },
        kind::STONITH => Message::Stonith {
            node: needed(fields, field::NODE)?.into(),
            result: word(fields, field::RESULT, words::fencing)?,
        },
        _ => client(kind, fields)?,
    })
}

fn group(fields: &Fields) -> Result<GroupKey, HearError> {
    let key = hex(fields, field::GROUP)?;
    u32::try_from(key).map(GroupKey).map_err(|_| HearError::Unreadable(field::GROUP))
}

/// Reads the name of a client. The name must be short, because this node repeats it to every node that asks.
fn client_name(fields: &Fields, name: &'static str) -> Result<Box<str>, HearError> {
    let value = needed(fields, name)?;
    if value.len() > NAME_MAX { Err(HearError::Unreadable(name)) } else { Ok(value.into()) }
}

/// Reads a message of an API client; this node itself acts as one of these clients.
fn client(kind: &str, fields: &Fields) -> Result<Message, HearError> {
    let unknown = Message::Unknown { unsequenced: kind.starts_with(kind::UNSEQUENCED) };
    if !is_from_ipfail(fields)? {
        return Ok(unknown);
    }
    Ok(match kind {
        kind::PRESENCE => Message::IpfailPresence {
            joined: word(fields, field::STATUS, |status| match status {
                words::JOIN => Some(true),
                words::LEAVE => Some(false),
                _ => None,
            })?,
        },
        kind::PING_COUNT => Message::PingCount {
            count: u32::try_from(decimal(fields, field::PINGS)?)
                .map_err(|_| HearError::Unreadable(field::PINGS))?,
        },
        kind::ABORT_GIVEUP => Message::AbortGiveup,
        kind::YOU_ARE_DEAD => Message::YouAreDead,
        _ => unknown,
    })
}

fn status(fields: &Fields) -> Result<Message, HearError> {
    Ok(Message::Status {
        status: word(fields, field::STATUS, words::status)?,
        deadtime: Duration::from_millis(hex(fields, field::DEADTIME)?),
        flow_control: fields.get(field::PROTOCOL).is_some(),
    })
}

/// Reads a request for retransmission. Its two numbers are decimal, unlike all others.
fn rexmit(fields: &Fields) -> Result<Message, HearError> {
    let first = decimal(fields, field::FIRST)?;
    let last = decimal(fields, field::LAST)?;
    if first == 0 {
        return Err(HearError::Unreadable(field::FIRST));
    }
    if last < first {
        return Err(HearError::Unreadable(field::LAST));
    }
    Ok(Message::Rexmit { first, last })
}

fn resource(fields: &Fields) -> Result<Message, HearError> {
    Ok(Message::Resource {
        hold: word(fields, field::HOLD, words::hold)?,
        full: match text(fields, field::REPORT)? {
            Some(words::FULL) => true,
            None => false,
            Some(_) => return Err(HearError::Unreadable(field::REPORT)),
        },
        stable: match text(fields, field::STABLE)? {
            Some("1") => Some(true),
            Some("0") => Some(false),
            None => None,
            Some(_) => return Err(HearError::Unreadable(field::STABLE)),
        },
        occasion: text(fields, field::INFO)?.map(words::occasion).unwrap_or_default(),
    })
}

/// Reads a list of names. A C node ends its lists with a blank and writes an empty list as a single blank.
fn names(list: &str) -> Box<str> {
    list.trim_ascii().into()
}

fn is_from_ipfail(fields: &Fields) -> Result<bool, HearError> {
    Ok(text(fields, field::FROM)? == Some(words::IPFAIL))
}

/// Reads the clock of the sender, which is never zero.
pub(crate) fn time(fields: &Fields) -> Result<u64, HearError> {
    match hex(fields, field::TIME)? {
        0 => Err(HearError::Unreadable(field::TIME)),
        time => Ok(time),
    }
}

/// Returns the value of a string field, if there is a field of this name.
pub(crate) fn text<'a>(
    fields: &'a Fields,
    name: &'static str,
) -> Result<Option<&'a str>, HearError> {
    match fields.get(name) {
        Some(field) => field.text().map(Some).ok_or(HearError::Unreadable(name)),
        None => Ok(None),
    }
}

/// Returns the value of a string field that must be present.
pub(crate) fn needed<'a>(fields: &'a Fields, name: &'static str) -> Result<&'a str, HearError> {
    text(fields, name)?.ok_or(HearError::Missing(name))
}

/// Returns the meaning of a word that must be present.
pub(crate) fn word<T>(
    fields: &Fields,
    name: &'static str,
    meaning: impl FnOnce(&str) -> Option<T>,
) -> Result<T, HearError> {
    meaning(needed(fields, name)?).ok_or(HearError::Unreadable(name))
}

fn hex(fields: &Fields, name: &'static str) -> Result<u64, HearError> {
    word(fields, name, |text| number::hex(text.as_bytes()))
}

fn decimal(fields: &Fields, name: &'static str) -> Result<u64, HearError> {
    word(fields, name, |text| number::decimal(text.as_bytes()))
}

fn uuid(fields: &Fields, name: &'static str) -> Result<Option<Uuid>, HearError> {
    let Some(field) = fields.get(name) else {
        return Ok(None);
    };
    match (field.kind, <[u8; 16]>::try_from(field.value)) {
        (Kind::Binary, Ok(bytes)) => Ok(Some(Uuid(bytes))),
        _ => Err(HearError::Unreadable(name)),
    }
}
