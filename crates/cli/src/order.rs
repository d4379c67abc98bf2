//! The orders to the cluster: their arguments, what each does, and their words.

use crate::daemon::{ask_daemon, refuse};
use crate::{confirm, exit, hold, print};
use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand, ValueEnum};
use std::path::Path;
use std::time::Duration;
use systole_core::{GroupSet, HOLD_MAX};
use systole_ipc::order::{DaemonOrder, JournalOrder, Order};
use systole_ipc::protocol::Response;

#[derive(Debug, Subcommand)]
pub(crate) enum OrderCommand {
    /// Give groups to the other node, and wait until that node runs them.
    Standby(Which),
    /// Take groups from the other node, and wait until they run here.
    Takeover(Which),
    /// Treat a node as a new one because it has lost its state directory, and its generation with it.
    ForgetPeer {
        /// The node, as ha.cf names it.
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        node: String,
    },
    /// Retry failed groups on this node: a group that could not be started, or whose services failed, may start
    /// here again, a group that could not be stopped is stopped again, and counted restarts are cleared.
    #[command(visible_alias = "clear")]
    Retry {
        /// Retry only this group, named by its first resource or its address.
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        group: Option<String>,
    },
    /// Confirm that a silent node is dead, in place of a fencing device, after checking that the node is off.
    ConfirmDead {
        /// The node, as ha.cf names it.
        #[arg(value_parser = NonEmptyStringValueParser::new())]
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
        #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
        group: Option<String>,
    },
    /// End all holds, or the hold of one group.
    Release {
        /// Release only this group, which is held separately.
        #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
        group: Option<String>,
    },
}

impl OrderCommand {
    /// Gives the order to the daemon, and returns the exit code.
    pub(crate) fn run(self, run: &Path) -> u8 {
        let order = match self {
            Self::Standby(Which { group: Some(group), .. }) => Order::StandbyGroup(group),
            Self::Standby(Which { set, .. }) => Order::Standby(set.hold(GroupSet::Foreign)),
            Self::Takeover(Which { group: Some(group), .. }) => Order::TakeoverGroup(group),
            Self::Takeover(Which { set, .. }) => Order::Takeover(set.hold(GroupSet::Local)),
            Self::ForgetPeer { node } => Order::ForgetPeer(node.to_ascii_lowercase()),
            Self::Retry { group } => Order::Retry(group),
            Self::ConfirmDead { node, yes } => return confirm::run(run, &node, yes),
            Self::Hold { span, group } => return hold::run(run, group, span),
            Self::Release { group } => Order::Release(group),
        };
        give(run, order)
    }
}

/// Gives an order to the daemon, waits until it is carried out, and returns the exit code.
pub(crate) fn give(run: &Path, order: Order) -> u8 {
    match ask_daemon(run, &order.into()) {
        Ok(Response::Done) => {
            print("done\n");
            exit::OK
        }
        Ok(other) => refuse(&other),
        Err(code) => code,
    }
}

/// Returns an order in words.
pub(crate) fn words(order: &JournalOrder) -> String {
    let order = match order {
        JournalOrder::Cluster(order) => order,
        JournalOrder::Daemon(DaemonOrder::Stop) => return "stop".to_owned(),
        JournalOrder::Daemon(DaemonOrder::Restart) => return "restart the daemon".to_owned(),
        JournalOrder::Daemon(DaemonOrder::Reload) => return "read the files again".to_owned(),
    };
    let or_all = |group: &Option<String>| group.as_deref().unwrap_or("everything").to_owned();
    match order {
        Order::Standby(set) => format!("standby [{set}]"),
        Order::Takeover(set) => format!("takeover [{set}]"),
        Order::StandbyGroup(group) => format!("standby of group {group}"),
        Order::TakeoverGroup(group) => format!("takeover of group {group}"),
        Order::ForgetPeer(node) => format!("forget the generation of {node}"),
        Order::ConfirmDead(node) => format!("confirm that {node} is dead"),
        Order::Hold(group, milliseconds) => {
            format!("hold {} for {} s", or_all(group), milliseconds / 1000)
        }
        Order::Release(group) => format!("release {}", or_all(group)),
        Order::Retry(None) => "retry failed groups".to_owned(),
        Order::Retry(Some(group)) => format!("retry {group}"),
    }
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
    #[arg(long, value_name = "NAME", conflicts_with = "set", value_parser = NonEmptyStringValueParser::new())]
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::{Arguments, Command};
    use clap::Parser as _;
    use systole_core::HOLD_DEFAULT;

    fn parse(words: &[&str]) -> Result<OrderCommand, clap::Error> {
        let command = Arguments::try_parse_from(words)?.command;
        let Command::Order(order) = command else { panic!("{words:?} is no order") };
        Ok(order)
    }

    #[test]
    fn hold_length_defaults_to_one_hour_and_invalid_lengths_are_refused() {
        for (words, seconds) in [
            (&["hb", "hold"][..], 3600),
            (&["hb", "hold", "--for", "30m"], 1800),
            (&["hb", "hold", "--for", "90"], 90),
        ] {
            let Ok(OrderCommand::Hold { span, group: None }) = parse(words) else {
                panic!("{words:?}")
            };
            assert_eq!(span, Duration::from_secs(seconds));
        }
        assert_eq!(HOLD_DEFAULT, Duration::from_hours(1));
        for bad in ["0", "25h", "soon"] {
            assert!(parse(&["hb", "hold", "--for", bad]).is_err(), "{bad}");
        }
    }

    #[test]
    fn hand_over_order_accepts_set_or_group_and_refuses_both() {
        let all = parse(&["hb", "standby"]).unwrap();
        assert!(matches!(all, OrderCommand::Standby(Which { set: Set::All, group: None })));
        let home = parse(&["hb", "takeover", "failback"]).unwrap();
        assert!(matches!(home, OrderCommand::Takeover(Which { set: Set::Failback, group: None })));
        let one = parse(&["hb", "takeover", "--group", "10.0.0.9"]).unwrap();
        assert!(
            matches!(one, OrderCommand::Takeover(Which { group: Some(name), .. }) if name == "10.0.0.9")
        );
        let both = ["hb", "standby", "all", "--group", "10.0.0.9"];
        assert!(parse(&both).is_err());
        assert_eq!(Set::Failback.hold(GroupSet::Local), GroupSet::Local);
        assert!(parse(&["hb", "standby", "bogus"]).is_err());
        for empty in [&["hb", "standby", "--group", ""][..], &["hb", "retry", ""]] {
            assert!(parse(empty).is_err(), "{empty:?}: an unset variable of a script");
        }
    }
}
