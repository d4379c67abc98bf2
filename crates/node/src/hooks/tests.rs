use super::call::{Call, Events};
use super::fields::{COUNT_MAX, VALUE_MAX, select};
use super::process::Runner;
use super::script::Places;
use super::{About, Report, Request, line};
use crate::log::{Level, Repeating};
use std::fs;
use std::os::fd::AsFd as _;
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::Path;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use systole_core::{Event, LinkId, NodeId, NodeStatus, PingId, Settings, Silence};
use systole_sys::seqpacket::{Connection, Receive};

/// A busy machine may take this long.
const PATIENCE: Duration = Duration::from_secs(20);

fn settings() -> Settings {
    let mut settings = Settings::new(NodeId(0), ["web1", "web2"]);
    settings.links = vec!["eth0".into(), "eth1".into()];
    settings.ping_nodes = vec!["10.0.0.1".into()];
    settings
}

fn death(node: NodeId) -> Event {
    let silence = Silence { lasted: None, limit: Duration::ZERO, links: Vec::new() };
    Event::PeerDead(node, Box::new(silence))
}

/// Returns the calls as text: the script, and the fields.
fn told(calls: &[Call]) -> Vec<String> {
    let field = |(name, value): &(String, String)| format!(" {name}={value}");
    let fields = |call: &Call| call.fields.iter().map(field).collect::<String>();
    calls.iter().map(|call| format!("{}:{}", call.script, fields(call))).collect()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[test]
fn events_call_the_scripts_of_heartbeat_with_its_fields() {
    let web2 = NodeId(1);
    let table: [(Event, &[&str]); 9] = [
        (death(web2), &["status: t=status src=web2 st=dead"]),
        (Event::PeerLeft(web2), &["status: t=status src=web2 st=dead"]),
        // It was reported when it said goodbye.
        (death(web2), &[]),
        (Event::PeerStatus(web2, NodeStatus::Active), &[]),
        (death(web2), &["status: t=status src=web2 st=dead"]),
        (Event::LinkUp(web2, LinkId(1)), &["ifstat: t=ifstat node=web2 ifname=eth1 st=up"]),
        (Event::LinkDead(web2, LinkId(0)), &["ifstat: t=ifstat node=web2 ifname=eth0 st=dead"]),
        (
            Event::PingAlive(PingId(0)),
            &[
                "ifstat: t=ifstat node=10.0.0.1 ifname=10.0.0.1 st=up",
                "ns_st: t=NS_st src=10.0.0.1 st=ping info=ping",
            ],
        ),
        (
            Event::PingDead(PingId(0)),
            &[
                "status: t=status src=10.0.0.1 st=dead info=ping",
                "ifstat: t=ifstat node=10.0.0.1 ifname=10.0.0.1 st=dead",
            ],
        ),
    ];
    let mut events = Events::default();
    for (event, calls) in table {
        assert_eq!(told(&events.of_event(&settings(), &event)), calls, "{event:?}");
    }
}

#[test]
fn message_calls_script_named_by_its_type_in_lower_case() {
    let events = Events::default();
    let script = |kind| events.of_message(pairs(&[("t", kind)])).map(|call| call.script);
    assert_eq!(script("MyAlert").as_deref(), Some("myalert"));
    assert_eq!(script("NS_st").as_deref(), Some("ns_st"));
    for kind in ["STATUS", "Hb_takeover", "status.dpkg-old", "ns_ST.x"] {
        assert_eq!(script(kind), None, "{kind:?}");
    }
    for kind in ["", ".", "..", ".hidden", "a/b", "../../bin/sh", "a b", "ä", &"x".repeat(65)] {
        assert_eq!(script(kind), None, "{kind:?}");
    }
    assert_eq!(events.of_message(pairs(&[("x", "y")])), None);
}

#[test]
fn fields_of_message_are_few_short_and_printable() {
    let long = "ä".repeat(VALUE_MAX);
    let given = [
        ("t", "x"),
        ("bell", "a\u{7}b\nc\u{1b}[31m"),
        ("long", long.as_str()),
        ("t", "again"),
        ("DIR", "/evil"),
        ("HA_BIN", "/evil"),
        ("a-b", "x"),
        ("x y", "x"),
        ("systole", "2;…"),
        ("auth", "1 00"),
    ];
    let selected = select(given.into_iter());
    let names: Vec<&str> = selected.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["t", "bell", "long"]);
    assert_eq!(selected[1].1, "abc[31m");
    assert!(selected[2].1.len() <= VALUE_MAX);
    let many: Vec<String> = (0..100).map(|number| format!("f{number}")).collect();
    let selected = select(many.iter().map(|name| (name.as_str(), "x")));
    assert_eq!(selected.len(), COUNT_MAX);
}

