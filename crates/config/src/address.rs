//! Resource words that stand for a floating address.

use crate::facts::{Facts, Interface};
use crate::finding::Finding;
use crate::lexer::Word;
use crate::rule;
use crate::source::File;
use std::net::{IpAddr, Ipv4Addr};
use systole_core::AddressSpec;

/// The result of reading a word that stands for an address.
pub(crate) struct ParsedAddress {
    /// The address; absent when the word is malformed, so that its group cannot run here.
    pub(crate) spec: Option<AddressSpec>,
    /// The findings about the word.
    pub(crate) findings: Vec<Finding>,
}

/// Returns whether a word is an address without the name of an agent.
///
/// heartbeat 3.0.6 tests whether the word looks like four numbers separated by dots; only Systole accepts
/// IPv6.
pub(crate) fn is_bare(word: &str) -> bool {
    let head = word.split('/').next().unwrap_or(word);
    head.parse::<IpAddr>().is_ok() || looks_like_ipv4(head)
}

/// Returns whether the text has four parts separated by dots, each of which begins with a digit.
fn looks_like_ipv4(text: &str) -> bool {
    let starts_with_digit = |part: &str| part.starts_with(|c: char| c.is_ascii_digit());
    text.split('.').count() == 4
        && text.split('.').all(starts_with_digit)
        && text.chars().all(|c| c.is_ascii_digit() || c == '.')
}

/// Reads `address[/mask][/interface][/broadcast]`; `text` is the part of `word` that holds the address.
pub(crate) fn parse(word: Word<'_>, text: &str, ipv6_agent: bool) -> ParsedAddress {
    let mut reader = Reader { word, findings: Vec::new() };
    let spec = reader.read(text, ipv6_agent);
    ParsedAddress { spec, findings: reader.findings }
}

struct Reader<'a> {
    word: Word<'a>,
    findings: Vec<Finding>,
}

impl Reader<'_> {
    fn find(
        &mut self,
        rule: &'static rule::Rule,
        message: String,
        label: impl Into<String>,
    ) -> &mut Finding {
        let finding = Finding::new(rule, File::Haresources, self.word.span(), message).label(label);
        self.findings.push(finding);
        self.findings.last_mut().expect("pushed just now")
    }

    fn read(&mut self, text: &str, ipv6_agent: bool) -> Option<AddressSpec> {
        let mut parts = text.split('/');
        let head = parts.next().unwrap_or_default();
        let Ok(address) = head.parse::<IpAddr>() else {
            self.find(
                &rule::BAD_ADDRESS,
                format!("`{head}` is not an IP address"),
                "the group cannot run here",
            );
            return None;
        };
        if ipv6_agent && address.is_ipv4() {
            self.find(
                &rule::BAD_ADDRESS,
                format!("`{head}` is not an IPv6 address"),
                "the group cannot run here",
            );
            return None;
        }
        let mut spec = AddressSpec { address, prefix: None, interface: None, broadcast: None };
        for (at, part) in parts.enumerate() {
            self.part(&mut spec, at, part)?;
        }
        Some(spec)
    }

    fn part(&mut self, spec: &mut AddressSpec, at: usize, part: &str) -> Option<()> {
        let starts_with_digit = part.starts_with(|c: char| c.is_ascii_digit());
        match at {
            _ if part.is_empty() => {}
            0 if starts_with_digit => spec.prefix = Some(self.prefix(spec.address, part)?),
            0 => {
                // heartbeat 3.0.6 takes the name of the interface for a netmask.
                self.find(
                    &rule::INTERFACE_AS_MASK,
                    format!("heartbeat 3.0.6 reads `{part}` as the netmask"),
                    "here it is the interface, with the mask of its own network",
                )
                .help =
                    Some(format!("`{}/PREFIX/{part}` is read the same way by both", spec.address));
                spec.interface = Some(part.to_owned());
            }
            1 | 2 if starts_with_digit && spec.address.is_ipv4() && spec.broadcast.is_none() => {
                let Ok(broadcast) = part.parse::<Ipv4Addr>() else {
                    self.find(
                        &rule::BAD_BROADCAST,
                        format!("`{part}` is not a broadcast address"),
                        "the group cannot run here",
                    );
                    return None;
                };
                spec.broadcast = Some(broadcast);
            }
            1 if spec.interface.is_none() => spec.interface = Some(part.to_owned()),
            _ => {
                self.find(
                    &rule::BAD_ADDRESS,
                    format!("`{part}` is not allowed in an address"),
                    "expected ADDRESS/MASK/INTERFACE/BROADCAST; the group cannot run here",
                );
                return None;
            }
        }
        Some(())
    }

    fn prefix(&mut self, address: IpAddr, part: &str) -> Option<u8> {
        let most = if address.is_ipv4() { 32 } else { 128 };
        let by_number = part.parse::<u8>().ok().filter(|prefix| (1..=most).contains(prefix));
        let parsed = by_number.or_else(|| by_mask(part).filter(|_| address.is_ipv4()));
        if parsed.is_none() {
            self.find(
                &rule::BAD_PREFIX,
                format!("`{part}` is not a netmask for `{address}`"),
                format!("expected a prefix length from 1 to {most}; the group cannot run here"),
            );
        }
        parsed
    }
}

