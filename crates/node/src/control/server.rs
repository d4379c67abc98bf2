//! The control socket: who may connect, and lines in both directions.
//!
//! The mode of the socket admits root and the group `haclient`, which is enough to query the state. Orders
//! that change anything are for root only, according to the credentials that the kernel reports.

#[cfg(test)]
mod tests;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::fs::{self, Permissions};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use systole_ipc::protocol::{REQUEST_MAX, Request, Response};
use systole_sys::identity::{self, Credentials};

/// Maximum number of connections at a time. Further ones wait in the kernel.
const CLIENTS_MAX: usize = 16;
/// Number of connections that are reserved for root, so that members of the group cannot keep root from
/// giving orders.
const FOR_ROOT: usize = 4;
/// Maximum number of connections that are accepted in one turn, including those that are refused.
const ACCEPTED_PER_TURN: usize = 64;
/// Time within which a client must send its request, or read the response.
const PATIENCE: Duration = Duration::from_secs(10);
/// Mode of the socket: accessible to root and the group.
const MODE: u32 = 0o660;
/// The answer to a line that is no request.
const UNREADABLE: &str = "the request cannot be read; if hb was upgraded, run `hb restart`, so that the daemon is of the \
                          same version";
/// The group that may query the state.
const GROUP: &str = "haclient";

/// Identifies a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ClientId(u64);

/// A request, and the client that made it.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) client: ClientId,
    pub(super) credentials: Credentials,
    pub(super) request: Request,
}

/// A connection.
#[derive(Debug)]
struct Client {
    id: ClientId,
    credentials: Credentials,
    stream: UnixStream,
    input: Vec<u8>,
    output: Vec<u8>,
    /// The client has sent its request and waits for the response. Its own time limit does not run
    /// meanwhile.
    waits: bool,
    since: Instant,
    /// The client has closed its writing side: it sends no more requests, and may wait for a response.
    has_ended: bool,
    is_gone: bool,
}

/// The socket and its connections.
#[derive(Debug)]
pub(super) struct Server {
    /// Absent as long as the socket cannot be created.
    listener: Option<UnixListener>,
    path: PathBuf,
    clients: Vec<Client>,
    next: u64,
}

impl Server {
    /// Creates a server that listens at `path` once it is [opened](Self::tend).
    pub(super) fn new(path: &Path) -> Self {
        Self { listener: None, path: path.to_owned(), clients: Vec::new(), next: 0 }
    }

    /// Listens, unless it already does at the path where clients look for it. A socket that an earlier
    /// daemon left there is replaced: the pid file has proved that no daemon runs.
    ///
    /// # Errors
    ///
    /// When the socket cannot be created. The call can be repeated.
    pub(super) fn tend(&mut self) -> io::Result<()> {
        // No client finds a socket whose file was removed.
        if self.listener.is_none() || !self.path.exists() {
            self.listener = Some(listen(&self.path)?);
        }
        Ok(())
    }

    /// Accepts connections and reads. Returns the requests.
    pub(super) fn read(&mut self) -> Vec<Asked> {
        self.accept();
        let asked = self.clients.iter_mut().filter_map(Client::read).collect();
        self.clean();
        asked
    }

    /// Answers a client, if it is still connected.
    pub(super) fn answer(&mut self, client: ClientId, response: &Response) {
        let found = self.clients.iter_mut().find(|it| it.id == client);
        if let Some(client) = found {
            client.answer(response);
        }
        self.clean();
    }

    /// Sends what could not be sent before, and closes the connections of clients that are too slow.
    pub(super) fn tick(&mut self) {
        for client in &mut self.clients {
            client.write();
            client.notice_end();
            client.is_gone |= !client.waits && client.since.elapsed() > PATIENCE;
        }
        self.clean();
    }

