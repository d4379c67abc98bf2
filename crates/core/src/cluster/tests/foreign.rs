//! A resource that runs on a node although another node has its group.

use super::pair::Pair;
use super::*;
use crate::{ForeignRunning, ForeignStep};

fn pair(foreign_running: ForeignRunning) -> Pair {
    Pair::settled_with(|settings| settings.foreign_running = foreign_running)
}

impl Pair {
    /// Something starts the service of FIRST on B, which does not have the group.
    fn start_by_hand(&mut self) {
        assert_eq!(self.runs(A), [FIRST]);
        self.node(B).runs.push(FIRST);
    }

    fn pass_minutes(&mut self, minutes: u32) {
        for _ in 0..3 * minutes {
            self.pass(Duration::from_secs(20));
        }
    }

    fn steps(&mut self, id: NodeId) -> Vec<ForeignStep> {
        let steps = self.node(id).said.iter().filter_map(|event| {
            let Event::Foreign { group, resource, owner, step } = event else { return None };
            assert_eq!((*group, *resource, *owner), (FIRST, 0, Some(A)));
            Some(*step)
        });
        steps.collect()
    }

    fn foreign(&mut self) -> Vec<String> {
        self.node(B).snapshot().groups.swap_remove(0).foreign
    }
}

#[test]
fn foreign_service_is_reported_once_and_shown_until_it_is_gone() {
    let mut pair = pair(ForeignRunning::Warn);
    pair.start_by_hand();
    pair.pass_minutes(3);
    assert_eq!(pair.steps(B), [ForeignStep::Runs { is_stopped: false }]);
    assert_eq!(pair.foreign(), ["first"]);
    assert_eq!((pair.steps(A), pair.runs(A)), (vec![], vec![FIRST]));
    pair.node(B).runs.retain(|group| *group != FIRST);
    pair.pass_minutes(2);
    assert_eq!(pair.steps(B).last(), Some(&ForeignStep::Gone));
    assert_eq!(pair.foreign(), [] as [&str; 0]);
}

#[test]
fn foreign_service_is_stopped_where_that_is_wanted_and_its_group_stays_with_owner() {
    let mut pair = pair(ForeignRunning::Stop);
    let term = pair.told_by(A, FIRST).term;
    pair.start_by_hand();
    pair.until("it is stopped", |pair| pair.runs(B) == [SECOND]);
    pair.pass_minutes(6);
    assert_eq!(pair.steps(B), [ForeignStep::Runs { is_stopped: true }, ForeignStep::Stopped]);
    assert_eq!((pair.runs(A), pair.told_by(A, FIRST).term), (vec![FIRST], term));
}

#[test]
fn foreign_service_that_cannot_be_stopped_is_left_alone_after_one_attempt() {
    let mut pair = pair(ForeignRunning::Stop);
    pair.node(B).stuck = Some(FIRST);
    pair.start_by_hand();
    pair.pass_minutes(6);
    let failed = ForeignStep::NotStopped(Outcome::Failed(3));
    assert_eq!(pair.steps(B), [ForeignStep::Runs { is_stopped: true }, failed]);
    let is_stop = |event: &&Event| matches!(event, Event::StopFailed { .. });
    assert_eq!(pair.node(B).said.iter().find(is_stop), None, "no machine is restarted for it");
}

#[test]
fn foreign_service_is_not_looked_for_where_that_is_not_wanted() {
    let mut pair = pair(ForeignRunning::Ignore);
    pair.start_by_hand();
    pair.pass_minutes(6);
    assert_eq!((pair.steps(B), pair.runs(B)), (vec![], vec![FIRST, SECOND]));
}

/// A look that still goes on says nothing about a group that starts meanwhile.
#[test]
fn look_that_goes_on_is_cancelled_by_takeover_and_stops_nothing() {
    let mut pair = pair(ForeignRunning::Stop);
    pair.node(B).holds_jobs = true;
    pair.until("B looks", |pair| pair.node(B).held.iter().any(|job| job.is_look));
    let look = pair.node(B).held.iter().find(|job| job.is_look).map(|job| job.id).expect("a look");
    pair.nodes[0] = None;
    pair.until("B starts FIRST", |pair| {
        pair.node(B).held.iter().any(|job| job.group == FIRST && !job.is_look)
    });
    let now = pair.now;
    let said = Input::JobDone { job: look, outcome: Outcome::Running };
    pair.node(B).cluster.handle(now, &said);
    pair.node(B).cluster.elapse(now);
    pair.node(B).finish_jobs(now);
    pair.until("B runs both", |pair| pair.runs(B).len() == 2);
    assert_eq!(pair.steps(B), []);
    pair.pass(Duration::from_secs(30));
    assert_eq!(pair.runs(B).len(), 2);
}
