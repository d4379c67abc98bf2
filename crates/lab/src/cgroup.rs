//! The control groups of a node with systemd. Unlike everything else in a lab they have a name on the host,
//! and an empty control group is not removed automatically.

use std::fs;
use std::path::{Path, PathBuf};

/// Where control groups are mounted: either only the unified hierarchy, or in addition the older one in which
/// systemd sorts processes.
const MOUNTS: [&str; 3] = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/systemd"];

/// Returns the directories of the control group `name` in all existing hierarchies.
pub(crate) fn folders(name: &str) -> Vec<PathBuf> {
    let has_groups = |mount: &&Path| mount.join("cgroup.procs").exists();
    MOUNTS.iter().map(Path::new).filter(has_groups).map(|mount| mount.join(name)).collect()
}

/// Removes the control groups whose names begin with `prefix`, with everything below them, and returns
/// whether none is left. A control group with processes stays.
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

/// Removes a control group after those below it. Its files need not be removed: they belong to the kernel.
fn remove_tree(folder: &Path) -> bool {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())) {
        remove_tree(&entry.path());
    }
    fs::remove_dir(folder).is_ok()
}
