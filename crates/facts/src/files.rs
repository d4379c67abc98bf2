//! The three configuration files as they are on the disk, checked against this machine.

use crate::boot;
use rustix::fs::OFlags;
use std::fs;
use std::io;
use std::net::{IpAddr, ToSocketAddrs as _};
use std::os::unix::fs::{
    FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::{Path, PathBuf};
use systole_agents::lookup::{Directories, Located};
use systole_config::{
    AgentKind, Content, Facts, File, FileKind, Find, Interface, Loaded, Source, Sources, load,
};
use systole_sys::address::{Addresses, Network};
use systole_sys::identity;

/// Maximum size in bytes of one of the files. Real ones have some hundred bytes.
const FILE_MAX: u64 = 4 << 20;

/// The services database of libc (services(5)).
const SERVICES: &str = "/etc/services";

/// Called with each step that may wait for a disk or a name server, before the step is taken.
pub type Tell<'a> = &'a dyn Fn(String);

/// The reason why a file was not read.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Unread {
    Missing,
    Denied,
    /// For any other reason.
    Other(String),
}

impl From<io::Error> for Unread {
    fn from(error: io::Error) -> Self {
        let kind = error.kind();
        if kind == io::ErrorKind::NotFound {
            Self::Missing
        } else if kind == io::ErrorKind::PermissionDenied {
            Self::Denied
        } else {
            Self::Other(error.to_string())
        }
    }
}

/// One of the files, with its contents.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Text {
    path: String,
    content: Result<String, Unread>,
    /// Whether the contents are UTF-8, if the file could be read.
    is_utf8: bool,
}

impl Text {
    fn read(directory: &Path, file: File, tell: Tell<'_>) -> Self {
        let path = directory.join(file.name());
        tell(format!("reading {}", path.display()));
        let bytes = read_bounded(&path).map_err(Unread::from);
        let is_utf8 = !matches!(&bytes, Ok(bytes) if str::from_utf8(bytes).is_err());
        let content = bytes.map(|bytes| match file {
            // A key consists of bytes, none of which may get lost.
            File::Authkeys if !is_utf8 => bytes.into_iter().map(char::from).collect(),
            File::HaCf | File::Authkeys | File::Haresources => {
                String::from_utf8_lossy(&bytes).into_owned()
            }
        });
        Self { path: path.to_string_lossy().into_owned(), content, is_utf8 }
    }

    fn source(&self) -> Source<'_> {
        let content = match &self.content {
            Ok(text) => Content::Text(text),
            Err(Unread::Missing) => Content::Missing,
            Err(Unread::Denied) => Content::Denied,
            Err(Unread::Other(why)) => Content::Unreadable(why),
        };
        Source { path: &self.path, content }
    }
}

/// Reads the contents of a file. Never waits: what a FIFO or a terminal would supply is no configuration. A
/// null device counts as an empty file.
///
/// # Errors
///
/// When the file cannot be opened or read, or is a directory, FIFO or socket.
pub fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    use std::io::Read as _;
    let mut options = fs::OpenOptions::new();
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = options.read(true).custom_flags(flags.bits().cast_signed()).open(path)?;
    let kind = file.metadata()?.file_type();
    if !kind.is_file() && !kind.is_char_device() {
        let what = if kind.is_dir() {
            "it is a directory"
        } else if kind.is_fifo() {
            "it is a FIFO"
        } else {
            "it is not a regular file"
        };
        return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
    }
    let mut bytes = Vec::new();
    file.take(FILE_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The three files as found in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    ha_cf: Text,
    authkeys: Text,
    ha_cf_mode: Option<u32>,
    authkeys_mode: Option<u32>,
    haresources: Text,
}

impl Files {
    /// Reads the files of a directory.
    #[must_use]
    pub fn read(directory: &Path) -> Self {
        Self::read_telling(directory, &|_| {})
    }

    /// Reads the files of a directory, and reports which file is being read.
    pub fn read_telling(directory: &Path, tell: Tell<'_>) -> Self {
        let mode = |text: &Text| fs::metadata(&text.path).ok().map(|data| data.mode() & 0o7777);
        let text = |file| Text::read(directory, file, tell);
        let (ha_cf, authkeys) = (text(File::HaCf), text(File::Authkeys));
        let (ha_cf_mode, authkeys_mode) = (mode(&ha_cf), mode(&authkeys));
        Self { ha_cf, ha_cf_mode, authkeys, authkeys_mode, haresources: text(File::Haresources) }
    }

    /// Returns whether the two differ in their keys only.
    #[must_use]
    pub fn differ_in_keys_alone(&self, other: &Self) -> bool {
        let Self { ha_cf, authkeys, ha_cf_mode, authkeys_mode, haresources } = self;
        let is_same = *ha_cf == other.ha_cf
            && *ha_cf_mode == other.ha_cf_mode
            && *haresources == other.haresources;
        is_same && (*authkeys != other.authkeys || *authkeys_mode != other.authkeys_mode)
    }

