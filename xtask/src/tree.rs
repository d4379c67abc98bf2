//! The files of this tree.

use std::fs;
use std::path::{Path, PathBuf};

/// Directories without files of this project.
const SKIPPED: [&str; 5] = [".git", "target", "corpus", "artifacts", "vectors"];

/// A text file of the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct File {
    /// Its path below the root, with `/`.
    pub(crate) path: String,
    /// Its content.
    pub(crate) text: String,
}

impl File {
    /// Returns the crate's directory below `crates/`, if the file is in one.
    pub(crate) fn member(&self) -> Option<&str> {
        self.path.strip_prefix("crates/")?.split('/').next()
    }

    /// Returns whether it is a Rust file.
    pub(crate) fn is_rust(&self) -> bool {
        Path::new(&self.path).extension().is_some_and(|extension| extension == "rs")
    }

    /// Returns whether it contains only tests and what they need.
    pub(crate) fn is_test(&self) -> bool {
        let path = &self.path;
        ["/tests/", "/tests.rs", "/testing.rs"].iter().any(|part| path.contains(part))
    }

    /// Returns its lines, numbered from 1.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }
}

/// Returns the root of the workspace.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// Returns all text files below `root`, sorted by path.
pub(crate) fn files(root: &Path) -> Result<Vec<File>, String> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let failed = |error| format!("{}: {error}", folder.display());
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let kind = entry.file_type().map_err(failed)?;
            let name = entry.file_name();
            // In a second worktree `.git` is a file.
            if SKIPPED.iter().any(|skipped| name == *skipped) {
                continue;
            }
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                found.extend(read(root, &entry.path()));
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

/// Reads a file; returns `None` if it is not text or vanished meanwhile.
fn read(root: &Path, path: &Path) -> Option<File> {
    let text = fs::read_to_string(path).ok()?;
    let path = path.strip_prefix(root).ok()?.to_str()?.to_owned();
    Some(File { path, text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tree_listing_skips_build_products() {
        let files = files(&root()).unwrap();
        assert!(files.iter().any(|file| file.path == "xtask/src/tree.rs"));
        assert!(!files.iter().any(|file| file.path.starts_with("target/")));
    }

    #[test]
    fn file_path_tells_crate_and_test_status() {
        let file = File { path: "crates/core/src/time.rs".to_owned(), text: String::new() };
        assert_eq!(file.member(), Some("core"));
        assert!(file.is_rust() && !file.is_test());
        let file = File { path: "xtask/src/tests.rs".to_owned(), text: String::new() };
        assert_eq!(file.member(), None);
        assert!(file.is_test());
    }
}
