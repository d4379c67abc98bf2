//! What survives a node's power cut: its own `/etc` and `/var`, as directories of the lab.

use crate::{ClusterConfig, Daemon, Helper, LabError, Node, Service, booted, switch, tool};
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// nginx as Debian's init script expects it, reduced to one page.
const NGINX_CONF: &str = "\
user www-data;
worker_processes 1;
pid /run/nginx.pid;
error_log /var/log/nginx/error.log;
events { worker_connections 64; }
http {
    access_log off;
    server { listen 80; root /var/www/html; }
}
";

/// The script of the service for machines without nginx. `%HELPER%` is the command of the server.
const DEMO_SCRIPT: &str = "\
#!/bin/sh
# A small web service with the verbs of an LSB script.
pid=/run/demo.pid
running() { [ -s $pid ] && kill -0 \"$(cat $pid)\" 2>/dev/null; }
case \"$1\" in
start) running || { setsid %HELPER% </dev/null >/dev/null 2>&1 & echo $! >$pid; } ;;
stop) if running; then kill \"$(cat $pid)\"; while running; do sleep 0.05; done; fi; rm -f $pid ;;
status) if running; then echo 'demo is running'; else echo 'demo is not running'; exit 3; fi ;;
*) echo \"usage: $0 start|stop|status\" >&2; exit 2 ;;
esac
";

/// Runs first in a node's namespaces: mounts the node's own directories over the host's, hides the devices of
/// the host that could end the host, and becomes init. Files that the private directories would hide (the
/// daemon, the helper) are shown below `/run` instead. The loopback interface comes first: in a network
/// without any address the kernel takes every address for a broadcast address, and would not let the echo
/// responder answer from the floating address.
const SETUP: &str = "\
hostname \"$0\"
ip link set lo up
mount -t tmpfs -o mode=755 tmpfs '%DISK%/run'
mkdir -p '%DISK%/run/systole-lab/bin' '%DISK%/run/lock' '%DISK%/run/heartbeat' '%DISK%/run/resource-agents'
touch '%DISK%/run/systole-lab/helper'
mount --bind '%HELPER%' '%DISK%/run/systole-lab/helper'
%BINARIES%
chown hacluster:haclient '%DISK%/run/heartbeat' 2>/dev/null || true
chmod 750 '%DISK%/run/heartbeat'
mount --bind '%DISK%/etc' /etc
mount --bind '%DISK%/var' /var
mount --rbind '%DISK%/run' /run
mount -t sysfs sysfs /sys || true
for file in /proc/sysrq-trigger /dev/watchdog; do
    if [ -e $file ]; then mount --bind /dev/null $file; fi
done
%SWITCH%mount -t tmpfs -o mode=1777 tmpfs /tmp
exec %INIT%
";

/// The directories of a node.
#[derive(Debug)]
pub(crate) struct Disk {
    folder: PathBuf,
    /// Whether its changes are in a separate directory, while the rest is an image.
    is_layered: bool,
}

impl Disk {
    /// Makes the directories of a node below `scratch` and writes its three files.
    ///
    /// # Errors
    ///
    /// When the host's `/etc` cannot be copied, or a file cannot be written.
    pub(crate) fn new(
        scratch: &Path,
        node: Node,
        config: &ClusterConfig,
        helper: &Helper,
    ) -> Result<Self, LabError> {
        let folder = scratch.join(node.to_string());
        if config.system.is_some() {
            return Self::layered(folder, node, config);
        }
        let disk = Self { folder, is_layered: false };
        for folder in FOLDERS {
            fs::create_dir_all(disk.path(folder)).map_err(LabError::io("making a node's disk"))?;
        }
        let etc = disk.path("etc");
        tool::succeed("cp", &["-a", "/etc/.", &etc.to_string_lossy()])?;
        for (path, owner) in OWNERS {
            // Without the package heartbeat the user does not exist, and is not needed.
            let _ = tool::succeed("chown", &[owner, &disk.path(path).to_string_lossy()]);
        }
        disk.write("etc/hostname", &format!("{node}\n"), 0o644)?;
        disk.write("etc/hosts", &hosts(config), 0o644)?;
        disk.write("etc/ha.d/ha.cf", &config.ha_cf(node), 0o644)?;
        disk.write("etc/ha.d/haresources", &config.haresources(), 0o644)?;
        disk.write("etc/ha.d/authkeys", &config.keys, 0o600)?;
        disk.write("var/www/html/index.html", &format!("{node}\n"), 0o644)?;
        match config.service {
            Service::Nginx => disk.write("etc/nginx/nginx.conf", NGINX_CONF, 0o644)?,
            Service::Builtin => {
                let script = DEMO_SCRIPT.replace("%HELPER%", &helper.shell_words("service"));
                disk.write("etc/init.d/demo", &script, 0o755)?;
            }
        }
        if config.switch {
            for (path, text) in switch::FILES {
                disk.write(path, text, 0o755)?;
            }
        }
        for (target, link) in [("/run", "var/run"), ("/run/lock", "var/lock")] {
            std::os::unix::fs::symlink(target, disk.path(link))
                .map_err(LabError::io("making a node's disk"))?;
        }
        Ok(disk)
    }

