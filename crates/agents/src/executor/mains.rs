//! The main processes of services: their end is noticed at once.
//!
//! Three sources name them: what a start leaves behind, which becomes a child of this process because its
//! own parent has ended; systemd, for a unit; and the pid file of a `check` line. The end of such a process
//! proves nothing, because a program may replace its main process. It leads to a check.

mod file;

pub(super) use file::MainsFile;
use std::collections::BTreeSet;
use std::fs;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use systole_core::GroupKey;
use systole_sys::process::{self, Exit, ProcessId, has_ended};

/// Maximum number of processes that are watched.
const WATCHED_MAX: usize = 1024;
/// Maximum number of processes that are watched for one service.
const OF_SERVICE_MAX: usize = 8;

/// A resource, by its group and its word in haresources.
pub(super) type ServiceId = (GroupKey, String);

/// A main process that has ended, and its program. What remains of its session and runs the same program after
/// the service was stopped prevents its next start, as the workers of a killed nginx do that still have its port.
///
/// Only the leader of a session has remains. A process that leads no session can join any process group of its
/// session, whoever it runs for, so that a service could have the executor's own processes ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Remains {
    pub(super) leader: ProcessId,
    pub(super) program: Program,
}

/// The end of a main process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct End {
    pub(super) service: ServiceId,
    /// How it ended, if it was a child of this process.
    pub(super) exit: Option<Exit>,
    /// Its unit, of which systemd knows how it ended.
    pub(super) unit: Option<String>,
}

/// The file of a program: its device and its inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Program(u64, u64);

impl Program {
    /// The program that a process runs.
    pub(super) fn of(pid: i32) -> Option<Self> {
        let file = fs::metadata(format!("/proc/{pid}/exe")).ok()?;
        Some(Self(file.dev(), file.ino()))
    }
}

/// The main processes of services that were started here.
#[derive(Debug, Default)]
pub(super) struct Mains {
    /// The starts that run or have succeeded, with the start time of their program.
    starts: Vec<(ServiceId, u64)>,
    watched: Vec<Main>,
    /// The children that agents left behind and that were seen.
    seen: BTreeSet<ProcessId>,
    remains: Vec<Left>,
}

/// What a main process may have left behind.
#[derive(Debug, PartialEq, Eq)]
struct Left {
    service: ServiceId,
    remains: Remains,
    /// It has ended while its service was being stopped.
    in_stop: bool,
}

#[derive(Debug)]
struct Main {
    id: ProcessId,
    fd: OwnedFd,
    /// The services that it may belong to: those whose starts ran at the same time.
    services: Vec<ServiceId>,
    remains: Option<Remains>,
    is_being_stopped: bool,
    unit: Option<String>,
}

impl Mains {
    /// The program of a start runs.
    pub(super) fn begin(&mut self, service: ServiceId, program: ProcessId) {
        self.forget(&service);
        // What exists by now is not of this start.
        self.seen.extend(process::children().unwrap_or_default());
        self.starts.push((service, program.start));
    }

    /// The program of a start has ended: what it left behind is watched. `running` are the services whose
    /// starts still run.
    pub(super) fn end_of_start(&mut self, service: &ServiceId, running: &[ServiceId]) {
        let candidates: Vec<&ServiceId> = running.iter().chain([service]).collect();
        for id in self.unseen() {
            let may_own = |it: &&&ServiceId| self.begun(it).is_some_and(|start| id.start >= start);
            let services = candidates.iter().filter(may_own).map(|it| (*it).clone()).collect();
            self.watch(id, services, true);
        }
    }

    /// A service was found well: what remains of a main process may be what it works with, and is ended only before a
    /// restart. If no process of it is watched, what has appeared since its start may be
    /// one.
    pub(super) fn record_well(&mut self, service: &ServiceId) {
        let of_service = self.remains.iter_mut().filter(|left| left.service == *service);
        of_service.for_each(|left| left.in_stop = true);
        let Some(start) = self.begun(service).filter(|_| !self.has(service)) else { return };
        for id in self.unseen().into_iter().filter(|id| id.start >= start) {
            self.watch(id, vec![service.clone()], false);
        }
    }

    /// systemd or a pid file names the main process of a service. Whoever writes that file must not decide what
    /// is ended before a start.
    pub(super) fn record_named(
        &mut self,
        service: &ServiceId,
        id: ProcessId,
        unit: Option<String>,
    ) {
        self.watch(id, vec![service.clone()], false);
        let main = self.watched.iter_mut().find(|main| main.id == id);
        if let (Some(main), Some(unit)) = (main, unit) {
            main.unit = Some(unit);
        }
    }

    /// Whether a process of a service is watched.
    pub(super) fn has(&self, service: &ServiceId) -> bool {
        self.watched.iter().any(|main| main.services.contains(service))
    }

