//! The scripts of the C node, which start and stop groups one after the other.

use super::{Classic, Effect};
use std::collections::VecDeque;
use std::time::Duration;
use systole_core::{GroupId, GroupSet, Message, Occasion, Step, Time};

/// The purpose of a child process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The node requests its own groups from itself.
    Request,
    /// A group that the node has requested from itself.
    Take,
    /// The groups of a dead node.
    MachDown,
    /// Either side of a standby.
    Standby,
    /// Everything is given up.
    Shutdown,
}

/// A script of the event queue; only one runs at a time, and none while a child runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Script {
    Take(GroupId),
    MachDown,
}

/// A child process.
#[derive(Debug)]
pub(super) struct Child {
    purpose: Purpose,
    starts: bool,
    /// The group that the child currently works on, and the groups that are left.
    current: Option<GroupId>,
    left: VecDeque<GroupId>,
    /// When the child is done with the current group.
    until: Time,
}

impl Child {
    /// Returns whether the child stops groups that are given away.
    pub(super) fn lets_go(&self) -> bool {
        self.purpose == Purpose::Standby && !self.starts
    }
}

impl Classic {
    /// Begins a child process that starts or stops these groups.
    pub(super) fn begin(&mut self, purpose: Purpose, groups: Vec<GroupId>, starts: bool) {
        let left = groups.into();
        self.children.push(Child { purpose, starts, current: None, left, until: self.now });
        self.tend_children();
    }

    /// Lets children continue, and begins waiting scripts.
    pub(super) fn tend_children(&mut self) {
        let mut ended = Vec::new();
        for mut child in std::mem::take(&mut self.children) {
            if self.is_at_end(&mut child) {
                ended.push(child.purpose);
            } else {
                self.children.push(child);
            }
        }
        for purpose in ended {
            self.end_child(purpose);
        }
        if self.children.is_empty()
            && let Some(script) = self.queue.pop_front()
        {
            match script {
                Script::Take(group) => self.begin(Purpose::Take, vec![group], true),
                Script::MachDown => {
                    self.begin(Purpose::MachDown, self.groups(GroupSet::Foreign), true);
                }
            }
        }
    }

    fn is_at_end(&mut self, child: &mut Child) -> bool {
        while self.now >= child.until {
            if let Some(group) = child.current.take()
                && !child.starts
            {
                self.runs.remove(&group);
                self.effects.push_back(Effect::Stopped(group));
            }
            let Some(group) = child.left.pop_front() else { return true };
            // A group that runs is not started again; a stop is attempted for every group.
            let runs = self.runs.contains(&group);
            if child.starts && !runs {
                self.runs.insert(group);
                self.effects.push_back(Effect::Start(group));
            }
            child.current = Some(group);
            child.until = self.now + if child.starts == runs { Duration::ZERO } else { self.pace };
        }
        false
    }

    fn end_child(&mut self, purpose: Purpose) {
        match purpose {
            Purpose::Request => {
                let wanted = self.groups(GroupSet::Local);
                let takes = wanted.into_iter().filter(|group| !self.runs.contains(group));
                let takes: Vec<Script> = takes.map(Script::Take).collect();
                self.queue.extend(takes);
                let (hold, occasion) = (self.negotiation.mine, Occasion::Acquired);
                self.report(hold, true, occasion);
            }
            Purpose::Take => {}
            Purpose::MachDown => {
                let (hold, occasion) = (GroupSet::Foreign, Occasion::MachDown);
                self.send(Message::Resource { hold, full: false, stable: None, occasion }, None);
                self.finish_takeover();
            }
            Purpose::Standby => {
                let set = self.negotiation.set;
                self.say_step(set, Step::Done);
            }
            Purpose::Shutdown => self.say_shutdone(),
        }
    }

    /// Queues the takeover of the groups of a dead node.
    pub(super) fn queue_mach_down(&mut self) {
        if !self.queue.contains(&Script::MachDown) {
            self.queue.push_back(Script::MachDown);
        }
    }
}
