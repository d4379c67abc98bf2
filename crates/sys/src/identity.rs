//! The user of this process, the users of other processes, and the rights of this process.

use rustix::thread::{CapabilitySet, CapabilitySets};
use std::ffi::{CStr, CString};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::AsFd;

/// The longest entry of the user database that is read, in bytes; large groups have long lines.
const ENTRY_MAX: usize = 1 << 20;

/// The most groups of one user (`NGROUPS_MAX` of Linux).
const GROUPS_MAX: usize = 65_536;

/// Returns the name of this machine as `uname -n` prints it.
#[must_use]
pub fn node_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// A user that a process can run as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// User id.
    pub user: u32,
    /// Primary group id.
    pub group: u32,
    /// All groups, including the primary one.
    pub groups: Vec<u32>,
}

impl Identity {
    /// Looks up a user and its groups (getpwnam(3), getgrouplist(3)). May query a server and wait for it: not
    /// for the thread that sends beats.
    ///
    /// # Errors
    ///
    /// `NotFound` without such a user; otherwise the error of the user database.
    pub fn of_user(name: &str) -> io::Result<Self> {
        let name = CString::new(name)?;
        let (user, group) = user_entry(&name)?;
        Ok(Self { user, group, groups: group_list(&name, group)? })
    }
}

fn user_entry(name: &CStr) -> io::Result<(u32, u32)> {
    with_growing_buffer(|buffer| {
        let mut entry = MaybeUninit::<libc::passwd>::uninit();
        let mut found = std::ptr::null_mut();
        // SAFETY: `name` ends in a nul byte; `entry`, `found` and `buffer` are writable memory of the given
        // sizes, and live longer than the call.
        let code = unsafe {
            libc::getpwnam_r(
                name.as_ptr(),
                entry.as_mut_ptr(),
                buffer.as_mut_ptr().cast(),
                buffer.len(),
                &raw mut found,
            )
        };
        lookup_result(code, found.is_null())?;
        // SAFETY: the call succeeded and found an entry, so it filled `entry`.
        let entry = unsafe { entry.assume_init_ref() };
        Ok((entry.pw_uid, entry.pw_gid))
    })
}

/// Returns the id of a group (getgrnam(3)).
///
/// # Errors
///
/// `NotFound` without such a group; otherwise the error of the group database.
pub fn group_id(name: &str) -> io::Result<u32> {
    let name = CString::new(name)?;
    with_growing_buffer(|buffer| {
        let mut entry = MaybeUninit::<libc::group>::uninit();
        let mut found = std::ptr::null_mut();
        // SAFETY: `name` ends in a nul byte; `entry`, `found` and `buffer` are writable memory of the given
        // sizes, and live longer than the call.
        let code = unsafe {
            libc::getgrnam_r(
                name.as_ptr(),
                entry.as_mut_ptr(),
                buffer.as_mut_ptr().cast(),
                buffer.len(),
                &raw mut found,
            )
        };
        lookup_result(code, found.is_null())?;
        // SAFETY: the call succeeded and found an entry, so it filled `entry`.
        let entry = unsafe { entry.assume_init_ref() };
        Ok(entry.gr_gid)
    })
}

/// Translates the result of a lookup; absent entries are reported in several ways (getpwnam(3), "ERRORS").
fn lookup_result(code: i32, is_absent: bool) -> io::Result<()> {
    match code {
        0 if is_absent => Err(io::ErrorKind::NotFound.into()),
        0 => Ok(()),
        libc::ENOENT | libc::ESRCH => Err(io::ErrorKind::NotFound.into()),
        code => Err(io::Error::from_raw_os_error(code)),
    }
}

fn with_growing_buffer<T>(mut ask: impl FnMut(&mut [u8]) -> io::Result<T>) -> io::Result<T> {
    let mut buffer = vec![0; 1024];
    loop {
        match ask(&mut buffer) {
            Err(error)
                if error.raw_os_error() == Some(libc::ERANGE) && buffer.len() < ENTRY_MAX =>
            {
                buffer.resize(buffer.len() * 4, 0);
            }
            result => return result,
        }
    }
}

fn group_list(name: &CStr, primary: u32) -> io::Result<Vec<u32>> {
    let mut groups = vec![0; 64];
    loop {
        let mut count = i32::try_from(groups.len()).unwrap_or(i32::MAX);
        // SAFETY: `name` ends in a nul byte; `groups` has room for `count` ids, and both live
        // longer than the call.
        let code = unsafe {
            libc::getgrouplist(name.as_ptr(), primary, groups.as_mut_ptr(), &raw mut count)
        };
        if code >= 0 {
            groups.truncate(usize::try_from(count).unwrap_or(0));
            return Ok(groups);
        }
        if groups.len() >= GROUPS_MAX {
            return Err(io::Error::from_raw_os_error(libc::E2BIG));
        }
        groups.resize(groups.len() * 4, 0);
    }
}

/// The process at the other end of a Unix socket, as the kernel saw it when the connection was made
/// (`SO_PEERCRED`, unix(7)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Credentials {
    /// Process id.
    pub pid: i32,
    /// Effective user id.
    pub user: u32,
    /// Effective group id.
    pub group: u32,
}