    /// A service is being stopped: its processes are expected to end.
    pub(super) fn begin_stop(&mut self, service: &ServiceId) {
        for main in self.watched.iter_mut().filter(|main| main.services == [service.clone()]) {
            main.is_being_stopped = true;
        }
    }

    /// A service has been stopped. A main process that is still about to end has left behind what it had.
    pub(super) fn end_stop(&mut self, service: &ServiceId) {
        let mut left = Vec::new();
        for main in self.watched.iter().filter(|main| main.services == [service.clone()]) {
            let remains = main.remains;
            left.extend(remains.map(|it| Left {
                service: service.clone(),
                remains: it,
                in_stop: true,
            }));
        }
        for left in left {
            self.record_left(left);
        }
        self.forget(service);
    }

    /// A service is no longer watched.
    pub(super) fn forget(&mut self, service: &ServiceId) {
        self.starts.retain(|(known, _)| known != service);
        for main in &mut self.watched {
            main.services.retain(|known| known != service);
        }
        self.watched.retain(|main| !main.services.is_empty());
    }

    /// Returns the services whose main process has ended.
    pub(super) fn ended(&mut self) -> Vec<End> {
        let (mut ends, mut left) = (Vec::new(), Vec::new());
        for main in self.watched.extract_if(.., |main| has_ended(main.fd.as_fd())) {
            let exit = process::reap_stranger(main.id);
            if let ([service], Some(remains)) = (&main.services[..], main.remains) {
                let entry =
                    Left { service: service.clone(), remains, in_stop: main.is_being_stopped };
                left.push(entry);
            }
            let unit = main.unit;
            let end = |service| End { service, exit, unit: unit.clone() };
            ends.extend(main.services.into_iter().map(end));
        }
        for left in left {
            self.record_left(left);
        }
        // Zombies among them are reaped, and their numbers are free.
        let _ = process::reap_strangers();
        ends
    }

    fn record_left(&mut self, left: Left) {
        let of_service = self.remains.iter().filter(|known| known.service == left.service);
        if of_service.count() < OF_SERVICE_MAX && !self.remains.contains(&left) {
            self.remains.push(left);
        }
    }

    /// Takes out what main processes of a service may have left behind. What a stop has left behind counts only
    /// for a restart, in which it was stopped because it does not work: otherwise it may be finishing its work.
    pub(super) fn take_remains(&mut self, service: &ServiceId, is_restart: bool) -> Vec<Remains> {
        let of_service = self.remains.extract_if(.., |left| left.service == *service);
        of_service.filter(|left| is_restart || !left.in_stop).map(|left| left.remains).collect()
    }

    /// The descriptors that wake up the executor for the processes.
    pub(super) fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.watched.iter().map(|main| main.fd.as_fd())
    }

    /// The start time of the program that has started a service.
    fn begun(&self, service: &ServiceId) -> Option<u64> {
        self.starts.iter().find(|(known, _)| known == service).map(|(_, start)| *start)
    }

    /// Returns the children that agents left behind and that were not seen before, oldest first.
    fn unseen(&mut self) -> Vec<ProcessId> {
        let Ok(children) = process::children() else { return Vec::new() };
        let mut unseen: Vec<_> =
            children.iter().copied().filter(|id| !self.seen.contains(id)).collect();
        unseen.sort_by_key(|id| (id.start, id.pid));
        self.seen = children.into_iter().collect();
        unseen
    }

    fn watch(&mut self, id: ProcessId, mut services: Vec<ServiceId>, is_certain: bool) {
        services.retain(|service| {
            let of_service = self.watched.iter().filter(|main| main.services.contains(service));
            of_service.count() < OF_SERVICE_MAX
        });
        let is_certain = is_certain && services.len() == 1;
        if let Some(known) = self.watched.iter_mut().find(|main| main.id == id) {
            // A pid file may have named it before its start ended.
            if is_certain && known.services == services {
                known.remains = remains_of(id);
            }
            return;
        }
        if services.is_empty() || self.watched.len() >= WATCHED_MAX {
            return;
        }
        // A process that has ended already, or for which no descriptor is left, is not watched.
        let Ok(Some(fd)) = id.open() else { return };
        let remains = remains_of(id).filter(|_| is_certain);
        self.watched.push(Main { id, fd, services, remains, is_being_stopped: false, unit: None });
    }
}

/// What a process will have left behind when it has ended.
fn remains_of(id: ProcessId) -> Option<Remains> {
    let leads = id.family().is_some_and(|it| (it.session, it.group) == (id.pid, id.pid));
    let program = Program::of(id.pid).filter(|_| leads)?;
    Some(Remains { leader: id, program })
}
