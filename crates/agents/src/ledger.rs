//! What the executor holds, on disk, so that its successor can adopt it.

use crate::protocol::Held;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::PathBuf;
use systole_core::{GroupKey, Resource, ResourceKind};

/// Longest file that is read, in bytes. What we write is far shorter.
const FILE_MAX: u64 = 16 << 20;

/// The resources that were started and not stopped, by group, as a file below `/run`.
///
/// A resource is entered before its start and struck out after its stop, so that what is half
/// started is in it.
#[derive(Debug)]
pub(crate) struct Ledger {
    path: PathBuf,
    boot: String,
    groups: Vec<Held>,
}

#[derive(Debug, Serialize, Deserialize)]
struct File {
    /// The boot in which it was written: nothing outlives a reboot.
    boot: String,
    groups: Vec<Held>,
}

impl Ledger {
    /// Reads what an earlier executor of this boot left. A file that cannot be understood is as
    /// good as none: addresses have their mark, and a start asks for the status first.
    pub(crate) fn open(path: PathBuf, boot: String) -> Self {
        let file = read(&path).ok().filter(|file| file.boot == boot);
        Self { path, boot, groups: file.map_or_else(Vec::new, |file| file.groups) }
    }

    /// All groups that have resources.
    pub(crate) fn groups(&self) -> &[Held] {
        &self.groups
    }

    /// Whether nothing is held.
    pub(crate) fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// Enters resources that are about to be started, under the names that `of` says.
    pub(crate) fn enter(&mut self, of: &Held) -> io::Result<()> {
        let at = self.groups.iter().position(|held| held.group == of.group);
        let at = at.unwrap_or_else(|| {
            self.groups.push(Held { resources: Vec::new(), ..of.clone() });
            self.groups.len() - 1
        });
        let held = &mut self.groups[at];
        held.term = of.term;
        held.group_name.clone_from(&of.group_name);
        for resource in &of.resources {
            if !held.resources.contains(resource) {
                held.resources.push(resource.clone());
            }
        }
        self.write()
    }

    /// Strikes out resources that were stopped.
    pub(crate) fn strike(&mut self, group: GroupKey, stopped: &[Resource]) -> io::Result<()> {
        for held in self.groups.iter_mut().filter(|held| held.group == group) {
            held.resources.retain(|resource| !stopped.contains(resource));
        }
        self.groups.retain(|held| !held.resources.is_empty());
        self.write()
    }

    /// Every held address, with its group.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = (GroupKey, &Resource)> {
        let all = self
            .groups
            .iter()
            .flat_map(|held| held.resources.iter().map(move |resource| (held.group, resource)));
        all.filter(|(_, resource)| matches!(resource.kind, ResourceKind::Address(_)))
    }

    /// Writes the file anew. It is replaced as a whole, so that a reader sees the old or the new.
    fn write(&self) -> io::Result<()> {
        let file = File { boot: self.boot.clone(), groups: self.groups.clone() };
        let fresh = self.path.with_extension("new");
        fs::write(&fresh, serde_json::to_vec(&file)?)?;
        fs::rename(fresh, &self.path)
    }
}

fn read(path: &PathBuf) -> io::Result<File> {
    let mut text = Vec::new();
    io::Read::read_to_end(&mut io::Read::take(fs::File::open(path)?, FILE_MAX), &mut text)?;
    Ok(serde_json::from_slice(&text)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agent(name: &str) -> Resource {
        let kind = ResourceKind::Agent { name: name.into(), arguments: Vec::new() };
        Resource { word: name.into(), kind }
    }

    fn held(resources: Vec<Resource>) -> Held {
        Held { group: GroupKey(1), group_name: "web".into(), term: 4, resources }
    }

    #[test]
    fn the_successor_reads_what_was_entered_in_order() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("executor.json");
        let mut ledger = Ledger::open(path.clone(), "boot".into());
        ledger.enter(&held(vec![agent("a")])).unwrap();
        ledger.enter(&held(vec![agent("b"), agent("a")])).unwrap();
        let successor = Ledger::open(path.clone(), "boot".into());
        assert_eq!(successor.groups(), [held(vec![agent("a"), agent("b")])]);

        ledger.strike(GroupKey(1), &[agent("a")]).unwrap();
        let successor = Ledger::open(path.clone(), "boot".into());
        assert_eq!(successor.groups(), [held(vec![agent("b")])]);
        ledger.strike(GroupKey(1), &[agent("b")]).unwrap();
        assert!(Ledger::open(path, "boot".into()).is_empty());
    }

    #[test]
    fn another_boot_and_a_broken_file_leave_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("executor.json");
        let mut ledger = Ledger::open(path.clone(), "boot".into());
        ledger.enter(&held(vec![agent("a")])).unwrap();
        assert!(Ledger::open(path.clone(), "another".into()).is_empty());
        fs::write(&path, "{\"boot\":").unwrap();
        assert!(Ledger::open(path, "boot".into()).is_empty());
    }
}
