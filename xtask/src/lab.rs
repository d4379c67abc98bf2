//! The demonstration: builds the programs and shows them.

use crate::install::{self, consent, is_root};
use crate::{needs, tree};
use std::env;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;

/// Builds `heartbeat` and `hb`, then becomes `hb lab`, so that `hb lab` gets every signal. The laboratory
/// needs root and building does not, hence sudo(8) between the two.
pub(crate) fn run(options: &[&str]) -> Result<(), String> {
    let (consent, options) = consent(options);
    install::provide("cargo xtask lab", &needs::of_lab(), consent)?;
    let mut build = Command::new("cargo");
    build.args(["build", "--release", "--bin", "heartbeat", "--bin", "hb"]);
    let status = build.current_dir(tree::root()).status();
    let status = status.map_err(|error| format!("cargo cannot be run: {error}"))?;
    if !status.success() {
        return Err(format!("the build failed: {status}"));
    }
    let program = built("hb")?;
    let mut command = if is_root() {
        Command::new(&program)
    } else {
        let mut sudo = Command::new("sudo");
        sudo.arg(&program);
        sudo
    };
    let error = command.arg("lab").args(options).exec();
    Err(format!("{} cannot be run: {error}; run this command as root", program.display()))
}

/// Returns the path of a release program, next to the directory of this debug program.
fn built(name: &str) -> Result<PathBuf, String> {
    let this = env::current_exe()
        .map_err(|error| format!("the path of this program is unknown: {error}"))?;
    let target = this.ancestors().nth(2).ok_or("this program is not in a target directory")?;
    Ok(target.join("release").join(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_program_lies_in_release_folder() {
        let path = built("hb").unwrap();
        assert!(path.ends_with("release/hb"), "{}", path.display());
    }
}
