//! What differs between two configurations, and what that takes.

mod groups;
#[cfg(test)]
mod tests;

use crate::config::{AgentTimeouts, Config, Times};
use crate::medium::{Medium, PingNode};
use crate::time::milliseconds;
use std::fmt::Display;
use std::time::Duration;
use systole_core::{Failback, GroupId, StopFailure};

/// What a change takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// A running daemon takes it.
    Live,
    /// The keys, which a running daemon takes if it can.
    Keys,
    /// The daemon executes itself again; resources stay as they are.
    Restart,
}

/// One thing that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// How it reads, without any secret: `deadtime: 30 s -> 20 s`.
    pub text: String,
    /// What it takes.
    pub effect: Effect,
}

/// What differs from one configuration to another, in the order of importance. Empty when they
/// mean the same, whatever their files look like.
#[must_use]
pub fn difference(old: &Config, new: &Config) -> Vec<Change> {
    let mut found = Found { changes: Vec::new() };
    // In full, so that nothing new in a configuration is forgotten here.
    let Config {
        node_name,
        nodes,
        media,
        ping_nodes,
        times,
        failback,
        group_failback,
        hold_down,
        groups,
        authentication,
        logging,
        process,
        clients,
        ipfail,
        message_format,
        compression,
        hopfudge,
        generation_method,
        uuid_source,
        cluster,
        api_authorizations,
        fencing,
        environment,
        address_agent,
        stop_failure,
        agent_timeouts,
        options,
    } = new;
    found.restart("node name", old.node_name == *node_name);
    found.restart("nodes", old.nodes == *nodes);
    // What the words mean may have changed with the nodes.
    if old.nodes == *nodes {
        groups::compare(old, new, groups, &mut found);
    }
    found.list("link", &old.media, media, medium, Effect::Restart);
    found.list("ping node", &old.ping_nodes, ping_nodes, ping, Effect::Live);
    let has_serial = media.iter().any(|medium| matches!(medium, Medium::Serial { .. }));
    found.times(&old.times, times, has_serial);
    let is_legacy = |failback| failback == Failback::Legacy;
    let effect = if is_legacy(old.failback) || is_legacy(*failback) {
        Effect::Restart
    } else {
        Effect::Live
    };
    found.value("auto_failback", old.failback, *failback, effect);
    let is_same = by_name(old, &old.group_failback) == by_name(new, group_failback);
    found.changed("failback of single groups", is_same, Effect::Live);
    found.changed("hold_down", old.hold_down == *hold_down, Effect::Live);
    found.value("ipfail", on(old.ipfail), on(*ipfail), Effect::Live);
    let before = self::stop_failure(old.stop_failure);
    found.value("stop_failure", before, self::stop_failure(*stop_failure), Effect::Live);
    let before = timeouts(old.agent_timeouts);
    found.value("agent_timeout", before, timeouts(*agent_timeouts), Effect::Live);
    found.keys(old, authentication);
    found.restart("fencing", old.fencing == *fencing);
    found.restart("logging", old.logging == *logging);
    found.restart("process settings", old.process == *process);
    found.restart("programs to keep running", old.clients == *clients);
    let is_same = old.message_format == *message_format && old.compression == *compression;
    found.restart("form of messages", is_same && old.hopfudge == *hopfudge);
    found.restart("hbgenmethod", old.generation_method == *generation_method);
    found.restart("uuidfrom", old.uuid_source == *uuid_source);
    found.restart("cluster", old.cluster == *cluster);
    found.restart("apiauth", old.api_authorizations == *api_authorizations);
    found.restart("environment of scripts", old.environment == *environment);
    found.restart("address_agent", old.address_agent == *address_agent);
    // Scripts see each of them; what has a meaning beside that was told above.
    if found.changes.is_empty() && old.options != *options {
        found.push("options that scripts see: changed".to_owned(), Effect::Live);
    }
    found.changes
}

/// What was found so far.
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

    /// A serial line is made for the times by which it is too slow.
    fn times(&mut self, old: &Times, new: &Times, has_serial: bool) {
        let Times {
            keepalive,
            deadtime,
            warntime,
            initdead,
            deadping,
            aliveping,
            rexmit_delay,
            restart_grace,
        } = *new;
        let beats = if has_serial { Effect::Restart } else { Effect::Live };
        for (what, old, new, effect) in [
            ("keepalive", old.keepalive, keepalive, beats),
            ("deadtime", old.deadtime, deadtime, beats),
            ("warntime", old.warntime, warntime, Effect::Live),
            ("initdead", old.initdead, initdead, Effect::Live),
            ("deadping", old.deadping, deadping, Effect::Live),
            ("aliveping", old.aliveping, aliveping, Effect::Live),
            ("max_rexmit_delay", old.rexmit_delay, rexmit_delay, Effect::Restart),
            ("restart_grace", old.restart_grace, restart_grace, Effect::Live),
        ] {
            self.value(what, span(old), span(new), effect);
        }
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

/// What becomes of single groups, whatever their numbers are.
fn by_name<'a>(config: &'a Config, own: &[(GroupId, Failback)]) -> Vec<(&'a str, Failback)> {
    let named = own.iter().filter_map(|(group, failback)| {
        Some((config.groups.get(group.index())?.name(), *failback))
    });
    named.collect()
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

fn span(span: Duration) -> String {
    let milliseconds = milliseconds(span);
    if milliseconds.is_multiple_of(1000) {
        format!("{} s", milliseconds / 1000)
    } else {
        format!("{milliseconds} ms")
    }
}

fn timeouts(timeouts: AgentTimeouts) -> String {
    let AgentTimeouts { start, stop, status } = timeouts;
    if start == stop && stop == status {
        span(start)
    } else {
        format!("{} to start and stop, {} to look", span(start.max(stop)), span(status))
    }
}

const fn stop_failure(stop_failure: StopFailure) -> &'static str {
    match stop_failure {
        StopFailure::Reboot => "reboot",
        StopFailure::ReleaseAddress => "release-address",
        StopFailure::Block => "block",
    }
}

const fn on(on: bool) -> &'static str {
    if on { "on" } else { "off" }
}
