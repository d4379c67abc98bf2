//! Services that fail while they run on a Systole node with `monitor` and `check` lines, beside a C node that
//! has no such lines: it would refuse the file.

use crate::watch::{Seen, watched};
use crate::{LIMIT, Outcome, errors, pair, print_logs, start, systole};
use std::thread::sleep;
use std::time::{Duration, Instant};
use systole_lab::{ClusterConfig, Daemon, Lab, LabError, Node, Order, Service};

const OURS: Node = Node::Web1;
const CLASSIC: Node = Node::Web2;
/// The time from one check to the next.
const EVERY: Duration = Duration::from_millis(500);
/// The longest wait for something after which a C node sleeps for half a minute.
const LONG: Duration = Duration::from_secs(90);
/// A script that can be made to hang when it is asked for its status.
const AGENT: &str = "/etc/ha.d/resource.d/checked";
const SCRIPT: &str = "#!/bin/sh
case $1 in
start) : >/run/checked ;;
stop) rm -f /run/checked ;;
status)
    if [ -e /var/tmp/hang ]; then rm /var/tmp/hang; trap '' TERM; sleep 31415 & wait; sleep 31415; fi
    if [ -e /run/checked ]; then echo running; else echo stopped; exit 3; fi ;;
esac
";
const NGINX_CONF: &str = "etc/nginx/nginx.conf";
/// The lines of the Systole node. Of a page that is not there, the script of nginx knows nothing.
const MONITORED: &str = "monitor nginx every 500ms timeout 2s restarts 2\n\
                         check nginx http http://192.168.122.100/ contains web\n";

fn config() -> ClusterConfig {
    let usual = ClusterConfig::default();
    ClusterConfig {
        groups: vec![format!("{OURS} IPaddr2::{}/24/eth0 nginx", usual.address)],
        keepalive: Duration::from_millis(500),
        deadtime: Duration::from_secs(4),
        warntime: Duration::from_secs(3),
        initdead: Duration::from_secs(6),
        ipfail: false,
        ..usual
    }
}

/// Prints the logs of both nodes when an assertion fails.
struct Logs<'a>(&'a Lab);

impl Drop for Logs<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            print_logs(self.0);
        }
    }
}

/// Starts a pair whose Systole node runs the service and checks it, lets something happen to it, and returns
/// what the client and an observer saw. Does nothing where something is missing.
fn monitored(
    what: &str,
    config: ClusterConfig,
    lines: &str,
    happens: impl Fn(&Lab) -> Result<(), LabError>,
) -> Result<Option<(Lab, Seen)>, Box<dyn std::error::Error>> {
    let serves = config.groups.iter().any(|group| group.contains("nginx"));
    if serves && config.service != Service::Nginx {
        println!("skipped: this machine has no nginx");
        return Ok(None);
    }
    let Some(lab) = pair(config, [systole(), Daemon::Classic])? else { return Ok(None) };
    lab.write_file(OURS, "etc/ha.d/ha.cf", &(lab.config().ha_cf(OURS) + lines))?;
    for node in Node::ALL {
        lab.write_file(node, &AGENT[1..], SCRIPT)?;
    }
    start(&lab).inspect_err(|_| print_logs(&lab))?;
    lab.wait_for_answer(OURS, &["hb", "status"], &[": running for", " ago in "])?;
    let logs = Logs(&lab);
    let (outcome, seen) = watched(&lab, || happens(&lab));
    outcome.inspect_err(|_| print_logs(&lab))?;
    drop(logs);
    let Seen { fetches, outages, looks, doubled } = &seen;
    println!("{what}: {fetches} fetches, {looks} looks at the owners");
    for outage in outages {
        println!("{what}: the client had no page for {} ms", outage.length.as_millis());
    }
    assert_eq!(doubled, &[], "two nodes had the address");
    assert!(lab.daemon_runs(CLASSIC), "the C daemon has ended");
    Ok(Some((lab, seen)))
}

/// Waits until the page comes from a node, which alone has the address.
fn serves(lab: &Lab, node: Node) -> Result<(), LabError> {
    let address = lab.config().address;
    lab.wait_for(&format!("{node} serves the page"), LONG, || {
        let page = lab.http_get(address);
        page.is_some_and(|page| page.contains(node.name())) && lab.owners(address) == [node]
    })?;
    Ok(())
}