    /// Makes the disk of a node that boots an image: it contains the changes to the image.
    fn layered(folder: PathBuf, node: Node, config: &ClusterConfig) -> Result<Self, LabError> {
        for layer in booted::FOLDERS {
            fs::create_dir_all(folder.join(layer)).map_err(LabError::io("making a node's disk"))?;
        }
        let disk = Self { folder, is_layered: true };
        disk.write("etc/hostname", &format!("{node}\n"), 0o644)?;
        disk.write("etc/hosts", &hosts(config), 0o644)?;
        disk.write("var/www/html/index.html", &format!("{node}\n"), 0o644)?;
        let (unit, text) = booted::unit(&config.address.to_string());
        disk.write(unit, &text, 0o644)?;
        let wants = disk.path(booted::WANTS);
        fs::create_dir_all(&wants).map_err(LabError::io("making a node's disk"))?;
        std::os::unix::fs::symlink(format!("/{unit}"), wants.join("systole-lab-echo.service"))
            .map_err(LabError::io("making a node's disk"))?;
        Ok(disk)
    }

    /// Returns its directory.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the host's path of a file of the node (`etc/ha.d/ha.cf`).
    pub(crate) fn path(&self, file: &str) -> PathBuf {
        if self.is_layered {
            return self.folder.join(booted::FOLDERS[0]).join(file);
        }
        self.folder.join(file)
    }

    /// Writes a file of the node.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub(crate) fn write(&self, file: &str, text: &str, mode: u32) -> Result<(), LabError> {
        write(&self.path(file), text, mode)
    }

    /// Returns the script that starts the node's machine from this disk.
    pub(crate) fn setup(&self, config: &ClusterConfig, daemon: &Daemon, helper: &Helper) -> String {
        if let Some(system) = &config.system {
            return booted::setup(&self.folder, system.image.root(), helper);
        }
        // A C node also shows the programs of Systole: Systole may come to run there later.
        let binaries = match daemon.folder().or_else(|| helper.program().parent()) {
            Some(folder) => {
                format!("mount --bind '{}' '%DISK%/run/systole-lab/bin'", folder.display())
            }
            None => String::new(),
        };
        SETUP
            .replace("%INIT%", &format!("{} {}", helper.shell_words("init"), config.address))
            .replace("%BINARIES%", &binaries)
            .replace("%SWITCH%", if config.switch { switch::SHOW } else { "" })
            .replace("%HELPER%", &helper.program().to_string_lossy())
            .replace("%DISK%", &self.folder.to_string_lossy())
    }
}

/// Writes a file, and makes the directories above it.
pub(crate) fn write(path: &Path, text: &str, mode: u32) -> Result<(), LabError> {
    let failed = || LabError::io(format!("writing {}", path.display()));
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed())?;
    }
    fs::write(path, text).map_err(failed())?;
    fs::set_permissions(path, Permissions::from_mode(mode)).map_err(failed())
}

/// The directories of a new disk.
const FOLDERS: [&str; 14] = [
    "run",
    "etc/ha.d",
    "var/cache",
    "var/lib/heartbeat/cores/root",
    "var/lib/heartbeat/cores/hacluster",
    "var/lib/heartbeat/cores/nobody",
    "var/lib/heartbeat/lrm",
    "var/lib/heartbeat/pengine",
    "var/lib/nginx",
    "var/lib/misc",
    "var/log/nginx",
    "var/spool",
    "var/tmp",
    "var/www/html",
];

/// The files of a new disk that do not belong to root.
const OWNERS: [(&str, &str); 3] = [
    ("var/lib/heartbeat", "hacluster:haclient"),
    ("var/lib/heartbeat/cores/hacluster", "hacluster"),
    ("var/lib/heartbeat/pengine", "hacluster:haclient"),
];

/// Returns the node's `/etc/hosts`; the nodes know each other by name.
fn hosts(config: &ClusterConfig) -> String {
    let mut text = "127.0.0.1 localhost\n".to_owned();
    for link in config.links().iter().take(1) {
        for node in Node::ALL {
            text += &format!("{} {node}\n", link.address(node));
        }
    }
    text
}
