//! Helpers that several tests need.

use crate::lookup::Directories;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// A directory with places for every kind of agent, which is removed when dropped.
pub(crate) struct Scratch(tempfile::TempDir);

impl Scratch {
    pub(crate) fn new() -> Self {
        let scratch = Self(tempfile::tempdir().unwrap());
        let directories = scratch.directories();
        let places = [
            directories.resource(),
            directories.init.clone(),
            directories.ocf_root.join("resource.d/heartbeat"),
            directories.units[0].clone(),
            directories.runtime_units.clone(),
        ];
        for place in places {
            std::fs::create_dir_all(place).unwrap();
        }
        scratch
    }

    pub(crate) fn directories(&self) -> Directories {
        let at = |name: &str| self.0.path().join(name);
        Directories {
            configuration: at("ha.d"),
            init: at("init.d"),
            ocf_root: at("ocf"),
            units: vec![at("units")],
            runtime_units: at("runtime"),
            systemctl: at("systemctl"),
            helpers: at("helpers"),
            working: at("nowhere"),
        }
    }
}

/// Writes an executable shell script.
pub(crate) fn write_script(path: &Path, body: &str) {
    std::fs::write(path, format!("#!/bin/sh\n{body}\n")).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}
