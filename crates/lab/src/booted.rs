//! A node that boots its own Debian: systemd as the first process, in a container within the node's
//! namespaces.
//!
//! ```text
//!   unshare ── lab's init ── (holds network, mounts, processes)
//!                  └ systemd-nspawn ── systemd ── everything else
//! ```
//!
//! The power of the node is that of the outer machine: when the machine ends, the kernel ends everything in
//! it. A shutdown by systemd ends only the container.

use crate::namespace::{Machine, only_child};
use crate::{Daemon, Helper, LabError, System, cgroup, tool};
use rustix::process::Pid;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

/// The capabilities of the container beyond those that systemd-nspawn grants, as far as the daemon needs
/// them.
const CAPABILITIES: &str = "CAP_NET_ADMIN,CAP_NET_RAW,CAP_SYS_NICE,CAP_IPC_LOCK";
/// Where the node finds the lab's own program, and the tree that is tested.
const HELPER: &str = "/opt/systole-lab/helper";
/// The tree as it is after `cargo build --release`, for the commands of the README.
pub(crate) const TREE: &str = "/usr/src/systole";

/// Runs in the node's namespaces before the lab's init. systemd-nspawn keeps files below `/run`.
const SETUP: &str = "\
hostname \"$0\"
ip link set lo up
mount -t tmpfs -o mode=755 tmpfs /run
mount -t overlay -o 'lowerdir=%IMAGE%,upperdir=%DISK%/upper,workdir=%DISK%/work' overlay '%DISK%/root'
exec %INIT%
";

/// Becomes systemd-nspawn in its own control groups; `$@` lists their directories up to `--`.
const ENTER: &str = "\
while [ \"$1\" != -- ]; do
    mkdir -p \"$1\"
    echo $$ >\"$1/cgroup.procs\"
    shift
done
shift
exec systemd-nspawn \"$@\"
";

/// Answers the client's probes, as on every node.
const ECHO_UNIT: &str = "\
[Unit]
Description=Answers the probes of the lab's client
DefaultDependencies=no
[Service]
ExecStart=%HELPER% echo %ADDRESS%
";

/// The layers of a node's disk.
pub(crate) const FOLDERS: [&str; 3] = ["upper", "work", "root"];

/// Returns the script that starts the outer machine of a node with this disk.
pub(crate) fn setup(disk: &Path, image: &Path, helper: &Helper) -> String {
    let program = helper.program().to_string_lossy();
    let init =
        helper.shell_words("init").replacen(crate::helper::INSIDE, &format!("'{program}'"), 1);
    SETUP
        .replace("%INIT%", &init)
        .replace("%IMAGE%", &image.to_string_lossy())
        .replace("%DISK%", &disk.to_string_lossy())
}

/// Returns the unit that the lab adds to a node: path, text.
pub(crate) fn unit(address: &str) -> (&'static str, String) {
    let unit = ECHO_UNIT.replace("%HELPER%", HELPER).replace("%ADDRESS%", address);
    ("etc/systemd/system/systole-lab-echo.service", unit)
}

/// The directory in which a link to the unit starts it at boot.
pub(crate) const WANTS: &str = "etc/systemd/system/sysinit.target.wants";

/// A container in which systemd runs.
#[derive(Debug)]
pub(crate) struct Container {
    /// `nsenter`, whose child is systemd-nspawn.
    keeper: Child,
    /// The name of its control groups.
    group: String,
    console: PathBuf,
}

impl Container {
    /// Begins to boot a container in the machine from the machine's disk.
    pub(crate) fn boot(machine: &Machine, name: &str, parts: &Parts<'_>) -> Result<Self, LabError> {
        let disk = parts.disk;
        let console = disk.join("console");
        let failed = || LabError::io(format!("booting {name}"));
        let words = File::options().append(true).create(true).open(&console).map_err(failed())?;
        let scratch = disk.parent().and_then(Path::file_name).unwrap_or_default();
        let group = format!("{}.{name}", scratch.to_string_lossy());
        let mut command = machine.outer_command("sh");
        command.args(["-ec", ENTER, "sh"]).args(cgroup::folders(&group)).arg("--");
        command.args(parts.nspawn(name));
        let keeper = command
            .stdin(Stdio::null())
            .stdout(words.try_clone().map_err(failed())?)
            .stderr(words)
            .spawn()
            .map_err(|error| tool::spawn_failed("nsenter", error))?;
        Ok(Self { keeper, group, console })
    }

    /// Returns the pid of systemd, as the host sees it; absent before systemd was executed, and after a
    /// shutdown.
    pub(crate) fn init(&self) -> Option<Pid> {
        let raw = |pid: Pid| pid.as_raw_nonzero().get();
        let nspawn = only_child(self.keeper.id())?;
        let init = only_child(raw(nspawn).unsigned_abs())?;
        let status = fs::read_to_string(format!("/proc/{}/status", raw(init))).ok()?;
        let pids = status.lines().find_map(|line| line.strip_prefix("NSpid:"))?;
        let is_first = pids.split_whitespace().next_back() == Some("1");
        let is_systemd = status.starts_with("Name:\tsystemd\n");
        (is_first && is_systemd).then_some(init)
    }

    /// Returns whether systemd-nspawn has ended, as it does after a shutdown and for a reboot.
    pub(crate) fn has_ended(&mut self) -> bool {
        matches!(self.keeper.try_wait(), Ok(Some(_)))
    }

    /// Returns what the container wrote to its console.
    pub(crate) fn console(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.console).unwrap_or_default()).into_owned()
    }
}

impl Drop for Container {
    /// The machine has ended, and all its processes with it.
    fn drop(&mut self) {
        let _ = self.keeper.kill();
        let _ = self.keeper.wait();
        cgroup::remove(&self.group);
    }
}

/// The parts from which a container is made.
pub(crate) struct Parts<'a> {
    /// The directory of the node's disk.
    pub disk: &'a Path,
    /// The system that boots.
    pub system: &'a System,
    /// The daemon whose programs are shown as those of the tree.
    pub daemon: &'a Daemon,
    /// The lab's own program.
    pub helper: &'a Helper,
}

impl Parts<'_> {
    /// Returns the arguments of systemd-nspawn.
    fn nspawn(&self, name: &str) -> Vec<String> {
        let mut words = ARGUMENTS.map(str::to_owned).to_vec();
        words.push(format!("--capability={CAPABILITIES}"));
        words.push(format!("--machine={name}"));
        words.push(format!("--directory={}", self.disk.join("root").display()));
        let mut show = |from: &Path, to: &str| {
            words.push(format!("--bind-ro={}:{to}", from.display()));
        };
        show(self.helper.program(), HELPER);
        for folder in ["pkg", "docs"] {
            show(&self.system.tree.join(folder), &format!("{TREE}/{folder}"));
        }
        if let Some(folder) = self.daemon.folder() {
            show(folder, &format!("{TREE}/target/release"));
        }
        words
    }
}

/// The arguments that are the same for every container.
const ARGUMENTS: [&str; 9] = [
    "--quiet",
    "--boot",
    "--register=no",
    "--keep-unit",
    "--network-namespace-path=/proc/1/ns/net",
    "--resolv-conf=off",
    "--timezone=off",
    "--link-journal=no",
    "--console=pipe",
];
