//! Addresses that were put back, and conditions that an administrator should look at.

use super::Control;
use crate::log::Level;
use systole_core::{GroupId, GroupReport, Inability, NodeReport, Obstacle, Retirement};
use systole_ipc::journal::JournalEvent;
use systole_ipc::protocol::AlarmReport;

/// The status of a node that is not heard.
const DEAD: &str = "dead";

/// What an alarm concerns that has no group here.
pub(super) const FILE: &str = "haresources";

/// Returns alarms for groups whose line a connected node does not have, for groups that are not started
/// because of a line that is not known here, and for nodes with lines that this node does not have.
pub(super) fn of_other_lines(nodes: &[NodeReport], groups: &[GroupReport]) -> Vec<AlarmReport> {
    let dead = nodes.iter().filter(|node| node.status == DEAD);
    let dead: Vec<_> = dead.map(|node| &node.name).collect();
    let current = || groups.iter().filter(|group| group.retired.is_none());
    let lacking = |group| lacking_nodes(group).filter(|node| !dead.contains(node));
    let mut alarms = Vec::new();
    for group in current() {
        alarms.extend(lacking(group).map(|node| of_other_line(group, node)));
        if group.unable_because.contains(&Inability::UnknownLine) {
            alarms.push(of_unknown_line(group));
        }
    }
    for node in nodes.iter().filter(|node| node.other_lines && !dead.contains(&&node.name)) {
        alarms.push(of_file(&node.name));
    }
    // Where a node lacks the new line, that it still has the former one is no news.
    for group in groups.iter().filter(|group| group.retired == Some(Retirement::Elsewhere)) {
        let is_named = |node: &&String| current().any(|group| lacking(group).any(|it| it == *node));
        if let Some(owner) = group.owner.as_ref().filter(|owner| !is_named(owner)) {
            alarms.push(of_former_line(group, owner));
        }
    }
    alarms
}

/// Returns the nodes that lack the line of a group, or claim the group without running it.
fn lacking_nodes(group: &GroupReport) -> impl Iterator<Item = &String> {
    let unable = group.unable.iter().zip(&group.unable_because);
    let lacking = unable.filter(|(_, why)| **why == Inability::OtherLine).map(|(node, _)| node);
    lacking.chain(group.owner.as_ref().filter(|_| group.kept_free))
}

/// Returns alarms for groups that no node runs, because their owner is dead and the other node cannot or
/// may not take them over. With more than two nodes, another one may hear the owner.
pub(super) fn of_dead_owners(
    nodes: &[NodeReport],
    groups: &[GroupReport],
) -> impl Iterator<Item = AlarmReport> {
    let is_pair = nodes.len() <= 2;
    let current = groups.iter().filter(move |group| is_pair && group.retired.is_none());
    let current = current.filter(|group| group.phase.holds());
    current.filter_map(move |group| {
        let owner = group.owner.as_ref()?;
        let is_dead = nodes.iter().any(|node| node.name == *owner && node.status == DEAD);
        let name = group.name.clone();
        let text = if group.obstacles.contains(&Obstacle::Guarded) {
            format!(
                "{owner} is not heard and may still run {name}: its machine answers on the network"
            )
        } else {
            format!("no node runs {name}: its owner {owner} is dead")
        };
        is_dead.then_some(AlarmReport { group: name, text })
    })
}

/// The line as it is in the file. Another line may differ from it only in the home node.
fn line_of(group: &GroupReport) -> String {
    format!("{} {}", group.preferred, group.resources.join(" "))
}

fn of_unknown_line(group: &GroupReport) -> AlarmReport {
    let (name, line) = (&group.name, line_of(group));
    let text = format!(
        "{name} ({line}) is not started here: another node lacks this line, and runs one that is \
         not in this haresources. The two lines may use the same address: give all nodes the same \
         file and reload"
    );
    AlarmReport { group: name.clone(), text }
}

fn of_other_line(group: &GroupReport, node: &str) -> AlarmReport {
    let (name, line) = (&group.name, line_of(group));
    let text = format!(
        "{node} does not have this line of {name}: {line}. Give all nodes the same haresources and \
         reload. While haresources is being changed this lasts until all have reloaded"
    );
    AlarmReport { group: name.clone(), text }
}

fn of_file(node: &str) -> AlarmReport {
    let text = format!(
        "{node} has lines that this node does not have. Give all nodes the same haresources and \
         reload. While haresources is being changed this lasts until all have reloaded"
    );
    AlarmReport { group: FILE.to_owned(), text }
}

fn of_former_line(group: &GroupReport, node: &str) -> AlarmReport {
    let (name, line) = (&group.name, line_of(group));
    let text = format!(
        "{node} has a line of {name} that is no longer in this haresources: {line}. Give all nodes \
         the same haresources and reload"
    );
    AlarmReport { group: name.clone(), text }
}

