//! Times as written in `ha.cf`.

use std::time::Duration;

/// The longest time that is accepted: a longer one is a typing error, and sums with a century do not
/// overflow.
pub(crate) const TIME_MAX: Duration = Duration::from_hours(100 * 365 * 24);

const MICROSECOND: u128 = 1_000;
const MILLISECOND: u128 = 1_000 * MICROSECOND;
const SECOND: u128 = 1_000 * MILLISECOND;

/// A time, and whether heartbeat 3.0.6 would read it too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ParsedTime {
    pub(crate) value: Duration,
    /// The unit as written, when heartbeat 3.0.6 refuses it.
    pub(crate) new_unit: Option<&'static str>,
}

/// Units that heartbeat 3.0.6 knows; it compares only as many characters as these have, in any case.
const KNOWN_UNITS: [(&str, u128); 2] = [("ms", MILLISECOND), ("us", MICROSECOND)];

/// Units that only Systole knows.
const NEW_UNITS: [(&str, u128); 3] = [("s", SECOND), ("m", 60 * SECOND), ("h", 3_600 * SECOND)];

/// Returns the nanoseconds of a unit, and its name when heartbeat 3.0.6 refuses it.
fn unit(text: &str) -> Option<(u128, Option<&'static str>)> {
    if text.is_empty() {
        return Some((SECOND, None));
    }
    let begins =
        |unit: &str| text.get(..unit.len()).is_some_and(|head| head.eq_ignore_ascii_case(unit));
    if let Some((_, factor)) = KNOWN_UNITS.into_iter().find(|(unit, _)| begins(unit)) {
        return Some((factor, None));
    }
    let new = NEW_UNITS.into_iter().find(|(unit, _)| unit.eq_ignore_ascii_case(text));
    new.map(|(unit, factor)| (factor, Some(unit)))
}

/// Reads a decimal number with an optional fraction and an optional unit; without a unit it means seconds.
///
/// Units are accepted in any case. Digits beyond nanoseconds are dropped. Returns `None` for anything else,
/// and for times above [`TIME_MAX`].
pub(crate) fn parse(text: &str) -> Option<ParsedTime> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let (factor, new_unit) = self::unit(unit)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
        return None;
    }
    let whole: u128 = if whole.is_empty() { 0 } else { whole.parse::<u64>().ok()?.into() };
    let mut nanoseconds = whole * factor;
    let mut place = factor;
    for digit in fraction.bytes() {
        place /= 10;
        nanoseconds += u128::from(digit - b'0') * place;
    }
    let value = Duration::from_nanos(u64::try_from(nanoseconds).ok()?);
    (value <= TIME_MAX).then_some(ParsedTime { value, new_unit })
}

/// Reads a time as written in `ha.cf`: a number of seconds, or a number with a unit.
#[must_use]
pub fn time_span(text: &str) -> Option<Duration> {
    parse(text).map(|parsed| parsed.value)
}

/// Returns a time as heartbeat 3.0.6 prints it in its messages: whole milliseconds.
pub(crate) fn milliseconds(time: Duration) -> u128 {
    time.as_millis()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn time_with_unit_of_c_heartbeat_is_parsed() {
        for (text, nanoseconds) in [
            ("2", 2_000_000_000),
            ("0.5", 500_000_000),
            (".5", 500_000_000),
            ("5.", 5_000_000_000),
            ("500ms", 500_000_000),
            ("500MS", 500_000_000),
            ("1.5ms", 1_500_000),
            ("10us", 10_000),
            ("10usec", 10_000),
            ("0", 0),
        ] {
            let parsed = parse(text).unwrap();
            assert_eq!(parsed.value, Duration::from_nanos(nanoseconds), "{text}");
            assert_eq!(parsed.new_unit, None, "{text}");
        }
    }

    #[test]
    fn time_with_new_unit_is_parsed_and_unit_reported() {
        for (text, seconds, unit) in [("30s", 30, "s"), ("2m", 120, "m"), ("1.5h", 5400, "h")] {
            let parsed = parse(text).unwrap();
            assert_eq!(parsed.value, Duration::from_secs(seconds));
            assert_eq!(parsed.new_unit, Some(unit));
        }
    }

    #[test]
    fn malformed_time_is_rejected() {
        for text in ["", ".", "ms", "-1", "1.2.3", "2 s", "3x", "99999999999999999999", "1e3"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn time_parser_never_panics_and_respects_maximum(text in "[0-9.a-z]{0,40}") {
            if let Some(parsed) = parse(&text) {
                prop_assert!(parsed.value <= TIME_MAX);
            }
        }
    }
}
