//! Finds an agent by its name in `haresources`.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The word for an OCF agent and a file with its parameters: `OCF::type::instance`.
const OCF_WORD: &str = "OCF";
/// The provider whose agents are looked for first.
pub(crate) const OCF_PROVIDER: &str = "heartbeat";

/// The directories in which agents are looked for. Tests use directories of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directories {
    /// The configuration directory, with `resource.d` and `conf/OCF` below it (`HA_DIR`).
    pub configuration: PathBuf,
    /// The directory of LSB scripts.
    pub init: PathBuf,
    /// The root of OCF agents, with `resource.d/<provider>` below it (`OCF_ROOT`).
    pub ocf_root: PathBuf,
    /// The directories of systemd unit files, in the order of systemd.unit(5).
    pub units: Vec<PathBuf>,
    /// The directory of unit files that do not survive a reboot. It exists where systemd runs
    /// (`sd_booted(3)`).
    pub runtime_units: PathBuf,
    /// The program that starts units.
    pub systemctl: PathBuf,
    /// The directory of heartbeat's helper programs (`HA_BIN`).
    pub helpers: PathBuf,
    /// The directory in which agents are started, if it exists.
    pub working: PathBuf,
}

impl Default for Directories {
    fn default() -> Self {
        let units = ["/etc", "/run", "/usr/local/lib", "/usr/lib", "/lib"];
        Self {
            configuration: "/etc/ha.d".into(),
            init: "/etc/init.d".into(),
            ocf_root: "/usr/lib/ocf".into(),
            units: units.map(|root| Path::new(root).join("systemd/system")).into(),
            runtime_units: "/run/systemd/system".into(),
            systemctl: "/usr/bin/systemctl".into(),
            helpers: "/usr/libexec/heartbeat".into(),
            working: "/var/lib/heartbeat/cores/root".into(),
        }
    }
}

/// The agent that was found under a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Located {
    /// A script of `resource.d` or `init.d`, called the way heartbeat calls it.
    Script {
        /// The script.
        path: PathBuf,
    },
    /// An OCF agent.
    Ocf {
        /// The agent.
        path: PathBuf,
        /// The agent's type, which is the name of its file.
        kind: String,
        /// The file with the agent's parameters (`OCF::type::instance`). Absent if the parameters are
        /// arguments.
        parameters: Option<PathBuf>,
    },
    /// A systemd unit.
    Unit {
        /// Its full name, e.g. `nginx.service`.
        name: String,
    },
}

impl Directories {
    /// Returns the directory of resource scripts (`HA_RESOURCEDIR`).
    #[must_use]
    pub fn resource(&self) -> PathBuf {
        self.configuration.join("resource.d")
    }

    /// Returns the directory of the OCF agents of heartbeat's own provider (`OCF_AGENTS`).
    #[must_use]
    pub fn ocf_agents(&self) -> PathBuf {
        self.ocf_root.join("resource.d").join(OCF_PROVIDER)
    }

    /// Finds an agent: a script of `resource.d`, then of `init.d`, as heartbeat does; then, in addition to
    /// heartbeat, an OCF agent, then a systemd unit.
    ///
    /// An OCF instance (`OCF::type::instance`) whose agent and file exist needs no script, because the
    /// wrapper that heartbeat is packaged with looks for agents in a directory that has none.
    ///
    /// # Errors
    ///
    /// When a directory cannot be examined, which says nothing about what it contains.
    pub fn locate(&self, name: &str, arguments: &[String]) -> io::Result<Option<Located>> {
        if !is_file_name(name) {
            return Ok(None);
        }
        if name == OCF_WORD
            && let Some(instance) = self.locate_instance(arguments)?
        {
            return Ok(Some(instance));
        }
        for path in [self.resource().join(name), self.init.join(name)] {
            if is_executable(&path)? {
                return Ok(Some(Located::Script { path }));
            }
        }
        if let Some(path) = self.ocf_agent(name)? {
            return Ok(Some(Located::Ocf { path, kind: name.to_owned(), parameters: None }));
        }
        Ok(self.unit(name)?.map(|name| Located::Unit { name }))
    }

    /// Returns whether an agent of this name exists, for the checker of the configuration.
    #[must_use]
    pub fn exists(&self, name: &str, arguments: &[String]) -> bool {
        self.locate(name, arguments).is_ok_and(|located| located.is_some())
    }

    fn locate_instance(&self, arguments: &[String]) -> io::Result<Option<Located>> {
        let [kind, instance] = arguments else {
            return Ok(None);
        };
        if !is_file_name(kind) || !is_file_name(instance) {
            return Ok(None);
        }
        let parameters = self.configuration.join("conf/OCF").join(kind).join(instance);
        if !is_file(&parameters)? {
            return Ok(None);
        }
        let path = match self.ocf_agent(kind)? {
            Some(path) => Some(path),
            None => self.ocf_agent_of_others(kind)?,
        };
        let (kind, parameters) = (kind.clone(), Some(parameters));
        Ok(path.map(|path| Located::Ocf { path, kind, parameters }))
    }

    fn ocf_agent(&self, kind: &str) -> io::Result<Option<PathBuf>> {
        let path = self.ocf_agents().join(kind);
        Ok(is_executable(&path)?.then_some(path))
    }