    /// Returns the files in the form in which the parser takes them.
    #[must_use]
    pub fn sources(&self) -> Sources<'_> {
        Sources {
            ha_cf: self.ha_cf.source(),
            ha_cf_mode: self.ha_cf_mode,
            authkeys: self.authkeys.source(),
            authkeys_mode: self.authkeys_mode,
            authkeys_is_latin1: !self.authkeys.is_utf8,
            haresources: self.haresources.source(),
        }
    }

    /// Parses the files and compares them with this machine. May ask a name server.
    #[must_use]
    pub fn check(&self, directory: &Path) -> Loaded {
        self.check_telling(directory, &|_| {})
    }

    /// Does the same as [`Self::check`] for a person, who can wait: also examines the disks of the log
    /// files, and what the machine starts at boot.
    #[must_use]
    pub fn check_for_people(&self, directory: &Path) -> Loaded {
        let at_boot = |name: &str| boot::enabled_at_boot(Path::new("/"), name);
        self.check_with(directory, &|_| {}, (Some(&file_kind), Some(&at_boot)))
    }

    /// Does the same as [`Self::check`] for a daemon, and reports what is being examined.
    pub fn check_telling(&self, directory: &Path, tell: Tell<'_>) -> Loaded {
        self.check_with(directory, tell, (None, None))
    }

    fn check_with(
        &self,
        directory: &Path,
        tell: Tell<'_>,
        (log_file, at_boot): (Option<Find<'_, FileKind>>, Option<Find<'_, PathBuf>>),
    ) -> Loaded {
        let node_name = identity::node_name();
        let node_info = node_info(directory);
        let interfaces = interfaces();
        let agents = Directories { configuration: directory.to_owned(), ..Directories::default() };
        let agent = |name: &str| {
            tell(format!("looking for the agent {name}"));
            locate(&agents, name)
        };
        let user = |name: &str| {
            tell(format!("looking up the user {name}"));
            identity::Identity::of_user(name).is_ok()
        };
        let group = |name: &str| {
            tell(format!("looking up the group {name}"));
            identity::group_id(name).is_ok()
        };
        let file = |path: &str| {
            tell(format!("looking at {path}"));
            file_kind(path)
        };
        let host = |name: &str| {
            tell(format!("looking up {name}"));
            host_address(name)
        };
        let services = read_bounded(Path::new(SERVICES)).unwrap_or_default();
        let services = String::from_utf8_lossy(&services);
        let service = |port| service_of(&services, port);
        let facts = Facts {
            node_name: Some(&node_name),
            nodeinfo: node_info.as_deref(),
            interfaces: interfaces.as_deref(),
            agent: Some(&agent),
            user: Some(&user),
            group: Some(&group),
            file: Some(&file),
            log_file,
            at_boot,
            host: Some(&host),
            service: Some(&service),
            service_port: port_of(&services, "ha-cluster"),
        };
        load(&self.sources(), &facts)
    }
}

/// The first line of `nodeinfo`, which replaces `uname -n` when it ends in a newline.
fn node_info(directory: &Path) -> Option<String> {
    let bytes = read_bounded(&directory.join("nodeinfo")).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    text.split_once('\n').map(|(first, _)| first.trim().to_owned())
}

fn interfaces() -> Option<Vec<Interface>> {
    let network = Addresses::open().and_then(|mut addresses| addresses.network()).ok()?;
    Some(facts_of(&network))
}

fn facts_of(network: &Network) -> Vec<Interface> {
    let interfaces = network.interfaces.iter().map(|interface| {
        let own = || interface.addresses.iter().filter(|address| !address.is_ours());
        Interface {
            name: interface.name.clone(),
            addresses: own().map(|address| (address.ip, address.prefix)).collect(),
            broadcast: own().find(|address| address.ip.is_ipv4()).and_then(|it| it.broadcast),
        }
    });
    interfaces.collect()
}

/// Returns the names of the interfaces, if they can be listed.
#[must_use]
pub fn interface_names() -> Option<Vec<String>> {
    Some(interfaces()?.into_iter().map(|interface| interface.name).collect())
}

/// Returns whether there is an agent for a word of `haresources` that is not an address.
#[must_use]
pub fn has_agent(directory: &Path, word: &str) -> bool {
    let agents = Directories { configuration: directory.to_owned(), ..Directories::default() };
    let is_instance = word.strip_prefix("OCF::").is_some_and(|rest| rest.contains("::"));
    let name = word.split_once("::").map_or(word, |(name, _)| name);
    locate(&agents, if is_instance { word } else { name }).is_some()
}

/// Finds the agent of a name, or of an OCF instance by its whole word.
fn locate(agents: &Directories, name: &str) -> Option<AgentKind> {
    let Some(instance) = name.strip_prefix("OCF::") else {
        return agents.locate(name, &[]).ok().flatten().as_ref().map(kind_of);
    };
    let arguments: Vec<String> = instance.split("::").map(str::to_owned).collect();
    // A wrapper script is always found, and knows no more than this program does.
    let located = agents.locate("OCF", &arguments).ok().flatten()?;
    Some(kind_of(&located)).filter(|kind| *kind == AgentKind::Ocf)
}