/// Returns the prefix length of a dotted netmask.
fn by_mask(text: &str) -> Option<u8> {
    let mask = u32::from(text.parse::<Ipv4Addr>().ok()?);
    let ones = mask.leading_ones();
    (mask.count_ones() == ones && ones > 0).then_some(u8::try_from(ones).unwrap_or(32))
}

/// Compares an address with the interfaces of this machine.
pub(crate) fn check(
    word: Word<'_>,
    spec: &AddressSpec,
    facts: &Facts<'_>,
    findings: &mut Vec<Finding>,
) {
    let Some(interfaces) = facts.interfaces else { return };
    let address = spec.address;
    let find = |rule, message: String, label: &str| {
        Finding::new(rule, File::Haresources, word.span(), message).label(label)
    };
    let owner = interfaces.iter().find(|one| one.addresses.iter().any(|(own, _)| *own == address));
    if let Some(owner) = owner {
        findings.push(find(
            &rule::ADDRESS_IS_OWN,
            format!("`{address}` is this node's own address on `{}`", owner.name),
            "a floating address must belong to no node",
        ));
        return;
    }
    let wanted = spec.interface.as_deref();
    if let Some(name) = wanted.filter(|name| facts.interface(name).is_none()) {
        findings.push(find(
            &rule::UNKNOWN_INTERFACE,
            format!("there is no interface `{name}`"),
            "the group cannot run here",
        ));
        return;
    }
    // An interface and a host prefix are all that is needed to add the address on any network.
    if wanted.is_some() && spec.prefix.is_some() && is_host_route(spec) {
        return;
    }
    let candidates = interfaces.iter().filter(|one| {
        wanted.is_none_or(|name| facts.interface(name).is_some_and(|found| found.name == one.name))
    });
    if !candidates.clone().any(|interface| reaches(interface, address)) {
        let place = wanted.map_or_else(|| "any interface".to_owned(), |name| format!("`{name}`"));
        findings.push(find(
            &rule::ADDRESS_IN_NO_SUBNET,
            format!("`{address}` is in no subnet of {place}"),
            "clients on the local network will not reach it",
        ));
    }
}

/// Returns whether the spec is for a single address, which may lie outside every subnet.
fn is_host_route(spec: &AddressSpec) -> bool {
    spec.prefix == Some(if spec.address.is_ipv4() { 32 } else { 128 })
}

fn reaches(interface: &Interface, address: IpAddr) -> bool {
    interface.addresses.iter().any(|(own, prefix)| same_network(*own, address, *prefix))
}

