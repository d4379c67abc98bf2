//! The information that the state directory and the ledger give to a starting daemon.
//!
//! A file that cannot be read counts as empty and is logged as an error: the services continue, and the
//! other nodes report what this one has forgotten. The file stays as it is until something is stored there.

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

/// Returns what was stored, or the default if it cannot be read.
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

/// An error, with its cause.
pub(crate) fn with_cause(error: &dyn Error) -> String {
    error.source().map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}

/// Returns this node's uuid. If it can be neither read nor stored, this run uses a new one, which the other
/// nodes learn as if the node had been reinstalled.
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

/// Returns the generation of this run, and the same number again if it could not be stored on the disk.
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

/// Returns the facts of this run, and its generation if that could not be stored on the disk. What the
/// ledger lists counts as held until the executor has answered.
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
        // The retired groups are among the settings already.
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
    fn unreadable_state_file_recalls_nothing_and_stays() {
        let directory = tempfile::tempdir().unwrap();
        let (state, _) = State::open(directory.path()).unwrap();
        let names =
            ["terms", "peers", "holds", "kept", "retired"].map(|it| format!("systole.{it}"));
        let others = ["hb_generation", "hb_uuid"].map(str::to_owned);
        let mut log = Log::on_stderr("web1");
        assert!(state.check(&settings()).is_ok(), "a file that is missing is none that is broken");
        for name in names.iter().chain(&others) {
            let path = directory.path().join(name);
            // Reading a directory fails for every user, even root.
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
