//! A machine of the lab: one init process in its own namespaces.

use crate::booted::Container;
use crate::{LabError, tool};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _, Seek as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Set for every process of a machine, so that what would end a real machine ends only this one.
const LAB_MARK: (&str, &str) = ("SYSTOLE_LAB", "1");
/// The file on the node's disk to which a daemon that restarts its machine writes the reason; all processes
/// of the machine then end.
const LAB_POWER: (&str, &str) = ("SYSTOLE_LAB_POWER", "/var/log/power");
/// Where programs are found inside a machine, the tested daemon's own programs first.
const PATH: &str =
    "/run/systole-lab/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The result of a command inside a machine.
#[derive(Debug, Clone)]
pub struct Output {
    /// The exit code; absent when a signal ended the command.
    pub code: Option<i32>,
    /// What it wrote to its standard output.
    pub stdout: String,
    /// What it wrote to its standard error.
    pub stderr: String,
}

impl Output {
    /// Returns whether the command ended with exit code 0.
    #[must_use]
    pub fn success(&self) -> bool {
        self.code == Some(0)
    }

    /// Returns an error if a command that the lab itself needs failed.
    pub(crate) fn expect(&self, command: &str) -> Result<(), LabError> {
        if self.success() {
            return Ok(());
        }
        let output = self.stderr.trim().to_owned();
        Err(LabError::ToolFailed { command: command.to_owned(), output })
    }
}

/// The namespaces of one machine. They end when this is dropped, or when the lab ends.
#[derive(Debug)]
pub(crate) struct Machine {
    /// `unshare`, which waits for the init process; its input is the pipe that keeps init alive.
    keeper: Child,
    init: Pid,
    handle: OwnedFd,
    /// Present where the node boots its own system; the processes of the node run in there.
    container: Option<Container>,
}

