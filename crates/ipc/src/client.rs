//! The client side of the control socket.

use crate::protocol::{REQUEST_MAX, RESPONSE_MAX, Request, Response};
use std::io::{self, BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;
use systole_sys::identity::Credentials;

/// Time that a daemon may take to report its state. It needs milliseconds.
const STATUS_LIMIT: Duration = Duration::from_secs(5);

/// The reason why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// No daemon listens on the socket.
    #[error("heartbeat is not running")]
    NotRunning,
    /// The caller may not connect to the socket.
    #[error("permission denied: only root and members of group haclient may query the status")]
    Denied,
    /// A process of another user listens in the daemon's place.
    #[error("another user's process listens in place of heartbeat")]
    Foreign,
    /// The connection broke.
    #[error("heartbeat does not answer")]
    Silent(#[source] io::Error),
    /// The answer cannot be parsed.
    #[error("heartbeat speaks an incompatible protocol")]
    Malformed(#[source] serde_json::Error),
}

/// How long to wait for an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// At most this long.
    Limited(Duration),
    /// As long as it takes.
    Endless,
}

impl Patience {
    /// Returns the patience that suits a request: the state is reported at once, but an order takes as long
    /// as the agents do.
    #[must_use]
    pub const fn of(request: &Request) -> Self {
        if request.is_order() { Self::Endless } else { Self::Limited(STATUS_LIMIT) }
    }
}

/// Sends a request to the daemon that listens at `socket`. Returns `None` if the daemon has not answered in
/// time; it may still carry out the request.
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
