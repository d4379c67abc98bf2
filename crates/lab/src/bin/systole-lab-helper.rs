//! The programs that run inside the lab's namespaces, for tests without an `hb` executable.

use std::process::ExitCode;

fn main() -> ExitCode {
    systole_lab::helper_main(std::env::args_os().skip(1))
}
