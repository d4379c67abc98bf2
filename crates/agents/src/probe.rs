//! The built-in checks of running services: TCP, HTTP and processes.

use crate::protocol::Outcome;
use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::{Duration, Instant};
use systole_core::{Probe, ProcessName};
use systole_sys::process::ProcessId;

/// Maximum length of an answer that is read, in bytes: what is looked for must be within it.
const ANSWER_MAX: u64 = 64 << 10;
/// The longest time that a helper may spend on probes: the executor gives up a helper after ten seconds.
const LONGEST: Duration = Duration::from_secs(9);
/// The exit code that stands for a failed probe.
const FAILED: i32 = 1;

/// Why a probe was not answered as expected.
#[derive(Debug, PartialEq, Eq)]
enum Fault {
    /// The service does not work; the text says what was found.
    Service(String),
    /// The probe itself cannot be made.
    Probe(String),
}

/// Asks all probes, within nine tenths of `limit`. Returns the outcome of the first one that is not answered as
/// expected. May take that long; a name that is looked up may take longer.
#[must_use]
pub(crate) fn ask(probes: &[Probe], limit: Duration) -> Option<Outcome> {
    let until = Instant::now() + (limit / 10 * 9).min(LONGEST);
    let faults = probes.iter().filter_map(|probe| Some((probe, one(probe, until).err()?)));
    faults.map(|(probe, fault)| outcome(probe, fault)).next()
}

fn outcome(probe: &Probe, fault: Fault) -> Outcome {
    match fault {
        Fault::Service(text) => {
            Outcome::Failed { code: FAILED, text: format!("{}: {text}", name(probe)) }
        }
        Fault::Probe(text) => Outcome::NotAsked { text: format!("{}: {text}", name(probe)) },
    }
}

/// The name of a probe in messages.
fn name(probe: &Probe) -> String {
    let bracketed = |host: &str| if host.contains(':') { format!("[{host}]") } else { host.into() };
    match probe {
        Probe::Tcp { host, port } => format!("tcp {}:{port}", bracketed(host)),
        Probe::Http { host, port, path, .. } => {
            format!("http://{}:{port}{path}", bracketed(host))
        }
        Probe::Process(ProcessName::PidFile(path)) => format!("process {path}"),
        Probe::Process(ProcessName::Command(command)) => format!("process {command}"),
    }
}

fn one(probe: &Probe, until: Instant) -> Result<(), Fault> {
    match probe {
        Probe::Tcp { host, port } => connect(host, *port, until).map(drop),
        Probe::Http { host, port, path, status, contains } => {
            let answer = get(host, *port, path, until)?;
            judge(&answer, *status, contains.as_deref())
        }
        Probe::Process(name) => process(name),
    }
}

/// The time that is left, which is never zero: zero would mean no limit to the kernel.
fn left(until: Instant) -> Result<Duration, Fault> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(Fault::Service("no answer in time".to_owned())) } else { Ok(left) }
}

fn failed(error: &io::Error) -> Fault {
    let is_late = matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock);
    Fault::Service(if is_late { "no answer in time".to_owned() } else { error.to_string() })
}

/// Connects to the first address of a host that accepts.
fn connect(host: &str, port: u16, until: Instant) -> Result<TcpStream, Fault> {
    let addresses = (host, port).to_socket_addrs();
    let addresses =
        addresses.map_err(|error| Fault::Probe(format!("cannot find {host}: {error}")))?;
    let mut last = Fault::Probe(format!("{host} has no address"));
    for address in addresses {
        match TcpStream::connect_timeout(&address, left(until)?) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = failed(&error),
        }
    }
    Err(last)
}

/// Sends a request (RFC 1945, so that the body comes in one piece), and returns the beginning of the answer.
fn get(host: &str, port: u16, path: &str, until: Instant) -> Result<Vec<u8>, Fault> {
    let mut stream = connect(host, port, until)?;
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    let request = format!(
        "GET {path} HTTP/1.0\r\nHost: {host}:{port}\r\nUser-Agent: systole\r\nAccept: */*\r\n\
         Connection: close\r\n\r\n"
    );
    stream.set_write_timeout(Some(left(until)?)).map_err(|error| failed(&error))?;
    stream.write_all(request.as_bytes()).map_err(|error| failed(&error))?;
    let mut answer = Vec::new();
    let mut piece = [0; 4096];
    while (answer.len() as u64) < ANSWER_MAX {
        stream.set_read_timeout(Some(left(until)?)).map_err(|error| failed(&error))?;
        match stream.read(&mut piece) {
            Ok(0) => break,
            Ok(length) => answer.extend_from_slice(&piece[..length]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(failed(&error)),
        }
    }
    Ok(answer)
}

/// Compares an answer with what is expected.
fn judge(answer: &[u8], expected: Option<u16>, contains: Option<&str>) -> Result<(), Fault> {
    let (head, body) = match answer.windows(4).position(|end| end == b"\r\n\r\n") {
        Some(end) => (&answer[..end], &answer[end + 4..]),
        None => (answer, &[][..]),
    };
    let line = head.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
    let Some(status) = status_of(line) else {
        let line = String::from_utf8_lossy(&line[..line.len().min(40)]).into_owned();
        return Err(Fault::Service(format!("no answer in HTTP: {line:?}")));
    };
    let is_expected = match expected {
        Some(expected) => status == expected,
        None => (200..400).contains(&status),
    };
    if !is_expected {
        return Err(Fault::Service(format!("status {status}")));
    }
    let has = |text: &str| body.windows(text.len().max(1)).any(|part| part == text.as_bytes());
    match contains {
        Some(text) if !has(text) => {
            Err(Fault::Service(format!("the page does not contain {text:?}")))
        }
        Some(_) | None => Ok(()),
    }
}

/// The status code of a status line: `HTTP/1.1 200 OK`.
fn status_of(line: &[u8]) -> Option<u16> {
    let mut words = std::str::from_utf8(line).ok()?.split(' ');
    words.next().filter(|version| version.starts_with("HTTP/"))?;
    let code = words.next().filter(|code| code.len() == 3)?;
    code.parse().ok()
}

fn process(name: &ProcessName) -> Result<(), Fault> {
    match name {
        ProcessName::PidFile(path) => {
            let text = match fs::read_to_string(path) {
                Ok(text) => text,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    return Err(Fault::Service("there is no such file".to_owned()));
                }
                Err(error) => return Err(Fault::Probe(error.to_string())),
            };
            let word = text.split_whitespace().next().unwrap_or_default();
            let Some(pid) = word.parse::<i32>().ok().filter(|pid| *pid > 0) else {
                return Err(Fault::Service("the file has no process number".to_owned()));
            };
            let runs = ProcessId::of(pid).is_some_and(ProcessId::is_running);
            if runs { Ok(()) } else { Err(Fault::Service(format!("process {pid} does not run"))) }
        }
        ProcessName::Command(command) => {
            let processes =
                fs::read_dir("/proc").map_err(|error| Fault::Probe(error.to_string()))?;
            let pids =
                processes.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
            let is_called = |pid: &i32| {
                let comm = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
                comm.trim_end() == command
            };
            let mut called = pids.filter(is_called);
            let runs = called.any(|pid| ProcessId::of(pid).is_some_and(ProcessId::is_running));
            if runs { Ok(()) } else { Err(Fault::Service("no such process runs".to_owned())) }
        }
    }
}

#[cfg(test)]
mod tests;
