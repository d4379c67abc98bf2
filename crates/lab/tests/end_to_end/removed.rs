//! An address that is removed from outside is back at once, without any other effect.

use crate::agent::{install, verbs};
use crate::play::play_with;
use crate::watched::watched;
use crate::{LIMIT, Outcome};
use std::thread::sleep;
use std::time::{Duration, Instant};
use systole_lab::{ClusterConfig, Lab, Node};

/// How often it is removed.
const TIMES: usize = 20;
/// How long it may be missing for the client.
const BOUND: Duration = Duration::from_millis(20);
/// Records every start and stop.
const AGENT: &str = "#!/bin/sh\ncase $1 in\n\
    start) echo start >>/var/log/agent; touch /run/told ;;\n\
    stop) echo stop >>/var/log/agent; rm -f /run/told ;;\n\
    status) [ -e /run/told ] && echo running || echo stopped ;;\nesac\n";

/// The client's address, and an agent that records when it is called.
fn config() -> ClusterConfig {
    let usual = ClusterConfig::default();
    let service = usual.service.word();
    let groups = vec![format!("web1 {}/24/eth0 told {service}", usual.address)];
    ClusterConfig { groups, ..usual }
}

fn installed(lab: &Lab) -> Outcome {
    install(lab, "told", AGENT)
}

/// Removes the address, waits until the client hears it again, and returns how long it was missing.
fn remove(lab: &Lab) -> Result<Duration, systole_lab::LabError> {
    let since = Instant::now();
    let word = format!("{}/24", lab.config().address);
    let told = lab.run(Node::Web1, &["ip", "address", "del", &word, "dev", "eth0"])?;
    assert!(told.success(), "{told:?}");
    let gap = || lab.probe().gaps(since).into_iter().map(|gap| gap.length).max();
    lab.wait_for("the address is back", LIMIT, || {
        lab.owners(lab.config().address) == [Node::Web1] && lab.probe().answering().is_some()
    })?;
    Ok(gap().unwrap_or_default())
}

#[test]
fn address_removed_twenty_times_is_restored_without_agent_calls() -> Outcome {
    play_with(&config(), installed, |lab| {
        let (web1, web2) = (Node::Web1, Node::Web2);
        let before = verbs(lab, web1);
        let mut gaps = Vec::new();
        let seen = watched(lab, &[lab.config().address], || {
            for _ in 0..TIMES {
                gaps.push(remove(lab)?);
                sleep(Duration::from_millis(100));
            }
            Ok(())
        })?;
        gaps.sort_unstable();
        let (median, longest) = (gaps[TIMES / 2], gaps[TIMES - 1]);
        let kept = if longest <= BOUND { "kept" } else { "NOT KEPT" };
        println!(
            "{TIMES} removals: the client missed {median:?} by the median, {longest:?} at most"
        );
        println!("(bound {BOUND:?}: {kept})");
        assert!(seen.iter().all(|it| it.owners == [web1].into()), "it moved: {seen:?}");
        // A busy machine delays some of them, but not most.
        assert!(median <= BOUND, "{gaps:?}");
        assert_eq!(verbs(lab, web1), before, "an agent was called");
        assert_eq!(verbs(lab, web2), "", "an agent was called");
        // The last entry comes a moment after the address.
        let journal = || lab.read_file(web1, "var/lib/heartbeat/journal.jsonl");
        let told = || journal().matches("\"address_back\"").count();
        lab.wait_for("the journal tells each of them", LIMIT, || told() >= TIMES)?;
        let journal = journal();
        assert_eq!(journal.matches("\"address_back\"").count(), TIMES, "{journal}");
        assert!(journal.contains("\"alarm\""), "{journal}");
        assert!(lab.run(web1, &["hb", "status"])?.stdout.contains("removed"));
        Ok(())
    })
}
