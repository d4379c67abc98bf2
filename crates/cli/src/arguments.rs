//! The command line.

use crate::order::OrderCommand;
use clap::{Args, Parser, Subcommand};
use std::ffi::OsString;
use std::path::PathBuf;

/// The directory of the daemon's sockets.
pub(crate) const RUN: &str = "/run";

/// Show and control a heartbeat cluster.
#[derive(Debug, Parser)]
#[command(name = "hb", version, arg_required_else_help = true)]
pub(crate) struct Arguments {
    /// The directory of the daemon's sockets.
    #[arg(long, global = true, hide = true, default_value = RUN)]
    pub(crate) run_dir: PathBuf,
    /// The daemon's state directory.
    #[arg(long, global = true, hide = true, default_value = systole_ipc::paths::STATE)]
    pub(crate) state_dir: PathBuf,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check ha.cf, haresources and authkeys without starting anything.
    Check {
        /// The directory of the three files.
        #[arg(long, default_value = "/etc/ha.d")]
        dir: PathBuf,
        /// Exit with status 1 if there are warnings.
        #[arg(long)]
        strict: bool,
    },
    /// Show nodes, links and groups, who owns them, since when and why.
    Status {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Explain why each group is where it is, from the journal of this node.
    Why(WhyOptions),
    #[command(flatten)]
    Order(OrderCommand),
    /// Restart the daemon, for example after an upgrade; resources keep running.
    Restart,
    /// Read ha.cf, haresources and authkeys again and apply the changes; everything else keeps running.
    Reload {
        /// Accept a haresources file without groups, and stop everything.
        #[arg(long)]
        empty: bool,
    },
    /// Demonstrate the failover of two servers, in network namespaces of this machine; needs root.
    Lab(LabOptions),
    /// A program inside the laboratory's namespaces.
    #[command(hide = true)]
    LabHelper {
        /// Its name and arguments.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
}

/// What `hb why` prints.
#[derive(Debug, Args)]
pub(crate) struct WhyOptions {
    /// Explain only this group, named by its first resource or its address.
    pub(crate) group: Option<String>,
    /// Number of moves of each group to print; by default 3 for a named group, otherwise 1.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) last: Option<u16>,
    /// Print every move in the journal.
    #[arg(long, conflicts_with = "last")]
    pub(crate) all: bool,
    /// Print the entries of the journal as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct LabOptions {
    /// The daemon to run; by default the one in the directory of this program.
    #[arg(long, value_name = "PATH", conflicts_with = "classic")]
    pub(crate) daemon: Option<PathBuf>,
    /// Run the heartbeat 3.0.6 of this machine instead.
    #[arg(long)]
    pub(crate) classic: bool,
    /// Time between two beats, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 200)]
    pub(crate) keepalive: u64,
    /// Silence after which a node is dead, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 650)]
    pub(crate) deadtime: u64,
    /// Leave groups where they are when their home node returns.
    #[arg(long)]
    pub(crate) no_failback: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn command_line_is_consistent() {
        Arguments::command().debug_assert();
    }
}