/// Returns whether two addresses share their first `prefix` bits.
pub(crate) fn same_network(one: IpAddr, other: IpAddr, prefix: u8) -> bool {
    match (one, other) {
        (IpAddr::V4(one), IpAddr::V4(other)) => {
            let differing = u32::from(one) ^ u32::from(other);
            differing.leading_zeros() >= u32::from(prefix.min(32))
        }
        (IpAddr::V6(one), IpAddr::V6(other)) => {
            let differing = u128::from(one) ^ u128::from(other);
            differing.leading_zeros() >= u32::from(prefix.min(128))
        }
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> (Option<AddressSpec>, Vec<&'static str>) {
        let parsed = parse(Word { text, start: 0 }, text, false);
        let rules = parsed.findings.iter().map(|finding| finding.rule).collect();
        (parsed.spec, rules)
    }

    fn spec(
        address: &str,
        prefix: Option<u8>,
        interface: Option<&str>,
        broadcast: Option<&str>,
    ) -> AddressSpec {
        AddressSpec {
            address: address.parse().unwrap(),
            prefix,
            interface: interface.map(str::to_owned),
            broadcast: broadcast.map(|text| text.parse().unwrap()),
        }
    }

    #[test]
    fn address_in_each_form_is_parsed() {
        for (text, expected) in [
            ("10.0.0.1", spec("10.0.0.1", None, None, None)),
            ("10.0.0.1/24", spec("10.0.0.1", Some(24), None, None)),
            ("10.0.0.1/24/eth0", spec("10.0.0.1", Some(24), Some("eth0"), None)),
            ("10.0.0.1/24/eth0:1", spec("10.0.0.1", Some(24), Some("eth0:1"), None)),
            ("10.0.0.1/24/10.0.0.255", spec("10.0.0.1", Some(24), None, Some("10.0.0.255"))),
            (
                "10.0.0.1/24/eth0/10.0.0.9",
                spec("10.0.0.1", Some(24), Some("eth0"), Some("10.0.0.9")),
            ),
            ("10.0.0.1/255.255.255.0", spec("10.0.0.1", Some(24), None, None)),
            ("2001:db8::1", spec("2001:db8::1", None, None, None)),
            ("2001:db8::1/64/eth0", spec("2001:db8::1", Some(64), Some("eth0"), None)),
        ] {
            assert_eq!(read(text), (Some(expected), vec![]), "{text}");
        }
    }

    #[test]
    fn interface_in_place_of_mask_is_accepted_with_finding() {
        let (found, rules) = read("10.0.0.1/eth0");
        assert_eq!(found, Some(spec("10.0.0.1", None, Some("eth0"), None)));
        assert_eq!(rules, [rule::INTERFACE_AS_MASK.id]);
    }

    #[test]
    fn malformed_address_is_rejected_with_its_rule() {
        for (text, rule) in [
            ("300.1.1.1", &rule::BAD_ADDRESS),
            ("10.0.0.1/33", &rule::BAD_PREFIX),
            ("10.0.0.1/0", &rule::BAD_PREFIX),
            ("10.0.0.1/255.0.255.0", &rule::BAD_PREFIX),
            ("2001:db8::1/129", &rule::BAD_PREFIX),
            ("10.0.0.1/24/eth0/300.1.1.1", &rule::BAD_BROADCAST),
            ("10.0.0.1/24/eth0/10.0.0.255/more", &rule::BAD_ADDRESS),
        ] {
            assert_eq!(read(text), (None, vec![rule.id]), "{text}");
        }
    }

    #[test]
    fn bare_address_is_distinguished_from_agent_word() {
        for word in ["10.0.0.1", "300.1.1.1/24", "fe80::1", "2001:db8::1/64/eth0"] {
            assert!(is_bare(word), "{word}");
        }
        for word in ["nginx", "IPaddr::10.0.0.1", "drbddisk::r0", "1.2.3", "a::b"] {
            assert_eq!(is_bare(word), word == "a::b", "{word}");
        }
    }

    #[test]
    fn addresses_share_network_when_family_and_prefix_match() {
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        assert!(same_network(address("10.0.0.1"), address("10.0.0.200"), 24));
        assert!(!same_network(address("10.0.0.1"), address("10.0.1.1"), 24));
        assert!(same_network(address("fe80::1"), address("fe80::2"), 64));
        assert!(!same_network(address("10.0.0.1"), address("fe80::2"), 0));
    }

    proptest! {
        #[test]
        fn address_parser_never_panics(text in "[0-9a-f:./x]{0,60}") {
            read(&text);
        }
    }
}
