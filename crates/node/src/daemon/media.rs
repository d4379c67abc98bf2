//! Opens the media at the start, and checks which ones a successor could open.

use super::plan::Way;
use super::wiring;
use crate::beat::links::Medium;
use crate::control::links;
use crate::log::{Level, Line, Log};
use crate::log_lines::media;
use std::fs;
use systole_core::Settings;
use systole_sys::link::{self, Link, LinkSpec};
use systole_wire::Form;

/// Opens the media that can be opened, for the beat thread and for the part that takes care of missing
/// ones, because an interface may appear later. With no medium open, this node would appear to be alone,
/// and so would the other node, and each would take everything; so the daemon does not start. A daemon that
/// has executed itself again is no worse off than before, and continues.
pub(super) fn open(
    specs: &[LinkSpec],
    settings: &Settings,
    way: Way,
    log: &mut Log,
) -> Option<(Vec<Medium>, Vec<links::Medium>)> {
    let results = Link::open_all(specs).into_iter().zip(specs);
    let media = results.map(|(result, spec)| {
        let (level, text) = match &result {
            Ok(_) => (Level::Info, media::opened(spec)),
            Err(error) => (Level::Error, media::closed(spec, error)),
        };
        log.write(&Line::new(level, text));
        let link = result.ok().map(Box::new);
        let listens = link.as_ref().is_some_and(|link| link.listens());
        let known = links::Medium { spec: spec.clone(), is_open: link.is_some(), listens };
        let form = match spec.form() {
            link::Form::Datagram => Form::Framed,
            link::Form::Text => Form::Classic,
        };
        (Medium { id: wiring::link_id(settings, spec), form, link }, known)
    });
    let (media, known): (Vec<_>, Vec<_>) = media.unzip();
    if known.iter().all(|medium| !medium.is_open || medium.spec.is_service()) {
        let (text, goes_on) = match way {
            Way::Fresh => ("No medium could be opened. Heartbeat ends.", false),
            Way::Successor => (
                "No medium could be opened: no node can be heard until an interface is back.",
                true,
            ),
        };
        log.write(&Line::new(Level::Error, text));
        return goes_on.then_some((media, known));
    }
    Some((media, known))
}

/// Returns one text for each medium that could not be opened now. The media in force are not disturbed: no
/// second receiver takes their datagrams away, and no serial line, which they may be using, is opened.
pub(crate) fn missing(specs: &[LinkSpec], in_force: &[LinkSpec]) -> Vec<String> {
    let specs = specs.iter().filter(|spec| !spec.is_service());
    let look = |spec: &LinkSpec| match spec.form() {
        link::Form::Datagram => Link::open_beside(spec, in_force.iter()).map(drop),
        link::Form::Text => fs::metadata(spec.name()).map(drop),
    };
    let closed = specs.filter_map(|spec| Some(media::closed(spec, look(spec).err()?)));
    closed.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medium_without_device_is_missing_and_open_medium_is_not() {
        let device = |device: &str| LinkSpec::Unicast {
            device: device.to_owned(),
            host: "127.0.0.9".to_owned(),
            port: 46_940,
        };
        let line = |tty: &str| LinkSpec::Serial {
            tty: tty.to_owned(),
            baud: 19_200,
            patience: std::time::Duration::from_secs(1),
        };
        let specs = [device("lo"), device("no-such"), line("/dev/null"), line("/dev/no-such")];
        let texts = missing(&specs, &specs[..1]);
        assert_eq!(texts.len(), 2, "{texts:?}");
        assert!(texts[0].starts_with("cannot open ucast no-such: No such device"), "{texts:?}");
        assert!(texts[1].starts_with("cannot open serial /dev/no-such: No such file"), "{texts:?}");
    }
}
