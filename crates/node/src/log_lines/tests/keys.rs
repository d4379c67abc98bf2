use super::*;
use crate::beat::keys::KeyStep;
use crate::log::Level;
use systole_wire::Progress;

#[test]
fn key_renewal_steps_are_logged_with_their_level_and_text() {
    for (step, level, part) in [
        (KeyStep::Begins, Level::Info, "Keys are being renewed"),
        (KeyStep::Renewed(WEB1), Level::Info, "web1 has the new key."),
        (KeyStep::Progress(Progress::Reminder), Level::Warning, "web1 was not heard"),
        (KeyStep::Progress(Progress::Over), Level::Info, "no longer accepted."),
        (KeyStep::Progress(Progress::Expired), Level::Error, "web1 was not heard"),
    ] {
        let line = words().keys(step, &[WEB1]);
        assert_eq!(line.level, level, "{step:?}");
        assert!(line.text.contains(part), "{step:?}: {}", line.text);
    }
}
