//! Directories whose contents root may trust, because they belong to root and no other user can write
//! there.
//!
//! A C heartbeat leaves directories that belong to its own user. They are taken over, and files that
//! another user may have put there under this program's names are removed: not followed, not read. A daemon
//! without root's rights trusts its own user in the same way.

use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, Uid};
use rustix::io::Errno;
use std::fs::DirBuilder;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

/// Write permission for group and others.
const WRITABLE: u32 = 0o022;

/// Creates a directory of root, or turns an existing one into that, and removes untrusted files with these
/// names. Returns lines to be logged. A new directory gets the mode and the group.
///
/// # Errors
///
/// When the path is not a directory, is a symbolic link, or cannot be taken over.
pub(crate) fn take(
    path: &Path,
    (mode, group): (u32, Option<u32>),
    names: &[&str],
) -> io::Result<Vec<String>> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    let is_new = match DirBuilder::new().mode(mode).create(path) {
        Ok(()) => true,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
        Err(error) => return Err(error),
    };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let directory = rustix::fs::open(path, flags, Mode::empty())?;
    let mut told = Vec::new();
    if is_new {
        if let Some(group) = group {
            // Without root's rights the group stays this process's own.
            let _ = rustix::fs::fchown(&directory, None, Some(Gid::from_raw(group)));
        }
        rustix::fs::fchmod(&directory, Mode::from_raw_mode(mode))?;
    } else {
        told.extend(take_over(path, &directory)?);
    }
    for name in names {
        let Some(why) = suspicion(&directory, name)? else { continue };
        remove(path, &directory, name)?;
        told.push(format!("Removed {}: {why}.", path.join(name).display()));
    }
    Ok(told)
}

/// Changes an existing directory so that no other user can write to it.
fn take_over(path: &Path, directory: &OwnedFd) -> io::Result<Option<String>> {
    let before = rustix::fs::fstat(directory)?;
    let mode = before.st_mode & 0o7777;
    if is_trusted(before.st_uid) && mode & WRITABLE == 0 {
        return Ok(None);
    }
    let own = rustix::process::geteuid();
    rustix::fs::fchown(directory, Some(own), None)?;
    rustix::fs::fchmod(directory, Mode::from_raw_mode(mode & !WRITABLE))?;
    let text = format!(
        "Took over {}: it belonged to user {} with mode {mode:o}, who could have put there what root \
         follows.",
        path.display(),
        before.st_uid,
    );
    Ok(Some(text))
}

/// Returns why the file there is not trusted, or `None` if it is or there is no file.
fn suspicion(directory: &OwnedFd, name: &str) -> io::Result<Option<String>> {
    let found = match rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(found) => found,
        Err(Errno::NOENT) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    // Root's files of any other type cause an error where they are used, and are left for root to deal
    // with.
    let is_file = FileType::from_raw_mode(found.st_mode) == FileType::RegularFile;
    Ok(if !is_trusted(found.st_uid) {
        Some(format!("it belongs to user {}", found.st_uid))
    } else if is_file && found.st_nlink > 1 {
        Some("it has another name elsewhere".to_owned())
    } else if is_file && found.st_mode & WRITABLE != 0 {
        Some("others can write to it".to_owned())
    } else {
        None
    })
}

/// Removes the file, whatever it is.
fn remove(path: &Path, directory: &OwnedFd, name: &str) -> io::Result<()> {
    match rustix::fs::unlinkat(directory, name, AtFlags::empty()) {
        Err(Errno::ISDIR | Errno::PERM) => {}
        result => return Ok(result?),
    }
    // Follows no symbolic link, even if the files change meanwhile.
    std::fs::remove_dir_all(path.join(name))
}

/// Whether a user's files may be trusted: root's, and those of this process's user.
fn is_trusted(user: u32) -> bool {
    Uid::from_raw(user).is_root() || user == rustix::process::geteuid().as_raw()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
    use std::process::Command;

    /// An arbitrary user.
    const MALLORY: u32 = 12_345;

    const NAMES: [&str; 4] = ["hb_generation", "journal.jsonl", "control.sock", "executor"];

    /// A directory of that user, prepared by a script that runs as that user. `None` without root's rights.
    fn of_mallory(script: &str) -> Option<(tempfile::TempDir, std::path::PathBuf)> {
        if !rustix::process::geteuid().is_root() {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(folder.path().join("victim"), "untouched").unwrap();
        let path = folder.path().join("heartbeat");
        fs::create_dir(&path).unwrap();
        chown(&path, Some(MALLORY), None).unwrap();
        let mut shell = Command::new("setpriv");
        shell.args(["--reuid", "12345", "--regid", "12345", "--clear-groups", "sh", "-ec", script]);
        assert!(shell.current_dir(&path).status().unwrap().success());
        Some((folder, path))
    }

    #[test]
    fn directory_of_another_user_is_taken_over_and_reserved_names_removed() {
        let script = "ln -s ../victim hb_generation; echo lies >journal.jsonl; mkdir -p executor/a/b; \
                      ln -s ../../victim executor/a/link; mkfifo control.sock; echo mine >other";
        let Some((folder, path)) = of_mallory(script) else { return };
        let told = take(&path, (0o750, None), &NAMES).unwrap();
        let data = fs::metadata(&path).unwrap();
        assert_eq!((data.uid(), data.mode() & 0o022), (0, 0));
        assert_eq!(told.len(), 5, "{told:#?}");
        assert!(told[0].contains("it belonged to user 12345"), "{told:#?}");
        for name in NAMES {
            assert!(!path.join(name).is_symlink() && !path.join(name).exists(), "{name}");
        }
        assert_eq!(fs::read_to_string(path.join("other")).unwrap(), "mine\n", "no name of ours");
        let victim = fs::read_to_string(folder.path().join("victim")).unwrap();
        assert_eq!(victim, "untouched");
        assert!(take(&path, (0o750, None), &NAMES).unwrap().is_empty(), "told once");
    }

    #[test]
    fn file_of_root_in_taken_directory_is_kept_unless_hard_linked() {
        let Some((_folder, path)) = of_mallory("true") else { return };
        fs::write(path.join("hb_generation"), "7").unwrap();
        fs::write(path.join("journal.jsonl"), "{}").unwrap();
        fs::hard_link(path.join("journal.jsonl"), path.join("copy")).unwrap();
        let told = take(&path, (0o750, None), &NAMES).unwrap();
        assert_eq!(told.len(), 2, "{told:#?}");
        assert!(told[1].contains("another name"), "{told:#?}");
        assert_eq!(fs::read_to_string(path.join("hb_generation")).unwrap(), "7");
        assert!(!path.join("journal.jsonl").exists());
    }

    #[test]
    fn link_or_file_in_place_of_directory_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("elsewhere")).unwrap();
        symlink("elsewhere", folder.path().join("heartbeat")).unwrap();
        assert!(take(&folder.path().join("heartbeat"), (0o750, None), &NAMES).is_err());
        fs::write(folder.path().join("file"), "").unwrap();
        assert!(take(&folder.path().join("file"), (0o750, None), &NAMES).is_err());
    }

    #[test]
    fn new_directory_has_requested_mode() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("made/here");
        assert!(take(&path, (0o700, None), &NAMES).unwrap().is_empty());
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o700);
        fs::create_dir(path.join("journal.jsonl")).unwrap();
        assert!(take(&path, (0o700, None), &NAMES).unwrap().is_empty(), "it is root's own");
    }
}
