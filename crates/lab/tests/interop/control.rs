//! What a pair of C nodes did: the standard for all other pairs.

use crate::lines::Complaints;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::PathBuf;
use systole_lab::Node;

/// The node that has each group's address; `None` where no node or both nodes have it.
pub(crate) type Owners = [Option<Node>; 2];

/// One step of a scenario, as it was observed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Step {
    /// What was done.
    pub(crate) name: String,
    /// The nodes that had the groups at its end.
    pub(crate) owners: Owners,
    /// Whether both nodes had an address at some moment.
    pub(crate) doubled: bool,
    /// The complaints of web1 and web2; over several runs the highest count of each.
    pub(crate) complaints: [Complaints; 2],
}

/// All steps of a scenario, combined from some runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Control {
    /// The number of runs from which it comes.
    pub(crate) runs: u32,
    /// The steps.
    pub(crate) steps: Vec<Step>,
}

impl Control {
    /// Reads the control of a scenario.
    pub(crate) fn read(scenario: &str) -> Result<Self, String> {
        let path = path(scenario);
        let text = fs::read_to_string(&path)
            .map_err(|error| format!("{}: {error}; run `just control`", path.display()))?;
        serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
    }

    /// Writes the control of a scenario.
    pub(crate) fn write(&self, scenario: &str) -> Result<(), String> {
        let path = path(scenario);
        let text = serde_json::to_string_pretty(self).map_err(|error| error.to_string())?;
        fs::write(&path, text + "\n").map_err(|error| format!("{}: {error}", path.display()))
    }

    /// Adds a run. The control of a scenario with other steps is discarded.
    pub(crate) fn add(&mut self, run: &[Step]) {
        let names = |steps: &[Step]| -> Vec<String> {
            steps.iter().map(|step| step.name.clone()).collect()
        };
        if names(&self.steps) != names(run) {
            *self = Self { runs: 1, steps: run.to_vec() };
            return;
        }
        self.runs += 1;
        for (known, new) in self.steps.iter_mut().zip(run) {
            known.owners = new.owners;
            known.doubled |= new.doubled;
            for (known, new) in known.complaints.iter_mut().zip(&new.complaints) {
                for (words, count) in new {
                    let most = known.entry(words.clone()).or_default();
                    *most = (*most).max(*count);
                }
            }
        }
    }
}

fn path(scenario: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/interop/control");
    folder.join(scenario).with_extension("json")
}
