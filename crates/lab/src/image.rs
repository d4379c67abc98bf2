//! A Debian root with systemd from which nodes boot; it is made once.

use crate::{LabError, tool};
use std::fs;
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::path::{Path, PathBuf};

/// The packages that the nodes need in addition to Debian's minimal set.
const PACKAGES: &[&str] = &[
    "dbus",
    "iproute2",
    "kmod",
    "libpam-systemd",
    "logrotate",
    "network-manager",
    "nginx-light",
    "procps",
    "sudo",
    "systemd",
    "systemd-sysv",
];
/// Files that no test reads, which make up most of a small Debian.
const LEFT_OUT: &[&str] = &["/usr/share/doc/*", "/usr/share/locale/*", "/usr/share/man/*"];
/// Runs in the finished root, whose path is `$1`. Only the lab configures interfaces, until a test starts one
/// of the two managers.
const FINISH: &str = "chroot \"$1\" systemctl disable --quiet NetworkManager.service \
     NetworkManager-wait-online.service systemd-networkd.service apt-daily.timer \
     apt-daily-upgrade.timer";
/// The directory of images below cargo's directory for build results.
const FOLDER: &str = "systemd";

/// The directory of a Debian root that nodes share and do not change.
#[derive(Debug, Clone)]
pub struct Image {
    root: PathBuf,
}

impl Image {
    /// Finds the image below the directory of the running executable, where cargo puts what it builds
    /// (`target/systemd`). A missing image is made, which downloads about 70 MB and takes a minute or two;
    /// another process that asks meanwhile waits for it.
    ///
    /// The image is of the host's own Debian version, because the programs that are tested were built for
    /// that version's C library. Another version, list of packages or recipe gives another image.
    ///
    /// # Errors
    ///
    /// Without root, on a host that is not Debian, without mmdebstrap, and without a network.
    pub fn obtain() -> Result<Self, LabError> {
        if !crate::lab::is_root() {
            return Err(LabError::NotRoot);
        }
        let suite = suite(&fs::read_to_string("/etc/os-release").unwrap_or_default())?;
        let arguments = recipe(&suite);
        let folder = home()?;
        let root = folder.join(name(&suite, &arguments));
        if !root.is_dir() {
            fs::create_dir_all(&folder).map_err(LabError::io("making a folder for the image"))?;
            make(&folder, &root, &arguments)?;
        }
        Ok(Self { root })
    }

    /// Returns the root.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }
}

/// Makes an image, or waits for the process that makes it.
///
/// The lock belongs to the processes that make the image: they may continue when their caller was killed.
/// Only these processes see the mounts that they need, and the mounts end with them.
fn make(folder: &Path, root: &Path, arguments: &[String]) -> Result<(), LabError> {
    // If mmdebstrap is missing, the error names its package.
    tool::succeed("mmdebstrap", &["--version"])?;
    let lock = folder.join("lock");
    let (lock, root) = (lock.to_string_lossy(), root.to_string_lossy());
    let mut words = vec![&*lock, "unshare", "--mount", "--pid", "--fork", "--kill-child=SIGKILL"];
    words.extend(["--mount-proc", "sh", "-ec", MAKE, &root]);
    words.extend(arguments.iter().map(String::as_str));
    tool::succeed("flock", &words).map(|_| ())
}

/// Makes the root `$0` with these arguments of mmdebstrap, and replaces the existing images. The root gets
/// its name when it is finished.
const MAKE: &str = "\
if [ -d \"$0\" ]; then exit; fi
rm -rf --one-file-system \"${0%/*}\"/*-*
mmdebstrap \"$@\" \"$0.unfinished\" >&2
mv \"$0.unfinished\" \"$0\"
";

/// Returns the arguments of mmdebstrap.
fn recipe(suite: &str) -> Vec<String> {
    let mut words = ["--quiet", "--mode=root", "--variant=minbase"].map(str::to_owned).to_vec();
    words.push(format!("--include={}", PACKAGES.join(",")));
    words.push("--aptopt=Acquire::Languages \"none\"".to_owned());
    words.push("--aptopt=Acquire::Retries \"3\"".to_owned());
    words.push("--dpkgopt=force-unsafe-io".to_owned());
    words.extend(LEFT_OUT.iter().map(|path| format!("--dpkgopt=path-exclude={path}")));
    words.push(format!("--customize-hook={FINISH}"));
    words.push(suite.to_owned());
    words
}

/// Returns the name of the directory of an image that is made with these arguments.
fn name(suite: &str, arguments: &[String]) -> String {
    let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(arguments);
    format!("{suite}-{hash:016x}")
}

/// Returns the version of Debian that `/etc/os-release` names.
fn suite(release: &str) -> Result<String, LabError> {
    let field = |key: &str| {
        release.lines().find_map(|line| line.strip_prefix(key)).map(|value| value.trim_matches('"'))
    };
    match (field("ID="), field("VERSION_CODENAME=")) {
        (Some("debian"), Some(suite)) => Ok(suite.to_owned()),
        _ => Err(LabError::NotDebian),
    }
}

/// Returns the directory for images.
fn home() -> Result<PathBuf, LabError> {
    let me = std::env::current_exe().map_err(LabError::io("finding this program"))?;
    // cargo marks its directory, so that backups leave it out.
    let built = me.ancestors().find(|folder| folder.join("CACHEDIR.TAG").exists());
    built
        .or(me.parent())
        .map(|folder| folder.join(FOLDER))
        .ok_or(LabError::HelperMissing { near: me.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn image_name_depends_on_recipe_and_version() {
        let recipe = recipe("bookworm");
        let mut longer = recipe.clone();
        longer.push("--include=vim".to_owned());
        assert_ne!(name("bookworm", &recipe), name("bookworm", &longer));
        assert_eq!(name("bookworm", &recipe), name("bookworm", &super::recipe("bookworm")));
        assert_ne!(name("trixie", &super::recipe("trixie")), name("bookworm", &recipe));
    }

    #[test]
    fn image_version_is_taken_from_debian_host() {
        let release = "PRETTY_NAME=\"Debian 12\"\nVERSION_CODENAME=bookworm\nID=debian\n";
        assert_eq!(suite(release).unwrap(), "bookworm");
        let other = suite("ID=fedora\nVERSION_CODENAME=\"\"\n");
        assert!(matches!(other, Err(LabError::NotDebian)), "{other:?}");
    }
}
