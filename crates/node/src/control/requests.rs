//! The questions and orders on the control socket.

use super::Control;
use super::alarms;
use super::requester::Requester;
use super::restart::RESTARTING;
use super::server::{Asked, ClientId};
use crate::beat::channel::Command;
use crate::log::{Level, Line, Repeating};
use crate::options::version;
use crate::order;
use std::collections::BTreeMap;
use std::time::Duration;
use systole_config::Medium;
use systole_core::{OrderRefusal, Snapshot, Ticket};
use systole_ipc::journal::JournalEvent;
use systole_ipc::order::JournalOrder;
use systole_ipc::protocol::{Parameters, Reason, Request, Response, Status};
use systole_ipc::texts;
use systole_sys::clock;

impl Control {
    pub(super) fn read_clients(&mut self) {
        for asked in self.server.read() {
            if asked.request.is_order() {
                self.take_order(&asked);
            } else if asked.request == Request::Parameters {
                self.server.answer(asked.client, &Response::Parameters(self.parameters()));
            } else {
                self.ask_for_state(asked.client);
            }
        }
    }

    fn ask_for_state(&mut self, client: ClientId) {
        let is_first = self.watchers.is_empty();
        self.watchers.push(client);
        // One copy serves all clients that wait for it.
        if is_first && self.beat.command(Command::Snapshot).is_err() {
            for client in std::mem::take(&mut self.watchers) {
                self.fail(client, "the daemon is too busy");
            }
        }
    }

    fn take_order(&mut self, asked: &Asked) {
        let (uid, pid) = (asked.credentials.user, asked.credentials.pid);
        if uid != 0 {
            let line = Line::new(Level::Warning, format!("Order of user {uid} denied"));
            self.log.write(&line.repeating(Repeating::Control));
            self.note(Requester::of(uid, pid).denied());
            return self.server.answer(asked.client, &Response::Denied);
        }
        if self.is_restarting {
            return self.refuse_busy(asked.client, RESTARTING.to_owned());
        }
        let needs_files = matches!(asked.request, Request::Restart | Request::Reload { .. });
        // A reload that is being applied may add and remove groups. Reading the files changes nothing.
        if let Some(text) = self.is_rereading().filter(|_| needs_files || self.reload.is_some()) {
            return self.refuse_busy(asked.client, text);
        }
        let order = match &asked.request {
            Request::Restart => return self.restart(asked),
            Request::Reload { empty } => return self.order_reload(asked, *empty),
            Request::Order { order } => order,
            // Requests that are not orders never reach this point.
            Request::Status | Request::Parameters => {
                return self.fail(asked.client, "this is not an order");
            }
        };
        let order = match order::with_ids(order, &self.settings) {
            Ok(order) => order,
            Err(unknown) => return self.fail(asked.client, &unknown.to_string()),
        };
        let journal_order = order::with_names(order, &self.settings);
        let ticket = Ticket(self.next_ticket);
        self.next_ticket += 1;
        self.note(Requester::of(uid, pid).orders(journal_order, ticket));
        if self.beat.command(Command::Order { ticket, order }).is_ok() {
            self.orders.insert(ticket, (Some(asked.client), order));
        } else {
            self.fail(asked.client, "the daemon is too busy");
        }
    }

    pub(super) fn fail(&mut self, client: ClientId, text: &str) {
        self.server.answer(client, &Response::Failed { text: text.to_owned() });
    }

    /// Records the result of an order.
    pub(super) fn record_answer(
        &mut self,
        order: impl Into<JournalOrder>,
        refused: Option<Reason>,
        failed: Option<&str>,
        ticket: Ticket,
    ) {
        let failed = failed.map(str::to_owned);
        let order = order.into();
        self.note(JournalEvent::Answer { order, refused, failed, ticket: ticket.0 });
    }

    pub(super) fn answer(&mut self, ticket: Ticket, result: Result<(), OrderRefusal>) {
        let Some((client, order)) = self.orders.remove(&ticket) else { return };
        let journal_order = order::with_names(order, &self.settings);
        self.record_answer(journal_order, result.err().map(Reason::Order), None, ticket);
        let Some(client) = client else {
            return result.unwrap_or_else(|refusal| self.tell_refused(order, refusal));
        };
        let response = match result {
            Ok(()) => Response::Done,
            Err(refusal) => {
                let reason = Reason::Order(refusal);
                Response::Refused { reason, text: texts::reason(reason).to_owned() }
            }
        };
        self.server.answer(client, &response);
    }

    pub(super) fn show(&mut self, snapshot: Snapshot) {
        self.tell_other_lines(&snapshot);
        let keys = self.key_renewal.clone();
        let now = Duration::from_nanos(clock::boot_time());
        let dropped = self.dropped.report(&self.settings, now);
        let mut alarms = self.alarms.clone();
        alarms.extend(alarms::of_other_lines(&snapshot.nodes, &snapshot.groups));
        alarms.extend(alarms::of_dead_owners(&snapshot.nodes, &snapshot.groups));
        let (version, pid) = (version(), std::process::id());
        let status = Status { version, pid, keys, dropped, alarms, snapshot };
        let response = Response::Status(Box::new(status));
        for client in std::mem::take(&mut self.watchers) {
            self.server.answer(client, &response);
        }
    }

    /// Returns what the configuration says.
    fn parameters(&self) -> Parameters {
        let options = self.config.options().iter();
        let mut values: BTreeMap<_, _> =
            options.map(|option| (option.directive.to_owned(), option.value.clone())).collect();
        // heartbeat 3.0.6 always records this one.
        values.entry("debug".to_owned()).or_insert_with(|| self.debug.to_string());
        let hears = |name: &String| {
            let mut media = self.config.media.iter().filter(|medium| medium.name() == name);
            media.any(Medium::returns_own)
        };
        let links = self.settings.links.iter().map(|name| (name.clone(), hears(name)));
        Parameters {
            nodes: self.config.listed.clone(),
            links: links.collect(),
            values,
            clients: self.settings.ipfail.then(|| "ipfail".to_owned()).into_iter().collect(),
            manages_resources: !self.without_resources,
            keepalive_ms: millis(self.settings.keepalive),
        }
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
