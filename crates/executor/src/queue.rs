//! The order of runs: one after the other within a group, all groups at the same time.

use std::collections::{BTreeMap, VecDeque};
use systole_core::GroupKey;

/// Maximum number of runs that wait for one group. A group has far fewer resources at work.
const WAITING_MAX: usize = 256;

/// The runs of all groups that have not begun.
#[derive(Debug)]
pub(crate) struct Queues<T> {
    groups: BTreeMap<GroupKey, Queue<T>>,
}

#[derive(Debug)]
struct Queue<T> {
    /// Number of active runs. More than one only if an earlier executor left them.
    busy: u32,
    waiting: VecDeque<T>,
}

impl<T> Queue<T> {
    const fn new() -> Self {
        Self { busy: 0, waiting: VecDeque::new() }
    }
}

impl<T> Queues<T> {
    pub(crate) const fn new() -> Self {
        Self { groups: BTreeMap::new() }
    }

    /// Queues a run. Returns the run when too many wait.
    pub(crate) fn push(&mut self, group: GroupKey, run: T) -> Result<(), T> {
        let queue = self.groups.entry(group).or_insert_with(Queue::new);
        if queue.waiting.len() >= WAITING_MAX {
            return Err(run);
        }
        queue.waiting.push_back(run);
        Ok(())
    }

    /// Marks the group of a run that did not wait as busy until [`Self::finish`].
    pub(crate) fn occupy(&mut self, group: GroupKey) {
        self.groups.entry(group).or_insert_with(Queue::new).busy += 1;
    }

    /// Takes the next run of a group that is not busy, if `may` allows it to begin. The group is then busy
    /// until [`Self::finish`].
    pub(crate) fn begin(&mut self, may: impl Fn(&T) -> bool) -> Option<T> {
        let mut queues = self.groups.values_mut();
        let queue =
            queues.find(|queue| queue.busy == 0 && queue.waiting.front().is_some_and(&may))?;
        let run = queue.waiting.pop_front()?;
        queue.busy += 1;
        Some(run)
    }

    /// Records that a run of a group has ended.
    pub(crate) fn finish(&mut self, group: GroupKey) {
        if let Some(queue) = self.groups.get_mut(&group) {
            queue.busy = queue.busy.saturating_sub(1);
            if queue.busy == 0 && queue.waiting.is_empty() {
                self.groups.remove(&group);
            }
        }
    }

    /// Removes and returns the waiting runs that `is_chosen` selects.
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
        self.groups.retain(|_, queue| queue.busy > 0 || !queue.waiting.is_empty());
        removed
    }

    /// Every waiting run.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = &T> {
        self.groups.values().flat_map(|queue| &queue.waiting)
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
    fn queue_runs_groups_in_parallel_and_each_group_in_order() {
        let mut queues = Queues::new();
        for (group, run) in [(A, 1), (A, 2), (B, 3)] {
            queues.push(group, run).unwrap();
        }
        assert_eq!(
            (queues.begin(|_| true), queues.begin(|_| true), queues.begin(|_| true)),
            (Some(1), Some(3), None)
        );
        queues.finish(A);
        assert_eq!((queues.begin(|_| true), queues.begin(|_| true)), (Some(2), None));
        queues.finish(A);
        assert!(!queues.is_idle());
        queues.finish(B);
        assert!(queues.is_idle());
    }

    #[test]
    fn queued_run_once_removed_never_begins() {
        let mut queues = Queues::new();
        for run in [1, 2, 3] {
            queues.push(A, run).unwrap();
        }
        assert_eq!(queues.begin(|_| true), Some(1));
        assert_eq!(queues.remove(|run| *run == 2), [2]);
        queues.finish(A);
        assert_eq!(queues.begin(|_| true), Some(3));
    }

    #[test]
    fn queued_run_waits_for_all_leftovers_of_its_group_and_for_leave() {
        let mut queues = Queues::new();
        queues.occupy(A);
        queues.occupy(A);
        queues.push(A, 1).unwrap();
        queues.push(B, 2).unwrap();
        assert_eq!(queues.begin(|run| *run != 2), None);
        assert_eq!(queues.begin(|_| true), Some(2));
        queues.finish(A);
        assert_eq!(queues.begin(|_| true), None);
        queues.finish(A);
        assert_eq!(queues.begin(|_| true), Some(1));
    }

    #[test]
    fn queue_of_a_group_at_its_maximum_refuses_another_run() {
        let mut queues = Queues::new();
        assert!((0..WAITING_MAX).all(|run| queues.push(A, run).is_ok()));
        assert_eq!(queues.push(A, 7), Err(7));
        assert!(queues.push(B, 7).is_ok());
    }
}