#[test]
fn environment_has_fields_that_override_no_variable_of_the_daemon() {
    let mut events = Events::default();
    events.of_event(&settings(), &Event::LocalStatus(NodeStatus::Active));
    let message = [("t", "mail"), ("src", "web2"), ("curhost", "x"), ("keepalive", "9")];
    let call = events.of_message(pairs(&message)).unwrap();
    let common = [
        ("HA_CURHOST", "web1"),
        ("HA_keepalive", "1s"),
        // The daemon was started by an event script.
        ("HA_st", "dead"),
        ("HA_OSTATUS", "up"),
    ];
    let expected = [
        ("HA_CURHOST", "web1"),
        ("HA_keepalive", "1s"),
        ("HA_t", "mail"),
        ("HA_src", "web2"),
        ("HA_curhost", "x"),
        ("HA_OSTATUS", "active"),
    ];
    assert_eq!(call.environment(&pairs(&common)), pairs(&expected));
}

/// A configuration directory and a directory of programs.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        for directory in ["ha.d/rc.d", "share"] {
            fs::create_dir_all(folder.path(directory)).unwrap();
        }
        for directory in ["ha.d", "ha.d/rc.d"] {
            folder.mode(directory, 0o755);
        }
        folder
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    fn mode(&self, name: &str, mode: u32) {
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    fn script(&self, name: &str, text: &str) {
        fs::write(self.path(name), format!("#!/bin/sh\n{text}\n")).unwrap();
        self.mode(name, 0o755);
    }

    fn places(&self) -> Places {
        Places {
            configuration: self.path("ha.d"),
            programs: vec![self.path("share"), self.path("lib")],
        }
    }

    fn refusal(&self, name: &str) -> String {
        self.places().find(name, &[]).unwrap_err()
    }
}

#[test]
fn script_is_run_by_harc_if_that_is_there() {
    let folder = Folder::new();
    assert_eq!(folder.places().find("mail", &[]), Ok(None));
    folder.script("ha.d/rc.d/mail", "");
    let run = folder.places().find("mail", &[]).unwrap().unwrap();
    assert_eq!((run.program, run.is_by_harc), (folder.path("ha.d/rc.d/mail"), false));
    folder.script("ha.d/harc", "");
    let run = folder.places().find("mail", &[]).unwrap().unwrap();
    assert_eq!((run.program, run.is_by_harc), (folder.path("ha.d/harc"), true));
    assert_eq!(run.argument, "mail");
    folder.mode("ha.d/harc", 0o777);
    assert!(
        !folder.places().find("mail", &[]).unwrap().unwrap().is_by_harc,
        "anybody can write it"
    );
}

#[test]
fn script_that_another_user_can_change_is_not_run() {
    let folder = Folder::new();
    folder.script("ha.d/rc.d/mail", "");
    folder.mode("ha.d/rc.d/mail", 0o775);
    assert!(folder.refusal("mail").ends_with("mail is not run: others can write to it (mode 775)"));
    folder.mode("ha.d/rc.d/mail", 0o644);
    assert!(folder.refusal("mail").ends_with("it is not executable"));
    folder.mode("ha.d/rc.d/mail", 0o755);
    folder.mode("ha.d/rc.d", 0o777);
    assert!(folder.refusal("mail").ends_with("rc.d: others can write to it (mode 777)"));
    folder.mode("ha.d/rc.d", 0o755);
    symlink(folder.path("ha.d/rc.d/mail"), folder.path("ha.d/rc.d/link")).unwrap();
    assert!(folder.refusal("link").ends_with("it is not a regular file"));
    if rustix::process::geteuid().is_root() {
        chown(folder.path("ha.d/rc.d/mail"), Some(12_345), None).unwrap();
        assert!(folder.refusal("mail").ends_with("it belongs to user 12345"));
    }
}

#[test]
fn scripts_of_heartbeat_run_only_without_its_programs() {
    let folder = Folder::new();
    for name in ["status", "mail"] {
        folder.script(&format!("ha.d/rc.d/{name}"), "");
    }
    assert!(
        folder.places().find("status", &[]).unwrap().is_some(),
        "there is nothing that it could call"
    );
    folder.script("share/mach_down", "");
    let why = folder.refusal("status");
    assert!(why.contains("share/mach_down by a link to hb, or remove it"), "{why}");
    assert!(
        folder.places().find("mail", &[]).unwrap().is_some(),
        "any other name is the administrator's"
    );
    fs::remove_file(folder.path("share/mach_down")).unwrap();
    folder.script("share/hb", "");
    for actor in ["mach_down", "ResourceManager"] {
        symlink("hb", folder.path(&format!("share/{actor}"))).unwrap();
    }
    let find = |environment: &[(String, String)]| folder.places().find("status", environment);
    assert!(find(&[]).unwrap().is_some(), "they are ours");
    for (directory, environment) in [("lib", None), ("other", Some("other"))] {
        fs::create_dir(folder.path(directory)).unwrap();
        folder.script(&format!("{directory}/ResourceManager"), "");
        let given = environment.map(|name| folder.path(name).display().to_string());
        let given: Vec<_> =
            given.map(|path| ("HA_NOARCHBIN".to_owned(), path)).into_iter().collect();
        let why = find(&given).unwrap_err();
        assert!(why.contains(&format!("{directory}/ResourceManager")), "{why}");
        fs::remove_file(folder.path(directory).join("ResourceManager")).unwrap();
        assert!(find(&given).unwrap().is_some());
    }
}

