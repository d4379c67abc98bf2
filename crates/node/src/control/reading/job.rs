//! The work of the helper: it reads, checks and compares the files, and finds out what must be done next.

use super::Steps;
use super::hindrance;
pub(in crate::control) use super::hindrance::Hindrance;
use crate::beat::pings::PingNode;
use crate::daemon::host_names::Names;
use crate::daemon::recalled::with_cause;
use crate::daemon::{findings, media, wiring};
use crate::log::Line;
use crate::program;
use crate::runtime;
use crate::state::State;
use std::sync::Arc;
use systole_config::{Change, Config, Effect, difference};
use systole_core::Settings;
use systole_facts::Files;
use systole_ipc::paths::Paths;
use systole_sys::link::LinkSpec;

/// The purpose of reading the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::control) enum Purpose {
    /// To apply what has changed.
    Reload,
    /// To check that a successor would start.
    Restart,
}

/// Why a file that may have been written only in part changes nothing.
const EMPTIED: &str = "haresources no longer has a group, which would stop everything: `hb reload \
                       --empty` accepts that";

/// What the helper needs, and what is in force.
pub(in crate::control) struct Job {
    pub(in crate::control) purpose: Purpose,
    /// Whether a haresources without groups is intended.
    pub(in crate::control) may_be_empty: bool,
    pub(in crate::control) paths: Paths,
    /// Whether there is an executor, which a successor has to find.
    pub(in crate::control) has_executor: bool,
    pub(in crate::control) state: State,
    pub(in crate::control) settings: Arc<Settings>,
    pub(in crate::control) files: Files,
    pub(in crate::control) config: Config,
    /// The media in force, with their hosts resolved.
    pub(in crate::control) media: Vec<LinkSpec>,
}

/// What was read, which is also what is applied.
#[derive(Debug)]
pub(in crate::control) struct Read {
    pub(in crate::control) files: Files,
    pub(in crate::control) config: Config,
    /// The changes, in words.
    pub(in crate::control) changes: Vec<String>,
    /// What keeps changed lines from starting on this node.
    pub(in crate::control) hindrances: Vec<Hindrance>,
    /// Mistakes with which the daemon runs, as `hb check` prints them.
    pub(in crate::control) findings: String,
}

/// What must be done next.
#[derive(Debug)]
pub(in crate::control) enum Next {
    /// The files are identical.
    Same,
    /// Nothing that matters has changed in the files.
    Unchanged(Read),
    /// The running daemon applies the change. Ping nodes are given if they, or the time for judging them,
    /// have changed.
    Live(Read, Option<Vec<PingNode>>),
    /// A successor applies the change. Hosts have been resolved for it.
    Anew(Read, Names),
}

/// Why there is nothing to be done next.
#[derive(Debug)]
pub(in crate::control) enum Trouble {
    /// Mistakes in the files, in readable form.
    Mistakes(String),
    /// Any other reason.
    Failed(String),
}

/// The findings of a helper.
#[derive(Debug)]
pub(in crate::control) struct Found {
    /// Lines for the log.
    pub(in crate::control) lines: Vec<Line>,
    pub(in crate::control) result: Result<Next, Trouble>,
}

impl Found {
    /// Creates a finding that is an error.
    #[cfg(test)]
    pub(super) fn failed(text: String) -> Self {
        Self { lines: Vec::new(), result: Err(Trouble::Failed(text)) }
    }
}

impl Job {
    /// Does the work, and reports each step that may wait for a disk or a name server.
    pub(in crate::control) fn work(self, steps: &Steps) -> Found {
        let tell = |step| steps.tell(step);
        let files = Files::read_telling(&self.paths.configuration, &tell);
        if self.purpose == Purpose::Reload && files == self.files {
            return Found { lines: Vec::new(), result: Ok(Next::Same) };
        }
        let loaded = files.check_telling(&self.paths.configuration, &tell);
        let lines = findings::lines(&loaded.findings, &files);
        let findings = findings::mistakes(&loaded.findings, &files);
        let result = match loaded.config {
            None => Err(Trouble::Mistakes(findings::report(&loaded.findings, &files, false))),
            Some(config) if self.is_emptied(&config) => Err(Trouble::Failed(EMPTIED.to_owned())),
            Some(config) => self.next(files, config, findings, steps).map_err(Trouble::Failed),
        };
        Found { lines, result }
    }

