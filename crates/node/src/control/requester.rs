//! The user who gives an order.
//!
//! Names are read only from `/etc/passwd`: a name service may be queried over the network, and orders are
//! given when the network is broken.

use std::fs::File;
use std::io::Read as _;
use systole_core::Ticket;
use systole_ipc::journal::JournalEvent;
use systole_ipc::order::JournalOrder;

/// Maximum number of bytes of a file that are read for a name.
const FILE_MAX: u64 = 1 << 20;
/// The contents of `/proc/PID/loginuid` if no user logged in (proc(5)).
const NO_LOGIN: u32 = u32::MAX;

/// The user who gives an order.
#[derive(Debug)]
pub(super) struct Requester {
    uid: u32,
    pid: i32,
    user: Option<String>,
    login: Option<String>,
}

impl Requester {
    /// Returns the user of a process, by name if known, and the user who logged in and became that user.
    pub(super) fn of(uid: u32, pid: i32) -> Self {
        let users = read("/etc/passwd");
        let login = read(&format!("/proc/{pid}/loginuid")).trim().parse().ok();
        let login = login.filter(|login| *login != NO_LOGIN && *login != uid);
        let login = login.map(|login| name(&users, login).unwrap_or_else(|| login.to_string()));
        Self { uid, pid, user: name(&users, uid), login }
    }

    /// Returns the writer of a message in the FIFO: root, but nobody knows which process.
    pub(super) fn fifo() -> Self {
        let users = read("/etc/passwd");
        Self { uid: 0, pid: 0, user: name(&users, 0), login: None }
    }

    pub(super) fn orders(self, order: impl Into<JournalOrder>, ticket: Ticket) -> JournalEvent {
        let (Self { uid, pid, user, login }, order) = (self, order.into());
        JournalEvent::Order { order, uid, pid, user, login, ticket: ticket.0 }
    }

    pub(super) fn denied(self) -> JournalEvent {
        let Self { uid, pid, user, login: _ } = self;
        JournalEvent::Denied { uid, pid, user }
    }
}

/// Returns the contents of a file; empty if there is none.
fn read(path: &str) -> String {
    let mut bytes = Vec::new();
    let file = File::open(path).and_then(|file| file.take(FILE_MAX).read_to_end(&mut bytes));
    file.map_or(String::new(), |_| String::from_utf8_lossy(&bytes).into_owned())
}

/// Returns the name of a user in the text of `/etc/passwd` (passwd(5)).
fn name(users: &str, uid: u32) -> Option<String> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_name_is_read_from_passwd_file() {
        let users = "root:x:0:0:root:/root:/bin/bash\n+::::::\njunk\nanna:x:1000:1000::/:\n";
        assert_eq!(name(users, 0).as_deref(), Some("root"));
        assert_eq!(name(users, 1000).as_deref(), Some("anna"));
        assert_eq!(name(users, 1001), None);
        assert_eq!(read("/no/such/file"), "");
        let own = Requester::of(0, std::process::id().cast_signed());
        assert_eq!(own.user.as_deref(), Some("root"));
    }
}
