//! The beat thread: sockets, keys and the one core, driven by one wait.
//!
//! ```text
//!            links ──▶ Decoder ──▶┌─────────┐──▶ Encoder ──▶ links
//!     ping sockets ──────────────▶│ Cluster │──▶ ping sockets
//!         executor ──▶ reports ──▶│         │──▶ permits, runs ──▶ executor
//!   control thread ──▶ commands ─▶└─────────┘──▶ news ──▶ control thread
//! ```
//!
//! The thread takes no lock that a slower thread holds, forks nothing, opens no file, and allocates no
//! memory for a beat. What it reports goes through a bounded channel. If the channel is full, the report is
//! dropped and counted, because the thread never waits.

pub(crate) mod channel;
pub(crate) mod drops;
pub(crate) mod error_counters;
pub(crate) mod executor;
pub(crate) mod guard;
mod jobs;
pub(crate) mod keys;
pub(crate) mod links;
pub(crate) mod load;
mod parts;
pub(crate) mod pings;
mod reconfigure;
mod rest;
mod retransmit;
#[cfg(test)]
mod tests;

pub(crate) use parts::Parts;

use crate::hooks;
use channel::{BeatEnd, Command, News};
use drops::Drops;
use error_counters::ErrorCounters;
use executor::Executor;
use guard::{Guard, Reach, SITES_MAX};
use keys::Renewal;
use links::Links;
use load::Load;
use pings::Pings;
use rest::Rest;
use retransmit::SentMessages;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io;
use std::net::IpAddr;
use std::os::fd::AsFd as _;
use std::time::Duration;
use systole_agents::protocol::Request;
use systole_config::AgentTimeouts;
use systole_core::{
    Cluster, Event, Input, LINKS_MAX, LinkId, Message, Outgoing, Output, SERVICE_LINK, Time,
};
use systole_ipc::texts;
use systole_sys::clock;
use systole_sys::link::{Received, Urgency};
use systole_wire::{Decoder, Encoder, Form, Keys, Signer, Signing};

/// Maximum number of datagrams of one link that are read in one turn: a flood must not prevent the beats.
const DATAGRAMS_PER_TURN: usize = 64;
/// Maximum number of datagrams of one link that are read after a pause, when every one may be evidence.
const DATAGRAMS_AFTER_PAUSE: usize = 4096;
/// Maximum number of the executor's reports that are read in one turn.
const REPORTS_PER_TURN: usize = 64;
/// Time between two reports about errors.
const TROUBLE_GAP: Duration = Duration::from_secs(1);
/// Longest sleep: the thread makes turns at least this often, which shows its supervisors that it is alive.
const SLEEP_MAX: Duration = Duration::from_secs(1);
/// The links, the service network, two ping sockets, the executor, the control thread, and the sockets for questions.
const DESCRIPTORS_MAX: usize = LINKS_MAX + 5 + SITES_MAX;

/// The state of the beat thread.
pub(crate) struct BeatLoop {
    cluster: Cluster,
    unix_time: u64,
    origin: u64,
    last_turn: Time,
    keys: Keys,
    renewal: Option<Renewal>,
    encoder: Encoder,
    decoder: Decoder,
    buffer: Vec<u8>,
    load: Load,
    links: Links,
    /// Where to send on the service network while the addresses of another node there are unknown.
    broadcasts: Vec<IpAddr>,
    guard: Guard,
    sent: SentMessages,
    pings: Pings,
    executor: Option<Executor>,
    timeouts: AgentTimeouts,
    control: BeatEnd,
    drops: Drops,
    trouble: ErrorCounters,
    trouble_after: Time,
    rest: Rest,
    is_over: bool,
}

impl BeatLoop {
    /// Beats until the daemon ends.
    ///
    /// # Errors
    ///
    /// Only when waiting itself fails: a link that fails is counted and kept.
    pub(crate) fn run(mut self) -> io::Result<()> {
        while !self.is_over {
            self.wait()?;
            let now = self.now();
            self.turn(now);
        }
        self.links.drain(&mut self.trouble, &mut self.control);
        self.control.end();
        Ok(())
    }

    /// Reads everything, lets the core decide, and carries out its outputs.
    fn turn(&mut self, now: Time) {
        let has_paused = now.since(self.last_turn) > self.cluster.patience();
        self.last_turn = now;
        self.control.begin_turn(self.origin.saturating_add(now.as_nanos()));
        self.read_links(now, if has_paused { DATAGRAMS_AFTER_PAUSE } else { DATAGRAMS_PER_TURN });
        self.read_pings(now);
        self.read_answers(now);
        self.watch_executor(now);
        self.read_executor(now);
        self.read_commands(now);
        self.decide(now);
        if self.cluster.deadline() <= now {
            // An output has lost the executor, which the core must decide about, too.
            self.decide(now);
        }
        let is_overdue = self.cluster.deadline() <= now;
        debug_assert!(!is_overdue, "the core must come to rest: {:?}", self.cluster);
        self.trouble.is_restless |= self.rest.end_turn(is_overdue);
        self.tend_keys(now);
        self.links.write_on(&mut self.trouble, &mut self.control);
        self.tell_trouble(now);
        self.control.flush();
        self.control.record_turn();
    }

