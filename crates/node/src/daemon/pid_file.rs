//! Whether the process that the pid file names is a daemon.
//!
//! The file survives a daemon that was killed, and its process number is given to other processes. C tools
//! write and read only a number there, and the C daemon does not lock the file. So the program that the
//! process executes decides.

use crate::program;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};
use systole_ipc::paths::Paths;
use systole_sys::daemonize::{self, Running};
use systole_sys::process::ProcessId;

/// The name of the program, which is the same for this daemon and the C daemon.
const PROGRAM: &[u8] = b"heartbeat";
/// How long a process that was killed may take to close its sockets.
const END_LIMIT: Duration = Duration::from_secs(2);
/// Time between two checks whether the process is gone.
const END_STEP: Duration = Duration::from_millis(5);

/// The pid file of this process. A daemon works without it, but other processes do not find it then.
#[derive(Debug)]
pub(crate) struct PidFile {
    path: PathBuf,
    is_written: bool,
}

impl PidFile {
    /// Creates a pid file that is not written yet.
    pub(super) fn new(paths: &Paths) -> Self {
        Self { path: paths.pid_file(), is_written: false }
    }

    /// Writes the file, unless it was written before and still exists, or has named this process since its
    /// predecessor. Without it a second daemon would not find the first one.
    ///
    /// # Errors
    ///
    /// When it cannot be written. The call can be repeated.
    pub(crate) fn tend(&mut self) -> io::Result<()> {
        let is_lacking = !self.is_written || self.path.symlink_metadata().is_err();
        if is_lacking
            && !matches!(daemonize::running(&self.path), Ok(Running::Yes(pid)) if pid == own())
        {
            daemonize::write_pid_file(&self.path, std::process::id()).map_err(|error| {
                io::Error::new(error.kind(), format!("{}: {error}", self.path.display()))
            })?;
        }
        self.is_written = true;
        Ok(())
    }
}

/// Removes the file if it names this process. Heartbeat leaves no file behind, so that `-s` returns 1 after
/// every clean stop. The file of another daemon stays.
pub(super) fn remove(paths: &Paths) {
    if names_us(paths).unwrap_or(false) {
        let _ = fs::remove_file(paths.pid_file());
    }
}

/// Returns whether another process is the daemon. A killed process that was not reaped yet does not count.
pub(super) fn running(paths: &Paths) -> io::Result<Running> {
    let running = daemonize::running(&paths.pid_file())?;
    Ok(match running {
        Running::Yes(pid) if !is_another_daemon(pid) => Running::Stale(pid),
        Running::Yes(_) | Running::Stale(_) | Running::No => running,
    })
}

/// Returns whether the file names this process: then this process replaced a daemon that executed it.
pub(super) fn names_us(paths: &Paths) -> io::Result<bool> {
    Ok(daemonize::running(&paths.pid_file())? == Running::Yes(own()))
}

/// Waits a moment until a killed daemon is gone. It has its sockets until its last moment.
pub(super) fn await_end(pid: i32) {
    let Some(process) = ProcessId::of(pid) else { return };
    let is_ending = || fs::read_link(format!("/proc/{pid}/exe")).is_err();
    let limit = Instant::now() + END_LIMIT;
    while is_ending() && process.is_running() && Instant::now() < limit {
        sleep(END_STEP);
    }
}

fn own() -> i32 {
    std::process::id().cast_signed()
}

fn is_another_daemon(pid: i32) -> bool {
    pid != own() && ProcessId::of(pid).is_some_and(ProcessId::is_running) && is_daemon(pid)
}

fn is_daemon(pid: i32) -> bool {
    let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words: Vec<_> = words.split(|byte| *byte == 0).collect();
    if words.contains(&b"--role".as_slice()) {
        return false;
    }
    match fs::read_link(format!("/proc/{pid}/exe")) {
        Ok(file) => has_its_name(&file) || program::is_of(pid).unwrap_or(false),
        // This user may not see it, e.g. an ordinary user who asks for the status. The title that a process
        // gives itself is good enough for a user who can do it no harm.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            // The C daemon's title is `heartbeat: master control process`.
            let title = words[0].split(|byte| *byte == b':').next().unwrap_or_default();
            has_its_name(Path::new(OsStr::from_bytes(title)))
        }
        Err(_) => false,
    }
}

