//! A disk that both nodes see: a loop device without a file name.

use std::fs::File;
use std::path::Path;
use std::process::Command;
use systole_lab::{Lab, LabError, Node};

/// The size of the disk in bytes; its file is sparse.
const SIZE: u64 = 384 << 20;
/// Ends a mounted ext4 at once and without writing anything more, as a power cut does: `EXT4_IOC_SHUTDOWN` with
/// `EXT4_GOING_FLAGS_NOLOGFLUSH`. Without it the kernel would write everything when the node's mounts end.
const SHUTDOWN: &str = "open(my $root, '<', '/var/lib/shared') or die $!; my $how = pack('L', 2); ioctl($root, 0x8004587d, $how) or die $!";

/// The disk. The kernel removes it when nothing uses it any longer, even when the test is killed: its file has
/// no name, and its device is cleared when the last user closes it.
#[derive(Debug)]
pub(super) struct SharedDisk {
    device: String,
    _keeper: File,
}

impl SharedDisk {
    pub(super) fn new() -> Result<Self, Box<dyn std::error::Error>> {
        let image = tempfile::NamedTempFile::new()?;
        image.as_file().set_len(SIZE)?;
        tool(Command::new("mkfs.ext4").args(["-q", "-F"]).arg(image.path()))?;
        let device = tool(Command::new("losetup").args(["--find", "--show"]).arg(image.path()))?;
        let device = device.trim().to_owned();
        let keeper = File::open(&device);
        // While somebody has the device open, this only says that it is to be cleared later.
        tool(Command::new("losetup").args(["--detach", &device]))?;
        Ok(Self { device, _keeper: keeper? })
    }

    pub(super) fn device(&self) -> &str {
        &self.device
    }

    /// Returns the nodes that have it mounted.
    pub(super) fn users(&self, lab: &Lab) -> Vec<Node> {
        lab.mounted_on(&self.device)
    }

    /// Whether the kernel has its file system open, for whatever node.
    pub(super) fn is_in_use(&self) -> bool {
        Path::new(&self.device.replace("/dev/", "/proc/fs/ext4/")).exists()
    }
}

/// Nothing that a node writes from now on reaches the disk that it has mounted.
pub(super) fn stop_writing(lab: &Lab, node: Node) -> Result<(), LabError> {
    let told = lab.run(node, &["perl", "-e", SHUTDOWN])?;
    assert!(told.success(), "{told:?}");
    Ok(())
}

/// Runs a program of the system, and returns what it says.
fn tool(command: &mut Command) -> Result<String, Box<dyn std::error::Error>> {
    let output = command.output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(format!("{command:?}: {said}").into());
    }
    Ok(String::from_utf8(output.stdout)?)
}
