//! Another machine claims an address that a node holds.

use crate::play::play;
use crate::watched::watched;
use crate::{LIMIT, Outcome, owned_by, runs_on, stays_with};
use std::net::IpAddr;
use std::time::{Duration, Instant};
use systole_lab::{ClusterConfig, Failback, Lab, Node};

/// The other machine.
const STRANGER: [u8; 6] = [2, 0, 0, 0, 0xbb, 1];
const STRANGER_TEXT: &str = "02:00:00:00:bb:01";
/// A second group, with an address of IPv6.
const SIX: &str = "fd00:122::100";
/// Number of forged claims in the flood.
const FORGED: u32 = 1000;
/// The longest time until the alarm is over: a minute after the last claim.
const OVER: Duration = Duration::from_secs(80);
/// How the log says that there is a conflict, and that it is over.
const ALARM: &str = "is also claimed by";
const END: &str = "No other machine claims these any more";

fn config() -> ClusterConfig {
    let usual = ClusterConfig::default();
    let service = usual.service.word();
    let groups = vec![
        format!("web1 {}/24/eth0 {service}", usual.address),
        format!("web1 IPv6addr::{SIX}/64/eth0"),
    ];
    ClusterConfig { groups, ipfail: false, failback: Failback::Off, ..usual }
}

fn mac_of(lab: &Lab, node: Node) -> Result<String, Box<dyn std::error::Error>> {
    let text = lab.run(node, &["cat", "/sys/class/net/eth0/address"])?.stdout;
    Ok(text.trim().to_owned())
}

/// Whether the client sends to this Ethernet address what is for the floating address.
fn is_neighbour(lab: &Lab, mac: &str) -> bool {
    let words = ["ip", "neighbour", "show", "192.168.122.100"];
    lab.run_on_client(&words).is_ok_and(|told| told.stdout.contains(mac))
}

/// Claims an address until the node has noticed: soon after its start it is patient.
fn claim_until_told(lab: &Lab, address: IpAddr) -> Outcome {
    let text = format!("{address} on eth0 {ALARM} {STRANGER_TEXT}");
    let mut claimed = Ok(());
    lab.wait_for(&text, LIMIT, || {
        claimed = lab.claim(address, &[STRANGER], Duration::from_millis(100));
        claimed.is_err() || lab.log(Node::Web1).contains(&text)
    })?;
    Ok(claimed?)
}

/// Fails unless the client has heard the new owner announce the address, and no other machine after that.
fn announced_last_by(lab: &Lab, owner: Node, since: Instant) -> Outcome {
    let text = mac_of(lab, owner)?;
    let is_owner = |mac: [u8; 6]| text == mac.map(|byte| format!("{byte:02x}")).join(":");
    let mut heard = lab.probe().announcements(since);
    heard.retain(|it| it.address == lab.config().address);
    let first = heard.iter().position(|it| is_owner(it.sender));
    let first = first.ok_or("the client did not hear the new owner")?;
    let late: Vec<_> = heard[first..].iter().filter(|it| !is_owner(it.sender)).collect();
    assert!(late.is_empty(), "announced after {owner:?} had it: {late:?}");
    Ok(())
}

fn count(lab: &Lab, text: &str) -> usize {
    lab.log(Node::Web1).matches(text).count()
}

#[test]
fn address_claimed_by_stranger_is_defended_and_reported_and_does_not_move() -> Outcome {
    play(&config(), |lab| {
        let (web1, four) = (Node::Web1, lab.config().address);
        let six: IpAddr = SIX.parse()?;
        let ours = mac_of(lab, web1)?;
        let seen = watched(lab, &[four, six], || {
            claim_until_told(lab, six)?;
            claim_until_told(lab, four)?;
            let alarms = [four, six].map(|it| format!(": {it} on eth0 {ALARM} {STRANGER_TEXT}"));
            lab.wait_for_answer(web1, &["hb", "status"], &["ALARM of", &alarms[0], &alarms[1]])?;
            let since = Instant::now();
            lab.wait_for("the client sends to the owner again", LIMIT, || {
                is_neighbour(lab, &ours)
            })?;
            println!("the client's neighbour was right again after {:?}", since.elapsed());
            let forged: Vec<_> = (0..FORGED)
                .map(|number| {
                    let [_, _, a, b] = number.wrapping_mul(0x9e37).to_be_bytes();
                    [2, 0, 0, 0xbc, a, b]
                })
                .collect();
            lab.claim(four, &forged, Duration::from_millis(1))?;
            let since = Instant::now();
            lab.wait_for("the service is reachable again", LIMIT, || {
                lab.http_get(four).is_some() && is_neighbour(lab, &ours)
            })?;
            println!("the service was reachable again {:?} after the flood", since.elapsed());
            lab.wait_for("the alarms are over", OVER, || {
                let status = lab.run(web1, &["hb", "status"]);
                status.is_ok_and(|it| it.success() && !it.stdout.contains("ALARM"))
            })?;
            lab.wait_for_log(web1, &[END, "announced again"])?;
            Ok(())
        })?;
        for one in seen {
            one.stayed_with(web1);
        }
        runs_on(lab, web1)?;
        let log = lab.log(web1);
        let others = format!("{four} on eth0 {ALARM} {STRANGER_TEXT} and others");
        assert_eq!(count(lab, &others), 1, "{log}");
        assert_eq!(count(lab, &format!("{four} on eth0 {ALARM}")), 2, "{log}");
        assert_eq!(count(lab, &format!("{six} on eth0 {ALARM}")), 1, "{log}");
        assert_eq!(count(lab, "The alarm of group"), 2, "{log}");
        assert!((1..=2).contains(&count(lab, END)), "{log}");
        assert!(!log.contains("Cannot listen for other machines"), "{log}");
        assert!(!lab.log(Node::Web2).contains(ALARM), "it holds nothing");
        let journal = lab.read_file(web1, "var/lib/heartbeat/journal.jsonl");
        assert_eq!(journal.matches("\"alarm\"").count(), 5, "{journal}");
        stays_with(lab, web1);
        Ok(())
    })
}

#[test]
fn address_that_is_handed_over_as_planned_raises_no_alarm_about_conflict() -> Outcome {
    play(&config(), |lab| {
        for giver in [Node::Web1, Node::Web2, Node::Web1] {
            let since = Instant::now();
            lab.standby(giver)?;
            owned_by(lab, giver.other())?;
            runs_on(lab, giver.other())?;
            stays_with(lab, giver.other());
            announced_last_by(lab, giver.other(), since)?;
        }
        lab.stop_daemon(Node::Web2)?;
        owned_by(lab, Node::Web1)?;
        stays_with(lab, Node::Web1);
        for node in Node::ALL {
            let log = lab.log(node);
            assert!(!log.contains(ALARM) && !log.contains("Alarm of group"), "{log}");
        }
        Ok(())
    })
}
