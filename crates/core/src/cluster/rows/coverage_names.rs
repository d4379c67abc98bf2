//! The names of rows and claims for the count of transitions.

use super::Row;
use crate::coverage::{Table, visit};
use crate::{Claim, NodeId};
use std::cmp::Ordering::{Equal, Greater, Less};

/// Counts a claim of `from` that meets a row. A row or a claim that names a third node as the owner
/// is not part of this table, which is for two nodes.
pub(super) fn visit_row(me: NodeId, from: NodeId, row: &Row, claim: &Claim) {
    let is_of_two = |node: NodeId| node == me || node == from;
    if row.owner.is_none_or(is_of_two) && is_of_two(claim.owner) {
        visit(Table::Row, || (name_of_row(me, row), name_of_claim(me, row, claim)));
    }
}

fn name_of_row(me: NodeId, row: &Row) -> &'static str {
    match (row.owner.map(|owner| owner == me), row.phase.holds()) {
        (None, _) => "nobody's",
        (Some(true), true) => "ours, held",
        (Some(true), false) => "ours, let go",
        (Some(false), true) => "theirs, held",
        (Some(false), false) => "theirs, let go",
    }
}

fn name_of_claim(me: NodeId, row: &Row, claim: &Claim) -> &'static str {
    match (claim.owner == me, claim.term.cmp(&row.term), claim.phase.holds()) {
        (false, Less, true) => "theirs, lower, held",
        (false, Less, false) => "theirs, lower, let go",
        (false, Equal, true) => "theirs, same, held",
        (false, Equal, false) => "theirs, same, let go",
        (false, Greater, true) => "theirs, higher, held",
        (false, Greater, false) => "theirs, higher, let go",
        (true, Less, true) => "ours, lower, held",
        (true, Less, false) => "ours, lower, let go",
        (true, Equal, true) => "ours, same, held",
        (true, Equal, false) => "ours, same, let go",
        (true, Greater, true) => "ours, higher, held",
        (true, Greater, false) => "ours, higher, let go",
    }
}
