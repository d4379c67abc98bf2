//! Which files exist, how they begin and how long they are.

use super::Breach;
use crate::tree::File;

/// A longer file may read better in parts.
const LINES_MAX: usize = 400;

/// Files that a new contributor looks for.
const EXPECTED: [&str; 11] = [
    ".ci/run",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "SECURITY.md",
    "deny.toml",
    "docs/dependencies.md",
    "docs/differences.md",
];

/// Checks which files exist and how they begin.
pub(super) fn check(files: &[File]) -> Vec<Breach> {
    let missing = EXPECTED.iter().filter(|path| files.iter().all(|file| file.path != **path));
    let mut breaches: Vec<_> =
        missing.map(|path| Breach::new(path, 0, "this file is missing")).collect();
    for file in files.iter().filter(|file| file.is_rust()) {
        if file.path.ends_with("/mod.rs") {
            breaches.push(Breach::new(
                &file.path,
                0,
                "a module file must be `name.rs`, not `name/mod.rs`",
            ));
        }
        let is_root = ["src/lib.rs", "src/main.rs"].iter().any(|end| file.path.ends_with(end));
        if is_root && !file.text.starts_with("//!") {
            breaches.push(Breach::new(&file.path, 1, "a crate must say in `//!` what it is for"));
        }
    }
    breaches
}

/// Returns files that are longer than they should be. This is not a broken rule: some things are long.
pub(super) fn long_files(files: &[File]) -> Vec<String> {
    let rust = files.iter().filter(|file| file.is_rust());
    let counted = rust.map(|file| (&file.path, file.lines().count()));
    let long = counted.filter(|(_, count)| *count > LINES_MAX);
    long.map(|(path, count)| format!("{path} has {count} lines, more than {LINES_MAX}")).collect()
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::*;

    #[test]
    fn missing_document_is_a_breach() {
        let found: Vec<_> = EXPECTED.iter().skip(1).map(|path| file(path, "")).collect();
        let breaches = check(&found);
        assert_eq!(breaches.len(), 1);
        assert_eq!(breaches[0].path, EXPECTED[0]);
    }

    #[test]
    fn mod_rs_file_and_undocumented_crate_root_are_breaches() {
        let mut found: Vec<_> = EXPECTED.iter().map(|path| file(path, "")).collect();
        found.push(file("crates/core/src/lib.rs", "//! Decisions.\n"));
        found.push(file("crates/core/src/peer.rs", "struct Peer;\n"));
        assert_eq!(check(&found), []);
        found.push(file("crates/wire/src/lib.rs", "mod words;\n"));
        found.push(file("crates/wire/src/words/mod.rs", ""));
        assert_eq!(check(&found).len(), 2);
    }

    #[test]
    fn file_over_line_limit_is_listed() {
        let long = file("crates/core/src/a.rs", &"\n".repeat(LINES_MAX + 1));
        let short = file("crates/core/src/b.rs", &"\n".repeat(LINES_MAX));
        assert_eq!(long_files(&[long, short]).len(), 1);
    }
}
