//! `hb status`: the state of the cluster as this node sees it.

use crate::daemon::{ask_daemon, refuse};
use crate::{complain, exit, print, show};
use std::path::Path;
use systole_ipc::protocol::{Request, Response};

/// Prints the state, as text or JSON.
pub(crate) fn run(run: &Path, json: bool) -> u8 {
    let status = match ask_daemon(run, &Request::Status) {
        Ok(Response::Status(status)) => status,
        Ok(other) => return refuse(&other),
        Err(code) => return code,
    };
    if !json {
        print(&show::text(&status));
        return exit::OK;
    }
    match serde_json::to_string_pretty(&status) {
        Ok(text) => {
            print(&format!("{text}\n"));
            exit::OK
        }
        Err(error) => {
            complain(&format!("cannot write the state: {error}"));
            exit::REFUSED
        }
    }
}
