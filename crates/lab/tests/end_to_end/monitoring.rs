//! Services that fail while they run, with a `monitor` line.

use crate::{LIMIT, Outcome, owned_by, pair, runs_on, start, stays_with, systole};
use std::time::{Duration, Instant};
use systole_lab::{ClusterConfig, Lab, Node, Service};

/// How often services are checked here.
const EVERY: Duration = Duration::from_millis(300);
/// Runs until it is told to stop, or its file is removed. Each start is counted. The status can be made to
/// hang, deaf to SIGTERM.
const SCRIPT: &str = "#!/bin/sh\ncase $1 in\n\
    start) echo start >>/var/log/starts; [ ! -e /var/tmp/broken ] || exit 7; touch /run/checked ;;\n\
    stop) rm -f /run/checked ;;\n\
    status)\n\
    if [ -e /var/tmp/hang ]; then rm /var/tmp/hang; trap '' TERM; sleep 31415 & wait; sleep 31415; fi\n\
    [ -e /run/checked ] && echo running || { echo stopped; exit 3; } ;;\nesac\n";

fn config(monitor: &str) -> ClusterConfig {
    ClusterConfig {
        ipfail: false,
        // These tests are not about how fast a death is detected.
        deadtime: Duration::from_secs(2),
        warntime: Duration::from_secs(1),
        initdead: Duration::from_secs(4),
        extra: vec![format!("monitor default every {}ms {monitor}", EVERY.as_millis())],
        ..ClusterConfig::default()
    }
}

/// A pair whose group on web1 is the address and a script that can be made to fail.
fn scripted(monitor: &str) -> Result<Option<Lab>, Box<dyn std::error::Error>> {
    let groups = vec!["web1 192.168.122.100/24/eth0 checked".to_owned()];
    let Some(lab) = pair(ClusterConfig { groups, ..config(monitor) }, [systole(), systole()])?
    else {
        return Ok(None);
    };
    for node in Node::ALL {
        lab.write_file(node, "etc/ha.d/resource.d/checked", SCRIPT)?;
        lab.start_daemon(node)?;
    }
    runs_on(&lab, Node::Web1)?;
    Ok(Some(lab))
}

fn starts(lab: &Lab, node: Node) -> usize {
    lab.read_file(node, "var/log/starts").lines().count()
}

/// Waits until a command prints these words on a node.
fn says(lab: &Lab, node: Node, command: &[&str], wanted: &[&str]) -> Outcome {
    lab.wait_for_answer(node, command, wanted)?;
    Ok(())
}

#[test]
fn killed_nginx_is_restarted_on_its_node_within_an_interval() -> Outcome {
    let Some(lab) = pair(config(""), [systole(), systole()])? else { return Ok(()) };
    if lab.config().service != Service::Nginx {
        println!("skipped: this machine has no nginx");
        return Ok(());
    }
    start(&lab)?;
    says(&lab, Node::Web1, &["hb", "status"], &["nginx: running", "checked"])?;
    let page = || lab.http_get(lab.config().address).is_some();
    lab.run(Node::Web1, &["pkill", "-KILL", "-x", "nginx"])?;
    lab.wait_for("nginx is gone", LIMIT, || !page())?;
    let gone = Instant::now();
    lab.wait_for("nginx is back", LIMIT, page)?;
    println!("the page was away for {:?} (checked every {EVERY:?})", gone.elapsed());
    owned_by(&lab, Node::Web1)?;
    says(&lab, Node::Web1, &["hb", "status"], &["nginx: running", "restarted 1 of 3 times"])?;
    let story = ["nginx has failed", "it is restarted (restart 1 of 3)", "web1 runs it"];
    says(&lab, Node::Web1, &["hb", "why"], &story)?;
    stays_with(&lab, Node::Web1);
    Ok(())
}

