//! The built-in checks of running services: TCP, HTTP, processes and programs.

mod http;
mod tls;

use crate::answer::Answer;
use rustix::fs::OFlags;
use std::fs;
use std::io::{self, Read as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};
use systole_core::{Probe, ProcessName};
use systole_sys::process::{Exit, ProcessId};

/// Maximum length of a file with a process number that is read, in bytes.
const PID_MAX: u64 = 64;
/// The longest time that a helper may spend on probes: the executor gives up a helper after ten seconds.
const LONGEST: Duration = Duration::from_secs(9);
/// A machine that notices so much later that its time is over has stood still.
const OVERSLEPT: Duration = Duration::from_secs(1);
/// Stands for the exit code of a failed probe, which has none.
pub(crate) const FAILED: i32 = 0;

/// Why a probe was not answered as expected, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The service does not work.
    Service(String),
    /// The probe could not be made, which says nothing about the service.
    Probe(String),
}

/// Runs the program of a probe until then at the latest. Returns what it said.
pub(crate) type Execute<'a> = &'a dyn Fn(&str, &[String], Instant) -> io::Result<Answer>;

/// Asks all probes, within nine tenths of `limit`. May take that long; a name that is looked up may take longer.
///
/// # Errors
///
/// The first fault of the service, or else the first fault of a probe.
pub(crate) fn ask(probes: &[Probe], limit: Duration, execute: Execute<'_>) -> Result<(), Fault> {
    let budget = (limit / 10 * 9).min(LONGEST);
    let begin = Instant::now();
    let answer = all(probes, begin + budget, execute);
    // Whatever waited for an answer meanwhile had no chance to get it.
    let was_asleep = begin.elapsed() > budget + OVERSLEPT;
    if was_asleep { all(probes, Instant::now() + budget, execute) } else { answer }
}

/// Returns the processes that pid files among the probes name.
pub(crate) fn named(probes: &[Probe]) -> Vec<ProcessId> {
    let files = probes.iter().filter_map(|probe| match probe {
        Probe::Process(ProcessName::PidFile(path)) => Some(path),
        Probe::Process(ProcessName::Command(_))
        | Probe::Tcp { .. }
        | Probe::Http { .. }
        | Probe::Exec { .. } => None,
    });
    files.filter_map(|path| ProcessId::of(number_in(path).ok()?)).collect()
}

fn all(probes: &[Probe], until: Instant, execute: Execute<'_>) -> Result<(), Fault> {
    let mut unasked = Ok(());
    for probe in probes {
        match one(probe, until, execute) {
            Err(Fault::Service(text)) => {
                return Err(Fault::Service(format!("{}: {text}", name(probe))));
            }
            Err(Fault::Probe(text)) if unasked.is_ok() => {
                unasked = Err(Fault::Probe(format!("{}: {text}", name(probe))));
            }
            Ok(()) | Err(Fault::Probe(_)) => {}
        }
    }
    unasked
}

/// The name of a probe in messages.
fn name(probe: &Probe) -> String {
    let bracketed = |host: &str| if host.contains(':') { format!("[{host}]") } else { host.into() };
    match probe {
        Probe::Tcp { host, port } => format!("tcp {}:{port}", bracketed(host)),
        Probe::Http { is_tls, host, port, path, .. } => {
            let scheme = if *is_tls { "https" } else { "http" };
            format!("{scheme}://{}:{port}{path}", bracketed(host))
        }
        Probe::Exec { program, .. } => format!("exec {program}"),
        Probe::Process(ProcessName::PidFile(path)) => format!("process {path}"),
        Probe::Process(ProcessName::Command(command)) => format!("process {command}"),
    }
}

fn one(probe: &Probe, until: Instant, execute: Execute<'_>) -> Result<(), Fault> {
    match probe {
        Probe::Tcp { host, port } => connect(host, *port, until).map(drop),
        Probe::Http { is_tls, host, port, path, status, contains } => {
            let stream = connect(host, *port, until)?;
            // What was sent must not wait for more.
            stream.set_nodelay(true).map_err(|error| failed(&error))?;
            let stream = http::Limited::new(stream, until);
            let request = http::request(host, *port, path);
            let expected = (*status, contains.as_deref());
            if *is_tls {
                http::get(tls::client(host, stream)?, &request, expected)
            } else {
                http::get(stream, &request, expected)
            }
        }
        Probe::Process(name) => process(name),
        Probe::Exec { program, arguments } => judge_program(execute(program, arguments, until)),
    }
}

/// The time that is left, which is never zero: zero would mean no limit to the kernel.
fn left(until: Instant) -> Option<Duration> {
    Some(until.saturating_duration_since(Instant::now())).filter(|left| !left.is_zero())
}

fn late() -> Fault {
    Fault::Service("no answer in time".to_owned())
}

/// Whether a connection was waited for in vain.
fn is_late(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock)
}

