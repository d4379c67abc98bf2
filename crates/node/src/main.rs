//! The heartbeat daemon.

use std::process::ExitCode;

fn main() -> ExitCode {
    systole_node::daemon::main(std::env::args_os().skip(1))
}