    /// The descriptors to wait for.
    pub(super) fn descriptors(&self) -> impl Iterator<Item = PollFd<'_>> {
        let accepts = self.clients.len() < CLIENTS_MAX;
        let listener = self.listener.iter().filter(move |_| accepts);
        let listener = listener.map(|listener| PollFd::new(listener, PollFlags::IN));
        // A client that has ended is readable forever. Whether it is gone is checked at every tick.
        let waited_for = |client: &&Client| !client.has_ended || !client.output.is_empty();
        let clients = self.clients.iter().filter(waited_for).map(|client| {
            let flags = if client.output.is_empty() { PollFlags::IN } else { PollFlags::OUT };
            PollFd::from_borrowed_fd(client.stream.as_fd(), flags)
        });
        listener.chain(clients)
    }

    fn accept(&mut self) {
        for _ in 0..ACCEPTED_PER_TURN {
            if self.clients.len() >= CLIENTS_MAX {
                return;
            }
            let Some(Ok((stream, _))) = self.listener.as_ref().map(UnixListener::accept) else {
                return;
            };
            let Ok(credentials) = Credentials::of_peer(&stream) else { continue };
            if stream.set_nonblocking(true).is_err() {
                continue;
            }
            self.admit(stream, credentials);
        }
    }

    /// Takes a connection, unless it would occupy root's place.
    fn admit(&mut self, stream: UnixStream, credentials: Credentials) {
        self.next += 1;
        let mut client = Client {
            id: ClientId(self.next),
            credentials,
            stream,
            input: Vec::new(),
            output: Vec::new(),
            waits: false,
            since: Instant::now(),
            has_ended: false,
            is_gone: false,
        };
        let is_other = |client: &Client| client.credentials.user != 0;
        let others = self.clients.iter().filter(|client| is_other(client)).count();
        if is_other(&client) && others >= CLIENTS_MAX - FOR_ROOT {
            return client.fail("too many ask at once");
        }
        self.clients.push(client);
    }

    fn clean(&mut self) {
        self.clients.retain(|client| !client.is_gone);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A file that stays is replaced by the next daemon.
        let _ = fs::remove_file(&self.path);
    }
}

fn listen(path: &Path) -> io::Result<UnixListener> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let listener = UnixListener::bind(path)?;
    listener.set_nonblocking(true)?;
    if let Ok(group) = identity::group_id(GROUP) {
        // Without root's rights the group cannot be set, and only this process's user may connect.
        let _ = chown(path, None, Some(group));
    }
    fs::set_permissions(path, Permissions::from_mode(MODE))?;
    Ok(listener)
}

impl Client {
    /// Reads what arrived. Returns a request when its line is complete.
    fn read(&mut self) -> Option<Asked> {
        let mut bytes = [0; REQUEST_MAX];
        if !self.has_ended {
            match self.stream.read(&mut bytes) {
                Ok(0) => self.has_ended = true,
                Ok(length) => self.input.extend_from_slice(&bytes[..length]),
                Err(error) => {
                    self.is_gone |=
                        !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted);
                }
            }
        }
        let asked = self.next_request();
        self.notice_end();
        asked
    }

    fn next_request(&mut self) -> Option<Asked> {
        let end = self.input.iter().position(|byte| *byte == b'\n');
        let Some(end) = end.filter(|_| !self.waits) else {
            if self.input.len() > REQUEST_MAX {
                self.fail("the request is too long");
                self.is_gone = true;
            }
            return None;
        };
        let line: Vec<u8> = self.input.drain(..=end).collect();
        let Ok(request) = serde_json::from_slice(&line) else {
            self.fail(UNREADABLE);
            return None;
        };
        self.waits = true;
        Some(Asked { client: self.id, credentials: self.credentials, request })
    }

    /// Whether a client that sends no more requests waits for no response either, or has closed its reading
    /// side too.
    fn notice_end(&mut self) {
        if !self.has_ended {
            return;
        }
        let is_answered = !self.waits && self.output.is_empty() && !self.input.contains(&b'\n');
        let mut fds = [PollFd::new(&self.stream, PollFlags::empty())];
        let looked = poll(&mut fds, Some(&Timespec::default()));
        let closed = PollFlags::HUP | PollFlags::ERR;
        let is_closed = looked.is_ok() && fds[0].revents().intersects(closed);
        self.is_gone |= is_answered || is_closed;
    }

    fn fail(&mut self, text: &str) {
        self.answer(&Response::Failed { text: text.to_owned() });
    }

    fn answer(&mut self, response: &Response) {
        self.waits = false;
        self.since = Instant::now();
        if let Ok(line) = serde_json::to_vec(response) {
            self.output.extend_from_slice(&line);
            self.output.push(b'\n');
        }
        self.write();
    }

    fn write(&mut self) {
        while !self.output.is_empty() {
            match self.stream.write(&self.output) {
                Ok(0) => {
                    self.is_gone = true;
                    return;
                }
                Ok(length) => {
                    self.output.drain(..length);
                }
                Err(error) => {
                    self.is_gone |=
                        !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted);
                    return;
                }
            }
        }
    }
}
