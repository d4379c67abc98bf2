//! Media, ping nodes and ping groups.

use super::{Placed, Reader, slash_comment};
use crate::directive::MediumKind;
use crate::facts::FileKind;
use crate::finding::{Finding, Severity};
use crate::lexer::{Line, Word, is_blank};
use crate::medium::{Medium, PingMember, PingNode};
use crate::rule::{self, Rule};
use crate::source::File;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;

/// Highest time to live, or number of hops, of a multicast medium.
const MULTICAST_TTL_MAX: u64 = 4;

/// Multicast scopes that beats may have: link, admin, site, organisation.
const SCOPES: [u16; 4] = [2, 4, 5, 8];

/// Why a medium's line was refused.
type Refusal = Finding;

impl Reader<'_> {
    pub(super) fn medium(
        &mut self,
        kind: MediumKind,
        name: Word<'_>,
        words: &[Word<'_>],
        rest: Word<'_>,
    ) {
        let by_word = match kind {
            MediumKind::Bcast | MediumKind::Serial | MediumKind::Ping | MediumKind::Ping6 => true,
            MediumKind::Ucast
            | MediumKind::Ucast6
            | MediumKind::Mcast
            | MediumKind::Mcast6
            | MediumKind::PingGroup => false,
        };
        if !by_word {
            let parts: Vec<Word<'_>> = line_of(rest).words(is_blank).collect();
            return self.line_medium(kind, name, &parts, rest);
        }
        if name.text == "udp" {
            let finding = Finding::new(
                &rule::UDP_IS_BCAST,
                File::HaCf,
                name.span(),
                "`udp` is an old name of `bcast`",
            )
            .label("read as `bcast`")
            .fix("use today's name", name.span(), "bcast")
            .original("WARN: WARNING: directive 'udp' replaced by 'bcast'");
            self.report(finding);
        }
        if words.is_empty() {
            return self.no_value(name);
        }
        for word in words {
            if word.text.starts_with("//") {
                self.draft.spoilt_medium = true;
                self.report(slash_comment(&rule::SLASH_COMMENT, File::HaCf, *word));
                break;
            }
            match kind {
                MediumKind::Bcast => self.bcast(*word),
                MediumKind::Serial => self.serial(*word),
                MediumKind::Ping => self.ping(*word, false),
                MediumKind::Ping6 => self.ping(*word, true),
                MediumKind::Ucast
                | MediumKind::Ucast6
                | MediumKind::Mcast
                | MediumKind::Mcast6
                | MediumKind::PingGroup => {}
            }
        }
    }

    fn line_medium(
        &mut self,
        kind: MediumKind,
        name: Word<'_>,
        parts: &[Word<'_>],
        rest: Word<'_>,
    ) {
        let line = Parts { name, parts };
        let (made, used) = match kind {
            MediumKind::Ucast => (self.ucast(line), 2),
            MediumKind::Ucast6 => (self.ucast6(line), 2),
            MediumKind::Mcast => (self.mcast(line), 5),
            MediumKind::Mcast6 => (self.mcast6(line), 5),
            MediumKind::PingGroup => return self.ping_group(line, rest),
            MediumKind::Bcast | MediumKind::Serial | MediumKind::Ping | MediumKind::Ping6 => return,
        };
        match made {
            Ok(medium) => {
                let end = parts[used - 1].span().end;
                self.add_medium(medium, parts[0].start..end);
                self.words_beyond(parts.get(used));
            }
            Err(refusal) => {
                self.draft.spoilt_medium = true;
                self.report(refusal);
            }
        }
    }

    /// Finds words behind the last one that a medium's line has.
    fn words_beyond(&mut self, word: Option<&Word<'_>>) {
        let Some(word) = word else { return };
        let finding = if word.text.starts_with("//") {
            Finding {
                severity: Severity::Warning,
                ..slash_comment(&rule::SLASH_COMMENT, File::HaCf, *word)
            }
        } else {
            Finding::new(
                &rule::EXTRA_WORDS,
                File::HaCf,
                word.span(),
                "the line goes on behind its last value",
            )
            .label("ignored from here on")
        };
        self.report(finding);
    }

    fn add_medium(&mut self, medium: Medium, span: Range<usize>) {
        if self.draft.media.iter().any(|known| known.value == medium) {
            self.find(&rule::DUPLICATE_MEDIUM, span, "the same medium is listed already").label =
                "carries every message once more".to_owned();
            return;
        }
        self.draft.media.push(Placed { value: medium, span });
    }

    fn ucast(&mut self, line: Parts<'_>) -> Result<Medium, Refusal> {
        let device = line.need(0, "interface")?;
        let host = line.need_as(1, "host", || {
            format!("ERROR: glib: ucast: [{}] missing target IP address/hostname", device.text)
        })?;
        if self.is_unknown_host(host.text) {
            return Err(unknown_host(
                host,
                "ERROR: glib: ucast: cannot resolve hostname".to_owned(),
            ));
        }
        self.device(device);
        Ok(Medium::Ucast {
            device: device.text.to_owned(),
            host: host.text.to_owned(),
            port: self.draft.port(),
        })
    }

    fn ucast6(&mut self, line: Parts<'_>) -> Result<Medium, Refusal> {
        let device = line.need(0, "interface")?;
        let address = line.need_as(1, "IPv6 address", || {
            format!("ERROR: glib: ucast6 [{}] missing ucast6 address", device.text)
        })?;
        let parsed = address.text.parse::<Ipv6Addr>().ok();
        let parsed = parsed.filter(|address| !address.is_multicast() && !address.is_loopback());
        let Some(parsed) = parsed else {
            return Err(bad(address, "expected a numeric IPv6 address of one host").original(
                format!("ERROR: glib: ucast6 [{}] bad addr [{}]", device.text, address.text),
            ));
        };
        self.device(device);
        Ok(Medium::Ucast6 {
            device: device.text.to_owned(),
            address: parsed,
            port: self.draft.port(),
        })
    }

    fn mcast(&mut self, line: Parts<'_>) -> Result<Medium, Refusal> {
        let device = line.need(0, "interface")?;
        let group = line.need_as(1, "multicast group", || {
            format!("ERROR: glib: mcast [{}] missing mcast address", device.text)
        })?;
        let parsed = group.text.parse::<Ipv4Addr>().ok().filter(Ipv4Addr::is_multicast);
        let Some(parsed) = parsed else {
            return Err(bad(group, "expected a group of 224.0.0.0/4").original(format!(
                "ERROR: glib:  mcast [{}] bad addr [{}]",
                device.text, group.text
            )));
        };
        let (port, ttl, loopback) = line.multicast(device, "mcast", "ttl")?;
        self.multicast_device(device)?;
        Ok(Medium::Mcast { device: device.text.to_owned(), group: parsed, port, ttl, loopback })
    }

    fn mcast6(&mut self, line: Parts<'_>) -> Result<Medium, Refusal> {
        let device = line.need(0, "interface")?;
        let group = line.need_as(1, "multicast group", || {
            format!("ERROR: glib: mcast6 [{}] missing mcast6 address", device.text)
        })?;
        let parsed = group.text.parse::<Ipv6Addr>().ok().filter(is_usable_group);
        let Some(parsed) = parsed else {
            return Err(bad(group, "expected a group of link, admin, site or organisation scope")
                .original(format!(
                    "ERROR: glib:  mcast6 [{}] bad addr [{}]",
                    device.text, group.text
                )));
        };
        let (port, hops, loopback) = line.multicast(device, "mcast6", "hops")?;
        self.device(device);
        Ok(Medium::Mcast6 { device: device.text.to_owned(), group: parsed, port, hops, loopback })
    }

    fn bcast(&mut self, word: Word<'_>) {
        let facts = self.facts;
        if facts.interfaces.is_some() {
            let interface = facts.interface(word.text);
            let usable =
                interface.is_some_and(|known| known.addresses.iter().any(|(a, _)| a.is_ipv4()));
            if !usable {
                let label =
                    if interface.is_some() { "has no IPv4 address" } else { "no such interface" };
                let message = format!("`{}` cannot broadcast", word.text);
                let finding =
                    Finding::new(&rule::BROADCAST_INTERFACE, File::HaCf, word.span(), message)
                        .label(label)
                        .original(format!(
                            "ERROR: glib: IP interface [{}] does not exist",
                            word.text
                        ))
                        .original(format!(
                            "ERROR: Illegal bcast [UDP/IP broadcast] in config file [{}]",
                            word.text
                        ));
                self.draft.spoilt_medium = true;
                return self.report(finding);
            }
            if interface.is_some_and(|known| known.broadcast.is_none()) {
                let message = format!("`{}` has no broadcast address set", word.text);
                let finding = Finding::new(
                    &rule::NO_BROADCAST_ADDRESS,
                    File::HaCf,
                    word.span(),
                    message,
                )
                .label("a C heartbeat here hears only itself, and so do both nodes: split brain")
                .help(format!("`ip address add ADDRESS/PREFIX broadcast + dev {}`", word.text));
                self.report(finding);
            }
        }
        let medium = Medium::Bcast { device: word.text.to_owned(), port: self.draft.port() };
        self.add_medium(medium, word.span());
    }

    fn serial(&mut self, word: Word<'_>) {
        let found = self.facts.file.map(|file| file(word.text));
        if let Some(kind) = found.filter(|kind| *kind != Some(FileKind::Device)) {
            let (label, original) = match kind {
                None => (
                    "no such file",
                    format!("ERROR: glib: Nonexistent serial port [{}] in config file", word.text),
                ),
                Some(_) => (
                    "not a character device",
                    format!(
                        "ERROR: glib: Serial port [{}] not a char device in config file",
                        word.text
                    ),
                ),
            };
            let message = format!("`{}` is no serial port", word.text);
            let finding = Finding::new(&rule::NOT_A_TERMINAL, File::HaCf, word.span(), message)
                .label(label)
                .original(original)
                .original(format!(
                    "ERROR: Illegal serial [serial ring] in config file [{}]",
                    word.text
                ));
            self.draft.spoilt_medium = true;
            return self.report(finding);
        }
        let baud = self.draft.word("baud").and_then(|baud| baud.parse().ok()).unwrap_or(19_200);
        let medium = Medium::Serial { tty: word.text.to_owned(), baud };
        self.add_medium(medium, word.span());
    }

    fn ping(&mut self, word: Word<'_>, ipv6: bool) {
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

    fn ping_group(&mut self, line: Parts<'_>, rest: Word<'_>) {
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
                // heartbeat 3.0.6 complains and goes on with the other members.
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
            self.find(&rule::DUPLICATE_MEDIUM, span, message).label = "counts once".to_owned();
            return;
        }
        self.draft.ping_nodes.push(Placed { value: ping, span });
    }

    fn is_unknown_host(&self, host: &str) -> bool {
        host.parse::<IpAddr>().is_err() && self.facts.host.is_some_and(|find| find(host).is_none())
    }

    /// Finds a device that does not exist, with which heartbeat 3.0.6 starts and then dies.
    fn device(&mut self, word: Word<'_>) {
        if self.facts.interfaces.is_some() && self.facts.interface(word.text).is_none() {
            let message = format!("there is no interface `{}`", word.text);
            self.find(&rule::UNKNOWN_DEVICE, word.span(), message).label =
                "a C heartbeat starts and dies at once".to_owned();
        }
    }

    fn multicast_device(&self, word: Word<'_>) -> Result<(), Refusal> {
        if self.facts.interfaces.is_none() {
            return Ok(());
        }
        let interface = self.facts.interface(word.text);
        if interface
            .is_some_and(|known| known.addresses.iter().any(|(address, _)| address.is_ipv4()))
        {
            return Ok(());
        }
        let label = if interface.is_some() { "has no IPv4 address" } else { "no such interface" };
        let message = format!("`{}` cannot multicast", word.text);
        let original =
            format!("ERROR: glib: mcast device [{}] is invalid or not set up properly", word.text);
        Err(Finding::new(&rule::BROADCAST_INTERFACE, File::HaCf, word.span(), message)
            .label(label)
            .original(original))
    }
}

/// The words of a medium's line.
#[derive(Clone, Copy)]
struct Parts<'a> {
    name: Word<'a>,
    parts: &'a [Word<'a>],
}

