//! Splits reports that are longer than a packet into several packets.
//!
//! The greeting names everything that is held. With hundreds of groups of many resources it is longer than
//! a packet may be. Every packet of such a report except the last begins with a byte that never occurs in
//! JSON.

use crate::protocol::{PACKET_MAX, ProtocolError, Report};

/// The first byte of a packet that is followed by another one of the same report.
const MORE: u8 = 1;
/// Maximum length of a report in bytes.
const REPORT_MAX: usize = 32 << 20;

/// Splits a report into packets.
///
/// # Errors
///
/// When the report cannot be written as JSON, which does not happen with the reports of this executor.
pub fn split(report: &Report) -> Result<Vec<Vec<u8>>, ProtocolError> {
    let mut rest = &serde_json::to_vec(report)?[..];
    let mut packets = Vec::new();
    while rest.len() > PACKET_MAX {
        let (part, left) = rest.split_at(PACKET_MAX - 1);
        packets.push([&[MORE], part].concat());
        rest = left;
    }
    packets.push(rest.to_vec());
    Ok(packets)
}

/// Joins packets to reports.
#[derive(Debug, Default)]
pub struct Joiner(Vec<u8>);

impl Joiner {
    /// Takes a packet and returns the report that ends with it, if one does.
    ///
    /// # Errors
    ///
    /// When the report is too long, or the packets are not a report.
    pub fn join(&mut self, packet: &[u8]) -> Result<Option<Report>, ProtocolError> {
        let size = self.0.len() + packet.len();
        if size > REPORT_MAX {
            return Err(ProtocolError::Long { size });
        }
        if let [MORE, part @ ..] = packet {
            self.0.extend_from_slice(part);
            return Ok(None);
        }
        if self.0.is_empty() {
            return Report::decode(packet).map(Some);
        }
        let mut whole = std::mem::take(&mut self.0);
        whole.extend_from_slice(packet);
        Ok(Some(serde_json::from_slice(&whole)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{Held, Level};
    use systole_core::GroupKey;

    #[test]
    fn report_of_any_length_survives_splitting_and_joining() {
        let hello = |length: usize| {
            let group_name = "\u{1}é".repeat(length);
            let held = Held { group: GroupKey(1), group_name, term: 4, resources: Vec::new() };
            Report::Hello { version: 3, groups: vec![held], unfinished: Vec::new() }
        };
        let mut joiner = Joiner::default();
        for (length, count) in [(1, 1), (100_000, 1), (150_000, 2), (500_000, 4)] {
            let report = hello(length);
            let packets = split(&report).unwrap();
            assert_eq!(packets.len(), count, "{length}");
            let (last, others) = packets.split_last().unwrap();
            for packet in others {
                assert!(packet.len() <= PACKET_MAX);
                assert_eq!(joiner.join(packet).unwrap(), None);
            }
            assert_eq!(joiner.join(last).unwrap(), Some(report));
        }
        let line = Report::Log { level: Level::Info, tag: String::new(), text: String::new() };
        assert_eq!(joiner.join(&line.encode().unwrap()).unwrap(), Some(line));
    }

    #[test]
    fn report_without_end_is_refused() {
        let mut joiner = Joiner::default();
        let mut part = vec![b' '; PACKET_MAX];
        part[0] = MORE;
        let mut refused = (0..100).map(|_| joiner.join(&part)).filter(Result::is_err);
        assert!(refused.next().is_some());
        assert!(joiner.0.len() <= REPORT_MAX);
    }
}