/// Returns how often a node has started a resource.
fn starts(lab: &Lab, node: Node, resource: &str) -> usize {
    let log = lab.log(node);
    log.lines().filter(|line| line.contains(&format!("/{resource}  start"))).count()
}

/// Checks for a while that the address is on these nodes, and that nothing is started meanwhile.
fn nothing_happens(lab: &Lab, owners: &[Node], resource: &str) {
    let before = Node::ALL.map(|node| starts(lab, node, resource));
    let since = Instant::now();
    while since.elapsed() < 10 * EVERY {
        assert_eq!(lab.owners(lab.config().address), owners);
        sleep(Duration::from_millis(50));
    }
    assert_eq!(Node::ALL.map(|node| starts(lab, node, resource)), before);
}

/// The configuration is repaired, the failure cleared, and the C node told to give the set back.
fn comes_home(lab: &Lab, sound: &str) -> Result<(), LabError> {
    lab.write_file(OURS, NGINX_CONF, sound)?;
    let cleared = lab.run(OURS, &["hb", "clear"])?;
    assert!(cleared.success(), "{cleared:?}");
    lab.order(CLASSIC, Order::Standby, "all")?;
    serves(lab, OURS)?;
    lab.wait_for_answer(OURS, &["hb", "status"], &["nginx: running for", " ago in "])?;
    nothing_happens(lab, &[OURS], "nginx");
    Ok(())
}

/// Kills nginx, so that it is started again with the configuration that it finds.
fn kill_nginx(lab: &Lab) -> Result<(), LabError> {
    let told = lab.run(OURS, &["pkill", "-KILL", "-x", "nginx"])?;
    assert!(told.success(), "{told:?}");
    Ok(())
}

#[test]
fn nginx_whose_master_is_killed_is_restarted_in_place_beside_c_node() -> Outcome {
    let played = monitored("master of nginx killed", config(), MONITORED, |lab| {
        let told = lab.run(OURS, &["sh", "-ec", "kill -KILL $(cat /run/nginx.pid)"])?;
        assert!(told.success(), "{told:?}");
        lab.wait_for("it is started again", LIMIT, || starts(lab, OURS, "nginx") == 2)?;
        let wanted = ["nginx: running for", "restarted 1 of 2 times"];
        lab.wait_for_answer(OURS, &["hb", "status"], &wanted)?;
        serves(lab, OURS)?;
        nothing_happens(lab, &[OURS], "nginx");
        Ok(())
    })?;
    let Some((lab, seen)) = played else { return Ok(()) };
    // The workers serve until they are ended.
    assert!(seen.outages.len() <= 1, "{seen:?}");
    assert_eq!((starts(&lab, OURS, "nginx"), starts(&lab, CLASSIC, "nginx")), (2, 0));
    Ok(())
}

/// The master is well, and so is nginx for its script; of the services of this node only the check of the page
/// finds it.
#[test]
fn nginx_with_stopped_workers_is_killed_and_restarted_in_place_beside_c_node() -> Outcome {
    let played = monitored("workers stopped", config(), MONITORED, |lab| {
        let told = lab.run(OURS, &["sh", "-ec", "pkill -STOP -P $(cat /run/nginx.pid)"])?;
        assert!(told.success(), "{told:?}");
        let wanted = ["http://192.168.122.100:80/: no answer in time", "restart 1 of 2"];
        lab.wait_for_answer(OURS, &["hb", "why"], &wanted)?;
        serves(lab, OURS)?;
        nothing_happens(lab, &[OURS], "nginx");
        Ok(())
    })?;
    let Some((lab, seen)) = played else { return Ok(()) };
    assert_eq!(seen.outages.len(), 1, "{seen:?}");
    assert_eq!((starts(&lab, OURS, "nginx"), starts(&lab, CLASSIC, "nginx")), (2, 0));
    let left = lab.run(OURS, &["sh", "-c", "ps -o stat= -C nginx | grep -c T"])?;
    assert_eq!(left.stdout.trim(), "0", "a stopped worker is left");
    Ok(())
}

