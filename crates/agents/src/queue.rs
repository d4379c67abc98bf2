//! Which run comes next: one after the other within a group, all groups at the same time.

use std::collections::{BTreeMap, VecDeque};
use systole_core::GroupKey;

/// Most runs that wait for one group. A group has far fewer resources at work.
const WAITING_MAX: usize = 256;

/// The runs of all groups that have not begun.
#[derive(Debug)]
pub(crate) struct Queues<T> {
    groups: BTreeMap<GroupKey, Queue<T>>,
}

#[derive(Debug)]
struct Queue<T> {
    is_busy: bool,
    waiting: VecDeque<T>,
}

impl<T> Queues<T> {
    pub(crate) const fn new() -> Self {
        Self { groups: BTreeMap::new() }
    }

    /// Lets a run wait for its turn. Gives it back when too many wait.
    pub(crate) fn push(&mut self, group: GroupKey, run: T) -> Result<(), T> {
        let empty = || Queue { is_busy: false, waiting: VecDeque::new() };
        let queue = self.groups.entry(group).or_insert_with(empty);
        if queue.waiting.len() >= WAITING_MAX {
            return Err(run);
        }
        queue.waiting.push_back(run);
        Ok(())
    }

    /// The next run of a group that is not busy. The group is busy until [`Self::finish`].
    pub(crate) fn begin(&mut self) -> Option<T> {
        let queue = self.groups.values_mut().find(|queue| !queue.is_busy)?;
        let run = queue.waiting.pop_front()?;
        queue.is_busy = true;
        Some(run)
    }

    /// The run of a group has ended.
    pub(crate) fn finish(&mut self, group: GroupKey) {
        if let Some(queue) = self.groups.get_mut(&group) {
            queue.is_busy = false;
            if queue.waiting.is_empty() {
                self.groups.remove(&group);
            }
        }
    }

    /// Takes out the waiting runs that `is_chosen` chooses.
    pub(crate) fn remove(&mut self, mut is_chosen: impl FnMut(&T) -> bool) -> Vec<T> {
        let mut removed = Vec::new();
        for queue in self.groups.values_mut() {
            for run in std::mem::take(&mut queue.waiting) {
                if is_chosen(&run) {
                    removed.push(run);
                } else {
                    queue.waiting.push_back(run);
                }
            }
        }
        self.groups.retain(|_, queue| queue.is_busy || !queue.waiting.is_empty());
        removed
    }

    /// Whether nothing waits and nothing runs.
    pub(crate) fn is_idle(&self) -> bool {
        self.groups.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: GroupKey = GroupKey(1);
    const B: GroupKey = GroupKey(2);

    #[test]
    fn groups_run_side_by_side_and_their_runs_in_order() {
        let mut queues = Queues::new();
        for (group, run) in [(A, 1), (A, 2), (B, 3)] {
            queues.push(group, run).unwrap();
        }
        assert_eq!((queues.begin(), queues.begin(), queues.begin()), (Some(1), Some(3), None));
        queues.finish(A);
        assert_eq!((queues.begin(), queues.begin()), (Some(2), None));
        queues.finish(A);
        assert!(!queues.is_idle());
        queues.finish(B);
        assert!(queues.is_idle());
    }

    #[test]
    fn a_removed_run_never_begins() {
        let mut queues = Queues::new();
        for run in [1, 2, 3] {
            queues.push(A, run).unwrap();
        }
        assert_eq!(queues.begin(), Some(1));
        assert_eq!(queues.remove(|run| *run == 2), [2]);
        queues.finish(A);
        assert_eq!(queues.begin(), Some(3));
    }

    #[test]
    fn a_queue_has_an_end() {
        let mut queues = Queues::new();
        assert!((0..WAITING_MAX).all(|run| queues.push(A, run).is_ok()));
        assert_eq!(queues.push(A, 7), Err(7));
        assert!(queues.push(B, 7).is_ok());
    }
}
