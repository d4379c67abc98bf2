//! The core as the daemon sees it: inputs, time and outputs alone.

use crate::{
    Action, Beat, Boot, Cause, Claim, Cluster, Echo, Event, Failback, Fencing, Group, GroupId,
    GroupKey, GroupReport, GroupSet, HandOverEvent, HandOverProgress, Heard, Holding, Input,
    IpfailEvent, JobId, LinkId, Message, NodeId, NodeReport, NodeStatus, Obstacle, Occasion, Order,
    OrderRefusal, Outcome, Outgoing, Output, PeerRecord, Phase, PingId, Refusal, ReloadRefusal,
    Resource, ResourceKind, Retirement, Scope, Settings, Snapshot, Step, StopFailure, Ticket, Time,
    Uuid, Wording, Words,
};
use std::time::Duration;

mod alone;
mod away;
mod beside_classic;
mod carrier;
mod claims;
mod course;
mod deaf;
mod edited;
mod evidence;
mod executor_absence;
mod facing;
mod failing;
mod fencing;
mod foreign;
mod former_lines;
mod group_ids;
mod guard;
mod hand_over;
mod hold;
mod hold_down;
mod initdead;
mod ledger;
mod lost_lines;
mod meanwhile;
mod monitoring;
mod obstacles;
mod other_lines;
mod other_list;
mod pair;
mod pings;
mod reload;
mod replays;
mod requests;
mod reservations;
mod rolling;
mod scripts;
mod sets;
mod shown;
mod slow_line;
mod statuses;
mod table_sync;
mod three;
mod times;
mod transitions;
mod versions;
mod witness;

const KEEPALIVE: Duration = Duration::from_millis(200);
const DEADTIME: Duration = Duration::from_millis(650);
const INITDEAD: Duration = Duration::from_secs(2);
const A: NodeId = NodeId(0);
const B: NodeId = NodeId(1);
const NAMES: [&str; 3] = ["alpha", "beta", "gamma"];
/// Prefers A.
const FIRST: GroupId = GroupId(0);
/// Prefers B.
const SECOND: GroupId = GroupId(1);

fn agent(name: &str) -> Resource {
    let kind = ResourceKind::Agent { name: name.to_owned(), arguments: Vec::new() };
    Resource { word: name.to_owned(), kind }
}

fn settings(me: NodeId, failback: Failback) -> Settings {
    let group = |preferred, name: &str| Group {
        key: GroupKey::of([name]),
        preferred,
        resources: vec![agent(name)],
        is_retired: false,
    };
    Settings {
        links: vec!["eth0".to_owned()],
        ping_nodes: vec!["gateway".to_owned()],
        keepalive: KEEPALIVE,
        deadtime: DEADTIME,
        warntime: DEADTIME / 2,
        initdead: INITDEAD,
        deadping: DEADTIME,
        aliveping: KEEPALIVE * 2,
        failback,
        ipfail: true,
        hold_down: None,
        groups: vec![group(A, "first"), group(B, "second")],
        ..Settings::new(me, ["alpha", "beta"])
    }
}

fn boot(generation: u64) -> Boot {
    Boot::new(generation, Uuid([1; 16]))
}

