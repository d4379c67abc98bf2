//! The directories of sockets: one of root, and one below it for the executor, which only root may enter.

use crate::trusted;
use std::io;
use std::path::PathBuf;
use systole_ipc::paths::Paths;
use systole_sys::identity;
use systole_sys::seqpacket::Connection;

/// Mode of the directory of sockets.
const RUNTIME_MODE: u32 = 0o750;
/// Mode of the executor's directory.
const EXECUTOR_MODE: u32 = 0o700;

/// Creates the directories, or takes over existing ones: a C heartbeat gave the first one to its own user.
/// Returns lines to be logged.
///
/// # Errors
///
/// When one of them can be neither created nor trusted; the error names it.
pub(crate) fn take(paths: &Paths) -> io::Result<Vec<String>> {
    let group = identity::group_id("haclient").ok();
    let ours = ["control.sock", "executor", "generation", "generation.new", "lock"];
    let take = |path: PathBuf, access, names: &[&str]| {
        let named = |error: io::Error| {
            io::Error::new(error.kind(), format!("cannot use {}: {error}", path.display()))
        };
        trusted::take(&path, access, names).map_err(named)
    };
    let mut told = take(paths.runtime(), (RUNTIME_MODE, group), &ours)?;
    let of_executor = ["executor.sock", "executor.json", "executor.new", "executor.runs"];
    told.extend(take(paths.executor(), (EXECUTOR_MODE, None), &of_executor)?);
    Ok(told)
}

/// Creates the directories again if they were removed.
///
/// # Errors
///
/// Those of [`take`].
pub(crate) fn restore(paths: &Paths) -> io::Result<()> {
    if paths.executor().is_dir() { Ok(()) } else { take(paths).map(drop) }
}

/// Checks whether an executor started now could have its socket and its ledger there, and whether a daemon
/// started now would find an executor that already runs.
///
/// # Errors
///
/// The reason why not.
pub(crate) fn check(paths: &Paths, has_executor: bool) -> Result<(), String> {
    let directory = paths.executor();
    rustix::fs::access(&directory, rustix::fs::Access::WRITE_OK).map_err(|error| {
        format!("{} cannot be used: {}", directory.display(), io::Error::from(error))
    })?;
    if !has_executor {
        return Ok(());
    }
    let socket = paths.executor_socket();
    let looked = std::fs::symlink_metadata(&socket).map(drop);
    looked
        .or_else(|error| Connection::connect_abstract(&socket).map(drop).map_err(|_| error))
        .map_err(|error| {
            let socket = socket.display();
            format!(
                "the executor would not be found at {socket}: {error}; stop heartbeat, and start it"
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;
    use systole_sys::seqpacket::Listener;

    fn folder() -> (tempfile::TempDir, Paths) {
        let folder = tempfile::tempdir().unwrap();
        let paths = Paths { run: folder.path().to_owned(), ..Paths::default() };
        take(&paths).unwrap();
        (folder, paths)
    }

    #[test]
    fn removed_runtime_directories_are_recreated_with_their_modes() {
        let (_folder, paths) = folder();
        fs::remove_dir_all(paths.runtime()).unwrap();
        restore(&paths).unwrap();
        let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode(paths.runtime()), RUNTIME_MODE);
        assert_eq!(mode(paths.executor()), EXECUTOR_MODE);
        fs::write(paths.executor_ledger(), "kept").unwrap();
        restore(&paths).unwrap();
        assert_eq!(fs::read_to_string(paths.executor_ledger()).unwrap(), "kept");
    }

    #[test]
    fn runtime_check_names_missing_executor_socket() {
        let (_folder, paths) = folder();
        assert_eq!(check(&paths, false), Ok(()));
        let error = check(&paths, true).unwrap_err();
        assert!(error.starts_with("the executor would not be found at "), "{error}");
        fs::write(paths.executor_socket(), "").unwrap();
        assert_eq!(check(&paths, true), Ok(()));
        fs::remove_file(paths.executor_socket()).unwrap();
        let _listener = Listener::bind_abstract(&paths.executor_socket()).unwrap();
        assert_eq!(check(&paths, true), Ok(()), "it is found without the file");
        fs::remove_dir_all(paths.executor()).unwrap();
        let error = check(&paths, true).unwrap_err();
        assert!(
            error.ends_with("executor cannot be used: No such file or directory (os error 2)"),
            "{error}"
        );
    }
}
