//! The commands and files of the README, exactly as printed.

use std::fs;
use std::path::Path;

/// The section in which the README installs a pair.
const SECTION: &str = "\n## On two machines\n";

/// Returns the blocks of this kind (`sh`, `text`) in the README's section, in their order.
pub(crate) fn blocks(kind: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let text = fs::read_to_string(path).expect("the README is there");
    let section = text.split_once(SECTION).expect("the README has the section").1;
    let section = section.split("\n## ").next().unwrap_or_default();
    let fence = format!("\n```{kind}\n");
    let found = section.split(&fence).skip(1);
    found.map(|rest| rest.split("\n```").next().unwrap_or_default().to_owned() + "\n").collect()
}

/// Returns the commands that install what was built.
pub(crate) fn installation() -> String {
    let block = blocks("sh").into_iter().next().expect("the README installs first");
    let commands = block.strip_prefix("cargo build --release\n");
    commands.expect("the README builds first").to_owned()
}

/// Returns the commands for a running pair, without their comments.
pub(crate) fn commands() -> Vec<String> {
    let block = blocks("sh").pop().expect("the README has commands");
    block.lines().map(|line| line.split('#').next().unwrap_or_default().trim().to_owned()).collect()
}

/// Returns one of the three files, by the name in its first line.
pub(crate) fn file(name: &str) -> String {
    let mut files = blocks("text").into_iter();
    let found = files.find(|text| text.starts_with(&format!("# {name}")));
    found.unwrap_or_else(|| panic!("the README shows {name}"))
}
