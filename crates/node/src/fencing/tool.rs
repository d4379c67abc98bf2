//! Turns a device of `ha.cf` into the program that drives it.

use serde::{Deserialize, Serialize};
use std::fmt;
use systole_config::{
    FENCE_AGENTS, FenceDevice, STONITH_COMMAND, StonithParameters, is_secret_option,
};

/// Parameters shorter than this are too common in any text to be hidden in it.
const HIDDEN_LENGTH_MIN: usize = 4;

/// A program that resets a node, with its input.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tool {
    /// The name by which administrators know the device.
    pub(crate) name: String,
    /// The program.
    pub(crate) program: String,
    /// Its arguments. They contain no secrets, because every user can see them.
    pub(crate) arguments: Vec<String>,
    /// The text for its standard input.
    pub(crate) input: String,
    /// The words that must not be seen in its output.
    pub(crate) hidden: Vec<String>,
}

impl fmt::Debug for Tool {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Tool")
            .field("program", &self.program)
            .field("arguments", &self.arguments)
            .finish_non_exhaustive()
    }
}

impl Tool {
    /// Returns the program that has a device reset `node`; `nodes` are the names of all nodes.
    pub(crate) fn of(device: &FenceDevice, node: &str, nodes: &[String]) -> Self {
        let name = device.name().to_owned();
        match device {
            FenceDevice::Stonith { device, parameters } => {
                let (file, input) = match parameters {
                    StonithParameters::File(path) => (path.as_str(), String::new()),
                    StonithParameters::Words(words) => ("/dev/stdin", format!("{}\n", words.0)),
                };
                let is_name = |word: &str| nodes.iter().any(|node| node == word);
                let words = input.split_whitespace().filter(|word| !is_name(word));
                let arguments = ["-t", device, "-F", file, "-T", "reset", node];
                Self {
                    name,
                    program: STONITH_COMMAND.to_owned(),
                    arguments: arguments.map(str::to_owned).into(),
                    hidden: hidden(words),
                    input,
                }
            }
            FenceDevice::Agent { agent, options, .. } => {
                let action = options.iter().all(|(name, _)| name != "action");
                let mut input = if action { "action=reboot\n".to_owned() } else { String::new() };
                for (name, value) in options {
                    input += &format!("{name}={}\n", value.0);
                }
                let secrets = options.iter().filter(|(name, _)| is_secret_option(name));
                Self {
                    name,
                    program: format!("{FENCE_AGENTS}/{agent}"),
                    arguments: Vec::new(),
                    hidden: hidden(secrets.map(|(_, value)| value.0.as_str())),
                    input,
                }
            }
        }
    }

    /// Returns a line of the output without the words that must not be seen.
    pub(crate) fn conceal(&self, line: &str) -> String {
        self.hidden.iter().fold(line.to_owned(), |line, word| line.replace(word, "***"))
    }
}

fn hidden<'a>(words: impl Iterator<Item = &'a str>) -> Vec<String> {
    words.filter(|word| word.len() >= HIDDEN_LENGTH_MIN).map(str::to_owned).collect()
}