impl Machine {
    /// Makes the namespaces and runs `setup` in them, a shell script that ends by executing the lab's init
    /// program. The machine's host name is `name`; the standard error of the set-up goes into a file of
    /// `folder`.
    ///
    /// # Errors
    ///
    /// When the namespaces cannot be made, or the script does not reach its end.
    pub(crate) fn start(name: &str, setup: &str, folder: &Path) -> Result<Self, LabError> {
        let words = folder.join(format!("{name}.setup"));
        let failed = || LabError::io(format!("making the machine {name}"));
        let mut keeper = tool::command("unshare")
            .args(["--net", "--pid", "--uts", "--mount", "--ipc", "--fork", "--kill-child=SIGKILL"])
            .args(["--mount-proc", "sh", "-ec", setup, name])
            .env(LAB_MARK.0, LAB_MARK.1)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(&words).map_err(failed())?)
            .spawn()
            .map_err(|error| tool::spawn_failed("unshare", error))?;
        let mut line = String::new();
        if let Some(stdout) = keeper.stdout.take() {
            BufReader::new(stdout).read_line(&mut line).map_err(failed())?;
        }
        let init = (line.trim() == "ready").then(|| only_child(keeper.id())).flatten();
        let Some(init) = init else {
            let _ = keeper.kill();
            let _ = keeper.wait();
            let output = fs::read_to_string(&words).unwrap_or_default();
            return Err(LabError::Namespaces { name: name.to_owned(), output });
        };
        let handle =
            pidfd_open(init, PidfdFlags::empty()).map_err(|error| failed()(error.into()))?;
        Ok(Self { keeper, init, handle, container: None })
    }

    /// Puts a container into the machine; the container ends with the machine.
    pub(crate) fn hold(&mut self, container: Container) {
        self.container = Some(container);
    }

    /// Returns the container in the machine.
    pub(crate) fn container(&self) -> Option<&Container> {
        self.container.as_ref()
    }

    /// Returns whether the machine's container has ended.
    pub(crate) fn has_shut_down(&mut self) -> bool {
        self.container.as_mut().is_none_or(Container::has_ended)
    }

    /// Returns the first process of the system in the machine: that of its container, if it has one.
    fn first(&self) -> Pid {
        self.container.as_ref().and_then(Container::init).unwrap_or(self.init)
    }

    /// Returns the pid of the init process, as the host sees it.
    pub(crate) fn pid(&self) -> String {
        self.first().as_raw_nonzero().to_string()
    }

    /// Ends every process of the machine at once, without a clean shutdown, and waits until they are gone.
    pub(crate) fn kill(&mut self) {
        drop(self.keeper.stdin.take());
        // The process may have ended on its own.
        let _ = pidfd_send_signal(&self.handle, Signal::KILL);
        let _ = self.keeper.wait();
        self.container = None;
    }

    /// Returns a command that runs `program` inside the machine, but outside its container.
    pub(crate) fn outer_command(&self, program: &str) -> Command {
        let mut command = tool::command("nsenter");
        let pid = self.init.as_raw_nonzero().to_string();
        command.args(["--target", &pid, "--all", program]);
        command
    }

    /// Returns a command that runs `program` inside the machine.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = tool::command("nsenter");
        // A process that enters the mounts of a machine starts in their root. A named working directory would
        // be the host's.
        command.args(["--target", &self.pid(), "--all", program]);
        command
            .env(LAB_MARK.0, LAB_MARK.1)
            .env(LAB_POWER.0, LAB_POWER.1)
            .env("HOME", "/root")
            .env("PATH", PATH);
        command.stdin(Stdio::null());
        command
    }

    /// Starts a command inside the machine.
    ///
    /// Output goes through files, not pipes: a daemon that the command leaves behind with an open output does
    /// not block the caller.
    ///
    /// # Errors
    ///
    /// When the command cannot be started.
    pub(crate) fn start_command(&self, words: &[&str]) -> Result<Call, LabError> {
        let what = format!("running `{}`", words.join(" "));
        let failed = || LabError::io(what.clone());
        let (program, arguments) = words.split_first().unwrap_or((&"true", &[]));
        let stdout = tempfile::tempfile().map_err(failed())?;
        let stderr = tempfile::tempfile().map_err(failed())?;
        let child = self
            .command(program)
            .args(arguments)
            .stdout(stdout.try_clone().map_err(failed())?)
            .stderr(stderr.try_clone().map_err(failed())?)
            .spawn()
            .map_err(|error| tool::spawn_failed("nsenter", error))?;
        Ok(Call { what, child, stdout, stderr })
    }

    /// Runs a command inside the machine and waits for its end.
    ///
    /// # Errors
    ///
    /// When the command cannot be started; the failure of the command itself is in the [`Output`].
    pub(crate) fn run(&self, words: &[&str]) -> Result<Output, LabError> {
        self.start_command(words)?.finish()
    }

    /// Runs `ip` with a batch of its commands in the machine's network, but with the host's view of files and
    /// processes.
    ///
    /// # Errors
    ///
    /// When `ip` is missing or refuses a command.
    pub(crate) fn ip(&self, batch: &str) -> Result<(), LabError> {
        let pid = self.pid();
        tool::feed("nsenter", &["--target", &pid, "--net", "ip", "-batch", "-"], batch)?;
        Ok(())
    }

    /// Returns whether an interface of the machine is up and carries packets.
    ///
    /// The kernel brings the interface up some time after the order, up to a second when it has many to
    /// handle, and drops packets sent before.
    pub(crate) fn is_up(&self, interface: &str) -> bool {
        let pid = self.pid();
        let words = ["--target", &pid, "--net", "ip", "-br", "link", "show", "dev", interface];
        let output = tool::succeed("nsenter", &words).map(|output| output.stdout);
        let text = String::from_utf8(output.unwrap_or_default()).unwrap_or_default();
        text.split_whitespace().nth(1) == Some("UP")
    }

    /// Returns the path of the machine's network namespace.
    pub(crate) fn network(&self) -> PathBuf {
        PathBuf::from(format!("/proc/{}/ns/net", self.pid()))
    }

    /// Returns the pids, as the host sees them, of all processes of the machine except its init.
    pub(crate) fn processes(&self) -> Vec<Pid> {
        let first = self.first();
        let Ok(own) = fs::read_link(format!("/proc/{}/ns/pid", first.as_raw_nonzero())) else {
            return Vec::new();
        };
        host_pids()
            .filter(|pid| *pid != first)
            .filter(|pid| {
                let path = format!("/proc/{}/ns/pid", pid.as_raw_nonzero());
                fs::read_link(path).is_ok_and(|namespace| namespace == own)
            })
            .collect()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A command that runs inside a machine.
#[derive(Debug)]
pub(crate) struct Call {
    what: String,
    child: Child,
    stdout: File,
    stderr: File,
}

impl Call {
    /// Waits for the command's end.
    ///
    /// # Errors
    ///
    /// When the system does not report how the command ended.
    pub(crate) fn finish(mut self) -> Result<Output, LabError> {
        let failed = || LabError::io(self.what.clone());
        let status = self.child.wait().map_err(failed())?;
        Ok(Output {
            code: status.code(),
            stdout: text_of(&mut self.stdout).map_err(failed())?,
            stderr: text_of(&mut self.stderr).map_err(failed())?,
        })
    }
}

/// Moves the calling thread into the network namespace at this path.
///
/// # Errors
///
/// When the namespace is gone, or the caller is not root.
pub(crate) fn enter_network(path: &Path) -> Result<(), LabError> {
    let failed = || LabError::io(format!("entering {}", path.display()));
    let namespace = File::open(path).map_err(failed())?;
    move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))
        .map_err(|error| failed()(error.into()))
}

/// Returns all processes of the host.
fn host_pids() -> impl Iterator<Item = Pid> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| Pid::from_raw(entry.file_name().to_str()?.parse().ok()?))
}

/// Returns the process that this process has forked.
pub(crate) fn only_child(parent: u32) -> Option<Pid> {
    let parent = parent.to_string();
    host_pids().find(|pid| {
        let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
        // `pid (name) state ppid …`, where the name may contain anything.
        let stat = stat.unwrap_or_default();
        let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
        fields.split_whitespace().nth(1) == Some(&parent)
    })
}

/// Returns everything that was written to a file.
fn text_of(file: &mut File) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
