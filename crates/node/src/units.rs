//! Orders the units that groups run after the daemon's unit at a shutdown, before the daemon starts.
//!
//! The reason is given at [`ordered`]. This is a separate run of the program (`ExecStartPre=` of the unit
//! file), so that neither the daemon nor a takeover waits for systemd to read its files again.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use systole_agents::agent::ordered;
use systole_agents::lookup::Directories;
use systole_config::{Facts, load};
use systole_core::ResourceKind;
use systole_facts::Files;
use systole_ipc::paths::Paths;
use systole_sys::identity;

/// Writes the drop-ins of all units in `haresources`, removes those of other units, and has systemd read
/// them if one has changed. Invalid files order nothing: the daemon reports what is wrong.
///
/// # Errors
///
/// When a drop-in cannot be written, or systemd does not accept the drop-ins.
pub(crate) fn run(paths: &Paths) -> io::Result<()> {
    let directories =
        Directories { configuration: paths.configuration.clone(), ..Directories::default() };
    if !directories.runtime_units.is_dir() {
        return Ok(());
    }
    let mut folders = folders(&paths.configuration, &directories)?;
    if !folders.is_empty() {
        let told = told(&directories, &folders)?;
        let behind = behind_ours(&told);
        folders.retain(|folder| !behind.contains(unit_of(folder)));
    }
    if !order(&folders, &directories.runtime_units)? {
        return Ok(());
    }
    let mut reload = Command::new(&directories.systemctl);
    let status = reload.arg("daemon-reload").stdin(Stdio::null()).status()?;
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("systemctl: {status}"))) }
}

/// The directories for drop-ins of all units in `haresources`.
fn folders(configuration: &Path, directories: &Directories) -> io::Result<BTreeSet<PathBuf>> {
    let name = identity::node_name();
    let facts = Facts { node_name: Some(&name), ..Facts::default() };
    let loaded = load(&Files::read(configuration).sources(), &facts);
    let groups = loaded.config.map(|config| config.groups).unwrap_or_default();
    let mut folders = BTreeSet::new();
    for resource in groups.iter().flat_map(|group| &group.resources) {
        let ResourceKind::Agent { name, arguments } = &resource.kind else { continue };
        let located = directories.locate(name, arguments)?;
        let unit = located.and_then(|located| ordered::unit(&located, directories));
        folders.extend(unit.map(|unit| ordered::folder(&unit, directories)));
    }
    Ok(folders)
}

/// The unit to which a directory of drop-ins belongs.
fn unit_of(folder: &Path) -> &str {
    folder.file_name().and_then(|name| name.to_str()?.strip_suffix(".d")).unwrap_or_default()
}

/// What systemd reports about the order of these units.
fn told(directories: &Directories, folders: &BTreeSet<PathBuf>) -> io::Result<String> {
    let mut show = Command::new(&directories.systemctl);
    show.args(["show", "--property=Id,After", "--"]).args(folders.iter().map(|it| unit_of(it)));
    Ok(String::from_utf8_lossy(&show.stdin(Stdio::null()).output()?.stdout).into_owned())
}

/// The units that an administrator has ordered after the daemon's unit: both would wait for each other. In
/// `told`, each unit has a paragraph.
fn behind_ours(told: &str) -> BTreeSet<&str> {
    let units = told.split("\n\n").filter(|unit| {
        let after = unit.lines().find_map(|line| line.strip_prefix("After="));
        after.is_some_and(|after| after.split(' ').any(|name| name == "heartbeat.service"))
    });
    units.filter_map(|unit| unit.lines().find_map(|line| line.strip_prefix("Id="))).collect()
}

/// Makes these directories the only ones with this program's drop-in. Returns whether that was a change.
fn order(folders: &BTreeSet<PathBuf>, runtime_units: &Path) -> io::Result<bool> {
    let mut has_changed = false;
    for entry in fs::read_dir(runtime_units)? {
        let folder = entry?.path();
        let file = folder.join(ordered::FILE);
        if file.exists() && !folders.contains(&folder) {
            fs::remove_file(&file)?;
            has_changed = true;
        }
    }
    for folder in folders {
        let file = folder.join(ordered::FILE);
        if !file.exists() {
            fs::create_dir_all(folder)?;
            fs::write(&file, ordered::TEXT)?;
            has_changed = true;
        }
    }
    Ok(has_changed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drop_in_exists_only_for_units_of_groups() {
        let scratch = tempfile::tempdir().unwrap();
        let units = scratch.path();
        let folders = |names: &[&str]| {
            names.iter().map(|name| units.join(format!("{name}.service.d"))).collect()
        };
        let has = |name: &str| units.join(format!("{name}.service.d")).join(ordered::FILE).exists();
        assert!(order(&folders(&["web", "mail"]), units).unwrap());
        assert!(has("web") && has("mail"));
        assert!(!order(&folders(&["web", "mail"]), units).unwrap(), "nothing has changed");
        fs::create_dir(units.join("other.service.d")).unwrap();
        assert!(order(&folders(&["mail"]), units).unwrap());
        assert!(!has("web") && has("mail") && !has("other"));
    }

    #[test]
    fn unit_ordered_after_heartbeat_service_is_recognised() {
        let told = "After=basic.target heartbeat.service\nId=web.service\n\n\
                    Id=mail.service\nAfter=basic.target my-heartbeat.service\n";
        assert!(behind_ours(told).into_iter().eq(["web.service"]));
        assert_eq!(unit_of(Path::new("/run/systemd/system/web.service.d")), "web.service");
    }

    #[test]
    fn drop_in_folders_follow_units_named_in_haresources() {
        let scratch = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(scratch.path().join(name), text).unwrap();
        let name = identity::node_name();
        write("ha.cf", &format!("node {name} other\nbcast lo\n"));
        write("authkeys", "auth 1\n1 sha1 x\n");
        let keys = scratch.path().join("authkeys");
        fs::set_permissions(&keys, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        write("haresources", &format!("{name} 10.0.0.1 web database@main\nother missing\n"));
        let units = scratch.path().join("units");
        fs::create_dir(&units).unwrap();
        write("units/web.service", "");
        write("units/database@.service", "");
        let directories = Directories {
            configuration: scratch.path().to_owned(),
            init: scratch.path().join("init.d"),
            ocf_root: scratch.path().join("ocf"),
            units: vec![units],
            ..Directories::default()
        };
        let found = folders(scratch.path(), &directories).unwrap();
        let expected = ["database@main.service.d", "web.service.d"];
        let expected = expected.map(|name| directories.runtime_units.join(name));
        assert!(found.into_iter().eq(expected));
    }
}
