use super::*;
use std::net::TcpListener;
use std::thread;

const SHORT: Duration = Duration::from_millis(500);
const LONG: Duration = Duration::from_secs(10);

/// A server that gives every client this answer, or none.
fn server(answer: Option<&'static str>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let mut silent = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            match answer {
                Some(answer) => {
                    let mut request = [0; 1024];
                    let length = stream.read(&mut request).unwrap();
                    assert!(
                        request[..length].starts_with(b"GET /health HTTP/1.0\r\nHost: 127.0.0.1:")
                    );
                    stream.write_all(answer.as_bytes()).unwrap();
                }
                None => silent.push(stream),
            }
        }
    });
    port
}

fn http(port: u16, status: Option<u16>, contains: Option<&str>) -> Probe {
    let contains = contains.map(str::to_owned);
    Probe::Http { host: "127.0.0.1".into(), port, path: "/health".into(), status, contains }
}

fn said(answer: Result<(), Fault>) -> String {
    match answer {
        Ok(()) => "well".to_owned(),
        Err(Fault::Service(text)) => text,
        Err(Fault::Probe(text)) => format!("unasked: {text}"),
    }
}

#[test]
fn http_probe_compares_status_and_text_of_answer() {
    let fine = server(Some("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nall ok\n"));
    let moved = server(Some("HTTP/1.0 302 Found\r\n\r\n"));
    let broken = server(Some("HTTP/1.1 503 Service Unavailable\r\n\r\nsorry"));
    let other = server(Some("220 mail.example.org ESMTP\r\n"));
    let table = [
        (fine, None, None, "well"),
        (fine, Some(200), Some("ok"), "well"),
        (fine, Some(204), None, "status 200"),
        (fine, None, Some("OK"), "the page does not contain \"OK\""),
        (moved, None, None, "well"),
        (moved, Some(200), None, "status 302"),
        (broken, None, None, "status 503"),
        (broken, Some(503), None, "well"),
        (other, None, None, "no answer in HTTP: \"220 mail.example.org ESMTP\""),
    ];
    for (port, status, contains, expected) in table {
        let probe = http(port, status, contains);
        let text = said(ask(std::slice::from_ref(&probe), LONG));
        assert!(text.ends_with(expected), "{probe:?}: {text}");
    }
}

#[test]
fn server_that_accepts_and_never_answers_fails_within_limit() {
    let port = server(None);
    let begin = Instant::now();
    assert_eq!(ask(&[Probe::Tcp { host: "127.0.0.1".into(), port }], SHORT), Ok(()), "it accepts");
    let text = said(ask(&[http(port, None, None)], SHORT));
    assert_eq!(text, format!("http://127.0.0.1:{port}/health: no answer in time"));
    assert!(begin.elapsed() < SHORT * 3, "{:?}", begin.elapsed());
}

#[test]
fn closed_port_fails_and_unknown_host_says_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let text = said(ask(&[Probe::Tcp { host: "127.0.0.1".into(), port }], LONG));
    assert!(text.starts_with(&format!("tcp 127.0.0.1:{port}: Connection refused")), "{text}");
    let unknown = Probe::Tcp { host: "no-such-host.invalid".into(), port: 1 };
    let text = said(ask(std::slice::from_ref(&unknown), LONG));
    assert!(text.starts_with("unasked: tcp no-such-host.invalid:1: cannot find"), "{text}");
    // What can be asked is asked all the same.
    let text = said(ask(&[unknown, Probe::Tcp { host: "127.0.0.1".into(), port }], LONG));
    assert!(text.starts_with(&format!("tcp 127.0.0.1:{port}: Connection refused")), "{text}");
}

/// A server that answers at once, and resets the connection because it has not read the request; one that
/// never closes; and one that sends without end.
#[test]
fn answer_counts_although_connection_does_not_end_cleanly() {
    let serve = |answer: &'static [u8], then: fn(TcpStream)| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                stream.write_all(answer).unwrap();
                then(stream);
            }
        });
        port
    };
    let hasty = serve(b"HTTP/1.1 200 OK\r\n\r\nok", drop);
    let open = serve(b"HTTP/1.1 200 OK\r\n\r\nok", std::mem::forget);
    let endless =
        serve(
            b"HTTP/1.1 200 OK\r\n\r\n",
            |mut stream| {
                while stream.write_all(&[b'x'; 4096]).is_ok() {}
            },
        );
    for (port, contains, expected) in [
        (hasty, None, "well"),
        (open, None, "well"),
        (open, Some("ok"), "well"),
        (endless, Some("ok"), "the page does not contain \"ok\""),
    ] {
        let text = said(ask(&[http(port, None, contains)], SHORT * 4));
        assert!(text.ends_with(expected), "{contains:?}: {text}");
    }
}

#[test]
fn process_probe_finds_process_by_pid_file_and_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pid");
    let file = |text: &str| {
        fs::write(&path, text).unwrap();
        let name = ProcessName::PidFile(path.to_str().unwrap().to_owned());
        said(ask(&[Probe::Process(name)], LONG))
    };
    assert_eq!(file(&format!("{}\n", std::process::id())), "well");
    assert!(file("nonsense").ends_with("the file has no process number"));
    assert!(file("-1").ends_with("the file has no process number"));
    let mut child = std::process::Command::new("true").spawn().unwrap();
    let pid = child.id();
    child.wait().unwrap();
    assert!(file(&pid.to_string()).ends_with(&format!("process {pid} does not run")));
    fs::remove_file(&path).unwrap();
    let missing = ProcessName::PidFile(path.to_str().unwrap().to_owned());
    let text = said(ask(&[Probe::Process(missing)], LONG));
    assert!(text.ends_with("there is no such file"), "{text}");
    // A service must not make the executor wait, or read without end.
    rustix::fs::mkfifoat(rustix::fs::CWD, &path, rustix::fs::Mode::from_raw_mode(0o600)).unwrap();
    let of = |path: &str| said(ask(&[Probe::Process(ProcessName::PidFile(path.into()))], LONG));
    assert!(of(path.to_str().unwrap()).ends_with("it is not a regular file"));
    assert!(of("/dev/zero").ends_with("it is not a regular file"));
    fs::remove_file(&path).unwrap();
    fs::write(&path, [0xff; 4096]).unwrap();
    assert!(of(path.to_str().unwrap()).ends_with("the file has no process number"));
    let own = fs::read_to_string("/proc/self/comm").unwrap().trim().to_owned();
    assert_eq!(ask(&[Probe::Process(ProcessName::Command(own))], LONG), Ok(()));
    let none = Probe::Process(ProcessName::Command("no-such-name".into()));
    assert!(said(ask(&[none], LONG)).ends_with("no such process runs"));
}

#[test]
fn first_probe_that_fails_is_the_outcome() {
    let fine = server(Some("HTTP/1.1 200 OK\r\n\r\n"));
    let probes = [http(fine, None, None), http(fine, Some(500), None), http(fine, Some(501), None)];
    assert!(said(ask(&probes, LONG)).ends_with("status 200"));
    assert_eq!(ask(&[], LONG), Ok(()));
}
