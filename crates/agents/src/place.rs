//! Restores directories of this program that were removed while it runs.

use rustix::fs::{Mode, OFlags, fstat, mkdirat, open, openat};
use rustix::io::Errno;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

/// Write permission for group and others.
const WRITABLE: u32 = 0o022;
/// Opens a directory that is not a symbolic link.
const FLAGS: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Creates a directory again, for the current user only. Its parent must exist: the daemon creates the
/// parent, with the group that may enter it.
///
/// # Errors
///
/// When the parent is gone too, when another user can write to one of the two, or when something else is in
/// the directory's place. Symbolic links are not followed for either.
pub(crate) fn restore(directory: &Path) -> io::Result<()> {
    let (Some(parent), Some(name)) = (directory.parent(), directory.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let parent = open_own(parent)?;
    match mkdirat(&parent, name, Mode::RWXU) {
        Err(Errno::EXIST) => {}
        made => made?,
    }
    trust(&openat(&parent, name, FLAGS, Mode::empty())?)
}

/// Opens a directory that no other user can write to. The last component of its path must not be a symbolic
/// link.
///
/// # Errors
///
/// When the directory does not exist, or another user can write to it.
pub(crate) fn open_own(directory: &Path) -> io::Result<OwnedFd> {
    let directory = open(directory, FLAGS, Mode::empty())?;
    trust(&directory)?;
    Ok(directory)
}

/// Checks that only root and the current user can write to a directory.
fn trust(directory: &OwnedFd) -> io::Result<()> {
    let found = fstat(directory)?;
    let is_ours = found.st_uid == 0 || found.st_uid == rustix::process::geteuid().as_raw();
    if is_ours && found.st_mode & WRITABLE == 0 {
        return Ok(());
    }
    let text = format!("user {} or others can write there", found.st_uid);
    Err(io::Error::new(io::ErrorKind::PermissionDenied, text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, chown, symlink};

    #[test]
    fn directory_is_restored_only_where_no_other_user_can_write() {
        let folder = tempfile::tempdir().unwrap();
        let parent = folder.path().join("executor");
        let place = parent.join("records");
        assert_eq!(restore(&place).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(!parent.exists(), "that is for the daemon");
        fs::create_dir(&parent).unwrap();
        restore(&place).unwrap();
        assert_eq!(fs::metadata(&place).unwrap().permissions().mode() & 0o7777, 0o700);
        restore(&place).unwrap();
        for open in [&place, &parent] {
            fs::set_permissions(open, fs::Permissions::from_mode(0o770)).unwrap();
            assert_eq!(restore(&place).unwrap_err().kind(), io::ErrorKind::PermissionDenied);
            fs::set_permissions(open, fs::Permissions::from_mode(0o700)).unwrap();
        }
        if rustix::process::geteuid().is_root() {
            chown(&place, Some(12_345), None).unwrap();
            assert_eq!(restore(&place).unwrap_err().kind(), io::ErrorKind::PermissionDenied);
        }
    }

    #[test]
    fn symlink_in_place_of_a_directory_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (elsewhere, place) = (folder.path().join("elsewhere"), folder.path().join("records"));
        fs::create_dir(&elsewhere).unwrap();
        symlink(&elsewhere, &place).unwrap();
        assert!(restore(&place).is_err());
        assert!(restore(&place.join("records")).is_err());
        assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
    }
}
