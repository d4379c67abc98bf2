//! Turns messages of the core into fields.

use crate::beat;
use crate::encoder::Identity;
use crate::error::EncodeError;
use crate::fields::{Fields, Kind};
use crate::number;
use crate::words::{self, field, kind};
use std::time::Duration;
use systole_core::{
    Beat, Custom, Fencing, GroupSet, Message, NodeStatus, Occasion, Outgoing, Refusal, Step,
};

/// `client_gen` of a client that has not signed on again.
const FIRST_CLIENT: u64 = 0;

/// One message that is being turned into fields, in the order in which a C node writes them: the signatures
/// depend on the order, and people may compare captures.
pub(crate) struct Compose<'a> {
    fields: &'a mut Fields,
    identity: &'a Identity,
    outgoing: &'a Outgoing,
}

impl<'a> Compose<'a> {
    pub(crate) fn new(
        fields: &'a mut Fields,
        identity: &'a Identity,
        outgoing: &'a Outgoing,
    ) -> Self {
        Self { fields, identity, outgoing }
    }

    /// Writes all fields except the signature.
    pub(crate) fn write(
        mut self,
        beat: Option<&Beat>,
        load: &str,
        unix_time: u64,
    ) -> Result<(), EncodeError> {
        self.own(beat)?;
        self.header(load, unix_time)
    }

    fn own(&mut self, beat: Option<&Beat>) -> Result<(), EncodeError> {
        match &self.outgoing.message {
            Message::Status { status, deadtime, flow_control } => {
                self.status(*status, *deadtime, *flow_control, beat)
            }
            Message::Ack { sequence } => {
                self.kind(kind::ACK)?;
                self.hex(field::ACK, *sequence)
            }
            Message::Rexmit { first, last } => {
                self.kind(kind::REXMIT)?;
                self.decimal(field::FIRST, *first)?;
                self.decimal(field::LAST, *last)
            }
            Message::Nak { sequence, too_low } => self.nak(*sequence, *too_low),
            Message::RequestNodes => self.kind(kind::REQUEST_NODES),
            Message::ReplyNodes { nodes, deleted } => self.reply_nodes(nodes, deleted),
            Message::Starting => self.kind(kind::STARTING),
            Message::Resource { hold, full, stable, occasion } => {
                self.resource(*hold, *full, *stable, *occasion)
            }
            Message::AskResources { hold, step, ipfail, by_order } => {
                self.ask_resources(*hold, *step, *ipfail)?;
                self.by_order(*by_order)
            }
            Message::TakeoverOrder { hold } => {
                self.kind(kind::TAKEOVER)?;
                self.text(field::HOLD, hold.word())
            }
            Message::GroupStep { group, step, by_order } => {
                self.kind(kind::GROUP_STEP)?;
                self.dest()?;
                self.hex(field::GROUP, u64::from(group.0))?;
                self.text(field::INFO, step.word())?;
                self.by_order(*by_order)
            }
            Message::GroupOrder { group } => {
                self.kind(kind::GROUP_ORDER)?;
                self.dest()?;
                self.hex(field::GROUP, u64::from(group.0))
            }
            Message::Refuse { step, why, number } => self.refuse(*step, *why, *number),
            Message::GroupRequest { key } => {
                self.kind(kind::GROUP_REQUEST)?;
                self.text(field::ADDRESS, key)
            }
            Message::GroupGrant { key, owned, granted } => self.group_grant(key, *owned, *granted),
            Message::ReplyClient { client, asker, online } => {
                self.reply_client(client, asker, *online)
            }
            Message::Shutdone => {
                self.kind(kind::SHUTDONE)?;
                self.text(field::STATUS, NodeStatus::Dead.word())
            }
            Message::Stonith { node, result } => self.stonith(node, *result),
            Message::IpfailPresence { joined } => self.presence(*joined),
            Message::PingCount { count } => {
                self.text(field::TYPE, kind::PING_COUNT)?;
                self.source()?;
                self.decimal(field::PINGS, u64::from(*count))?;
                self.dest()?;
                self.client()
            }
            Message::AbortGiveup => {
                self.text(field::TYPE, kind::ABORT_GIVEUP)?;
                self.source()?;
                self.dest()?;
                self.client()
            }
            Message::YouAreDead => {
                self.kind(kind::YOU_ARE_DEAD)?;
                self.client()
            }
            Message::Custom(custom) => self.custom(custom),
            Message::QueryClient { .. } | Message::Unreadable { .. } | Message::Unknown { .. } => {
                Err(EncodeError::NotSendable)
            }
        }
    }

