//! The news from the beat thread, and what follows from them.

use super::{Control, Ending, NEWS_PER_TURN, error_lines, stop_failure};
use crate::beat::channel::News;
use crate::log::{Level, Line, Source};
use crate::state::Owned;
use crate::state::journal;
use std::time::Duration;
use systole_agents::meaning::ExecutorNews;
use systole_core::{Event, GroupId, ProgressStage};
use systole_ipc::journal::JournalEvent;
use systole_sys::clock;

impl Control {
    pub(super) fn read_news(&mut self) {
        if self.thread.is_finished() && !self.beat.is_over() {
            self.ending = Some(Ending::Broken);
        }
        // This is checked first, because news that was sent before the end must be handled before the end.
        let is_over = self.beat.is_over();
        let _ = self.beat.shared.control.lower();
        for _ in 0..NEWS_PER_TURN {
            let Some((at, news)) = self.beat.news() else {
                if is_over {
                    self.ending = Some(Ending::Stopped);
                }
                return;
            };
            self.moment = Some(at);
            self.handle_news(news);
            self.moment = None;
        }
        // There is more news, which must not wait for the next wake-up.
        self.beat.shared.control.raise();
    }

    fn handle_news(&mut self, news: News) {
        match news {
            News::Event(event) => self.tell(&event),
            News::Offered(message) => self.offer(&message),
            News::Executor(news) => self.handle_executor_news(news),
            News::Store { terms, holds, kept_by_order } => {
                let owned = Owned { terms, holds, kept_by_order };
                self.writer.store(&self.settings, owned);
            }
            News::StorePeer(record) => {
                self.writer.store_peer(&self.settings, record);
            }
            News::Answer { ticket, result } => self.answer(ticket, result),
            News::StopFailed { group, resource } => self.stop_failed(group, resource),
            News::Fence { node, attempt, device } => self.fence(node, attempt, device),
            News::Keys { step, waiting } => self.keys_changed(step, &waiting),
            News::ExecutorGone { hung } => self.executor_gone(hung),
            News::LinkLost { index, link, error } => self.link_lost(index, link, error),
            News::Reconfigured(result) => self.reconfigured(result),
            News::Snapshot(snapshot) => self.show(*snapshot),
            News::Errors(errors) => {
                let now = Duration::from_nanos(clock::boot_time());
                let unsent = self.unsent.note(&self.media, &errors.unsent, now);
                for line in error_lines::lines(&errors).into_iter().chain(unsent) {
                    self.log.write(&line);
                }
                self.dropped.note(&self.settings, &errors.drops, now);
                self.tell_dropped(now);
            }
        }
    }

    /// Tells what the executor has reported.
    fn handle_executor_news(&mut self, news: ExecutorNews) {
        match news {
            ExecutorNews::LetGo { group, why } => {
                let group = self.settings.groups[group.index()].name().to_owned();
                self.note(JournalEvent::LetGo { group, why });
            }
            ExecutorNews::Line { level, tag, text } => {
                let line = Line::new(level.into(), text).said_by(Source::Agent(tag));
                self.log.write(&line);
            }
            ExecutorNews::Reason { job, text } => self.reasons.note(job, &text),
            ExecutorNews::Carrier { group, fault } => self.carrier_changed(group, fault),
            ExecutorNews::AddressBack { group, addresses, cause } => {
                self.address_back(group, addresses, cause);
            }
            ExecutorNews::Alarm { group, text } => self.alarm(group, text),
        }
    }

    /// Reports what happened.
    fn tell(&mut self, event: &Event) {
        self.running.note(&self.settings, event);
        self.call_scripts(event);
        let reason = self.reasons.of_event(&self.settings, event);
        for line in self.renderer.lines(event, reason) {
            self.log.write(&line);
        }
        if let Event::JobEnded { job, outcome, took: _ } = event {
            self.reasons.ended(&self.settings, *job, *outcome);
        }
        if let Some(entry) = journal::of_event(&self.settings, event) {
            let entry = self.with_detail(entry);
            let entry = self.with_reason(entry);
            self.note(entry);
        }
        if let Event::HandOverProgress(plan) = event {
            let moves = matches!(plan.stage, ProgressStage::Agreed | ProgressStage::Released);
            self.moves_groups = moves && !plan.beside_classic;
        }
        if matches!(event, Event::OtherLines) {
            self.other_lines.record_change();
        }
        if matches!(event, Event::CommunicationUp) {
            self.clients.start();
        }
    }

    /// Logs what is due about dropped datagrams, unless `log_badpack` forbids it.
    pub(super) fn tell_dropped(&mut self, now: Duration) {
        for line in self.dropped.tick(&self.settings, now) {
            if self.names_bad_packets {
                self.log.write(&line);
            }
        }
    }

    fn carrier_changed(&mut self, group: GroupId, fault: Option<String>) {
        // An event from before a reload may come late, when there are many news.
        let Some(group) = self.settings.groups.get(group.index()) else { return };
        let group = group.name().to_owned();
        match &fault {
            Some(fault) => {
                self.say(Level::Warning, format!("group {group} cannot be reached here: {fault}"));
            }
            None => self.say(Level::Info, format!("group {group} can be reached here again.")),
        }
        self.note(JournalEvent::Reach { group, fault });
    }

    fn stop_failed(&mut self, group: GroupId, resource: usize) {
        let settings = &self.settings;
        let group = &settings.groups[group.index()];
        let resource = group.resources.get(resource).map_or("", |resource| &resource.word);
        let (group, resource) = (group.name().to_owned(), resource.to_owned());
        let policy = settings.stop_failure;
        self.note(stop_failure::event(policy, &group, &resource));
        stop_failure::act(&mut self.log, &self.writer, policy, &group, &resource);
    }
}