    fn decide(&mut self, now: Time) {
        self.cluster.elapse(now);
        while let Some(output) = self.cluster.poll() {
            self.rest.record_work();
            self.execute(now, output);
        }
    }

    fn now(&self) -> Time {
        Time::from_nanos(clock::boot_time().saturating_sub(self.origin))
    }

    /// Sleeps until something arrives or is due. This is the only place where the thread waits.
    fn wait(&mut self) -> io::Result<()> {
        if let Some(pause) = self.rest.pause() {
            std::thread::sleep(pause);
        }
        let mut sleep = self.cluster.deadline().since(self.now()).min(SLEEP_MAX);
        if let Some(due) = self.guard.deadline(self.now()) {
            sleep = sleep.min(due.since(self.now()));
        }
        if let Some(due) = self.links.deadline() {
            sleep = sleep.min(Duration::from_nanos(due.saturating_sub(clock::boot_time())));
        }
        let timeout = Timespec {
            tv_sec: i64::try_from(sleep.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: sleep.subsec_nanos().into(),
        };
        let wake = self.control.shared.beat.as_fd();
        let mut fds: [PollFd<'_>; DESCRIPTORS_MAX] =
            std::array::from_fn(|_| PollFd::from_borrowed_fd(wake, PollFlags::IN));
        let executor = self.executor.iter().map(|executor| executor.as_fd());
        let answers = self.guard.descriptors(self.now());
        let others =
            self.pings.descriptors().chain(executor).chain(answers).map(|fd| (fd, PollFlags::IN));
        let mut count = 1;
        for (place, (fd, awaited)) in
            fds[1..].iter_mut().zip(self.links.descriptors().chain(others))
        {
            *place = PollFd::from_borrowed_fd(fd, awaited);
            count += 1;
        }
        let began = clock::boot_time();
        match poll(&mut fds[..count], Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        self.rest.record_wait(clock::boot_time().saturating_sub(began));
        Ok(())
    }

    fn read_links(&mut self, now: Time, limit: usize) {
        for index in 0..self.links.len() {
            for _ in 0..limit {
                let received = match self.links.receive(index, &mut self.buffer, &mut self.control)
                {
                    Ok(Some(received)) => received,
                    Ok(None) => break,
                    Err(_) => {
                        self.trouble.unreceived += 1;
                        continue;
                    }
                };
                self.rest.record_work();
                self.hear(now, self.links.id(index), received);
            }
        }
    }

    /// Passes a datagram to the core, or counts it by its source.
    fn hear(&mut self, now: Time, link: LinkId, received: Received) {
        let Self { buffer, decoder, keys, cluster, drops, .. } = self;
        let is_service = link.index() + 1 == cluster.settings().links.len()
            && cluster.settings().links[link.index()] == SERVICE_LINK;
        let opened = match decoder.open(&buffer[..received.length], keys) {
            Ok(opened) => opened,
            // Whoever is on the network of the clients may send there, and the configured links tell more of nodes.
            Err(_) if is_service => return,
            Err(error) => return drops.note(link, received.source, error.into()),
        };
        let (signer, fields) = (opened.signer(), opened.fields());
        let heard = match opened.heard(link) {
            Ok(heard) => heard,
            Err(error) => return drops.note(link, received.source, error.into()),
        };
        let source = cluster.settings().node(heard.source);
        match source {
            Some(node) => drops.learn(link, node, received.source),
            None if is_service => {}
            None => drops.record_stranger(link, received.source, heard.source),
        }
        cluster.handle(now, &Input::Heard(heard));
        if cluster.calls_script() {
            self.control.send_lossy(News::Offered(hooks::fields::of(fields)));
        }
        if let Some(node) = source.filter(|_| signer == Signer::Sending) {
            self.record_renewed(node);
        }
    }

    fn read_pings(&mut self, now: Time) {
        let Self { pings, buffer, decoder, keys, cluster, drops, rest, .. } = self;
        pings.receive(now, buffer, decoder, keys, drops, |ping| {
            rest.record_work();
            cluster.handle(now, &Input::PingReply(ping));
        });
    }

    fn read_commands(&mut self, now: Time) {
        // The wake-up is lowered first: a command that is queued afterwards is read below, or raises it
        // again.
        let _ = self.control.shared.beat.lower();
        while let Some(command) = self.control.command() {
            self.rest.record_work();
            match command {
                Command::Order { ticket, order } => {
                    self.cluster.handle(now, &Input::Order { ticket, order });
                }
                Command::Fenced { node, attempt, outcome } => {
                    self.cluster.handle(now, &Input::Fenced { node, attempt, outcome });
                }
                Command::Say { message, dest } => {
                    self.cluster.handle(now, &Input::Say { message: &message, dest });
                }
                Command::Snapshot => {
                    let snapshot = Box::new(self.cluster.snapshot(&texts::WORDING));
                    self.control.send_queued(News::Snapshot(snapshot));
                }
                Command::Executor(executor) => self.take_executor(now, *executor),
                Command::Keys(keys) => self.renew_keys(now, *keys),
                Command::Reconfigure(wanted) => self.reconfigure(now, *wanted),
                Command::Reach(reach) => {
                    let Reach { own, broadcasts, guard } = *reach;
                    (self.broadcasts, self.guard) = (broadcasts, guard);
                    self.cluster.handle(now, &Input::ServiceAddresses(own));
                }
                Command::Link { index, link } => {
                    // There is no link here, unless the report that it was lost never arrived.
                    drop(self.links.replace(index, link));
                }
            }
        }
    }

    fn execute(&mut self, now: Time, output: Output) {
        match output {
            Output::Send(outgoing) => self.send(&outgoing),
            Output::Resend(sequence) => self.resend(sequence),
            Output::Ping => self.pings.ask(now, &mut self.encoder, &self.keys),
            Output::AskNetwork(group) => self.ask_network(now, group),
            Output::Permit(valid_for) => {
                let at = self.origin.saturating_add(now.as_nanos());
                if let Some(executor) = &mut self.executor {
                    executor.permit(at, valid_for);
                }
            }
            Output::Run(job) => self.run_job(now, &job),
            Output::Check { job, group } => self.check(now, job, group),
            Output::Cancel(job) => self.request(now, &Request::Cancel { job }),
            Output::Store => {
                let terms = self.cluster.terms().collect();
                let holds = self.cluster.holds().collect();
                let kept_by_order = self.cluster.kept_by_order().collect();
                self.control.send_queued(News::Store { terms, holds, kept_by_order });
            }
            Output::StorePeer(record) => self.control.send_queued(News::StorePeer(record)),
            Output::Answer { ticket, result } => {
                self.control.send_queued(News::Answer { ticket, result });
            }
            Output::Report(event) => {
                if let Event::PeerRestarted(node) = event {
                    self.record_restart(node);
                }
                self.control.send_lossy(News::Event(event));
            }
            Output::StopFailed { group, resource } => {
                self.control.send_queued(News::StopFailed { group, resource });
            }
            Output::Fence { node, attempt, device } => {
                self.control.send_queued(News::Fence { node, attempt, device });
            }
            Output::End => {
                // Nothing is held any longer. If the executor is gone, it needs no request.
                self.request(now, &Request::Shutdown { keep: false });
                self.is_over = true;
            }
        }
    }

    fn send(&mut self, outgoing: &Outgoing) {
        let is_beat = matches!(outgoing.message, Message::Status { .. });
        let urgency = if is_beat { Urgency::Beat } else { Urgency::Other };
        if is_beat {
            self.load.renew();
            self.aim();
        }
        let Self { links, sent, trouble, control, encoder, keys, load, cluster, .. } = self;
        let beat = is_beat.then(|| cluster.beat());
        let unix_time = self.unix_time + outgoing.made.since(Time::START).as_secs();
        let renewal = self.renewal.as_mut().zip(keys.former());
        let (mut former, signing) = match renewal {
            Some((renewal, keys)) => {
                let (sent, signing) = renewal.for_message(outgoing, is_beat, cluster);
                (Some((keys, sent)), signing)
            }
            None => (None, Signing::CURRENT),
        };
        for form in [Form::Framed, Form::Classic] {
            if !links.speak(form) {
                continue;
            }
            // The old signature goes first: to a node that knows both keys, the second copy is nothing new.
            let former = former.as_mut().map(|(keys, sent)| (*keys, &mut **sent, signing.former));
            let current = Some((&*keys, &mut *sent, signing.current));
            let mut urgency = urgency;
            for (keys, sent, is_wanted) in [former, current].into_iter().flatten() {
                let Ok(bytes) = encoder.encode(outgoing, beat, load.line(), unix_time, keys, form)
                else {
                    trouble.unencodable += 1;
                    continue;
                };
                if is_wanted {
                    links.send((form, urgency), bytes, trouble, control);
                    // On a slow line the second copy must not replace the first.
                    urgency = Urgency::Other;
                }
                if let Some(sequence) = outgoing.sequence {
                    sent.keep(sequence, form, bytes);
                }
            }
        }
    }

    /// Sends again what was sent before, unchanged. Messages that could not be encoded then have no bytes.
    fn resend(&mut self, sequence: u64) {
        for form in [Form::Framed, Form::Classic] {
            let Self { links, sent, renewal, cluster, trouble, control, .. } = self;
            let copies = keys::sent_before(sequence, form, sent, renewal.as_mut(), cluster);
            for bytes in copies.into_iter().filter(|bytes| !bytes.is_empty()) {
                links.send((form, Urgency::Again), bytes, trouble, control);
            }
        }
    }

    fn tell_trouble(&mut self, now: Time) {
        if now < self.trouble_after {
            return;
        }
        self.trouble.lost_news += self.control.take_lost();
        if !self.trouble.is_empty() || !self.drops.is_empty() {
            self.trouble_after = now + TROUBLE_GAP;
            let mut trouble = std::mem::take(&mut self.trouble);
            trouble.drops = self.drops.take(|node| self.cluster.hears(node));
            self.control.send_lossy(News::Errors(Box::new(trouble)));
        }
    }
}