    /// Writes a message of an administrator, whose type and fields must not be those of daemons.
    fn custom(&mut self, custom: &Custom) -> Result<(), EncodeError> {
        if words::is_of_protocol(&custom.kind) {
            return Err(EncodeError::NotSendable);
        }
        self.kind(&custom.kind)?;
        for (name, value) in &custom.fields {
            if words::is_of_every_message(name) || words::is_of_envelope(name) {
                return Err(EncodeError::NotSendable);
            }
            self.text(name, value)?;
        }
        Ok(())
    }

    fn header(&mut self, load: &str, unix_time: u64) -> Result<(), EncodeError> {
        if self.outgoing.dest.is_some()
            && let Some(uuid) = self.outgoing.dest_uuid
        {
            self.fields.push(Kind::Binary, field::DEST_UUID, &uuid.0)?;
        }
        if self.fields.get(field::SOURCE).is_none() {
            self.source()?;
        }
        let uuid = &self.identity.uuid.0;
        self.fields.push(Kind::Binary, field::SOURCE_UUID, uuid)?;
        let is_sequenced = self.outgoing.message.is_sequenced();
        if is_sequenced {
            let sequence = self.outgoing.sequence.ok_or(EncodeError::NoSequence)?;
            self.hex(field::SEQUENCE, sequence)?;
        }
        self.hex(field::GENERATION, self.identity.generation)?;
        self.hex(field::TIME, unix_time)?;
        if is_sequenced {
            self.text(field::LOAD, load)?;
        }
        self.decimal(field::TTL, u64::from(self.identity.ttl))
    }

    fn status(
        &mut self,
        status: NodeStatus,
        deadtime: Duration,
        flow_control: bool,
        beat: Option<&Beat>,
    ) -> Result<(), EncodeError> {
        self.kind(kind::STATUS)?;
        self.text(field::STATUS, status.word())?;
        let milliseconds = u64::try_from(deadtime.as_millis()).unwrap_or(u64::MAX);
        self.hex(field::DEADTIME, milliseconds)?;
        if flow_control {
            self.text(field::PROTOCOL, words::PROTOCOL)?;
        }
        if let Some(beat) = beat {
            let name = field::BEAT.as_bytes();
            self.fields.push_checked(Kind::String, name, |value| beat::push(value, beat))?;
        }
        Ok(())
    }

    fn nak(&mut self, sequence: u64, too_low: bool) -> Result<(), EncodeError> {
        self.text(field::TYPE, kind::NAK)?;
        self.hex(field::FIRST, sequence)?;
        self.dest()?;
        let info = if too_low { words::TOO_LOW } else { words::NOT_FOUND };
        self.text(field::INFO, info)
    }

    fn reply_nodes(&mut self, nodes: &str, deleted: &str) -> Result<(), EncodeError> {
        self.dest()?;
        self.text(field::TYPE, kind::REPLY_NODES)?;
        for (name, list) in [(field::NODES, nodes), (field::DELETED, deleted)] {
            self.fields.push_with(Kind::String, name, |value| {
                value.extend_from_slice(list.as_bytes());
                value.push(b' ');
            })?;
        }
        Ok(())
    }

    fn reply_client(&mut self, client: &str, asker: &str, online: bool) -> Result<(), EncodeError> {
        self.kind(kind::REPLY_CLIENT)?;
        self.text(field::RESULT, words::GRANTED)?;
        self.text(field::CLIENT, client)?;
        self.text(field::TO, asker)?;
        self.text(field::CLIENT_STATUS, if online { words::ONLINE } else { words::OFFLINE })
    }

    fn resource(
        &mut self,
        hold: GroupSet,
        full: bool,
        stable: Option<bool>,
        occasion: Occasion,
    ) -> Result<(), EncodeError> {
        self.kind(kind::RESOURCE)?;
        self.text(field::HOLD, hold.word())?;
        if full {
            self.text(field::REPORT, words::FULL)?;
        }
        if let Some(stable) = stable {
            self.text(field::STABLE, if stable { "1" } else { "0" })?;
        }
        match (occasion, words::of_occasion(occasion)) {
            (Occasion::Report, _) => Ok(()),
            (_, Some(word)) => self.text(field::INFO, word),
            (_, None) => Err(EncodeError::NotSendable),
        }
    }