impl<'a> Parts<'a> {
    fn need(&self, at: usize, what: &str) -> Result<Word<'a>, Refusal> {
        self.parts.get(at).copied().ok_or_else(|| {
            let last = self.parts.last().unwrap_or(&self.name);
            Finding::new(
                &rule::BAD_MEDIUM,
                File::HaCf,
                last.span(),
                format!("`{}` lacks its {what}", self.name.text),
            )
            .label("expected behind this")
            .help(format!("the whole line is `{}`", usage(self.name.text)))
        })
    }

    fn need_as(
        &self,
        at: usize,
        what: &str,
        original: impl FnOnce() -> String,
    ) -> Result<Word<'a>, Refusal> {
        self.need(at, what).map_err(|finding| finding.original(original()))
    }

    /// Port, hops and loopback of a multicast line.
    fn multicast(
        &self,
        device: Word<'_>,
        directive: &str,
        hops: &str,
    ) -> Result<(u16, u8, bool), Refusal> {
        let prefix = format!("ERROR: glib:  {directive} [{}]", device.text);
        let need = |at, what: &str| {
            self.need_as(at, what, || {
                format!("ERROR: glib: {directive} [{}] missing {what}", device.text)
            })
        };
        let number = |word: Word<'_>, what: &str, least: u64, most: u64| {
            let parsed = word.text.parse::<u64>().ok();
            parsed.filter(|number| (least..=most).contains(number)).ok_or_else(|| {
                bad(word, &format!("expected a number from {least} to {most}"))
                    .original(format!("{prefix} bad {what} [{}]", word.text))
            })
        };
        let port = number(need(2, "port")?, "port", 1, 65_535)?;
        let ttl = number(need(3, hops)?, hops, 0, MULTICAST_TTL_MAX)?;
        let loopback = number(need(4, "loop")?, "loop", 0, 1)?;
        let port = u16::try_from(port).expect("checked above");
        Ok((port, u8::try_from(ttl).expect("checked above"), loopback == 1))
    }
}

