//! The messages in the FIFO: orders, which are treated like those of `hb`, and messages for event scripts.

use super::requester::Requester;
use super::{Control, Ending};
use crate::beat::channel::Command;
use crate::fifo::{Fields, Meaning, meaning};
use crate::log::{Level, Line, Repeating};
use crate::order;
use systole_core::{Custom, Order, OrderRefusal, Ticket};
use systole_ipc::protocol::Reason;
use systole_ipc::texts;

/// Maximum number of messages that are named when they are not carried out.
const NAMES_MAX: usize = 8;

impl Control {
    /// Opens the FIFO, and logs what had to be removed for that, or why it is not read.
    pub(super) fn open_fifo(&mut self) {
        match self.fifo.open() {
            Ok(None) => {}
            Ok(Some(text)) => self.say(Level::Warning, text),
            Err(error) => {
                let path = self.paths.fifo();
                let text = format!(
                    "Messages of scripts are not read until the next start: {}: {error}",
                    path.display()
                );
                self.say(Level::Error, text);
            }
        }
    }

    /// Reads the FIFO.
    pub(super) fn read_fifo(&mut self) {
        for message in self.fifo.read() {
            match message.map(|fields| (meaning(&fields), fields)) {
                Ok((Meaning::Order(order), _)) => self.order_from_fifo(order),
                Ok((Meaning::Message { custom, dest }, fields)) => {
                    self.pass_on(custom, dest.as_deref(), fields);
                }
                Ok((Meaning::Refused(why), _)) | Err(why) => self.refuse_message(&why),
            }
        }
    }

    /// Ends the reading of the FIFO, before the daemon waits for anything, and logs what is not carried out. At an
    /// end that is no restart, the FIFO is removed first: from then on, a script does not wait for a daemon.
    pub(crate) fn close_fifo(&mut self, ending: Ending) {
        let is_restart = ending == Ending::Restart;
        if !is_restart {
            self.fifo.remove();
        }
        let left = self.fifo.close();
        if left.is_empty() {
            return;
        }
        let names = left.iter().take(NAMES_MAX).map(|message| match message {
            Ok(fields) => fields.iter().find(|(name, _)| name == "t").map_or("", |(_, kind)| kind),
            Err(why) => why,
        });
        let names = names.collect::<Vec<_>>().join(", ");
        let (path, count) = (self.paths.fifo(), left.len());
        let why = if is_restart { "the daemon restarts" } else { "the daemon ends" };
        let text = format!(
            "Messages in {} not carried out, because {why}: {count} ({names})",
            path.display()
        );
        self.say(Level::Warning, text);
    }

    fn order_from_fifo(&mut self, order: Order) {
        let journal_order = order::with_names(order, &self.settings);
        if self.is_restarting || self.reload.is_some() {
            return self.refuse_message("the daemon is about to restart or to apply other files");
        }
        let ticket = Ticket(self.next_ticket);
        self.next_ticket += 1;
        self.note(Requester::fifo().orders(journal_order, ticket));
        if self.beat.command(Command::Order { ticket, order }).is_ok() {
            self.orders.insert(ticket, (None, order));
        } else {
            self.refuse_message("the daemon is too busy");
        }
    }

    /// Logs why an order from the FIFO is not carried out: nobody waits for the answer.
    pub(super) fn tell_refused(&mut self, order: Order, refusal: OrderRefusal) {
        let what = match order {
            Order::Standby(set) => format!("standby [{set}]"),
            Order::Takeover(set) => format!("takeover [{set}]"),
            // The FIFO gives no other order.
            Order::StandbyGroup(_)
            | Order::TakeoverGroup(_)
            | Order::ForgetPeer(_)
            | Order::Retry(_)
            | Order::ConfirmDead(_)
            | Order::Hold(..)
            | Order::Release(_)
            | Order::Stop => "order".to_owned(),
        };
        let why = texts::reason(Reason::Order(refusal));
        self.refuse_message(&format!("{what}: {why}"));
    }

    /// Calls the script of this node for a message, and sends the message to the other nodes.
    fn pass_on(&mut self, custom: Custom, dest: Option<&str>, mut fields: Fields) {
        let own = self.settings.name(self.settings.me).to_owned();
        let node = dest.map(|dest| self.settings.node(dest));
        if node == Some(None) {
            return self.refuse_message(&format!(
                "{}: there is no node with the name in dest",
                custom.kind
            ));
        }
        let node = node.flatten();
        let is_for_us = node.is_none_or(|node| node == self.settings.me);
        let is_for_others = node.is_none_or(|node| node != self.settings.me);
        if is_for_us {
            fields.retain(|(name, _)| {
                !systole_wire::is_of_every_message(name) || name == "t" || name == "dest"
            });
            fields.push(("src".to_owned(), own));
            self.offer(&fields);
        }
        if is_for_others {
            let message = Box::new(custom);
            let kind = message.kind.clone();
            if self.beat.command(Command::Say { message, dest: node }).is_err() {
                self.refuse_message(&format!("{kind}: the daemon is too busy to send it"));
            }
        }
    }

    fn refuse_message(&mut self, why: &str) {
        let text = format!("Message in {} refused: {why}", self.paths.fifo().display());
        self.log.write(&Line::new(Level::Warning, text).repeating(Repeating::Fifo));
    }
}
