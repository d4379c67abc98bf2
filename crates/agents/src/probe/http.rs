//! HTTP: the request, and what is expected of its answer.

use super::{Fault, failed, is_late, late, left};
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// Maximum length of an answer that is read, in bytes: what is looked for must be within it.
const ANSWER_MAX: usize = 64 << 10;

/// A connection on which nothing waits longer than until a moment: also a library that reads and writes several
/// times for one call.
#[derive(Debug)]
pub(super) struct Limited {
    stream: TcpStream,
    until: Instant,
}

impl Limited {
    pub(super) const fn new(stream: TcpStream, until: Instant) -> Self {
        Self { stream, until }
    }

    fn left(&self) -> io::Result<Duration> {
        left(self.until).ok_or_else(|| io::ErrorKind::TimedOut.into())
    }
}

impl Read for Limited {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(self.left()?))?;
        self.stream.read(buffer)
    }
}

impl Write for Limited {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(self.left()?))?;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// Returns a request (RFC 1945, so that the body comes in one piece).
pub(super) fn request(host: &str, port: u16, path: &str) -> String {
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    format!(
        "GET {path} HTTP/1.0\r\nHost: {host}:{port}\r\nUser-Agent: systole\r\nAccept: */*\r\n\
         Connection: close\r\n\r\n"
    )
}

/// Sends a request, and judges the answer as soon as enough of it is there: its status, and whether it contains a
/// text.
pub(super) fn get(
    mut stream: impl Read + Write,
    request: &str,
    (expected, contains): (Option<u16>, Option<&str>),
) -> Result<(), Fault> {
    // Some servers answer without reading: the answer counts, not the end of the connection.
    let mut end = stream.write_all(request.as_bytes()).err();
    let mut answer = Vec::new();
    let mut piece = [0; 4096];
    while answer.len() < ANSWER_MAX && !is_decided(&answer, contains) {
        match stream.read(&mut piece) {
            Ok(0) => break,
            Ok(length) => answer.extend_from_slice(&piece[..length]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if is_late(&error) => {
                return judge(&answer, expected, contains).map_err(|_| late());
            }
            Err(error) => {
                end.get_or_insert(error);
                break;
            }
        }
    }
    match end {
        Some(error) if !has_status(&answer) => Err(failed(&error)),
        Some(_) | None => judge(&answer, expected, contains),
    }
}

/// Whether the rest of an answer changes nothing: its status is known, and the text was found or is not looked
/// for.
fn is_decided(answer: &[u8], contains: Option<&str>) -> bool {
    let (_, body) = parts(answer);
    has_status(answer) && contains.is_none_or(|text| has(body, text))
}

fn has_status(answer: &[u8]) -> bool {
    answer.contains(&b'\n') && status_of(first_line(answer)).is_some()
}

/// Splits an answer into its head and its body.
fn parts(answer: &[u8]) -> (&[u8], &[u8]) {
    match answer.windows(4).position(|end| end == b"\r\n\r\n") {
        Some(end) => (&answer[..end], &answer[end + 4..]),
        None => (answer, &[]),
    }
}

fn first_line(answer: &[u8]) -> &[u8] {
    answer.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default()
}

fn has(body: &[u8], text: &str) -> bool {
    body.windows(text.len().max(1)).any(|part| part == text.as_bytes())
}

/// Compares an answer with what is expected.
fn judge(answer: &[u8], expected: Option<u16>, contains: Option<&str>) -> Result<(), Fault> {
    let line = first_line(answer);
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
    match contains {
        Some(text) if !has(parts(answer).1, text) => {
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
