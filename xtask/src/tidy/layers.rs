//! Which crate may depend on which, and why each foreign crate is used.

use super::Breach;
use super::purity::PURE;
use crate::tree::File;

/// Each crate, and the crates of this project that it may use.
const LAYERS: [(&str, &[&str]); 12] = [
    ("core", &[]),
    ("wire", &["core"]),
    ("config", &["core"]),
    ("sys", &[]),
    ("executor", &["core"]),
    ("agents", &["core", "executor", "sys"]),
    ("ipc", &["core", "sys"]),
    ("facts", &["agents", "config", "core", "sys"]),
    ("node", &["agents", "config", "core", "facts", "ipc", "sys", "wire"]),
    ("cli", &["config", "core", "facts", "ipc", "lab", "sys"]),
    ("sim", &["core", "executor", "wire"]),
    ("lab", &["core", "sys", "wire"]),
];

/// Foreign crates through which a pure crate could reach the machine.
const IMPURE: [&str; 7] =
    ["jiff", "libc", "netlink-sys", "rustix", "sd-notify", "socket2", "tempfile"];

/// The file in which every foreign crate has a line.
const REASONS: &str = "docs/dependencies.md";

/// A line of a `[dependencies]` table.
#[derive(Debug, PartialEq, Eq)]
struct Dependency<'a> {
    line: usize,
    name: &'a str,
    is_for_tests: bool,
}

/// Checks the manifests.
pub(super) fn check(files: &[File]) -> Vec<Breach> {
    let reasons = files.iter().find(|file| file.path == REASONS).map_or("", |file| &file.text);
    let manifests = files.iter().filter(|file| file.path.ends_with("/Cargo.toml"));
    manifests.flat_map(|manifest| check_manifest(manifest, reasons)).collect()
}

fn check_manifest(manifest: &File, reasons: &str) -> Vec<Breach> {
    let mut breaches = Vec::new();
    let layer = manifest.member().map(|name| (name, allowed(name)));
    if let Some((_, None)) = layer {
        breaches.push(Breach::new(&manifest.path, 0, "a new crate needs an entry in LAYERS"));
    }
    for dependency in dependencies(&manifest.text) {
        let mut tell =
            |what: String| breaches.push(Breach::new(&manifest.path, dependency.line, what));
        let name = dependency.name;
        if let Some(ours) = name.strip_prefix("systole-") {
            if let Some((member, Some(allowed))) = layer
                && !allowed.contains(&ours)
            {
                tell(format!("{member} may not use {ours}"));
            }
            continue;
        }
        if let Some((member, _)) = layer
            && PURE.contains(&member)
            && IMPURE.contains(&name)
            && !dependency.is_for_tests
        {
            tell(format!("{member} is pure and may not use {name}"));
        }
        if !reasons.contains(&format!("| `{name}` |")) {
            tell(format!("{name} has no line in {REASONS}"));
        }
    }
    breaches
}

fn allowed(name: &str) -> Option<&'static [&'static str]> {
    LAYERS.iter().find(|(layer, _)| *layer == name).map(|(_, allowed)| *allowed)
}

/// Returns the entries of all tables of dependencies, in the only form that this tree uses: one line each.
fn dependencies(manifest: &str) -> Vec<Dependency<'_>> {
    let (mut found, mut table) = (Vec::new(), None);
    for (index, line) in manifest.lines().enumerate() {
        let line = line.trim();
        if let Some(header) = line.strip_prefix('[') {
            let header = header.trim_end_matches(']');
            table = header.ends_with("dependencies").then(|| header.contains("dev-"));
        } else if let Some(is_for_tests) = table
            && !line.starts_with('#')
            && let Some((name, _)) = line.split_once(['.', '=', ' '])
        {
            found.push(Dependency { line: index + 1, name, is_for_tests });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::file;
    use super::*;

    const MANIFEST: &str = "\
[package]
name = \"systole-core\"

[dependencies]
# A comment = nothing.
serde.workspace = true
hmac = { workspace = true }

[dev-dependencies]
rustix.workspace = true
";

    fn breaches(path: &str, manifest: &str) -> Vec<Breach> {
        let reasons = "| `serde` | a |\n| `hmac` | b |\n| `rustix` | c |\n";
        check(&[file(path, manifest), file(REASONS, reasons)])
    }

    #[test]
    fn dependency_tables_of_manifest_are_read() {
        let found = dependencies(MANIFEST);
        let names: Vec<_> = found.iter().map(|dependency| dependency.name).collect();
        assert_eq!(names, ["serde", "hmac", "rustix"]);
        assert_eq!(found[2], Dependency { line: 10, name: "rustix", is_for_tests: true });
    }

    #[test]
    fn dependency_on_higher_layer_is_a_breach() {
        assert_eq!(breaches("crates/core/Cargo.toml", MANIFEST), []);
        let upwards = "[dependencies]\nsystole-node.workspace = true\n";
        assert_eq!(breaches("crates/core/Cargo.toml", upwards).len(), 1);
        assert_eq!(
            breaches("crates/cli/Cargo.toml", upwards).len(),
            1,
            "hb does not link the daemon"
        );
        let downwards = "[dependencies]\nsystole-ipc.workspace = true\n";
        assert_eq!(breaches("crates/cli/Cargo.toml", downwards), []);
        assert_eq!(breaches("crates/new/Cargo.toml", "").len(), 1);
    }

    #[test]
    fn pure_crate_with_access_to_machine_is_a_breach() {
        let door = "[dependencies]\nrustix.workspace = true\n";
        assert_eq!(breaches("crates/wire/Cargo.toml", door).len(), 1);
        assert_eq!(breaches("crates/sys/Cargo.toml", door), []);
    }

    #[test]
    fn foreign_crate_without_reason_is_a_breach() {
        let unknown = "[dependencies]\nleft-pad.workspace = true\n";
        let breaches = breaches("crates/sys/Cargo.toml", unknown);
        assert_eq!(breaches.len(), 1);
        assert_eq!(breaches[0].line, 2);
    }
}
