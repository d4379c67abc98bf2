//! Restarting the machine: the only place in the code that does so.
//!
//! ```text
//!                        SYSTOLE_LAB_POWER set?
//!                        no │             │ yes
//!                           ▼             ▼
//!                sync, reboot(2)     reason → that file
//!                                         │
//!                          a laboratory of ours? (see `is_laboratory`)
//!                                 yes │        │ no
//!                                     ▼        ▼
//!                    kill all of the pid      an error:
//!                    namespace, then us       nothing happens
//! ```
//!
//! A process with that variable in its environment never restarts a machine, whatever goes wrong.

use rustix::process::{Pid, Signal};
use rustix::system::RebootCommand;
use std::convert::Infallible;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

/// The variable that names the file or fifo to which the reason of a restart is written instead of
/// restarting.
pub const LAB_POWER: &str = "SYSTOLE_LAB_POWER";

/// The entry in the environment that marks the first process of a laboratory's machine.
pub const LAB_MARK: &str = "SYSTOLE_LAB=1";

/// The number of the first pid namespace of any Linux (`PROC_PID_INIT_INO`, `linux/proc_ns.h`).
const FIRST_NAMESPACE: &str = "pid:[4026531836]";

/// How long to wait for files to be written back: disks that do not answer must not delay the restart.
const SYNC_PATIENCE: Duration = Duration::from_millis(500);

/// Restarts the machine at once. Services are not stopped; files are written back for half a second at most.
///
/// # Errors
///
/// `EPERM` without `CAP_SYS_BOOT`. In a process of the laboratory: when the reason cannot be written, or the
/// process is not inside a laboratory. In these cases the machine keeps running.
pub fn reboot(reason: &str) -> io::Result<Infallible> {
    match std::env::var_os(LAB_POWER) {
        Some(path) => laboratory_reboot(Path::new(&path), reason),
        None => machine_reboot(),
    }
}

fn machine_reboot() -> io::Result<Infallible> {
    let (done, wait) = std::sync::mpsc::channel();
    let writer = std::thread::Builder::new().spawn(move || {
        rustix::fs::sync();
        // If it took too long, nothing waits for this any longer.
        let _ = done.send(());
    });
    if writer.is_ok() {
        let _ = wait.recv_timeout(SYNC_PATIENCE);
    }
    rustix::system::reboot(RebootCommand::Restart)?;
    Err(io::ErrorKind::Unsupported.into())
}

fn laboratory_reboot(path: &Path, reason: &str) -> io::Result<Infallible> {
    let mut file = fs::File::options().append(true).create(true).open(path)?;
    writeln!(file, "{reason}")?;
    if !is_laboratory()? {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    // SAFETY: sends a signal to every process of the namespace except this process and the first one. It was
    // checked just above that this is not the machine's own namespace.
    unsafe { libc::kill(-1, libc::SIGKILL) };
    rustix::process::kill_process(rustix::process::getpid(), Signal::KILL)?;
    Err(io::ErrorKind::Unsupported.into())
}

/// Returns whether every process that a `kill(-1)` would hit belongs to a laboratory.
///
/// All of these must hold: `/proc` shows the pid namespace of this process; this is not the machine's first
/// one; the first process of `/proc` is in the same namespace, is not this process, and carries [`LAB_MARK`].
fn is_laboratory() -> io::Result<bool> {
    let own = fs::read_link("/proc/self/ns/pid")?;
    let first = fs::read_link("/proc/1/ns/pid")?;
    let pid = fs::read_link("/proc/self")?;
    let shows_us = pid.to_str().and_then(|pid| pid.parse().ok()) == Some(std::process::id());
    let environment = fs::read("/proc/1/environ")?;
    Ok(shows_us
        && own == first
        && own.as_os_str() != OsStr::new(FIRST_NAMESPACE)
        && rustix::process::getpid() != Pid::INIT
        && environment.split(|&byte| byte == 0).any(|entry| entry == LAB_MARK.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    /// The variable that tells the test that it runs inside the namespace.
    const INSIDE: &str = "SYSTOLE_TEST_INSIDE";

    #[test]
    fn laboratory_reboot_outside_a_laboratory_only_writes_the_reason() {
        // Access to the first process may be allowed or denied here; it never carries the mark.
        assert!(!is_laboratory().unwrap_or(false));
        let path = std::env::temp_dir().join(format!("systole-power-{}", std::process::id()));
        let error = laboratory_reboot(&path, "because").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
        assert_eq!(fs::read_to_string(&path).unwrap(), "because\n");
        fs::remove_file(&path).unwrap();
    }

    /// Runs itself again as a process of a pid namespace whose first process is a shell.
    #[test]
    fn laboratory_reboot_inside_a_laboratory_kills_every_process() {
        let name = "power::tests::laboratory_reboot_inside_a_laboratory_kills_every_process";
        if std::env::var_os(INSIDE).is_some() {
            // The process must never reach the real restart, even if the variable got lost.
            let path = std::env::var_os(LAB_POWER).expect("set by the test outside");
            let result = laboratory_reboot(Path::new(&path), "because");
            unreachable!("survived its own end: {result:?}");
        }
        let path = std::env::temp_dir().join(format!("systole-lab-power-{}", std::process::id()));
        let script = format!(
            "sleep 1000 & other=$!; '{}' --exact {name} --nocapture >/dev/null 2>&1; \
             echo daemon $?; wait $other; echo other $?",
            std::env::current_exe().unwrap().display(),
        );
        let output = Command::new("unshare")
            .args(["--pid", "--fork", "--kill-child", "--mount", "--mount-proc"])
            .args(["sh", "-c", &script])
            .env("SYSTOLE_LAB", "1")
            .env(LAB_POWER, &path)
            .env(INSIDE, "1")
            .output()
            .unwrap();
        let ends = String::from_utf8(output.stdout).unwrap();
        // 137 is 128 and the number of SIGKILL.
        assert_eq!(ends, "daemon 137\nother 137\n");
        assert_eq!(fs::read_to_string(&path).unwrap(), "because\n");
        fs::remove_file(&path).unwrap();
    }
}