fn kind_of(located: &Located) -> AgentKind {
    match located {
        Located::Script { path } if path.starts_with("/etc/init.d") => AgentKind::Lsb,
        Located::Script { .. } => AgentKind::Heartbeat,
        Located::Ocf { .. } => AgentKind::Ocf,
        Located::Unit { .. } => AgentKind::Systemd,
    }
}

fn file_kind(path: &str) -> Option<FileKind> {
    let data = fs::metadata(path).ok()?;
    Some(if data.file_type().is_char_device() {
        FileKind::Device
    } else if !data.is_file() {
        FileKind::Other
    } else if data.permissions().mode() & 0o111 != 0 {
        FileKind::Executable
    } else {
        FileKind::Plain
    })
}

fn host_address(host: &str) -> Option<IpAddr> {
    (host, 0).to_socket_addrs().ok()?.next().map(|address| address.ip())
}

/// Entries of services(5) for UDP, as name and port.
fn services(text: &str) -> impl Iterator<Item = (&str, u16)> {
    text.lines().filter_map(|line| {
        let mut words = line.split('#').next()?.split_whitespace();
        let name = words.next()?;
        let port = words.next()?.strip_suffix("/udp")?.parse().ok()?;
        Some((name, port))
    })
}

fn service_of(text: &str, port: u16) -> Option<String> {
    let found = services(text).find(|(_, number)| *number == port);
    found.map(|(name, _)| name.to_owned())
}

fn port_of(text: &str, name: &str) -> Option<u16> {
    services(text).find(|(known, _)| *known == name).map(|(_, port)| port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn service_lookup_finds_name_by_port_and_port_by_name() {
        let text = "# comment\ndomain 53/tcp\ndomain\t53/udp # DNS\nha-cluster 694/udp\n";
        assert_eq!(service_of(text, 53).as_deref(), Some("domain"));
        assert_eq!(service_of(text, 54), None);
        assert_eq!(port_of(text, "ha-cluster"), Some(694));
        assert_eq!(port_of(text, "ha"), None);
    }

    #[test]
    fn absent_config_file_reads_as_missing_and_mode_of_authkeys_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let keys = folder.path().join("authkeys");
        fs::write(&keys, "auth 1\n1 crc\n").unwrap();
        fs::set_permissions(&keys, fs::Permissions::from_mode(0o600)).unwrap();
        let files = Files::read(folder.path());
        let sources = files.sources();
        assert_eq!(sources.ha_cf.content, Content::Missing);
        assert_eq!(sources.authkeys.content, Content::Text("auth 1\n1 crc\n"));
        assert_eq!(sources.authkeys_mode, Some(0o600));
    }

    #[test]
    fn config_file_that_is_fifo_or_directory_is_unreadable_without_waiting() {
        let folder = tempfile::tempdir().unwrap();
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        for name in ["ha.cf", "nodeinfo"] {
            rustix::fs::mkfifoat(rustix::fs::CWD, folder.path().join(name), mode).unwrap();
        }
        fs::create_dir(folder.path().join("authkeys")).unwrap();
        std::os::unix::fs::symlink("/dev/null", folder.path().join("haresources")).unwrap();
        let files = Files::read(folder.path());
        let sources = files.sources();
        assert_eq!(sources.ha_cf.content, Content::Unreadable("it is a FIFO"));
        assert_eq!(sources.authkeys.content, Content::Unreadable("it is a directory"));
        assert_eq!(sources.haresources.content, Content::Text(""));
        assert_eq!(node_info(folder.path()), None);
    }

    #[test]
    fn authkeys_bytes_survive_latin1_and_utf8_encoding() {
        let folder = tempfile::tempdir().unwrap();
        let read = |bytes: &[u8]| {
            fs::write(folder.path().join("authkeys"), bytes).unwrap();
            let files = Files::read(folder.path());
            let sources = files.sources();
            let Content::Text(text) = sources.authkeys.content else { panic!("not read") };
            (text.to_owned(), sources.authkeys_is_latin1)
        };
        assert_eq!(read(b"1 sha1 g\xf6tt\xff"), ("1 sha1 g\u{f6}tt\u{ff}".to_owned(), true));
        assert_eq!(read("1 sha1 g\u{f6}tt".as_bytes()), ("1 sha1 g\u{f6}tt".to_owned(), false));
    }

    #[test]
    fn nodeinfo_without_newline_is_ignored() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(node_info(folder.path()), None);
        fs::write(folder.path().join("nodeinfo"), "Alpha").unwrap();
        assert_eq!(node_info(folder.path()), None);
        fs::write(folder.path().join("nodeinfo"), "Alpha\nrest\n").unwrap();
        assert_eq!(node_info(folder.path()).as_deref(), Some("Alpha"));
    }
}