/// Nothing is checked within the time of this test but for the end of the main process.
#[test]
fn killed_nginx_master_is_replaced_at_once_and_its_workers_do_not_keep_the_port() -> Outcome {
    let rarely = vec!["monitor default every 10m".to_owned()];
    let config = ClusterConfig { extra: rarely, ..config("") };
    let Some(lab) = pair(config, [systole(), systole()])? else { return Ok(()) };
    if lab.config().service != Service::Nginx {
        println!("skipped: this machine has no nginx");
        return Ok(());
    }
    start(&lab)?;
    // What ends before its start script has ended is not watched.
    runs_on(&lab, Node::Web1)?;
    let master = || {
        let read = lab.run(Node::Web1, &["cat", "/run/nginx.pid"]);
        read.map(|read| read.stdout.trim().to_owned()).unwrap_or_default()
    };
    for round in ["the master alone", "master and workers"] {
        let former = master();
        let page = || lab.http_get(lab.config().address).is_some();
        match round {
            "the master alone" => lab.run(Node::Web1, &["kill", "-KILL", &former])?,
            _ => lab.run(Node::Web1, &["pkill", "-KILL", "-x", "nginx"])?,
        };
        let killed = Instant::now();
        lab.wait_for("another master serves", LIMIT, || {
            let now = master();
            !now.is_empty() && now != former && page()
        })?;
        println!("{round} was killed: another one serves after {:?}", killed.elapsed());
        // A process of the start script is called nginx too, for a moment.
        lab.wait_for("a master with its one worker", LIMIT, || {
            let count = lab.run(Node::Web1, &["pgrep", "-c", "-x", "nginx"]);
            count.is_ok_and(|count| count.stdout.trim() == "2")
        })?;
        runs_on(&lab, Node::Web1)?;
    }
    says(&lab, Node::Web1, &["hb", "status"], &["nginx: running", "restarted 2 of 3 times"])?;
    stays_with(&lab, Node::Web1);
    Ok(())
}

/// The master of an nginx whose workers stand still is there, and its script calls it well.
#[test]
fn nginx_whose_workers_stand_still_is_found_by_http_check_and_restarted() -> Outcome {
    let mut config = config("timeout 1s");
    config.extra.push(format!("check nginx http http://{}/", config.address));
    let Some(lab) = pair(config, [systole(), systole()])? else { return Ok(()) };
    if lab.config().service != Service::Nginx {
        println!("skipped: this machine has no nginx");
        return Ok(());
    }
    start(&lab)?;
    says(&lab, Node::Web1, &["hb", "status"], &["nginx: running", "checked"])?;
    lab.run(Node::Web1, &["sh", "-c", "pkill -STOP -P $(cat /run/nginx.pid)"])?;
    let wanted =
        ["http://192.168.122.100:80/: no answer in time", "it is restarted (restart 1 of 3)"];
    says(&lab, Node::Web1, &["hb", "why"], &wanted)?;
    owned_by(&lab, Node::Web1)?;
    Ok(())
}

#[test]
fn nginx_with_broken_configuration_moves_and_returns_after_repair_and_clear() -> Outcome {
    let Some(lab) = pair(config("restarts 1"), [systole(), systole()])? else { return Ok(()) };
    if lab.config().service != Service::Nginx {
        println!("skipped: this machine has no nginx");
        return Ok(());
    }
    start(&lab)?;
    let sound = lab.read_file(Node::Web1, "etc/nginx/nginx.conf");
    lab.write_file(Node::Web1, "etc/nginx/nginx.conf", "nonsense;\n")?;
    lab.run(Node::Web1, &["pkill", "-KILL", "-x", "nginx"])?;
    owned_by(&lab, Node::Web2)?;
    says(&lab, Node::Web1, &["hb", "status"], &["web1 could not start nginx", "hb retry"])?;
    lab.write_file(Node::Web1, "etc/nginx/nginx.conf", &sound)?;
    says(&lab, Node::Web1, &["hb", "clear"], &["done"])?;
    owned_by(&lab, Node::Web1)?;
    stays_with(&lab, Node::Web1);
    Ok(())
}

