//! Asks the daemon, and says what is wrong with its answer.

use crate::{complain, exit};
use std::path::Path;
use systole_ipc::client::{AskError, Patience, ask};
use systole_ipc::paths::Paths;
use systole_ipc::protocol::{Reason, Request, Response, Status};

/// Sends a request to the daemon. A failure is printed, and its exit code returned.
pub(crate) fn ask_daemon(run: &Path, request: &Request) -> Result<Response, u8> {
    let response = ask_daemon_within(run, request, Patience::of(request))?;
    response.ok_or_else(|| {
        complain("heartbeat does not answer");
        exit::REFUSED
    })
}

/// Sends a request to the daemon and waits for the time given. Returns nothing if there is no answer by
/// then.
pub(crate) fn ask_daemon_within(
    run: &Path,
    request: &Request,
    patience: Patience,
) -> Result<Option<Response>, u8> {
    let paths = Paths { run: run.to_owned(), ..Paths::default() };
    ask(&paths.control_socket(), request, patience).map_err(|error| {
        complain(&match std::error::Error::source(&error) {
            Some(cause) => format!("{error}: {cause}"),
            None => error.to_string(),
        });
        match error {
            AskError::NotRunning => exit::NOT_RUNNING,
            AskError::Denied => exit::PERMISSION,
            AskError::Foreign | AskError::Silent(_) | AskError::Malformed(_) => exit::REFUSED,
        }
    })
}

/// Whether a daemon is running, as far as could be found out.
pub(crate) enum Presence {
    /// A daemon has reported its state.
    Runs(Box<Status>),
    /// No daemon is running.
    Absent,
    /// No daemon has answered, but one may be running.
    Unknown,
}

/// Asks whether a daemon is running, and for its state.
pub(crate) fn presence(run: &Path) -> Presence {
    let paths = Paths { run: run.to_owned(), ..Paths::default() };
    match ask(&paths.control_socket(), &Request::Status, Patience::of(&Request::Status)) {
        Ok(Some(Response::Status(status))) => Presence::Runs(status),
        Err(AskError::NotRunning) => Presence::Absent,
        Ok(_) | Err(_) => Presence::Unknown,
    }
}

/// Prints a response other than the expected one, and returns the exit code.
pub(crate) fn refuse(response: &Response) -> u8 {
    match response {
        Response::Denied => {
            complain("permission denied: only root may give orders");
            exit::PERMISSION
        }
        Response::Refused { reason, text } => {
            complain(&refused(*reason, text));
            exit::REFUSED
        }
        Response::Failed { text } => {
            complain(text);
            exit::REFUSED
        }
        Response::Status(_)
        | Response::Parameters(_)
        | Response::Done
        | Response::Reloaded { .. }
        | Response::Invalid { .. } => {
            complain("heartbeat sent an unexpected answer");
            exit::REFUSED
        }
    }
}

/// Returns why an order was not carried out: it was refused, or accepted and has failed.
fn refused(reason: Reason, text: &str) -> String {
    let what = if reason.is_failure() { "failed" } else { "refused" };
    format!("{what}: {text}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use systole_core::{OrderRefusal, Refusal, ReloadRefusal};
    use systole_ipc::texts;

    #[test]
    fn order_accepted_but_not_carried_out_reads_failed_not_refused() {
        let told = |reason: Reason| {
            let text = texts::reason(reason);
            let told = refused(reason, text);
            told.strip_suffix(&format!(": {text}")).expect("it ends with the text").to_owned()
        };
        let failures = [Refusal::Failed, Refusal::CannotStop, Refusal::NoReply, Refusal::PeerDied];
        let document = include_str!("../../../docs/exit-codes.md");
        let document = document.split_whitespace().collect::<Vec<_>>().join(" ");
        for reason in failures {
            assert_eq!(told(reason.into()), "failed", "{reason:?}");
            let line = format!("hb: {}", refused(reason.into(), texts::refusal(reason)));
            assert!(document.contains(&line), "docs/exit-codes.md does not quote `{line}`");
        }
        for reason in [Refusal::NoPeer, Refusal::Busy, Refusal::Unable, Refusal::NotHere] {
            assert_eq!(told(reason.into()), "refused", "{reason:?}");
        }
        assert_eq!(told(Reason::Order(OrderRefusal::NothingFailed)), "refused");
        assert_eq!(told(Reason::Reload(ReloadRefusal::Busy)), "refused");
    }
}