/// Whether a file is the program, or was before an upgrade: then its name has a suffix, or it is deleted.
fn has_its_name(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().as_bytes();
    let rest = name.strip_prefix(PROGRAM);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b".") || rest.starts_with(b" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Child, Command, Stdio};

    /// Runs `sleep` from a file of this name with this title, and kills it.
    fn with(name: &str, title: &str, look: impl FnOnce(i32, &Path)) {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join(name);
        fs::copy("/bin/sleep", &file).unwrap();
        let mut child = start(&file, title);
        look(child.id().cast_signed(), &file);
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn removed_pid_file_is_rewritten_and_pid_file_of_other_daemon_stays() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("heartbeat.pid");
        let mut file = PidFile { path: path.clone(), is_written: false };
        for _ in 0..2 {
            file.tend().unwrap();
            let text = fs::read_to_string(&path).unwrap();
            assert_eq!(text.trim(), std::process::id().to_string());
            fs::remove_file(&path).unwrap();
        }
        file.tend().unwrap();
        fs::write(&path, "1\n").unwrap();
        file.tend().unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "1\n", "that of another daemon stays");
    }

    fn start(file: &Path, title: &str) -> Child {
        use std::os::unix::process::CommandExt as _;
        let mut command = Command::new(file);
        command.arg0(title).arg("60").stdin(Stdio::null());
        loop {
            match command.spawn() {
                // Another test forked while the copy was open for writing.
                Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy => sleep(END_STEP),
                result => return result.unwrap(),
            }
        }
    }

    #[test]
    fn daemon_is_recognised_by_its_program_not_by_its_title() {
        for title in ["heartbeat", "heartbeat: master control process", "anything"] {
            with("heartbeat", title, |pid, _| assert!(is_another_daemon(pid), "{title}"));
            with("sleep", title, |pid, _| assert!(!is_another_daemon(pid), "{title}"));
        }
        assert!(!is_another_daemon(own()), "this process is no other one");
    }

    #[test]
    fn daemon_is_recognised_after_upgrade() {
        with("heartbeat", "heartbeat", |pid, file| {
            fs::rename(file, file.with_extension("dpkg-tmp")).unwrap();
            assert!(is_another_daemon(pid));
            fs::remove_file(file.with_extension("dpkg-tmp")).unwrap();
            assert!(is_another_daemon(pid));
        });
    }

    #[test]
    fn program_name_only_similar_to_heartbeat_is_not_the_daemon() {
        for name in ["heartbeat-monitor", "heartbeats", "hb", "my-heartbeat"] {
            assert!(!has_its_name(Path::new(name)), "{name}");
        }
        for name in ["/usr/lib/heartbeat/heartbeat", "heartbeat (deleted)", "heartbeat.old"] {
            assert!(has_its_name(Path::new(name)), "{name}");
        }
    }

    #[test]
    fn pid_file_naming_stranger_or_own_process_is_stale() {
        let run = tempfile::tempdir().unwrap();
        let paths = Paths { run: run.path().to_owned(), ..Paths::default() };
        with("sleep", "heartbeat", |pid, _| {
            daemonize::write_pid_file(&paths.pid_file(), pid.cast_unsigned()).unwrap();
            assert_eq!(running(&paths).unwrap(), Running::Stale(pid));
        });
        daemonize::write_pid_file(&paths.pid_file(), std::process::id()).unwrap();
        assert_eq!(running(&paths).unwrap(), Running::Stale(own()));
        assert!(names_us(&paths).unwrap());
    }

    #[test]
    fn pid_file_naming_own_process_needs_no_room_and_foreign_file_stays() {
        let run = tempfile::tempdir().unwrap();
        let paths = Paths { run: run.path().to_owned(), ..Paths::default() };
        let obstacle = run.path().join("heartbeat.pid.new");
        fs::create_dir(&obstacle).unwrap();
        let mut file = PidFile::new(&paths);
        let text = file.tend().unwrap_err().to_string();
        assert!(text.contains("heartbeat.pid: "), "{text}");
        fs::remove_dir(&obstacle).unwrap();
        file.tend().unwrap();
        assert!(names_us(&paths).unwrap());
        fs::create_dir(&obstacle).unwrap();
        PidFile::new(&paths).tend().unwrap();
        remove(&paths);
        assert!(!paths.pid_file().exists());
        fs::write(paths.pid_file(), "         1\n").unwrap();
        remove(&paths);
        assert!(paths.pid_file().exists(), "init is not us");
    }
}
