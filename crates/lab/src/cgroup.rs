//! The control groups in which the processes of a node with systemd live. Unlike all else of a
//! lab they have a name on the host, and an empty one does not go by itself.

use std::fs;
use std::path::{Path, PathBuf};

/// Where control groups are mounted: the unified hierarchy alone, or beside it the older one in which
/// systemd sorts processes.
const MOUNTS: [&str; 3] = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/systemd"];

/// The folders of the control group `name` in all hierarchies that there are.
pub(crate) fn folders(name: &str) -> Vec<PathBuf> {
    let has_groups = |mount: &&Path| mount.join("cgroup.procs").exists();
    MOUNTS.iter().map(Path::new).filter(has_groups).map(|mount| mount.join(name)).collect()
}

/// Removes the control groups whose names begin so, with all below them, and says whether none is
/// left. One with processes stays.
pub(crate) fn remove(prefix: &str) -> bool {
    let mut gone = true;
    for mount in MOUNTS {
        let entries = fs::read_dir(mount).into_iter().flatten().flatten();
        for entry in entries {
            if entry.file_name().to_string_lossy().starts_with(prefix) {
                gone &= remove_tree(&entry.path());
            }
        }
    }
    gone
}

/// Removes a control group after those below it. Its files are no obstacle: the kernel made them.
fn remove_tree(folder: &Path) -> bool {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
        remove_tree(&entry.path());
    }
    fs::remove_dir(folder).is_ok()
}
