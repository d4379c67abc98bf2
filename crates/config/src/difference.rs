//! The differences between two configurations, and what each difference requires.

mod groups;
#[cfg(test)]
mod tests;

use crate::config::Config;
use crate::directive::{self, Directive, Subject, Told};
use crate::medium::{Medium, PingNode};
pub use groups::LineChange;
use std::fmt::Display;
use systole_core::{Failback, Group, GroupId, GroupKey};

/// What a change requires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// A running daemon applies it.
    Live,
    /// The change concerns the keys, which a running daemon applies if it can.
    Keys,
    /// The daemon executes itself again; resources stay as they are.
    Restart,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The text of the change, without any secret: `deadtime: 30 s -> 20 s`.
    pub text: String,
    /// What the change requires.
    pub effect: Effect,
}

/// Returns the differences from one configuration to another, in the order of importance.
///
/// The list is empty when both configurations mean the same, however their files differ.
#[must_use]
pub fn difference(old: &Config, new: &Config) -> Vec<Change> {
    let mut found = Found { changes: Vec::new() };
    // Destructured in full, so that a new field of the configuration cannot be forgotten here.
    let Config {
        node_name,
        nodes,
        media,
        ping_nodes,
        // Only for listings.
        listed: _,
        failback,
        group_failback,
        hold_down,
        monitors,
        probes,
        groups,
        authentication,
        clients,
        ipfail,
        api_authorizations,
        fencing,
        environment,
        values: _,
        options,
        // Computed from values, whose rows say what a change of them requires.
        logging: _,
        process: _,
        message_format: _,
        compression: _,
        hopfudge: _,
        generation_method: _,
        uuid_source: _,
        address_agent: _,
        stop_failure: _,
        foreign_running: _,
        guard,
        guard_port,
        agent_timeouts: _,
    } = new;
    found.restart("node name", old.node_name == *node_name);
    found.restart("nodes", old.nodes == *nodes);
    // If the nodes changed, the words of a group may have a different meaning.
    if old.nodes == *nodes {
        groups::compare(old, new, groups, &mut found);
    }
    found.list("link", &old.media, media, medium, Effect::Restart);
    // The socket on the service network is opened at the start.
    let is_open = old.guard_port == *guard_port;
    let effect = if is_open { Effect::Live } else { Effect::Restart };
    found.changed("guard", is_open && old.guard == *guard, effect);
    found.list("ping node", &old.ping_nodes, ping_nodes, ping, Effect::Live);
    found.values(old, new, Subject::Times);
    let is_legacy = |failback| failback == Failback::Legacy;
    let effect = if is_legacy(old.failback) || is_legacy(*failback) {
        Effect::Restart
    } else {
        Effect::Live
    };
    found.value("auto_failback", old.failback, *failback, effect);
    let is_same = by_name(old, &old.group_failback) == by_name(new, group_failback);
    found.changed("failback of single groups", is_same, Effect::Live);
    found.of_groups("monitor", &changed_groups((old, &old.monitors), (new, monitors)));
    found.of_groups("check", &changed_groups((old, &old.probes), (new, probes)));
    found.changed("hold_down", old.hold_down == *hold_down, Effect::Live);
    found.value("ipfail", on(old.ipfail), on(*ipfail), Effect::Live);
    found.values(old, new, Subject::Agents);
    found.keys(old, authentication);
    found.restart("fencing", old.fencing == *fencing);
    found.together(old, new, Subject::Logging, "logging");
    found.together(old, new, Subject::Process, "process settings");
    found.restart("programs to keep running", old.clients == *clients);
    found.together(old, new, Subject::Messages, "form of messages");
    found.names(old, new, Subject::Identity);
    found.restart("apiauth", old.api_authorizations == *api_authorizations);
    found.restart("environment of scripts", old.environment == *environment);
    found.names(old, new, Subject::Addresses);
    // Scripts see each option; an option with another meaning was already reported above.
    if found.changes.is_empty() && old.options != *options {
        found.push("options that scripts see: changed".to_owned(), Effect::Live);
    }
    found.changes
}

/// Returns the directives of a subject whose values differ, and what the change of each requires.
fn differing(
    old: &Config,
    new: &Config,
    subject: Subject,
) -> impl Iterator<Item = (&'static Directive, Effect)> {
    let has_serial = new.media.iter().any(|medium| matches!(medium, Medium::Serial { .. }));
    directive::all().filter_map(move |row| {
        let Told::As(its, takes) = row.change else { return None };
        let differs = its == subject && old.values.get(row.name) != new.values.get(row.name);
        differs.then(|| (row, takes.effect(has_serial)))
    })
}

/// The changes found so far.
struct Found {
    changes: Vec<Change>,
}

impl Found {
    fn push(&mut self, text: String, effect: Effect) {
        self.changes.push(Change { text, effect });
    }

    fn restart(&mut self, what: &str, is_same: bool) {
        self.changed(what, is_same, Effect::Restart);
    }

    fn changed(&mut self, what: &str, is_same: bool, effect: Effect) {
        if !is_same {
            self.push(format!("{what}: changed"), effect);
        }
    }

