//! The other side of the control socket, for commands.

use super::protocol::{REQUEST_MAX, RESPONSE_MAX, Request, Response};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// How long a daemon may take to tell its state; it needs milliseconds.
const STATUS_LIMIT: Duration = Duration::from_secs(5);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// No daemon listens.
    #[error("heartbeat is not running")]
    NotRunning,
    /// The caller may not even connect.
    #[error("permission denied: only root and members of group haclient may ask")]
    Denied,
    /// The connection broke, or the daemon did not answer in time.
    #[error("heartbeat does not answer")]
    Silent(#[source] io::Error),
    /// The answer is not one.
    #[error("heartbeat answers in another language")]
    Malformed(#[source] serde_json::Error),
}

/// Asks the daemon that listens at `socket`. An order is waited for as long as it takes.
///
/// # Errors
///
/// When there is no answer.
pub fn ask(socket: &Path, request: &Request) -> Result<Response, AskError> {
    let mut stream = UnixStream::connect(socket).map_err(unconnected)?;
    let limit = (!request.is_order()).then_some(STATUS_LIMIT);
    stream.set_read_timeout(limit).map_err(AskError::Silent)?;
    let mut line = serde_json::to_vec(request).map_err(AskError::Malformed)?;
    line.push(b'\n');
    debug_assert!(line.len() <= REQUEST_MAX);
    stream.write_all(&line).map_err(AskError::Silent)?;
    let mut answer = Vec::new();
    let mut reader = BufReader::new(stream).take(RESPONSE_MAX as u64);
    reader.read_until(b'\n', &mut answer).map_err(AskError::Silent)?;
    if answer.is_empty() {
        return Err(AskError::Silent(io::ErrorKind::UnexpectedEof.into()));
    }
    serde_json::from_slice(&answer).map_err(AskError::Malformed)
}

fn unconnected(error: io::Error) -> AskError {
    let kind = error.kind();
    if kind == io::ErrorKind::PermissionDenied {
        AskError::Denied
    } else if matches!(kind, io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) {
        AskError::NotRunning
    } else {
        AskError::Silent(error)
    }
}
