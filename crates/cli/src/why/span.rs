//! Durations in readable form.

/// Returns a duration with as many digits as matter.
pub(super) fn span(milliseconds: u64) -> String {
    let seconds = milliseconds / 1000;
    match seconds {
        0 if milliseconds == 0 => "less than 1 ms".to_owned(),
        0 => format!("{milliseconds} ms"),
        1..60 => format!("{seconds}.{:02} s", milliseconds % 1000 / 10),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn span_precision_follows_its_length() {
        let spans = [0, 7, 1234, 61_000, 7_260_000, 90_000_000].map(span);
        let told = ["less than 1 ms", "7 ms", "1.23 s", "1 min 1 s", "2 h 1 min", "1 d 1 h"];
        assert_eq!(spans, told);
    }
}