#[test]
fn service_failing_again_and_again_moves_and_is_told_apart_from_failed_start() -> Outcome {
    let Some(lab) = scripted("restarts 2")? else { return Ok(()) };
    for restart in 1..=2 {
        lab.run(Node::Web1, &["rm", "/run/checked"])?;
        lab.wait_for("it is started again", LIMIT, || starts(&lab, Node::Web1) == 1 + restart)?;
        runs_on(&lab, Node::Web1)?;
    }
    lab.run(Node::Web1, &["rm", "/run/checked"])?;
    runs_on(&lab, Node::Web2)?;
    assert_eq!((starts(&lab, Node::Web1), starts(&lab, Node::Web2)), (3, 1));
    says(
        &lab,
        Node::Web1,
        &["hb", "status"],
        &["checked failed on web1 while it ran", "does not run"],
    )?;
    says(&lab, Node::Web1, &["hb", "why"], &["its group leaves this node"])?;
    Ok(())
}

#[test]
fn service_broken_on_both_nodes_rests_after_one_start_each() -> Outcome {
    let Some(lab) = scripted("restarts 2")? else { return Ok(()) };
    for node in Node::ALL {
        lab.write_file(node, "var/tmp/broken", "")?;
    }
    lab.run(Node::Web1, &["rm", "/run/checked"])?;
    for node in Node::ALL {
        let wanted = ["failed on", "web1 could not start checked", "web2 could not start checked"];
        says(&lab, node, &["hb", "status"], &wanted)?;
    }
    // Nothing is to happen, for which there is nothing to wait.
    std::thread::sleep(10 * EVERY);
    assert_eq!((starts(&lab, Node::Web1), starts(&lab, Node::Web2)), (2, 1));
    Ok(())
}

#[test]
fn missing_agent_of_running_service_is_reported_and_moves_nothing() -> Outcome {
    let Some(lab) = scripted("")? else { return Ok(()) };
    lab.run(Node::Web1, &["rm", "/etc/ha.d/resource.d/checked"])?;
    says(&lab, Node::Web1, &["hb", "status"], &["the check cannot be made", "no such agent"])?;
    std::thread::sleep(10 * EVERY);
    runs_on(&lab, Node::Web1)?;
    let told = lab.log(Node::Web1).matches("checked cannot be checked").count();
    assert_eq!((told, starts(&lab, Node::Web1)), (1, 1), "{}", lab.log(Node::Web1));
    lab.write_file(Node::Web1, "etc/ha.d/resource.d/checked", SCRIPT)?;
    says(&lab, Node::Web1, &["hb", "why"], &["checked is well again"])?;
    Ok(())
}

#[test]
fn hanging_check_deaf_to_sigterm_fails_in_time_and_leaves_no_process() -> Outcome {
    let Some(lab) = scripted("timeout 700ms")? else { return Ok(()) };
    lab.write_file(Node::Web1, "var/tmp/hang", "")?;
    lab.wait_for("the service is restarted", LIMIT, || starts(&lab, Node::Web1) == 2)?;
    runs_on(&lab, Node::Web1)?;
    lab.wait_for("no process is left", LIMIT, || {
        let left = lab.run(Node::Web1, &["pgrep", "-f", "sleep 31415"]);
        left.is_ok_and(|left| left.stdout.is_empty())
    })?;
    says(&lab, Node::Web1, &["hb", "why"], &["took too long and was killed"])?;
    Ok(())
}

#[test]
fn service_stopped_by_hand_during_hold_stays_stopped_until_release() -> Outcome {
    let Some(lab) = scripted("")? else { return Ok(()) };
    says(&lab, Node::Web1, &["hb", "hold", "--group", "192.168.122.100"], &[""])?;
    lab.run(Node::Web1, &["rm", "/run/checked"])?;
    says(&lab, Node::Web1, &["hb", "status"], &["checked: failed"])?;
    std::thread::sleep(5 * EVERY);
    assert_eq!(starts(&lab, Node::Web1), 1);
    says(&lab, Node::Web1, &["hb", "why"], &["it is left alone"])?;
    lab.run(Node::Web1, &["hb", "release", "--group", "192.168.122.100"])?;
    lab.wait_for("it is started again", LIMIT, || starts(&lab, Node::Web1) == 2)?;
    runs_on(&lab, Node::Web1)?;
    Ok(())
}
