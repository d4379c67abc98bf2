use super::*;
use systole_core::GroupSet;

fn answer(ticket: u64) -> News {
    News::Answer { ticket: Ticket(ticket), result: Ok(()) }
}

#[test]
fn lossy_news_beyond_room_is_counted_and_queued_news_arrives_later() {
    let (control, mut beat) = channel().unwrap();
    for _ in 0..NEWS + 3 {
        beat.send_lossy(News::Event(Event::LocalStable));
    }
    assert_eq!(beat.take_lost(), 3);
    beat.send_queued(answer(7));
    for _ in 0..NEWS {
        let news = control.news();
        assert!(matches!(news, Some((_, News::Event(Event::LocalStable)))));
    }
    assert!(control.news().is_none());
    beat.flush();
    assert!(matches!(control.news(), Some((_, News::Answer { ticket: Ticket(7), .. }))));
    assert_eq!(beat.take_lost(), 0);
}

fn event() -> News {
    News::Event(Event::LocalStable)
}

#[test]
fn lossy_news_never_overtakes_queued_news() {
    let (control, mut beat) = channel().unwrap();
    for _ in 0..NEWS {
        beat.send_lossy(event());
    }
    beat.send_queued(answer(7));
    beat.send_queued(answer(8));
    // There is room for one: the news that has waited goes first, and the newest is lost.
    assert!(control.news().is_some());
    beat.send_lossy(event());
    assert_eq!(beat.take_lost(), 1);
    for _ in 1..NEWS {
        assert!(matches!(control.news(), Some((_, News::Event(_)))));
    }
    beat.send_lossy(event());
    let rest: Vec<News> = std::iter::from_fn(|| control.news()).map(|(_, news)| news).collect();
    let right = [News::Answer { ticket: Ticket(7), result: Ok(()) }, answer(8), event()];
    let same = rest.iter().zip(&right);
    let mut same = same.map(|(news, right)| format!("{news:?}") == format!("{right:?}"));
    assert!(rest.len() == right.len() && same.all(|same| same), "{rest:?}");
}

#[test]
fn news_keeps_moment_of_its_turn_while_waiting() {
    let (control, mut beat) = channel().unwrap();
    beat.begin_turn(7);
    for _ in 0..NEWS {
        beat.send_lossy(event());
    }
    beat.send_queued(answer(1));
    beat.begin_turn(8);
    while let Some((at, _)) = control.news() {
        assert_eq!(at, 7);
    }
    beat.flush();
    assert!(matches!(control.news(), Some((7, News::Answer { .. }))));
    beat.send_lossy(event());
    assert!(matches!(control.news(), Some((8, News::Event(_)))));
}

#[test]
fn command_waits_while_queue_lacks_room_for_answer() {
    let (control, mut beat) = channel().unwrap();
    for _ in 0..NEWS {
        beat.send_lossy(event());
    }
    for ticket in 0..QUEUED as u64 / 2 {
        beat.send_queued(answer(ticket));
    }
    let store = || News::Store { terms: Vec::new(), holds: Vec::new(), kept_by_order: Vec::new() };
    for _ in 0..QUEUED {
        beat.send_queued(store());
    }
    assert_eq!(beat.take_lost(), 0);
    control.command(Command::Snapshot).unwrap();
    assert!(beat.command().is_none());
    while control.news().is_some() {}
    beat.flush();
    assert!(matches!(beat.command(), Some(Command::Snapshot)));
}

#[test]
fn command_queue_is_bounded_and_wakes_beat_thread() {
    let (control, beat) = channel().unwrap();
    let order = || Command::Order { ticket: Ticket(1), order: Order::Standby(GroupSet::All) };
    for _ in 0..COMMANDS {
        control.command(order()).unwrap();
    }
    assert!(control.command(order()).is_err());
    assert!(beat.shared.beat.lower().unwrap());
    assert!(matches!(beat.command(), Some(Command::Order { .. })));
}
