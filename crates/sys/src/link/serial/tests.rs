use super::super::{Form, Link, LinkSpec, Urgency};
use super::*;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::fs;
use std::time::Instant;

const BEAT: &[u8] = b">>>\nt=status\nst=active\n<<<\n";

/// Opens a terminal: returns its other end, and the name of this end.
fn terminal() -> (OwnedFd, String) {
    let _ = fs::create_dir_all(LOCKS);
    let other = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&other).unwrap();
    unlockpt(&other).unwrap();
    let name = ptsname(&other, Vec::new()).unwrap().into_string().unwrap();
    rustix::io::ioctl_fionbio(&other, true).unwrap();
    (other, name)
}

fn open(tty: &str) -> io::Result<Link> {
    Link::open(&LinkSpec::Serial {
        tty: tty.into(),
        baud: 460_800,
        patience: Duration::from_secs(1),
    })
}

fn lock_of(tty: &str) -> std::path::PathBuf {
    let name = tty.rsplit('/').next().unwrap();
    Path::new(LOCKS).join(format!("LCK..{name}"))
}

/// Waits until a message has come.
fn await_message(link: &mut Link) -> Vec<u8> {
    let mut buffer = vec![0; 4096];
    loop {
        if let Some(received) = link.receive(&mut buffer).unwrap() {
            assert_eq!(received.source, None);
            buffer.truncate(received.length);
            return buffer;
        }
        let limit = Timespec { tv_sec: 5, tv_nsec: 0 };
        let fd = PollFd::from_borrowed_fd(link.fd().unwrap(), PollFlags::IN);
        assert_eq!(poll(&mut [fd], Some(&limit)), Ok(1), "no message came");
    }
}

/// Returns what has arrived at the other end.
fn read_all(other: &OwnedFd) -> Vec<u8> {
    let mut buffer = [0; 4096];
    let mut all = Vec::new();
    while let Ok(count @ 1..) = rustix::io::read(other, &mut buffer) {
        all.extend(&buffer[..count]);
    }
    all
}

#[test]
fn serial_link_carries_messages_both_ways_with_control_characters() {
    let (other, tty) = terminal();
    let mut link = open(&tty).unwrap();
    assert_eq!((link.name(), link.kind(), link.form()), (tty.as_str(), "serial", Form::Text));
    assert!(link.listens() && link.is_drained() && link.waiting().is_none());
    link.send(BEAT, Urgency::Beat).unwrap();
    assert_eq!(read_all(&other), BEAT);
    assert_eq!(link.receive(&mut [0; 8]).unwrap(), None);
    // Noise, a carriage return and a byte with its top bit set: flow control characters are data.
    rustix::io::write(&other, b"noise\n>>>\r\n\xf4=a\x13b\x11\n<<<\n>>>\nu=c\n<<<\n").unwrap();
    assert_eq!(await_message(&mut link), b">>>\nt=a\x13b\x11\n<<<\n");
    assert_eq!(await_message(&mut link), b">>>\nu=c\n<<<\n");
    rustix::io::write(&other, b">>>\nt=status\n<<<\n").unwrap();
    let mut small = [0; 8];
    let error = loop {
        match link.receive(&mut small) {
            Ok(None) => std::thread::yield_now(),
            result => break result.unwrap_err(),
        }
    };
    assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    assert!(!link.is_lost());
}

#[test]
fn serial_line_is_configured_as_by_heartbeat() {
    let (_other, tty) = terminal();
    let link = open(&tty).unwrap();
    let modes = tcgetattr(link.fd().unwrap()).unwrap();
    assert_eq!((modes.input_speed(), modes.output_speed()), (460_800, 460_800));
    assert_eq!(modes.local_modes, LocalModes::empty());
    assert_eq!(modes.output_modes, OutputModes::empty());
    let wanted = ControlModes::CS8 | ControlModes::CLOCAL | ControlModes::CRTSCTS;
    assert!(modes.control_modes.contains(wanted));
    assert!(!modes.control_modes.intersects(ControlModes::PARENB | ControlModes::CSTOPB));
    for baud in [9600, 19_200, 38_400, 57_600, 115_200, 230_400] {
        let mut modes = modes.clone();
        configure(&mut modes, baud).unwrap();
        assert_eq!(modes.output_speed(), baud);
    }
}

#[test]
fn serial_line_is_locked_while_open() {
    let (_other, tty) = terminal();
    fs::write(lock_of(&tty), "         1\n").unwrap();
    assert_eq!(open(&tty).unwrap_err().kind(), io::ErrorKind::ResourceBusy);
    fs::write(lock_of(&tty), "   4194305\n").unwrap();
    let link = open(&tty).unwrap();
    let text = fs::read_to_string(lock_of(&tty)).unwrap();
    assert_eq!(text, format!("{:>10}\n", std::process::id()));
    drop(link);
    assert!(!lock_of(&tty).exists());
    assert_eq!(open("/dev/ttyNone").unwrap_err().kind(), io::ErrorKind::NotFound);
    assert!(!lock_of("/dev/ttyNone").exists());
}

#[test]
fn serial_line_taking_nothing_times_out_and_later_sends_a_whole_beat() {
    let (other, tty) = terminal();
    let mut link = open(&tty).unwrap();
    let filler = [b">>>\nx=".as_slice(), &[b'-'; 1000], b"\n<<<\n"].concat();
    let begin = Instant::now();
    // Until the kernel is full and the line is given up.
    let error = loop {
        assert!(begin.elapsed() < Duration::from_secs(30));
        let result = link.send(&filler, Urgency::Other).and_then(|()| link.write_on());
        match result {
            Err(error) if error.raw_os_error() == Some(libc::ETIMEDOUT) => break error,
            Ok(()) | Err(_) => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    println!("given up after {:?}: {error}", begin.elapsed());
    assert!(!link.is_lost());
    let taken = read_all(&other);
    link.send(BEAT, Urgency::Beat).unwrap();
    let mut rest = read_all(&other);
    while !link.is_drained() {
        let _ = link.write_on();
        rest.extend(read_all(&other));
    }
    // The first message after the torn one is whole.
    let stream = [taken, rest].concat();
    assert!(stream.ends_with(&[b"\n".as_slice(), BEAT].concat()));
}

#[test]
fn serial_line_hanging_up_is_lost() {
    for reads in [true, false] {
        let (other, tty) = terminal();
        let mut link = open(&tty).unwrap();
        drop(other);
        let failed = if reads {
            link.receive(&mut [0; 64]).is_err()
        } else {
            link.send(BEAT, Urgency::Beat).is_err()
        };
        assert!(failed && link.is_lost());
        assert!(link.fd().is_none() && link.waiting().is_none() && link.is_drained());
        assert_eq!(link.receive(&mut [0; 64]).unwrap(), None);
        assert!(link.send(BEAT, Urgency::Beat).is_err());
    }
}
