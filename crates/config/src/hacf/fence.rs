//! Devices that fence nodes: `stonith`, `stonith_host` and `fence`.

use super::{Placed, Reader};
use crate::fencing::{FenceDevice, FenceLine, Secret, StonithParameters};
use crate::finding::Finding;
use crate::lexer::{Line, Word, is_blank};
use crate::rule;
use crate::source::File;

impl Reader<'_> {
    pub(super) fn stonith(&mut self, with_host: bool, name: Word<'_>, rest: Word<'_>) {
        let line = Line { text: rest.text, start: rest.start };
        let mut words = line.words(is_blank);
        let host = if with_host { words.next() } else { None };
        if with_host && host.is_none() {
            return self.bad_stonith(
                name,
                "expected `stonith_host HOST TYPE PARAMETERS…`",
                "hostname argument",
            );
        }
        let Some(device) = words.next() else {
            // heartbeat 3.0.6 does not read the rest of a line that is for another host.
            if host.is_none_or(|host| host.text == "*") {
                self.bad_stonith(name, "no type of a device follows", "type");
            }
            return;
        };
        let behind = device.span().end - rest.start;
        let parameters = rest.text[behind..].trim_matches(is_blank).to_owned();
        let parameters = if with_host {
            StonithParameters::Words(Secret(parameters))
        } else {
            StonithParameters::File(parameters)
        };
        let from = host.map(|host| host.text.to_owned());
        let kind = device.text.to_owned();
        self.draft.fencing.push(Placed {
            value: FenceLine { from, device: FenceDevice::Stonith { device: kind, parameters } },
            span: device.span(),
        });
    }

    fn bad_stonith(&mut self, name: Word<'_>, label: &str, what: &str) {
        let missing = if what == "type" { "type given" } else { "hostname argument given" };
        let message = format!("`{}` lacks its {what}", name.text);
        let finding = Finding::new(&rule::BAD_STONITH, File::HaCf, name.span(), message)
            .label(label)
            .original(format!("ERROR: No Stonith {missing}"));
        self.report(finding);
    }

    pub(super) fn fence(&mut self, name: Word<'_>, rest: Word<'_>) {
        const FORM: &str = "expected `fence NODE fence_AGENT NAME=VALUE…`";
        let line = Line { text: rest.text, start: rest.start };
        let mut words = line.words(is_blank);
        let (Some(node), Some(agent)) = (words.next(), words.next()) else {
            let message = "`fence` lacks its node or its agent";
            return self.find(&rule::BAD_FENCE, name.span(), message, FORM);
        };
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
        if !agent.text.starts_with("fence_") || !agent.text.bytes().all(is_plain) {
            let message = format!("`{}` is not the name of a fence agent", agent.text);
            return self.find(&rule::BAD_FENCE, agent.span(), message, FORM);
        }
        let mut options = Vec::new();
        for word in words {
            let option = word.text.split_once('=').filter(|(option, _)| !option.is_empty());
            let Some((option, value)) = option else {
                // The word is not shown because it may be part of a password.
                return self.find(&rule::BAD_FENCE, word.span(), "no `NAME=VALUE`", FORM);
            };
            if option == "action" && !matches!(value, "off" | "reboot") {
                let message = format!("`{value}` does not stop the node");
                let label = "expected `off` or `reboot`";
                return self.find(&rule::BAD_FENCE, word.span(), message, label);
            }
            options.push((option.to_owned(), Secret(value.to_owned())));
        }
        let device = FenceDevice::Agent {
            node: node.text.to_lowercase(),
            agent: agent.text.to_owned(),
            options,
        };
        self.draft
            .fencing
            .push(Placed { value: FenceLine { from: None, device }, span: node.span() });
    }
}