    fn of_groups(&mut self, what: &str, groups: &[&str]) {
        if !groups.is_empty() {
            self.push(format!("{what}: changed for {}", groups.join(", ")), Effect::Live);
        }
    }

    #[expect(clippy::needless_pass_by_value, reason = "numbers, and words made for it")]
    fn value<T: Display + PartialEq>(&mut self, what: &str, old: T, new: T, effect: Effect) {
        if old != new {
            self.push(format!("{what}: {old} -> {new}"), effect);
        }
    }

    fn list<T: PartialEq>(
        &mut self,
        what: &str,
        old: &[T],
        new: &[T],
        text: impl Fn(&T) -> String,
        effect: Effect,
    ) {
        let before = self.changes.len();
        for gone in old.iter().filter(|item| !new.contains(item)) {
            self.push(format!("{what} removed: {}", text(gone)), effect);
        }
        for added in new.iter().filter(|item| !old.contains(item)) {
            self.push(format!("{what} added: {}", text(added)), effect);
        }
        if self.changes.len() == before && old != new {
            self.push(format!("{what}s: in another order"), effect);
        }
    }

    /// Adds a line with both values for each directive.
    fn values(&mut self, old: &Config, new: &Config, subject: Subject) {
        for (row, effect) in differing(old, new, subject) {
            let told = |config: &Config| {
                let value = config.values.get(row.name);
                value.map_or_else(|| "none".to_owned(), |value| value.told(row.role))
            };
            self.value(row.name, told(old), told(new), effect);
        }
    }

    /// Adds a line with the name of each directive.
    fn names(&mut self, old: &Config, new: &Config, subject: Subject) {
        for (row, effect) in differing(old, new, subject) {
            self.changed(row.name, false, effect);
        }
    }

    /// Adds one line for all directives, with what the most demanding of them requires.
    fn together(&mut self, old: &Config, new: &Config, subject: Subject, what: &str) {
        let effects: Vec<Effect> = differing(old, new, subject).map(|(_, effect)| effect).collect();
        let takes_restart = effects.contains(&Effect::Restart);
        let effect = if takes_restart { Effect::Restart } else { Effect::Live };
        self.changed(what, effects.is_empty(), effect);
    }

    fn keys(&mut self, old: &Config, new: &crate::Authentication) {
        let old = &old.authentication;
        self.value("key that signs", old.sending, new.sending, Effect::Keys);
        for (number, key) in &new.keys {
            match old.keys.get(number) {
                None => self.push(format!("key {number}: added"), Effect::Keys),
                Some(other) if other != key => {
                    self.push(format!("key {number}: changed"), Effect::Keys);
                }
                Some(_) => {}
            }
        }
        for number in old.keys.keys().filter(|number| !new.keys.contains_key(number)) {
            self.push(format!("key {number}: removed"), Effect::Keys);
        }
    }
}

/// Returns the failback of single groups by the names of the groups, whatever their numbers are.
fn by_name<'a>(config: &'a Config, own: &[(GroupId, Failback)]) -> Vec<(&'a str, Failback)> {
    let named = own.iter().filter_map(|(group, failback)| {
        Some((config.groups.get(group.index())?.name(), *failback))
    });
    named.collect()
}

/// Returns the groups whose lines are the same in both configurations, and for whose resources something else is set.
/// A line that has changed is told by itself.
fn changed_groups<'a, T: PartialEq>(
    (old, was): (&Config, &[(GroupId, usize, T)]),
    (new, is): (&'a Config, &[(GroupId, usize, T)]),
) -> Vec<&'a str> {
    let differs = |group: &&Group| {
        set_for(old, was, group.key)
            .is_some_and(|was| set_for(new, is, group.key).is_some_and(|is| was != is))
    };
    new.groups.iter().filter(differs).map(Group::name).collect()
}

/// Returns what is set for the resources of the group with a key, if there is one.
fn set_for<'a, T>(
    config: &Config,
    all: &'a [(GroupId, usize, T)],
    key: GroupKey,
) -> Option<Vec<(usize, &'a T)>> {
    let index = config.groups.iter().position(|group| group.key == key)?;
    let own = all.iter().filter(|(group, _, _)| group.index() == index);
    let mut own: Vec<_> = own.map(|(_, place, what)| (*place, what)).collect();
    // What is set several times for one resource keeps its order.
    own.sort_by_key(|(place, _)| *place);
    Some(own)
}

fn medium(medium: &Medium) -> String {
    let detail = match medium {
        Medium::Ucast { host, port, .. } => format!("{host} port {port}"),
        Medium::Bcast { port, .. } => format!("port {port}"),
        Medium::Mcast { group, port, .. } => format!("{group} port {port}"),
        Medium::Ucast6 { address, port, .. } => format!("{address} port {port}"),
        Medium::Mcast6 { group, port, .. } => format!("{group} port {port}"),
        Medium::Serial { baud, .. } => format!("{baud} baud"),
    };
    format!("{} {} {detail}", medium.directive(), medium.name())
}

fn ping(ping: &PingNode) -> String {
    format!("{} {}", ping.directive, ping.name)
}

const fn on(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}
