//! A row of the table of ownership: what occurs only in unit tests.

pub(super) const ROW_UNITS: &[(&str, &str)] = &[
    ("nobody's", "ours, higher, held"),
    ("nobody's", "ours, higher, let go"),
    ("ours, held", "ours, higher, held"),
    ("ours, held", "ours, higher, let go"),
    ("ours, let go", "ours, higher, held"),
    ("ours, let go", "ours, higher, let go"),
    ("theirs, held", "ours, higher, held"),
    ("theirs, held", "ours, higher, let go"),
    ("ours, let go", "ours, lower, held"),
    ("theirs, held", "ours, lower, held"),
    ("theirs, let go", "ours, lower, held"),
    ("theirs, held", "ours, lower, let go"),
    ("theirs, held", "ours, same, held"),
    ("theirs, held", "ours, same, let go"),
    ("theirs, held", "theirs, lower, let go"),
    ("theirs, held", "theirs, higher, let go"),
    ("theirs, let go", "ours, higher, held"),
    ("theirs, let go", "ours, higher, let go"),
    ("theirs, let go", "ours, same, held"),
    ("theirs, let go", "ours, same, let go"),
];