/// Whether an error is the service's: the other errors are those of this machine, such as a full table of
/// files.
fn failed(error: &io::Error) -> Fault {
    use io::ErrorKind;
    const OF_SERVICE: [ErrorKind; 8] = [
        // What TLS does not understand.
        ErrorKind::InvalidData,
        ErrorKind::ConnectionRefused,
        ErrorKind::ConnectionReset,
        ErrorKind::ConnectionAborted,
        ErrorKind::BrokenPipe,
        ErrorKind::HostUnreachable,
        ErrorKind::NetworkUnreachable,
        ErrorKind::UnexpectedEof,
    ];
    let kind = error.kind();
    if is_late(error) {
        late()
    } else if OF_SERVICE.contains(&kind) {
        Fault::Service(error.to_string())
    } else {
        Fault::Probe(error.to_string())
    }
}

/// Connects to the first address of a host that accepts. Each address has its part of the time.
fn connect(host: &str, port: u16, until: Instant) -> Result<TcpStream, Fault> {
    let addresses = (host, port).to_socket_addrs();
    let addresses = addresses
        .map_err(|error| Fault::Probe(format!("cannot find the address of {host}: {error}")))?;
    let addresses: Vec<_> = addresses.collect();
    let mut last = Fault::Probe(format!("{host} has no address"));
    for (at, address) in addresses.iter().enumerate() {
        let Some(left) = left(until) else {
            let text = "there was no time left to ask".to_owned();
            return Err(if at == 0 { Fault::Probe(text) } else { last });
        };
        let others = u32::try_from(addresses.len() - at).unwrap_or(u32::MAX);
        match TcpStream::connect_timeout(address, left / others) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = failed(&error),
        }
    }
    Err(last)
}

/// 126 and 127 mean that the program, or one that it needs, cannot be executed (POSIX, 2.8.2).
fn judge_program(answer: io::Result<Answer>) -> Result<(), Fault> {
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) if error.kind() == io::ErrorKind::TimedOut => return Err(late()),
        Err(error) => return Err(Fault::Probe(format!("it cannot be run: {error}"))),
    };
    let said = answer.first_line();
    let said = if said.is_empty() { said } else { format!(": {said}") };
    match answer.exit {
        Exit::Code(0) => Ok(()),
        Exit::Code(code @ (126 | 127)) => {
            Err(Fault::Probe(format!("it cannot be run: it exits with {code}{said}")))
        }
        Exit::Code(code) => Err(Fault::Service(format!("it exits with {code}{said}"))),
        Exit::Signal(signal) => Err(Fault::Service(format!("signal {signal} ended it{said}"))),
    }
}

fn process(name: &ProcessName) -> Result<(), Fault> {
    match name {
        ProcessName::PidFile(path) => {
            let pid = number_in(path)?;
            let runs = ProcessId::of(pid).is_some_and(ProcessId::is_running);
            if runs { Ok(()) } else { Err(Fault::Service(format!("process {pid} does not run"))) }
        }
        ProcessName::Command(command) => {
            let processes = fs::read_dir("/proc");
            let processes = processes.map_err(|error| Fault::Probe(error.to_string()))?;
            let pids = processes.flatten();
            let pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
            for pid in pids {
                let comm = match fs::read(format!("/proc/{pid}/comm")) {
                    Ok(comm) => comm,
                    Err(error) if is_gone(&error) => continue,
                    Err(error) => return Err(Fault::Probe(error.to_string())),
                };
                let is_called = comm.trim_ascii_end() == command.as_bytes();
                if is_called && ProcessId::of(pid).is_some_and(ProcessId::is_running) {
                    return Ok(());
                }
            }
            Err(Fault::Service("no such process runs".to_owned()))
        }
    }
}

/// The process number in a pid file.
fn number_in(path: &str) -> Result<i32, Fault> {
    let text = match read_pid_file(Path::new(path)) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(Fault::Service("there is no such file".to_owned()));
        }
        Err(error) => return Err(Fault::Probe(error.to_string())),
    };
    let text = String::from_utf8_lossy(&text);
    let word = text.split_whitespace().next().unwrap_or_default();
    let pid = word.parse::<i32>().ok().filter(|pid| *pid > 0);
    pid.ok_or_else(|| Fault::Service("the file has no process number".to_owned()))
}

/// Whether a process has ended meanwhile.
fn is_gone(error: &io::Error) -> bool {
    let errno = rustix::io::Errno::from_io_error(error);
    matches!(errno, Some(rustix::io::Errno::NOENT | rustix::io::Errno::SRCH))
}

/// Reads the beginning of a file that its service may write. Never waits for a FIFO, and never reads without end.
fn read_pid_file(path: &Path) -> io::Result<Vec<u8>> {
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    let mut options = fs::OpenOptions::new();
    let file = options.read(true).custom_flags(flags.bits().cast_signed()).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
    }
    let mut text = Vec::new();
    file.take(PID_MAX).read_to_end(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests;
