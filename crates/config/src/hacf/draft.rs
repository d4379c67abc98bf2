//! What the lines of `ha.cf` say.

use super::{HoldDownLine, MonitorLine, ProbeLine, Setting};
use crate::config::{ApiAuthorization, Client};
use crate::directive::{self, Directive};
use crate::fencing::FenceLine;
use crate::medium::{Medium, PingNode};
use crate::values::Parsed;
use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;
use systole_core::Failback;

/// A value and the bytes in the file that it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Placed<T> {
    pub(crate) value: T,
    pub(crate) span: Range<usize>,
}

/// What the lines say, before defaults are filled in and before lines are compared with each other.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    pub(crate) nodes: Vec<Placed<String>>,
    pub(crate) media: Vec<Placed<Medium>>,
    pub(crate) ping_nodes: Vec<Placed<PingNode>>,
    pub(crate) settings: BTreeMap<&'static str, Setting>,
    pub(crate) clients: Vec<Client>,
    pub(crate) ipfail: Option<Range<usize>>,
    pub(crate) api_authorizations: Vec<ApiAuthorization>,
    pub(crate) fencing: Vec<Placed<FenceLine>>,
    pub(crate) environment: Vec<(String, String)>,
    /// `failback` lines: the name of a group as written, and its failback mode.
    pub(crate) group_failback: Vec<(Placed<String>, Failback)>,
    /// `monitor` lines.
    pub(crate) monitors: Vec<MonitorLine>,
    /// `check` lines.
    pub(crate) probes: Vec<ProbeLine>,
    /// `hold_down`.
    pub(crate) hold_down: Option<HoldDownLine>,
    /// Whether a medium line was malformed, so that the lack of media need not be reported again.
    pub(crate) spoilt_medium: bool,
    pub(crate) default_port: u16,
    pub(super) pacemaker_seen: bool,
}

impl Draft {
    /// Returns the value of a directive, from a line or by default.
    pub(crate) fn value(&self, directive: &Directive) -> Option<Parsed> {
        let set = self.settings.get(directive.name).map(|setting| setting.value.clone());
        set.or_else(|| directive.default_value(self))
    }

    /// Returns a time, from a line or by default.
    pub(crate) fn time(&self, directive: &str) -> Option<Duration> {
        match self.value(directive::find(directive)?)? {
            Parsed::Time(time) => Some(time),
            Parsed::Boolean(_) | Parsed::Number(_) | Parsed::Word(_) | Parsed::Nothing => None,
        }
    }

    /// Returns a number, from a line or by default.
    pub(crate) fn number(&self, directive: &str) -> Option<u32> {
        match self.value(directive::find(directive)?)? {
            Parsed::Number(number) => Some(number),
            Parsed::Time(_) | Parsed::Boolean(_) | Parsed::Word(_) | Parsed::Nothing => None,
        }
    }

    /// Returns whether a line sets a value that is not empty.
    pub(crate) fn is_set(&self, directive: &str) -> bool {
        let setting = self.settings.get(directive);
        setting.is_some_and(|setting| setting.value != Parsed::Nothing)
    }

    /// Returns the value of a directive as written.
    pub(crate) fn written(&self, directive: &str) -> Option<&str> {
        Some(&self.settings.get(directive)?.text)
    }

    /// Returns where a directive was set.
    pub(crate) fn span(&self, directive: &str) -> Option<Range<usize>> {
        Some(self.settings.get(directive)?.span.clone())
    }

    /// Returns the port of the next medium.
    pub(crate) fn port(&self) -> u16 {
        let port = self.number("udpport").and_then(|port| u16::try_from(port).ok());
        port.unwrap_or(self.default_port)
    }
}
