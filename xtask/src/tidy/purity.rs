//! Pure crates touch nothing: no clock, environment, file, socket, thread or random source.
//!
//! Clippy enforces this, with the `clippy.toml` in each of these directories. This module checks that the
//! file exists and forbids enough, and that no module is imported of which `clippy.toml` lists only some
//! functions.

use super::Breach;
use crate::tree::File;

/// The crates that are pure.
pub(super) const PURE: [&str; 5] = ["core", "wire", "config", "executor", "sim"];

/// The minimum that `clippy.toml` must forbid.
const DISALLOWED: [&str; 9] = [
    "std::time::Instant::now",
    "std::time::SystemTime::now",
    "std::env::var",
    "std::fs::File::open",
    "std::fs::read_to_string",
    "std::net::UdpSocket::bind",
    "std::thread::spawn",
    "std::process::Command::new",
    "std::collections::HashMap",
];

/// Modules of which a pure crate needs nothing. Of `std::net` it may use addresses.
const IMPORTS: [&str; 8] = [
    "std::env::",
    "std::fs::",
    "std::os::",
    "std::process::",
    "std::thread::",
    "std::time::Instant",
    "std::time::SystemTime",
    "std::net::UdpSocket",
];

/// Checks the pure crates.
pub(super) fn check(files: &[File]) -> Vec<Breach> {
    let mut breaches: Vec<_> = PURE.iter().flat_map(|name| check_lints(name, files)).collect();
    for file in files.iter().filter(|file| is_pure(file)) {
        for (number, line) in file.lines().take_while(|(_, line)| !line.contains("#[cfg(test)]")) {
            let code = line.split("//").next().unwrap_or_default();
            let found = IMPORTS.iter().filter(|import| code.contains(**import));
            breaches.extend(found.map(|import| {
                Breach::new(&file.path, number, format!("a pure crate must not use `{import}`"))
            }));
        }
    }
    breaches
}

fn is_pure(file: &File) -> bool {
    let is_ours = file.member().is_some_and(|member| PURE.contains(&member));
    is_ours && file.is_rust() && file.path.contains("/src/") && !file.is_test()
}

fn check_lints(name: &str, files: &[File]) -> Vec<Breach> {
    let path = format!("crates/{name}/clippy.toml");
    let Some(lints) = files.iter().find(|file| file.path == path) else {
        return vec![Breach::new(&path, 0, "this file is missing: every pure crate needs it")];
    };
    let missing = DISALLOWED.iter().filter(|item| !lints.text.contains(&format!("\"{item}\"")));
    missing.map(|item| Breach::new(&path, 0, format!("does not forbid `{item}`"))).collect()
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::*;

    fn lints() -> Vec<File> {
        let text = format!("{DISALLOWED:?}");
        PURE.iter().map(|name| file(&format!("crates/{name}/clippy.toml"), &text)).collect()
    }

    #[test]
    fn purity_lints_missing_or_incomplete_are_a_breach() {
        assert_eq!(check(&lints()), []);
        assert_eq!(check(&lints()[1..]).len(), 1);
        let mut weak = lints();
        weak[0].text = weak[0].text.replace("std::env::var", "");
        assert_eq!(check(&weak).len(), 1);
    }

    #[test]
    fn import_of_machine_access_in_pure_crate_is_a_breach() {
        let mut files = lints();
        let text = "use std::fs::File;\n// std::env::args\n#[cfg(test)]\nuse std::thread::spawn;\n";
        files.push(file("crates/core/src/a.rs", text));
        files.push(file("crates/core/tests/b.rs", "use std::fs::File;\n"));
        files.push(file("crates/node/src/c.rs", "use std::fs::File;\n"));
        let breaches = check(&files);
        assert_eq!(breaches.len(), 1);
        assert_eq!((breaches[0].path.as_str(), breaches[0].line), ("crates/core/src/a.rs", 1));
    }
}
