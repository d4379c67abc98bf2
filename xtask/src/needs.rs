//! What the two commands need in addition to Rust and a C compiler, and whether it is present.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The directories of root's programs; the search path of other users lacks them.
const ROOT_PLACES: [&str; 3] = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/// Something that a command needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Need {
    /// A program by its name, or a file by its path.
    pub(crate) look_for: &'static str,
    /// What provides it.
    pub(crate) source: Source,
    /// What does not work without it.
    pub(crate) purpose: &'static str,
    /// Whether the command is useless without it; otherwise a part is skipped.
    pub(crate) is_required: bool,
}

/// What provides something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// A Debian package.
    Package(&'static str),
    /// A Rust component, which rustup adds.
    Component(&'static str),
    /// A program from crates.io, which cargo builds.
    Crate(&'static str),
}

const fn required(look_for: &'static str, package: &'static str, purpose: &'static str) -> Need {
    Need { look_for, source: Source::Package(package), purpose, is_required: true }
}

const fn useful(look_for: &'static str, package: &'static str, purpose: &'static str) -> Need {
    Need { look_for, source: Source::Package(package), purpose, is_required: false }
}

/// What networks of namespaces require.
const NETWORKS: [Need; 4] = [
    required("ip", "iproute2", "makes the networks"),
    required("nft", "nftables", "cuts links"),
    required("unshare", "util-linux", "makes the machines"),
    required("mount", "mount", "gives the machines disks"),
];

const NGINX: Need =
    useful("nginx", "nginx-light", "is the service; without it, a small substitute is used");

/// What only tests need.
const TESTS: [Need; 16] = [
    required("ps", "procps", "lists processes"),
    required("ping", "iputils-ping", "checks whether an address answers"),
    required("arping", "iputils-arping", "announces addresses"),
    required("mmdebstrap", "mmdebstrap", "makes the root directory of machines with systemd"),
    required("systemd-nspawn", "systemd-container", "boots machines with systemd"),
    required(
        "/usr/share/keyrings/debian-archive-keyring.gpg",
        "debian-archive-keyring",
        "verifies the packages of that root directory",
    ),
    useful("/usr/libexec/heartbeat/heartbeat", "heartbeat", "is the other node of a mixed pair"),
    useful("/etc/protocols", "netbase", "has the names of protocols that a C heartbeat looks up"),
    useful("stonith", "cluster-glue", "drives fencing devices"),
    useful("/usr/lib/ocf/resource.d/heartbeat/Dummy", "resource-agents", "has the OCF agents"),
    useful("fence_dummy", "fence-agents", "has more fencing devices"),
    useful("ifconfig", "net-tools", "adds addresses for a C heartbeat"),
    useful("tcpdump", "tcpdump", "shows packets"),
    Need {
        look_for: "cargo-fmt",
        source: Source::Component("rustfmt"),
        purpose: "checks the formatting",
        is_required: true,
    },
    Need {
        look_for: "cargo-clippy",
        source: Source::Component("clippy"),
        purpose: "checks the code",
        is_required: true,
    },
    Need {
        look_for: "cargo-nextest",
        source: Source::Crate("cargo-nextest"),
        purpose: "runs tests in parallel; without it, cargo test is used, which is slower",
        is_required: false,
    },
];

/// Returns what the demonstration lacks.
pub(crate) fn of_lab() -> Vec<Need> {
    missing(NETWORKS.into_iter().chain([NGINX]))
}

/// Returns what the tests lack.
pub(crate) fn of_tests() -> Vec<Need> {
    missing(NETWORKS.into_iter().chain([NGINX]).chain(TESTS))
}

fn missing(needs: impl Iterator<Item = Need>) -> Vec<Need> {
    let places = places();
    needs.filter(|need| !need.is_here(&places)).collect()
}

fn places() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).chain(ROOT_PLACES.map(PathBuf::from)).collect()
}

impl Need {
    fn is_here(&self, places: &[PathBuf]) -> bool {
        match self.source {
            Source::Package(_) => {
                // An absolute path replaces the place that it is joined to.
                places.iter().any(|place| place.join(self.look_for).exists())
            }
            // rustup has a program for each component, even for those that are not installed.
            Source::Component(_) | Source::Crate(_) => answers(self.look_for),
        }
    }

    /// Returns a line for people.
    pub(crate) fn describe(&self) -> String {
        let name = Path::new(self.look_for).file_name().unwrap_or_default().to_string_lossy();
        let source = match self.source {
            Source::Package(package) => format!("package {package}"),
            Source::Component(component) => format!("Rust component {component}"),
            Source::Crate(_) => "from crates.io".to_owned(),
        };
        format!("{name} ({source}): {}", self.purpose)
    }
}

/// Returns whether a cargo command can be called.
fn answers(program: &str) -> bool {
    let mut command = Command::new("cargo");
    let word = program.strip_prefix("cargo-").unwrap_or(program);
    command.args([word, "--version"]).stdin(Stdio::null());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn program_is_found_in_search_places_and_file_by_its_path() {
        let shell = required("sh", "dash", "runs scripts");
        let file = required("/etc/passwd", "base-passwd", "names users");
        let nothing = required("/no/such/file", "none", "is not there");
        let places = [PathBuf::from("/nowhere"), PathBuf::from("/bin")];
        let found = [shell, file, nothing].map(|need| need.is_here(&places));
        assert_eq!(found, [true, true, false]);
        assert!(!shell.is_here(&places[..1]));
    }

    #[test]
    fn installed_cargo_component_answers() {
        assert!(answers("cargo-fmt"));
        assert!(!answers("cargo-systole-no-such-command"));
    }

    #[test]
    fn missing_need_is_described_with_its_package() {
        assert_eq!(NETWORKS[0].describe(), "ip (package iproute2): makes the networks");
    }
}
