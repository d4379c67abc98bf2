//! Ping nodes and ping groups.

use super::parts::{Parts, bad, unknown_host};
use super::{Placed, Reader};
use crate::finding::{Finding, Severity};
use crate::lexer::Word;
use crate::medium::{PingMember, PingNode};
use crate::rule;
use crate::source::File;
use std::net::IpAddr;
use std::ops::Range;

impl Reader<'_> {
    pub(super) fn ping(&mut self, word: Word<'_>, ipv6: bool) {
        let directive = if ipv6 { "ping6" } else { "ping" };
        let literal = word.text.parse::<IpAddr>().ok();
        let of_other_family = literal.is_some_and(|address| address.is_ipv6() != ipv6);
        let illegal = format!(
            "ERROR: Illegal {directive} [{directive} membership] in config file [{}]",
            word.text
        );
        if of_other_family {
            let other = if ipv6 { "ping" } else { "ping6" };
            let refusal =
                bad(word, &format!("expected a host for `{directive}`; this one is for `{other}`"));
            return self.report(refusal.original(illegal));
        }
        if self.is_unknown_host(word.text) {
            let refusal = unknown_host(word, format!("ERROR: glib: unknown host: {}", word.text));
            return self.report(refusal.original(illegal));
        }
        self.add_ping_node(
            PingNode {
                directive,
                name: word.text.to_owned(),
                members: vec![PingMember { host: word.text.to_owned(), ipv6 }],
            },
            word.span(),
        );
    }

    pub(super) fn ping_group(&mut self, line: Parts<'_>, rest: Word<'_>) {
        let (Some(name), true) = (line.parts.first(), line.parts.len() > 1) else {
            let finding = Finding::new(
                &rule::EMPTY_PING_GROUP,
                File::HaCf,
                line.name.span(),
                "a ping group needs a name and a host",
            )
            .label("expected `ping_group NAME HOST…`");
            return self.report(finding);
        };
        let mut members = Vec::new();
        for host in &line.parts[1..] {
            let ipv6 = host.text.parse::<IpAddr>().is_ok_and(|address| address.is_ipv6());
            if ipv6 || self.is_unknown_host(host.text) {
                // heartbeat 3.0.6 complains and continues with the other members.
                let mut finding =
                    unknown_host(*host, format!("ERROR: glib: unknown host: {}", host.text));
                finding.severity = Severity::Warning;
                self.report(finding);
                continue;
            }
            members.push(PingMember { host: host.text.to_owned(), ipv6 });
        }
        self.add_ping_node(
            PingNode { directive: "ping_group", name: name.text.to_owned(), members },
            rest.span(),
        );
    }

    fn add_ping_node(&mut self, ping: PingNode, span: Range<usize>) {
        if self.draft.ping_nodes.iter().any(|known| known.value.name == ping.name) {
            let message = format!("ping node `{}` is listed already", ping.name);
            self.find(&rule::DUPLICATE_MEDIUM, span, message, "counts once");
            return;
        }
        self.draft.ping_nodes.push(Placed { value: ping, span });
    }
}