impl Credentials {
    /// Returns the process at the other end of a connected Unix socket.
    ///
    /// # Errors
    ///
    /// Those of getsockopt(2).
    pub fn of_peer(socket: impl AsFd) -> io::Result<Self> {
        let peer = rustix::net::sockopt::socket_peercred(socket)?;
        Ok(Self {
            pid: peer.pid.as_raw_nonzero().get(),
            user: peer.uid.as_raw(),
            group: peer.gid.as_raw(),
        })
    }

    /// Returns whether it is a process of this process's user, or of root: no other user may act for the
    /// daemon.
    #[must_use]
    pub fn is_own_or_root(&self) -> bool {
        self.user == 0 || self.user == rustix::process::geteuid().as_raw()
    }
}

/// A right of root that can be kept when the others are given up (capabilities(7)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Capability {
    /// Change addresses and interfaces (`CAP_NET_ADMIN`).
    ChangeNetwork,
    /// Open raw sockets, bind to devices (`CAP_NET_RAW`).
    RawSockets,
    /// Bind to ports below 1024; the port of heartbeat is 694 (`CAP_NET_BIND_SERVICE`).
    LowPorts,
    /// Run with real-time priority (`CAP_SYS_NICE`).
    Realtime,
    /// Lock memory beyond the limit (`CAP_IPC_LOCK`).
    LockMemory,
    /// Signal processes of other users (`CAP_KILL`).
    Kill,
    /// Open files whatever their mode (`CAP_DAC_OVERRIDE`).
    AnyFile,
    /// Give files to other users (`CAP_CHOWN`).
    GiveFiles,
    /// Restart the machine (`CAP_SYS_BOOT`).
    Reboot,
    /// Raise limits and lower the oom score (`CAP_SYS_RESOURCE`).
    Resources,
}

impl Capability {
    fn raw(self) -> CapabilitySet {
        match self {
            Self::ChangeNetwork => CapabilitySet::NET_ADMIN,
            Self::RawSockets => CapabilitySet::NET_RAW,
            Self::LowPorts => CapabilitySet::NET_BIND_SERVICE,
            Self::Realtime => CapabilitySet::SYS_NICE,
            Self::LockMemory => CapabilitySet::IPC_LOCK,
            Self::Kill => CapabilitySet::KILL,
            Self::AnyFile => CapabilitySet::DAC_OVERRIDE,
            Self::GiveFiles => CapabilitySet::CHOWN,
            Self::Reboot => CapabilitySet::SYS_BOOT,
            Self::Resources => CapabilitySet::SYS_RESOURCE,
        }
    }
}

/// Returns the capabilities of `wanted` that the calling thread cannot use.
///
/// # Errors
///
/// Those of capget(2).
pub fn lacking(wanted: &[Capability]) -> io::Result<Vec<Capability>> {
    let effective = rustix::thread::capabilities(None)?.effective;
    Ok(wanted.iter().copied().filter(|one| !effective.contains(one.raw())).collect())
}

/// Gives up every capability of the calling thread except `kept`, permanently.
///
/// Capabilities in `kept` that the thread does not have stay absent. Capabilities belong to threads, and new
/// threads inherit them: must be called before the first thread is started. A program that a thread starts as
/// root would get all capabilities back, which is why `no_new_privs` is set as well; this makes it unusable
/// for the executor, whose agents need all rights of root.
///
/// # Errors
///
/// Those of capset(2) and prctl(2).
pub fn keep_capabilities(kept: &[Capability]) -> io::Result<()> {
    let wanted = kept.iter().fold(CapabilitySet::empty(), |set, one| set | one.raw());
    let kept = rustix::thread::capabilities(None)?.permitted & wanted;
    rustix::thread::clear_ambient_capability_set()?;
    let sets =
        CapabilitySets { effective: kept, permitted: kept, inheritable: CapabilitySet::empty() };
    rustix::thread::set_capabilities(None, sets)?;
    rustix::thread::set_no_new_privs(true)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identity_of_root_is_found_and_of_an_unknown_user_is_not() {
        let root = Identity::of_user("root").unwrap();
        assert_eq!((root.user, root.group), (0, 0));
        assert!(root.groups.contains(&0));
        assert_eq!(group_id("root").unwrap(), 0);
        let kind = Identity::of_user("no-such-user").unwrap_err().kind();
        assert_eq!(kind, io::ErrorKind::NotFound);
        assert_eq!(group_id("no-such-group").unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn node_name_matches_the_kernel_hostname() {
        let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
        assert_eq!(node_name(), name.trim_end());
    }

    #[test]
    fn capabilities_not_kept_are_dropped() {
        // Capabilities belong to a thread: a separate thread loses them, not the test process.
        let status = std::thread::spawn(|| {
            keep_capabilities(&[Capability::Kill, Capability::RawSockets]).unwrap();
            std::fs::read_to_string("/proc/thread-self/status").unwrap()
        });
        let status = status.join().unwrap();
        let line = |name| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            u64::from_str_radix(line.trim(), 16).unwrap()
        };
        let kept = (Capability::Kill.raw() | Capability::RawSockets.raw()).bits();
        assert_eq!(line("CapEff:") & !kept, 0);
        assert_eq!(line("CapPrm:"), line("CapEff:"));
        assert_eq!(line("CapInh:"), 0);
        assert!(status.contains("NoNewPrivs:\t1"));
    }
}
