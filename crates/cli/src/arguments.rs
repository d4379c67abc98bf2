//! The command line.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;
use systole_core::{GroupSet, HOLD_MAX};

/// The directory of the daemon's sockets.
pub(crate) const RUN: &str = "/run";

/// Shows and moves what a heartbeat cluster runs.
#[derive(Debug, Parser)]
#[command(name = "hb", version, arg_required_else_help = true)]
pub(crate) struct Arguments {
    /// Where the daemon's sockets are.
    #[arg(long, global = true, hide = true, default_value = RUN)]
    pub(crate) run_dir: PathBuf,
    /// Where the daemon keeps what outlives it.
    #[arg(long, global = true, hide = true, default_value = systole_ipc::paths::STATE)]
    pub(crate) state_dir: PathBuf,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check ha.cf, haresources and authkeys without starting anything.
    Check {
        /// Where the three files are.
        #[arg(long, default_value = "/etc/ha.d")]
        dir: PathBuf,
        /// Exit with 1 when there are warnings.
        #[arg(long)]
        strict: bool,
    },
    /// Show nodes, links and groups, who owns them, since when and why.
    Status {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Tell why each group is where it is, from the journal of this node.
    Why(WhyOptions),
    /// Give groups to the other node, and wait until it has them.
    Standby(Which),
    /// Take groups from the other node, and wait until they run here.
    Takeover(Which),
    /// Treat a node as new that has lost its state directory, and with it its generation.
    ForgetPeer {
        /// The node, as ha.cf names it.
        node: String,
    },
    /// Retry failed groups on this node: start those whose start failed, stop those
    /// that could not be stopped.
    Retry {
        /// A group, by its first resource word or its address; every group unless given.
        group: Option<String>,
    },
    /// Restart the daemon's program, for example after an upgrade: resources keep running.
    Restart,
    /// Read ha.cf, haresources and authkeys again and take what has changed, without restarting what
    /// has not.
    Reload {
        /// Accept a haresources without groups, and stop everything.
        #[arg(long)]
        empty: bool,
    },
    /// Confirm that a silent node is dead, without a fencing device: somebody has
    /// checked that it is off.
    ConfirmDead {
        /// The node, as ha.cf names it.
        node: String,
        /// Do not ask whether it is really off.
        #[arg(long)]
        yes: bool,
    },
    /// Suspend automatic moves: no failback, no ipfail, no takeover from a dead node.
    Hold {
        /// How long, in seconds or with a unit, at most 24h.
        #[arg(long = "for", value_name = "SPAN", default_value = "1h", value_parser = span)]
        span: Duration,
        /// One group alone.
        #[arg(long, value_name = "NAME")]
        group: Option<String>,
    },
    /// End a hold.
    Release {
        /// One group that is held alone; everything that is held unless given.
        #[arg(long, value_name = "NAME")]
        group: Option<String>,
    },
    /// Show two servers failing over, in network namespaces of this machine. Needs root.
    Lab(LabOptions),
    /// A program inside the laboratory's namespaces.
    #[command(hide = true)]
    LabHelper {
        /// Its name and arguments.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
}

/// What is to be told.
#[derive(Debug, Args)]
pub(crate) struct WhyOptions {
    /// A group, by its first resource word or its address; every group unless given.
    pub(crate) group: Option<String>,
    /// So many moves of each group; 3 of one that is named, else 1.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) last: Option<u16>,
    /// Every move that the journal has.
    #[arg(long, conflicts_with = "last")]
    pub(crate) all: bool,
    /// As JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Parses the duration of a hold: a time as in ha.cf.
fn span(text: &str) -> Result<Duration, String> {
    let span = systole_config::time_span(text)
        .ok_or("expected a number of seconds, or one with `s`, `m` or `h`")?;
    if span.is_zero() || span > HOLD_MAX {
        return Err("expected more than 0 and at most 24h".to_owned());
    }
    Ok(span)
}

/// What is to move.
#[derive(Debug, Args)]
pub(crate) struct Which {
    /// Which groups.
    #[arg(value_enum, default_value_t = Set::All)]
    pub(crate) set: Set,
    /// One group alone: its first resource word, another one, or how one begins.
    #[arg(long, value_name = "NAME", conflicts_with = "set")]
    pub(crate) group: Option<String>,
}

/// Groups, seen from this node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Set {
    /// Every group.
    All,
    /// Those that prefer this node.
    Local,
    /// Those that prefer the other node.
    Foreign,
    /// Those that are not where they should be: foreign for standby, local for takeover.
    Failback,
}

impl Set {
    /// Returns the set, with `home` for groups that return to their home.
    pub(crate) const fn hold(self, home: GroupSet) -> GroupSet {
        match self {
            Self::All => GroupSet::All,
            Self::Local => GroupSet::Local,
            Self::Foreign => GroupSet::Foreign,
            Self::Failback => home,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct LabOptions {
    /// The daemon to show; `heartbeat` beside this program unless given.
    #[arg(long, value_name = "PATH", conflicts_with = "classic")]
    pub(crate) daemon: Option<PathBuf>,
    /// Show the heartbeat 3.0.6 of this machine instead.
    #[arg(long)]
    pub(crate) classic: bool,
    /// Milliseconds between two beats.
    #[arg(long, value_name = "MS", default_value_t = 200)]
    pub(crate) keepalive: u64,
    /// Milliseconds of silence after which a node is dead.
    #[arg(long, value_name = "MS", default_value_t = 650)]
    pub(crate) deadtime: u64,
    /// Leave groups where they are when their preferred node returns.
    #[arg(long)]
    pub(crate) no_failback: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;
    use systole_core::HOLD_DEFAULT;

    #[test]
    fn command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_hold_has_a_length_and_a_bound() {
        let parse = |words: &[&str]| Arguments::try_parse_from(words).map(|all| all.command);
        for (words, seconds) in [
            (&["hb", "hold"][..], 3600),
            (&["hb", "hold", "--for", "30m"], 1800),
            (&["hb", "hold", "--for", "90"], 90),
        ] {
            let Ok(Command::Hold { span, group: None }) = parse(words) else { panic!("{words:?}") };
            assert_eq!(span, Duration::from_secs(seconds));
        }
        assert_eq!(HOLD_DEFAULT, Duration::from_hours(1));
        for bad in ["0", "25h", "soon"] {
            assert!(parse(&["hb", "hold", "--for", bad]).is_err(), "{bad}");
        }
    }

    #[test]
    fn sets_are_those_of_heartbeat() {
        let parse = |words: &[&str]| Arguments::try_parse_from(words).unwrap().command;
        let all = parse(&["hb", "standby"]);
        assert!(matches!(all, Command::Standby(Which { set: Set::All, group: None })));
        let home = parse(&["hb", "takeover", "failback"]);
        assert!(matches!(home, Command::Takeover(Which { set: Set::Failback, group: None })));
        let one = parse(&["hb", "takeover", "--group", "10.0.0.9"]);
        assert!(
            matches!(one, Command::Takeover(Which { group: Some(name), .. }) if name == "10.0.0.9")
        );
        let both = ["hb", "standby", "all", "--group", "10.0.0.9"];
        assert!(Arguments::try_parse_from(both).is_err());
        assert_eq!(Set::Failback.hold(GroupSet::Local), GroupSet::Local);
        assert!(Arguments::try_parse_from(["hb", "standby", "bogus"]).is_err());
    }
}
