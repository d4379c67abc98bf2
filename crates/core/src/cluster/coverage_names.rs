//! The names of states for the count of transitions.

use super::Cluster;
use crate::coverage::{Table, visit};

impl Cluster {
    pub(super) fn visit_hand_over(&self, input: &'static str) {
        let running = self.hand_over.as_ref();
        visit(Table::HandOver, || (running.map_or("none", |running| running.name()), input));
    }
}