/// A node whose agents succeed at once, driven by hand.
struct Node {
    cluster: Cluster,
    id: NodeId,
    generation: u64,
    /// Whether it plays a node of the previous version.
    is_former: bool,
    /// When something last happened.
    now: Time,
    said: Vec<Event>,
    /// The groups about which the network was asked.
    asked: Vec<GroupId>,
    sent: Vec<(Outgoing, Option<Beat>)>,
    /// Every message with a sequence that was ever sent.
    kept: Vec<(Outgoing, Option<Beat>)>,
    /// How many messages it has sent that have no sequence, and how many again.
    unsequenced: usize,
    resent: usize,
    runs: Vec<GroupId>,
    answers: Vec<Result<(), OrderRefusal>>,
    fails: Option<GroupId>,
    /// The outcome of the start that fails.
    failure: Outcome,
    /// What its agents say when they fail.
    says: &'static str,
    /// Stops of this group fail, and its agent reports that it runs.
    stuck: Option<GroupId>,
    /// The outcome of a check.
    finds: Outcome,
    /// A check finds that an agent of this group is missing.
    misses: Option<GroupId>,
    /// Agents do not end until [`Node::finish_jobs`].
    holds_jobs: bool,
    held: Vec<crate::Job>,
    /// Checks that do not end until [`Node::finish_checks`], if they are held back.
    held_checks: Option<Vec<JobId>>,
    has_ended: bool,
    /// Until when the node's executor may act.
    permit: Option<Time>,
    /// The devices that were asked: for which node, and the number of the attempt.
    fences: Vec<(NodeId, u32)>,
    /// The record of another node that was stored last.
    stored: Option<PeerRecord>,
    /// The owners that were stored last.
    stored_terms: Vec<(GroupKey, NodeId, u64)>,
}

impl Node {
    fn new(id: NodeId, failback: Failback, generation: u64) -> Self {
        Self::with(settings(id, failback), generation)
    }

    fn with(settings: Settings, generation: u64) -> Self {
        let id = settings.me;
        let cluster = Cluster::new(settings, boot(generation));
        let mut node = Self {
            cluster,
            id,
            generation,
            is_former: false,
            now: Time::START,
            said: Vec::new(),
            asked: Vec::new(),
            sent: Vec::new(),
            kept: Vec::new(),
            unsequenced: 0,
            resent: 0,
            runs: Vec::new(),
            answers: Vec::new(),
            fails: None,
            failure: Outcome::Failed(1),
            says: "",
            stuck: None,
            finds: Outcome::Success,
            misses: None,
            holds_jobs: false,
            held: Vec::new(),
            held_checks: None,
            has_ended: false,
            permit: None,
            fences: Vec::new(),
            stored: None,
            stored_terms: Vec::new(),
        };
        node.cluster.handle(Time::START, &Input::ExecutorReady(Vec::new()));
        node
    }

    fn hear(&mut self, now: Time, from: &str, generation: u64, sent: &(Outgoing, Option<Beat>)) {
        let heard = Heard {
            link: LinkId(0),
            source: from,
            source_uuid: None,
            dest: sent.0.dest.map(|node| NAMES[node.index()]),
            dest_uuid: None,
            generation,
            sequence: sent.0.sequence,
            unix_time: 1,
            message: &sent.0.message,
            beat: sent.1.as_ref(),
        };
        self.now = now;
        self.cluster.handle(now, &Input::Heard(heard));
    }

    fn order(&mut self, now: Time, order: Order) {
        self.now = now;
        self.cluster.handle(now, &Input::Order { ticket: Ticket(1), order });
    }

    fn turn(&mut self, now: Time) {
        self.now = now;
        self.cluster.elapse(now);
        while let Some(output) = self.cluster.poll() {
            match output {
                Output::Send(outgoing) => {
                    let is_status = matches!(outgoing.message, Message::Status { .. });
                    let beat = is_status.then(|| self.cluster.beat().clone());
                    if outgoing.sequence.is_some() {
                        self.kept.push((outgoing.clone(), beat.clone()));
                    }
                    self.unsequenced += usize::from(outgoing.sequence.is_none());
                    self.sent.push((outgoing, beat));
                }
                Output::Resend(sequence) => {
                    let same = |sent: &&(Outgoing, Option<Beat>)| sent.0.sequence == Some(sequence);
                    let again = self.kept.iter().find(same).expect("it was sent before").clone();
                    self.sent.push(again);
                    self.resent += 1;
                }
                Output::Run(job) => self.run(now, job),
                Output::Check { job, group } => {
                    if let Some(held) = &mut self.held_checks {
                        held.push(job);
                        continue;
                    }
                    let is_missing = self.misses == Some(group);
                    let outcome = if is_missing { Outcome::Missing } else { self.finds };
                    self.cluster.handle(now, &Input::JobDone { job, outcome });
                    self.cluster.elapse(now);
                }
                Output::Report(event) => self.said.push(event),
                Output::Answer { result, .. } => self.answers.push(result),
                Output::End => self.has_ended = true,
                Output::Permit(span) => self.permit = Some(now + span),
                Output::AskNetwork(group) => self.asked.push(group),
                Output::Ping | Output::Cancel(_) | Output::StopFailed { .. } => {}
                Output::Store => self.stored_terms = self.cluster.terms().collect(),
                Output::StorePeer(record) => self.stored = Some(record),
                Output::Fence { node, attempt, device: _ } => self.fences.push((node, attempt)),
            }
        }
        assert!(self.cluster.deadline() > now, "it rests after a turn: {:?}", self.cluster);
    }

