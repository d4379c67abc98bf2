//! Planned moves while clients use the service: how long the address and the service are unavailable, and
//! that a taker that cannot take a group says so before anything is stopped.

use crate::play::{never_two, play};
use crate::{LIMIT, Outcome, owned_by};
use serde_json::Value;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};
use systole_lab::{ClusterConfig, Lab, LabError, Node, Service};

/// The number of moves in a row.
const MOVES: usize = 20;
/// How long the address should be unavailable at most, and the service in addition to the time of its script.
const BOUND: Duration = Duration::from_millis(50);
/// The number of clients that fetch the page.
const CLIENTS: usize = 4;
/// The time between two fetches of each client.
const FETCH_PERIOD: Duration = Duration::from_millis(5);
/// How long each client waits before it asks again: the network repeats a lost packet only after a second.
const FETCH_LIMIT: Duration = Duration::from_millis(50);
/// A second group, which is not part of the moves of the first one.
const OTHER: &str = "192.168.122.101";

/// What clients see of the page.
struct Pages {
    /// When the last page was fetched, and the longest time between two pages.
    seen: Mutex<(Instant, Duration)>,
    moved: AtomicBool,
}

impl Pages {
    fn new() -> Self {
        let seen = Mutex::new((Instant::now(), Duration::ZERO));
        Self { seen, moved: AtomicBool::new(false) }
    }

    /// Acts as one of several clients, so that the slowest page does not count. Ends with a page that was
    /// requested after the move.
    fn fetch(&self, lab: &Lab) {
        let begun = Instant::now();
        loop {
            let is_last = self.moved.load(Ordering::Relaxed);
            if lab.http_get_within(lab.config().address, FETCH_LIMIT).is_some() {
                let mut seen = self.seen.lock().expect("no client panics");
                *seen = (Instant::now(), seen.1.max(seen.0.elapsed()));
                if is_last {
                    return;
                }
            }
            assert!(begun.elapsed() < LIMIT, "the page never came back");
            sleep(FETCH_PERIOD);
        }
    }

    fn longest_gap(&self) -> Duration {
        self.seen.lock().expect("no client panics").1
    }
}

/// Returns how long the last run of the service's script took on a node, according to the journal.
fn last_job(lab: &Lab, node: Node, action: &str) -> Duration {
    let journal = lab.read_file(node, "var/lib/heartbeat/journal.jsonl");
    let mut entries = journal.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let is_meant = |entry: &Value| {
        entry["event"] == "job" && entry["addresses"] == false && entry["action"] == action
    };
    let took = entries.rfind(is_meant).and_then(|entry| entry["took_ms"].as_u64());
    Duration::from_millis(took.expect("the journal tells every job"))
}

/// Waits until no node starts, stops or hands over anything: before that an order would be refused.
fn rests(lab: &Lab) -> Result<(), LabError> {
    lab.wait_for("both nodes rest", LIMIT, || {
        Node::ALL.into_iter().all(|node| {
            let told = lab.run(node, &["hb", "status"]).map(|told| told.stdout);
            told.is_ok_and(|text| !text.contains("transition") && !text.contains("hands over"))
        })
    })?;
    Ok(())
}

#[test]
fn twenty_hand_overs_in_a_row_move_address_and_service() -> Outcome {
    let usual = ClusterConfig::default();
    let groups = vec![
        format!("web1 {}/24/eth0 {}", usual.address, usual.service.word()),
        format!("web1 {OTHER}/24/eth0"),
    ];
    play(&ClusterConfig { groups, ..usual }, move_to_and_fro)
}

fn move_to_and_fro(lab: &Lab) -> Outcome {
    let address = lab.config().address.to_string();
    let begun = Instant::now();
    let (mut giver, mut taker) = (Node::Web1, Node::Web2);
    for turn in 1..=MOVES {
        rests(lab)?;
        let since = Instant::now();
        let pages = Pages::new();
        // Alternately the giver gives and the taker takes.
        let (who, order) = if turn % 2 == 1 { (giver, "standby") } else { (taker, "takeover") };
        let told = scope(|threads| {
            for _ in 0..CLIENTS {
                threads.spawn(|| pages.fetch(lab));
            }
            let told = lab.run(who, &["hb", order, "--group", &address]);
            pages.moved.store(true, Ordering::Relaxed);
            told
        })?;
        assert!(told.success(), "move {turn}: {}", told.stderr);
        owned_by(lab, taker)?;
        let away = pages.longest_gap();
        let gap = lab.probe().longest_gap(since).map(|gap| gap.length).unwrap_or_default();
        let own = last_job(lab, giver, "stop") + last_job(lab, taker, "start");
        let rest = away.saturating_sub(own);
        let kept = gap <= BOUND && rest <= BOUND;
        println!(
            "move {turn:2} by {order:8}: address away for {gap:?}, service for {away:?}, of which its \
             script took {own:?} and the rest {rest:?} (bound {BOUND:?}: {})",
            if kept { "kept" } else { "NOT KEPT" }
        );
        assert_eq!(lab.owners(OTHER.parse()?), [Node::Web1], "the other group does not notice");
        (giver, taker) = (taker, giver);
    }
    let twice = lab.probe().duplicates(begun);
    never_two(&twice, !twice.is_empty());
    Ok(())
}

#[test]
fn hand_over_to_node_without_agent_or_interface_is_refused() -> Outcome {
    // If the service also had a unit of systemd, its agent would not be missing.
    let config =
        ClusterConfig { service: Service::Builtin, second_link: true, ..ClusterConfig::default() };
    play(&config, refuse_what_cannot_run)
}

fn refuse_what_cannot_run(lab: &Lab) -> Outcome {
    rests(lab)?;
    let address = lab.config().address.to_string();
    let since = Instant::now();
    let service = format!("/etc/init.d/{}", lab.config().service.word());
    let refused = |order: &[&str], why: &str| -> Outcome {
        let told = lab.run(Node::Web1, order)?;
        assert_eq!((told.code, told.stdout.as_str()), (Some(1), ""), "{}", told.stderr);
        assert!(told.stderr.contains(why), "{}", told.stderr);
        Ok(())
    };
    let aside = format!("{service}.aside");
    assert!(lab.run(Node::Web2, &["mv", &service, &aside])?.success());
    let lacks_agent = "the node that was to take it has no agent for one of its resources";
    refused(&["hb", "standby"], lacks_agent)?;
    refused(&["hb", "standby", "--group", &address], lacks_agent)?;
    refused(&["hb", "standby", "--group", "bogus"], "there is no group bogus; groups are")?;
    assert!(lab.run(Node::Web2, &["mv", &aside, &service])?.success());

    assert!(lab.run(Node::Web2, &["ip", "link", "set", "eth0", "down"])?.success());
    refused(&["hb", "standby"], "has no interface that is up for one of its addresses")?;
    assert!(lab.run(Node::Web2, &["ip", "link", "set", "eth0", "up"])?.success());

    assert!(lab.probe().gaps(since).iter().all(|gap| gap.before == gap.after), "nothing moved");
    assert_eq!(lab.owners(lab.config().address), [Node::Web1]);
    let told = lab.run(Node::Web1, &["hb", "standby", "--group", &address])?;
    assert!(told.success(), "{}", told.stderr);
    owned_by(lab, Node::Web2)?;
    lab.wait_for_answer(Node::Web1, &["hb", "why", &address], &["the order was refused"])?;
    Ok(())
}