    fn ask_resources(
        &mut self,
        hold: GroupSet,
        step: Step,
        ipfail: bool,
    ) -> Result<(), EncodeError> {
        self.kind(kind::ASK_RESOURCES)?;
        self.text(field::HOLD, hold.word())?;
        if ipfail {
            self.source()?;
        }
        self.text(field::INFO, step.word())?;
        if ipfail {
            self.client()?;
        }
        Ok(())
    }

    /// Writes a field that a C node does not know; it is sent only where it says something.
    fn by_order(&mut self, by_order: bool) -> Result<(), EncodeError> {
        if by_order { self.text(field::BY_ORDER, "yes") } else { Ok(()) }
    }

    fn refuse(&mut self, step: Step, why: Refusal, number: Option<u64>) -> Result<(), EncodeError> {
        self.kind(kind::REFUSE)?;
        self.dest()?;
        self.text(field::INFO, step.word())?;
        let word = words::of_refusal(why).ok_or(EncodeError::NotSendable)?;
        self.text(field::RESULT, word)?;
        number.map_or(Ok(()), |number| self.hex(field::NUMBER, number))
    }

    fn group_grant(&mut self, key: &str, owned: bool, granted: bool) -> Result<(), EncodeError> {
        self.kind(kind::GROUP_GRANT)?;
        self.text(field::ADDRESS, key)?;
        self.text(field::OWNED, if owned { "yes" } else { "no" })?;
        let answer = if granted { words::GRANTED } else { words::REFUSED };
        self.text(field::OK, answer)
    }

    fn stonith(&mut self, node: &str, result: Fencing) -> Result<(), EncodeError> {
        self.kind(kind::STONITH)?;
        self.text(field::NODE, node)?;
        let word = words::of_fencing(result).ok_or(EncodeError::NotSendable)?;
        self.text(field::RESULT, word)
    }

    fn presence(&mut self, joined: bool) -> Result<(), EncodeError> {
        let (status, info) =
            if joined { (words::JOIN, words::SIGNON) } else { (words::LEAVE, words::SIGNOFF) };
        self.kind(kind::PRESENCE)?;
        self.text(field::STATUS, status)?;
        self.text(field::FROM, words::IPFAIL)?;
        self.text(field::TO, words::IPFAIL)?;
        self.source()?;
        self.text(field::INFO, info)?;
        self.decimal(field::CLIENT_GENERATION, FIRST_CLIENT)
    }

    /// Writes the type, followed by the addressee, where most messages have it.
    fn kind(&mut self, kind: &str) -> Result<(), EncodeError> {
        self.text(field::TYPE, kind)?;
        self.dest()
    }

    fn dest(&mut self) -> Result<(), EncodeError> {
        let Some(dest) = self.outgoing.dest else {
            return Ok(());
        };
        let identity = self.identity;
        let name = identity.nodes.get(dest.index());
        self.text(field::DEST, name.ok_or(EncodeError::UnknownNode)?)
    }

    fn source(&mut self) -> Result<(), EncodeError> {
        let identity = self.identity;
        self.text(field::SOURCE, &identity.name)
    }

    fn client(&mut self) -> Result<(), EncodeError> {
        self.text(field::FROM, words::IPFAIL)?;
        self.text(field::TO, words::IPFAIL)?;
        self.decimal(field::CLIENT_GENERATION, FIRST_CLIENT)
    }

    fn text(&mut self, name: &str, value: &str) -> Result<(), EncodeError> {
        Ok(self.fields.push_text(name, value)?)
    }

    fn hex(&mut self, name: &str, number: u64) -> Result<(), EncodeError> {
        let write = |value: &mut Vec<u8>| number::push_hex(value, number);
        Ok(self.fields.push_with(Kind::String, name, write)?)
    }

    fn decimal(&mut self, name: &str, number: u64) -> Result<(), EncodeError> {
        let write = |value: &mut Vec<u8>| number::push_decimal(value, number);
        Ok(self.fields.push_with(Kind::String, name, write)?)
    }
}
