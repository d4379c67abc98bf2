//! The payload of ICMP echoes, which are the beats of ping nodes.

use crate::error::{FieldError, HearError};
use crate::fields::{Fields, Kind};
use crate::words::{self, field, kind};
use crate::{hear, number};

/// The medium of a ping node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PingMedium {
    /// `ping`: one IPv4 address.
    Ping,
    /// `ping6`: one IPv6 address.
    Ping6,
    /// `ping_group`: several addresses; the group is alive as long as one of them answers.
    Group,
}

impl PingMedium {
    /// Returns the word in messages and in `ha.cf`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ping => "ping",
            Self::Ping6 => "ping6",
            Self::Group => "ping_group",
        }
    }

    fn of_word(word: &str) -> Option<Self> {
        [Self::Ping, Self::Ping6, Self::Group].into_iter().find(|medium| medium.word() == word)
    }
}

/// A beat on behalf of a ping node: it is sent in an echo request and comes back in the reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ping<'a> {
    /// The medium.
    pub medium: PingMedium,
    /// The name of the ping node or ping group.
    pub node: &'a str,
    /// The time at which it was sent, in seconds since 1970.
    pub unix_time: u64,
}

impl<'a> Ping<'a> {
    pub(crate) fn write(&self, fields: &mut Fields) -> Result<(), FieldError> {
        fields.push_text(field::TYPE, kind::PING)?;
        fields.push_text(field::STATUS, words::PING)?;
        fields.push_text(field::INFO, self.medium.word())?;
        fields.push_text(field::SOURCE, self.node)?;
        fields.push_with(Kind::String, field::TIME, |value| {
            number::push_hex(value, self.unix_time);
        })
    }

    pub(crate) fn read(fields: &'a Fields) -> Result<Self, HearError> {
        let is = |right: &'static str| move |word: &str| (word == right).then_some(());
        hear::word(fields, field::TYPE, is(kind::PING))?;
        hear::word(fields, field::STATUS, is(words::PING))?;
        Ok(Self {
            medium: hear::word(fields, field::INFO, PingMedium::of_word)?,
            node: hear::needed(fields, field::SOURCE)?,
            unix_time: hear::time(fields)?,
        })
    }
}