/// The process of the scripts, as a thread.
struct Scripts {
    daemon: Option<Connection>,
    thread: Option<JoinHandle<()>>,
}

impl Scripts {
    fn start(places: Places, limit: Duration) -> Self {
        let (ours, theirs) = Connection::pair().unwrap();
        let fd = theirs.as_fd().try_clone_to_owned().unwrap();
        drop(theirs);
        let work = move || Runner::new(fd, places, limit).run().unwrap();
        let thread = Some(std::thread::spawn(work));
        let scripts = Self { daemon: Some(ours), thread };
        let variables = [("PATH", "/usr/bin:/bin"), ("HA_CURHOST", "web1")];
        scripts.send(&Request::Environment(pairs(&variables)));
        scripts
    }

    fn send(&self, request: &Request) {
        let packet = serde_json::to_vec(request).unwrap();
        self.daemon.as_ref().unwrap().send(&packet).unwrap();
    }

    fn call(&self, fields: &[(&str, &str)]) {
        self.send(&Request::Run(Events::default().of_message(pairs(fields)).unwrap()));
    }

    /// Reads lines until one contains this.
    fn says(&self, text: &str) -> Vec<String> {
        let mut lines = Vec::new();
        let mut packet = vec![0; 1 << 16];
        let limit = Instant::now() + PATIENCE;
        while !lines.iter().any(|line: &String| line.contains(text)) {
            assert!(Instant::now() < limit, "{text}: {lines:?}");
            match self.daemon.as_ref().unwrap().receive(&mut packet).unwrap() {
                Receive::Packet(length) => {
                    let report: Report = serde_json::from_slice(&packet[..length]).unwrap();
                    lines.push(report.text);
                }
                Receive::Empty => std::thread::sleep(Duration::from_millis(2)),
                Receive::Closed => panic!("it has ended: {lines:?}"),
            }
        }
        lines
    }
}

impl Drop for Scripts {
    fn drop(&mut self) {
        self.daemon = None;
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

fn wait_for(path: &Path, text: &str) {
    let limit = Instant::now() + PATIENCE;
    while fs::read_to_string(path).unwrap_or_default() != text {
        assert!(Instant::now() < limit, "{:?}", fs::read_to_string(path));
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn scripts_run_one_after_the_other_with_their_variables() {
    let folder = Folder::new();
    let out = folder.path("out");
    let text = |name: &str| {
        let out = out.display();
        format!("echo {name} $* $HA_src >>{out}; sleep 0.2; echo end $HA_CURHOST >>{out}")
    };
    folder.script("ha.d/rc.d/status", &text("s"));
    folder.script("ha.d/rc.d/mail", &text("m"));
    let scripts = Scripts::start(folder.places(), PATIENCE);
    scripts.call(&[("t", "status"), ("src", "web2")]);
    scripts.call(&[("t", "nothing"), ("src", "web2")]);
    scripts.call(&[("t", "Mail"), ("src", "web3")]);
    wait_for(&out, "s status web2\nend web1\nm mail web3\nend web1\n");
    scripts.says("/ha.d/rc.d/mail mail");
}

#[test]
fn hanging_script_is_ended_and_next_one_runs() {
    let folder = Folder::new();
    folder.script("ha.d/rc.d/hang", "trap '' TERM; sleep 1000 & wait; sleep 1000");
    folder.script("ha.d/rc.d/mail", &format!("echo done >{}", folder.path("out").display()));
    let scripts = Scripts::start(folder.places(), Duration::from_millis(100));
    scripts.call(&[("t", "hang")]);
    scripts.call(&[("t", "mail")]);
    scripts.says("signal 15.");
    scripts.says("signal 9.");
    scripts.says("killed by signal 9.");
    wait_for(&folder.path("out"), "done\n");
}

#[test]
fn calls_beyond_bound_are_refused_and_reason_of_unfit_script_is_told_once() {
    let folder = Folder::new();
    folder.script("ha.d/rc.d/slow", "sleep 0.5");
    folder.script("ha.d/rc.d/open", "");
    folder.mode("ha.d/rc.d/open", 0o777);
    folder.script("ha.d/rc.d/last", "exit 3");
    let scripts = Scripts::start(folder.places(), PATIENCE);
    scripts.call(&[("t", "slow")]);
    scripts.says("Running");
    for _ in 0..70 {
        scripts.call(&[("t", "open")]);
    }
    let lines = scripts.says("others can write");
    let refused = lines.iter().filter(|line| line.contains("64 calls wait already"));
    assert_eq!(refused.count(), 6, "{lines:?}");
    scripts.call(&[("t", "last")]);
    let lines = scripts.says("exited with return code 3.");
    assert!(!lines.iter().any(|line| line.contains("others can write")), "{lines:?}");
}

#[test]
fn lines_that_scripts_can_cause_without_end_are_limited() {
    for (about, limited) in [
        (About::Lost, Some(Repeating::Script)),
        (About::End, Some(Repeating::ScriptEnd)),
        (About::Harc, None),
        (About::Other, None),
    ] {
        let report = Report { level: Level::Info, text: "text".to_owned(), about };
        assert_eq!(line(report).repeating, limited, "{about:?}");
    }
}
