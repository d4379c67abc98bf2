use super::file::LogFile;
use super::format::Format;
use super::syslog::Syslog;
use super::*;
use jiff::civil::date;
use jiff::tz::TimeZone;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;

fn format(is_syslog: bool) -> Format {
    Format { node: "web2".into(), pid: 12, is_syslog }
}

fn moment() -> Zoned {
    date(2026, 11, 2).at(10, 52, 21, 0).to_zoned(TimeZone::UTC).unwrap()
}

fn settings(directory: &std::path::Path) -> LogSettings {
    LogSettings {
        logfile: Some(directory.join("ha-log")),
        debugfile: Some(directory.join("ha-debug")),
        syslog_format: true,
        node: "web2".into(),
        ..LogSettings::default()
    }
}

#[test]
fn log_lines_have_forms_of_heartbeat() {
    let dead = Line::new(Level::Warning, "node web1: is dead");
    let asked = Line::new(Level::Debug, "Got asked for num_ping.").said_by(Source::Ipfail);
    let group = Line::new(Level::Info, "Acquiring resource group: web1 nginx")
        .said_by(Source::Script("ResourceManager"));
    let agent = Line::new(Level::Info, "Adding").said_by(Source::Agent("IPaddr(eth0)[9]".into()));
    let table = [
        (
            &dead,
            "Nov 02 10:52:21 web2 heartbeat: [12]: WARN: node web1: is dead\n",
            "Nov 02 10:52:21 web2 heartbeat: [12]: WARN: node web1: is dead\n",
            "heartbeat: [12]: WARN: node web1: is dead",
        ),
        (
            &asked,
            "Nov 02 10:52:21 web2 ipfail: [12]: debug: Got asked for num_ping.\n",
            "Nov 02 10:52:21 web2 ipfail: [12]: debug: Got asked for num_ping.\n",
            "ipfail: [12]: debug: Got asked for num_ping.",
        ),
        (
            &group,
            "2026/11/02_10:52:21\t ResourceManager(default)[12]:    info: Acquiring resource group: web1 nginx\n",
            "ResourceManager(default)[12]:\t2026/11/02_10:52:21\tinfo: Acquiring resource group: web1 nginx\n",
            "ResourceManager(default)[12]: info: Acquiring resource group: web1 nginx",
        ),
        (
            &agent,
            "2026/11/02_10:52:21\t IPaddr(eth0)[9]:    info: Adding\n",
            "IPaddr(eth0)[9]:\t2026/11/02_10:52:21\tinfo: Adding\n",
            "IPaddr(eth0)[9]: info: Adding",
        ),
    ];
    let now = moment();
    for (line, logfile, debugfile, syslog) in table {
        assert_eq!(format(true).for_logfile(line, &line.text, &now), logfile);
        assert_eq!(format(true).for_debugfile(line, &line.text, &now), debugfile);
        assert_eq!(format(true).for_syslog(line, &line.text), syslog);
    }
    let plain = format(false).for_logfile(&dead, &dead.text, &now);
    assert_eq!(plain, "heartbeat[12]: 2026/11/02_10:52:21 WARN: node web1: is dead\n");
}

#[test]
fn every_log_level_has_its_word() {
    use Level::{Critical, Debug, Emergency, Error, Info, Notice, Warning};
    let levels = [Emergency, Critical, Error, Warning, Notice, Info, Debug];
    let words = levels.map(Level::word);
    assert_eq!(words, ["EMERG", "CRIT", "ERROR", "WARN", "notice", "info", "debug"]);
}

#[test]
fn text_of_outsider_becomes_one_bounded_line() {
    assert_eq!(clean("a\nb\u{1b}[2Jc"), "a?b?[2Jc");
    assert_eq!(clean(&"ä".repeat(TEXT_MAX)).len(), TEXT_MAX);
}

#[test]
fn debug_lines_go_only_to_debug_file() {
    let directory = tempfile::tempdir().unwrap();
    let settings = settings(directory.path());
    let mut log = Log::open(&settings, false);
    log.write(&Line::new(Level::Info, "an info"));
    log.write(&Line::new(Level::Debug, "of the daemon at level 0"));
    log.write(&Line::new(Level::Debug, "of ipfail").said_by(Source::Ipfail));
    log.change_debug(1);
    log.write(&Line::new(Level::Debug, "of the daemon at level 1"));
    log.finish();
    let read = |path: &Option<PathBuf>| fs::read_to_string(path.as_ref().unwrap()).unwrap();
    let (normal, debug) = (read(&settings.logfile), read(&settings.debugfile));
    assert!(normal.contains("an info") && !normal.contains("of ipfail"), "{normal}");
    assert!(debug.contains("an info") && debug.contains("of ipfail"), "{debug}");
    assert!(!debug.contains("at level 0") && debug.contains("at level 1"), "{debug}");
    let mode = fs::metadata(settings.logfile.unwrap()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
}

#[test]
fn rotated_log_file_is_noticed_within_a_second_and_recreated() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ha-log");
    let mut file = LogFile::new(path.clone(), None);
    let at = Duration::from_millis;
    assert!(!file.tend(at(10_000)).unwrap());
    file.write("before\n");
    fs::rename(&path, directory.path().join("ha-log.1")).unwrap();
    assert!(!file.tend(at(10_900)).unwrap(), "not for every line");
    file.write("still to the old one\n");
    assert!(file.tend(at(11_000)).unwrap());
    file.write("after\n");
    assert_eq!(fs::read_to_string(&path).unwrap(), "after\n");
    let old = fs::read_to_string(directory.path().join("ha-log.1")).unwrap();
    assert_eq!(old, "before\nstill to the old one\n");
}

