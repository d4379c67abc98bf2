//! Services that the machine itself starts when it boots.

use std::fs;
use std::path::{Path, PathBuf};

/// The directories of systemd units that an administrator or a package may enable.
const UNITS: [&str; 3] = ["etc/systemd/system", "run/systemd/system", "lib/systemd/system"];
/// The runlevels in which services run (init(8)).
const RUNLEVELS: std::ops::RangeInclusive<u8> = 2..=5;

/// Returns the link that starts a service at boot: that of an enabled systemd unit, or of an init script where
/// no unit of the same name takes precedence. `root` is the root directory of the machine.
pub(crate) fn enabled_at_boot(root: &Path, service: &str) -> Option<PathBuf> {
    let name = service.strip_suffix(".service").unwrap_or(service);
    if name.contains('/') {
        return None;
    }
    let unit = format!("{name}.service");
    if let Some(link) = UNITS.iter().find_map(|place| wanted(&root.join(place), &unit)) {
        return Some(link);
    }
    let runs_systemd = root.join("run/systemd/system").is_dir();
    let has_unit = UNITS.iter().any(|place| root.join(place).join(&unit).exists());
    if runs_systemd && has_unit {
        return None;
    }
    RUNLEVELS.into_iter().find_map(|level| started(&root.join(format!("etc/rc{level}.d")), name))
}

/// Returns the link to a unit in a directory of units that another unit pulls in.
fn wanted(units: &Path, unit: &str) -> Option<PathBuf> {
    let pulls_in = |directory: &PathBuf| {
        let extension = directory.extension().unwrap_or_default();
        extension == "wants" || extension == "requires"
    };
    let directories = paths_in(units).filter(pulls_in);
    directories.map(|directory| directory.join(unit)).find(|link| link.is_symlink())
}

/// Returns the link that starts an init script in a runlevel: `S`, two digits, and the name.
fn started(runlevel: &Path, name: &str) -> Option<PathBuf> {
    paths_in(runlevel).find(|link| {
        let file = link.file_name().and_then(|file| file.to_str()).unwrap_or_default();
        let rest = file.strip_prefix('S').and_then(|rest| rest.get(2..));
        rest == Some(name)
    })
}

fn paths_in(directory: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten();
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort_unstable();
    paths.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn service_started_at_boot_is_found_by_its_link() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for place in
            ["etc/systemd/system/multi-user.target.wants", "lib/systemd/system", "etc/rc3.d"]
        {
            fs::create_dir_all(root.join(place)).unwrap();
        }
        let link = |path: &str| symlink("/nowhere", root.join(path)).unwrap();
        link("etc/systemd/system/multi-user.target.wants/nginx.service");
        link("etc/rc3.d/S01postgresql");
        link("etc/rc3.d/K01apache2");
        link("etc/rc3.d/S01web");
        fs::write(root.join("lib/systemd/system/web.service"), "").unwrap();
        let found = |service| {
            enabled_at_boot(root, service).map(|path| path.strip_prefix(root).unwrap().to_owned())
        };
        let unit = "etc/systemd/system/multi-user.target.wants/nginx.service";
        assert_eq!(found("nginx"), Some(unit.into()));
        assert_eq!(found("nginx.service"), Some(unit.into()));
        assert_eq!(found("postgresql"), Some("etc/rc3.d/S01postgresql".into()));
        assert_eq!(found("apache2"), None, "it is not started");
        assert_eq!(found("web"), Some("etc/rc3.d/S01web".into()), "without systemd");
        fs::create_dir_all(root.join("run/systemd/system")).unwrap();
        assert_eq!(found("web"), None, "its unit takes precedence, and is not enabled");
        assert_eq!(found("../nginx"), None);
    }
}