    /// Whether there were groups, and now there are none, without an order that accepts this.
    fn is_emptied(&self, config: &Config) -> bool {
        !self.may_be_empty && config.groups.is_empty() && !self.config.groups.is_empty()
    }

    fn next(
        self,
        files: Files,
        config: Config,
        findings: String,
        steps: &Steps,
    ) -> Result<Next, String> {
        let changes = match self.purpose {
            Purpose::Restart => Vec::new(),
            Purpose::Reload => difference(&self.config, &config),
        };
        let is_live = |change: &Change| match change.effect {
            Effect::Live | Effect::Keys => true,
            Effect::Restart => false,
        };
        let is_live = changes.iter().all(is_live);
        let changes: Vec<String> = changes.into_iter().map(|change| change.text).collect();
        let is_same = changes.is_empty();
        let directory = &self.paths.configuration;
        let hindrances = hindrance::find(directory, &self.config, &config, steps);
        let mut read = Read { files, config, changes, hindrances, findings };
        match self.purpose {
            Purpose::Reload if is_same => Ok(Next::Unchanged(read)),
            Purpose::Reload if is_live => {
                let pings = self.ping_nodes(&read.config, steps)?;
                Ok(Next::Live(read, pings))
            }
            Purpose::Reload | Purpose::Restart => {
                let names = self.foresee(&read.config, steps)?;
                let missing = self.foresee_media(&read.config, &names, steps)?;
                read.changes.extend(missing);
                Ok(Next::Anew(read, names))
            }
        }
    }

    /// Returns the ping nodes with their hosts resolved, if anything about them has changed.
    fn ping_nodes(&self, config: &Config, steps: &Steps) -> Result<Option<Vec<PingNode>>, String> {
        let old = &self.config;
        let has_same_time = old.settings().deadping == config.settings().deadping;
        if old.ping_nodes == config.ping_nodes && has_same_time {
            return Ok(None);
        }
        steps.tell("looking up the ping nodes".to_owned());
        let nodes = wiring::ping_nodes(config, &Names::default());
        nodes.map(Some).map_err(|error| error.to_string())
    }

    /// Checks what a successor will need: its stored state, the hosts that it would have to resolve while
    /// there are no beats, and a program.
    fn foresee(&self, config: &Config, steps: &Steps) -> Result<Names, String> {
        steps.tell(format!("looking at {}", self.paths.executor().display()));
        runtime::check(&self.paths, self.has_executor)?;
        steps.tell("reading what is stored".to_owned());
        let checked = self.state.check(&self.settings);
        checked.map_err(|error| format!("{}: repair or remove the file", with_cause(&error)))?;
        steps.tell("looking up the nodes".to_owned());
        let names = Names::of(config).map_err(|error| error.to_string())?;
        let program = program::path().map_err(|error| error.to_string())?;
        steps.tell(format!("executing {}", program.display()));
        program::check(&program)?;
        Ok(names)
    }

    /// Checks whether a successor could open a medium, if the files name other media than those in force:
    /// with no medium the successor would hear no node, and each node would take everything. With the media
    /// in force it is no worse off than this daemon, even while their interfaces are missing. Reports which
    /// media it would have to do without.
    fn foresee_media(
        &self,
        config: &Config,
        names: &Names,
        steps: &Steps,
    ) -> Result<Vec<String>, String> {
        let specs = wiring::links(config, names).map_err(|error| error.to_string())?;
        steps.tell("looking at the media".to_owned());
        let missing = media::missing(&specs, &self.media);
        let count = specs.iter().filter(|spec| !spec.is_service()).count();
        if missing.len() == count && config.media != self.config.media {
            return Err(format!(
                "{}: without a medium each node would take everything, and the configuration in force is \
                 kept",
                missing.join(", ")
            ));
        }
        Ok(missing.into_iter().map(|text| format!("warning: {text}")).collect())
    }
}
