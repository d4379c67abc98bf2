use super::*;

const SECOND: Duration = Duration::from_secs(1);
const ADDRESS: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

fn at(millis: u64) -> Time {
    Time::START + 1000 * SECOND + Duration::from_millis(millis)
}

const fn mac(last: u8) -> Mac {
    [2, 0, 0, 0, 0, last]
}

fn claim(last: u8) -> (IpAddr, &'static str, Mac) {
    (ADDRESS, "eth0", mac(last))
}

#[test]
fn claim_is_announced_against_at_once_and_then_once_in_ten_seconds() {
    let mut table = Table::default();
    // Milliseconds; whether a claim arrives, else time passes; whether the address is announced.
    let rows = [
        (0, true, true),
        (1, true, false),
        (9_998, true, false),
        (9_999, false, false),
        // The claim in between has had no answer yet.
        (10_000, false, true),
        (20_000, false, false),
        (25_000, true, true),
        (34_999, true, false),
        (35_000, true, true),
        (45_000, false, false),
    ];
    for (millis, is_claim, is_announced) in rows {
        let now = at(millis);
        let announced = if is_claim {
            table.note(now, claim(1), false).announce
        } else {
            table.defend(now) == [ADDRESS]
        };
        assert_eq!(announced, is_announced, "at {millis} ms");
        assert!(table.deadline().is_some_and(|due| due > now), "at {millis} ms");
    }
}

#[test]
fn conflict_begins_with_a_claim_of_a_settled_address_and_ends_a_minute_after_the_last() {
    let mut table = Table::default();
    assert_eq!(table.note(at(0), claim(1), true), Answer { announce: true, is_news: false });
    assert_eq!(table.conflict(ADDRESS), None, "the former owner may not have fallen silent");
    assert_eq!(table.note(at(3_000), claim(2), false), Answer { announce: false, is_news: true });
    assert_eq!(table.note(at(3_001), claim(3), false), Answer { announce: false, is_news: true });
    let first = table.conflict(ADDRESS).expect("a conflict").claimed_by();
    assert_eq!(first, "02:00:00:00:00:02 and others", "not the one that was forgiven");
    assert_eq!(table.defend(at(10_000)), [ADDRESS]);
    assert_eq!(table.deadline(), Some(at(63_001)));
    assert_eq!(table.take_over(at(63_000)), []);
    let over = table.take_over(at(63_001));
    let [(ADDRESS, conflict)] = &over[..] else { panic!("{over:?}") };
    let summary =
        "claimed 3 times by 02:00:00:00:00:02, 02:00:00:00:00:03, announced again 2 times";
    assert_eq!(conflict.summary(), summary);
    assert!(table.conflict(ADDRESS).is_none() && table.deadline().is_none());
    let again = table.note(at(64_000), claim(1), false);
    assert_eq!(again, Answer { announce: true, is_news: true });
}

#[test]
fn claim_of_a_new_address_alone_ends_without_a_conflict() {
    let mut table = Table::default();
    table.note(at(0), claim(1), true);
    assert_eq!(table.take_over(at(60_000)), []);
    assert!(table.is_empty());
}

#[test]
fn conflict_that_comes_back_ends_later_each_time_until_there_was_none_for_an_hour() {
    let minute = Duration::from_mins(1);
    let mut table = Table::default();
    let mut now = at(0);
    // For how many minutes there was no conflict before, and after how many without a claim it is over.
    let rows = [(1, 1), (2, 2), (4, 4), (8, 8), (16, 15), (20, 15), (43, 15), (44, 1), (1, 2)];
    for (quiet, minutes) in rows {
        now = now + quiet * minute;
        assert_eq!(table.take_over(now), []);
        // What may be the last word of a former owner is over after a minute, and changes nothing.
        table.note(now, claim(1), true);
        now = now + minute;
        assert_eq!(table.take_over(now), []);
        assert!(table.note(now, claim(1), false).is_news, "after {quiet} minutes");
        let over = now + minutes * minute;
        table.defend(now + DEFEND_INTERVAL);
        assert_eq!(table.deadline(), Some(over), "after {quiet} minutes");
        assert_eq!(table.take_over(over).len(), 1);
        now = over;
        assert!(table.conflicts.len() <= 1 && table.earlier.len() == 1);
    }
    assert_eq!(table.take_over(now + 57 * minute), []);
    assert!(!table.is_empty());
    assert_eq!(table.take_over(now + 58 * minute), []);
    assert!(table.is_empty(), "an hour after the last claim");
    table.note(now, claim(1), false);
    table.take_over(now + minute);
    assert!(!table.keep(|_| false) && table.is_empty(), "the address is gone");
}

#[test]
fn flood_of_claims_by_random_machines_leaves_one_small_entry() {
    let mut table = Table::default();
    let (mut news, mut announcements) = (0, 0);
    for millis in 0..30_000_u32 {
        let [_, a, b, c] = millis.to_be_bytes();
        let forged = (ADDRESS, "eth0", [2, 0, 0, a, b, c]);
        let answer = table.note(at(millis.into()), forged, false);
        news += u32::from(answer.is_news);
        announcements += u32::from(answer.announce);
        announcements += u32::try_from(table.defend(at(millis.into())).len()).unwrap();
    }
    assert_eq!((news, announcements), (2, 3), "the second machine is news, and no other");
    let conflict = table.conflict(ADDRESS).expect("a conflict");
    assert_eq!(conflict.claimants.len(), CLAIMANTS_MAX);
    assert!(conflict.has_others && conflict.claims == 30_000);
    assert!(conflict.summary().contains("and others"), "{}", conflict.summary());
    assert_eq!((table.conflicts.len(), table.earlier.len()), (1, 0));
}

#[test]
fn address_no_longer_held_is_forgotten_with_its_conflict() {
    let mut table = Table::default();
    table.note(at(0), claim(1), true);
    assert!(!table.keep(|_| false), "nothing was reported");
    table.note(at(0), claim(1), false);
    assert!(!table.keep(|address| address == ADDRESS));
    assert!(table.keep(|_| false) && table.is_empty());
}