/// nginx starts, and has no page.
#[test]
fn nginx_without_page_uses_its_restarts_moves_to_c_node_and_returns_after_clear() -> Outcome {
    let played = monitored("no page", config(), MONITORED, |lab| {
        let sound = lab.read_file(OURS, NGINX_CONF);
        lab.write_file(OURS, NGINX_CONF, &sound.replace("/var/www/html", "/nowhere"))?;
        kill_nginx(lab)?;
        serves(lab, CLASSIC)?;
        let wanted = ["nginx failed on web1 while it ran", "status 404", "hb retry"];
        lab.wait_for_answer(OURS, &["hb", "status"], &wanted)?;
        nothing_happens(lab, &[CLASSIC], "nginx");
        assert_eq!((starts(lab, OURS, "nginx"), starts(lab, CLASSIC, "nginx")), (3, 1));
        comes_home(lab, &sound)
    })?;
    let Some((lab, _)) = played else { return Ok(()) };
    let errors = errors(&lab.log(CLASSIC));
    assert!(errors.is_empty(), "{errors:#?}");
    Ok(())
}

/// nginx does not even start again, although it may be restarted.
#[test]
fn nginx_that_does_not_start_again_moves_to_c_node_and_returns_after_clear() -> Outcome {
    monitored("no start", config(), MONITORED, |lab| {
        let sound = lab.read_file(OURS, NGINX_CONF);
        lab.write_file(OURS, NGINX_CONF, "nonsense;\n")?;
        kill_nginx(lab)?;
        serves(lab, CLASSIC)?;
        lab.wait_for_answer(OURS, &["hb", "status"], &["web1 could not start nginx"])?;
        nothing_happens(lab, &[CLASSIC], "nginx");
        assert_eq!((starts(lab, OURS, "nginx"), starts(lab, CLASSIC, "nginx")), (2, 1));
        comes_home(lab, &sound)
    })?;
    Ok(())
}

/// The C node gives back half a minute later what it could not start.
#[test]
fn nginx_broken_on_both_nodes_rests_without_another_start() -> Outcome {
    monitored("broken on both", config(), MONITORED, |lab| {
        let sound = lab.read_file(OURS, NGINX_CONF);
        lab.write_file(OURS, NGINX_CONF, &sound.replace("/var/www/html", "/nowhere"))?;
        lab.write_file(CLASSIC, NGINX_CONF, "nonsense;\n")?;
        kill_nginx(lab)?;
        let gives_up = || lab.log(CLASSIC).contains("Giving up resources due to failure of nginx");
        lab.wait_for("the C node gives up", LONG, gives_up)?;
        lab.wait_for("the C node gives the set away", LONG, || {
            lab.log(CLASSIC).contains("web2 wants to go standby [foreign]")
        })?;
        lab.wait_for("the address is away", LIMIT, || lab.owners(lab.config().address).is_empty())?;
        nothing_happens(lab, &[], "nginx");
        assert_eq!((starts(lab, OURS, "nginx"), starts(lab, CLASSIC, "nginx")), (3, 1));
        let told = lab.run(OURS, &["hb", "status"])?.stdout;
        println!("{told}");
        let lines = told.lines().filter(|line| line.contains("nginx failed on web1 while it ran"));
        assert_eq!(lines.count(), 1, "{told}");
        Ok(())
    })?;
    Ok(())
}

/// The check of a service whose script is missing, and one that hangs and ignores SIGTERM.
#[test]
fn check_that_cannot_be_made_moves_nothing_and_hanging_check_leaves_no_process() -> Outcome {
    let groups = vec![format!("{OURS} IPaddr2::{}/24/eth0 checked", config().address)];
    let lines = "monitor checked every 500ms timeout 1s\n";
    monitored("checks", ClusterConfig { groups, ..config() }, lines, |lab| {
        lab.run(OURS, &["mv", AGENT, "/var/tmp/checked"])?;
        lab.wait_for_answer(OURS, &["hb", "status"], &["the check cannot be made"])?;
        nothing_happens(lab, &[OURS], "checked");
        lab.run(OURS, &["mv", "/var/tmp/checked", AGENT])?;
        lab.wait_for_answer(OURS, &["hb", "why"], &["checked is well again"])?;
        lab.write_file(OURS, "var/tmp/hang", "")?;
        lab.wait_for("it is restarted", LIMIT, || starts(lab, OURS, "checked") == 2)?;
        lab.wait_for("no process is left", LIMIT, || {
            let left = lab.run(OURS, &["pgrep", "-f", "sleep 31415"]);
            left.is_ok_and(|left| left.stdout.is_empty())
        })?;
        nothing_happens(lab, &[OURS], "checked");
        Ok(())
    })?;
    Ok(())
}
