//! The command line.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;
use systole_core::{GroupSet, HOLD_MAX};

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
    /// Give groups to the other node, and wait until that node runs them.
    Standby(Which),
    /// Take groups from the other node, and wait until they run here.
    Takeover(Which),
    /// Treat a node as a new one because it has lost its state directory, and its generation with it.
    ForgetPeer {
        /// The node, as ha.cf names it.
        node: String,
    },
    /// Retry failed groups on this node: a group that could not be started, or whose services failed, may start
    /// here again, a group that could not be stopped is stopped again, and counted restarts are cleared.
    #[command(visible_alias = "clear")]
    Retry {
        /// Retry only this group, named by its first resource or its address.
        group: Option<String>,
    },
    /// Restart the daemon, for example after an upgrade; resources keep running.
    Restart,
    /// Read ha.cf, haresources and authkeys again and apply the changes; everything else keeps running.
    Reload {
        /// Accept a haresources file without groups, and stop everything.
        #[arg(long)]
        empty: bool,
    },
    /// Confirm that a silent node is dead, in place of a fencing device, after checking that the node is off.
    ConfirmDead {
        /// The node, as ha.cf names it.
        node: String,
        /// Do not ask whether the node is really off.
        #[arg(long)]
        yes: bool,
    },
    /// Suspend automatic moves: no failback, no ipfail, no takeover from a dead node.
    Hold {
        /// Length of the hold, in seconds or with a unit as in 30m; at most 24h.
        #[arg(long = "for", value_name = "TIME", default_value = "1h", value_parser = span)]
        span: Duration,
        /// Hold only this group.
        #[arg(long, value_name = "NAME")]
        group: Option<String>,
    },
    /// End all holds, or the hold of one group.
    Release {
        /// Release only this group, which is held separately.
        #[arg(long, value_name = "NAME")]
        group: Option<String>,
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

/// Parses the duration of a hold: a time as in ha.cf.
fn span(text: &str) -> Result<Duration, String> {
    let span = systole_config::time_span(text)
        .ok_or("expected a number of seconds, or a number with the unit `s`, `m` or `h`")?;
    if span.is_zero() || span > HOLD_MAX {
        return Err("expected more than 0 and at most 24h".to_owned());
    }
    Ok(span)
}

/// The groups to move.
#[derive(Debug, Args)]
pub(crate) struct Which {
    /// The groups to move.
    #[arg(value_enum, default_value_t = Set::All)]
    pub(crate) set: Set,
    /// Move only this group, named by its first resource, by another resource that no other group has, or by
    /// the beginning of one.
    #[arg(long, value_name = "NAME", conflicts_with = "set")]
    pub(crate) group: Option<String>,
}

/// Groups, seen from this node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Set {
    /// Every group.
    All,
    /// The groups that prefer this node.
    Local,
    /// The groups that prefer the other node.
    Foreign,
    /// The groups that are not at home: foreign for standby, local for takeover.
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
    use systole_core::HOLD_DEFAULT;

    #[test]
    fn command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn hold_length_defaults_to_one_hour_and_invalid_lengths_are_refused() {
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
    fn hand_over_order_accepts_set_or_group_and_refuses_both() {
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
