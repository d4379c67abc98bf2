//! What went wrong on the beat thread, in words.

use super::links::Medium;
use crate::beat::trouble::Trouble;
use crate::log::{Level, Line, Repeating};
use std::io;

/// The lines about a second of trouble; `names_bad` as `log_badpack` says.
pub(super) fn lines(media: &[Medium], trouble: &Trouble, names_bad: bool) -> Vec<Line> {
    let mut lines = Vec::new();
    if names_bad && trouble.dropped() > 0 {
        let text = format!("{} bad packet(s) dropped: {}", trouble.dropped(), trouble.causes());
        lines.push(Line::new(Level::Warning, text).repeating(Repeating::BadPacket));
    }
    for (medium, unsent) in media.iter().zip(&trouble.unsent) {
        if unsent.count > 0 {
            let (kind, name) = (medium.spec.kind(), medium.spec.name());
            let error = io::Error::from_raw_os_error(unsent.error);
            let text = format!("Unable to send {} packets on {kind} {name}: {error}", unsent.count);
            lines.push(Line::new(Level::Error, text).repeating(Repeating::SendFailure));
        }
    }
    let others = [
        (trouble.unreceived, "packets could not be received"),
        (trouble.unencodable, "messages could not be encoded"),
        (trouble.lost_news, "lines were lost because the log is too slow"),
    ];
    for (count, text) in others {
        if count > 0 {
            lines.push(Line::new(Level::Warning, format!("{count} {text}")));
        }
    }
    lines
}
