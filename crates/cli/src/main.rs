//! The `hb` command: queries the daemon and gives it orders, checks its files, shows the laboratory.

mod arguments;
mod check;
mod compatible;
mod confirm;
mod daemon;
mod exit;
mod hold;
mod lab;
mod order;
mod reload;
mod restart;
mod show;
mod status;
mod why;

use arguments::{Arguments, Command};
use clap::Parser as _;
use std::env;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut words = env::args_os();
    if let Some(program) = words.next()
        && let Some(command) = compatible::Command::of(&program)
    {
        let call = compatible::Call::new(&program, words);
        return command.run(&call, Path::new(arguments::RUN)).into();
    }
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version also come here, and go to standard output.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { exit::USAGE } else { exit::OK });
        }
    };
    let code = match arguments.command {
        Command::Check { dir, strict } => check::run(&dir, strict),
        Command::Status { json } => status::run(&arguments.run_dir, json),
        Command::Why(which) => why::run(&arguments.run_dir, &arguments.state_dir, &which),
        Command::Order(order) => order.run(&arguments.run_dir),
        Command::Restart => restart::run(&arguments.run_dir),
        Command::Reload { empty } => reload::run(&arguments.run_dir, empty),
        Command::Lab(options) => lab::run(&options),
        Command::LabHelper { arguments } => return lab::help(arguments),
    };
    ExitCode::from(code)
}

/// Writes to standard output. If that is closed, there is no reader left.
fn print(text: &str) {
    let _ = io::stdout().write_all(text.as_bytes());
}

/// Writes an error to standard error.
fn complain(text: &str) {
    complain_plainly(&format!("hb: {text}"));
}

/// Writes to standard error without the name of this program.
fn complain_plainly(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}
