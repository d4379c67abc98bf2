//! Media.

use super::parts::{Parts, Refusal, bad, unknown_host};
use super::{Placed, Reader, slash_comment};
use crate::directive::MediumKind;
use crate::facts::FileKind;
use crate::finding::{Finding, Severity};
use crate::lexer::{Line, Word, is_blank};
use crate::medium::Medium;
use crate::rule;
use crate::source::File;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Range;

/// Multicast scopes that are allowed for beats: link, admin, site, organisation.
const SCOPES: [u16; 4] = [2, 4, 5, 8];

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
                self.report(*refusal);
            }
        }
    }

    /// Reports words after the last one that the line of a medium takes.
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
                "extra words after the last value",
            )
            .label("ignored from here on")
        };
        self.report(finding);
    }

    fn add_medium(&mut self, medium: Medium, span: Range<usize>) {
        if self.draft.media.iter().any(|known| known.value == medium) {
            self.find(
                &rule::DUPLICATE_MEDIUM,
                span,
                "the same medium is listed already",
                "every message would be sent twice",
            );
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
            let original = "ERROR: glib: ucast: cannot resolve hostname".to_owned();
            return Err(Box::new(unknown_host(host, original)));
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
            return Err(Box::new(
                bad(address, "expected a numeric IPv6 address of one host").original(format!(
                    "ERROR: glib: ucast6 [{}] bad addr [{}]",
                    device.text, address.text
                )),
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
            return Err(Box::new(bad(group, "expected a group of 224.0.0.0/4").original(format!(
                "ERROR: glib:  mcast [{}] bad addr [{}]",
                device.text, group.text
            ))));
        };
        let (port, ttl, loopback) = line.multicast(device, "mcast", "ttl", self.findings)?;
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
            return Err(Box::new(
                bad(group, "expected a group of link, admin, site or organisation scope").original(
                    format!("ERROR: glib:  mcast6 [{}] bad addr [{}]", device.text, group.text),
                ),
            ));
        };
        let (port, hops, loopback) = line.multicast(device, "mcast6", "hops", self.findings)?;
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
            let message = format!("`{}` is not a serial port", word.text);
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
        let baud = self.draft.number("baud").unwrap_or_default();
        let medium = Medium::Serial { tty: word.text.to_owned(), baud };
        self.add_medium(medium, word.span());
    }

    pub(super) fn is_unknown_host(&self, host: &str) -> bool {
        host.parse::<IpAddr>().is_err() && self.facts.host.is_some_and(|find| find(host).is_none())
    }

    /// Reports a device that does not exist; heartbeat 3.0.6 starts with such a device and then dies.
    fn device(&mut self, word: Word<'_>) {
        if self.facts.interfaces.is_some() && self.facts.interface(word.text).is_none() {
            let message = format!("there is no interface `{}`", word.text);
            let finding = Finding::new(&rule::UNKNOWN_DEVICE, File::HaCf, word.span(), message)
                .label("a C heartbeat starts and dies at once")
                .help(
                    "Systole opens the medium when the interface is there; with no other medium it does \
                     not start, and refuses a reload",
                );
            self.report(finding);
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
        Err(Box::new(
            Finding::new(&rule::BROADCAST_INTERFACE, File::HaCf, word.span(), message)
                .label(label)
                .original(original),
        ))
    }
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
