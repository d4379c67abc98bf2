//! Which program runs for a type of event, and whether it may.

use std::fs::{self, Metadata};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// The directory of event scripts below the configuration directory.
pub(super) const RC_D: &str = "rc.d";
/// The program that heartbeat runs event scripts with.
const HARC: &str = "harc";
/// Permission to write for anybody but the owner.
const WRITABLE: u32 = 0o022;

/// Scripts with these names of the package heartbeat start and stop groups through programs of that package,
/// behind the back of the executor.
const OF_HEARTBEAT: [&str; 5] =
    ["status", "ip-request", "ip-request-resp", "hb_takeover", "ask_resources"];
/// The programs that they call.
const ACTORS: [&str; 3] = ["mach_down", "ResourceManager", "hb_standby"];
/// The variable that names their directory to scripts.
const PROGRAMS: &str = "HA_NOARCHBIN";
/// The program under whose name these are harmless: they are links to it.
const HB: &str = "hb";

/// The directories in which scripts and the programs of heartbeat are looked for.
#[derive(Debug)]
pub(super) struct Places {
    /// The configuration directory.
    pub(super) configuration: PathBuf,
    /// The directories that may have heartbeat's programs.
    pub(super) programs: Vec<PathBuf>,
}

/// How a script is run.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// The program.
    pub(super) program: PathBuf,
    /// Its only argument.
    pub(super) argument: String,
    /// The script.
    pub(super) script: PathBuf,
    /// Whether `harc` runs the script, and logs that it does.
    pub(super) is_by_harc: bool,
}

impl Places {
    /// Finds the script with this name, which gets this environment; `None` if there is none.
    ///
    /// # Errors
    ///
    /// Why the script that is there is not run.
    pub(super) fn find(
        &self,
        name: &str,
        environment: &[(String, String)],
    ) -> Result<Option<Run>, String> {
        let script = self.configuration.join(RC_D).join(name);
        if fs::symlink_metadata(&script).is_err() {
            return Ok(None);
        }
        let directories = [self.configuration.clone(), self.configuration.join(RC_D)];
        for directory in &directories {
            let found = fs::symlink_metadata(directory);
            let why = found.map_or_else(|error| Some(error.to_string()), |it| suspicion(&it));
            if let Some(why) = why {
                return Err(refusal(&script, &format!("{}: {why}", directory.display())));
            }
        }
        if let Some(why) = unfit(&script) {
            return Err(refusal(&script, &why));
        }
        if OF_HEARTBEAT.contains(&name)
            && let Some(actor) = self.actors(environment).find(|actor| !is_harmless(actor))
        {
            let why = format!(
                "it may start groups through {0}, which does not know of the executor; replace {0} by a \
                 link to {HB}, or remove it",
                actor.display()
            );
            return Err(refusal(&script, &why));
        }
        let harc = self.configuration.join(HARC);
        let is_by_harc = unfit(&harc).is_none();
        let program = if is_by_harc { harc } else { script.clone() };
        Ok(Some(Run { program, argument: name.to_owned(), script, is_by_harc }))
    }

    /// Where a script with this environment may find the programs of heartbeat.
    fn actors(&self, environment: &[(String, String)]) -> impl Iterator<Item = PathBuf> {
        let given = environment.iter().filter(|(name, _)| name == PROGRAMS);
        let given = given.map(|(_, directory)| Path::new(directory).to_owned());
        let directories = self.programs.iter().cloned().chain(given);
        directories.flat_map(|directory| ACTORS.map(|actor| directory.join(actor)))
    }
}

fn refusal(script: &Path, why: &str) -> String {
    format!("{} is not run: {why}", script.display())
}

/// Why a program must not be run by root.
fn unfit(path: &Path) -> Option<String> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) => return Some(error.to_string()),
    };
    if !found.is_file() {
        return Some("it is not a regular file".to_owned());
    }
    let is_executable = found.permissions().mode() & 0o111 != 0;
    suspicion(&found).or_else(|| (!is_executable).then(|| "it is not executable".to_owned()))
}

/// Why somebody but root could have written a file or directory.
fn suspicion(found: &Metadata) -> Option<String> {
    let own = rustix::process::geteuid().as_raw();
    if ![0, own].contains(&found.uid()) {
        Some(format!("it belongs to user {}", found.uid()))
    } else if found.permissions().mode() & WRITABLE != 0 {
        Some(format!("others can write to it (mode {:o})", found.permissions().mode() & 0o7777))
    } else {
        None
    }
}

/// Whether a program of heartbeat is not there, or is a link to ours.
fn is_harmless(program: &Path) -> bool {
    if fs::symlink_metadata(program)
        .is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound)
    {
        return true;
    }
    let target = fs::canonicalize(program);
    target.is_ok_and(|target| target.file_name().is_some_and(|name| name == HB))
}
