use super::*;
use std::io::Write as _;
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
    let (is_tls, host, path) = (false, "127.0.0.1".into(), "/health".into());
    Probe::Http { is_tls, host, port, path, status, contains }
}

/// Runs a program of a probe.
fn execute(program: &str, arguments: &[String], until: Instant) -> io::Result<Answer> {
    let mut spawn = systole_sys::process::Spawn::new(program);
    spawn.arguments = arguments.iter().map(Into::into).collect();
    crate::answer::hear(spawn.start()?, until, &|| true)
}

fn ask(probes: &[Probe], limit: Duration) -> Result<(), Fault> {
    super::ask(probes, limit, &execute)
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

#[test]
fn exec_probe_judges_exit_code_and_tells_first_line_that_was_said() {
    let table = [
        ("exit 0", "well"),
        ("echo; echo table full; exit 3", "it exits with 3: table full"),
        ("echo no >&2; exit 1", "it exits with 1: no"),
        ("kill -9 $$", "signal 9 ended it"),
        ("none-such; exit 127", "unasked: exec /bin/sh: it cannot be run: it exits with 127"),
    ];
    for (script, expected) in table {
        let arguments = vec!["-c".to_owned(), script.to_owned()];
        let probe = Probe::Exec { program: "/bin/sh".to_owned(), arguments };
        let said = said(ask(&[probe], LONG));
        assert!(said.contains(expected), "{script}: {said}");
    }
    let missing = Probe::Exec { program: "/none/such".to_owned(), arguments: Vec::new() };
    assert!(said(ask(&[missing], LONG)).starts_with("unasked: exec /none/such: it cannot be run"));
}

#[test]
fn exec_probe_that_hangs_is_killed_with_what_it_started() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("pid");
    let script = format!("trap '' TERM; sleep 31415 & echo $! >{}; wait", file.display());
    let arguments = vec!["-c".to_owned(), script];
    let probe = Probe::Exec { program: "/bin/sh".to_owned(), arguments };
    assert_eq!(said(ask(&[probe], SHORT)), "exec /bin/sh: no answer in time");
    let pid = fs::read_to_string(file).unwrap_or_default();
    // On a slow machine it was killed before it wrote the number.
    let id = pid.trim().parse().ok().and_then(ProcessId::of);
    let until = Instant::now() + LONG;
    while id.is_some_and(ProcessId::is_running) {
        assert!(Instant::now() < until, "it was not killed");
        thread::sleep(Duration::from_millis(5));
    }
}

/// A server whose certificate has expired, for another name.
fn tls_server() -> u16 {
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    let certificate = CertificateDer::from(&include_bytes!("fixtures/expired.crt.der")[..]);
    let key = PrivateKeyDer::try_from(&include_bytes!("fixtures/expired.key.der")[..]).unwrap();
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let config = std::sync::Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = rustls::ServerConnection::new(config.clone()).unwrap();
            let mut stream = rustls::StreamOwned::new(connection, stream.unwrap());
            let mut request = [0; 1024];
            // A client without TLS ends the connection.
            let Ok(length) = stream.read(&mut request) else { continue };
            assert!(request[..length].starts_with(b"GET / HTTP/1.0\r\n"));
            // The connection ends without the notice of TLS, as many servers do it.
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nall ok\n").unwrap();
        }
    });
    port
}

/// On a thread with the stack of a helper.
#[test]
fn https_probe_asks_service_whatever_its_certificate_says() {
    let asked = thread::Builder::new().stack_size(crate::executor::STACK).spawn(|| {
        let port = tls_server();
        let https = |port, contains: &str| {
            let (host, path, contains) = ("127.0.0.1".into(), "/".into(), Some(contains.into()));
            Probe::Http { is_tls: true, host, port, path, status: Some(200), contains }
        };
        assert_eq!(said(ask(&[https(port, "all ok")], LONG)), "well");
        let lacks = said(ask(&[https(port, "none")], LONG));
        assert!(lacks.ends_with("the page does not contain \"none\""), "{lacks}");
        let plain = server(Some("220 mail.example.org ESMTP\r\n"));
        let wrong = said(ask(&[https(plain, "ok")], LONG));
        assert!(wrong.starts_with(&format!("https://127.0.0.1:{plain}/: ")), "{wrong}");
        let silent = server(None);
        let late = said(ask(&[https(silent, "ok")], SHORT));
        assert!(late.ends_with("no answer in time"), "{late}");
    });
    asked.unwrap().join().unwrap();
}
