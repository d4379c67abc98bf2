//! Tasks of this tree: `cargo xtask tidy` checks its own rules, `cargo xtask test` checks everything, and
//! `cargo xtask lab` shows what the project is for.

mod install;
mod lab;
mod needs;
mod test;
mod tidy;
mod tree;

use std::io::{self, Write as _};
use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask COMMAND

  lab    build the programs and show two servers failing over; options as for `hb lab`
  test   check formatting, lints, rules and documentation, and run all tests
  tidy   check the rules of this tree that no compiler checks

lab and test report which programs are missing on this machine and, at a terminal, ask whether to
install them; with --install they install them without asking.
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        ["tidy"] => tidy::run(),
        ["lab", options @ ..] => lab::run(options),
        ["test", options @ ..] => test::run(options),
        _ => Err(USAGE.to_owned()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            complain(&text);
            ExitCode::FAILURE
        }
    }
}

/// Writes to standard error; if it is closed, the text has no reader and is dropped.
fn complain(text: &str) {
    let _ = writeln!(io::stderr(), "{}", text.trim_end());
}