    /// Finds an agent of another provider, the first one in the order of provider names.
    fn ocf_agent_of_others(&self, kind: &str) -> io::Result<Option<PathBuf>> {
        let root = self.ocf_root.join("resource.d");
        if metadata(&root)?.is_none() {
            return Ok(None);
        }
        let mut first: Option<PathBuf> = None;
        for provider in std::fs::read_dir(root)? {
            let path = provider?.path().join(kind);
            if first.as_ref().is_none_or(|first| path < *first) && is_executable(&path)? {
                first = Some(path);
            }
        }
        Ok(first)
    }

    /// Returns the unit's name if a unit file for it exists. An instance uses the file of its template.
    fn unit(&self, name: &str) -> io::Result<Option<String>> {
        let full =
            if name.ends_with(".service") { name.to_owned() } else { format!("{name}.service") };
        let template = full.split_once('@').map(|(stem, _)| format!("{stem}@.service"));
        let files = [Some(full.clone()), template];
        for directory in &self.units {
            for file in files.iter().flatten() {
                if is_file(&directory.join(file))? {
                    return Ok(Some(full));
                }
            }
        }
        Ok(None)
    }
}

/// Whether a name stays within its directory.
fn is_file_name(name: &str) -> bool {
    !name.is_empty() && !name.starts_with(['.', '-']) && !name.contains(['/', '\0'])
}

fn is_executable(path: &Path) -> io::Result<bool> {
    let data = metadata(path)?;
    Ok(data.is_some_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0))
}

fn is_file(path: &Path) -> io::Result<bool> {
    Ok(metadata(path)?.is_some_and(|data| data.is_file()))
}

/// Returns what is known about a file. A missing file is no error, but a failing disk is, because it says
/// nothing about its files.
fn metadata(path: &Path) -> io::Result<Option<Metadata>> {
    match path.metadata() {
        Ok(data) => Ok(Some(data)),
        Err(error) => {
            let absent = [io::ErrorKind::NotFound, io::ErrorKind::NotADirectory];
            if absent.contains(&error.kind()) { Ok(None) } else { Err(error) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::{Scratch, write_script};

    #[test]
    fn agent_present_in_several_places_is_found_by_precedence() {
        let scratch = Scratch::new();
        let directories = scratch.directories();
        let locate = |name: &str| directories.locate(name, &[]).unwrap();
        assert_eq!(locate("web"), None);

        let unit = directories.units[0].join("web.service");
        std::fs::write(&unit, "").unwrap();
        assert_eq!(locate("web"), Some(Located::Unit { name: "web.service".into() }));
        let ocf = directories.ocf_root.join("resource.d/heartbeat/web");
        write_script(&ocf, "");
        let found = Located::Ocf { path: ocf, kind: "web".into(), parameters: None };
        assert_eq!(locate("web"), Some(found));
        for directory in [directories.init.clone(), directories.resource()] {
            let path = directory.join("web");
            std::fs::write(&path, "").unwrap();
            assert_ne!(locate("web"), Some(Located::Script { path: path.clone() }));
            write_script(&path, "");
            assert_eq!(locate("web"), Some(Located::Script { path }));
        }
    }

    #[test]
    fn ocf_instance_without_its_file_is_not_found() {
        let scratch = Scratch::new();
        let directories = scratch.directories();
        let path = directories.ocf_root.join("resource.d/heartbeat/apache");
        write_script(&path, "");
        let arguments = ["apache".to_owned(), "main".to_owned()];
        assert!(!directories.exists("OCF", &arguments));
        let file = directories.configuration.join("conf/OCF/apache/main");
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, "").unwrap();
        let found = Located::Ocf { path, kind: "apache".into(), parameters: Some(file) };
        assert_eq!(directories.locate("OCF", &arguments).unwrap(), Some(found));
    }

    #[test]
    fn ocf_instance_prefers_an_agent_of_any_provider_to_the_wrapper() {
        let scratch = Scratch::new();
        let directories = scratch.directories();
        let wrapper = directories.resource().join("OCF");
        write_script(&wrapper, "");
        let arguments = ["db".to_owned(), "main".to_owned()];
        let file = directories.configuration.join("conf/OCF/db/main");
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, "").unwrap();
        let located = |provider: &str| Located::Ocf {
            path: directories.ocf_root.join("resource.d").join(provider).join("db"),
            kind: "db".into(),
            parameters: Some(file.clone()),
        };
        // A wrapper may know agents that this program does not.
        let script = Located::Script { path: wrapper.clone() };
        assert_eq!(directories.locate("OCF", &arguments).unwrap(), Some(script));
        for provider in ["redhat", "linbit", "heartbeat"] {
            let folder = directories.ocf_root.join("resource.d").join(provider);
            std::fs::create_dir_all(&folder).unwrap();
            write_script(&folder.join("db"), "");
            assert_eq!(directories.locate("OCF", &arguments).unwrap(), Some(located(provider)));
        }
        // A name without `OCF` before it means heartbeat's own agent.
        assert!(directories.exists("db", &[]));
    }

    #[test]
    fn agent_name_leading_out_of_its_directory_is_not_found() {
        let scratch = Scratch::new();
        let directories = scratch.directories();
        write_script(&directories.configuration.join("secret"), "");
        assert!(!directories.exists("../secret", &[]));
        assert!(!directories.exists("", &[]));
    }

    #[test]
    fn unit_instance_is_found_by_its_template_file() {
        let scratch = Scratch::new();
        let directories = scratch.directories();
        std::fs::write(directories.units[0].join("db@.service"), "").unwrap();
        let name = "db@main.service".to_owned();
        assert_eq!(directories.locate("db@main", &[]).unwrap(), Some(Located::Unit { name }));
    }
}
