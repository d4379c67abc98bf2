//! Two lanes of tests side by side.
//!
//! The laboratory mostly waits, and the worlds only compute. So the laboratory has a lane for itself,
//! and everything else runs beside it with a nice value: it gets what the laboratory leaves.

use super::call::Call;
use crate::{complain, tree};
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;

/// Where this command keeps files of its own, below the root.
const FOLDER: &str = "target/xtask";
/// The profiles of `.config/nextest.toml`: together they are all tests.
const LABORATORY: &str = "laboratory";
const COMPUTING: &str = "computing";

/// The tests as nextest built them. To run them builds nothing, and so does not wait for the
/// other lane's builds.
pub(super) struct Tests {
    /// What nextest wrote of them.
    list: PathBuf,
}

/// Builds all tests; nothing without nextest.
pub(super) fn build() -> Result<Option<Tests>, String> {
    let mut version = Command::new("cargo");
    version.args(["nextest", "--version"]).stdout(Stdio::null()).stderr(Stdio::null());
    if !version.status().is_ok_and(|status| status.success()) {
        return Ok(None);
    }
    let folder = tree::root().join(FOLDER);
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let list = folder.join("tests.json");
    words("nextest list --workspace --list-type binaries-only --message-format json")
        .write_to(&list)?;
    Ok(Some(Tests { list }))
}

/// Runs the laboratory and shows it, and `others` and all tests that only compute beside it.
pub(super) fn run(tests: &Tests, others: Vec<Call>) -> Result<(), String> {
    thread::scope(|scope| {
        let aside = scope.spawn(|| {
            let calls = others.into_iter().chain([tests.call(COMPUTING)]);
            // All of them, so that one run tells everything that is wrong.
            calls.filter_map(|call| call.run_aside().err()).collect::<Vec<String>>()
        });
        complain("==> beside the laboratory: documents, mistakes, examples, tests that compute");
        let laboratory = tests.call(LABORATORY).run().err();
        let aside = aside.join().map_err(|_| "a lane of the tests broke off".to_owned())?;
        let failures: Vec<String> = laboratory.into_iter().chain(aside).collect();
        if failures.is_empty() { Ok(()) } else { Err(failures.join("\n")) }
    })
}

impl Tests {
    fn call(&self, profile: &str) -> Call {
        let run = words(&format!("nextest run --profile {profile}"));
        run.file("--binaries-metadata", &self.list)
    }
}

fn words(line: &str) -> Call {
    Call::cargo(&line.split(' ').collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The filter of a profile, as it stands in the file.
    fn filter(profile: &str) -> String {
        let text = fs::read_to_string(tree::root().join(".config/nextest.toml")).unwrap();
        let (_, rest) = text.split_once(&format!("[profile.{profile}]\n")).unwrap();
        let line = rest.lines().find_map(|line| line.strip_prefix("default-filter = "));
        line.unwrap().trim_matches('"').to_owned()
    }

    #[test]
    fn the_two_profiles_together_are_all_tests() {
        assert_eq!(filter(COMPUTING), format!("not ({})", filter(LABORATORY)));
    }
}
