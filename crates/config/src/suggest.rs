//! "Did you mean": the nearest known word.

/// The longest word that is compared, so that a line of garbage costs nothing.
const LENGTH_MAX: usize = 40;

/// Returns the candidate nearest to `word`, if it is near enough to be what was meant.
///
/// Near enough means at most one edit for every three characters; a swap of neighbours is one edit.
pub(crate) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    if word.len() > LENGTH_MAX {
        return None;
    }
    let limit = (word.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(edits, _)| *edits <= limit)
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate)
}

/// Counts the edits between two words: insertions, deletions, replacements and swaps of neighbours.
fn distance(from: &str, to: &str) -> usize {
    let from: Vec<char> = from.to_lowercase().chars().collect();
    let to: Vec<char> = to.to_lowercase().chars().collect();
    let mut rows = vec![vec![0; to.len() + 1]; from.len() + 1];
    for (row, cells) in rows.iter_mut().enumerate() {
        cells[0] = row;
    }
    rows[0] = (0..=to.len()).collect();
    for row in 1..=from.len() {
        for column in 1..=to.len() {
            let same = from[row - 1] == to[column - 1];
            let mut best = (rows[row - 1][column] + 1)
                .min(rows[row][column - 1] + 1)
                .min(rows[row - 1][column - 1] + usize::from(!same));
            let swapped = row > 1
                && column > 1
                && from[row - 1] == to[column - 2]
                && from[row - 2] == to[column - 1];
            if swapped {
                best = best.min(rows[row - 2][column - 2] + 1);
            }
            rows[row][column] = best;
        }
    }
    rows[from.len()][to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspelt_word_suggests_nearest_known_word() {
        let known = ["deadtime", "deadping", "keepalive", "initdead"];
        assert_eq!(nearest("deadtim", known), Some("deadtime"));
        assert_eq!(nearest("daedtime", known), Some("deadtime"));
        assert_eq!(nearest("Keepalive", known), Some("keepalive"));
        assert_eq!(nearest("keepalvie", known), Some("keepalive"));
    }

    #[test]
    fn word_far_from_all_known_words_suggests_nothing() {
        assert_eq!(nearest("banana", ["deadtime", "node"]), None);
        assert_eq!(nearest(&"x".repeat(41), ["x"]), None);
    }
}
