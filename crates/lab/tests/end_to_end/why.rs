//! What `hb why` reports about moves that really happened.

use crate::play::play;
use crate::{LIMIT, Outcome, owned_by};
use serde_json::Value;
use std::time::Duration;
use systole_lab::{ClusterConfig, Failback, Lab, Node};

/// Two links, so that a death has two last beats; groups stay where they are.
fn config() -> ClusterConfig {
    ClusterConfig {
        second_link: true,
        failback: Failback::Off,
        deadtime: Duration::from_secs(1),
        ..ClusterConfig::default()
    }
}

/// Prints what a node reports about the group, and checks that it contains these sentences.
fn tells(lab: &Lab, node: Node, options: &[&str], sentences: &[&str]) -> Outcome {
    let command = [&["hb", "why"], options].concat();
    // The end of a hand-over comes a moment after the address has moved.
    let asked = || lab.run(node, &command).map_or_else(|_| String::new(), |said| said.stdout);
    let complete = || {
        let said = asked();
        sentences.iter().all(|sentence| said.contains(sentence))
    };
    let result = lab.wait_for("the whole story", LIMIT, complete);
    println!("{node}$ {}\n{}", command.join(" "), asked());
    for sentence in sentences {
        assert!(asked().contains(sentence), "{sentence} is not in it");
    }
    Ok(result.map(drop)?)
}

/// Returns the entries of the last move, of one kind.
fn entries(lab: &Lab, node: Node, event: &str) -> Result<Vec<Value>, Box<dyn std::error::Error>> {
    let address = lab.config().address.to_string();
    let said = lab.run(node, &["hb", "why", &address, "--last", "1", "--json"])?.stdout;
    let stories: Value = serde_json::from_str(&said)?;
    let all = stories[0]["entries"].as_array().cloned().unwrap_or_default();
    Ok(all.into_iter().filter(|entry| entry["event"] == event).collect())
}

fn stable(lab: &Lab) -> Outcome {
    lab.wait_for("both are stable", LIMIT, || {
        Node::ALL.into_iter().all(|node| {
            let said = lab.run(node, &["hb", "status", "--json"]);
            said.is_ok_and(|said| said.stdout.replace(' ', "").contains("\"stable\":true"))
        })
    })?;
    Ok(())
}

#[test]
fn hb_why_tells_evidence_and_step_times_of_every_move() -> Outcome {
    play(&config(), |lab| {
        let address = lab.config().address.to_string();
        let service = lab.config().service.word();
        stable(lab)?;

        // A ping node is lost, and ipfail decides.
        lab.drop_icmp(Node::Web1)?;
        owned_by(lab, Node::Web2)?;
        let counts = "web1 sees 0 ping nodes (not 192.168.122.1), web2 1: ";
        let asks = "web1 asks web2 to take [all], because web1 sees fewer ping nodes";
        let stopped = format!("web1 stopped {service} in ");
        let released = format!(", released {address}/24/eth0 in ");
        tells(lab, Node::Web1, &[], &[counts, asks, &stopped, &released, "web2 has [all], "])?;
        lab.heal(Node::Web1)?;

        // The administrator gives an order.
        lab.wait_for("web1 sees its ping node again", LIMIT, || {
            lab.status(Node::Web1)
                .is_some_and(|status| status.ping_nodes.iter().all(|ping| ping.up))
        })?;
        stable(lab)?;
        let said = lab.run(Node::Web2, &["hb", "standby"])?;
        assert!(said.success(), "{}", said.stderr);
        owned_by(lab, Node::Web1)?;
        let asks = "web2 asks web1 to take [all], as ordered here";
        let ordered = ["root (process ", "ordered: standby [all]", asks, "the hand-over took "];
        tells(lab, Node::Web2, &["--last", "1"], &ordered)?;
        let asked = "web2 asks web1 to take [all]\n";
        tells(lab, Node::Web1, &["--last", "1"], &[asked, "web1 can take [all] (checked in "])?;
        stable(lab)?;

        // The owner loses its power.
        lab.power_off(Node::Web1)?;
        owned_by(lab, Node::Web2)?;
        let took = format!("web2 took {address}/24/eth0 in ");
        let started = format!(", started {service} in ");
        let dead = [
            "web1 is dead: silent for 1.0",
            " before on eth0, ",
            " before on eth1",
            &took,
            &started,
        ];
        tells(lab, Node::Web2, &[&address], &dead)?;

        let deaths = entries(lab, Node::Web2, "death")?;
        let [death] = deaths.as_slice() else { panic!("one death: {deaths:?}") };
        println!("{death}");
        assert_eq!((&death["node"], &death["from"]), (&"web1".into(), &"web2".into()));
        assert_eq!(death["limit_ms"], 1000);
        let links = death["links"].as_array().expect("the links");
        let names: Vec<_> = links.iter().map(|link| link["link"].as_str()).collect();
        assert_eq!(names, [Some("eth0"), Some("eth1"), Some("service-network")]);
        assert!(links.iter().all(|link| link["silence_ms"].as_u64() >= Some(900)), "{links:?}");
        let jobs = entries(lab, Node::Web2, "job")?;
        let done: Vec<_> = jobs.iter().map(|job| (&job["action"], &job["outcome"])).collect();
        assert_eq!(done, [(&"start".into(), &"success".into()); 2], "{jobs:?}");
        assert!(jobs.iter().all(|job| job["took_ms"].is_u64()), "{jobs:?}");
        Ok(())
    })
}
