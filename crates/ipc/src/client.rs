//! The other side of the control socket, for commands.

use crate::protocol::{REQUEST_MAX, RESPONSE_MAX, Request, Response};
use std::io::{self, BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;
use systole_sys::identity::Credentials;

/// How long a daemon may take to tell its state; it needs milliseconds.
const STATUS_LIMIT: Duration = Duration::from_secs(5);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// No daemon listens.
    #[error("heartbeat is not running")]
    NotRunning,
    /// The caller may not even connect.
    #[error("permission denied: only root and members of group haclient may query the status")]
    Denied,
    /// Somebody else listens in the daemon's place.
    #[error("another user's process listens in place of heartbeat")]
    Foreign,
    /// The connection broke.
    #[error("heartbeat does not answer")]
    Silent(#[source] io::Error),
    /// The answer is not one.
    #[error("heartbeat speaks an incompatible protocol")]
    Malformed(#[source] serde_json::Error),
}

/// How long an answer is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// So long.
    Limited(Duration),
    /// As long as it takes.
    Endless,
}

impl Patience {
    /// What suits a request: the state is there at once, an order takes as long as agents do.
    #[must_use]
    pub const fn of(request: &Request) -> Self {
        if request.is_order() { Self::Endless } else { Self::Limited(STATUS_LIMIT) }
    }
}

/// Asks the daemon that listens at `socket`. Nothing when it has not answered in time: what was
/// asked for may happen all the same.
///
/// # Errors
///
/// When no daemon can be asked, or its answer cannot be read.
pub fn ask(
    socket: &Path,
    request: &Request,
    patience: Patience,
) -> Result<Option<Response>, AskError> {
    let mut stream = UnixStream::connect(socket).map_err(unconnected)?;
    let listener = Credentials::of_peer(&stream).map_err(AskError::Silent)?;
    if !listener.is_own_or_root() {
        return Err(AskError::Foreign);
    }
    let limit = match patience {
        Patience::Limited(limit) => Some(limit),
        Patience::Endless => None,
    };
    stream.set_read_timeout(limit).map_err(AskError::Silent)?;
    let mut line = serde_json::to_vec(request).map_err(AskError::Malformed)?;
    line.push(b'\n');
    debug_assert!(line.len() <= REQUEST_MAX);
    stream.write_all(&line).map_err(AskError::Silent)?;
    let mut answer = Vec::new();
    let mut reader = BufReader::new(stream).take(RESPONSE_MAX as u64);
    match reader.read_until(b'\n', &mut answer) {
        Ok(_) => {}
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
            return Ok(None);
        }
        Err(error) => return Err(AskError::Silent(error)),
    }
    if answer.is_empty() {
        return Err(AskError::Silent(ErrorKind::UnexpectedEof.into()));
    }
    serde_json::from_slice(&answer).map(Some).map_err(AskError::Malformed)
}

fn unconnected(error: io::Error) -> AskError {
    let kind = error.kind();
    if kind == ErrorKind::PermissionDenied {
        AskError::Denied
    } else if matches!(kind, ErrorKind::NotFound | ErrorKind::ConnectionRefused) {
        AskError::NotRunning
    } else {
        AskError::Silent(error)
    }
}
