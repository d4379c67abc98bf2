//! Reports what is missing, and installs it on request.

use crate::complain;
use crate::needs::{Need, Source};
use std::io::{self, IsTerminal as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;

/// The caller's consent to installing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Consent {
    /// `--install`.
    Given,
    /// No option: a person at a terminal is asked.
    Asked,
}

/// Installs packages as root. The packages' own services would occupy the ports and addresses that the
/// laboratory uses, so none of them is started:
/// <https://people.debian.org/~hmh/invokerc.d-policyrc.d-specification.txt>.
const APT: &str = r#"
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    trap 'exit 1' HUP INT TERM
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
apt-get -qq install --yes --no-install-recommends "$@" >/dev/null
"#;

/// Builds cargo-nextest without its self-update, which is half of it and needs its own library for
/// encryption.
const CARGO_INSTALL: &str =
    "cargo install --locked --no-default-features --features default-no-update";

/// Removes `--install` from the options.
pub(crate) fn consent<'a>(options: &[&'a str]) -> (Consent, Vec<&'a str>) {
    let rest: Vec<&str> = options.iter().copied().filter(|word| *word != "--install").collect();
    let consent = if rest.len() < options.len() { Consent::Given } else { Consent::Asked };
    (consent, rest)
}

/// Ensures that what `command` needs is present. Without consent, missing programs are reported; then only a
/// missing program that is required is an error.
pub(crate) fn provide(command: &str, missing: &[Need], consent: Consent) -> Result<(), String> {
    if missing.is_empty() {
        return Ok(());
    }
    complain("missing:");
    for need in missing {
        let weight = if need.is_required { "" } else { " (not required)" };
        complain(&format!("  {}{weight}", need.describe()));
    }
    let orders = orders(missing);
    if consent == Consent::Given || agrees(&orders)? {
        return orders.iter().try_for_each(Order::carry_out);
    }
    if !missing.iter().any(|need| need.is_required) {
        return Ok(());
    }
    let by_hand: Vec<String> = orders.iter().map(|order| format!("  {}", order.words())).collect();
    Err(format!(
        "a required program is missing; install it with `{command} --install`, or by hand:\n{}",
        by_hand.join("\n")
    ))
}

/// Returns whether this process runs as root, which networks and packages require.
pub(crate) fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|this| this.uid() == 0)
}

/// One call of an installer.
#[derive(Debug, PartialEq, Eq)]
enum Order {
    /// apt-get, as root.
    Packages(Vec<&'static str>),
    /// rustup.
    Components(Vec<&'static str>),
    /// cargo.
    Crates(Vec<&'static str>),
}

fn orders(missing: &[Need]) -> Vec<Order> {
    let (mut packages, mut components, mut crates) = (Vec::new(), Vec::new(), Vec::new());
    for need in missing {
        match need.source {
            Source::Package(package) => packages.push(package),
            Source::Component(component) => components.push(component),
            Source::Crate(name) => crates.push(name),
        }
    }
    let orders = [Order::Packages(packages), Order::Components(components), Order::Crates(crates)];
    orders.into_iter().filter(|order| !order.names().is_empty()).collect()
}

impl Order {
    fn names(&self) -> &[&'static str] {
        match self {
            Self::Packages(names) | Self::Components(names) | Self::Crates(names) => names,
        }
    }

    /// Returns the command that a person would type.
    fn words(&self) -> String {
        let installer = match self {
            Self::Packages(_) => "apt-get install --no-install-recommends",
            Self::Components(_) => "rustup component add",
            Self::Crates(_) => CARGO_INSTALL,
        };
        format!("{installer} {}", self.names().join(" "))
    }

    fn carry_out(&self) -> Result<(), String> {
        complain(&format!("==> {}", self.words()));
        let mut command = match self {
            Self::Packages(_) => apt()?,
            Self::Components(_) => {
                let mut command = Command::new("rustup");
                command.args(["component", "add"]);
                command
            }
            Self::Crates(_) => {
                let mut words = CARGO_INSTALL.split(' ');
                let mut command = Command::new(words.next().unwrap_or_default());
                command.args(words);
                command
            }
        };
        let status = command.args(self.names()).status();
        let status = status.map_err(|error| {
            format!("{} cannot be run: {error}", command.get_program().to_string_lossy())
        })?;
        if status.success() { Ok(()) } else { Err(format!("{} failed: {status}", self.words())) }
    }
}

/// Returns a root shell that installs the packages in its arguments.
fn apt() -> Result<Command, String> {
    if !Path::new("/usr/bin/apt-get").exists() {
        return Err(
            "apt-get is not installed here; install the missing packages by hand".to_owned()
        );
    }
    let mut command = if is_root() {
        Command::new("sh")
    } else {
        let mut sudo = Command::new("sudo");
        sudo.arg("sh");
        sudo
    };
    command.args(["-euc", APT, "install"]);
    Ok(command)
}

/// Asks a person at the terminal; without a terminal the answer is no.
fn agrees(orders: &[Order]) -> Result<bool, String> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Ok(false);
    }
    for order in orders {
        complain(&format!("  {}", order.words()));
    }
    let _ = write!(io::stderr(), "Run this now? [Y/n] ");
    let mut answer = String::new();
    let read = io::stdin().read_line(&mut answer);
    let length = read.map_err(|error| format!("the answer cannot be read: {error}"))?;
    Ok(length > 0 && is_yes(&answer))
}

fn is_yes(answer: &str) -> bool {
    matches!(answer.trim().to_lowercase().as_str(), "" | "y" | "yes")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn need(source: Source, is_required: bool) -> Need {
        Need { look_for: "x", source, purpose: "is needed", is_required }
    }

    #[test]
    fn install_flag_is_taken_out_of_options_as_consent() {
        assert_eq!(consent(&["--once", "--install"]), (Consent::Given, vec!["--once"]));
        assert_eq!(consent(&["--once"]), (Consent::Asked, vec!["--once"]));
    }

    #[test]
    fn install_orders_are_one_call_per_installer() {
        let missing = [
            need(Source::Package("iproute2"), true),
            need(Source::Crate("cargo-nextest"), false),
            need(Source::Package("nftables"), true),
        ];
        let words: Vec<String> = orders(&missing).iter().map(Order::words).collect();
        let expected = [
            "apt-get install --no-install-recommends iproute2 nftables",
            "cargo install --locked --no-default-features --features default-no-update cargo-nextest",
        ];
        assert_eq!(words, expected);
    }

    #[test]
    fn missing_need_without_terminal_is_error_only_if_required() {
        // Tests run without a terminal; otherwise the test would ask a person.
        if io::stdin().is_terminal() {
            return;
        }
        let package = Source::Package("iproute2");
        assert_eq!(provide("x", &[], Consent::Asked), Ok(()));
        assert_eq!(provide("x", &[need(package, false)], Consent::Asked), Ok(()));
        let error = provide("cargo xtask lab", &[need(package, true)], Consent::Asked).unwrap_err();
        assert!(error.contains("`cargo xtask lab --install`"), "{error}");
        assert!(error.contains("apt-get install --no-install-recommends iproute2"), "{error}");
    }

    #[test]
    fn empty_answer_means_yes_and_unclear_answer_means_no() {
        assert!(["\n", "y\n", "Yes\n"].into_iter().all(is_yes));
        assert!(!["n\n", "no\n", "what?\n"].into_iter().any(is_yes));
    }
}
