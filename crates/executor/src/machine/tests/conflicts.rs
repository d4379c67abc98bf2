//! Other machines that claim an address which is held here.

use super::*;

/// What happens to a machine before a claim is heard.
type Happens = fn(&mut Bench);

fn ip(last: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(192, 0, 2, last))
}

fn claimed(last: u8, mac: u8) -> Input {
    let (address, interface) = (ip(last), "eth0".to_owned());
    Input::Claimed { address, interface, mac: [2, 0, 0, 0, 0, mac] }
}

impl Bench {
    fn defended(&mut self) -> Vec<IpAddr> {
        self.take(|output| match output {
            Output::Defend(address) => Some(*address),
            _ => None,
        })
    }

    fn watched(&mut self) -> Vec<Vec<IpAddr>> {
        self.take(|output| match output {
            Output::WatchClaims(addresses) => Some(addresses.clone()),
            _ => None,
        })
    }

    /// Lets time pass, and answers the renewals.
    fn live(&mut self, seconds: u32) {
        for _ in 0..seconds {
            self.pass(SECOND);
            if self.said.iter().any(|output| matches!(output, Output::Renew { .. })) {
                self.renewed_but(&[]);
            }
        }
    }

    fn alarms(&mut self) -> Vec<Option<String>> {
        self.take(|output| match output {
            Output::Report(Report::Alarm { group: WEB, text }) => Some(text.clone()),
            _ => None,
        })
    }
}

/// A machine that has had two addresses for a while.
fn settled() -> Bench {
    let mut bench = Bench::new();
    bench.run(WEB, Action::Start, &[address(1), address(2)]);
    bench.change(&Outcome::Success);
    bench.live(5);
    bench.said.clear();
    bench
}

#[test]
fn claims_are_listened_for_while_an_address_is_here() {
    let mut bench = Bench::new();
    bench.run(DB, Action::Start, &[address(1), address(2)]);
    assert_eq!(bench.watched(), [] as [Vec<IpAddr>; 0], "nothing is here yet");
    bench.change(&Outcome::Success);
    assert_eq!(bench.watched().last(), Some(&vec![ip(1), ip(2)]));
    bench.live(5);
    assert_eq!(bench.watched(), [] as [Vec<IpAddr>; 0], "nothing has changed");
    bench.run(DB, Action::Stop, &[address(1), address(2)]);
    bench.change(&Outcome::Success);
    assert_eq!(bench.watched(), [vec![] as Vec<IpAddr>]);
    bench.tell(claimed(1, 7));
    assert_eq!(bench.defended(), [] as [IpAddr; 0], "it is the next owner's");
}

#[test]
fn claim_is_answered_and_raises_one_alarm_that_ends_a_minute_after_the_last() {
    let mut bench = settled();
    for _ in 0..1000 {
        bench.tell(claimed(1, 7));
    }
    assert_eq!(bench.defended(), [ip(1)]);
    let text = "192.0.2.1 on eth0 is also claimed by 02:00:00:00:00:07; clients may reach that \
                machine, although this node announces the address again";
    assert_eq!(bench.alarms(), [Some(text.to_owned())]);
    assert_eq!(bench.logs(), [] as [String; 0], "the alarm has a line of its own");
    bench.live(59);
    assert_eq!((bench.defended(), bench.alarms()), (vec![ip(1)], vec![]), "the owed answer");
    bench.live(2);
    assert_eq!(bench.alarms(), [None]);
    let summary = "No other machine claims these any more: 192.0.2.1 on eth0 (claimed 1000 times by \
                   02:00:00:00:00:07, announced again 2 times)";
    assert_eq!(bench.logs(), [summary]);
    assert_eq!(bench.reports(), [], "nothing else follows from it");
}

#[test]
fn claim_soon_after_the_start_is_answered_and_raises_no_alarm() {
    let mut bench = Bench::new();
    bench.started(WEB, &[address(1)]);
    bench.pass(SECOND);
    bench.tell(claimed(1, 7));
    assert_eq!(bench.defended(), [ip(1)]);
    bench.live(70);
    assert_eq!((bench.alarms(), bench.logs()), (vec![], vec![]));
}

#[test]
fn claim_of_an_address_that_is_not_held_or_is_about_to_go_is_left_alone() {
    let cases: [(&str, Happens); 4] = [
        ("it is stopped", |bench| {
            bench.run(WEB, Action::Stop, &[agent("a")]);
        }),
        ("it is let go", |bench| bench.ask(Request::Release)),
        ("the permit has expired", |bench| bench.now = bench.now + 1000 * SECOND),
        ("it is gone", |bench| {
            bench.run(WEB, Action::Stop, &[address(1)]);
            bench.change(&Outcome::Success);
        }),
    ];
    for (what, happens) in cases {
        let mut bench = settled();
        happens(&mut bench);
        bench.tell(claimed(1, 7));
        assert_eq!((bench.defended(), bench.alarms()), (vec![], vec![]), "{what}");
    }
    let mut bench = settled();
    bench.tell(claimed(9, 7));
    assert_eq!((bench.defended(), bench.alarms()), (vec![], vec![]), "it is not ours");
}

