//! Groups that are held by order, that wait before they fail back, and that have moved too often.

use crate::play::play;
use crate::{CALM, LIMIT, Outcome, owned_by, stays_with};
use std::thread::sleep;
use std::time::{Duration, Instant};
use systole_lab::{ClusterConfig, Cut, Lab, LabError, Link, Node};

/// Waits until `hb status` of a node says something.
fn says(lab: &Lab, node: Node, words: &str) -> Result<(), LabError> {
    lab.wait_for(&format!("the status of {node} says `{words}`"), LIMIT, || {
        lab.run(node, &["hb", "status"]).is_ok_and(|told| told.stdout.contains(words))
    })?;
    Ok(())
}

fn orders(lab: &Lab, node: Node, words: &[&str]) -> Result<String, LabError> {
    let told = lab.run(node, &[&["hb"], words].concat())?;
    assert!(told.success(), "{words:?}: {}{}", told.stdout, told.stderr);
    Ok(told.stdout)
}

/// Checks for a while that no node has the address.
fn nobody_takes_it(lab: &Lab) {
    let since = Instant::now();
    while since.elapsed() < CALM {
        assert_eq!(lab.owners(lab.config().address), []);
        sleep(Duration::from_millis(50));
    }
}

#[test]
fn held_pair_neither_takes_over_nor_fails_back_until_released() -> Outcome {
    play(&ClusterConfig::default(), |lab| {
        lab.wait_for("the nodes know each other", LIMIT, || {
            lab.run(Node::Web1, &["hb", "status"]).is_ok_and(|told| told.stdout.contains("systole"))
        })?;
        let told = orders(lab, Node::Web1, &["hold", "--for", "10m"])?;
        assert!(told.contains("Everything is held for another"), "{told}");
        for node in Node::ALL {
            says(lab, node, "(ordered on web1): moves only by order")?;
        }
        let json = lab.run(Node::Web2, &["hb", "status", "--json"])?.stdout;
        assert!(json.contains("\"left_ms\":") && json.contains("\"by\": \"web1\""), "{json}");

        lab.power_off(Node::Web1)?;
        let withheld = "not taken by this node because of a hold, although web1 was silent";
        says(lab, Node::Web2, withheld)?;
        nobody_takes_it(lab);
        lab.wait_for_log(Node::Web2, &["is not taken by this node although web1 was silent"])?;
        orders(lab, Node::Web2, &["release"])?;
        owned_by(lab, Node::Web2)?;
        let sentences = ["this node does not take it although", "no longer held: released"];
        println!("{}", lab.wait_for_answer(Node::Web2, &["hb", "why"], &sentences)?);

        let told = orders(lab, Node::Web2, &["hold"])?;
        assert!(
            told.contains("web1 is not heard; it learns of the hold when it is heard again."),
            "{told}"
        );
        lab.power_on(Node::Web1)?;
        lab.start_daemon(Node::Web1)?;
        says(lab, Node::Web1, "(ordered on web2)")?;
        stays_with(lab, Node::Web2);
        orders(lab, Node::Web1, &["release"])?;
        owned_by(lab, Node::Web1)?;
        let again = lab.run(Node::Web2, &["hb", "release"])?;
        assert_eq!(again.code, Some(1), "{}", again.stdout);
        assert!(again.stderr.contains("there is no matching hold to release"), "{}", again.stderr);
        Ok(())
    })
}

#[test]
fn group_with_delayed_failback_waits_and_goes_home() -> Outcome {
    let extra = vec!["auto_failback after 5".to_owned()];
    play(&ClusterConfig { extra, ..ClusterConfig::default() }, |lab| {
        lab.power_off(Node::Web1)?;
        owned_by(lab, Node::Web2)?;
        lab.power_on(Node::Web1)?;
        lab.start_daemon(Node::Web1)?;
        // The status proves that the group waits.
        says(lab, Node::Web2, "returns to web1 in")?;
        let since = Instant::now();
        owned_by(lab, Node::Web1)?;
        println!("home {:?} after it was seen to wait", since.elapsed());
        stays_with(lab, Node::Web1);
        Ok(())
    })
}

#[test]
fn group_moving_too_often_is_held_down_until_its_owner_dies() -> Outcome {
    let extra = vec!["hold_down 3 600".to_owned()];
    let usual = ClusterConfig::default();
    let config = ClusterConfig { second_link: true, ipfail: false, extra, ..usual };
    play(&config, |lab| {
        lab.cut(Node::Web1, Link::Service, Cut::Carrier)?;
        owned_by(lab, Node::Web2)?;
        lab.join(Node::Web1, Link::Service)?;
        owned_by(lab, Node::Web1)?;
        lab.cut(Node::Web1, Link::Service, Cut::Carrier)?;
        owned_by(lab, Node::Web2)?;
        lab.join(Node::Web1, Link::Service)?;
        for node in Node::ALL {
            let kept = "moved automatically too often: stays where it works best for another";
            says(lab, node, kept)?;
        }
        stays_with(lab, Node::Web2);
        let kept = "it stays where it is: it moved automatically 3 times";
        lab.wait_for_answer(Node::Web1, &["hb", "why"], &[kept])?;
        // The groups of a dead node are taken over nevertheless.
        lab.power_off(Node::Web2)?;
        owned_by(lab, Node::Web1)?;
        Ok(())
    })
}
