//! A test bench for one executor: a directory, a network namespace, and the daemon's end.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io::{BufRead, BufReader, Write};
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use systole_agents::parts::Joiner;
use systole_agents::protocol::{Action, Outcome, PACKET_MAX, Report, Request, Run, permit_packet};
use systole_core::{AddressSpec, GroupKey, JobId, Resource, ResourceKind};
use systole_sys::address::{Addresses, Announcer, ClaimListener, Family};
use systole_sys::clock::boot_time;
use systole_sys::namespace::enter_network;
use systole_sys::process::ProcessId;
use systole_sys::seqpacket::{Connection, Receive};

/// Longest wait in these tests.
pub(crate) const LIMIT: Duration = Duration::from_secs(15);
/// How long a permit in these tests is valid unless stated otherwise.
const PERMIT: Duration = Duration::from_mins(1);

/// Everything around an executor. When it is dropped, nothing stays behind.
pub(crate) struct Bench {
    directory: tempfile::TempDir,
    /// Keeps the namespaces while its standard input is open.
    keeper: Child,
    executor: Option<Child>,
}

impl Bench {
    /// Creates a network namespace with the interface `left` (192.0.2.1/24), without an executor.
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        for place in ["ha.d/resource.d", "init.d"] {
            std::fs::create_dir_all(directory.path().join(place)).unwrap();
        }
        let script = "ip link add left type veth peer name right && ip link set left up && \
                      ip link set right up && ip address add 192.0.2.1/24 dev left && \
                      until [ $(ip link show | grep -c 'state UP') = 2 ]; do sleep 0.01; done && \
                      echo ready && exec cat";
        let mut command = Command::new("unshare");
        command
            .args(["--net", "--mount", "sh", "-c", script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut keeper = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(keeper.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n", "needs root");
        Self { directory, keeper, executor: None }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Returns what a script wrote to a file in the directory; empty if nothing.
    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// Returns the process whose number a script wrote to a file in the directory.
    pub(crate) fn process(&self, name: &str) -> Option<ProcessId> {
        ProcessId::of(self.read(name).trim().parse().ok()?)
    }

    /// Writes a resource script. `$D` is the directory, `$1` the verb.
    pub(crate) fn script(&self, name: &str, body: &str) {
        let path = self.path("ha.d/resource.d").join(name);
        let directory = self.directory.path().display();
        std::fs::write(&path, format!("#!/bin/sh\nD={directory}\n{body}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Writes a script that keeps whether it was started, and writes its verbs to the file `verbs`.
    pub(crate) fn service(&self, name: &str) {
        let body = "N=$(basename $0)\necho $N $1 >> $D/verbs\ncase $1 in\n\
                    start) touch $D/$N.on ;;\nstop) rm -f $D/$N.on ;;\n\
                    status) [ -e $D/$N.on ] && echo running || echo stopped ;;\nesac";
        self.script(name, body);
    }

    fn inside(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--net", "--mount", "--target", &self.keeper.id().to_string(), program]);
        command
    }

    /// Runs a script in the network and mount namespaces. `$D` is the directory.
    pub(crate) fn sh(&self, script: &str) {
        let mut command = self.inside("sh");
        let command = command.args(["-c", script]).env("D", self.directory.path());
        assert!(command.status().unwrap().success(), "{script}");
    }

    /// Runs `ip` in the namespace.
    pub(crate) fn ip(&self, arguments: &str) -> String {
        let output = self.inside("ip").args(arguments.split(' ')).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs many commands of `ip` in the namespace.
    pub(crate) fn ip_batch(&self, lines: &str) {
        let mut command = self.inside("ip");
        let mut batch = command.args(["-batch", "-"]).stdin(Stdio::piped()).spawn().unwrap();
        batch.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
        assert!(batch.wait().unwrap().success());
    }

    /// Returns the peak memory of the executor in KiB.
    pub(crate) fn most_memory(&self) -> u64 {
        let executor = self.executor.as_ref().unwrap().id();
        let status = std::fs::read_to_string(format!("/proc/{executor}/status")).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// Returns how often the executor's thread has waited, which is how often it was woken.
    pub(crate) fn wakes(&self) -> u64 {
        let executor = self.executor.as_ref().unwrap().id();
        // The main thread is the one that renews.
        let path = format!("/proc/{executor}/task/{executor}/status");
        let status = std::fs::read_to_string(path).unwrap();
        let line = status.lines().find(|line| line.starts_with("voluntary_ctxt_switches:"));
        line.unwrap().split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    pub(crate) fn has_address(&self, address: &str) -> bool {
        self.ip("address show dev left").contains(&format!("{address}/"))
    }

    /// Lets something happen while the executor stands still.
    pub(crate) fn frozen(&self, happens: impl FnOnce()) {
        let executor = self.executor.as_ref().unwrap().id().to_string();
        let signal = |signal: &str| {
            assert!(Command::new("kill").args([signal, &executor]).status().unwrap().success());
        };
        signal("-STOP");
        happens();
        signal("-CONT");
    }

    /// Listens to the claims of an address that arrive at the other end of the interface, and sends there.
    pub(crate) fn neighbour(&self, address: IpAddr) -> Neighbour {
        let keeper = self.keeper.id().cast_signed();
        let open = move || {
            enter_network(keeper).unwrap();
            let all = Addresses::open().unwrap().interfaces().unwrap();
            let interface = all.iter().find(|it| it.name == "right").unwrap().index;
            let family = Family::of(address);
            let listener = ClaimListener::open(interface, family, &[address]).unwrap();
            Neighbour { address, interface, listener, announcer: Announcer::open().unwrap() }
        };
        std::thread::spawn(open).join().unwrap()
    }

    /// Starts an executor.
    pub(crate) fn start(&mut self, idle: Duration) {
        let tests = std::env::current_exe().unwrap();
        let executor = tests.ancestors().nth(2).unwrap().join("examples/executor");
        assert!(
            executor.exists(),
            "a plain `cargo test` builds it, as does `cargo build --examples`"
        );
        let mut command = self.inside(executor.to_str().unwrap());
        command.arg(self.directory.path()).arg(idle.as_millis().to_string());
        self.executor = Some(command.spawn().unwrap());
    }

    /// Kills the executor as the kernel does when memory is short.
    pub(crate) fn kill(&mut self) {
        let mut executor = self.executor.take().unwrap();
        executor.kill().unwrap();
        executor.wait().unwrap();
    }

    /// Waits until the executor ends on its own.
    pub(crate) fn await_exit(&mut self) {
        let mut executor = self.executor.take().unwrap();
        let status = until("the executor ends", || executor.try_wait().unwrap());
        assert!(status.success());
    }

    /// Connects as a daemon, once the executor listens.
    pub(crate) fn connect(&self) -> Daemon {
        let path = self.path("executor.sock");
        let connection = until("the executor listens", || Connection::connect(&path).ok());
        Daemon { connection, joiner: Joiner::default(), next_job: 0, reports: Vec::new() }
    }

    /// Connects, and waits for the greeting.
    pub(crate) fn greeted(&self) -> (Daemon, Report) {
        let mut daemon = self.connect();
        let hello = daemon.await_report();
        assert!(matches!(hello, Report::Hello { .. }), "{hello:?}");
        daemon.permit(PERMIT);
        (daemon, hello)
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        for child in self.executor.iter_mut().chain([&mut self.keeper]) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A machine at the other end of the interface.
pub(crate) struct Neighbour {
    address: IpAddr,
    interface: u32,
    listener: ClaimListener,
    announcer: Announcer,
}

impl Neighbour {
    /// Returns how many announcements have arrived since the last call.
    pub(crate) fn heard(&self) -> usize {
        let mut claims = Vec::new();
        while self.listener.read(&mut claims).unwrap() > 0 {}
        claims.len()
    }

    /// Claims the address.
    pub(crate) fn claim(&self) {
        let mac = [2, 0, 0, 0, 0, 7];
        self.announcer.announce_at(self.interface, mac, self.address).unwrap();
    }
}

/// The daemon's end of a connection.
pub(crate) struct Daemon {
    connection: Connection,
    joiner: Joiner,
    next_job: u64,
    /// Reports that were read while another report was awaited.
    pub reports: Vec<Report>,
}

impl Daemon {
    pub(crate) fn send(&self, request: &Request) {
        self.connection.send(&request.encode().unwrap()).unwrap();
    }

    pub(crate) fn permit(&self, valid_for: Duration) {
        self.connection.send(&permit_packet(boot_time(), valid_for)).unwrap();
    }

    /// Requests a run, and does not wait for its end.
    pub(crate) fn ask(&mut self, group: u32, action: Action, resources: &[Resource]) -> JobId {
        self.ask_within(group, action, resources, 10_000)
    }

    pub(crate) fn ask_within(
        &mut self,
        group: u32,
        action: Action,
        resources: &[Resource],
        timeout_ms: u64,
    ) -> JobId {
        let job = JobId(self.next_job);
        self.next_job += 1;
        self.send(&Request::Run(Run {
            job,
            group: GroupKey(group),
            group_name: "web".into(),
            term: 3,
            action,
            resources: resources.to_vec(),
            timeout_ms,
            environment: Vec::new(),
            is_restart: false,
            probes: Vec::new(),
            is_without_agent: false,
        }));
        job
    }

    /// Requests a run, and waits for its end.
    pub(crate) fn run(&mut self, group: u32, action: Action, resources: &[Resource]) -> Outcome {
        let job = self.ask(group, action, resources);
        self.done(job)
    }

    /// Waits for the end of a run.
    pub(crate) fn done(&mut self, awaited: JobId) -> Outcome {
        let report =
            self.find(|report| matches!(report, Report::Done { job, .. } if *job == awaited));
        let Report::Done { outcome, .. } = report else { unreachable!() };
        outcome
    }

    /// Waits for a report, and keeps the others.
    pub(crate) fn find(&mut self, is_wanted: impl Fn(&Report) -> bool) -> Report {
        if let Some(at) = self.reports.iter().position(&is_wanted) {
            return self.reports.remove(at);
        }
        loop {
            let report = self.await_report();
            if is_wanted(&report) {
                return report;
            }
            self.reports.push(report);
        }
    }

    fn await_report(&mut self) -> Report {
        self.next_report().expect("the executor closed the connection")
    }

    /// Returns the next report, or `None` when the executor has closed the connection.
    pub(crate) fn next_report(&mut self) -> Option<Report> {
        let mut buffer = vec![0; PACKET_MAX];
        let begin = Instant::now();
        loop {
            match self.connection.receive(&mut buffer).unwrap() {
                Receive::Packet(length) => {
                    let report = self.joiner.join(&buffer[..length]).unwrap();
                    if report.is_some() {
                        return report;
                    }
                }
                Receive::Closed => return None,
                Receive::Empty => {}
            }
            assert!(begin.elapsed() < LIMIT, "no report");
            let wait = Timespec { tv_sec: 1, tv_nsec: 0 };
            poll(&mut [PollFd::new(&self.connection, PollFlags::IN)], Some(&wait)).unwrap();
        }
    }

    /// Returns the log lines so far.
    pub(crate) fn log(&self) -> Vec<&str> {
        let lines = self.reports.iter().filter_map(|report| match report {
            Report::Log { text, .. } => Some(text.as_str()),
            _ => None,
        });
        lines.collect()
    }
}

pub(crate) fn agent(name: &str) -> Resource {
    let kind = ResourceKind::Agent { name: name.into(), arguments: Vec::new() };
    Resource { word: name.into(), kind }
}

pub(crate) fn address(ip: &str) -> Resource {
    let spec = AddressSpec {
        address: ip.parse().unwrap(),
        prefix: None,
        interface: None,
        broadcast: None,
    };
    Resource { word: ip.into(), kind: ResourceKind::Address(spec) }
}

/// Waits for a condition, with a limit.
pub(crate) fn until<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(begin.elapsed() < LIMIT, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
