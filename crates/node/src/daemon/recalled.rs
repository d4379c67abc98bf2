//! What the state directory and the ledger tell a daemon that starts.
//!
//! A file that cannot be read is as good as an empty one, and an error in the log: services go on, and the
//! other nodes tell what this one has forgotten. It stays as it is until something is stored there.

use super::succession;
use crate::beat::executor::group_of;
use crate::log::{Level, Line, Log};
use crate::state::{State, StateError};
use std::error::Error;
use std::io;
use systole_agents::protocol::Held;
use systole_config::Config;
use systole_core::{Boot, Settings, Uuid};
use systole_ipc::paths::Paths;
use systole_sys::clock;

/// What was stored, or nothing when it cannot be read.
pub(super) fn recalled<T: Default>(result: Result<T, StateError>, log: &mut Log) -> T {
    result.unwrap_or_else(|error| {
        tell(&error, "Heartbeat starts as if nothing were stored there", log);
        T::default()
    })
}

fn tell(error: &StateError, what: &str, log: &mut Log) {
    let text = format!("{}. {what}. Repair or remove the file.", with_cause(error));
    log.write(&Line::new(Level::Error, text));
}

/// An error and why it came about.
pub(crate) fn with_cause(error: &dyn Error) -> String {
    error.source().map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}

/// This node's uuid. One that can be neither read nor stored is another one for this run: the
/// others learn it, as that of a node that was installed anew.
fn uuid(config: &Config, state: &State, log: &mut Log) -> io::Result<Uuid> {
    match state.uuid(config.uuid_source, &config.node_name) {
        Ok((uuid, false)) => Ok(uuid),
        Ok((uuid, true)) => {
            let text = "No uuid found for current node - generating a new uuid.";
            log.write(&Line::new(Level::Info, text));
            Ok(uuid)
        }
        Err(error) => {
            tell(&error, "This node has a new uuid until the next start", log);
            State::new_uuid().map_err(io::Error::other)
        }
    }
}

/// The generation of this run, and the same again if the disk has not taken it.
fn generation(
    config: &Config,
    (paths, state): (&Paths, &State),
    unix_time: u64,
    log: &mut Log,
) -> (u64, Option<u64>) {
    let copy = paths.generation();
    let generation = state.next_generation(&copy, config.generation_method, unix_time);
    if generation.is_first {
        let text = format!("No Previous generation - starting at {}", generation.number);
        log.write(&Line::new(Level::Warning, text));
    }
    if let Err(error) = &generation.stored {
        let text = format!(
            "Cannot store the generation: {}. Starting at {}, which is not below the clock. It is \
             stored as soon as there is room.",
            with_cause(error),
            generation.number
        );
        log.write(&Line::new(Level::Error, text));
    }
    let unstored = generation.stored.is_err().then_some(generation.number);
    (generation.number, unstored)
}

/// The facts of this run, and its generation if the disk has not taken that. What the ledger lists is
/// held as far as anybody knows before the executor has spoken.
pub(super) fn boot(
    config: &Config,
    settings: &Settings,
    (paths, state): (&Paths, &State),
    listed: &[Held],
    unix_time: u64,
    log: &mut Log,
) -> io::Result<(Boot, Option<u64>)> {
    let (generation, unstored) = generation(config, (paths, state), unix_time, log);
    let uuid = uuid(config, state, log)?;
    let known = listed.iter().filter_map(|held| Some((group_of(settings, held.group)?, held.term)));
    let listed: Vec<_> = known.collect();
    let boot = Boot {
        generation,
        started: succession::started().unwrap_or(generation),
        session: clock::random_u64()?.max(1),
        uuid,
        unix_time,
        seed: clock::random_u64()?,
        terms: recalled(state.terms(settings), log),
        peers: recalled(state.peers(settings), log),
        holds: recalled(state.holds(settings), log),
        kept_by_order: recalled(state.kept_by_order(), log),
        // They are among the settings already.
        retired: Vec::new(),
        listed,
    };
    Ok((boot, unstored))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::tests::settings;
    use std::fs;

    #[test]
    fn a_file_that_cannot_be_read_is_as_good_as_an_empty_one_and_stays() {
        let directory = tempfile::tempdir().unwrap();
        let (state, _) = State::open(directory.path()).unwrap();
        let names =
            ["terms", "peers", "holds", "kept", "retired"].map(|it| format!("systole.{it}"));
        let others = ["hb_generation", "hb_uuid"].map(str::to_owned);
        let mut log = Log::on_stderr("web1");
        assert!(state.check(&settings()).is_ok(), "a file that is missing is none that is broken");
        for name in names.iter().chain(&others) {
            let path = directory.path().join(name);
            // Whoever reads it gets an error, root too.
            fs::create_dir(&path).unwrap();
            let error = state.check(&settings()).unwrap_err();
            let text = with_cause(&error);
            assert!(text.contains(name) && text.contains("directory"), "{text}");
            assert_eq!(recalled(state.terms(&settings()), &mut log), []);
            assert_eq!(recalled(state.retired(&settings()), &mut log), []);
            assert!(path.is_dir());
            fs::remove_dir(&path).unwrap();
        }
    }
}