fn usage(directive: &str) -> &'static str {
    match directive {
        "mcast" => "mcast INTERFACE GROUP PORT TTL LOOP",
        "mcast6" => "mcast6 INTERFACE GROUP PORT HOPS LOOP",
        "ucast6" => "ucast6 INTERFACE ADDRESS",
        _ => "ucast INTERFACE HOST",
    }
}

fn bad(word: Word<'_>, label: &str) -> Finding {
    Finding::new(
        &rule::BAD_MEDIUM,
        File::HaCf,
        word.span(),
        format!("`{}` cannot stand here", word.text),
    )
    .label(label)
}

fn unknown_host(word: Word<'_>, original: String) -> Finding {
    let rule: &'static Rule = &rule::UNKNOWN_HOST;
    Finding::new(rule, File::HaCf, word.span(), format!("the host `{}` is unknown", word.text))
        .label("no address found")
        .original(original)
}

fn is_usable_group(group: &Ipv6Addr) -> bool {
    let [first, rest @ ..] = group.segments();
    let flags = first & 0x00f0;
    group.is_multicast()
        && flags <= 0x10
        && SCOPES.contains(&(first & 0xf))
        && rest.iter().any(|segment| *segment != 0)
}

fn line_of(word: Word<'_>) -> Line<'_> {
    Line { text: word.text, start: word.start }
}
