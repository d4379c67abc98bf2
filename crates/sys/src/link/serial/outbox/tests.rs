use super::*;

/// 1000 bytes a second.
const BAUD: u32 = 10_000;
const PATIENCE: Duration = Duration::from_millis(500);

fn millis(count: u64) -> u64 {
    count * SECOND / 1000
}

/// A line that accepts a given number of bytes.
#[derive(Default)]
struct Line {
    room: usize,
    text: Vec<u8>,
}

impl Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = bytes.len().min(self.room);
        if count == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.room -= count;
        self.text.extend(&bytes[..count]);
        Ok(count)
    }

    fn text(&self) -> &str {
        str::from_utf8(&self.text).unwrap()
    }
}

fn advance(outbox: &mut Outbox, line: &mut Line, now: u64) {
    outbox.advance(now, |bytes| line.write(bytes)).unwrap();
}

#[test]
fn outbox_keeps_message_order_and_the_pace_of_the_line() {
    let mut outbox = Outbox::new(BAUD, PATIENCE);
    let mut line = Line { room: 1000, ..Line::default() };
    outbox.put(b"first;").unwrap();
    advance(&mut outbox, &mut line, 0);
    outbox.put(b"second;").unwrap();
    outbox.put_beat(b"beat;").unwrap();
    outbox.put(b"third;").unwrap();
    outbox.put_beat(b"beat;").unwrap();
    // 6 bytes take 6 ms.
    assert_eq!(outbox.due(), Some(millis(6)));
    advance(&mut outbox, &mut line, millis(5));
    assert_eq!(line.text(), "first;");
    for now in [6, 13, 18, 24] {
        advance(&mut outbox, &mut line, millis(now));
    }
    assert_eq!(line.text(), "first;second;beat;third;beat;");
    assert_eq!((outbox.is_empty(), outbox.due()), (true, None));
}

#[test]
fn newest_beat_overtakes_waiting_messages_and_replaces_older_beats() {
    let mut outbox = Outbox::new(BAUD, PATIENCE);
    let mut line = Line { room: 2000, ..Line::default() };
    outbox.put(b"first;").unwrap();
    outbox.put_beat(b"oldest beat;").unwrap();
    let bulk = [b'x'; 500];
    outbox.put(&bulk).unwrap();
    assert!(outbox.put_beat(b"older beat;").is_err(), "the oldest is lost, and that is told");
    assert!(outbox.put_beat(b"beat;").is_err());
    outbox.put(b"last;").unwrap();
    for second in 0..4 {
        advance(&mut outbox, &mut line, second * SECOND);
    }
    let bulk = str::from_utf8(&bulk).unwrap();
    assert_eq!(line.text(), format!("beat;first;{bulk}last;"));
    assert!(outbox.is_empty());
}

#[test]
fn outbox_without_room_drops_whole_messages_oldest_first() {
    let mut outbox = Outbox::new(460_800, PATIENCE);
    let message = |number: usize| format!("{number:-<1000};");
    let mut lost = 0;
    for number in 0..100 {
        lost += usize::from(outbox.put(message(number).as_bytes()).is_err());
    }
    assert_eq!(lost, 100 - WAITING_MAX / 1001);
    for _ in 0..1000 {
        let _ = outbox.put(b"s");
    }
    assert!(outbox.messages.len() <= MESSAGES_MAX && outbox.waiting.len() <= WAITING_MAX);
    let mut line = Line { room: 1 << 20, ..Line::default() };
    for second in 0..10 {
        advance(&mut outbox, &mut line, second * SECOND);
    }
    assert_eq!(line.text(), "s".repeat(10), "whole old ones, or nothing of them");
}

#[test]
fn outbox_turns_slow_past_half_its_patience_and_has_a_bound() {
    // 500 bytes are half a second.
    let mut outbox = Outbox::new(BAUD, PATIENCE);
    outbox.put(&[b'x'; 250]).unwrap();
    assert!(!outbox.is_slow());
    outbox.put(b"x").unwrap();
    assert!(outbox.is_slow());
    let mut taken = 251;
    while outbox.put(&[b'x'; 100]).is_ok() {
        taken += 100;
    }
    assert!(taken <= 2 * SHORT && outbox.waiting.len() <= 2 * SHORT, "{taken}");
}

#[test]
fn message_too_long_for_the_line_is_refused_unless_a_beat() {
    let mut slow = Outbox::new(9600, PATIENCE);
    assert!(slow.put(&[b'x'; SHORT]).is_ok());
    let error = slow.put(&[b'x'; SHORT + 1]).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::EMSGSIZE));
    assert!(Outbox::new(115_200, 4 * PATIENCE).put(&[b'x'; WAITING_MAX]).is_ok());
    // A beat is sent however long it takes.
    assert!(slow.put_beat(&vec![b'x'; 10 * SHORT]).is_ok());
}

#[test]
fn message_begun_is_completed_when_the_line_has_room_again() {
    let mut outbox = Outbox::new(BAUD, PATIENCE);
    let mut line = Line { room: 4, ..Line::default() };
    outbox.put(b"begun;").unwrap();
    advance(&mut outbox, &mut line, 0);
    assert_eq!(outbox.stuck_until(), Some(millis(500)));
    outbox.put_beat(b"beat;").unwrap();
    line.room = 1000;
    advance(&mut outbox, &mut line, millis(499));
    assert_eq!((line.text(), outbox.stuck_until()), ("begun;", None));
    advance(&mut outbox, &mut line, SECOND);
    assert_eq!(line.text(), "begun;beat;");
}

#[test]
fn beat_after_a_torn_message_begins_on_a_new_line() {
    let mut outbox = Outbox::new(BAUD, PATIENCE);
    let mut line = Line { room: 4, ..Line::default() };
    outbox.put(b">>>\na=b\n<<<\n").unwrap();
    outbox.put(b">>>\nc=d\n<<<\n").unwrap();
    outbox.put_beat(b">>>\ne=f\n<<<\n").unwrap();
    advance(&mut outbox, &mut line, 0);
    outbox.abandon();
    outbox.put_beat(b">>>\ng=h\n<<<\n").unwrap();
    line.room = 1000;
    advance(&mut outbox, &mut line, SECOND);
    assert_eq!(line.text(), ">>>\n\n>>>\ng=h\n<<<\n");
    advance(&mut outbox, &mut line, 2 * SECOND);
    assert!(outbox.is_empty());
}

#[test]
fn outbox_reports_an_io_error_of_the_line() {
    let mut outbox = Outbox::new(BAUD, PATIENCE);
    outbox.put(b"x").unwrap();
    let gone = outbox.advance(0, |_| Err(Errno::IO.into()));
    assert_eq!(gone.unwrap_err().raw_os_error(), Some(libc::EIO));
}

#[test]
fn outbox_buffers_do_not_grow_while_beats_are_sent() {
    let mut outbox = Outbox::new(460_800, PATIENCE);
    let mut line = Line { text: Vec::new(), room: 0 };
    let beat = [b'b'; 400];
    let room = |outbox: &Outbox| {
        [outbox.current.capacity(), outbox.beat.capacity(), outbox.waiting.capacity()]
    };
    let before = room(&outbox);
    for second in 0..100 {
        line.room = 1000;
        let _ = outbox.put_beat(&beat);
        let _ = outbox.put(&beat);
        advance(&mut outbox, &mut line, second * SECOND);
    }
    assert_eq!(room(&outbox), before);
}