#[test]
fn claim_is_left_alone_until_a_daemon_vouches_for_the_address() {
    let ledger = vec![held(WEB, &[address(1)])];
    let mut bench = Bench::of(Start { ledger, ..start() });
    bench.renewed_but(&[]);
    bench.tell(Input::Connected);
    assert_eq!(bench.watched(), [vec![ip(1)]]);
    bench.tell(claimed(1, 7));
    assert_eq!((bench.defended(), bench.alarms()), (vec![], vec![]), "this is the grace");
    bench.permit(600 * SECOND);
    bench.tell(claimed(1, 7));
    assert_eq!((bench.defended().len(), bench.alarms().len()), (1, 1));
}

#[test]
fn machine_that_claims_every_few_minutes_raises_few_alarms() {
    let mut bench = settled();
    for _ in 0..20 {
        bench.tell(claimed(1, 7));
        bench.permit(600 * SECOND);
        bench.live(180);
    }
    // It ends after 1 and 2 minutes, and then no more.
    let alarms = bench.alarms();
    assert!(alarms.len() == 5 && alarms[4].is_some(), "{alarms:?}");
}

#[test]
fn owed_answer_is_not_given_once_the_address_is_being_stopped() {
    let mut bench = settled();
    bench.tell(claimed(1, 7));
    bench.tell(claimed(1, 7));
    assert_eq!(bench.defended(), [ip(1)]);
    bench.run(WEB, Action::Stop, &[agent("a")]);
    bench.live(11);
    assert_eq!(bench.defended(), [] as [IpAddr; 0]);
}

#[test]
fn alarm_about_a_claim_ends_with_the_group() {
    let mut bench = settled();
    bench.tell(claimed(1, 7));
    assert_eq!(bench.alarms().len(), 1);
    bench.run(WEB, Action::Stop, &[address(1), address(2)]);
    bench.change(&Outcome::Success);
    bench.pass(Duration::from_millis(1));
    assert_eq!(bench.alarms(), [None]);
}

#[test]
fn flood_of_claims_for_many_addresses_is_told_in_few_lines() {
    let mut bench = Bench::new();
    let addresses: Vec<_> = (1..=200).map(address).collect();
    bench.run(WEB, Action::Start, &addresses);
    bench.change(&Outcome::Success);
    bench.live(5);
    bench.said.clear();
    for round in 0..50 {
        for last in 1..=200 {
            bench.tell(claimed(last, round));
        }
        bench.live(1);
    }
    let alarms = bench.alarms();
    assert_eq!(alarms.len(), 5, "{alarms:?}");
    bench.live(80);
    let (alarms, lines) = (bench.alarms(), bench.logs());
    let [Some(text), None] = &alarms[..] else { panic!("{alarms:?}") };
    assert!(text.contains("192.0.2.3 on eth0") && text.contains(", and 197 more;"), "{text}");
    assert!(lines.len() == 1 && lines[0].len() < 600, "{lines:?}");
    assert!(bench.defended().len() <= 200 * 6);
}

#[test]
fn adopted_address_is_not_new_and_new_daemon_is_told_of_the_conflict() {
    let ledger = vec![held(WEB, &[address(1)])];
    let mut bench = Bench::of(Start { ledger, ..start() });
    bench.tell(Input::Connected);
    bench.permit(600 * SECOND);
    bench.renewed_but(&[]);
    assert_eq!(bench.watched(), [vec![ip(1)]]);
    bench.tell(claimed(1, 7));
    assert_eq!(bench.alarms().len(), 1);
    bench.tell(Input::Disconnected);
    bench.tell(Input::Connected);
    assert_eq!(bench.alarms().len(), 1);
}

#[test]
fn two_causes_of_alarm_share_one_text_and_end_one_after_the_other() {
    let mut bench = settled();
    for _ in 0..3 {
        bench.tell(Input::AddressGone { address: ip(2), by: None });
        bench.renewed_but(&[address(2)]);
        bench.change(&Outcome::Success);
    }
    bench.live(30);
    let first = bench.alarms();
    assert!(first.len() == 1 && !first[0].as_ref().unwrap().contains("claimed"), "{first:?}");
    bench.tell(claimed(1, 7));
    let alarms = bench.alarms();
    let [Some(text)] = &alarms[..] else { panic!("{alarms:?}") };
    assert!(text.contains("is also claimed by") && text.contains("again and again"), "{text}");
    bench.live(31);
    let alarms = bench.alarms();
    let [Some(text)] = &alarms[..] else { panic!("{alarms:?}") };
    assert!(text.contains("is also claimed by") && !text.contains("again and again"), "{text}");
    bench.live(60);
    assert_eq!(bench.alarms(), [None]);
}
