//! Addresses that were put back, and what a person should look at because of them.

use super::Control;
use super::protocol::AlarmReport;
use crate::log::Level;
use crate::state::Happening;
use systole_core::GroupId;

impl Control {
    /// The name of a group; one of before a reload may come late, when news are many.
    fn name_of(&self, group: GroupId) -> Option<String> {
        let group = self.parts.settings.groups.get(group.index())?;
        Some(group.name().to_owned())
    }

    /// Addresses were gone and are back.
    pub(super) fn address_back(&mut self, group: GroupId, addresses: String, cause: String) {
        let Some(group) = self.name_of(group) else { return };
        let text = format!("{addresses} of group {group} was gone and is back: {cause}");
        self.say(Level::Warning, text);
        self.note(Happening::AddressBack { group, addresses, cause });
    }

    /// Something stands in the status until it is over.
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
        self.note(Happening::Alarm { group, text });
    }
}
