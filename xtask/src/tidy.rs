//! Rules of this tree that no compiler checks. `ARCHITECTURE.md` says why they are rules.

mod layers;
mod layout;
mod lines;
mod purity;

use crate::complain;
use crate::tree::{self, File};
use std::fmt;

/// A broken rule.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Breach {
    path: String,
    /// The line, or 0 for the whole file.
    line: usize,
    what: String,
}

impl Breach {
    fn new(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, what: what.into() }
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(out, "{}: {}", self.path, self.what),
            line => write!(out, "{}:{line}: {}", self.path, self.what),
        }
    }
}

/// Prints every broken rule; fails if there is one.
pub(crate) fn run() -> Result<(), String> {
    let files = tree::files(&tree::root())?;
    for file in layout::long_files(&files) {
        complain(&format!("warning: {file}"));
    }
    let breaches = check(&files);
    for breach in &breaches {
        complain(&format!("error: {breach}"));
    }
    match breaches.len() {
        0 => Ok(()),
        1 => Err("a rule of this tree is broken in 1 place".to_owned()),
        count => Err(format!("rules of this tree are broken in {count} places")),
    }
}

fn check(files: &[File]) -> Vec<Breach> {
    let mut breaches = layout::check(files);
    breaches.extend(lines::check(files));
    breaches.extend(purity::check(files));
    breaches.extend(layers::check(files));
    breaches
}

/// Returns a file for the tests of a rule.
#[cfg(test)]
fn file(path: &str, text: &str) -> File {
    File { path: path.to_owned(), text: text.to_owned() }
}