impl Control {
    /// Returns the name of a group. A group from before a reload may come late, when there are many news.
    fn name_of(&self, group: GroupId) -> Option<String> {
        let group = self.settings.groups.get(group.index())?;
        Some(group.name().to_owned())
    }

    /// Records that addresses were removed and are back.
    pub(super) fn address_back(&mut self, group: GroupId, addresses: String, cause: String) {
        let Some(group) = self.name_of(group) else { return };
        let text = format!("{addresses} of group {group} was missing and was added again: {cause}");
        self.say(Level::Warning, text);
        self.note(JournalEvent::AddressBack { group, addresses, cause });
    }

    /// Shows a condition in the status until it is over.
    pub(super) fn alarm(&mut self, group: GroupId, text: Option<String>) {
        let Some(group) = self.name_of(group) else { return };
        self.alarms.retain(|alarm| alarm.group != group);
        match &text {
            Some(text) => {
                self.say(Level::Error, format!("Alarm of group {group}: {text}"));
                self.alarms.push(AlarmReport { group: group.clone(), text: text.clone() });
            }
            None => self.say(Level::Info, format!("The alarm of group {group} is over.")),
        }
        self.note(JournalEvent::Alarm { group, text, lines: false });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use systole_core::Phase;

    fn web2(status: &str) -> NodeReport {
        NodeReport {
            name: "web2".to_owned(),
            status: status.to_owned(),
            daemon: "systole".to_owned(),
            silence_ms: Some(5),
            deadtime_ms: 1000,
            links: Vec::new(),
            ..NodeReport::default()
        }
    }

    #[test]
    fn line_missing_on_peer_raises_alarm_naming_line() {
        let mut group = GroupReport {
            name: "10.0.0.5".to_owned(),
            resources: vec!["10.0.0.5".to_owned(), "nginx".to_owned()],
            preferred: "web1".to_owned(),
            owner: Some("web1".to_owned()),
            term: 3,
            phase: Phase::Active,
            since_ms: 7,
            unable: vec!["web2".to_owned(), "web3".to_owned()],
            unable_because: vec![Inability::OtherLine, Inability::Told],
            ..GroupReport::default()
        };
        let alarms = |status: &str, group: &GroupReport| -> Vec<_> {
            of_other_lines(&[web2(status)], std::slice::from_ref(group))
        };
        let told = alarms("active", &group);
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].group, "10.0.0.5");
        let begin = "web2 does not have this line of 10.0.0.5: web1 10.0.0.5 nginx. Give all nodes";
        assert!(told[0].text.starts_with(begin), "{}", told[0].text);
        assert_eq!(alarms("dead", &group), [], "its file is not known any more");
        group.unable_because[1] = Inability::UnknownLine;
        let waits =
            "10.0.0.5 (web1 10.0.0.5 nginx) is not started here: another node lacks this line";
        let told = alarms("active", &group).pop().map(|alarm| alarm.text);
        assert!(told.as_ref().is_some_and(|text| text.starts_with(waits)), "{told:?}");
        group.owner = Some("web2".to_owned());
        group.unable_because[0] = Inability::Told;
        group.unable_because[1] = Inability::Told;
        assert_eq!(alarms("active", &group), []);
        group.kept_free = true;
        let told = alarms("active", &group).pop().map(|alarm| alarm.text);
        assert!(told.as_ref().is_some_and(|text| text.starts_with(begin)), "{told:?}");
        group.kept_free = false;
        let abandoned = |status: &str, group: &GroupReport| -> Vec<_> {
            of_dead_owners(&[web2(status)], std::slice::from_ref(group)).collect()
        };
        assert_eq!(abandoned("active", &group), []);
        let text = "no node runs 10.0.0.5: its owner web2 is dead";
        assert_eq!(abandoned("dead", &group)[0].text, text);
        group.phase = Phase::Failed;
        assert_eq!(abandoned("dead", &group), [], "that is told already");
        group.retired = Some(Retirement::Claimed);
        assert_eq!(alarms("active", &group), []);
        group.retired = Some(Retirement::Elsewhere);
        let told = alarms("active", &group).pop().map(|alarm| alarm.text);
        let begin = "web2 has a line of 10.0.0.5 that is no longer in this haresources: web1 10.0";
        assert!(told.as_ref().is_some_and(|text| text.starts_with(begin)), "{told:?}");
    }

    #[test]
    fn active_peer_with_unknown_lines_raises_alarm_about_file() {
        let node = |status: &str| NodeReport { other_lines: true, ..web2(status) };
        let told = of_other_lines(&[node("active")], &[]).pop().expect("an alarm");
        assert_eq!(told.group, FILE);
        assert!(told.text.starts_with("web2 has lines that this node does not have."));
        assert_eq!(of_other_lines(&[node("dead")], &[]), []);
    }
}