#[test]
fn rotated_log_is_reopened_without_signal() {
    let directory = tempfile::tempdir().unwrap();
    let settings = LogSettings { debugfile: None, ..settings(directory.path()) };
    let path = settings.logfile.clone().unwrap();
    let mut log = Log::open(&settings, false);
    log.start();
    let limit = std::time::Instant::now() + Duration::from_secs(20);
    let mut is_rotated = false;
    let read = || fs::read_to_string(&path).unwrap_or_default();
    while !read().contains("log-rotate detected on logfile ") {
        assert!(std::time::Instant::now() < limit, "{}", read());
        log.write(&Line::new(Level::Info, "a line"));
        if !is_rotated && read().contains("a line") {
            fs::rename(&path, directory.path().join("ha-log.1")).unwrap();
            is_rotated = true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn log_reopening_recreates_removed_file() {
    let directory = tempfile::tempdir().unwrap();
    let settings = settings(directory.path());
    let mut log = Log::open(&settings, false);
    let path = settings.logfile.unwrap();
    fs::write(&path, "").unwrap();
    log.write(&Line::new(Level::Notice, "before"));
    fs::remove_file(&path).unwrap();
    log.reopen();
    log.write(&Line::new(Level::Notice, "once more"));
    log.finish();
    assert!(fs::read_to_string(&path).unwrap().ends_with("notice: once more\n"));
}

#[test]
fn fifo_as_log_file_is_refused_with_reason_and_blocks_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let settings = settings(directory.path());
    let path = settings.logfile.clone().unwrap();
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mkfifoat(rustix::fs::CWD, &path, mode).unwrap();
    let told = |text: &str| {
        let words = format!("Cannot open logfile {}: it is a FIFO, which", path.display());
        text.matches(&words).count()
    };
    for has_reader in [false, true] {
        let reader = has_reader.then(|| {
            let flags = rustix::fs::OFlags::NONBLOCK;
            rustix::fs::open(&path, flags, rustix::fs::Mode::empty()).unwrap()
        });
        let mut log = Log::open(&settings, false);
        for _ in 0..10 {
            log.write(&Line::new(Level::Info, "a line"));
        }
        log.finish();
        let text = fs::read_to_string(settings.debugfile.as_ref().unwrap()).unwrap();
        assert_eq!(told(&text), 1, "{text}");
        assert_eq!(text.matches("a line").count(), 10, "the other file is written: {text}");
        fs::remove_file(settings.debugfile.as_ref().unwrap()).unwrap();
        drop(reader);
    }
}

#[test]
fn log_lines_without_room_are_counted_and_reported_later() {
    let directory = tempfile::tempdir().unwrap();
    let settings = LogSettings { debugfile: None, ..settings(directory.path()) };
    let sinks = shared(Sinks::new(&settings, false));
    // The test holds the lock of the sinks in place of a storage that accepts nothing.
    let storage = Arc::clone(&sinks);
    let dead = storage.lock().unwrap();
    let mut log = Log::new(0, Way::Waiting(sinks, Vec::new()));
    log.start();
    for number in 0..QUEUE + 100 {
        log.write(&Line::new(Level::Info, format!("line {number}")));
    }
    assert!(log.lost > 0);
    drop(dead);
    let limit = std::time::Instant::now() + Duration::from_secs(20);
    while log.lost > 0 {
        assert!(std::time::Instant::now() < limit);
        log.tick();
    }
    log.finish();
    let text = fs::read_to_string(settings.logfile.unwrap()).unwrap();
    // If the writer took its first line late, a loss was reported in between.
    let told = text.lines().filter_map(|line| {
        let count = line.strip_suffix(" lost because the log is too slow")?;
        let count = count.strip_suffix(" lines were").or(count.strip_suffix(" line was"))?;
        count.rsplit(' ').next()?.parse::<usize>().ok()
    });
    let lost: usize = told.sum();
    assert!((98..=100).contains(&lost), "one may have been in the writer's hand: {lost}");
    assert_eq!(text.matches(": line ").count() + lost, QUEUE + 100);
}

#[test]
fn flood_of_repeating_lines_is_reduced_to_few_lines() {
    let directory = tempfile::tempdir().unwrap();
    let settings = settings(directory.path());
    let mut log = Log::open(&settings, false);
    for number in 0..500 {
        let text = format!("bad packet {number}");
        log.write(&Line::new(Level::Warning, text).repeating(Repeating::BadPacket));
    }
    log.finish();
    let text = fs::read_to_string(settings.logfile.unwrap()).unwrap();
    // If the machine is slow, seconds pass, and each may add its line and its count.
    assert!(text.contains("bad packet 0") && text.lines().count() < 50, "{text}");
}

#[test]
fn syslog_gets_datagrams_and_its_absence_is_tolerated() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log");
    let mut syslog = Syslog::of_facility("local0").unwrap().at(path.clone());
    syslog.send(Level::Error, "nobody listens", &moment());
    let server = UnixDatagram::bind(&path).unwrap();
    server.set_nonblocking(true).unwrap();
    syslog.send(Level::Error, "heartbeat: [12]: ERROR: text", &moment());
    let mut buffer = [0; 200];
    let length = server.recv(&mut buffer).unwrap();
    assert_eq!(&buffer[..length], b"<131>Nov  2 10:52:21 heartbeat: [12]: ERROR: text");
    drop(server);
    fs::remove_file(&path).unwrap();
    let server = UnixDatagram::bind(&path).unwrap();
    server.set_nonblocking(true).unwrap();
    syslog.send(Level::Info, "again", &moment());
    assert_eq!(server.recv(&mut buffer).unwrap(), b"<134>Nov  2 10:52:21 again".len());
    for _ in 0..10_000 {
        syslog.send(Level::Info, "nobody reads, nobody waits", &moment());
    }
    assert!(Syslog::of_facility("bogus").is_none());
}
