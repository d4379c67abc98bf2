//! The program that this process executes, and the file that an upgrade has put in its place.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The suffix that the kernel appends to the path of a program whose file is gone (proc(5)).
const DELETED: &[u8] = b" (deleted)";
/// Time within which a program must print its version.
const VERSION_LIMIT: Duration = Duration::from_secs(5);
/// Time between two checks whether the program has ended.
const VERSION_STEP: Duration = Duration::from_millis(5);

/// Returns the path of the program that this process executes, or of the file that replaced it.
///
/// # Errors
///
/// When `/proc` is not available.
pub(crate) fn path() -> io::Result<PathBuf> {
    let link = fs::read_link("/proc/self/exe")?;
    Ok(as_written(&link))
}

fn as_written(link: &Path) -> PathBuf {
    let bytes = link.as_os_str().as_bytes();
    PathBuf::from(OsStr::from_bytes(bytes.strip_suffix(DELETED).unwrap_or(bytes)))
}

/// Returns whether another process executes the same file as this process.
///
/// # Errors
///
/// When the process is gone.
pub(crate) fn is_of(pid: i32) -> io::Result<bool> {
    let file = |link: String| fs::metadata(link).map(|data| (data.dev(), data.ino()));
    Ok(file(format!("/proc/{pid}/exe"))? == file("/proc/self/exe".to_owned())?)
}

/// Checks by its first bytes that a file is a program or a script. Any other file, such as the empty file
/// of an upgrade in progress, is not refused by execvp(3): a shell is executed in its place.
///
/// # Errors
///
/// When it is neither, or cannot be read.
pub(crate) fn check_format(program: &Path) -> io::Result<()> {
    let mut bytes = [0; 4];
    let begin = fs::File::open(program)?.read_at(&mut bytes, 0)?;
    let is_sound = bytes[..begin] == *b"\x7fELF" || bytes.starts_with(b"#!");
    if is_sound { Ok(()) } else { Err(io::Error::other("it is not a program")) }
}

/// Checks that a program can be executed and is a version of this program: it prints a version.
///
/// # Errors
///
/// Says what is wrong with it.
pub(crate) fn check(program: &Path) -> Result<(), String> {
    let failed = |why: String| Err(format!("{}: {why}", program.display()));
    if let Err(error) = check_format(program) {
        return failed(error.to_string());
    }
    let mut command = Command::new(program);
    command.arg("-V").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return failed(error.to_string()),
    };
    let limit = Instant::now() + VERSION_LIMIT;
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => return failed(format!("it does not report its version: {status}")),
            Ok(None) if Instant::now() < limit => sleep(VERSION_STEP),
            Ok(None) => {
                // Nothing else can be done about a program that does not end.
                let _ = child.kill();
                let _ = child.wait();
                return failed("it does not report its version in time".to_owned());
            }
            Err(error) => return failed(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn program_path_drops_deleted_mark_of_replaced_file() {
        let plain = Path::new("/usr/libexec/heartbeat/heartbeat");
        assert_eq!(as_written(plain), plain);
        assert_eq!(as_written(Path::new("/usr/libexec/heartbeat/heartbeat (deleted)")), plain);
        assert!(path().unwrap().is_file());
    }

    #[test]
    fn process_is_recognised_by_its_program_file() {
        let me = i32::try_from(std::process::id()).unwrap();
        assert!(is_of(me).unwrap());
        let mut other = Command::new("sleep").arg("60").spawn().unwrap();
        assert!(!is_of(i32::try_from(other.id()).unwrap()).unwrap());
        other.kill().unwrap();
        other.wait().unwrap();
    }

    #[test]
    fn program_not_executable_is_reported_with_cause() {
        assert_eq!(check(Path::new("/bin/true")), Ok(()));
        let missing = check(Path::new("/nonexistent/heartbeat")).unwrap_err();
        assert!(missing.starts_with("/nonexistent/heartbeat: No such file"), "{missing}");
        let failing = check(Path::new("/bin/false")).unwrap_err();
        assert!(failing.contains("it does not report its version: exit status: 1"), "{failing}");
        assert!(check(Path::new("/etc/passwd")).is_err());
        let folder = tempfile::tempdir().unwrap();
        let empty = folder.path().join("heartbeat");
        fs::write(&empty, "").unwrap();
        fs::set_permissions(&empty, fs::Permissions::from_mode(0o755)).unwrap();
        let empty = check(&empty).unwrap_err();
        assert!(empty.ends_with("/heartbeat: it is not a program"), "{empty}");
    }
}