    /// The executor connects, and holds these groups.
    fn greet(&mut self, now: Time, groups: &[GroupId], is_whole: bool) {
        let holding = |group: &GroupId| Holding { group: *group, term: 1, is_whole };
        self.runs = groups.to_vec();
        let held = groups.iter().map(holding).collect();
        self.cluster.handle(now, &Input::ExecutorReady(held));
    }

    /// Ends the jobs that were held back; later jobs end at once again.
    fn finish_jobs(&mut self, now: Time) {
        self.holds_jobs = false;
        for job in std::mem::take(&mut self.held) {
            self.run(now, job);
        }
    }

    /// Ends the checks that were held back: everything is there. Later checks end at once again.
    fn finish_checks(&mut self, now: Time) {
        for job in self.held_checks.take().unwrap_or_default() {
            self.cluster.handle(now, &Input::JobDone { job, outcome: Outcome::Success });
        }
    }

    /// The executor's permit has run out.
    fn let_go(&mut self, now: Time) {
        let mut groups = std::mem::take(&mut self.runs);
        for job in std::mem::take(&mut self.held) {
            groups.push(job.group);
            let outcome = Outcome::Cancelled;
            self.cluster.handle(now, &Input::JobDone { job: job.id, outcome });
        }
        for group in groups {
            self.cluster.handle(now, &Input::LetGo(group));
        }
    }

    fn run(&mut self, now: Time, job: crate::Job) {
        if self.holds_jobs {
            return self.held.push(job);
        }
        let runs = self.runs.contains(&job.group);
        let outcome = match job.action {
            Action::Monitor if self.misses == Some(job.group) => Outcome::Missing,
            Action::Status | Action::Monitor if runs => Outcome::Running,
            Action::Status | Action::Monitor => Outcome::NotRunning,
            Action::Start if self.fails == Some(job.group) => self.failure,
            Action::Start => {
                if !runs {
                    self.runs.push(job.group);
                }
                Outcome::Success
            }
            Action::Stop if self.stuck == Some(job.group) => Outcome::Failed(3),
            Action::Stop => {
                self.runs.retain(|group| *group != job.group);
                Outcome::Success
            }
        };
        if matches!(outcome, Outcome::Failed(_)) && !self.says.is_empty() {
            let words = Words::new(self.says);
            self.cluster.handle(now, &Input::JobSaid { job: job.id, words });
        }
        self.cluster.handle(now, &Input::JobDone { job: job.id, outcome });
        self.cluster.elapse(now);
    }

    fn play_version(&mut self, is_former: bool, capabilities: u32) {
        self.is_former = is_former;
        self.cluster.play_version(is_former, capabilities);
    }
}

fn at(milliseconds: u64) -> Time {
    Time::START + Duration::from_millis(milliseconds)
}

/// The answer to an order of a hand-over that was refused or failed.
fn refused(why: Refusal) -> Result<(), OrderRefusal> {
    Err(why.into())
}
