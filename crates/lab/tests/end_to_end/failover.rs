//! Power, links, networks and daemons fail, one at a time.

use crate::play::play;
use crate::{LIMIT, Outcome, nobody_else_answered, owned_by, print_gap, stays_with};
use std::thread::sleep;
use std::time::{Duration, Instant};
use systole_lab::{ClusterConfig, Cut, Failback, Link, Node};

#[test]
fn lost_node_is_taken_over_and_gets_its_group_back() -> Outcome {
    play(&ClusterConfig::default(), |lab| {
        let deadtime = lab.config().deadtime;
        for _ in 0..3 {
            let off = Instant::now();
            lab.power_off(Node::Web1)?;
            owned_by(lab, Node::Web2)?;
            print_gap(lab, "power-off", off, deadtime + Duration::from_millis(50));
            assert!(!lab.probe().announcements(off).is_empty(), "the client heard no announcement");
            let on = Instant::now();
            lab.power_on(Node::Web1)?;
            lab.start_daemon(Node::Web1)?;
            owned_by(lab, Node::Web1)?;
            print_gap(lab, "return with failback", on, Duration::from_millis(100));
        }
        stays_with(lab, Node::Web1);
        let lines = ["WARN: node web1: is dead", "Resources being acquired from web1."];
        lab.wait_for_log(Node::Web2, &lines)?;
        Ok(())
    })
}

#[test]
fn group_without_failback_stays_with_survivor() -> Outcome {
    let config = ClusterConfig { failback: Failback::Off, ..ClusterConfig::default() };
    play(&config, |lab| {
        lab.power_off(Node::Web1)?;
        owned_by(lab, Node::Web2)?;
        let before = lab.log(Node::Web1).len();
        lab.power_on(Node::Web1)?;
        lab.start_daemon(Node::Web1)?;
        lab.wait_for("web1 takes part", LIMIT, || {
            lab.log(Node::Web1)[before..].contains("Local status now set to: 'active'")
        })?;
        stays_with(lab, Node::Web2);
        Ok(())
    })
}

#[test]
fn joint_start_leaves_group_with_preferred_node() -> Outcome {
    let start = Instant::now();
    play(&ClusterConfig::default(), |lab| {
        println!("one owner {:?} after the lab began to be built", start.elapsed());
        stays_with(lab, Node::Web1);
        Ok(())
    })
}

#[test]
fn node_without_ping_answers_gives_its_group_away_until_healed() -> Outcome {
    play(&ClusterConfig::default(), |lab| {
        sleep(Duration::from_secs(1));
        lab.drop_icmp(Node::Web1)?;
        owned_by(lab, Node::Web2)?;
        stays_with(lab, Node::Web2);
        let told = "Telling other node that we have more visible ping nodes.";
        lab.wait_for_file(Node::Web2, "var/log/ha-debug", &[told])?;
        lab.heal(Node::Web1)?;
        owned_by(lab, Node::Web1)?;
        stays_with(lab, Node::Web1);
        Ok(())
    })
}

#[test]
fn pair_healed_after_partition_has_one_owner_again() -> Outcome {
    play(&ClusterConfig::default(), |lab| {
        lab.cut(Node::Web1, Link::Service, Cut::Silent)?;
        lab.wait_for("web2 answers", LIMIT, || lab.probe().answering() == Some(Node::Web2))?;
        lab.join(Node::Web1, Link::Service)?;
        owned_by(lab, Node::Web1)?;
        stays_with(lab, Node::Web1);
        lab.wait_for_log(Node::Web2, &["Cluster node web1 returning after partition."])?;
        Ok(())
    })
}

#[test]
fn pair_with_one_of_two_links_lost_stays_together() -> Outcome {
    let config = ClusterConfig { second_link: true, ipfail: false, ..ClusterConfig::default() };
    play(&config, |lab| {
        lab.cut(Node::Web2, Link::Direct, Cut::Carrier)?;
        lab.wait_for("the loss is reported", LIMIT, || {
            lab.log(Node::Web1).contains("Link web2:eth1 dead.")
        })?;
        stays_with(lab, Node::Web1);
        assert!(!lab.log(Node::Web1).contains("is dead\n"), "{}", lab.log(Node::Web1));
        lab.join(Node::Web2, Link::Direct)?;
        lab.wait_for("the link is back", LIMIT, || {
            lab.log(Node::Web1).matches("Link web2:eth1 up.").count() >= 2
        })?;
        Ok(())
    })
}

#[test]
fn carrier_loss_moves_group_over_remaining_link() -> Outcome {
    let config = ClusterConfig { second_link: true, ipfail: false, ..ClusterConfig::default() };
    play(&config, |lab| {
        let since = Instant::now();
        lab.cut(Node::Web1, Link::Service, Cut::Carrier)?;
        owned_by(lab, Node::Web2)?;
        // The stop of nginx alone takes a second.
        print_gap(lab, "carrier lost", since, Duration::from_millis(1500));
        lab.wait_for_log(Node::Web1, &["cannot be reached here: ", "eth0 has no carrier"])?;
        lab.wait_for_answer(Node::Web1, &["hb", "why"], &["cannot reach its clients"])?;
        lab.join(Node::Web1, Link::Service)?;
        owned_by(lab, Node::Web1)?;
        assert!(!lab.log(Node::Web2).contains("node web1: is dead"), "{}", lab.log(Node::Web2));
        Ok(())
    })
}

#[test]
fn standby_moves_group_and_stop_notifies_peer() -> Outcome {
    play(&ClusterConfig::default(), |lab| {
        sleep(Duration::from_secs(1));
        let since = Instant::now();
        lab.standby(Node::Web1)?;
        owned_by(lab, Node::Web2)?;
        print_gap(lab, "standby", since, Duration::from_millis(100));
        stays_with(lab, Node::Web2);
        let since = Instant::now();
        lab.stop_daemon(Node::Web2)?;
        owned_by(lab, Node::Web1)?;
        print_gap(lab, "graceful stop", since, Duration::from_millis(100));
        lab.wait_for_log(Node::Web1, &["Received shutdown notice from 'web2'."])?;
        Ok(())
    })
}

#[test]
fn killed_daemon_leaves_no_second_owner() -> Outcome {
    play(&ClusterConfig::default(), |lab| {
        let since = Instant::now();
        lab.kill_daemon(Node::Web1)?;
        owned_by(lab, Node::Web2)?;
        print_gap(lab, "kill -9 of the daemon", since, Duration::from_millis(700));
        // Once web2 has answered, web1 never does again: the executor of web1 let go before.
        let mut gaps = lab.probe().gaps(since).into_iter();
        assert!(!gaps.any(|gap| gap.after == Node::Web1 && gap.before == Node::Web2));
        nobody_else_answered(lab, since);
        Ok(())
    })
}
