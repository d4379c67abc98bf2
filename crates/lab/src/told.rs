//! Waiting for what a node reports. A daemon acts first and writes its log and its journal on separate
//! threads: an action of a node is often visible before it can be read there.

use crate::{Lab, LabError, Node};
use std::time::Duration;

/// How long a node may take to report what it did.
const LIMIT: Duration = Duration::from_secs(20);

impl Lab {
    /// Waits until a node's log has each of these texts, and returns the log.
    ///
    /// # Errors
    ///
    /// [`LabError::NotTold`] when one of them is not there in time.
    pub fn wait_for_log(&self, node: Node, texts: &[&str]) -> Result<String, LabError> {
        self.wait_for_text(&format!("the log of {node}"), texts, || self.log(node))
    }

    /// Waits until a file on a node's disk has each of these texts, and returns the file.
    ///
    /// # Errors
    ///
    /// [`LabError::NotTold`] when one of them is not there in time.
    pub fn wait_for_file(
        &self,
        node: Node,
        path: &str,
        texts: &[&str],
    ) -> Result<String, LabError> {
        self.wait_for_text(&format!("{path} of {node}"), texts, || self.read_file(node, path))
    }

    /// Runs a command on a node until its standard output has each of these texts, and returns that output.
    ///
    /// # Errors
    ///
    /// [`LabError::NotTold`] when one of them is not there in time.
    pub fn wait_for_answer(
        &self,
        node: Node,
        command: &[&str],
        texts: &[&str],
    ) -> Result<String, LabError> {
        self.wait_for_text(&format!("`{}` on {node}", command.join(" ")), texts, || {
            self.run(node, command).map(|told| told.stdout).unwrap_or_default()
        })
    }

    fn wait_for_text(
        &self,
        place: &str,
        texts: &[&str],
        read: impl Fn() -> String,
    ) -> Result<String, LabError> {
        let mut text = String::new();
        let told = self.wait_for(place, LIMIT, || {
            text = read();
            texts.iter().all(|wanted| text.contains(wanted))
        });
        if told.is_ok() {
            return Ok(text);
        }
        let missing = texts.iter().filter(|wanted| !text.contains(**wanted));
        let missing = missing.map(|&wanted| wanted.to_owned()).collect();
        Err(LabError::NotTold { place: place.to_owned(), missing, limit: LIMIT, text })
    }
}
